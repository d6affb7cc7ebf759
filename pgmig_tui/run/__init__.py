"""Carrying a plan out: steps, the journal, the run process."""
