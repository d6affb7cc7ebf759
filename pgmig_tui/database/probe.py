"""Do two addresses lead to one server? Found out alive, for nothing that a server stores can tell.

A copy of a cluster's files carries its system identifier, timeline, database OIDs and every row. What it can't carry is
a lock that is taken now: one with a random key, taken through one address, is looked for in pg_locks through the other.
Every login may see advisory locks, those of other databases too (PostgreSQL documentation, "pg_locks"; seen on 13-18).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pgmig_tui.database import tls
from pgmig_tui.database.connect import Connection, Reachable, application_name, connect
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.text import load
from pgmig_tui.errors import PgmigError

Relation = Literal["same", "other", "unknown"]
"""same: one server and database · other: two servers, perhaps copies of each other, or two databases · unknown: one of
them can't be asked."""

CONNECT_S = 5
ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe has found out, and why it is not known where it isn't ("" else)."""

    relation: Relation
    why: str = ""


@dataclass(frozen=True)
class Address:
    """One server, by the very address that has answered: `conninfo` names a single host and port, and no secret."""

    display: str
    conninfo: dict[str, str]
    password: str | None = field(default=None, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for addresses that are written alike. Different ones may lead to one server all the same."""
        return tuple(self.conninfo.get(part, "") for part in ("host", "hostaddr", "port", "dbname"))


def address_of(target: Reachable, host: str, port: str, database: str) -> Address:
    """The address of the server that has answered as `host` (a name, an address or a socket's folder) and `port`."""
    conninfo = {**target.conninfo, **tls.settled(target)}
    conninfo.pop("target_session_attrs", None)  # whoever is a standby now shall say so
    conninfo |= {"host": host, "port": port}
    conninfo.setdefault("dbname", database)
    if "," in conninfo.get("hostaddr", ""):
        del conninfo["hostaddr"]  # one of several hosts: its name leads there
    return Address(target.display, conninfo, target.password, target.secrets)


def probe(connection: Connection, other: Reachable) -> Probed:
    """Whether `other` leads to the very server and database that `connection` is on. Never raises for the other side.

    `connection` must be idle; a transaction is opened and rolled back on it. Takes up to CONNECT_S and ANSWER_S where
    nobody answers. Raises ServerError, ConnectionLost for `connection`.
    """
    key = secrets.randbits(62)
    try:
        name = application_name("probe", "watch")
        looking = connect(other, application_name=name, connect_timeout=CONNECT_S, kind="watch")
    except PgmigError as error:
        return Probed("unknown", error.what)
    with looking:
        connection.execute("BEGIN")
        try:
            row = connection.one(f"SELECT pg_catalog.pg_try_advisory_xact_lock({key}), pg_catalog.current_database()")
            assert row is not None
            return _look(looking, other.display, key, str(row[1]))
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")


def _look(looking: Connection, display: str, key: int, database: str) -> Probed:
    try:
        with deadline(looking, ANSWER_S, display):
            row = looking.one(load("queries/probe"), {"high": key >> 32, "low": key & 0xFFFFFFFF})
    except PgmigError as error:
        return Probed("unknown", error.what)
    assert row is not None
    seen, standby, name = row
    if name != database:
        return Probed("other")
    if seen:
        return Probed("same")
    if standby:
        return Probed("unknown", f"{display} leads to a standby now")
    return Probed("other")
