"""A run that isn't ours, as the server knows it: who holds the lock, its sessions, its row, what has been recorded.

One message a look, without a lock on anything that a run works on. What this role may not see is said, never guessed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.database.activity import HIDDEN
from pgmig_tui.database.background import Cells
from pgmig_tui.database.connect import Connection, Reachable, connect
from pgmig_tui.database.holder import LockHolder
from pgmig_tui.database.live import Live, look_sql, preparing_sql, read_live
from pgmig_tui.database.own_tables import Tables, behind_look, refused
from pgmig_tui.database.runs import COLUMNS
from pgmig_tui.database.text import bind, ident, load
from pgmig_tui.database.wire import Waiter, Wire
from pgmig_tui.display.words import count
from pgmig_tui.errors import Unreachable

OTHER = "-"
"""Stands for a run where what is followed is another program that holds the lock."""
PATIENCE_S = 10.0
"""A server that hasn't answered for so long is said not to."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class RunRow:
    """What the run itself wrote last.

    run_id: the run
    command: deploy, revert, …
    project: the project's name
    environment: the environment's name there
    host: where it runs
    os_user: as which account
    operator: for whom
    role: as which role of the server
    steps: how many it has
    started_at: when it began
    heartbeat_ms: age of its last heartbeat by the server's clock, which proves nothing but itself
    state: running, paused or finished
    step: the step at that time; null = before the first
    change: that step's change
    place: where in its script
    statement: the statement's first characters
    exit_status: that of the command; null = it hasn't said its end
    finished_at: when it ended
    """

    run_id: str
    command: str
    project: str
    environment: str
    host: str
    os_user: str
    operator: str
    role: str
    steps: int
    started_at: str
    heartbeat_ms: int
    state: str
    step: int | None
    change: str
    place: str
    statement: str
    exit_status: int | None
    finished_at: str | None

    @property
    def finished(self) -> bool:
        return self.state == "finished"


