"""The sample project at every state between nothing and all, and what has to be true of each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psycopg

from pgmig_tui.database.connect import connect, guard_sql
from pgmig_tui.database.fingerprint import changed, read_objects
from pgmig_tui.database.identity import let_write
from pgmig_tui.errors import PgmigError
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from pgmig_tui.run.process.record import record as record_now
from pgmig_tui.run.recovery import reconcile
from pgmig_tui.run.recovery.cut_off import cut_off_runs
from tests.faults.stopping import Phase, Point, start
from tests.servers import Server

ROOT = Path(__file__).parents[2]
ENV = {"SQITCH_FULLNAME": "Test Operator", "SQITCH_EMAIL": "test@example.com", "SQITCH_USER_CONFIG": "/nonexistent"}

_OURS = re.compile(r"\b(sqitch|pgmig)\b")

Direction = Literal["deploy", "revert"]
Objects = dict[tuple[str, str], str]

# Every statement that takes effect leaves a row behind, in its own transaction; one that took effect twice leaves two.
_WITNESS = """
CREATE SCHEMA witness;
CREATE TABLE witness.log (what text NOT NULL);
CREATE FUNCTION witness.ddl() RETURNS event_trigger LANGUAGE plpgsql SET quote_all_identifiers = off AS $$
BEGIN
    -- Rows that later changes update, each exactly once.
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
                WHERE command_tag = 'CREATE TABLE' AND object_identity = 'dms.documents') THEN
        INSERT INTO dms.users (email, full_name) VALUES ('reader@example.com', 'A reader');
        INSERT INTO dms.folders (name) VALUES ('shelf');
        INSERT INTO dms.documents (folder_id, owner_id, title, body)
        SELECT f.id, u.id, 'title ' || n, 'body' FROM dms.folders f, dms.users u, generate_series(1, 40) n;
        CREATE TRIGGER witness AFTER UPDATE ON dms.documents FOR EACH ROW EXECUTE FUNCTION witness.row();
    END IF;
    INSERT INTO witness.log SELECT command_tag || ' ' || object_identity FROM pg_event_trigger_ddl_commands()
     WHERE coalesce(schema_name, '') NOT IN ('sqitch', 'pgmig') AND object_identity NOT IN ('sqitch', 'pgmig');
END $$;
CREATE FUNCTION witness.gone() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Its names are written before this function is called, with the quotes that the session's settings want.
    INSERT INTO witness.log SELECT 'DROP ' || object_type || ' ' || replace(object_identity, '"', '')
      FROM pg_event_trigger_dropped_objects() WHERE original;
END $$;
CREATE FUNCTION witness.row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness.log VALUES (TG_OP || ' ' || NEW.id);
    RETURN NULL;
