"""What an operator asks before and after a run, once for the command line and the screen."""
