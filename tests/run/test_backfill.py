"""Data migrations in batches: every row once, whatever is killed, and what they give way to."""

from __future__ import annotations

import random
import select
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.run import client
from pgmig_tui.run.batch_plan import BackfillOptions, prepare_backfill
from pgmig_tui.run.plan import RunPlan
from tests.run.conftest import Workshop, wait_a_moment

DECLARED = """\
BEGIN;
-- pgmig: backfill table=public.t key=id batch=200 left="n = 0"
UPDATE public.t SET n = n + 1;
COMMIT;
"""
TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\n'


def plan_of(workshop: Workshop, change: str | None = "fill", **options: Any) -> RunPlan:
    project, environment = workshop.project()
    wanted = BackfillOptions(change=change, **options)
    plan, spec = prepare_backfill(project, environment, wanted, state_dir=workshop.state_dir)
    assert spec is not None, plan.warnings
    return plan


def table(workshop: Workshop, rows: int = 2000, more: str = "") -> None:
    workshop.query(f"CREATE TABLE public.t (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0 {more})")
    workshop.query(f"INSERT INTO public.t (id) SELECT 3 * i FROM generate_series(1, {rows}) i")


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.change("fill", DECLARED)
    return workshop


@pytest.fixture
def shop18(workshop18: Workshop) -> Workshop:
    workshop18.change("fill", DECLARED)
    return workshop18


def counters(workshop: Workshop) -> list[tuple[int, int]]:
    return workshop.query("SELECT n, count(*) FROM public.t GROUP BY n ORDER BY n")  # type: ignore[return-value]


def test_every_row_is_changed_once_in_batches(shop: Workshop) -> None:
    table(shop)
    done = shop.finish(plan_of(shop, analyze=True))
    assert done.status == 0, done.events[-1].data
    batches = done.named("batch_done")
    assert batches[0]["rows"] == batches[0]["size"] == 200
    assert sum(one["rows"] for one in batches) == batches[-1]["total"] == 2000
    assert batches[-1]["last_key"] == ["6000"]
    (end,) = done.named("backfill_done")
    assert (end["rows"], end["left"], end["analyzed"]) == (2000, 0, True)
    assert counters(shop) == [(1, 2000)]
    row = shop.query("SELECT rows_changed, rows_seen, finished_at IS NOT NULL, last_key FROM pgmig.backfill_progress")
    assert row == [(2000, 2000, True, '["6000"]')]
    assert shop.query("SELECT to_regclass('sqitch.changes') IS NULL") == [(True,)], "it is no deploy"


def test_it_is_not_done_twice_unless_that_is_meant(shop18: Workshop) -> None:
    table(shop18, 100)
    first = shop18.finish(plan_of(shop18))
    with pytest.raises(Refused, match=f"carried out already by {first.plan.run_id}: 100 rows"):
        plan_of(shop18)
    assert shop18.finish(plan_of(shop18, from_start=True)).status == 0
    assert counters(shop18) == [(2, 100)]


# -- killed at random ----------------------------------------------------------------------------------------------

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
