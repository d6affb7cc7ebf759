"""What a reviewer would say of scripts before anything runs: the guidelines, without a project and without a server."""
