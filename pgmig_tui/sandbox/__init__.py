"""Embedded PostgreSQL servers of our own."""
