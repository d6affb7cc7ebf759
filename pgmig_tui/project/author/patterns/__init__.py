"""Changes made from patterns: what a person answers goes in, the texts of scripts come out. Nothing is read or written.

Each pattern does what it does in as many changes as are needed for no lock to be held while rows are read or written.
"""
