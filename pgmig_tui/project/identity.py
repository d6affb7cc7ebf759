"""Who deploys: the name and e-mail that go into the registry.

Source: `sqitch-environment` and `sqitch-config` manual pages; order as observed on Sqitch 1.3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.config import Config


@dataclass(frozen=True, slots=True)
class Operator:
    """The committer of registry rows. As text: `Ada Lovelace <ada@example.org>`."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class OsUser:
    """What the operating system knows of the user: login name, full name (the GECOS field), host name."""

    login: str
    full_name: str
    host: str


def os_user(env: Mapping[str, str]) -> OsUser:
    """Ask the operating system who runs this process."""
    import os
    import pwd
    import socket

    login = env.get("SQITCH_ORIG_SYSUSER", "")
    if not login:
        try:
            login = os.getlogin()
        except OSError:  # no terminal
            login = ""
    try:
        login = login or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a passwd entry
        login = env.get("LOGNAME") or env.get("USER") or env.get("USERNAME", "")
    try:
        full_name = pwd.getpwnam(login).pw_gecos
    except KeyError:
        full_name = ""
    return OsUser(login, full_name, socket.gethostname())


def find_operator(config: Config, env: Mapping[str, str], user: OsUser | None = None) -> Operator:
    """Return the operator: SQITCH_* variables, then `[user]`, then SQITCH_ORIG_* variables, then the OS user.

    Raises ProjectError when there is no name, or one that a plan or registry can't hold.
    """
    name = env.get("SQITCH_FULLNAME") or config.get("user.name") or env.get("SQITCH_ORIG_FULLNAME") or ""
    email = env.get("SQITCH_EMAIL") or config.get("user.email") or env.get("SQITCH_ORIG_EMAIL") or ""
    if not name or not email:
        user = user or os_user(env)
        name = name or user.full_name or user.login
        email = email or (f"{user.login}@{user.host}" if user.login else "")
    if not name or not email:
        raise ProjectError(
            "Your name and e-mail address can't be found.",
            do="Set [user] name and email in sqitch.conf, or SQITCH_FULLNAME and SQITCH_EMAIL.",
        )
    if "<" in name or name.startswith("[") or ">" in email:
        raise ProjectError(
            f"Your name or e-mail address can't be used: {name} <{email}>.",
            do='No "<" in the name, no "[" before it, no ">" in the address: set SQITCH_FULLNAME, SQITCH_EMAIL.',
        )
    return Operator(name, email)
