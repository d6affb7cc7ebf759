"""The real sqitch program, for tests that take turns with it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

OPERATOR = {"SQITCH_FULLNAME": "Test Operator", "SQITCH_EMAIL": "operator@example.com"}


@dataclass(frozen=True, slots=True)
class Sqitch:
    """sqitch on one project, without anybody's own configuration and with a psql of the server's version."""

    project: Path
    psql: Path
    """The bare program: Debian's /usr/bin/psql is a wrapper that costs more than it runs."""

    def run(self, command: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command and hand back what it said; `check` raises with its output when it failed."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SQITCH_", "PG"))}
        environment |= {"SQITCH_SYSTEM_CONFIG": os.devnull, "SQITCH_USER_CONFIG": os.devnull, "TZ": "UTC", **OPERATOR}
        client = ["--client", str(self.psql)] if command in {"deploy", "revert", "verify", "status", "log"} else []
        done = subprocess.run(
            ["sqitch", command, *client, *arguments],
            cwd=self.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, f"sqitch {command}: {done.returncode}\n{done.stdout}"
        return done
