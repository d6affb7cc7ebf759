"""Trying it out: the demonstration."""
