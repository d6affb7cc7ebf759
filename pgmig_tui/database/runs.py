"""The table of runs, beside the tracking tables: what works here, on whose behalf, and its last heartbeat.

A run's own journal can be read by its account only; this row is what everybody else sees of it. It never holds up the
run: its statements are sent without waiting (`background.Aside`), wait for no lock and for no standby, and a refusal
costs nothing but the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.own_tables import Tables, behind_look, guarded
from pgmig_tui.database.text import bind, ident, literal, load

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection

COLUMNS = (
    "run_id text", "command text", "project text", "environment text", "host text", "os_user text", "operator text",
    "role text", "steps integer", "started_at timestamp with time zone", "heartbeat_at timestamp with time zone",
    "state text", "step integer", "change text", "place text", "statement text", "exit_status integer",
    "finished_at timestamp with time zone",
)  # fmt: skip

State = Literal["running", "paused"]

RECORDED_ONLY = "recorded only"
"""`place` of a step that runs no script (`deploy --log-only`): nothing of it is in the database but its record."""

_ALONE = (
    "SELECT pg_catalog.set_config('lock_timeout','100ms',true), pg_catalog.set_config('statement_timeout','1s',true),"
    " pg_catalog.set_config('synchronous_commit','off',true)"
)
"""For this message only. Nobody waits for a standby because of a heartbeat, and nobody behind a lock."""


@dataclass(frozen=True, slots=True)
class RunBegin:
    """Who runs what, as it is written when the run begins. Texts come without secrets."""

    run_id: str
    command: str
    project: str
    environment: str
    host: str
    os_user: str
    operator: str
    steps: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What a run does now: the number of the step, its change, `place` ("deploy/users.sql:12") and the masked beginning
    of its statement; None and "" where there is none yet."""

    state: State = "running"
    step: int | None = None
    change: str = ""
    place: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class ChangingRow:
    """What the row of a deploy, a revert or a rollback says of it. Times are UTC (ISO 8601); `exit_status` and
    `finished_at` are None where it recorded no end."""

    run_id: str
    command: str
    operator: str
    host: str
    steps: int
    exit_status: int | None
    place: str
    started_at: str
    heartbeat_at: str
    finished_at: str | None


def read_newest(connection: Connection, schema: str | None, project: str) -> tuple[ChangingRow, ...]:
    """The newest deploys, reverts and rollbacks of a project that have a row, newest first; none where the table isn't
    there, isn't ours or can't be read. Raises ServerError."""
    if schema is None:
        return ()
    row = connection.one(bind(load("queries/runs_readable"), {"schema": schema}))
    if row is None or row[0] != ",".join(COLUMNS):
        return ()
    sql = bind(load("queries/runs_newest"), {"schema": schema, "project": project})
    rows = connection.execute(behind_look(sql, runs_table(schema)))
    return tuple(ChangingRow(*one) for one in rows)


def runs_table(schema: str) -> Tables:
    return Tables(schema, ("runs",))


def begin_sql(schema: str, run: RunBegin) -> str:
    """The run's row. Times are the server's; the role is the session's."""
    texts = (run.run_id, run.command, run.project, run.environment, run.host, run.os_user, run.operator)
    return _alone(
        schema,
        f"INSERT INTO {ident(schema)}.runs (run_id, command, project, environment, host, os_user, operator, steps)"
        f" VALUES ({', '.join(_text(text) for text in texts)}, {int(run.steps)})",
    )


def beat_sql(schema: str, run_id: str, beat: Beat, exit_status: int | None = None) -> str:
    """A heartbeat; with an exit status the last one."""
    values = {
        "state": literal(beat.state if exit_status is None else "finished"),
        "step": "NULL" if beat.step is None else str(int(beat.step)),
        "change": _text(beat.change),
        "place": _text(beat.place),
        "statement": _text(beat.statement),
    }
    if exit_status is not None:
        values |= {"exit_status": str(int(exit_status)), "finished_at": "pg_catalog.clock_timestamp()"}
    given = ", ".join(f"{name} = {value}" for name, value in values.items())
    return _alone(
        schema,
        f"UPDATE ONLY {ident(schema)}.runs SET heartbeat_at = pg_catalog.clock_timestamp(), {given}"
        f" WHERE run_id = {literal(run_id)} AND state <> 'finished'",
    )


def settled_sql(schema: str, run_id: str, exit_status: int) -> str:
    """The end of a run that didn't say it itself: its last heartbeat stays what it was."""
    return _alone(
        schema,
        f"UPDATE ONLY {ident(schema)}.runs SET state = 'finished', exit_status = {int(exit_status)},"
        " finished_at = pg_catalog.clock_timestamp()"
        f" WHERE run_id = {literal(run_id)} AND state <> 'finished'",
    )


def _alone(schema: str, writes: str) -> str:
    return f"{_ALONE}; {guarded(writes, runs_table(schema))}"


def _text(text: str) -> str:
    """A literal, whatever a script or a host name holds."""
    return literal(text.replace("\0", "\ufffd"))
