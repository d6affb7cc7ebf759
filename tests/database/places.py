"""Targets, plans and sessions for the tests of `database` and `gates`: plain values, real servers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from pgmig_tui.database.connect import Connection, connect, guard_sql
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.registry import DeployedChange, DeployedTag
from pgmig_tui.project.identity import Operator
from pgmig_tui.project.plan import Plan, parse_plan
from pgmig_tui.project.verification import Verification
from tests.servers import Server

Databases = Callable[..., str]
"""The fixture `database_on`."""

OPERATOR = Operator("Test Operator", "operator@example.com")


@dataclass
class Place:
    """What `connect` and its callers need of a target."""

    conninfo: dict[str, str]
    password: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    display: str = "db:pg:test"
    registry: str = "sqitch"
    verification: Verification = ""
    tls_left_open: bool = False


def place(server: Server, dbname: str, **more: str) -> Place:
    password = more.pop("password", None)
    return Place({**server.parameters, "dbname": dbname, **more}, password)


@contextmanager
def session(server: Server, dbname: str, name: str = "pgmig/test/control", **more: str) -> Iterator[Connection]:
    """One of our own sessions, with the guards of a control session, that may write."""
    with connect(place(server, dbname, **more), application_name=name) as connection:
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        let_write(connection)
        yield connection


def plan(text: str, project: str = "flip") -> Plan:
    """A plan from its body; the header is added."""
    return parse_plan(f"%syntax-version=1.0.0\n%project={project}\n\n{text}".encode(), Path("sqitch.plan"))


def row(number: int, name: str, project: str = "other", *tags: str, script_hash: str | None = None) -> DeployedChange:
    """The `number`th deployed change; its tags follow it at once."""
    tag_rows = tuple(DeployedTag(f"{tag}-id", tag, f"2026-01-01T00:00:{number:02}.5Z") for tag in tags)
    at = f"2026-01-01T00:00:{number:02}.0Z"
    change_id = f"{number:040x}"
    return DeployedChange(change_id, script_hash, name, project, "", at, "c", "c@x", at, "p", "p@x", tag_rows)


@contextmanager
def role(server: Server, options: str = "") -> Iterator[dict[str, str]]:
    """A fresh login role, as the keywords that `place` takes; what it owns and may do goes with it."""
    name, password = f"test_{secrets.token_hex(6)}", f"secret_{secrets.token_hex(6)}"
    server.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' {options}")
    try:
        yield {"user": name, "password": password}
    finally:
        for (database,) in server.execute("SELECT datname FROM pg_database WHERE datallowconn"):
            with suppress(psycopg.OperationalError):  # dropped by another test in this moment
                server.execute(f'DROP OWNED BY "{name}" CASCADE', database)
        server.execute(f'DROP ROLE "{name}"')


def reads_all(server: Server) -> str:
    """Options of a role that may dump any database: 13 has no role for that."""
    return "IN ROLE pg_read_all_data" if server.version_num >= 140000 else "SUPERUSER"


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Poll until `condition` holds; fails the test when it doesn't in time."""
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


UNGUARDED = "guard AS (SELECT pg_catalog.clock_timestamp() AS at)"
"""For `record_sql`, where a test fills a registry and nobody else is there."""
