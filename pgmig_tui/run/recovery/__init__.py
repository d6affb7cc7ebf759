"""What became of a run that was cut off, by evidence: the journal, the registry, the catalog; and how it is settled."""
