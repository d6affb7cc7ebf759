"""What screens may ask for, and what answers it: the project, its environments, its runs."""
