"""The rules, one file a group: each says what it is called (RULES) and looks at the statements it is about (CHECKS)."""
