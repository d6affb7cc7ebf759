"""Statements that rewrite relations: the files that there were before tell what became of one that was cut off."""

from __future__ import annotations

import pytest

from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.recovery.evidence import StepOutcome
from tests.run.conftest import Workshop
from tests.run.test_reconcile import examined, kill_at, looking

SETUP = """
CREATE TABLE public.other ();
CREATE TABLE public.t (id int PRIMARY KEY, n varchar(5));
INSERT INTO public.t VALUES (1, 'a');
CREATE TABLE public."P p" (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
CREATE TABLE public.low PARTITION OF public."P p" FOR VALUES FROM (0) TO (5);
CREATE TABLE public.high PARTITION OF public."P p" FOR VALUES FROM (5) TO (9);
CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS one;
"""

REWRITES = [
    ("TRUNCATE public.t", "public.t"),
    ("TRUNCATE ONLY public.t, public.low", "public.low"),
    ('TRUNCATE public."P p"', "public.high"),
    ("VACUUM (FULL) public.t", "public.t"),
    ("CLUSTER public.t USING t_pkey", "public.t"),
    ("REINDEX TABLE public.t", "public.t"),
    ("REINDEX INDEX CONCURRENTLY public.t_pkey", "public.t"),
    ("REFRESH MATERIALIZED VIEW public.m", "public.m"),
    ("ALTER TABLE public.t ALTER id TYPE bigint", "public.t"),
    ("ALTER TABLE public.t ALTER n TYPE varchar(50)", "public.t"),
    ('ALTER TABLE public."P p" ALTER n TYPE bigint', "public.low"),
    ("ALTER TABLE public.t SET UNLOGGED", "public.t"),
]


def _verdict(workshop: Workshop, plan: RunPlan) -> StepOutcome:
    with looking(workshop) as connection:
        return examined(connection, plan).verdicts[-1]


def _change(workshop: Workshop, statement: str) -> None:
    workshop.query(SETUP)
    workshop.change("one", f"VACUUM public.other;\n{statement};\nANALYZE public.other;\n")


@pytest.mark.parametrize(("statement", "table"), REWRITES)
def test_what_was_cut_off_before_it_took_effect_has_left_the_files(
    workshop18: Workshop, statement: str, table: str
) -> None:
    _change(workshop18, statement)
    with workshop18.connect() as other:
        other.execute(f"BEGIN; SELECT FROM {table}".encode())
        if "CONCURRENTLY" in statement:
            other.execute("LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE")
        plan = kill_at(workshop18, "statement_started", line=2)
        verdict = _verdict(workshop18, plan)
    assert (verdict.outcome, verdict.line, len(verdict.stays)) == ("partly", 2, 1), verdict
    assert "has the file that it had before" in verdict.why


@pytest.mark.parametrize(
    "statement",
    [*(statement for statement, _ in REWRITES), "ALTER TABLE public.t ALTER id TYPE bigint, ALTER n SET DEFAULT 'x'"],
)
def test_what_took_effect_before_it_was_cut_off_has_left_other_files(workshop18: Workshop, statement: str) -> None:
    _change(workshop18, statement)
    done = workshop18.run()
    assert done.status == 0, done.events[-1].data
    verdict = _cut_behind_the_second_statement(workshop18, done.plan)
    assert (verdict.outcome, verdict.line, len(verdict.stays)) == ("partly", 3, 2), verdict
    assert "has another file, or other columns, than before" in verdict.why


def _cut_behind_the_second_statement(workshop: Workshop, plan: RunPlan) -> StepOutcome:
    """The same journal, cut off while the statement in line 2 was being carried out, and no record of the change."""
    workshop.query("DELETE FROM sqitch.tags")
    workshop.query("DELETE FROM sqitch.changes")
    path = plan.folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    sent = next(number for number, text in enumerate(lines, 1) if "statement_started" in text and '"line": 2' in text)
    path.write_text("".join(lines[:sent]))
    return _verdict(workshop, plan)


@pytest.mark.parametrize(
    ("statement", "undone"),
    [
        ("ALTER TABLE public.t ALTER n TYPE varchar(5), ALTER n SET DEFAULT 'x'", ""),
        ("TRUNCATE public.t", "DROP TABLE public.t; CREATE TABLE public.t ()"),
    ],
)
def test_what_files_do_not_tell_stays_unknown(workshop18: Workshop, statement: str, undone: str) -> None:
    _change(workshop18, statement)
    done = workshop18.run()
    assert done.status == 0, done.events[-1].data
    workshop18.query(undone or "SELECT 1")
    assert _cut_behind_the_second_statement(workshop18, done.plan).outcome == "unknown"


def test_a_vacuum_that_had_done_one_of_two_tables_may_be_run_again(workshop18: Workshop) -> None:
    _change(workshop18, "VACUUM (FULL) public.low, public.high")
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "1min"\n'
    with workshop18.connect() as other:
        other.execute("BEGIN; SELECT FROM public.high")
        plan = kill_at(workshop18, "activity")
        verdict = _verdict(workshop18, plan)
    assert (verdict.outcome, verdict.line) == ("partly", 2), verdict
    assert "public.high has the file that it had, and others have new ones" in verdict.why


def test_a_copy_that_reindexing_has_left_is_named_with_its_repair(workshop18: Workshop) -> None:
    _change(workshop18, "REINDEX INDEX CONCURRENTLY public.t_pkey")
    with workshop18.connect() as other:
        other.execute("BEGIN; INSERT INTO public.t VALUES (2)")
        plan = kill_at(workshop18, "activity")
        verdict = _verdict(workshop18, plan)
    assert (verdict.outcome, verdict.line) == ("partly", 2), verdict
    assert "t_pkey_ccnew is left INVALID" in verdict.why
    assert verdict.repair == ('DROP INDEX CONCURRENTLY "public"."t_pkey_ccnew"',)
