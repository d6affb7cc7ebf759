"""The insides of a run process: its sessions, its steps, and what it does while it waits."""
