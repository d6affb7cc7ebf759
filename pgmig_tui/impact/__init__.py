"""What a statement will do: locks, rewrites, scans, data loss."""
