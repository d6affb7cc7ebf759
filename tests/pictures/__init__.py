"""Makes the pictures under docs/screens/ from the demonstration, and says which of them are out of date."""
