"""Approvals of an environment: what they are bound to now, what was given, and giving, revoking and listing them.

What is approved is worked out anew from the plan, the scripts and the server each time; nothing is read from a packet
that somebody has kept.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import approvals as table
from pgmig_tui.database.checks import CheckResult
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.definitions import definition, parents, relations
from pgmig_tui.database.fingerprint import Objects, read_objects
from pgmig_tui.database.identity import admit
from pgmig_tui.database.text import ident
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Refused, UsageError
from pgmig_tui.gates import approvals as gate
from pgmig_tui.gates.approvals import Bound, BoundChange, Decision, Given, Left, People
from pgmig_tui.gates.signatures import BadSignature, sign, verified
from pgmig_tui.project.approvers import Approvers, is_key
from pgmig_tui.run.planning.reading import included_digests

if TYPE_CHECKING:
    from pgmig_tui.database.approvals import ApprovalRow, ApprovalsTable
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.gates.impacts import Inspected, Reading
    from pgmig_tui.impact.needed import WantedLock
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.identity import Operator
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan

_MOVES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE"})
_AUTHENTICATED = re.compile(r"(scram-sha-256|md5|password):(.*)", re.DOTALL)
"""Methods by which the authenticated name is that of the role."""
_NOTHING = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class ApprovalSubject:
    """What is up for approval. `locks` are what its scripts want, `authors` who wrote its changes."""

    project: str
    environment: str
    server: tuple[str | None, str]
    changes: tuple[BoundChange, ...]
    wanted: tuple[WantedLock, ...]
    authors: tuple[str, ...]
    operator: str
    role: str
    moves_data: bool = False
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is: the table, what was given, and what a decision of now would be bound to. `problem`: why that isn't
    known."""

    bound: Bound | None = None
    table: ApprovalsTable | None = None
    given: tuple[Given, ...] = ()
    left: Left = field(default_factory=dict)
    problem: str = ""


def moves_data(found: Iterable[Inspected | None]) -> bool:
    """Whether scripts write rows."""
    return any(each.kind in _MOVES for one in found if one is not None for each in one.impact.statements)


def approval_result(environment: Environment, subject: ApprovalSubject) -> tuple[CheckResult, ...]:
    """The result of the item; none where pgmig.toml names nobody who could be checked. Never raises for the server."""
    approvers = environment.policy.approvers
    if approvers is None:
        return ()
    if subject.changes == () and subject.backfill:
        return (gate.unknown("a backfill is no change that could be approved"),)
    found = standing(environment, subject)
    if found.problem or found.bound is None or found.table is None:
        return (gate.unknown(found.problem),)
    people = People(subject.authors, subject.operator, subject.role)
    now, moves = found.table.now, subject.moves_data
    told = gate.result(approvers, found.given, found.bound, people, now, moves_data=moves, left=found.left)
    return (replace(told, role=found.table.session_role),)


def subject_of(plan: RunPlan, impacts: Sequence[Inspected | None], wanted: Sequence[WantedLock]) -> ApprovalSubject:
    """What a planned deploy puts up for approval."""
    steps = [one for one in plan.steps if one.action == "deploy"]
    return ApprovalSubject(
        plan.project,
        plan.environment,
        (plan.server.system_identifier, plan.server.database),
        tuple(BoundChange(one.change_id, one.change, **_bytes(one.hashes)) for one in steps),
        tuple(wanted),
        tuple(dict.fromkeys(one.planner for one in steps)),
        str(plan.operator),
        plan.server.role,
        moves_data(impacts),
        plan.command == "backfill",
    )


def pending_subject(
    project: Project,
    environment: Environment,
    changes: Sequence[Change],
    identity: ServerIdentity,
    found: Sequence[Inspected],
    wanted: Sequence[WantedLock],
    how: Reading,
) -> ApprovalSubject:
    """The same of changes that nobody has planned a run of yet; `how` their scripts are read."""
    return ApprovalSubject(
        project.plan.project,
        environment.name,
        (identity.system_identifier, identity.database),
        tuple(BoundChange(one.change_id, one.name, **_on_disk(project, one, how)) for one in changes),
        tuple(wanted),
        tuple(dict.fromkeys(f"{one.planner_name} <{one.planner_email}>" for one in changes)),
        str(project.operator),
        identity.role,
        moves_data(found),
    )