@dataclass(frozen=True, slots=True)
class RunSession:
    """A session of the run. None stands for what this role may not see.

    pid: the server's process
    application: its application_name
    user: its role
    client: its address; "" = a local socket
    state: what it is doing, as pg_stat_activity has it
    waits_for: a wait event
    xact_ms: age of its transaction
    state_ms: since when it is in that state
    query: its statement, secrets masked
    started: when it began, in UTC
    hidden: this role may not see what it does
    """

    pid: int
    application: str
    user: str
    client: str
    state: str | None
    waits_for: str | None
    xact_ms: int | None
    state_ms: int | None
    query: str
    started: str | None
    hidden: bool

    @property
    def part(self) -> str:
        """What it is for: control, watch, the number of a step; of another program's its application name."""
        return self.application.rpartition("/")[2] if self.application.startswith("pgmig/") else self.application


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event of the registry; `at` is UTC."""

    event: str
    change: str
    at: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look. `holder` None: nobody holds the lock. `run_id` is "" where another program holds it, or nobody.
    `step_pid` is the session that runs its script (of another program: the one that holds the lock), and `live` what
    that is at. `deployed` None: the registry can't be read. `recorded` are the last 200 of `events` events of the
    registry since it began. `unseen` says what can't be seen here, and what would help."""

    at: str
    holder: LockHolder | None
    run_id: str
    row: RunRow | None
    sessions: tuple[RunSession, ...] = ()
    step_pid: int | None = None
    live: Live | None = None
    deployed: int | None = None
    last: str = ""
    events: int = 0
    recorded: tuple[Recorded, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def step_session(self) -> RunSession | None:
        return next((one for one in self.sessions if one.pid == self.step_pid), None)

    @property
    def over(self) -> bool:
        """It doesn't hold the lock, and has said its end or has no session any more."""
        if self.holder is not None and self.holder.run_id == self.run_id:
            return False
        return (self.row is not None and self.row.finished) or not self.sessions


@dataclass(frozen=True, slots=True)
class _Shape:
    runs: bool
    registry: bool
    unseen: tuple[str, ...]


class ForeignLookout:
    """Looks at one database over and over, on a session of its own. Not for two threads at once; all block."""

    def __init__(self, target: Reachable, name: str, *, runs: str | None, registry: str) -> None:
        """`name` is the session's application name, `runs` the schema of the table of runs (None: tracking is off)."""
        self._target = target
        self._name = name
        self._runs = runs
        self._registry = registry
        self._wire: Wire | None = None
        self._shape = _Shape(False, False, ())
        self._since = ("", "")

    def look(self, run_id: str = "") -> Sighting:
        """What goes on now: of that run (or OTHER), else of whoever holds the lock. Raises ServerError, Unreachable."""
        try:
            wire = self._open()
            replies = _ask(wire, self._sql(run_id))
        except BaseException:
            self.close()  # what the next look finds may be another server, or have other tables
            raise
        return self._sighting(wire.connection, replies)

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _open(self) -> Wire:
        if self._wire is None or not self._wire.alive:
            self.close()
            connection = connect(self._target, application_name=self._name, kind="watch")
            self._wire = Wire(connection, _AnswerPatience())
            shape = bind(load("queries/foreign_shape"), {"runs": self._runs or "", "registry": self._registry})
            (row,) = _ask(self._wire, f"{preparing_sql(connection.server_version_num)}; {shape}")[-1]
            self._shape = self._read_shape(row)
        return self._wire

    def _read_shape(self, row: Cells) -> _Shape:
        columns, may_runs, has_registry, may_registry, role = row
        unseen = []
        runs = columns == ",".join(COLUMNS) and may_runs == "t"
        if self._runs is None:
            unseen.append("tracking is off: a run leaves no row in the database")
        elif columns is None:
            unseen.append(f"there is no table {self._runs}.runs: no run could write a row yet")
        elif columns != ",".join(COLUMNS):
            unseen.append(f"{self._runs}.runs is not our table: its columns are others")
        elif not runs:
            schema, to = ident(self._runs), ident(role or "")
            grant = f"GRANT USAGE ON SCHEMA {schema} TO {to}; GRANT SELECT ON {schema}.runs TO {to};"
            unseen.append(f"role {role} may not read {self._runs}.runs; to let it: {grant}")
        registry = may_registry == "t"
        if has_registry != "t":
            unseen.append(f"there is no registry in schema {self._registry}")
        elif not registry:
            schema, to = ident(self._registry), ident(role or "")
            grant = f"GRANT USAGE ON SCHEMA {schema} TO {to}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {to};"
            unseen.append(f"role {role} may not read the registry; to let it: {grant}")
        return _Shape(runs, registry, tuple(unseen))

    def _sql(self, run_id: str) -> str:
        since = self._since[1] if self._since[0] == run_id else ""  # it is not forgotten when the lock is let go
        parts = [bind(load("queries/foreign_head"), {"run": run_id, "since": since}), load("queries/foreign_sessions")]
        parts.append(look_sql("pg_catalog.current_setting('pgmig.step')"))
        parts.append(bind(load("queries/foreign_run"), {"schema": self._runs}) if self._shape.runs else _NOTHING)
        recorded = bind(load("queries/foreign_recorded"), {"registry": self._registry})
        parts.append(recorded if self._shape.registry else _NOTHING)
        read = [Tables(self._runs, ("runs",))] if self._shape.runs and self._runs is not None else []
        read += [Tables(self._registry, ("events", "changes"))] if self._shape.registry else []
        asked = ";\n".join(parts)
        return behind_look(asked, *read) if read else asked

    def _sighting(self, connection: Connection, replies: Sequence[Sequence[Cells]]) -> Sighting:
        (head,), sessions, live, rows, recorded = replies[-5:]
        pid, user, application, client, since, state, host, found_run, step, began, at = head
        run_id = found_run if found_run != OTHER else ""
        if began and found_run:
            self._since = (found_run, began)
        holder = LockHolder(int(pid), user or "", application or "", client or "", since, state, host) if pid else None
        row = _row(rows[0]) if rows else None
        if (holder is not None and not run_id) or found_run == OTHER:
            row = None  # another program holds the lock: the row is of a run that is over
        found = tuple(_session(one, connection) for one in sessions)
        step_pid = int(step or 0) or None
        unseen = list(self._shape.unseen)
        if hidden := sum(one.hidden for one in found):
            grant = f"GRANT pg_read_all_stats TO {ident(connection.role)};"
            does = count(hidden, "session does", "sessions do")
            unseen.append(f"what {does} is hidden from role {connection.role}; to let it see: {grant}")
        deployed, last, events, told = recorded[0] if recorded else (None, None, None, None)
        return Sighting(
            at=at or "",
            holder=holder,
            run_id=run_id or (row.run_id if row is not None else ""),
            row=row,
            sessions=found,
            step_pid=step_pid,
            live=read_live(live[0], step_pid, connection.mask) if step_pid and live else None,
            deployed=None if deployed is None else int(deployed),
            last=last or "",
            events=int(events or 0),
            recorded=tuple(Recorded(*one) for one in json.loads(told or "[]")),
            unseen=tuple(unseen),
        )


_NOTHING = "SELECT 1 WHERE false"


class _AnswerPatience(Waiter):
    """Gives up on a server that doesn't answer, and lets signals in meanwhile."""

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while not super().wait(fd, 500):
            if time.monotonic() > deadline:
                raise Unreachable(f"the server hasn't answered for {PATIENCE_S:.0f} s", do="Try again.")
        return True


def _ask(wire: Wire, sql: str) -> list[tuple[Cells, ...]]:
    exchange = wire.run(sql.encode(), row_limit=None, chunked=False)
    if exchange.error is not None:
        if exchange.lost:
            raise Unreachable(f"the connection was lost: {exchange.error.message}", do="Try again.")
        raise refused(exchange.error.message) or exchange.error
    return [reply.rows for reply in exchange.replies if reply.columns]


def _row(cells: Cells) -> RunRow:
    text = [cell or "" for cell in cells]
    return RunRow(
        run_id=text[0],
        command=text[1],
        project=text[2],
        environment=text[3],
        host=text[4],
        os_user=text[5],
        operator=text[6],
        role=text[7],
        steps=int(text[8]),
        started_at=text[9],
        heartbeat_ms=max(0, int(text[10])),
        state=text[11],
        step=int(text[12]) if text[12] else None,
        change=text[13],
        place=text[14],
        statement=text[15],
        exit_status=int(text[16]) if text[16] else None,
        finished_at=cells[17],
    )


def _session(cells: Cells, connection: Connection) -> RunSession:
    pid, application, user, client, state, wait_type, wait, xact, in_state, query, started = cells
    hidden = query == HIDDEN
    return RunSession(
        pid=int(pid or 0),
        application=application or "",
        user=user or "",
        client=client or "",
        state=state,
        waits_for=f"{wait_type}: {wait}" if wait_type and wait else None,
        xact_ms=int(xact) if xact else None,
        state_ms=int(in_state) if in_state else None,
        query="" if hidden else connection.mask(query or "")[:_SHOWN],
        started=started,
        hidden=hidden,
    )
