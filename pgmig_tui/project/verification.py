"""Whether a target leaves it open how its server proves who it is, and leads over a network where that matters.

Source: PostgreSQL documentation, "SSL Support" (libpq): unless an sslmode is named, no certificate is looked at.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Literal

Verification = Literal["", "try", "enforce"]
"""`try`: verify-full first, then as libpq would; `enforce`: verify-full or nothing; "": as libpq would."""
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


def asked_of(target: object) -> Verification:
    """How the server of this target has to prove who it is; "" for what is no environment's target, such as an address
    by which somebody is reached once more."""
    found: Verification = getattr(target, "verification", "")
    return found


def is_loopback(host: str) -> bool:
    """True for a name or an address of this very host; what a name leads to isn't looked up."""
    host = host.strip().lower().rstrip(".")
    if host in _LOCAL_NAMES or re.fullmatch(r"127(\.\d+){0,3}", host):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def left_open(conninfo: Mapping[str, str], service: Mapping[str, str], env: Mapping[str, str]) -> bool:
    """True where nobody names an sslmode (the target, its service or PGSSLMODE, of which an empty one names none), and
    one of its hosts is reached over a network."""

    def known(key: str, variable: str) -> str:
        return conninfo.get(key) or service.get(key) or env.get(variable, "")

    if known("sslmode", "PGSSLMODE") or known("requiressl", "PGREQUIRESSL") == "1":
        return False
    hosts = known("host", "PGHOST").split(",")
    addresses = known("hostaddr", "PGHOSTADDR").split(",")
    for at in range(max(len(hosts), len(addresses))):
        host = (addresses[at] if at < len(addresses) else "") or (hosts[at] if at < len(hosts) else "")
        if host.strip() and not host.startswith(("/", "@")) and not is_loopback(host):
            return True
    return False
