"""Reports of runs in words."""
