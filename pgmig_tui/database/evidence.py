"""The table of evidence: what each check of a run found, what people answered, kept in the database that it is about.

Whoever gathers evidence (gates, checklists, proofs of a backup) hands it to `record_evidence`; nothing here decides
what it means. It is written where tracking of version 2 is and this role may, and nowhere else: nothing is created for
it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from pgmig_tui import __version__
from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, look_sql, tracking_tables
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.database.tracking_rows import ALONE_SQL
from pgmig_tui.errors import Refused

LARGEST = 64 * 1024
"""Bytes of `rows` that are kept, as PostgreSQL writes them."""

State = Literal["PASS", "WARN", "FAIL", "UNKNOWN"]
WITNESS = "witness:"
"""How the items begin that hold the head of another environment's chain."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One item's evidence. `item` is its ID ("backup:verify"), `check_name` what looked, `sql_hash` the SHA-256 of the
    query that it asked, `rows` what that gave (column names first is the habit), times UTC (ISO 8601) by the server's
    clock, `role` as whom it was asked. `answered_how` (seen, said, override, emergency), `note` and `answered_by` are a
    person's.
    """

    run_id: str
    item: str
    state: str
    summary: str = ""
    check_name: str = ""
    sql_hash: str = ""
    rows: object = None
    started_at: str | None = None
    finished_at: str | None = None
    role: str = ""
    answered_how: str = ""
    note: str = ""
    answered_by: str = ""
    program_version: str = __version__


def record_evidence(
    connection: Connection, schema: str | None, evidence: Sequence[EvidenceRow], registry: str = "sqitch"
) -> str:
    """Keep evidence in tracking `schema`, on a session that may write (`identity.let_write`). Secrets are masked by the
    caller. Returns why it isn't kept, "" when it is; raises nothing but the loss of the connection."""
    if not evidence:
        return ""
    try:
        found = read_tracking(connection, schema, registry)
        if found.schema is None:
            return found.reason or "tracking is off"
        if found.version != 2 or found.creates not in ("", "runs"):
            return f"schema {schema} has no table of evidence yet: the next deploy makes it"
        connection.execute(f"{ALONE_SQL}; {evidence_sql(found.schema, evidence)}")
    except ServerError as error:
        return error.message
    except Refused as error:
        return error.what
    return ""


def evidence_sql(schema: str, evidence: Sequence[EvidenceRow]) -> str:
    """The statement that keeps it, in tables of version 2; it looks at them first."""
    items = json.dumps([_item(one) for one in evidence], ensure_ascii=False, separators=(",", ":"))
    return (
        f"WITH guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})\n"
        f"SELECT {ident(schema)}.record_evidence({literal(items)}::pg_catalog.jsonb) FROM guard"
    )


def read_evidence(connection: Connection, schema: str, run_id: str) -> tuple[EvidenceRow, ...]:
    """The evidence of one run, in the order in which it was kept. Raises ServerError, Refused."""
    columns = ", ".join(
        f"pg_catalog.to_char(e.{one.name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        if one.name.endswith("_at")
        else f"e.{one.name}"
        for one in fields(EvidenceRow)
    )
    sql = f"SELECT {columns} FROM {ident(schema)}.evidence AS e WHERE e.run_id = {literal(run_id)} ORDER BY e.seq"
    found = connection.execute(behind_look(sql, Tables(schema, ("evidence",))))
    texts = {one.name for one in fields(EvidenceRow)} - {"rows", "started_at", "finished_at"}
    names = [one.name for one in fields(EvidenceRow)]
    return tuple(
        EvidenceRow(
            **{name: "" if value is None and name in texts else value for name, value in zip(names, row, strict=True)}
        )
        for row in found
    )


@dataclass(frozen=True, slots=True)
class PolicyBefore:
    """What the newest run of a project was held to (gates.policy_text), and which `run` that was; None: there is
    none. `problem`: why that isn't known."""

    facts: Mapping[str, object] | None = None
    run: str = ""
    problem: str = ""


def read_policy_before(connection: Connection, schema: str, registry: str, project: str) -> PolicyBefore:
    """The policy that the last run was held to, by the evidence that it has kept. Where `schema` has none it is looked
    for in each other schema that has such a table, for whoever can change pgmig.toml can name another schema. Raises
    nothing but the loss of the connection."""
    found = _policy_in(connection, schema, registry, project)
    if found.facts is not None or found.problem:
        return found
    try:
        others = [str(row[0]) for row in connection.execute(load("queries/policy_places"))]
    except ServerError as error:
        return PolicyBefore(problem=error.message)
    kept = (_policy_in(connection, one, registry, project) for one in others if one != schema)
    return next((one for one in kept if one.facts is not None), found)


def _policy_in(connection: Connection, schema: str, registry: str, project: str) -> PolicyBefore:
    """The same of one schema."""
    try:
        found = read_tracking(connection, schema, registry)
        if found.schema is None:
            return PolicyBefore() if not found.reason else PolicyBefore(problem=found.reason)
        if found.version != 2 or found.creates not in ("", "runs"):
            return PolicyBefore()
        sql = bind(load("queries/policy_before"), {"schema": schema, "project": project})
        rows = connection.execute(behind_look(sql, Tables(schema, ("evidence",))))
    except ServerError as error:
        return PolicyBefore(problem=error.message)
    except Refused as error:
        return PolicyBefore(problem=error.what)
    if not rows:
        return PolicyBefore()
    facts = json.loads(rows[0][0]) if isinstance(rows[0][0], str) else rows[0][0]
    if not isinstance(facts, dict):
        return PolicyBefore(run=str(rows[0][1]), problem=f"what run {rows[0][1]} has kept of it can't be read")
    return PolicyBefore(facts, str(rows[0][1]))


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The head of an `environment`'s chain as a run `by` another has seen it at a time (UTC)."""

    environment: str
    chain: str
    seq: int
    hash: str
    at: str
    by: str


def read_witnesses(connection: Connection, schema: str, *, every: bool = False) -> tuple[Witnessed, ...]:
    """The newest head of each chain that runs on this environment have seen; each of them with `every`, since a newer
    one doesn't vouch for what stood there before. Raises ServerError, Refused."""
    one = "e.item, e.rows->>'chain'" + (", (e.rows->>'seq')::pg_catalog.int8, e.rows->>'hash'" if every else "")
    sql = (
        f"SELECT DISTINCT ON ({one}) pg_catalog.substr(e.item, 9), e.rows->>'chain',"
        " (e.rows->>'seq')::pg_catalog.int8, e.rows->>'hash',"
        " pg_catalog.to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        f" coalesce(e.run_id, '') FROM ONLY {ident(schema)}.evidence AS e"
        " WHERE e.item LIKE 'witness:%' AND e.state = 'PASS' AND e.rows->>'seq' ~ '^[0-9]+$'"
        f" ORDER BY {one}, e.seq DESC"
    )
    rows = connection.execute(behind_look(sql, Tables(schema, ("evidence",))))
    return tuple(Witnessed(*row) for row in rows)


def _item(one: EvidenceRow) -> dict[str, object]:
    told = {field.name: _plain(getattr(one, field.name)) for field in fields(one)}
    rows = told.pop("rows")
    if rows is not None:
        size = len(json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace"))
        told["rows"] = rows if size <= LARGEST - LARGEST // 8 else {"left_out": size}
    return {name: value for name, value in told.items() if value not in ("", None)}


def _plain(value: object) -> object:
    """JSON that a jsonb can hold: no NUL, and what isn't JSON as text."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {str(_plain(str(key))): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
