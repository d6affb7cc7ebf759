"""A copy of a database without its rows: its schema by pg_dump, and stand-ins for what lies outside of a dump."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgmig_tui.database import tls
from pgmig_tui.database.activity import end_sessions
from pgmig_tui.database.connect import Connection, Reachable
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates.backup import LOCK_WAIT
from pgmig_tui.rehearse.scratch import ScratchServer
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.programs import Tools, conninfo_text, find_tools, libpq_environment, run_program, work_folder

_STATISTICS_FROM = 18
_STOP_S = 10.0
_NOTHING = "Nothing was rehearsed; the target was only read."
_FLAGS = {
    "super": "SUPERUSER",
    "createrole": "CREATEROLE",
    "createdb": "CREATEDB",
    "bypassrls": "BYPASSRLS",
    "replication": "REPLICATION",
}
# Settings that newer programs write into every restore and older servers don't know.
_UNKNOWN_SETTING = re.compile(r'unrecognized configuration parameter "(transaction_timeout|\w+_timeout)"')
_FAILED = re.compile(r"error: .*?\b(?:ERROR|FATAL): +(.+)$")
Run = Callable[[Sequence[str], Mapping[str, str]], tuple[int, list[str]]]
"""Runs a program with an environment to its end: its exit status, and what it said on standard error in English."""
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*|\"[^\"]+\"")


class CloneError(PgmigError):
    """The target's schema could not be dumped."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Original:
    """What `original.sql` reads of the target, and what its connection asked for.

    `settings` are `name=value`, later ones win, and whether the role may ask for them; `options` are those of the
    connection itself (`options=` or PGOPTIONS), which win over them.
    """

    encoding: str
    owner: str
    role: str
    privileges: tuple[tuple[str | None, str], ...] | None
    roles: Mapping[str, Mapping[str, Any]]
    memberships: tuple[tuple[str, str, bool], ...]
    tablespaces: tuple[str, ...]
    settings: tuple[tuple[str, bool], ...]
    extensions: tuple[Mapping[str, Any], ...]
    public: bool
    options: str

    def needed(self, scripts: Iterable[bytes]) -> list[str]:
        """Roles that objects of the database or the scripts name, and those that they are members of."""
        words = {word.strip(b'"') for text in scripts for word in _WORD.findall(text)}
        words |= {word.lower() for word in words}
        wanted = {name for name, role in self.roles.items() if role["needed"] or name.encode() in words}
        wanted |= {self.role, self.owner} & set(self.roles)
        while (
            more := {group for group, member, _ in self.memberships if member in wanted and group in self.roles}
            - wanted
        ):
            wanted |= more
        return sorted(wanted)


@dataclass(frozen=True, slots=True)
class RestorePart:
    """One run of pg_restore: its options, as whom where it isn't the administrator, and what is done before it."""

    options: Sequence[str] = ()
    user: str = ""
    password: str | None = None
    before: Callable[[Connection], None] = lambda connection: None


@dataclass(frozen=True, slots=True)
class Clone:
    """How the copy came out. `user` and `password` are whom the scripts run as there; `notes` are for a person."""

    user: str
    password: str | None
    options: str
    statistics: bool
    roles: tuple[str, ...]
    tablespaces: tuple[str, ...]
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def endpoint(self, scratch: ScratchServer, database: str) -> Endpoint:
        """The copy as scripts see it: as whom they run, with the settings that the target's sessions have."""
        where = scratch.endpoint(database, self.user, self.password)
        return replace(where, conninfo={**where.conninfo, "options": self.options}) if self.options else where


def read_original(connection: Connection) -> Original:
    """Ask the target for what its dump won't hold. Raises ServerError."""
    sql = (Path(__file__).parent / "original.sql").read_text(encoding="utf-8")
    row = connection.one(sql)
    assert row is not None
    found = row[0] if isinstance(row[0], dict) else json.loads(row[0])
    privileges = found["privileges"]
    return Original(
        encoding=found["encoding"],
        owner=found["owner"],
        role=found["role"],
        privileges=None if privileges is None else tuple((grantee, what) for grantee, what in privileges),
        roles={role["name"]: role for role in found["roles"] or ()},
        memberships=tuple((group, member, bool(admin)) for group, member, admin in found["memberships"] or ()),
        tablespaces=tuple(found["tablespaces"] or ()),
        settings=tuple((setting, bool(allowed)) for setting, allowed in found["settings"] or ()),
        extensions=tuple(found["extensions"] or ()),
        public=found["public"],
        options=connection.raw.options.decode("utf-8", "replace"),
    )


