"""The access audit: who may do more than they should need, what everybody may, and code that runs as somebody else.

Judged are facts of the catalogs (`database.access`); what this role may not read is a finding that says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pgmig_tui.database.access import AccessFacts, Definer, Granted, Membership, Other, Role, SchemaRights, read_access
from pgmig_tui.database.maintain import OwnTable, read_own
from pgmig_tui.display import words
from pgmig_tui.impact.session import schemas_of
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, section, unseen
from pgmig_tui.script.quoting import quote

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Environment

NONE = "none"
_BOOTSTRAP = 10
"""The role that initdb makes; a server can't be without it."""
_PREDEFINED = (
    "pg_execute_server_program", "pg_write_server_files", "pg_read_server_files", "pg_read_all_data",
    "pg_write_all_data", "pg_create_subscription", "pg_maintain",
)  # fmt: skip
_ATTRIBUTES = ("createrole", "createdb", "replication", "bypassrls")
_QUALIFY = "qualify the names in its body first: pg_catalog alone is searched then"
_KINDS: Mapping[str, str] = {"table": "public table", "columns": "public columns", "function": "public definer"}


def access(environment: Environment, connection: Connection, today: date) -> Section:
    """Raises ServerError, Unreachable."""
    facts = read_access(connection)
    own = read_own(connection, environment.policy.tracking, environment.policy.keep_schema)
    findings = [
        *powerful(facts),
        *_logins(facts),
        *_granted(facts.granted),
        *definers(facts),
        *_owner(own, connection.role),
        *(_other(one, facts.version_num) for one in facts.others),
        *_passwords(facts),
        *_hba(facts),
    ]
    notes = []
    first = facts.roles.get(_BOOTSTRAP)
    if first is not None:
        notes.append(f"{first.name} made the cluster and is its superuser always; it isn't listed as one")
    values = {"roles": len(facts.roles), "logins": sum(one.login for one in facts.roles.values())}
    clear = f"nothing stands out among {words.count(len(facts.roles), 'role')}"
    return section("access", findings, environment, today, clear=clear, notes=notes, values=values)


# -- powerful roles ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Way:
    """How a role comes to a power: by `above` (None: it has it itself), of which it is a member, up to `root`;
    `becomes`: it has to SET ROLE for it, else it has it by itself."""

    root: int
    above: int | None
    becomes: bool


def powerful(facts: AccessFacts) -> Iterator[MaintainFinding]:
    """A finding for each role and power, be it by membership."""
    below: dict[int, list[Membership]] = {}
    for edge in facts.members:
        below.setdefault(edge.role, []).append(edge)
    supers = _ways([one.oid for one in facts.roles.values() if one.superuser], below, inherited=False)
    yield from _holders(facts, "superuser", supers)
    for power in _ATTRIBUTES:
        roots = [one.oid for one in facts.roles.values() if getattr(one, power) and not one.superuser]
        yield from _holders(facts, power, _ways(roots, below, inherited=False), supers)
    by_name = {one.name: one.oid for one in facts.roles.values()}
    for power in _PREDEFINED:
        if power in by_name:
            yield from _holders(facts, power, _ways([by_name[power]], below, inherited=True), supers)


def _ways(roots: Sequence[int], below: Mapping[int, Sequence[Membership]], *, inherited: bool) -> dict[int, _Way]:
    """The shortest way of each role down from `roots`. Attributes are never inherited: a member has to become the role;
    who may grant a membership can give himself that."""
    found = {root: _Way(root, None, False) for root in roots}
    waiting = deque((root, inherited) for root in roots)
    seen = set(waiting)
    while waiting:
        above, still = waiting.popleft()
        for edge in below.get(above, ()):
            has = still and edge.inherit
            becomes = edge.set or edge.admin
            if not has and not becomes:
                continue
            step = (edge.member, has)
            if step in seen or (edge.member, True) in seen:
                continue
            seen.add(step)
            waiting.append(step)
            known = found.get(edge.member)
            if known is None or (has and known.becomes):
                found[edge.member] = _Way(found[above].root, above, not has)
    return found


def _holders(
    facts: AccessFacts, power: str, ways: Mapping[int, _Way], but: Collection[int] = ()
) -> Iterator[MaintainFinding]:
    """`but`: superusers, and who can become one, may do all of it anyway."""
    grantors: dict[tuple[int, int], list[int]] = {}
    for edge in facts.members:
        grantors.setdefault((edge.role, edge.member), []).append(edge.grantor)
    for oid, way in ways.items():
        role = facts.roles.get(oid)
        if role is None or role.name.startswith("pg_") or oid == _BOOTSTRAP or oid in but:
            continue
        name = quote(role.name)
        statements: tuple[str, ...]
        if way.above is None:
            told, statements = f"{power.upper()} itself", (f"ALTER ROLE {name} NO{power.upper()}",)
        else:
            chain = _chain(facts, ways, way)
            how = "can become it (SET ROLE)" if way.becomes else "has its privileges"
            told = f"member of {words.listing(chain)}: {how}"
            statements = _revoking(facts, way.above, oid, grantors[way.above, oid])
        told += "" if role.login else "; may not log in itself"
        yield MaintainFinding(power, name, told, sql=statements, every=len(statements) > 1, lock=NONE)