def _bytes(hashes: Mapping[str, str]) -> dict[str, str]:
    return {kind: hashes.get(kind, "") for kind in ("deploy", "revert", "verify", "included")}


def _on_disk(project: Project, change: Change, how: Reading) -> dict[str, str]:
    found, read = {}, {}
    for kind in ("deploy", "revert", "verify"):
        with contextlib.suppress(OSError, PgmigError):
            path = project.script_path(change, kind)
            data = project.inside.read(path)
            found[kind] = sha256(data).hexdigest()
            read[kind] = (project.relative(path), data)
    return _bytes(found | included_digests(read, how.files, how.variables, how.allow, how.server))


def approved_tables(checks: Sequence[CheckResult]) -> tuple[str, ...]:
    """The tables that approvals are bound to, as their result says; none where nobody has given any."""
    found = next((one for one in checks if one.name == gate.ITEM and one.rows), None)
    return () if found is None else tuple(found.rows[0]["tables"])


def decided(checks: Sequence[CheckResult], environment: Environment) -> dict[str, object] | None:
    """The approvals that a run starts with, as its plan keeps them; None where none are asked for, or somebody has
    decided to go on without."""
    found = next((one for one in checks if one.name == gate.ITEM), None)
    approvers = environment.policy.approvers
    if found is None or approvers is None:
        return None
    counting = [row for row in found.rows if row.get("fills")]
    if not counting:
        return None
    first = min(datetime.fromisoformat(str(row["at"])) for row in counting)
    return {
        "ids": [row["id"] for row in counting],
        "last": max(row["id"] for row in found.rows),
        "until": (first + timedelta(milliseconds=approvers.expires_ms)).isoformat(),
        "roles": {role: list(who) for role, who in approvers.roles},
    }


def standing(environment: Environment, subject: ApprovalSubject) -> Standing:
    """What there is of approvals. Never raises for the server."""
    try:
        name = application_name("approvals", environment.name)
        with connect(environment.target, application_name=name, kind="watch") as connection:
            return _standing(connection, environment, subject)
    except Refused as error:
        return Standing(problem=f"{error.what}. {error.do}".strip(". "))
    except PgmigError as error:
        return Standing(problem=error.what)


def bound_to(subject: ApprovalSubject, objects: Objects) -> Bound:
    """What a decision of now is bound to, on a database with these objects."""
    there = relations(objects)
    names = set()
    for one in subject.wanted:
        if one.name.schema:
            names.add(there.get(str(one.name), ""))
        elif not one.index:
            names |= {name for plain, name in there.items() if plain.rpartition(".")[2] == one.name.relation}
    tables = {name: definition(name, objects) for name in sorted(names - {""})}
    parts = tuple(name for name in tables if parents(name, objects) & tables.keys())
    return Bound(subject.project, subject.environment, *subject.server, subject.changes, tables, parts)


def decide(
    environment: Environment,
    subject: ApprovalSubject,
    operator: Operator,
    *,
    decision: Decision,
    role: str,
    note: str = "",
    key: Path | None = None,
    packet: str = "",
) -> Given:
    """Record a decision on what is up for approval now. `packet` is the hash of what was read, "" = whatever it is.

    Raises Refused, UsageError, NotPermitted, Unreachable: nothing was recorded.
    """
    approvers = _approvers(environment)
    _require_role(approvers, role)
    with connect(environment.target, application_name=application_name("approve", environment.name)) as connection:
        found = _standing(connection, environment, subject)
        there = _require_table(found, environment)
        assert found.bound is not None
        if not subject.changes:
            raise Refused(f"nothing is to be deployed on {environment.name}", now=_NOTHING)
        if packet and not found.bound.packet.startswith(packet.lower()):
            raise Refused(
                f"the packet is another one now: {found.bound.packet[:16]}…, not {packet[:16]}…",
                now=_NOTHING,
                do=f"Read it again: pgmig-tui review {environment.name}",
            )
        identity = there.session_role
        if key is None:
            _require_person(connection, approvers, role, identity)
        payload = gate.canonical(
            {
                "format": gate.FORMAT,
                "decision": decision,
                "role": role,
                "identity": "" if key is not None else identity,
                "note": note,
                "by": str(operator),
                "at": words.iso(there.now),
                "bound": found.bound.to_json(),
            }
        )
        signature = None
        if key is not None:
            signature = sign(payload, key)
            identity = verified(payload, signature)
            if identity not in dict(approvers.roles)[role]:
                raise Refused(
                    f"the key {identity} may not speak for {role}",
                    now=_NOTHING,
                    do="pgmig.toml names the keys that may, under approvals.",
                )
        admit(connection, connection.identity(), environment.policy)
        table.add_row(
            connection, there.schema, project=subject.project, environment=subject.environment, decision=decision,
            role=role, payload=payload, signature=signature,
        )  # fmt: skip
        return _standing(connection, environment, subject).given[-1]