@contextmanager
def dumped(
    target: Reachable, connection: Connection, scratch_version: int, name: str
) -> Iterator[tuple[Path, Tools, bool]]:
    """The target's schema as an archive that is gone afterwards, the programs that made it, and whether it has
    statistics.

    A dump locks every table in ACCESS SHARE mode; it gives up after LOCK_WAIT. `name` is its application name.
    Raises Refused when every pg_dump here is older than the server, CloneError.
    """
    try:
        tools = find_tools(connection.server_version_num, tls=bool(tls.settled(target)))
    except Refused as error:
        do = error.do.replace(", or attest a backup that was made elsewhere", "")
        raise Refused(error.what, now=_NOTHING, do=do) from None
    statistics = tools.major >= _STATISTICS_FROM and scratch_version // 10000 >= _STATISTICS_FROM
    environment = libpq_environment(target, name, tools)
    with work_folder() as folder:
        path = folder / "schema.dump"
        command = [
            str(tools.folder / "pg_dump"), "--format=custom",
            *(["--no-data", "--statistics"] if statistics else ["--schema-only"]),
            f"--lock-wait-timeout={LOCK_WAIT}", "--no-password", "--no-subscriptions", "--no-security-labels",
            f"--file={path}", f"--dbname={conninfo_text(target.conninfo)}",
        ]  # fmt: skip
        try:
            status, lines = _run(command, environment)
        except BaseException:
            end_sessions(connection, name, _STOP_S)
            raise
        if status:
            raise CloneError(
                f"pg_dump failed with exit status {status}",
                now=_NOTHING,
                details=lines[:10],
                do="A rehearsal reads every table's definition; it needs the right to, and no lock in its way.",
            )
        yield path, tools, statistics


def restore(
    scratch: ScratchServer,
    database: str,
    archive: Path,
    tools: Tools,
    original: Original,
    *,
    statistics: bool,
    password: str,
    scripts: Iterable[bytes],
    parts: Sequence[RestorePart] = (),
    run: Run | None = None,
) -> Clone:
    """Fill the scratch database from the archive, after the stand-ins that it needs. Errors of single objects are
    told, not raised: what they leave out is left out. In one go, or in these `parts`; `run` runs pg_restore."""
    run = run or _run
    stand_ins = furnish(scratch, database, original, password=password, scripts=scripts)
    notes, missing = list(stand_ins.notes), stand_ins.missing
    with scratch.session(database) as connection:
        if not original.public:
            connection.execute("DROP SCHEMA public")
        command = [
            str(tools.folder / "pg_restore"),
            "--no-password",
            *([] if scratch.ours else ["--no-owner", "--no-privileges", "--no-tablespaces"]),
        ]
        if not parts:
            # Statistics afterwards: an index that is made on an empty table sets the table's own to zero.
            parts = (
                [RestorePart(["--no-statistics"]), RestorePart(["--statistics-only"])]
                if statistics
                else [RestorePart()]
            )
        lines: list[str] = []
        for part in parts:
            part.before(connection)
            where = scratch.endpoint(database, part.user, part.password)
            environment = libpq_environment(where, "pgmig/rehearsal/restore")
            whole = [*command, f"--dbname={conninfo_text(where.conninfo)}", *part.options, str(archive)]
            lines += run(whole, environment)[1]
        cut_off(connection, notes)
        _note_versions(connection, original, notes)
    if not scratch.ours:
        notes.append(
            f"the scripts run as {stand_ins.user} there, not as {original.role}; owners and privileges were not copied"
        )
    return replace(stand_ins, statistics=statistics, problems=tuple(problems_of(lines, missing)), notes=tuple(notes))


