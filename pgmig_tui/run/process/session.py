"""The step session: one connection for the scripts, cleaned between them, and its head and tail around a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pgmig_tui.database.connect import Connection, application_name, connect, guard_sql
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.opening import Kind
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.run.journal.events import StatementNotes
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan, Step
from pgmig_tui.run.process.control import Control

# While a script's search_path is in force, every name and operator of ours is qualified: a stranger's may come first on
# it, even where the operands are of the very types.
IDENTITY_COLUMNS = (
    "pg_catalog.current_database(), pg_catalog.pg_is_in_recovery(), {system},"
    " extract(epoch FROM pg_catalog.clock_timestamp())::numeric, pg_catalog.pg_backend_pid(), {started}"
)
# The server reads its control file for this: asked once a session, for a server process never changes its cluster.
_SYSTEM = "(SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system())"
# With its process it names a session for good: an application_name is the script's to change.
_STARTED = (
    "(SELECT pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    " FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a)"
)

# BEGIN goes on in the transaction that the message has opened, and so has its modes: whatever the role, or the last
# script, has made the default. It must come before anything that reads.
_MODES = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE"
# DISCARD ALL in its parts, as PostgreSQL's manual lists them, because that can't stand in one message with other
# statements. DISCARD PLANS is left out: a cached plan can't be told from a new one, but by the time that it saves. The
# advisory locks go with the first question behind it.
_RESTORE = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL"
_DISCARD = "DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES"

# What the script may have changed and the record, or the next BEGIN, must not depend on. `true` = for this transaction
# only; the others are needed until the session is cleaned.
_RESET_SQL = (
    "SET statement_timeout = 0; RESET SESSION AUTHORIZATION; RESET ROLE; "
    "SELECT pg_catalog.set_config('search_path','pg_catalog, pg_temp',true),"
    "pg_catalog.set_config('client_encoding','UTF8',true),"
    "pg_catalog.set_config('standard_conforming_strings','on',true),"
    "pg_catalog.set_config('row_security','off',true),"
    "pg_catalog.set_config('default_transaction_isolation','read committed',false),"
    "pg_catalog.set_config('default_transaction_read_only','off',false),"
    "pg_catalog.set_config('default_transaction_deferrable','off',false),"
    "{guards},"
    "CASE WHEN pg_catalog.current_setting('session_replication_role') OPERATOR(pg_catalog.<>) 'origin'"
    " THEN pg_catalog.set_config('session_replication_role','origin',true) END"
)


class StepSession:
    """Opens, cleans and replaces the connection that runs the scripts of a run."""

    def __init__(
        self, plan: RunPlan, target: Endpoint, control: Control, notice: Callable[[str, str, str], None]
    ) -> None:
        self._plan = plan
        self._target = target
        self._control = control
        self._tell = notice
        self.opened: Callable[[int, str, bool], None] | None = None
        """Called with process and start (UTC) of each session that scripts run in, and whether it is a pool's, before
        their first statement."""
        self.warned = ""
        """The last WARNING of the server."""
        self._wire: Wire | None = None
        self._begun: tuple[int, Exchange] | None = None
        self._sent_ahead_ms = plan.lock_timeout_ms
        self.lock_timeout_ms = plan.lock_timeout_ms
        """What the next step's guards will say; a command may change it while the run goes on."""
        self.patience_ms = 0
        """A longer lock_timeout for one try, 0 = as always."""
        self._backend: str | None = None
        """The server process whose cluster has been checked, while this session lasts."""
        self._system = _SYSTEM if plan.server.system_identifier else "NULL"

    def begin(self, step: Step, sql: str = "") -> tuple[Wire, Exchange]:
        """A session as a new psql would have it: cleaned, or new where scripts leave something behind.

        One message sets the guards, asks who answers (its last row is `check_identity`'s) and goes on with `sql`.
        """
        wire, begun, self._begun = self._wire, self._begun, None
        if begun is not None:
            if wire is not None and begun[0] == step.number and not self._cut_off(begun[1]):
                self._watch(step, wire)
                return self._up_to_date(wire, begun[1])
            self.drop()
            wire = None
        if wire is not None and wire.alive and wire.idle:
            self._watch(step, wire)
            wire.unhurried()
            # The encoding that a script has set is still in force when the server reads the message that resets it.
            if sql.isascii() or wire.run(b"DISCARD ALL").error is None:
                exchange = wire.run(f"{_MODES}; {self._clean_head_sql(step, sql)}".encode(), chunked=False)
                if not self._cut_off(exchange):
                    return wire, exchange
        self.drop()
        wire = self.open(str(step.number))
        self._watch(step, wire)
        return wire, wire.run(f"{_MODES}; {self.head_sql(step, sql)}".encode(), chunked=False)

    def _cut_off(self, begun: Exchange) -> bool:
        """Lost, or ended by a timeout that the role's own settings have: a new session begins without one."""
        error = begun.error
        return begun.lost or (error is not None and error.sqlstate == "57014" and not self._control.cancelled)

    def _watch(self, step: Step, wire: Wire) -> None:
        if self._control.watcher is not None:
            self._control.watcher.begin(step.number, wire, patience_ms=self.patience_ms)

    def _up_to_date(self, wire: Wire, begun: Exchange) -> tuple[Wire, Exchange]:
        """What was sent ahead, with the guards that are wanted by now."""
        if begun.error is None and self._sent_ahead_ms != self.lock_timeout_ms:
            self.set_lock_timeout(wire, self.lock_timeout_ms)
        return wire, begun

    def set_lock_timeout(self, wire: Wire, ms: int) -> str:
        """Change it for what comes next in this session; what it was, as the server writes it. Raises ServerError."""
        before = wire.query("SELECT pg_catalog.current_setting('lock_timeout')")
        wire.query(f"SELECT pg_catalog.set_config('lock_timeout','{ms}',false)")
        return str(before[0][0])

    def settle(self) -> None:
        """Nobody works for now: what a script left in its session (advisory locks, temporary tables) must not stay."""
        self.drop()

    def pause(self) -> None:
        """The same before a person is waited for. A transaction that was begun ahead has ended when this returns, not
        when the server comes to see that we have gone."""
        if self._wire is not None and self._wire.alive and self._wire.in_transaction:
            self._wire.run(b"ROLLBACK")
        self.settle()

    def open(self, part: str) -> Wire:
        """A new connection named `pgmig/<run>/<part>`."""
        connection = connect(self._target, application_name=application_name(self._plan.run_id, part), script=True)
        self._wire = Wire(connection, self._control, self._noticed)
        self._control.cancel_now, self._control.cut_now = self._wire.cancel, self._wire.cut
        return self._wire

    def _noticed(self, severity: str, sqlstate: str, message: str) -> None:
        if severity == "WARNING":
            self.warned = message
        self._tell(severity, sqlstate, message)

    def connect(self, part: str, lock_timeout_ms: int = 0, kind: Kind = "control") -> Connection:
        """A session of our own beside the one that scripts run in."""
        name = application_name(self._plan.run_id, part)
        return connect(self._target, application_name=name, kind=kind, lock_timeout_ms=lock_timeout_ms)

    @property
    def target(self) -> Endpoint:
        return self._target

    def drop(self) -> None:
        if self._control.watcher is not None:
            self._control.watcher.end()
        if self._wire is not None:
            self._control.cancel_now = self._control.cut_now = None
            self._wire.close()
            self._wire = None
        self._begun = None
        self._backend = None

    def as_role(self, user: str) -> Wire:
        """`\\connect` to the same database, perhaps as another role (its password is libpq's to find)."""
        if user:
            conninfo = {**self._target.conninfo, "user": user}
            changed = user != self._target.conninfo.get("user")
            self._target = replace(self._target, conninfo=conninfo, password=None if changed else self._target.password)
        self.drop()
        wire = self.open("connect")
        self.guard(wire)
        self._tell_opened(*wire.query(f"SELECT pg_catalog.pg_backend_pid(), {_STARTED}")[0])
        if self._control.watcher is not None:
            self._control.watcher.instead(wire)
        return wire

    def leave(self) -> None:
        """Close a session whose script has had its say. The server drops its temporary tables when it goes, in a
        transaction that nobody needs to last: it waits for no synchronous standby, or the session would live on. A
        pool's session doesn't go, and must stay as it is."""
        wire = self._wire
        if wire is not None and (wire.idle or wire.in_transaction) and not wire.connection.pooled:
            end = "ROLLBACK; " if wire.in_transaction else ""
            wire.run(f"{end}SET SESSION synchronous_commit = local".encode())
        self.drop()

    # -- head and tail -----------------------------------------------------------------------------------------

    def head_sql(self, step: Step, sql: str = "") -> str:
        """One SELECT, which tells who answers in the columns that `check_identity` reads and sets the guards; `sql`."""
        return self._head(step) + (f"; {sql}" if sql else "")

    def _clean_head_sql(self, step: Step, sql: str) -> str:
        """The same for a session in which a script has been, which is cleaned first."""
        head = self._head(step, "pg_catalog.pg_advisory_unlock_all()")
        return f"{_RESTORE}; {head}; {_DISCARD}" + (f"; {sql}" if sql else "")

    def _head(self, step: Step, *first: str) -> str:
        plan = self._plan
        name = application_name(plan.run_id, step.number)
        guards = self._guards(self.patience_ms or self.lock_timeout_ms)
        known = self._backend is not None
        identity = IDENTITY_COLUMNS.format(
            system="NULL" if known else self._system, started="NULL" if known else _STARTED
        )
        named = f"pg_catalog.set_config('application_name','{name}',false)"
        return f"SELECT {identity}, pg_catalog.concat({', '.join([*first, named, guards])})"

    def _guards(self, lock_timeout_ms: int) -> str:
        return guard_sql("step", lock_timeout_ms, self._plan.server.version_num).decode().removeprefix("SELECT ")

    def guard(self, wire: Wire) -> None:
        """Guards alone, for a session that the run has already checked."""
        wire.query(guard_sql("step", self.lock_timeout_ms, self._plan.server.version_num).decode())

    def check_identity(self, row: tuple[str | None, ...]) -> float:
        """Refuse another database, another cluster or a standby. Returns the server's clock (seconds since 1970)."""
        database, standby, system, clock, backend, started = row[:6]
        expected = self._plan.server
        now = "The step was not started; what was recorded before it stays."
        if standby == "t":
            raise Refused("the server has become a standby: it can't be written to", now=now)
        if database != expected.database or (system and system != expected.system_identifier):
            raise Refused(
                f"another server answers: database {database}, system identifier {system};"
                f" planned for {expected.database}, {expected.system_identifier}",
                now=now,
                do="Find out where the address leads now before anything is run again.",
            )
        if self._backend not in (None, backend):
            raise Refused(
                f"another server process answers ({backend}, before {self._backend}): a pooler stands in between",
                now=now,
                do="Give the run the server's own address, or a pooler that keeps its sessions.",
            )
        self._backend = backend
        self._tell_opened(backend, started)
        return float(clock or 0)

    def _tell_opened(self, pid: str | None, started: str | None) -> None:
        if self.opened is not None and pid and started:
            self.opened(int(pid), started, self._wire is not None and self._wire.connection.pooled)

    def finish(
        self,
        wire: Wire,
        closing: str,
        rows: str,
        upcoming: Step | None = None,
        sql: str = "",
    ) -> Exchange:
        """End a step's transaction: `closing` under the script's own settings, then ours, the rows as UTF-8, COMMIT.

        One message where it can be: a changed encoding or string syntax would misread the text that follows in it. An
        error without a reply before it belongs to `closing`. Where there is a step `upcoming`, the message goes on with
        what `begin` would send for it, and `begin` finds the answer: a message less for each step.
        """
        if (lifted := wire.unhurried()) is not None and lifted.error is not None:
            return lifted
        reset = _RESET_SQL.replace("{guards}", self._guards(self.lock_timeout_ms))
        ours = f"{closing}; {reset}" if closing else reset
        end = f"{rows}; COMMIT" if rows else "COMMIT"
        if wire.parameter("client_encoding") != "UTF8" or wire.parameter("standard_conforming_strings") != "on":
            first = wire.run(ours.encode())
            return first if first.error is not None else wire.run(end.encode())
        if upcoming is None:
            return wire.run(f"{ours}; {end}".encode(), chunked=False)
        self._sent_ahead_ms = self.lock_timeout_ms
        ahead = self._clean_head_sql(upcoming, sql)
        both = wire.run(f"{ours}; {end}; {ahead}".encode(), chunked=False)
        last = next((number for number, reply in enumerate(both.replies, 1) if reply.tag == "COMMIT"), None)
        if last is None:
            return both
        self._begun = upcoming.number, Exchange(both.replies[last:], both.error, both.lost, both.ms)
        return Exchange(both.replies[:last], ms=both.ms)


