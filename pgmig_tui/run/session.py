"""The step session: one connection for the scripts, cleaned between them, and its head and tail around a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pgmig_tui.database.connect import Connection, application_name, connect, guard_sql
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.errors import Refused
from pgmig_tui.run.control import Control
from pgmig_tui.run.plan import Endpoint, RunPlan, Step

IDENTITY_COLUMNS = (
    "pg_catalog.current_database(), pg_catalog.pg_is_in_recovery(), {system},"
    " extract(epoch FROM pg_catalog.clock_timestamp())"
)
_SYSTEM = "(SELECT system_identifier::text FROM pg_catalog.pg_control_system())"

# What the script may have changed and the record must not depend on. All names are qualified: the script's search_path
# is
# still in force when this is read. `true` = for this transaction only.
_RESET_SQL = (
    "RESET SESSION AUTHORIZATION; RESET ROLE; "
    "SELECT pg_catalog.set_config('search_path','pg_catalog, pg_temp',true),"
    "pg_catalog.set_config('client_encoding','UTF8',true),"
    "pg_catalog.set_config('standard_conforming_strings','on',true),"
    "pg_catalog.set_config('row_security','on',true),"
    "CASE WHEN pg_catalog.current_setting('session_replication_role')<>'origin'"
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
        self._notice = notice
        self._wire: Wire | None = None
        self._cleaned = False
        self._system = _SYSTEM if plan.server.system_identifier else "NULL"

    def for_step(self, step: Step) -> Wire:
        """A session as a new psql would have it: cleaned, or new after scripts that leave something behind."""
        wire = self._wire
        if wire is not None and not self._cleaned:
            self.clean()
        if wire is not None and wire.settle() and wire.idle:
            self._cleaned = False
            return wire
        self.drop()
        return self.open(str(step.number))

    def clean(self) -> None:
        """DISCARD ALL, without waiting: the server does it while we write down what was done and read what comes."""
        if self._wire is not None and self._wire.alive and self._wire.idle:
            self._wire.post(b"DISCARD ALL")
            self._cleaned = True

    def settle(self) -> None:
        """Take the server's answers that are under way."""
        if self._wire is not None:
            self._wire.settle()

    def open(self, part: str) -> Wire:
        """A new connection named `pgmig/<run>/<part>`."""
        connection = self.connect(part)
        self._wire = Wire(connection, self._control, self._notice)
        self._control.cancel_now = self._wire.cancel
        return self._wire

    def connect(self, part: str) -> Connection:
        name = application_name(self._plan.run_id, part)
        return connect(self._target, application_name=name, script=True)

    def drop(self) -> None:
        if self._wire is not None:
            self._control.cancel_now = None
            self._wire.close()
            self._wire = None
            self._cleaned = False

    def as_role(self, user: str) -> Wire:
        """`\\connect` to the same database, perhaps as another role (its password is libpq's to find)."""
        if user:
            conninfo = {**self._target.conninfo, "user": user}
            changed = user != self._target.conninfo.get("user")
            self._target = replace(self._target, conninfo=conninfo, password=None if changed else self._target.password)
        self.drop()
        wire = self.open("connect")
        self.guard(wire)
        return wire

    # -- head and tail -----------------------------------------------------------------------------------------

    def head_sql(self, step: Step) -> str:
        """One SELECT: who answers, in the columns that `check_identity` reads, then the guards being set."""
        plan = self._plan
        name = application_name(plan.run_id, step.number)
        guards = guard_sql("step", plan.lock_timeout_ms, plan.server.version_num).decode().removeprefix("SELECT ")
        identity = IDENTITY_COLUMNS.format(system=self._system)
        return f"SELECT {identity}, pg_catalog.set_config('application_name','{name}',false), {guards}"

    def guard(self, wire: Wire) -> None:
        """Guards alone, for a session that the run has already checked."""
        wire.query(guard_sql("step", self._plan.lock_timeout_ms, self._plan.server.version_num).decode())

    def check_identity(self, row: tuple[str | None, ...]) -> float:
        """Refuse another database, another cluster or a standby. Returns the server's clock (seconds since 1970)."""
        database, standby, system, clock = row[:4]
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
        return float(clock or 0)

    def finish(self, wire: Wire, closing: str, rows: str) -> Exchange:
        """End a step's transaction: `closing` under the script's own settings, then ours, the rows as UTF-8, COMMIT.

        One message where it can be: a changed encoding or string syntax would misread the text that follows in it. An
        error without a reply before it belongs to `closing`.
        """
        ours = f"{closing}; {_RESET_SQL}" if closing else _RESET_SQL
        if wire.parameter("client_encoding") == "UTF8" and wire.parameter("standard_conforming_strings") == "on":
            return wire.run(f"{ours}; {rows}; COMMIT".encode())
        first = wire.run(ours.encode())
        return first if first.error is not None else wire.run(f"{rows}; COMMIT".encode())
