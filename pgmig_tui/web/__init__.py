"""The screen in a browser of this machine: who may open it, and how it gets there. Only `pgmig-tui serve` needs it."""
