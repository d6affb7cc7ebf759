"""The sample project on a server of its own, in three environments, to try everything out."""
