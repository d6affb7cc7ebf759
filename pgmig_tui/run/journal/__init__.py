"""What is kept of a run, in a folder of its own: its plan, the frozen scripts, the journal of its events and what they
say; and what stays beside it for the runs after it."""
