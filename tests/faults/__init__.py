"""Faults at every transition of a run's journal, and whether the truth is found out after each."""
