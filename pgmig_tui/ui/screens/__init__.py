"""The places of the program, one screen a file."""
