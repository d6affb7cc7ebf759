"""From facts to lines of text with roles: pure functions, which draw nothing."""
