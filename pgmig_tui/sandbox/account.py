"""Which account runs the server: ourselves, or as root an account that is there already and may do little."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.errors import PgmigError

# PostgreSQL's programs refuse to run as root. We never create an account: these are tried in this order.
_UNPRIVILEGED = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the server's programs run under."""

    name: str
    uid: int
    gid: int
    ours: bool
    """Whether it is the account that we run under ourselves."""

    def run(self, command: list[str | Path], *, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL under this account, with none of our own settings (PG*, LD_*, locale)."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        try:
            return subprocess.run(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                umask=0o077,
                user=None if self.ours else self.uid,
                group=None if self.ours else self.gid,
                extra_groups=None if self.ours else [],
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PgmigError(
                f"{Path(command[0]).name} can't be run as {self.name}: {error}", now="The server was not started."
            ) from error

    def may_enter(self, folder: Path) -> bool:
        """Whether this account can reach things below `folder`, or below its nearest parent that exists."""
        while not folder.exists():
            folder = folder.parent
        return self.run(["test", "-x", folder], cwd=Path("/")).returncode == 0


def starter() -> str:
    """The name of the account that we run under; peer authentication and initdb both want it to have one."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise PgmigError(
            f"User {os.geteuid()} has no entry in the passwd file, and PostgreSQL doesn't run without one.",
            now="Nothing was started.",
            do="Run as a user that has one, or as root.",
        ) from None


def server_account() -> Account:
    """The account for the server's programs."""
    name = starter()
    if os.geteuid() != 0:
        return Account(name, os.geteuid(), os.getegid(), ours=True)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
            grp.getgrgid(entry.pw_gid)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, ours=False)
    raise PgmigError(
        "PostgreSQL doesn't run as root, and this machine has neither an account postgres nor nobody to run it as.",
        now="Nothing was started.",
        do="Run as a plain user.",
    )