END $$;
CREATE EVENT TRIGGER witness_ddl ON ddl_command_end EXECUTE FUNCTION witness.ddl();
CREATE EVENT TRIGGER witness_gone ON sql_drop EXECUTE FUNCTION witness.gone();
"""

_FILLED = """
SELECT count(*)::text FROM dms.documents AS d WHERE to_jsonb(d) -> 'search_vector' IS DISTINCT FROM 'null'::jsonb
"""


class Fault:
    """Something bad that happens at a point of a run."""

    name = ""
    phases: tuple[Phase, ...] = ("sent",)
    every: int = 1
    """Only every so many transitions are tried."""

    def begin(self, bench: Bench) -> None:
        """Before the run is planned."""

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        """Start the run on the database `name`, let the fault happen, and wait until the run process has ended."""
        raise NotImplementedError

    def mend(self, bench: Bench) -> None:
        """What others do before anybody asks what became of the run."""

    def undo(self, bench: Bench) -> None:
        """Make the place ready for the next trial."""


@dataclass(slots=True)
class Trial:
    """What a fault at one point led to. `problems` is empty when everything was as it has to be."""

    direction: Direction
    step: int
    mode: str
    seq: int
    event: str
    fault: str
    phase: str
    outcome: str = ""
    human: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """The database after the first `n` changes: its schema, what has happened in it, and the name of a copy."""

    template: str
    objects: Objects
    witnessed: Counter[str]


class Bench:
    """Databases of the sample project on one server. `direct` are libpq keywords past a proxy, if there is one."""

    def __init__(self, server: Server, state_dir: Path, prefix: str = "faults") -> None:
        self.server = server
        self.state_dir = state_dir
        self.prefix = f"{prefix}_{os.getpid()}"
        self.project: Project = load_project(ROOT, ENV)
        self.states: dict[int, State] = {}
        self.reverted: dict[int, Counter[str]] = {}
        """By the number of changes before: what the revert of the last one leaves with the witness."""
        self.transitions: dict[tuple[Direction, int], list[Entry]] = {}
        """The events of a run that does a step and the next one, by direction and the changes there were before."""
        self.uri: Callable[[str], str] = server.uri

    @property
    def changes(self) -> int:
        return len(self.project.plan.changes)

    # -- building ----------------------------------------------------------------------------------------------

    def build(self, wanted: Callable[[int], bool] = lambda _: True) -> None:
        """All states of the project; the transitions of those numbers of changes that are `wanted`."""
        needed = {
            n
            for number in range(self.changes + 1)
            if wanted(number)
            for n in range(max(number - 2, 0), min(number + 2, self.changes) + 1)
        }
        work = self._create("work")
        self._sql(work, _WITNESS)
        self._keep(work, 0)
        for number in sorted(needed - {0}):
            plan = self.plan(work, "deploy", number)
            if self.finish(start(plan)) != 0:
                raise AssertionError(f"the sample project can't be deployed: {self.events(plan)[-1]}")
            self._keep(work, number)
        for number in range(self.changes + 1):
            if wanted(number):
                self._learn("deploy", number)
                self._learn("revert", number)
        self.drop(work)

    def close(self) -> None:
        for state in self.states.values():
            self.drop(state.template)

    def _keep(self, work: str, number: int) -> None:
        objects, witnessed = self.look(work)
        self.states[number] = State(self._create(f"t{number}", work), objects, witnessed)

    def _learn(self, direction: Direction, number: int) -> None:
        """Do a step and the next one without a fault."""
        target = self.goal(direction, number)
        if target == number:
            return
        name = self.fresh(number)
        plan = self.plan(name, direction, target)
        status = self.finish(start(plan))
        assert status == 0, self.events(plan)[-1]
        self.transitions[direction, number] = self.events(plan)
        if direction == "revert":
            _, witnessed = self.look(name)
            self.reverted[number] = witnessed - self.states[number].witnessed
        self.drop(name)

    def goal(self, direction: Direction, number: int) -> int:
        """How many changes there are after a run of two steps."""
        return min(number + 2, self.changes) if direction == "deploy" else max(number - 2, 0)

    # -- databases ---------------------------------------------------------------------------------------------

    def fresh(self, number: int) -> str:
        """A database in which the first `number` changes are deployed."""
        return self._create("trial", self.states[number].template)

    def _create(self, name: str, template: str = "template0") -> str:
        name = f"{self.prefix}_{name}"
        self.drop(name)
        # Ends with a checkpoint, as it must: a copied sequence isn't written ahead before that, and a crash would put
        # it back. Where the files lie in memory it is the faster way, too.
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        with suppress(psycopg.errors.InvalidCatalogName):
            self.server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _sql(self, name: str, script: str) -> None:
        with psycopg.connect(self.server.conninfo(name), autocommit=True) as connection:
            connection.execute(script.encode())

    def look(self, name: str) -> tuple[Objects, Counter[str]]:
        """The schema without our own tables, and what the witness saw."""
        environment = self.project.environment(self.server.uri(name))
        with connect(environment.target, application_name="witness") as connection:
            connection.execute(guard_sql("control", 5000, self.server.version_num))
            found = {
                key: text
                for key, text in read_objects(connection).items()
                if key[0] != "role" and key != ("setting", "database") and not _OURS.search(key[1])
            }
            if ("table", "dms.documents") in found:
                found["rows", "dms.documents"] = str(connection.execute(_FILLED)[0][0])
            rows = connection.execute("SELECT what, count(*)::int FROM witness.log GROUP BY what")
        return found, Counter(dict(rows))

    def deployed(self, name: str) -> list[str]:
        """Change IDs of the registry, in their order."""
        try:
            rows = self.server.execute("SELECT change_id FROM sqitch.changes ORDER BY committed_at", name)
        except psycopg.errors.UndefinedTable:
            return []
        return [row[0] for row in rows]

    # -- runs --------------------------------------------------------------------------------------------------

    def environment(self, name: str) -> Environment:
        return self.project.environment(self.uri(name))

    def plan(self, name: str, direction: Direction, number: int) -> RunPlan:
        """The run that leaves `number` changes."""
        changes = self.project.plan.changes
        options = Options(revert_all=True)
        if direction == "deploy" or number:
            options = Options(to=changes[number - 1].change_id)
        return planning.prepare(self.project, self.environment(name), direction, options, state_dir=self.state_dir)

    def events(self, plan: RunPlan) -> list[Entry]:
        return JournalReader(plan.folder).poll()

    def finish(self, process: int) -> int:
        _, status = os.waitpid(process, 0)
        return os.waitstatus_to_exitcode(status)

    # -- one trial ---------------------------------------------------------------------------------------------

    def trial(self, direction: Direction, number: int, at: Point, fault: Fault) -> Trial:
        """A run of two steps, the fault at one point of it, and everything that has to be true afterwards."""
        event = next(one for one in self.transitions[direction, number] if one.seq == at.seq)
        name = self.fresh(number)
        trial = Trial(direction, 0, "", at.seq, event.name, fault.name, at.phase)
        plan = None
        try:
            fault.begin(self)
            plan = self.plan(name, direction, self.goal(direction, number))
            step = event.data.get("step")
            trial.step = step if isinstance(step, int) else 0
            trial.mode = plan.steps[max(trial.step, 1) - 1].mode
            fault.carry_out(self, name, plan, at)
            fault.mend(self)
            self._judge(trial, name, direction, number, plan)
        except (PgmigError, psycopg.Error, AssertionError, OSError) as error:
            trial.problems.append(f"{type(error).__name__}: {error}")
            fault.mend(self)
            if plan is not None:  # or it would trouble all others
                reconcile.close_unseen(plan, by="the test")
        finally:
            fault.undo(self)
            self.drop(name)
        return trial

    def _judge(self, trial: Trial, name: str, direction: Direction, number: int, plan: RunPlan) -> None:
        goal = self.goal(direction, number)
        known = {change.change_id: index for index, change in enumerate(self.project.plan.changes, 1)}
        settlement = self._settlement(name, plan)
        objects, _ = self.look(name)
        deployed = self.deployed(name)
        recorded = len(deployed)
        if deployed != [change.change_id for change in self.project.plan.changes[:recorded]]:
            trial.problems.append("the registry's rows are not the first of the plan")
        trial.outcome = "ended"
        cut = None
        if settlement is not None:
            cut = next((one for one in settlement.verdicts if one.outcome != "recorded"), None)
            trial.outcome = cut.outcome if cut is not None else "recorded"
            claimed = sum(one.outcome == "recorded" for one in settlement.verdicts)
            if claimed != abs(recorded - number):
                trial.problems.append(f"{claimed} steps are said to be recorded, {abs(recorded - number)} are")
        left = self._said_to_stay(plan, trial) if settlement is None else None
        if left is not None:
            trial.outcome = "ended, partly applied"
        differs = changed(self.states[recorded].objects, objects)
        sound = (cut is None or cut.outcome in ("recorded", "not_applied")) and left is None
        if sound and differs:
            trial.problems.append(f"registry and schema differ: {[one[:2] for one in differs[:3]]}")
        if cut is not None and cut.step.mode != "stepwise" and not sound:
            trial.problems.append(f"a transaction is said to be {cut.outcome}: {cut.why}")
        partly = left is not None
        if cut is not None and not sound:
            after = self.states[known[cut.step.change_id] - (direction == "revert")].objects
            applied = not changed(after, objects)
            if cut.outcome == "unrecorded" and not applied:
                trial.problems.append("said to be applied, and it isn't")
            partly = cut.outcome == "partly" or not applied
            trial.human = "record" if applied and cut.outcome != "partly" else "leave"
            self._decide(name, plan, settlement, record=trial.human == "record")
            for repair in cut.repair[:1]:
                self.server.execute(repair, name)
        rest = self.plan(name, direction, goal)
        if left is not None and not any(f"partly carried out by the run {plan.run_id}" in one for one in rest.warnings):
            trial.problems.append("the next run doesn't say that a script was partly carried out")
        if rest.steps and (status := self.finish(start(rest))) != 0:
            trial.problems.append(f"the rest ended with {status}: {self.events(rest)[-1].data.get('summary')}")
        objects, witnessed = self.look(name)
        if differs := changed(self.states[goal].objects, objects):
            trial.problems.append(f"in the end the schema differs: {[one[:2] for one in differs[:3]]}")
        expected = (
            self.states[goal].witnessed
            if direction == "deploy"
            else self.states[number].witnessed + self.reverted[number]
        )
        twice = witnessed - expected
        if twice and not partly:
            trial.problems.append(f"applied twice: {dict(list(twice.items())[:3])}")
        if expected - witnessed:
            trial.problems.append(f"never applied: {dict(list((expected - witnessed).items())[:3])}")

    def _said_to_stay(self, plan: RunPlan, trial: Trial) -> Entry | None:
        """The failure of a stepwise step that a run told of by itself, where part of the script stays: with that it has
        said what is true, and the next run begins the script anew, as documented."""
        events = self.events(plan)
        left = next((one for one in events if one.name == "step_failed" and one.data["what_stays"]), None)
        if left is not None:
            end = events[-1].data
            if left.data["mode"] != "stepwise" or not left.data["line"]:
                trial.problems.append(f"something is said to stay, and not up to which line: {left.data}")
            if (end["exit_status"], bool(end["now"]), bool(end["do"])) != (1, True, True):
                trial.problems.append(f"a run that left part of a script ended with {end}")
        return left

    def _settlement(self, name: str, plan: RunPlan) -> reconcile.Settlement | None:
        """What `reconcile` says of a run, None when the run itself has told its end."""
        last = [event for event in self.events(plan) if event.name == "run_finished"]
        environment = self.environment(name)
        with reconcile.asked(environment.target) as (connection, identity):
            settlement = reconcile.examine(connection, plan)
            # Of a run whose sessions live nothing is told, not even what is done.
            assert not settlement.sessions, f"sessions of the run still live: {settlement.sessions}"
            if last and last[-1].data["exit_status"] != 4:
                done = last[-1].data["done"]
                assert done == settlement.done, f"the run says that {done} steps are done, {settlement.done} are"
                return None
            if not (plan.folder / "journal.jsonl").exists():
                return None
            found = cut_off_runs(self.state_dir, self.project, environment, connection, identity)
            of = [(one.plan.run_id, one.relation) for one in found]
            assert of == [(plan.run_id, "same")], f"not the unfinished runs: {of}"
            let_write(connection)
            if settlement.settled:
                assert reconcile.settle(connection, settlement, by="the test")
        return settlement

    def _decide(self, name: str, plan: RunPlan, settlement: reconcile.Settlement | None, *, record: bool) -> None:
        """What a person does with `reconcile --record` or `--leave`."""
        if settlement is None or not settlement.open:
            return
        environment = self.environment(name)
        decided = record_now(environment.target, settlement) if record else reconcile.leave(settlement)
        with reconcile.asked(environment.target) as (connection, _):
            let_write(connection)
            assert reconcile.settle(connection, decided, by="the test")


def table(trials: list[Trial]) -> str:
    """Counts by fault and outcome."""
    counts: dict[str, Counter[str]] = {}
    for one in trials:
        outcome = "WRONG" if one.problems else one.outcome + (f", then --{one.human}" if one.human else "")
        counts.setdefault(one.fault, Counter())[outcome] += 1
    return "\n".join(
        f"{fault:<28}{sum(found.values()):>5}  " + ", ".join(f"{what} {count}" for what, count in sorted(found.items()))
        for fault, found in counts.items()
    )