def furnish(
    scratch: ScratchServer, database: str, original: Original, *, password: str, scripts: Iterable[bytes]
) -> Clone:
    """What an empty scratch database needs before anything of the target can be made in it: roles, tablespaces, the
    database's own owner and privileges, and stand-ins for extensions that aren't installed here."""
    notes: list[str] = []
    with scratch.session() as admin:
        roles = _make_roles(admin, original, original.needed(scripts), password) if scratch.ours else ()
        tablespaces = _make_tablespaces(admin, original) if scratch.ours else ()
        _own_database(admin, database, original, roles)
    with scratch.session(database) as connection:
        missing = _stand_in_for_extensions(connection, original, notes)
    if withheld := sorted({setting.partition("=")[0] for setting, allowed in original.settings if not allowed}):
        notes.append(f"settings that only a superuser may make are not those of the target: {', '.join(withheld)}")
    user, secret = _user(scratch, original, roles, password)
    return Clone(user, secret, session_options(original), False, roles, tablespaces, missing, (), tuple(notes))


# -- stand-ins -----------------------------------------------------------------------------------------------------


def _make_roles(admin: Connection, original: Original, needed: Sequence[str], password: str) -> tuple[str, ...]:
    """Roles of the same names and rights. Only the one that scripts run as can log in, with a password of ours."""
    there = {name for (name,) in admin.execute("SELECT rolname FROM pg_catalog.pg_roles")}
    made = [name for name in needed if name not in there]
    for name in made:
        role = original.roles[name]
        flags = [word for key, word in _FLAGS.items() if role[key]] + ([] if role["inherit"] else ["NOINHERIT"])
        login = f"LOGIN PASSWORD {literal(password)}" if name == original.role else "NOLOGIN"
        admin.execute(f"CREATE ROLE {ident(name)} {' '.join([login, *flags])}")
    known = there | set(made)
    for group, member, may_grant in original.memberships:
        if member in made and group in known:
            option = " WITH ADMIN OPTION" if may_grant else ""
            admin.execute(f"GRANT {ident(group)} TO {ident(member)}{option}")
    return tuple(made)


def _make_tablespaces(admin: Connection, original: Original) -> tuple[str, ...]:
    """Tablespaces of the same names, inside the server's own folder."""
    for name in original.tablespaces:
        admin.execute("SET allow_in_place_tablespaces = on")
        admin.execute(f"CREATE TABLESPACE {ident(name)} LOCATION ''")
        admin.execute(f"GRANT CREATE ON TABLESPACE {ident(name)} TO PUBLIC")
    return original.tablespaces


def _own_database(admin: Connection, database: str, original: Original, roles: Sequence[str]) -> None:
    if original.owner in roles:
        admin.execute(f"ALTER DATABASE {ident(database)} OWNER TO {ident(original.owner)}")
    if original.privileges is None:
        return
    admin.execute(f"REVOKE ALL ON DATABASE {ident(database)} FROM PUBLIC")
    for grantee, what in original.privileges:
        if grantee is None or grantee in roles:
            to = "PUBLIC" if grantee is None else ident(grantee)
            admin.execute(f"GRANT {what} ON DATABASE {ident(database)} TO {to}")


def _stand_in_for_extensions(connection: Connection, original: Original, notes: list[str]) -> tuple[str, ...]:
    """For each extension that isn't installed here: its name, and types of the same names that hold any text."""
    rows = connection.execute("SELECT name FROM pg_catalog.pg_available_extensions")
    there = {name for (name,) in rows}
    missing = [one for one in original.extensions if one["name"] not in there]
    for extension in missing:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(extension['schema'])}")
        made = [
            type_name
            for schema, type_name, has_modifier in extension["types"] or ()
            if stand_in_type(connection, schema, type_name, modifier=has_modifier)
        ]
        what = f"; its types are stand-ins without functions: {', '.join(made)}" if made else ""
        notes.append(f"the extension {extension['name']} is not installed here{what}")
    return tuple(str(one["name"]) for one in missing)


