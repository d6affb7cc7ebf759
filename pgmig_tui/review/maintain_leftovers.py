"""Leftovers of a database: what failed or was switched off on the way, and the statement that finishes each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import maintain
from pgmig_tui.database.leftovers import Leftover, left_behind
from pgmig_tui.database.text import ident, literal
from pgmig_tui.database.undo import Kept, read_kept
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Unreachable
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, section, unseen
from pgmig_tui.run.journal.listing import unfinished
from pgmig_tui.script.quoting import quote

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.maintain import LeftObject, OpenBackfill, OpenRun
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

AE, SUE, SRE = "ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Patience:
    """From which age on something under way counts as left, in seconds."""

    settle_s: float = 60.0
    silent_s: float = 600.0


def leftovers(
    project: Project,
    environment: Environment,
    connection: Connection,
    state_dir: Path,
    today: date,
    patience: Patience | None = None,
) -> Section:
    """All of them; what can't be read is a finding that says so. Raises Unreachable."""
    asked = patience or Patience()
    findings = [
        *_asked("invalid indexes", lambda: map(_behind, left_behind(connection))),
        *_asked("objects", lambda: _objects(maintain.read_left(connection), asked)),
        *_asked("temporary tables", lambda: _temporary(connection)),
        *_own(environment, connection, asked),
        *_journals(project, environment, state_dir),
    ]
    notes: tuple[str, ...] = ()
    if connection.server_version_num < 160000:
        notes = ("temporary tables of sessions that are gone can be told from PostgreSQL 16 on",)
    return section(
        "leftovers", findings, environment, today, clear="nothing was left behind", found="leftover", notes=notes
    )


def _asked(what: str, ask: Callable[[], Iterable[MaintainFinding]]) -> Iterator[MaintainFinding]:
    try:
        yield from list(ask())
    except Unreachable:
        raise
    except PgmigError as error:
        yield unseen(what, error.what)


def _behind(one: Leftover) -> MaintainFinding:
    name = f"{quote(one.schema)}.{quote(one.name)}"
    if one.kind != "index":
        lock = f"{SUE} on {one.owner}, {AE} on the partition"
        return MaintainFinding("partition", name, "its detaching is pending", sql=one.repair, lock=lock)
    copy = len(one.repair) == 1
    told = "INVALID: what REINDEX CONCURRENTLY has left" if copy else "INVALID: it costs writes and serves no query"
    return MaintainFinding("invalid index", name, told, sql=one.repair, lock=f"{SUE} on its table")


# -- objects of the catalogs -------------------------------------------------------------------------------------------


def _objects(rows: Iterable[LeftObject], patience: Patience) -> Iterator[MaintainFinding]:
    internal: dict[tuple[str, str], list[LeftObject]] = {}
    for row in rows:
        if row.kind in ("prepared", "slot") and row.age_s is not None and row.age_s < patience.settle_s:
            continue
        if row.kind == "disabled trigger" and row.extra:
            internal.setdefault((row.relation, row.extra), []).append(row)
            continue
        yield _MAKERS[row.kind](row)
    yield from map(_unchecked, internal.values())


def _not_valid(row: LeftObject) -> MaintainFinding:
    kind = {"f": "foreign key", "c": "check", "n": "not null"}.get(row.extra, "constraint")
    also = ", ROW SHARE on the other table" if row.extra == "f" else ""
    sql = f"ALTER TABLE {row.relation} VALIDATE CONSTRAINT {ident(row.name)}"
    told = f"a {kind} that rows of before may break"
    return _of_table("not valid", row, told, (sql,), f"{SUE}{also}")


def _not_enforced(row: LeftObject) -> MaintainFinding:
    if row.extra != "f":
        told = "a check that nobody checks; it can only be dropped and added anew"
        return _of_table("not enforced", row, told, (), "")
    sql = f"ALTER TABLE {row.relation} ALTER CONSTRAINT {ident(row.name)} ENFORCED"
    told = "a foreign key that nobody checks; all rows are checked then"
    return _of_table("not enforced", row, told, (sql,), f"{AE} on both tables")