def _revoking(facts: AccessFacts, group: int, member: int, grantors: Sequence[int]) -> tuple[str, ...]:
    """What ends a membership. From 16 on a superuser's REVOKE takes away only what the role that made the cluster has
    granted, and warns of the rest."""
    sql = f"REVOKE {quote(facts.roles[group].name)} FROM {quote(facts.roles[member].name)}"
    if facts.version_num < 160000:
        return (sql,)
    by = [facts.roles[one].name for one in grantors if one != _BOOTSTRAP and one in facts.roles]
    ours = (sql,) if _BOOTSTRAP in grantors else ()
    return (*ours, *(f"{sql} GRANTED BY {quote(name)}" for name in by)) or (sql,)


def _chain(facts: AccessFacts, ways: Mapping[int, _Way], way: _Way) -> tuple[str, ...]:
    found: list[str] = []
    at: int | None = way.above
    while at is not None and len(found) < 20:
        found.append(facts.roles[at].name if at in facts.roles else str(at))
        at = ways[at].above
    return tuple(found)


def _logins(facts: AccessFacts) -> Iterator[MaintainFinding]:
    for one in facts.roles.values():
        if not one.login or one.valid_until:
            continue
        if facts.passwords is None:
            told = "a password of it is valid for ever (VALID UNTIL); whether it has one isn't told to this role"
            yield MaintainFinding("no expiry", quote(one.name), told)
        elif facts.passwords.get(one.name) != NONE:
            yield MaintainFinding("no expiry", quote(one.name), "its password is valid for ever (VALID UNTIL)")


def _passwords(facts: AccessFacts) -> Iterator[MaintainFinding]:
    if facts.passwords is None:
        yield unseen("passwords", "how they are kept is told to superusers only (pg_authid)")
        return
    for name, kept in facts.passwords.items():
        if kept in ("md5", "other"):
            how = "as an MD5 hash" if kept == "md5" else "in a form that isn't known"
            told = f"its password is kept {how}; set it anew under password_encryption = 'scram-sha-256'"
            yield MaintainFinding("md5 password" if kept == "md5" else "odd password", quote(name), told)
        elif kept == "none":
            told = "it may log in and has no password: certificate, peer or trust let it in"
            yield MaintainFinding("no password", quote(name), told)


def _hba(facts: AccessFacts) -> Iterator[MaintainFinding]:
    if facts.hba is None:
        yield unseen("pg_hba.conf", "its rules are told to superusers only (pg_hba_file_rules)")
        return
    for one in facts.hba:
        where = f"{one.file.rpartition('/')[2] or 'pg_hba.conf'}, line {one.number}"
        who = " ".join(part for part in (one.type, one.databases, one.users, one.address) if part)
        told = "lets in without a password" if one.method == "trust" else "lets passwords be sent in clear"
        yield MaintainFinding(one.method, who, f"{where} {told}")


# -- grants ------------------------------------------------------------------------------------------------------------


def _granted(rows: Iterable[Granted]) -> Iterator[MaintainFinding]:
    for one in rows:
        match one.kind:
            case "schema" | "database":
                what = "everybody may create objects there"
                sql = f"REVOKE CREATE ON {one.kind.upper()} {one.object} FROM PUBLIC"
                yield MaintainFinding(f"public {one.kind}", one.object, what, sql=(sql,), lock=NONE)
            case "default":
                to = quote(one.grantee) if one.grantee else "PUBLIC"
                kind = "default privileges" if one.grantee else "public default privileges"
                objects = one.object.rpartition(": ")[2]
                told = f"{one.what} on what is made there is granted to {to}"
                sql = f"ALTER DEFAULT PRIVILEGES {one.clause} REVOKE {one.what} ON {objects} FROM {to}"
                name = f"{one.object} to {to}" if one.grantee else one.object
                yield MaintainFinding(kind, name, told, sql=(sql,), lock=NONE)
            case "system" | "parameter":
                to = quote(one.grantee) if one.grantee else "PUBLIC"
                told = f"{one.what} on what is the server's own was granted to {to}"
                if one.kind == "parameter":
                    told = (
                        f"{to} may change it for the whole server" if "ALTER SYSTEM" in one.what else f"{to} may set it"
                    )
                sql = f"REVOKE {one.what} ON {one.clause}{one.object} FROM {to}"
                yield MaintainFinding(f"{one.kind} privilege", f"{one.object} to {to}", told, sql=(sql,), lock=NONE)
            case _:
                told = f"{one.what} is granted to everybody"
                if one.kind == "function":
                    told = "everybody who may use its schema may run it, and it runs as its owner"
                sql = f"REVOKE {one.what} ON {one.clause}{one.object} FROM PUBLIC"
                others = [quote(name) for name in one.grantors or () if name is not None]
                if others:
                    told += (
                        f", by {words.listing(others)}: an owner's REVOKE takes away what the owner has granted alone"
                    )
                own = () if others and None not in (one.grantors or ()) else (sql,)
                all_sql = (*own, *(f"SET ROLE {name}; {sql}; RESET ROLE" for name in others))
                yield MaintainFinding(
                    _KINDS[one.kind], one.object, told, sql=all_sql, every=len(all_sql) > 1, lock=NONE
                )


