"""Answers that vanish while the connections stay up: a run doesn't wait for them without an end, and claims nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.run.clients.client import RunHandle
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from pgmig_tui.run.process import control
from pgmig_tui.run.process import watcher as watch
from tests.faults.proxy import Proxy
from tests.faults.stopping import start
from tests.run.backfill.conftest import DECLARED, plan_of, table
from tests.run.conftest import Workshop, wait_a_moment

DEADLINE_S = 90


@pytest.fixture
def proxy(workshop18: Workshop) -> Iterator[Proxy]:
    parameters = workshop18.server.parameters
    made = Proxy(Path(parameters["host"]), int(parameters["port"]))
    yield made
    made.close()


def plan(workshop: Workshop, proxy: Proxy) -> RunPlan:
    project, _ = workshop.project()
    environment = project.environment(f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop.dbname}?connect_timeout=2")
    return planning.prepare(project, environment, "deploy", Options(), state_dir=workshop.state_dir)


def impatient() -> None:
    """In the run's own process."""
    watch._VANISHED_S = 2.0
    control._CUT_AFTER_S = 2.0


def carried_out(planned: RunPlan, meanwhile: Callable[[RunHandle, list[Entry]], None]) -> tuple[int, list[Entry]]:
    process = start(planned, prepare=impatient)
    handle = RunHandle(planned.folder)
    events: list[Entry] = []
    end = time.monotonic() + DEADLINE_S
    while not handle.finished:
        assert time.monotonic() < end, [event.name for event in events]
        for event in handle.poll():
            events.append(event)
            meanwhile(handle, events)
        wait_a_moment()
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), events


def opened(events: list[Entry]) -> int:
    return int(next(event.data["pid"] for event in reversed(events) if event.name == "session_opened"))


def warnings(events: list[Entry]) -> list[str]:
    return [event.data["message"] for event in events if event.name == "warning"]


def test_a_commit_whose_answer_vanishes_is_told_by_the_registry(workshop18: Workshop, proxy: Proxy) -> None:
    """The other sessions see that the server has ended it."""
    workshop18.query("CREATE TABLE public.slow ()")
    workshop18.query(
        "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END'"
    )
    workshop18.query(
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON public.slow DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION public.wait()"
    )
    verify = "VACUUM public.slow;\n"  # which can't run before the COMMIT
    workshop18.change("one", "BEGIN;\nINSERT INTO public.slow DEFAULT VALUES;\nCOMMIT;\n", verify=verify)
    workshop18.change("two", "CREATE TABLE public.two ();\n")

    def meanwhile(_: RunHandle, seen: list[Entry]) -> None:
        if seen[-1].name == "step_committing" and seen[-1].data["step"] == 1:
            proxy.mute(opened(seen))

    status, events = carried_out(plan(workshop18, proxy), meanwhile)
    assert status == 0, events[-1].data
    verified = [event.data for event in events if event.name == "step_verified"]
    assert [(one["step"], one["ok"], one["where"]) for one in verified] == [(1, True, "after")]
    rows = workshop18.query("SELECT version, success FROM pgmig.schema_migrations ORDER BY id")
    assert rows == [("one", True), ("two", True)]
    first, second = (event.data for event in events if event.name == "step_committed")
    assert "the connection broke at COMMIT; the registry holds the change's record" in first["note"]
    assert second["change"] == "two"
    assert any("has ended the statement, and no answer came in 2 s" in text for text in warnings(events))
    assert workshop18.deployed() == ["one", "two"]


def test_a_statement_whose_answer_vanishes_ends_its_step(workshop18: Workshop, proxy: Proxy) -> None:
    workshop18.change(
        "one", "CREATE TABLE public.one ();\nVACUUM public.one;\nSELECT pg_sleep(1);\nCREATE TABLE public.two ();\n"
    )

    def meanwhile(_: RunHandle, seen: list[Entry]) -> None:
        if seen[-1].name == "statement_started" and seen[-1].data["line"] == 3:
            proxy.mute(opened(seen))

    status, events = carried_out(plan(workshop18, proxy), meanwhile)
    assert status in (1, 4), events[-1].data
    assert any("has ended the statement" in text for text in warnings(events))
    assert (workshop18.relation("public.one"), workshop18.relation("public.two")) == (True, False)
    assert workshop18.deployed() == []


def test_a_run_whose_sessions_all_fall_silent_ends(workshop18: Workshop, proxy: Proxy) -> None:
    """The one that holds the lock, too: it is lost, and nothing is claimed."""
    workshop18.change("one", "BEGIN;\nCREATE TABLE public.one ();\nSELECT pg_sleep(1);\nCOMMIT;\n")

    def meanwhile(handle: RunHandle, seen: list[Entry]) -> None:
        if seen[-1].name == "statement_started" and seen[-1].data["line"] == 3:
            proxy.mute()
            handle.send("stop")

    status, events = carried_out(plan(workshop18, proxy), meanwhile)
    assert status != 0
    assert events[-1].data["exit_status"] == status
    workshop18.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%'")
    assert workshop18.deployed() == []
    assert not workshop18.relation("public.one")


def test_a_stop_that_is_not_answered_ends_the_waiting(workshop18: Workshop, proxy: Proxy) -> None:
    """Everything is silent, new connections too: only the operator can know that there is nothing to wait for."""
    workshop18.change("one", "BEGIN;\nCREATE TABLE public.one ();\nSELECT pg_sleep(600);\nCOMMIT;\n")

    def meanwhile(handle: RunHandle, seen: list[Entry]) -> None:
        if seen[-1].name == "statement_started" and seen[-1].data["line"] == 3:
            proxy.silent = True
            handle.send("stop")

    status, events = carried_out(plan(workshop18, proxy), meanwhile)
    assert status != 0
    assert events[-1].name == "run_finished"
    assert not workshop18.relation("public.one")


def test_a_backfill_whose_sessions_all_fall_silent_ends(workshop18: Workshop, proxy: Proxy) -> None:
    """Its control session is asked for a checkpoint, a heartbeat, who waits: none of that may wait for ever."""
    uri = f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop18.dbname}?connect_timeout=2"
    workshop18.toml = f'[[environment]]\nname = "box"\ntarget = "{uri}"\n'
    workshop18.change("fill", DECLARED)
    table(workshop18)

    def meanwhile(handle: RunHandle, seen: list[Entry]) -> None:
        if seen[-1].name == "batch_done" and seen[-1].data["batch"] == 2:
            proxy.mute()
            handle.send("stop")

    status, events = carried_out(plan_of(workshop18), meanwhile)
    assert status != 0
    assert events[-1].name == "run_finished"
    workshop18.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%'")
    ((changed,),) = workshop18.query("SELECT count(*) FROM public.t WHERE n = 1")
    assert changed >= 400
