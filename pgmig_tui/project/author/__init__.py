"""Writes what `project` reads: a plan, byte for byte as `sqitch` writes it, and the scripts of its changes."""