# -- code that runs as its owner ---------------------------------------------------------------------------------------


def definers(facts: AccessFacts) -> Iterator[MaintainFinding]:
    for one in facts.definers:
        sql = f"ALTER {one.kind}{one.name} SET search_path = pg_catalog, pg_temp"
        if one.path is None:
            told = f"SECURITY DEFINER without a search_path: names mean what its caller says; {_QUALIFY}"
            yield MaintainFinding("definer without search_path", one.name, told, sql=(sql,), lock=NONE)
        elif reasons := _path_reasons(one, facts.schemas, facts.roles):
            told = f"SECURITY DEFINER, and in its search_path {'; '.join(reasons)}; {_QUALIFY}"
            yield MaintainFinding("definer path", one.name, told, sql=(sql,), lock=NONE)


def _path_reasons(one: Definer, schemas: Mapping[str, SchemaRights], roles: Mapping[int, Role]) -> list[str]:
    path = schemas_of(one.path or "")
    reasons = []
    for name in path:
        if name == "$user":
            reasons.append("the caller's own schema")
        elif name not in ("pg_catalog", "pg_temp") and name in schemas:
            who = _others_who_create(schemas[name], one.owner, roles)
            if who:
                reasons.append(f"{words.listing(who, 3)} may create objects in {name}")
    if path and path[-1] != "pg_temp":
        where = "isn't last" if "pg_temp" in path else "isn't named, so it comes first"
        reasons.append(f"pg_temp {where}")
    return reasons


def _others_who_create(there: SchemaRights, owner: int, roles: Mapping[int, Role]) -> tuple[str, ...]:
    found = []
    for oid in dict.fromkeys((there.owner, *there.creators)):
        role = roles.get(oid)
        if oid == 0:
            found.append("everybody")
        elif oid != owner and role is not None and not role.superuser and role.name != "pg_database_owner":
            found.append(role.name)
    return tuple(found)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _owner(own: Mapping[str, OwnTable], role: str) -> Iterator[MaintainFinding]:
    table = own.get("schema_migrations")
    if table is not None and table.member:
        told = (
            f"{role}, which asks here, can act as {table.owner}, whose tables they are: it could write the record anew"
        )
        yield MaintainFinding("tracking owner", f"{quote(table.schema)} of {quote(table.owner)}", told)


def _other(one: Other, version_num: int) -> MaintainFinding:
    if one.kind == "language":
        told = f"an untrusted language: who may write functions in it ({one.extra} so far) may do what the server may"
        return MaintainFinding("untrusted language", one.object, told)
    if one.kind == "copy":
        told = f"it keeps rows of {one.extra}: who may read it reads them past their row security"
        return MaintainFinding("copy of row security", f"{one.object} on {one.extra}", told)
    if one.kind == "partition":
        told = f"others may use it by itself, past the row security of {one.extra}, which binds who asks there alone"
        sql = f"ALTER TABLE {one.object} ENABLE ROW LEVEL SECURITY"
        name = f"{one.object} of {one.extra}"
        return MaintainFinding("partition of row security", name, told, sql=(sql,), lock="ACCESS EXCLUSIVE")
    if one.kind == "policies":
        told = f"{words.count(int(one.extra), 'policy', 'policies')} without effect: row security is off"
        sql = f"ALTER TABLE {one.object} ENABLE ROW LEVEL SECURITY"
        return MaintainFinding("idle policies", one.object, told, sql=(sql,), lock="ACCESS EXCLUSIVE")
    if one.kind == "mapping":
        told = "everybody" if one.flag else "its user"
        return MaintainFinding("user mapping", one.object, f"{told} reaches another server with what is kept in it")
    if one.flag:
        told = f"it reads {one.extra} past its row security, as its owner"
        told += "" if version_num < 150000 else "; as security_invoker its callers need rights to that table themselves"
        if version_num < 150000:
            return MaintainFinding("view of row security", f"{one.object} on {one.extra}", told)
        sql = f"ALTER VIEW {one.object} SET (security_invoker = true)"
    else:
        told = f"it reads {one.extra}, and without security_barrier conditions see rows that its policies hide"
        sql = f"ALTER VIEW {one.object} SET (security_barrier = true)"
    return MaintainFinding(
        "view of row security", f"{one.object} on {one.extra}", told, sql=(sql,), lock="ACCESS EXCLUSIVE"
    )
