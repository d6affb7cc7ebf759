"""Where a rehearsal happens: a scratch database on a server of our own, or on one that the operator named.

Our own server (one a major version, kept below the state folder) holds nothing but a rehearsal while its lock is held:
whatever is there at the start was left by a process that was killed, and goes. On a server that others use, every
scratch database has a keeper: a session named after it, which ends with its creator; a database without one goes.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, connect, guard_sql
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.plan import Endpoint
from pgmig_tui.sandbox.installation import Installation, find_installations
from pgmig_tui.sandbox.server import SUPERUSER, SandboxServer, home_for

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Reachable

PREFIX = "pgmig_rehearsal_"
_SETTINGS = {
    "autovacuum": "off",  # its locks and its ANALYZE would be taken for the script's
    "fsync": "off",
    "max_connections": "30",
    "max_prepared_transactions": "10",
    "wal_level": "logical",
}
_NOTHING = "Nothing was rehearsed."

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A server for scratch databases. `ours`: nobody else uses it, so that roles and tablespaces may be made there."""

    admin: Endpoint
    ours: bool
    version_num: int
    description: str

    def endpoint(self, database: str, user: str = "", password: str | None = None) -> Endpoint:
        """A database there, as the administrator or as `user`."""
        conninfo = {**self.admin.conninfo, "dbname": database}
        if user:
            conninfo["user"] = user
            return Endpoint(f"the scratch database as {user}", conninfo, password)
        return replace(self.admin, conninfo=conninfo)

    def session(self, database: str = "", part: str = "admin") -> Connection:
        """An administrator's session of ours, on the scratch database or the maintenance one."""
        where = self.endpoint(database) if database else self.admin
        connection = connect(where, application_name=f"pgmig/rehearsal/{part}")
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        connection.execute("SET jit = off")  # compiling a question to the catalog takes longer than answering it
        return connection


@contextlib.contextmanager
def embedded(major: int, folder: Path, say: Say) -> Iterator[Place]:
    """Our own server of that major version, or the nearest newer one there is. One rehearsal at a time; others wait.

    It is started if need be, swept before and after, and stopped again. Raises PgmigError without an installation.
    """
    installation = _installation(major)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = home_for(folder / f"server-{installation.major}")
    with _alone(folder / f"lock-{installation.major}", say):
        server = SandboxServer(home, installation, settings=_SETTINGS)
        say(f"starting PostgreSQL {installation.version} for the rehearsal")
        _start(server)
        try:
            conninfo = {"host": str(server.socket_dir), "port": "5432", "user": SUPERUSER, "dbname": "postgres"}
            admin = Endpoint("the rehearsal's server", conninfo)
            place = Place(admin, True, 0, f"PostgreSQL {installation.version} of our own")
            _wipe(place, server)
            with place.session() as connection:
                place = replace(place, version_num=connection.server_version_num)
            yield place
            _wipe(place, server)
        finally:
            server.stop()


@contextlib.contextmanager
def configured(target: Reachable, version_num: int) -> Iterator[Place]:
    """A server that the operator named. Leftovers of rehearsals whose process is gone are removed there first."""
    admin = Endpoint(target.display, dict(target.conninfo), target.password, target.secrets)
    place = Place(admin, False, version_num, f"the server {target.display}")
    with place.session() as connection:
        _sweep(connection)
        yield place


@contextlib.contextmanager
def scratch_database(place: Place, encoding: str) -> Iterator[str]:
    """A new empty database with that encoding; it is removed however this ends."""
    name = PREFIX + secrets.token_hex(6)
    with place.session(part=_keeper(name)) as keeper:
        keeper.execute(
            f"CREATE DATABASE {ident(name)} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            yield name
        finally:
            with contextlib.suppress(PgmigError):
                _forget_prepared(place, name)
                keeper.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")


def _forget_prepared(place: Place, name: str) -> None:
    """Transactions that a script prepared would keep the database from being dropped."""
    with place.session(name) as connection:
        rows = connection.execute(
            "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()"
        )
        for (gid,) in rows:
            connection.execute(f"ROLLBACK PREPARED {literal(gid)}")


def leftovers(connection: Connection) -> list[str]:
    """Scratch databases whose creator is gone."""
    rows = connection.execute(
        "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname ~ %s AND NOT EXISTS (SELECT FROM"
        " pg_catalog.pg_stat_activity a WHERE a.application_name = 'pgmig/rehearsal/' || right(d.datname, 12))",
        [f"^{PREFIX}[0-9a-f]{{12}}$"],
    )
    return [str(name) for (name,) in rows]


def _keeper(name: str) -> str:
    return name.removeprefix(PREFIX)


def _sweep(connection: Connection) -> None:
    for name in leftovers(connection):
        connection.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")


def _wipe(place: Place, server: SandboxServer) -> None:
    """Make our own server as new; where something there can't be removed, by making it anew."""
    try:
        with place.session() as connection:
            _remove_all(connection)
    except PgmigError:
        server.destroy()
        server.start()


def _remove_all(connection: Connection) -> None:
    """Databases, tablespaces, roles and settings that scripts and clones have made."""
    asked = connection.execute(
        "SELECT datname FROM pg_catalog.pg_database WHERE datname <> 'postgres' AND oid >= 16384"
    )
    for (name,) in asked:
        connection.execute(f"ALTER DATABASE {ident(name)} IS_TEMPLATE false")
        connection.execute(f"DROP DATABASE {ident(name)} WITH (FORCE)")
    for (name,) in connection.execute("SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid >= 16384"):
        connection.execute(f"DROP TABLESPACE {ident(name)}")
    roles = [name for (name,) in connection.execute("SELECT rolname FROM pg_catalog.pg_roles WHERE oid >= 16384")]
    if roles:
        listed = ", ".join(ident(name) for name in roles)
        connection.execute(f"DROP OWNED BY {listed} CASCADE; DROP ROLE {listed}")
    connection.execute("ALTER SYSTEM RESET ALL")
    connection.execute("ALTER ROLE ALL RESET ALL")
    connection.execute(f"ALTER ROLE {ident(SUPERUSER)} RESET ALL")


def _installation(major: int) -> Installation:
    found = find_installations()
    if not found:
        raise PgmigError(
            "A rehearsal needs the programs of a PostgreSQL server; there are none here.",
            now=_NOTHING,
            do="Run: pip install 'pgmig-tui[demo]' - or name a server with --server URI.",
        )
    for one in found:
        if one.major == major:
            return one
    newer = [one for one in found if one.major > major]
    return min(newer, key=lambda one: one.major) if newer else max(found, key=lambda one: one.major)


def _start(server: SandboxServer) -> None:
    try:
        server.start()
    except PgmigError:
        # An ALTER SYSTEM of a rehearsed script can keep a server from starting; nothing in it is worth keeping.
        server.destroy()
        server.start()


@contextlib.contextmanager
def _alone(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another rehearsal to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


__all__ = ["PREFIX", "Place", "configured", "embedded", "leftovers", "scratch_database"]
