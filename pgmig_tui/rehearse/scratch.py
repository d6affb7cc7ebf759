"""Where a rehearsal happens: a scratch database on a server of our own, or on one that the operator named.

Our own server (one a major version, below the state folder) is made for a rehearsal and removed with it, under a lock:
whatever is there at the start was left by a process that was killed, and goes. On a server that others use, every
scratch database has a keeper: a session named after it, which ends with its creator; a database without one goes.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError, connect
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.installation import Installation, find_installations
from pgmig_tui.sandbox.programs import removed_with_us
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
class ScratchServer:
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
        let_write(connection, scratch=True)
        connection.execute("SET jit = off")  # compiling a question to the catalog takes longer than answering it
        return connection


@contextlib.contextmanager
def embedded(
    major: int,
    folder: Path,
    say: Say,
    *,
    settings: Mapping[str, str] = _SETTINGS,
    extensions: Collection[str] = (),
) -> Iterator[ScratchServer]:
    """Our own server of that major version, or the nearest newer one there is, with these `extensions` at hand where
    one has them. One rehearsal at a time; others wait.

    It is made for this rehearsal and goes with it, however we end: its log and its WAL hold what scripts said, and
    perhaps a password. Raises PgmigError without an installation, or where its folder can't be written.
    """
    installation = _installation(major, extensions)
    home = home_for(folder / f"server-{installation.major}")
    with _alone(folder, installation.major, say) as lock:
        server = SandboxServer(home, installation, settings=settings, keeps_blank=True)
        if any(folder.exists() for folder in server.holds_data):
            say("removing what a rehearsal has left that was killed")
        with _folder_problems(home):
            server.clear()
        with removed_with_us(server.holds_data, server=server.data, lock=lock):
            say(f"starting PostgreSQL {installation.version} for the rehearsal")
            with _folder_problems(home):
                server.start()
            conninfo = {"host": str(server.socket_dir), "port": "5432", "user": SUPERUSER, "dbname": "postgres"}
            admin = Endpoint("the rehearsal's server", conninfo)
            scratch = ScratchServer(admin, True, 0, f"PostgreSQL {installation.version} of our own")
            with scratch.session() as connection:
                scratch = replace(scratch, version_num=connection.server_version_num)
            yield scratch


@contextlib.contextmanager
def configured(target: Reachable, version_num: int, say: Say) -> Iterator[ScratchServer]:
    """A server that the operator named. Leftovers of rehearsals whose process is gone are removed there first."""
    admin = Endpoint(target.display, dict(target.conninfo), target.password, target.secrets)
    scratch = ScratchServer(admin, False, version_num, f"the server {target.display}")
    with scratch.session() as connection:
        for name in leftovers(connection):
            say(f"removing the scratch database {name} of a rehearsal that was killed")
            connection.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")
        yield scratch


@contextlib.contextmanager
def scratch_database(
    scratch: ScratchServer, encoding: str, locale: tuple[str, str] = ("C", "C"), *, copy_of: str = ""
) -> Iterator[str]:
    """A new empty database with that encoding and that collation and character type, or C's where that server hasn't
    them; or a copy of a database in which nobody has a session. It is removed however this ends."""
    name = PREFIX + secrets.token_hex(6)
    with scratch.session(part=_keeper(name)) as keeper:
        if copy_of:
            keeper.execute(f"CREATE DATABASE {ident(name)} TEMPLATE {ident(copy_of)}")
        else:
            _create(keeper, name, encoding, locale)
        try:
            yield name
        finally:
            with contextlib.suppress(PgmigError):
                _forget_prepared(scratch, name)
                keeper.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")


def available(scratch: ScratchServer, names: Collection[str]) -> list[str]:
    """Those of these extensions that could be made on the server."""
    with scratch.session() as admin:
        there = {str(name) for (name,) in admin.execute("SELECT name FROM pg_catalog.pg_available_extensions")}
    return [name for name in names if name in there]


def _create(keeper: Connection, name: str, encoding: str, locale: tuple[str, str]) -> None:
    create = f"CREATE DATABASE {ident(name)} TEMPLATE template0 ENCODING {literal(encoding)}"
    if locale != ("C", "C"):
        collate, ctype = locale
        with contextlib.suppress(ServerError):
            keeper.execute(f"{create} LC_COLLATE {literal(collate)} LC_CTYPE {literal(ctype)}")
            return
    keeper.execute(f"{create} LC_COLLATE 'C' LC_CTYPE 'C'")


def _forget_prepared(scratch: ScratchServer, name: str) -> None:
    """Transactions that a script prepared would keep the database from being dropped."""
    with scratch.session(name) as connection:
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


def _installation(major: int, extensions: Collection[str] = ()) -> Installation:
    """The nearest that isn't older and has all these extensions, else the nearest that isn't older, else the newest."""
    found = find_installations()
    if not found:
        raise PgmigError(
            "A rehearsal needs the programs of a PostgreSQL server; there are none here.",
            now=_NOTHING,
            do="Run: pip install 'pgmig-tui[demo]' - or name a server with --server URI.",
        )
    fitting = [one for one in found if one.major >= major]
    if not fitting:
        return max(found, key=lambda one: one.major)
    complete = [one for one in fitting if all(one.has_extension(name) for name in extensions)]
    return min(complete or fitting, key=lambda one: one.major)


@contextlib.contextmanager
def _alone(folder: Path, major: int, say: Say) -> Iterator[int]:
    """One rehearsal on a server at a time. Yields the descriptor that holds the lock."""
    with _folder_problems(folder):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        file = (folder / f"lock-{major}").open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another rehearsal to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextlib.contextmanager
def _folder_problems(folder: Path) -> Iterator[None]:
    """Say what it means that the server's folder can't be written. Raises PgmigError."""
    try:
        yield
    except OSError as error:
        raise PgmigError(
            f"the folder of the rehearsals' server can't be written: {error.strerror or error} ({folder})",
            now=_NOTHING,
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        ) from error


__all__ = ["PREFIX", "ScratchServer", "available", "configured", "embedded", "leftovers", "scratch_database"]
