"""Values in words: what the command line and the screen both draw."""
