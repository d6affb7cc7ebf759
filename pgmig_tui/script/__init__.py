"""What one SQL file says: psql's own reading of it."""
