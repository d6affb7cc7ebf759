"""May we? Checklists, attestations and backups."""
