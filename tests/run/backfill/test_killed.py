"""Killed at random and resumed: every row is changed exactly once."""

from __future__ import annotations

import random
import select
from pathlib import Path

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.run_plan import RunPlan
from tests.run.backfill.conftest import DECLARED, counters, plan_of
from tests.run.conftest import Workshop, wait_a_moment

ROWS, KILLS = 400_000, 5


def _killed(plan: RunPlan, at_row: int, later_s: float) -> bool:
    """Start the run and SIGKILL its process `later_s` after it told of `at_row` rows; False when it ended before."""
    process = client.warm(Path(plan.root))
    handle = client.start(plan, process=process)
    total = 0
    while handle.alive():
        totals = [event.data["total"] for event in handle.poll() if event.name == "batch_done"]
        total = totals[-1] if totals else total
        if total >= at_row:
            select.select([], [], [], later_s)
            process.kill()
            process.wait()
            return not handle.poll() or not handle.finished
        wait_a_moment()
    return False


def test_killed_at_random_and_resumed_every_row_is_changed_exactly_once(workshop: Workshop) -> None:
    chance = random.Random(20261122)
    workshop.change("fill", DECLARED.replace("batch=200", "batch=2000"))
    workshop.query("CREATE TABLE public.t (id bigint, n int NOT NULL DEFAULT 0) WITH (autovacuum_enabled = off)")
    workshop.query(f"INSERT INTO public.t (id) SELECT 3 * i FROM generate_series(1, {ROWS}) i")
    workshop.query("ALTER TABLE public.t ADD PRIMARY KEY (id)")
    plan = plan_of(workshop)
    for at_row in sorted(chance.randrange(ROWS // 20, ROWS * 9 // 10) for _ in range(KILLS)):
        assert _killed(plan, at_row, chance.uniform(0, 0.25)), "it was to be killed before its end"
        with pytest.raises(Refused, match=f"--resume {plan.run_id}"):
            plan_of(workshop)
        plan = plan_of(workshop, None, resume=plan.run_id)
    done = workshop.finish(plan)
    assert done.status == 0, done.events[-1].data
    assert counters(workshop) == [(1, ROWS)]
    assert done.named("backfill_done")[0]["rows"] == ROWS
    assert workshop.query("SELECT rows_changed, rows_seen FROM pgmig.backfill_progress") == [(ROWS, ROWS)]
