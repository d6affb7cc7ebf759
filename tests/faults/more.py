"""Faults of the surroundings (settings, a registry that is altered, a database made anew or copied), and two
faults at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from typing import ClassVar

import psycopg

from pgmig_tui.errors import InDoubt
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.folder import JOURNAL
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from tests.faults.bench import Bench, Fault
from tests.faults.faults import (
    CutConnection,
    EndedBackend,
    EndedControl,
    KilledBackend,
    KilledRun,
    LostServer,
    Standing,
    StoppedServer,
    immediate,
    make_standby,
)
from tests.faults.proxy import Proxy
from tests.faults.quick import QuickServer, until
from tests.faults.stopping import Point
from tests.servers import server_of

_RUN = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgmig/{run}/%'"


class Killed(Standing):
    """SIGKILL of the run process while it stands still: the server has what was sent."""

    name = "run process killed late"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        os.kill(self.process, signal.SIGKILL)


class Pair(Standing):
    """Two faults at one point, one after the other. There are many pairs: each is tried at some of the transitions."""

    every = 5

    def __init__(self, first: Standing, second: Standing) -> None:
        self.parts = (first, second)
        self.name = f"{first.name} + {second.name}"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        for one in self.parts:
            one.process = self.process
            one.deed(bench, name, plan)

    def mend(self, bench: Bench) -> None:
        for one in self.parts:
            one.mend(bench)


def pairs(sandbox: QuickServer, proxy: Proxy) -> list[Pair]:
    """Each pair; those that stop the server come last, for the others ask it for its sessions."""
    parts: Sequence[Standing] = (
        Killed(),
        EndedBackend(),
        EndedControl(),
        CutConnection(proxy),
        KilledBackend(sandbox),
        StoppedServer(sandbox),
        LostServer(sandbox),
    )
    return [Pair(first, second) for first, second in combinations(parts, 2) if not isinstance(first, StoppedServer)]


class HostileSettings(KilledRun):
    """The run is killed in a database whose settings change what statements answer, and how long they may take."""

    name = "run process killed, hostile settings"
    settings: ClassVar = {
        "statement_timeout": "1ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
        "quote_all_identifiers": "on", "extra_float_digits": "-15", "timezone": "Asia/Kathmandu",
        "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "bytea_output": "escape", "array_nulls": "off",
        "default_transaction_isolation": "serializable", "client_min_messages": "error", "xmloption": "document",
        "search_path": "public, pg_catalog", "row_security": "on", "synchronous_commit": "off",
        "transform_null_equals": "on", "check_function_bodies": "off", "default_statistics_target": "1",
    }  # fmt: skip

    def begin(self, bench: Bench) -> None:
        self._server = bench.server
        ours = {"options": "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"}
        bench.server = replace(bench.server, parameters={**bench.server.parameters, **ours})

    def undo(self, bench: Bench) -> None:
        bench.server = self._server

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        for setting, value in self.settings.items():
            text = value if setting == "search_path" else f"'{value}'"
            bench.server.execute(f"ALTER DATABASE {name} SET {setting} = {text}")
        super().carry_out(bench, name, plan, at)


class ForgetfulServer(StoppedServer):
    """The server is killed, and what its database doesn't want on disk at once is lost: transactions, and their IDs,
    which others get."""

    name = "server stopped, nothing flushed"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        super().deed(bench, name, plan)
        for _ in range(20):
            bench.server.execute("SELECT pg_current_xact_id()")

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        bench.server.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        bench.server.execute("SELECT pg_reload_conf()")
        bench.server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        super().carry_out(bench, name, plan, at)

    def undo(self, bench: Bench) -> None:
        bench.server.execute("ALTER SYSTEM RESET wal_writer_delay")
        bench.server.execute("SELECT pg_reload_conf()")


class HiddenRegistry(Standing):
    """Row-level security on the registry, where nothing holds a lock on it; it is taken off before anybody asks."""

    name = "row-level security"
    altered = ""

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        conninfo = bench.server.conninfo(name, options="-c lock_timeout=100ms")
        # Nothing is there yet, or the run holds it.
        nothing = suppress(
            psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable
        )
        with nothing, psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("ALTER TABLE sqitch.changes ENABLE ROW LEVEL SECURITY")
            self.altered = name

    def mend(self, bench: Bench) -> None:
        if self.altered:
            bench.server.execute("ALTER TABLE sqitch.changes DISABLE ROW LEVEL SECURITY", self.altered)
        self.altered = ""


class RecreatedDatabase(KilledRun):
    """The run is killed, and the database is made anew under its name, as it was before the run; not where the run has
    told its end: that was of the database as it was."""

    name = "database recreated"

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        super().carry_out(bench, name, plan, at)
        sessions = _RUN.format(run=plan.run_id)
        until("the end of its sessions", lambda: not bench.server.execute(sessions))
        if any(event.name == "run_finished" for event in JournalReader(plan.folder).poll()):
            return
        number = bench.project.plan.by_id[plan.baseline].index + 1 if plan.baseline is not None else 0
        bench.server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        bench.server.execute(f"CREATE DATABASE {name} TEMPLATE {bench.states[number].template} STRATEGY file_copy")


class CopiedDatabase(KilledRun):
    """The run is killed, and a copy of the database takes its name: all that the run did is in it."""

    name = "database copied"

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        super().carry_out(bench, name, plan, at)
        sessions = _RUN.format(run=plan.run_id)
        until("the end of its sessions", lambda: not bench.server.execute(sessions))
        bench.server.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name} STRATEGY file_copy")
        bench.server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        bench.server.execute(f"ALTER DATABASE {name}_copy RENAME TO {name}")


class CopiedCluster(KilledRun):
    """The run is killed, and a copy of the whole cluster, with its system identifier, is asked about it: the copy
    settles nothing, and where the original doesn't answer, a person is asked."""

    name = "cluster copied"
    every = 5

    def __init__(self, sandbox: QuickServer) -> None:
        self.sandbox = sandbox
        self.copy = QuickServer(sandbox.folder.with_name("copy"), sandbox.programs, settings=dict(sandbox.settings))

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        super().carry_out(bench, name, plan, at)
        sessions = _RUN.format(run=plan.run_id)
        until("the end of its sessions", lambda: not bench.server.execute(sessions))
        begun = (plan.folder / JOURNAL).exists()
        before = (plan.folder / JOURNAL).read_bytes() if begun else b""
        make_standby(self.sandbox, self.copy, {"postgres", name})
        other = server_of(self.copy.conninfo("postgres"), bench.server.bin_dir)
        other.execute("SELECT pg_promote(wait => false)")
        until("the promotion", lambda: not other.execute("SELECT pg_is_in_recovery()")[0][0])
        there = bench.project.environment(other.uri(name))
        assert not planning.prepare(bench.project, there, "deploy", Options(), state_dir=bench.state_dir).settles
        immediate(self.sandbox)
        if before and JournalReader(plan.folder).poll()[-1].name != "run_finished":
            with suppress(InDoubt):
                planning.prepare(bench.project, there, "deploy", Options(), state_dir=bench.state_dir)
                raise AssertionError("a copy was taken for the server of the run")
        self.sandbox.start()
        assert before == ((plan.folder / JOURNAL).read_bytes() if begun else b""), "the copy settled the run"

    def undo(self, bench: Bench) -> None:
        self.copy.destroy()


def surroundings(sandbox: QuickServer) -> list[Fault]:
    """All of these but the pairs."""
    return [
        HostileSettings(),
        ForgetfulServer(sandbox),
        HiddenRegistry(),
        RecreatedDatabase(),
        CopiedDatabase(),
        CopiedCluster(sandbox),
    ]
