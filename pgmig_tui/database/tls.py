"""Whether the server at the other end has proven who it is: verify-full first, and what is known of that afterwards.

libpq looks at no certificate unless an sslmode is named: whoever stands between us and a protected server could be that
server. Where nobody names one, the strictest is tried first; where that fails because of TLS, and of nothing else, the
session is opened as libpq would, and it is known to be unproven. Source: PostgreSQL documentation, "SSL Support".
"""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.project.verification import asked_of, is_loopback

if TYPE_CHECKING:
    import psycopg

    from pgmig_tui.database.connect import Reachable, Row

SYSTEM_SINCE = 16
"""The libpq that can look at the certificates of the system (sslrootcert=system)."""
_OF_TLS = re.compile(r"SSL|TLS|certificate|host name must be specified")
_ATTEMPT = re.compile(
    r"^- host: (?P<host>'[^']*'|None), port: (?P<port>'[^']*'|None), hostaddr: [^:]*(?:'[^']*')?: ", re.M
)
_PREFIX = re.compile(r'connection (failed|is bad): |connection to server at "[^"]*"( \([^)]*\))?, port \d+ failed: ')
_REMEMBERED_S = 60.0
"""After a failure the strictest isn't tried again for so long: a run opens many sessions."""
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

_Key = tuple[tuple[str, str], ...]
_outcomes: dict[_Key, tuple[str, float]] = {}
"""Of each server: why it has not proven who it is, "" where it has, and when that was seen (monotonic)."""


def strictest(target: Reachable, libpq_major: int | None = None) -> dict[str, str]:
    """What libpq is asked for: verify-full, by the certificates that it finds (`sslrootcert` of the target or its
    service, PGSSLROOTCERT, ~/.postgresql/root.crt), else by the system's; nothing where it can find none."""
    if libpq_major is None:
        from psycopg import pq

        libpq_major = pq.version() // 10000
    wanted = {"sslmode": "verify-full"}
    if getattr(target, "tls_roots", "") or _has_own_roots():
        return wanted
    if libpq_major >= SYSTEM_SINCE:
        return {**wanted, "sslrootcert": "system"}
    bundle = next((path for path in _BUNDLES if Path(path).is_file()), None)
    return {**wanted, "sslrootcert": bundle} if bundle else {}


def _has_own_roots() -> bool:
    try:
        home = os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
        return (Path(home) / ".postgresql" / "root.crt").is_file()
    except (KeyError, OSError):
        return False


def opened(
    target: Reachable, parameters: Mapping[str, str], dial: Callable[[Mapping[str, str]], psycopg.Connection[Row]]
) -> tuple[psycopg.Connection[Row], str]:
    """A session that `dial` opens with libpq's parameters, and why its server hasn't proven who it is: "" where it has,
    or needs not to.

    Raises psycopg.Error as `dial` does. Nobody is waited for twice: the second try is for servers that have answered
    the first one.
    """
    import psycopg

    if asked_of(target) != "try":
        return dial({**parameters, **settled(target)}), ""
    key, strict, again = _key(target), strictest(target), dict(parameters)
    why, seen = _outcomes.get(key, ("", 0.0))
    if not strict:
        why = "there is no root certificate to look at its certificate with (~/.postgresql/root.crt)"
    elif not why or time.monotonic() - seen > _REMEMBERED_S:
        try:
            connection = dial({**parameters, **strict})
        except psycopg.Error as error:
            text = str(error)
            if not is_of_tls(text):
                raise
            why = _reason(text)
            again |= _hosts_that_answered(text, target.conninfo)
        else:
            _outcomes[key] = ("", time.monotonic())
            return connection, ""
    connection = dial({**again, "sslmode": "prefer"})
    if is_loopback(connection.info.hostaddr or ""):
        return connection, ""
    _outcomes[key] = (why, time.monotonic())
    return connection, why


def is_of_tls(text: str) -> bool:
    """Whether that is what libpq says where TLS, or a certificate, is why there is no session."""
    return _OF_TLS.search(text) is not None


def settled(target: Reachable, libpq_major: int | None = None) -> dict[str, str]:
    """What whoever connects to `target` by itself asks libpq for: the strictest where pgmig.toml demands it, or where
    this process has seen last that the server can prove who it is; nothing else."""
    verification = asked_of(target)
    why, seen = _outcomes.get(_key(target), ("", 0.0))
    if verification == "enforce" or (verification == "try" and seen and not why):
        return strictest(target, libpq_major)
    return {}


def _key(target: Reachable) -> _Key:
    return tuple(sorted(target.conninfo.items()))


def _reason(text: str) -> str:
    """In libpq's words, the first that is about TLS."""
    line = next(line for line in text.splitlines() if _OF_TLS.search(line))
    return _PREFIX.sub("", _ATTEMPT.sub("", line)).strip()


def _hosts_that_answered(text: str, conninfo: Mapping[str, str]) -> dict[str, str]:
    """Of several hosts those whose answer was about TLS: who hasn't answered isn't waited for once more."""
    parts = _ATTEMPT.split(text)
    if len(parts) < 4 or "," not in conninfo.get("host", "") or conninfo.get("hostaddr"):
        return {}
    found = [
        (host.strip("'"), port.strip("'"))
        for host, port, told in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        if _OF_TLS.search(told) and host != "None" and port != "None"
    ]
    unique = list(dict.fromkeys(found))
    return {"host": ",".join(host for host, _ in unique), "port": ",".join(port for _, port in unique)}