def revoke(environment: Environment, subject: ApprovalSubject, operator: Operator, number: int, note: str) -> Given:
    """Revoke a decision: by the database role that gave it, or one that may speak for the same role. Raises as
    `decide`."""
    approvers = _approvers(environment)
    with connect(environment.target, application_name=application_name("approve", environment.name)) as connection:
        found = _standing(connection, environment, subject)
        there = _require_table(found, environment)
        one = next((each for each in found.given if each.id == number), None)
        if one is None:
            raise UsageError(
                f"there is no approval {number} of {environment.name}",
                now=_NOTHING,
                do=f"pgmig-tui approve {environment.name} --list shows them.",
            )
        if one.revoked:
            raise Refused(f"the approval {number} is revoked already: {one.revoked}", now=_NOTHING)
        _require_person(connection, approvers, one.role, there.session_role)
        payload = gate.canonical({"format": gate.FORMAT, "note": note, "by": str(operator)})
        admit(connection, connection.identity(), environment.policy)
        table.add_row(
            connection, there.schema, project=subject.project, environment=subject.environment, decision="revoke",
            role=one.role, payload=payload, revokes=number,
        )  # fmt: skip
        return next(each for each in _standing(connection, environment, subject).given if each.id == number)


def creating(environment: Environment) -> tuple[str, ...]:
    """The statements that `create` would run; () where the table is there. Raises NotPermitted, Refused."""
    approvers = _approvers(environment)
    with connect(environment.target, application_name=application_name("approve", environment.name)) as connection:
        there = table.look_at_table(connection, environment.policy.tracking or "")
        if there.there:
            return ()
        roles = table.existing_roles(connection, approvers.database_roles)
        made = table.create_sql(there, roles, connection.server_version_num)
        granted = table.readers_sql(connection, there.schema, environment.target.registry, roles)
        return (*made, *(one for one in granted if one not in made))


def create(environment: Environment, statements: Sequence[str]) -> None:
    """Make the table, in one transaction. Raises ServerError, Refused."""
    with connect(environment.target, application_name=application_name("approve", environment.name)) as connection:
        admit(connection, connection.identity(), environment.policy)
        connection.execute("BEGIN; " + ";\n".join(statements) + "; COMMIT")


# -- what there is -------------------------------------------------------------------------------------------------


def _standing(connection: Connection, environment: Environment, subject: ApprovalSubject) -> Standing:
    there = table.look_at_table(connection, environment.policy.tracking or "")
    bound = bound_to(subject, read_objects(connection))
    if there.there and not there.may_read:
        schema, to = ident(there.schema), ident(there.session_role)
        grants = f"GRANT USAGE ON SCHEMA {schema} TO {to}; GRANT SELECT ON {schema}.{table.TABLE} TO {to};"
        told = f"role {there.session_role} may not read {there.schema}.{table.TABLE}"
        return Standing(bound, there, problem=f"{told}; to let it: {grants}")
    rows = table.read_rows(connection, there.schema, subject.project, subject.environment) if there.there else ()
    forger = there.session_role if there.forges and there.session_role == subject.role else ""
    return Standing(bound, there, _given(rows, forger), _left(rows, subject.role))


