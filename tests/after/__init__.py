"""What is claimed after a run, recomputed from the database."""
