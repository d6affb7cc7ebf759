"""Talking to a server. psycopg lives here and in the sandbox, nowhere else."""
