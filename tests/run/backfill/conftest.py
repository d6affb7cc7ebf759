"""A table to fill, the change that fills it, and the plan of that."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.run.backfill.plan import BackfillOptions
from pgmig_tui.run.backfill.planning import prepare_backfill
from pgmig_tui.run.journal.run_plan import RunPlan
from tests.run.conftest import Workshop

DECLARED = """\
BEGIN;
-- pgmig: backfill table=public.t key=id batch=200 left="n = 0"
UPDATE public.t SET n = n + 1;
COMMIT;
"""
SLOW = """CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN PERFORM pg_sleep(CASE WHEN {slow} THEN {s} ELSE 0 END); RETURN NEW; END $$"""
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
    return workshop.query("SELECT n, count(*) FROM public.t GROUP BY n ORDER BY n")
