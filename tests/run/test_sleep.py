"""A host that slept: the run looks around before it goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from pgmig_tui.run import runner
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.process.sleep import Sleep, clocks
from tests.faults.stopping import start
from tests.run.conftest import Workshop


def test_only_time_that_passed_asleep_counts() -> None:
    told: Iterator[tuple[float, float]] = iter([(10.0, 1000.0), (70.0, 1060.0), (80.0, 1130.0), (90.0, 1143.0)])
    sleep = Sleep(lambda: next(told))
    assert [sleep.slept(), sleep.slept(), sleep.slept()] == [0.0, 60.0, 0.0]


def test_the_clocks_of_a_host_that_is_awake_go_together() -> None:
    assert Sleep(clocks).slept() == 0.0


_ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name LIKE 'pgmig/%' AND xact_start < now()"
)
"""What the server does by itself to a transaction that was begun before the sleep: it has idled for too long."""
_ANOTHER = "UPDATE sqitch.changes SET change_id = repeat('f', 40) WHERE change = 'two'"


class AfterAnHour(Sleep):
    """The host slept for an hour before the second step, and `meanwhile` something happened."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(lambda: (0.0, 0.0))
        self._asked = 0
        self._meanwhile = meanwhile

    def slept(self) -> float:
        self._asked += 1
        if self._asked != 2:
            return 0.0
        self._meanwhile()
        return 3600.0


def run(plan: RunPlan, meanwhile: Callable[[], object] = lambda: None) -> int:
    process = start(plan, prepare=lambda: setattr(runner, "Sleep", lambda: AfterAnHour(meanwhile)))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.fixture
def shop(workshop18: Workshop) -> Workshop:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    workshop18.change("two", "CREATE TABLE public.two ();\n")
    return workshop18


def test_a_run_goes_on_when_nothing_has_changed(shop: Workshop) -> None:
    plan = shop.plan()
    assert run(plan) == 0
    assert [event.data["seconds"] for event in JournalReader(plan.folder).poll() if event.name == "host_slept"] == [
        3600
    ]
    assert shop.deployed() == ["one", "two"]


def test_a_run_refuses_to_go_on_where_another_has_been(shop: Workshop) -> None:
    shop.run(to="one")
    shop.change("three", "CREATE TABLE public.three ();\n")
    plan = shop.plan()
    assert run(plan, meanwhile=lambda: (shop.query(_ENDED), shop.query(_ANOTHER))) == 3
    last = JournalReader(plan.folder).poll()[-1].data
    assert "the host slept for 3600 s, and meanwhile the registry has changed" in last["summary"]
    assert last["done"] == 1
    assert not shop.relation("public.three")