def _left(rows: Sequence[ApprovalRow], deployer: str) -> dict[str, Mapping[str, str]]:
    """What runs of that role have left of tables, by the change that they recorded last."""
    found: dict[str, Mapping[str, str]] = {}
    for one in rows:
        payload = _payload(one.payload)
        tables = payload.get("tables")
        if one.decision == table.LEFT and one.session_role == deployer and isinstance(tables, dict):
            found[str(payload.get("after"))] = tables
    return found


def _given(rows: Sequence[ApprovalRow], forger: str) -> tuple[Given, ...]:
    revoked = {one.revokes: one for one in rows if one.decision == "revoke" and one.revokes is not None}
    found = []
    for one in rows:
        if one.decision not in ("approve", "reject"):
            continue
        given = _read(one, forger)
        if (by := revoked.get(one.id)) is not None:
            note = _payload(by.payload).get("note") or ""
            told = f"it was revoked by {by.session_role} at {by.given_at:%Y-%m-%d %H:%M:%S}Z"
            given = replace(given, revoked=told + (f": {note}" if note else ""))
        found.append(given)
    return tuple(found)


def _read(row: ApprovalRow, forger: str) -> Given:
    payload = _payload(row.payload)
    decision: Decision = "reject" if row.decision == "reject" else "approve"
    given = Given(
        row.id, decision, row.role, row.session_role, row.given_at, payload, str(payload.get("note") or ""),
        str(payload.get("by") or ""),
    )  # fmt: skip
    if payload.get("decision") != row.decision or payload.get("role") != row.role:
        return replace(given, problem="the row says something else than what was decided on")
    if row.signature:
        try:
            return replace(given, identity=verified(row.payload, row.signature))
        except BadSignature as error:
            return replace(given, problem=error.what)
        except Refused as error:
            return replace(given, problem=f"its signature can't be verified: {error.what}")
    if payload.get("identity") != row.session_role:
        told = f"it says that it is by {payload.get('identity')}, and {row.session_role} wrote it"
        return replace(given, problem=told)
    known = _AUTHENTICATED.fullmatch(row.system_identity)
    if known is not None and known[2] != row.session_role:
        return replace(given, problem=f"the session of {row.session_role} was that of {known[2]}")
    if forger:
        return replace(given, weak=f"{forger}, who deploys, may write any row of the table")
    if known is None:
        return replace(given, weak="its session's role is all that is known, which a superuser can change")
    return given


def _payload(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# -- refusals ------------------------------------------------------------------------------------------------------


def _approvers(environment: Environment) -> Approvers:
    if environment.policy.approvers is None:
        raise UsageError(
            f"pgmig.toml names nobody who could approve on {environment.name}",
            now=_NOTHING,
            do='Say who may: approvals = { dba = ["ana"], lead = ["SHA256:…"] }',
        )
    return environment.policy.approvers


def _require_role(approvers: Approvers, role: str) -> None:
    known = [name for name, _ in approvers.roles]
    if role not in known:
        raise UsageError(f"there is no role {role} to approve as", now=_NOTHING, do=f"Known: {', '.join(known)}.")


def _require_table(found: Standing, environment: Environment) -> ApprovalsTable:
    if found.table is None or not found.table.there:
        raise Refused(
            f"{environment.name} has no table of approvals yet",
            now=_NOTHING,
            do=f"The owner of schema {environment.policy.tracking} makes it:"
            f" pgmig-tui approve {environment.name} --create",
        )
    if found.problem:
        raise Refused(found.problem, now=_NOTHING)
    return found.table


def _require_person(connection: Connection, approvers: Approvers, role: str, identity: str) -> None:
    if connection.pooled:
        raise Refused(
            "a pooler stands in between, behind which nobody can tell who is logged in",
            now=_NOTHING,
            do="Give the server's own address, or sign with --ssh-key.",
        )
    if identity not in dict(approvers.roles).get(role, ()):
        may = [one for one in dict(approvers.roles).get(role, ()) if not is_key(one)]
        raise Refused(
            f"{identity} may not speak for {role}",
            now=_NOTHING,
            do=f"Log in as {' or '.join(may)} (--db-user)." if may else "Its keys sign with --ssh-key.",
        )