def _of_domain(row: LeftObject) -> MaintainFinding:
    sql = f"ALTER DOMAIN {row.relation} VALIDATE CONSTRAINT {ident(row.name)}"
    told = "a check that values of before may break"
    return _of_table("domain not valid", row, told, (sql,), "SHARE on the tables that use it")


def _unchecked(triggers: Sequence[LeftObject]) -> MaintainFinding:
    """A constraint whose triggers, these of one table, are switched off."""
    first = triggers[0]
    # Each by its name, not ALL: others of the table may be switched off on purpose.
    sql = tuple(f"ALTER TABLE {one.relation} ENABLE TRIGGER {ident(one.name)}" for one in triggers)
    name = f"{quote(first.extra)} on {first.relation}"
    told = "the triggers of this constraint are switched off: it isn't checked, and rows that came meanwhile never are"
    return MaintainFinding("disabled trigger", name, told, since=first.since, sql=sql, every=len(sql) > 1, lock=SRE)


def _trigger(row: LeftObject) -> MaintainFinding:
    sql = f"ALTER TABLE {row.relation} ENABLE TRIGGER {ident(row.name)}"
    return _of_table("disabled trigger", row, "it is switched off", (sql,), SRE)


def _rule(row: LeftObject) -> MaintainFinding:
    sql = f"ALTER TABLE {row.relation} ENABLE RULE {ident(row.name)}"
    return _of_table("disabled rule", row, "it is switched off", (sql,), AE)


def _event_trigger(row: LeftObject) -> MaintainFinding:
    sql = f"ALTER EVENT TRIGGER {ident(row.name)} ENABLE"
    name = quote(row.name)
    return MaintainFinding("disabled event trigger", name, "it is switched off", since=row.since, sql=(sql,), lock=NONE)


def _unlogged(row: LeftObject) -> MaintainFinding:
    size = f", {words.size(int(row.bytes))}" if row.bytes else ""
    told = f"empty after a crash, and not on replicas{size}; SET LOGGED writes it anew"
    sql = f"ALTER TABLE {row.relation} SET LOGGED"
    return MaintainFinding("unlogged", row.relation, told, since=row.since, sql=(sql,), lock=AE)


def _prepared(row: LeftObject) -> MaintainFinding:
    told = f"a prepared transaction of {row.extra}: it holds its locks, and dead rows stay"
    sql = (f"ROLLBACK PREPARED {literal(row.name).strip()}", f"COMMIT PREPARED {literal(row.name).strip()}")
    return MaintainFinding("prepared", row.name, told, since=row.since, sql=sql, lock=NONE)


def _slot(row: LeftObject) -> MaintainFinding:
    kept = f", {words.size(int(row.bytes))} of WAL are kept for it" if row.bytes is not None else ""
    told = f"nobody uses this {row.extra} slot of the server{kept}"
    sql = f"SELECT pg_catalog.pg_drop_replication_slot({literal(row.name).strip()})"
    return MaintainFinding("slot", row.name, told, since=row.since, sql=(sql,), lock=NONE)


def _of_table(kind: str, row: LeftObject, told: str, sql: tuple[str, ...], lock: str) -> MaintainFinding:
    return MaintainFinding(kind, f"{quote(row.name)} on {row.relation}", told, since=row.since, sql=sql, lock=lock)


_MAKERS: Mapping[str, Callable[[LeftObject], MaintainFinding]] = {
    "not valid": _not_valid,
    "not enforced": _not_enforced,
    "domain not valid": _of_domain,
    "disabled trigger": _trigger,
    "disabled rule": _rule,
    "disabled event trigger": _event_trigger,
    "unlogged": _unlogged,
    "prepared": _prepared,
    "slot": _slot,
}