def stand_in_type(connection: Connection, schema: str, name: str, *, modifier: bool) -> bool:
    """A type that reads and writes any text. Modifiers, as in geometry(Point, 4326), are accepted and forgotten."""
    full = f"{ident(schema)}.{ident(name)}"
    input_name, output_name = (f"{ident(schema)}.{ident(f'{name}_stand_in_{way}')}" for way in ("read", "write"))
    count = f"{ident(schema)}.{ident(f'{name}_stand_in_modifier')}"
    statements = [
        f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}",
        f"CREATE TYPE {full}",
        f"CREATE FUNCTION {input_name}(cstring) RETURNS {full} LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
        f"CREATE FUNCTION {output_name}({full}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
    ]
    typmod = ""
    if modifier:
        statements.append(
            f"CREATE FUNCTION {count}(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT"
            " AS 'array_cardinality'"
        )
        typmod = f", TYPMOD_IN = {count}"
    statements.append(f"CREATE TYPE {full} (INPUT = {input_name}, OUTPUT = {output_name}, LIKE = text{typmod})")
    try:
        connection.execute("; ".join(statements))
    except PgmigError:
        return False
    return True


def cut_off(connection: Connection, notes: list[str]) -> None:
    """Nothing of the copy may reach another server: foreign servers lose their user mappings."""
    rows = connection.execute("SELECT srvname, usename FROM pg_catalog.pg_user_mappings")
    for server, user in rows:
        who = "PUBLIC" if user == "public" else ident(user)
        connection.execute(f"DROP USER MAPPING FOR {who} SERVER {ident(server)}")
    if rows:
        names = ", ".join(sorted({str(server) for server, _ in rows}))
        notes.append(f"foreign servers can't be reached from the copy ({names}): their user mappings were left out")


def _note_versions(connection: Connection, original: Original, notes: list[str]) -> None:
    there: dict[str, str] = dict(connection.execute("SELECT extname, extversion FROM pg_catalog.pg_extension"))
    for extension in original.extensions:
        version = there.get(extension["name"])
        if version is not None and version != extension["version"]:
            notes.append(f"the extension {extension['name']} is {version} here, {extension['version']} on the target")


def _user(scratch: ScratchServer, original: Original, roles: Sequence[str], password: str) -> tuple[str, str | None]:
    """Whom scripts run as: the target's role where it could be made, else the administrator."""
    if scratch.ours and original.role in roles:
        return original.role, password
    return scratch.admin.conninfo.get("user", ""), scratch.admin.password


def session_options(original: Original) -> str:
    """The target's settings of the database, the role and the connection, as libpq's `options`: RESET ALL then comes
    back to them."""
    last = dict(setting.split("=", 1) for setting, allowed in original.settings if allowed)
    settings = [f"-c {_escaped(name)}={_escaped(value)}" for name, value in last.items()]
    # a role that may only read asks what the scripts would do: they write on the copy alone
    writes = "-c default_transaction_read_only=off"
    return " ".join([*settings, *([original.options] if original.options else []), writes])


def _escaped(text: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", text)


# -- programs ------------------------------------------------------------------------------------------------------


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Exit status and what was said on standard error, in English, since `_problems` reads it."""
    timeout = os.environ.get("PGCONNECT_TIMEOUT", "10")
    return run_program(command, {**environment, "LC_ALL": "C", "PGCONNECT_TIMEOUT": timeout})


def problems_of(lines: Sequence[str], missing: Sequence[str]) -> Iterator[str]:
    """What pg_restore could not make: `type "geometry" does not exist (CREATE TABLE public.places)`."""
    message = ""
    for line in lines:
        if message and line.startswith("Command was: "):
            command = line.removeprefix("Command was: ").rstrip("( ;")
            if not (command.startswith("CREATE SCHEMA ") and "already exists" in message):  # made for stand-ins
                yield f"{message} ({command})"
            message = ""
        elif found := _FAILED.search(line):
            if message:
                yield message
            message = found[1]
            named = any(f'"{name}"' in message for name in missing if "extension" in message)
            if named or _UNKNOWN_SETTING.search(message):
                message = ""
    if message:
        yield message
