"""A small project on a real server, its runs, and what the database held before and after each of them."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.report.conclusion import conclude
from pgmig_tui.review.rollback import RollbackReview, look
from pgmig_tui.run import runner
from pgmig_tui.run.clients import client
from pgmig_tui.run.clients.extent import Extent, extent_for
from pgmig_tui.run.clients.rollback import plan_rollback, stand
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import AnyEvent
from pgmig_tui.run.journal.file import JournalReader, JournalWriter
from pgmig_tui.run.journal.run_plan import Command, Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from pgmig_tui.run.process.dry_run import prepare_dry_run
from pgmig_tui.run.process.record import record
from pgmig_tui.run.recovery import reconcile
from pgmig_tui.run.recovery.cut_off import cut_off_runs
from tests.after.state import State, look_at
from tests.faults.stopping import start
from tests.servers import Server

TOML = '[[environment]]\nname = "box"\ntarget = "{uri}"\nprotected = true\nlock_timeout = "2s"\nretries = 0\n'
DEADLINE_S = 30

SCRIPTS: dict[str, tuple[str, str, str | None]] = {
    "base": (
        "BEGIN;\nCREATE TABLE public.orders (id int PRIMARY KEY, note text);\n"
        "INSERT INTO public.orders SELECT g, 'n' FROM generate_series(1, 100) g;\nCOMMIT;\n",
        "BEGIN;\nDROP TABLE public.orders;\nCOMMIT;\n",
        "SELECT id, note FROM public.orders WHERE false;\n",
    ),
    "total": (
        "BEGIN;\nALTER TABLE public.orders ADD COLUMN total int;\n"
        "UPDATE public.orders SET total = id WHERE id <= 20;\nCOMMIT;\n",
        "BEGIN;\nALTER TABLE public.orders DROP COLUMN total;\nCOMMIT;\n",
        "SELECT total FROM public.orders WHERE false;\n",
    ),
    "index": (
        "CREATE INDEX CONCURRENTLY orders_note ON public.orders (note);\nCREATE TABLE public.beside (n int);\n",
        "DROP INDEX CONCURRENTLY public.orders_note;\nDROP TABLE public.beside;\n",
        "SELECT 1 / count(*) FROM pg_catalog.pg_class WHERE relname = 'orders_note';\n",
    ),
    "notes": (
        "BEGIN;\nCREATE TABLE public.notes (id int PRIMARY KEY, body text);\n"
        "INSERT INTO public.notes SELECT g, 'b' FROM generate_series(1, 7) g;\nCOMMIT;\n",
        "BEGIN;\nDROP TABLE public.notes;\nCOMMIT;\n",
        None,
    ),
    "flag": (
        "BEGIN;\nALTER TABLE public.notes ADD COLUMN flag int;\nUPDATE public.notes SET flag = 1 WHERE id <= 4;\n"
        "COMMIT;\n",
        "BEGIN;\nALTER TABLE public.notes DROP COLUMN flag;\nCOMMIT;\n",
        "SELECT flag FROM public.notes WHERE false;\n",
    ),
}
"""Deploy, revert and verify script of each change, in the plan's order; `index` is no transaction."""
OBJECTS: dict[str, tuple[str, ...]] = {
    "base": ("table public.orders",),
    "total": ("column public.orders.total",),
    "index": ("index public.orders_note", "table public.beside"),
    "notes": ("table public.notes",),
    "flag": ("column public.notes.flag",),
}
"""What each change makes."""

SLEEP = "SELECT pg_sleep(60);\n"
FAIL = "SELECT 1/0;\n"


@dataclass
class Ran:
    """A run, what the database held before and after it, and the times around it (UTC)."""

    plan: RunPlan
    status: int | None
    before: State
    after: State
    began: datetime
    ended: datetime
    review: RollbackReview | None = None
    looked: State | None = None
    """What there was when a rollback was looked at."""
    concluded: bool = False
    settlements: list[tuple[reconcile.Settlement, State]] = field(default_factory=list)
    settled: bool = False
    """Cut off, and settled by `reconcile`, or by the run that came next."""
    decided: datetime | None = None
    """When a person had decided what the evidence left open."""

    @property
    def run_id(self) -> str:
        return self.plan.run_id

    def events(self) -> list[Entry]:
        return JournalReader(self.plan.folder).poll()


