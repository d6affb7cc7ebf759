"""Real PostgreSQL servers for the tests: what a test sees of one, and where it comes from."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that tests share: make databases and roles of your own, with names of your own."""

    parameters: Mapping[str, str]
    """libpq keywords of a superuser, without dbname."""
    version_num: int
    """As the server's `server_version_num`: 180006."""
    bin_dir: Path
    """Folder of psql, pg_dump and pg_restore, of the same major version or a newer one."""
    template: Callable[[], str] = field(default=lambda: "", compare=False)
    """What stands behind CREATE DATABASE where a test says nothing else."""

    def conninfo(self, dbname: str, **more: str) -> str:
        """libpq keyword string; `more` overrides or adds keywords (user=, password=, …)."""
        return make_conninfo("", **{**self.parameters, "dbname": dbname, **more})

    def uri(self, dbname: str) -> str:
        """`db:pg:` URI as Sqitch and pgmig-tui take it; a socket folder is percent-encoded as the host."""
        user, host, port = (quote(self.parameters.get(key, ""), safe="") for key in ("user", "host", "port"))
        return f"db:pg://{user + '@' if user else ''}{host}{':' + port if port else ''}/{quote(dbname, safe='')}"

    def execute(self, sql: str, dbname: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement in autocommit as superuser; its rows, if it has any."""
        with psycopg.connect(self.conninfo(dbname), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def create_database(self, options: str = "") -> str:
        """A fresh empty database under a name that no other test has; `options` go behind CREATE DATABASE. Where there
        are none, it has the traps of `tests.trap_set`."""
        name = f"test_{secrets.token_hex(6)}"
        # Without WAL of each page: a third of the time in memory.
        copied = "STRATEGY FILE_COPY" if self.version_num >= 150000 else ""
        self.execute(f'CREATE DATABASE "{name}" {options or self.template()} {copied}')
        return name

    def drop_database(self, name: str) -> None:
        with suppress(psycopg.errors.InvalidCatalogName):
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def server_of(conninfo: str, bin_dir: Path) -> Server:
    """The running server behind a libpq keyword string."""
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        version_num = connection.info.server_version
    parameters = {key: str(value) for key, value in conninfo_to_dict(conninfo).items() if key != "dbname"}
    return Server(parameters, version_num, bin_dir)


def running_server(major: int) -> str | None:
    """PGMIG_TEST_PG18 and its like name a server that runs already, which saves its start while developing."""
    return os.environ.get(f"PGMIG_TEST_PG{major}")
