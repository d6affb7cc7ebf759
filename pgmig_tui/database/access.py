"""Who may do what on a server and in a database, as far as the catalogs tell the role that asks. It reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import load

_QUERIES = ("roles", "members", "grants", "definers", "schemas", "others", "system")


@dataclass(frozen=True, slots=True)
class Role:
    """A row of pg_roles. `valid_until` is UTC, "" without one."""

    oid: int
    name: str
    superuser: bool
    createrole: bool
    createdb: bool
    replication: bool
    bypassrls: bool
    login: bool
    inherits: bool
    valid_until: str


@dataclass(frozen=True, slots=True)
class Membership:
    """`member` is a member of `role`: it has its privileges (`inherit`), may become it (`set`), may grant it
    (`admin`). From 16 on there may be several, of a `grantor` each."""

    role: int
    member: int
    admin: bool
    inherit: bool
    set: bool
    grantor: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A row of access_grants.sql, access_system.sql or access_parameters.sql; `grantors` are those of a table,
    None in them for its owner."""

    kind: str
    object: str
    grantee: str
    what: str
    clause: str
    grantors: Sequence[str | None] | None


@dataclass(frozen=True, slots=True)
class Definer:
    """A function that runs as its owner: `kind` with a space behind it, `path` as proconfig has it, None for none."""

    name: str
    kind: str
    owner: int
    path: str | None


@dataclass(frozen=True, slots=True)
class SchemaRights:
    """Who may create objects there; 0 is PUBLIC."""

    owner: int
    creators: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A row of access_others.sql."""

    kind: str
    object: str
    extra: str
    flag: bool


@dataclass(frozen=True, slots=True)
class HbaLine:
    """A line of pg_hba.conf, `file` "" before PostgreSQL 16."""

    number: int
    file: str
    type: str
    databases: str
    users: str
    address: str
    method: str


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """All of it. `passwords` are none, md5, scram or other by role; they and `hba` are None where this role may not
    read them."""

    roles: Mapping[int, Role]
    members: Sequence[Membership]
    granted: Sequence[Granted]
    definers: Sequence[Definer]
    schemas: Mapping[str, SchemaRights]
    others: Sequence[Other]
    passwords: Mapping[str, str] | None = None
    hba: Sequence[HbaLine] | None = None
    version_num: int = field(default=0)


def read_access(connection: Connection) -> AccessFacts:
    """One round trip, and another one where passwords or pg_hba.conf may be read. Raises ServerError,
    ConnectionLost."""
    asked = (*_QUERIES, "parameters") if connection.server_version_num >= 150000 else _QUERIES
    sql = ";\n".join(load(f"queries/access_{name}") for name in asked)
    roles, members, granted, definers, schemas, others, *system = connection.results(sql)
    more = [Other(*row) for row in others]
    may = {one.object for one in more if one.kind == "may" and one.flag}
    wanted = [name for name in ("passwords", "hba") if name in may]
    found = dict.fromkeys(("passwords", "hba"), None) | dict(
        zip(wanted, connection.results(";\n".join(load(f"queries/access_{name}") for name in wanted)), strict=True)
        if wanted
        else ()
    )
    passwords, hba = found["passwords"], found["hba"]
    by_oid = {row[0]: Role(*row) for row in roles}
    return AccessFacts(
        by_oid,
        [
            Membership(role, member, admin, by_oid[member].inherits if inherit is None else inherit, become, grantor)
            for role, member, admin, inherit, become, grantor in members
            if member in by_oid
        ],
        [Granted(*row) for row in (*granted, *chain.from_iterable(system))],
        [Definer(*row) for row in definers],
        {name: SchemaRights(owner, tuple(creators)) for name, owner, creators in schemas},
        [one for one in more if one.kind != "may"],
        None if passwords is None else dict(passwords),
        None if hba is None else [HbaLine(*row) for row in hba],
        connection.server_version_num,
    )