def _temporary(connection: Connection) -> Iterator[MaintainFinding]:
    for schema, name in maintain.read_temporary(connection) or ():
        sql = f"DROP TABLE {ident(schema)}.{ident(name)}"
        told = "a temporary table whose session is gone"
        yield MaintainFinding("temporary", f"{quote(schema)}.{quote(name)}", told, sql=(sql,), lock=AE)


# -- our own tables and journals ---------------------------------------------------------------------------------------


def _own(environment: Environment, connection: Connection, patience: Patience) -> Iterator[MaintainFinding]:
    policy = environment.policy
    found = maintain.read_own(connection, policy.tracking, policy.keep_schema)
    readers: Mapping[str, Callable[[], Iterable[MaintainFinding]]] = {
        "runs": lambda: _runs(maintain.read_open_runs(connection, found["runs"].schema), environment, patience),
        "backfill_progress": lambda: _backfills(
            maintain.read_open_backfills(connection, found["backfill_progress"].schema), environment, patience
        ),
        "kept": lambda: _kept(read_kept(connection, policy.keep_schema), policy.keep_schema),
    }
    for name, read in readers.items():
        table = found.get(name)
        if table is None:
            continue
        if not table.readable:
            to = f"TO {ident(connection.role)}"
            grant = f"GRANT USAGE ON SCHEMA {ident(table.schema)} {to}; "
            grant += f"GRANT SELECT ON {ident(table.schema)}.{ident(name)} {to}"
            yield unseen(f"{table.schema}.{name}", f"role {connection.role} may not read it; {grant}")
            continue
        yield from _asked(f"{table.schema}.{name}", read)


def _runs(rows: Iterable[OpenRun], environment: Environment, patience: Patience) -> Iterator[MaintainFinding]:
    for one in rows:
        if one.silent_s >= patience.silent_s:
            told = f"{one.command} by {one.operator} on {one.host} has recorded no end, and is silent since"
            told += f" {words.duration(one.silent_s * 1000)}"
            yield MaintainFinding(
                "run", one.run_id, told, since=one.started_at, command=f"reconcile {environment.name}"
            )


def _backfills(rows: Iterable[OpenBackfill], environment: Environment, patience: Patience) -> Iterator[MaintainFinding]:
    for one in rows:
        if one.silent_s >= patience.silent_s:
            told = f"of {one.relation}, begun by {one.by}: {words.count(one.rows, 'row')} passed, and not at its end"
            command = f"backfill {environment.name} --resume {one.run_id}"
            yield MaintainFinding("backfill", one.run_id, told, since=one.started_at, command=command)


def _kept(rows: Iterable[Kept], schema: str) -> Iterator[MaintainFinding]:
    for one in rows:
        if not one.expired:
            continue
        told = f"{words.count(one.rows, 'row')} of {one.source}, kept before {one.change} was reverted by {one.run},"
        told += f" until {words.utc(one.expires_at)}" + ("; brought back since" if one.restored_at else "")
        row = f"DELETE FROM ONLY {ident(schema)}.kept WHERE id = {one.id}"
        drop = (f"DROP TABLE {ident(schema)}.{ident(one.keep_table)}",) if one.keep_table else ()
        name = f"{quote(schema)}.{quote(one.keep_table)}" if one.keep_table else f"{quote(schema)}.kept, row {one.id}"
        lock = AE if drop else "ROW EXCLUSIVE"
        yield MaintainFinding("expired keep", name, told, since=one.saved_at, sql=(*drop, row), every=True, lock=lock)


def _journals(project: Project, environment: Environment, state_dir: Path) -> Iterator[MaintainFinding]:
    """Runs of this account, whether or not the server knows of them."""
    for run in unfinished(state_dir, project.plan.project):
        if run.environment == environment.name:
            state = "ended in doubt" if run.exit_status is not None else "was cut off"
            told = f"{run.command or 'run'} of this account {state}"
            command = f"reconcile {environment.name}"
            yield MaintainFinding("unsettled run", run.run_id, told, since=run.started_at, command=command)