_MESSAGE = "pg_catalog.pg_logical_emit_message(true, 'pgmig'::pg_catalog.text, ''::pg_catalog.text)"
# The right to write a message is asked for first, alone: an error would fail the script's transaction.
_NOTE_SQL = """
SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text, pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
  FROM pg_catalog.pg_proc p
 WHERE p.proname OPERATOR(pg_catalog.=) 'pg_logical_emit_message'
   AND p.proargtypes[2] OPERATOR(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
"""
_FLUSH_SQL = f"SELECT pg_catalog.set_config('synchronous_commit','local',true), {_MESSAGE}"
_FLUSHED_S = 10.0
_LIFT_SQL = (
    "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout','0',true)"
)
_PUT_BACK_SQL = "SELECT pg_catalog.set_config('statement_timeout','{}',true)"


def note_transaction(wire: Wire, control: Control) -> StatementNotes:
    """Fields of the `statement_started` of a COMMIT: the ID of the transaction that is open (`xid`, 64 bits, as text;
    "" when it has written nothing or has failed), and whether it is `lasting`: the server will never give it to
    another.

    After a crash an ID alone proves nothing: what wasn't on disk is forgotten, the ID too, and given out again. So a
    message of our own is written in that transaction, which carries its ID into the write-ahead log, and the log is
    flushed by a transaction of the control session, before the COMMIT is sent. Whatever happens then, the ID stays
    used, and the server says of it what is true. (PostgreSQL's recovery goes on behind the highest ID that it finds in
    the log.)
    """
    if not wire.in_transaction or wire.failed_transaction:
        return {"xid": ""}
    if not wire.hurried:
        return _noted(wire, control)
    lifted = wire.run(_LIFT_SQL.encode())
    if lifted.error is not None:
        return {"xid": ""}
    noted = _noted(wire, control)
    # The script's COMMIT, and what it has deferred until then, has the time that the script gives it.
    wire.run(_PUT_BACK_SQL.format(lifted.last.rows[0][0]).encode())
    return noted


def _noted(wire: Wire, control: Control) -> StatementNotes:
    exchange = wire.run(_NOTE_SQL.encode())
    rows = exchange.last.rows
    if exchange.error is not None or not rows or not rows[0][0]:
        return {"xid": ""}
    xid, may_write = rows[0]
    written = may_write == "t" and wire.run(f"SELECT {_MESSAGE}".encode()).error is None
    return {"xid": xid or "", "lasting": written and _flushed(control)}


def flush_commits(wire: Wire, control: Control) -> None:
    """What a script has committed without waiting for the disk is there before it is told as done."""
    if wire.unflushed:
        _flushed(control)


def _flushed(control: Control) -> bool:
    if not control.holds_session or control.lost:
        return False
    try:
        with deadline(control.session, _FLUSHED_S, "the control session"):
            control.session.execute(_FLUSH_SQL)
    except PgmigError:
        return False
    return True
