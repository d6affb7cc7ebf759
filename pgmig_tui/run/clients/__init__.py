"""The way to a run process, and to runs of others: start, join, stop, roll back, undo."""