def at_event(wanted: str, step: int | None = None, *, sent: bool = False, **fields: object) -> Callable[[], None]:
    """For `start`: the run process dies when it has told of that event; `sent`: when it then waits for the server."""

    def prepare() -> None:
        class Dying(JournalWriter):
            _due = False

            def write(self, event: AnyEvent, *, sync: bool = False) -> Entry:
                entry = super().write(event, sync=sync)
                data = entry.data
                same = entry.name == wanted and step in (None, data.get("step"))
                if same and all(data.get(key) == value for key, value in fields.items()):
                    self._due = True
                    if not sent:
                        self.sync()
                return entry

            def flush(self) -> None:
                super().flush()
                if self._due:
                    os.kill(os.getpid(), signal.SIGKILL)

        runner.JournalWriter = Dying  # type: ignore[attr-defined]

    return prepare


@dataclass
class Scene:
    """A project, its database, and one account's runs on it. `written` counts what was written into a column or a table
    after the deploy of its change, by `public.orders.total` or `public.orders`."""

    root: Path
    server: Server
    dbname: str
    state_dir: Path
    env: dict[str, str]
    more: str = ""
    runs: list[Ran] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)
    holder: int = 0
    """The process of another session that holds a lock, and since when."""
    held_since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        (self.root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
        (self.root / "pgmig.toml").write_text(TOML.format(uri=self.server.uri(self.dbname)) + self.more)
        lines = ["%syntax-version=1.0.0", "%project=shop", ""]
        for number, name in enumerate(SCRIPTS):
            lines.append(f"{name} 2024-01-01T00:00:0{number}Z Plan Ner <plan@example.com> # {name}")
            if name == "base":
                lines.append("@v1 2024-01-01T00:00:00Z Plan Ner <plan@example.com> # v1")
        (self.root / "sqitch.plan").write_text("\n".join(lines) + "\n")
        for name, texts in SCRIPTS.items():
            for kind, text in zip(("deploy", "revert", "verify"), texts, strict=True):
                if text is not None:
                    self.script(kind, name, text)

    def script(self, kind: str, name: str, text: str) -> None:
        path = self.root / kind / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def edit(self, kind: str, name: str, add: str, *, before: str = "COMMIT;") -> None:
        """Put a statement into a script, before its COMMIT (or before another text of it, or at the end)."""
        text = (self.root / kind / f"{name}.sql").read_text()
        self.script(kind, name, text.replace(before, add + before) if before in text else text + add)

    def mend(self, kind: str, name: str) -> None:
        text = SCRIPTS[name][("deploy", "revert", "verify").index(kind)]
        assert text is not None
        self.script(kind, name, text)

    def other(self, operator: str = "Other Hand") -> Scene:
        """The same project and database, by another account."""
        env = {**self.env, "SQITCH_FULLNAME": operator}
        return replace(self, state_dir=self.state_dir.with_name("other"), env=env, runs=[])

    def project(self) -> tuple[Project, Environment]:
        project = load_project(self.root, self.env)
        return project, project.environment("box")

    # -- the database ------------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.server.conninfo(self.dbname), autocommit=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, self.dbname)

    def state(self) -> State:
        return look_at(self.server, self.dbname)

    def write(self, subject: str, sql: str, rows: int) -> None:
        """Write as an application does, behind the deploy."""
        self.query(sql)
        self.written[subject] = self.written.get(subject, 0) + rows

    def verifies(self, change: str) -> bool | None:
        """Whether the verify script of a change passes now, as psql would run it; None: there is none."""
        path = self.root / "verify" / f"{change}.sql"
        if not path.exists():
            return None
        try:
            self.query(path.read_text())
        except psycopg.Error:
            return False
        return True

    def until(self, question: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not self.query(f"SELECT coalesce(({question}), false)")[0][0]:
            assert time.monotonic() < deadline, question
            select.select([], [], [], 0.02)

    def quiet(self, run_id: str) -> None:
        """Until no session of the run is left."""
        self.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'pgmig/{run_id}/%'")

    # -- runs --------------------------------------------------------------------------------------------------

    def run(self, command: Command = "deploy", *, how: Callable[[], None] | None = None, **options: Any) -> Ran:
        project, environment = self.project()
        plan = planning.prepare(project, environment, command, Options(**options), state_dir=self.state_dir)
        return self.carry_out(plan, how)

    def dry_run(self, **options: Any) -> Ran:
        project, environment = self.project()
        return self.carry_out(prepare_dry_run(project, environment, Options(**options), state_dir=self.state_dir))

    def extent(self, to: str | None = None, *, everything: bool = False) -> Extent:
        project, environment = self.project()
        return extent_for(stand(project, environment, self.state_dir), project, to, everything=everything)

    def rollback(
        self,
        to: str | None = None,
        *,
        everything: bool = False,
        save: bool = False,
        how: Callable[[], None] | None = None,
        between: Callable[[], object] = lambda: None,
        meanwhile: Callable[[client.RunHandle, Entry], None] | None = None,
        seen: bool = True,
    ) -> Ran:
        """Roll back as the command does; `between` happens between the look and the run. `seen`: what is true
        afterwards is looked at."""
        project, environment = self.project()
        extent = extent_for(stand(project, environment, self.state_dir), project, to, everything=everything)
        assert not extent.nothing, extent.nothing
        plan = plan_rollback(project, environment, extent, state_dir=self.state_dir)
        looked = self.state()
        found = look(project, environment, extent, plan, state_dir=self.state_dir, save=save)
        between()
        ran = self.carry_out(found.plan, how, meanwhile)
        ran.review, ran.looked = found, looked
        if seen and ran.status is not None:
            conclude(project, environment, found.plan, self.state_dir)
            ran.concluded = True
        return ran

    def carry_out(
        self,
        plan: RunPlan,
        how: Callable[[], None] | None = None,
        meanwhile: Callable[[client.RunHandle, Entry], None] | None = None,
    ) -> Ran:
        """To its end, whatever that is; `status` is None where its process was killed."""
        before, began = self.state(), datetime.now(UTC)
        process = start(plan, None, prepare=how or (lambda: None))
        if meanwhile is not None:
            handle = client.RunHandle(plan.folder)
            deadline = time.monotonic() + DEADLINE_S
            while not handle.finished:
                for event in handle.poll():
                    meanwhile(handle, event)
                assert time.monotonic() < deadline, [event.name for event in JournalReader(plan.folder).poll()]
                select.select([], [], [], 0.005)
        _, ended = os.waitpid(process, 0)
        self.quiet(plan.run_id)
        status = os.waitstatus_to_exitcode(ended)
        ran = Ran(plan, status if status >= 0 else None, before, self.state(), began, datetime.now(UTC))
        for earlier in self.runs:
            earlier.settled = earlier.settled or (earlier.status is None and not plan.dry_run)
        self.runs.append(ran)
        return ran

    def reconcile(self, *, decide: str = "") -> None:
        """As the command does; what it finds is kept with the run, with what the database held then."""
        project, environment = self.project()
        with reconcile.asked(environment.target) as (connection, identity):
            for one in cut_off_runs(self.state_dir, project, environment, connection, identity):
                plan = one.plan
                assert one.relation == "same", one.why
                ran = next(one for one in self.runs if one.run_id == plan.run_id)
                settlement = reconcile.examine(connection, plan)
                ran.settlements.append((settlement, self.state()))
                if decide and settlement.open:
                    if decide == "record":
                        settlement = record(environment.target, settlement)
                    else:
                        settlement = reconcile.leave(settlement)
                    ran.settlements.append((settlement, self.state()))
                    ran.after, ran.decided = self.state(), datetime.now(UTC)
                if settlement.settled:
                    assert reconcile.settle(connection, settlement, by="a test")
                    ran.settled = True


@contextmanager
def locked(scene: Scene, table: str) -> Iterator[int]:
    """Another session that holds a table; its process."""
    with scene.connect() as holder:
        holder.execute("SET application_name = 'reporting'")
        holder.execute("BEGIN")
        holder.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        scene.holder, scene.held_since = holder.info.backend_pid, datetime.now(UTC)
        yield scene.holder
        holder.execute("ROLLBACK")


def stop_at(name: str, step: int, **fields: object) -> Callable[[client.RunHandle, Entry], None]:
    """Tell the run to stop when its journal tells of an event."""

    def meanwhile(handle: client.RunHandle, event: Entry) -> None:
        data = event.data
        if event.name == name and data.get("step") == step and all(data.get(k) == v for k, v in fields.items()):
            assert handle.send("stop")

    return meanwhile
