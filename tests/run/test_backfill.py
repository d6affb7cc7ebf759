"""Data migrations in batches: every row once, whatever is killed, and what they give way to."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.run.batch_plan import BackfillOptions, prepare_backfill
from pgmig_tui.run.plan import RunPlan
from tests.run.conftest import Workshop

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
