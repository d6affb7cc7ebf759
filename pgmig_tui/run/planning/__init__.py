"""Everything that can be known before the first statement: which steps, what they lose, whether they may run here."""
