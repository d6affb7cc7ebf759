"""The screens of the program, one screen a file."""
