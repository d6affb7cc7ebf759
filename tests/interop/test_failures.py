"""What goes wrong, goes wrong alike: the same events, the same rows and the same schema as after sqitch, and whatever
program comes next can go on. Where ours differs on purpose the test says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.interop.build import Builder, transaction
from tests.interop.programs import Program
from tests.interop.record import assert_same, out_of_order
from tests.servers import Server

pytestmark = pytest.mark.sqitch

DEADLINE_S = 30


@dataclass(slots=True)
class Stage:
    """A project whose second change fails, and two databases: `mixed` for both programs, `pure` for sqitch."""

    server: Server
    project: Builder
    mixed: str
    pure: str
    sqitch: Program

    def both(self, program: Program, command: str, *options: str, expect: tuple[int, int] = (0, 0)) -> None:
        """The same command on both databases, with the exit statuses that are expected of `program` and of sqitch."""
        program.run(self.project.folder, command, self.server.uri(self.mixed), *options, expect=expect[0])
        self.sqitch.run(self.project.folder, command, self.server.uri(self.pure), *options, expect=expect[1])

    def same(self) -> None:
        assert_same(self.server, self.mixed, self.pure)
        assert out_of_order(self.server, self.mixed) == []

    def events(self, database: str) -> list[tuple[str, str]]:
        rows = self.server.execute("SELECT event, change FROM sqitch.events ORDER BY committed_at", database)
        return [(str(event), str(change)) for event, change in rows]

    def exists(self, relation: str, database: str) -> bool:
        return self.server.execute(f"SELECT to_regclass('public.{relation}') IS NOT NULL", database) == [(True,)]


@pytest.fixture
def stage(pg18: Server, database_on: Callable[..., str], programs: tuple[Program, Program], tmp_path: Path) -> Stage:
    project = Builder(tmp_path / "project", "failing")
    project.table("first")
    return Stage(pg18, project, database_on(pg18), database_on(pg18), programs[1])


def test_a_script_fails_in_its_transaction(stage: Stage, programs: tuple[Program, Program]) -> None:
    ours, sqitch = programs
    bad = transaction("CREATE TABLE public.second ();\nSELECT 1 / 0;")
    stage.project.change("second", bad, transaction("DROP TABLE public.second;"), needs=["first", "!other:thing"])
    stage.project.tag("v1")
    stage.project.table("third")
    stage.both(ours, "deploy", "--verify", expect=(1, 2))
    stage.same()
    assert stage.events(stage.mixed) == [("deploy", "first"), ("fail", "second")]
    stage.both(ours, "deploy", "--verify", expect=(1, 2))
    stage.project.script("deploy", "second", transaction("CREATE TABLE public.second ();"))
    stage.both(sqitch, "deploy", "--verify")
    stage.same()
    stage.both(ours, "revert", "--all")
    stage.same()


def test_a_script_fails_halfway_without_a_transaction(stage: Stage, programs: tuple[Program, Program]) -> None:
    ours, sqitch = programs
    bad = "CREATE TABLE public.half ();\nCREATE TABLE public.first ();\nCREATE TABLE public.rest ();"
    stage.project.change("second", bad, "DROP TABLE IF EXISTS public.half;")
    stage.both(ours, "deploy", "--no-verify", expect=(1, 2))
    stage.same()
    assert stage.events(stage.mixed) == [("deploy", "first"), ("fail", "second")]
    assert stage.exists("half", stage.mixed)
    assert not stage.exists("rest", stage.mixed)
    stage.project.script("deploy", "second", "CREATE TABLE IF NOT EXISTS public.half ();")
    stage.both(sqitch, "deploy", "--no-verify")
    stage.same()


def test_the_verification_of_an_atomic_change_fails(stage: Stage, programs: tuple[Program, Program]) -> None:
    """Sqitch runs the revert script, ours rolls back: nothing of the change is left either way."""
    ours, sqitch = programs
    stage.project.table("second")
    stage.project.script("verify", "second", "SELECT missing FROM public.second;")
    stage.both(ours, "deploy", "--verify", expect=(1, 2))
    stage.same()
    assert stage.events(stage.mixed) == [("deploy", "first"), ("fail", "second")]
    assert not stage.exists("second", stage.mixed)
    stage.project.script("verify", "second", "SELECT id FROM public.second WHERE false;")
    stage.both(sqitch, "deploy", "--verify")
    stage.same()


def test_the_verification_of_a_stepwise_change_fails(stage: Stage, programs: tuple[Program, Program]) -> None:
    """On purpose not as sqitch does: what was committed stays and is recorded, so that registry and schema agree."""
    ours, sqitch = programs
    create = "CREATE INDEX CONCURRENTLY by_id ON public.first (id);"
    stage.project.change("second", create, "DROP INDEX CONCURRENTLY public.by_id;", "SELECT 1 / 0;")
    stage.both(ours, "deploy", "--verify", expect=(1, 2))
    assert stage.events(stage.pure) == [("deploy", "first"), ("fail", "second")]
    assert not stage.exists("by_id", stage.pure)
    assert stage.events(stage.mixed) == [("deploy", "first"), ("deploy", "second")]
    assert stage.exists("by_id", stage.mixed)
    sqitch.run(stage.project.folder, "verify", stage.server.uri(stage.mixed), expect=2)
    sqitch.run(stage.project.folder, "revert", stage.server.uri(stage.mixed), "--to", "first")
    assert not stage.exists("by_id", stage.mixed)


def test_a_revert_that_fails_leaves_what_sqitch_leaves(stage: Stage, programs: tuple[Program, Program]) -> None:
    ours, sqitch = programs
    stage.project.change(
        "second", transaction("CREATE TABLE public.second ();"), transaction("DROP TABLE public.none;")
    )
    stage.project.table("third")
    stage.both(ours, "deploy")
    stage.both(ours, "revert", "--all", expect=(1, 2))
    stage.same()
    assert stage.events(stage.mixed)[-1] == ("revert", "third")
    stage.project.script("revert", "second", transaction("DROP TABLE public.second;"))
    stage.both(sqitch, "revert", "--all")
    stage.same()


def test_a_requirement_is_not_deployed(stage: Stage, programs: tuple[Program, Program]) -> None:
    """Nothing is run, not even the changes before it."""
    ours, sqitch = programs
    stage.both(sqitch, "deploy")
    stage.project.table("second")
    stage.project.table("third", needs=["other:missing"])
    stage.both(ours, "deploy", expect=(2, 2))
    stage.same()
    assert not stage.exists("second", stage.mixed)


def test_a_conflicting_change_is_deployed(stage: Stage, programs: tuple[Program, Program], tmp_path: Path) -> None:
    ours, _ = programs
    other = Builder(tmp_path / "other", "other")
    other.table("rival")
    stage.project.table("second", needs=["!other:rival"])
    for database in (stage.mixed, stage.pure):
        stage.sqitch.run(other.folder, "deploy", stage.server.uri(database))
    stage.both(ours, "deploy", expect=(2, 2))
    assert not stage.exists("first", stage.mixed)


def test_changes_that_are_only_recorded(stage: Stage, programs: tuple[Program, Program]) -> None:
    ours, sqitch = programs
    stage.project.table("second", needs=["first"])
    stage.project.tag("v1")
    stage.both(ours, "deploy", "--log-only", "--no-verify")
    stage.same()
    assert not stage.exists("first", stage.mixed)
    stage.both(sqitch, "revert", "--to", "first", "--log-only")
    stage.both(ours, "revert", "--log-only", "--all")
    stage.same()


def test_tags_that_come_after_their_change(stage: Stage, programs: tuple[Program, Program]) -> None:
    """Only those of the last deployed change are recorded, at the start of the next deploy, without an event."""
    ours, _ = programs
    stage.project.table("second")
    stage.both(ours, "deploy", "--to", "first")
    plan = stage.project.folder / "sqitch.plan"
    lines = plan.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("first"))
    lines.insert(at + 1, "@late 2024-02-02T02:02:02Z A Planner <planner@example.com> # better late\n")
    plan.write_text("".join(lines), encoding="utf-8")
    stage.both(ours, "deploy", "--verify")
    stage.same()
    stage.both(ours, "revert", "--to", "@late")
    stage.same()


def test_only_one_program_at_a_time(stage: Stage, programs: tuple[Program, Program]) -> None:
    """Whoever holds the lock, the other one is told so and changes nothing."""
    ours, sqitch = programs
    uri, folder = stage.server.uri(stage.mixed), stage.project.folder
    closed = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1)"
    wait = f"DO $$ BEGIN WHILE {closed} LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;"
    stage.project.change("slow", wait, "SELECT 1;")
    for first, second, options, status in ((ours, sqitch, ("--lock-timeout", "1"), 2), (sqitch, ours, (), 3)):
        with psycopg.connect(stage.server.conninfo(stage.mixed), autocommit=True) as gate:
            gate.execute("SELECT pg_advisory_lock(1)")
            process = first.start(folder, "deploy", uri, "--no-verify")
            _wait_for(lambda gate=gate: gate.execute(_WAITING).rowcount == 1)  # type: ignore[misc]
            second.run(folder, "deploy", uri, *options, expect=status)
        told, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, told
        second.run(folder, "revert", uri, "--all")


_WAITING = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND query LIKE 'DO $$ BEGIN WHILE%'"
)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the script never came to its lock"
        time.sleep(0.01)
