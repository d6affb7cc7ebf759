"""One statement over many rows, in batches, each committed for itself."""
