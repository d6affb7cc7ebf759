"""The benchmark of whole scripts: it predicts before anything runs, and finds what a prediction lacks."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.impact.result import StatementImpact
from tests.servers import Server

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = BENCHMARKS / "corpus" / "scripts"
FIRST = {"01", "la"}  # those that begin a group, and the plan
ALSO = {"f04_enum_values", "k04_composite_keys"}


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def ran(name: str, server: Server) -> Any:
    """The outcome of a case of the corpus."""
    runner = import_module("script_runner")
    (case,) = runner.cases(SCRIPTS, [name])
    return runner.run_case(case, server.conninfo("postgres"))


def judged(outcome: Any) -> list[Any]:
    return list(import_module("script_score").judged(outcome))


def test_every_statement_of_a_case_has_a_verdict(pg16: Server) -> None:
    outcome = ran("p01_one_transaction", pg16)
    assert [(line.statement.kind, line.statement.line) for line in outcome.lines][:3] == [
        ("BEGIN", 7),
        ("ALTER TABLE", 8),
        ("UPDATE", 9),
    ]
    found = [one for one in judged(outcome) if one.scored]
    assert len(found) == len(outcome.lines) - 2
    assert not any(one.wrong for one in found)
    assert set(map(tuple, outcome.lost.values())) == {("rows of public.customer",), ("public.customer",)}


def test_a_prediction_that_says_nothing_is_wrong(pg16: Server) -> None:
    outcome = ran("p01_one_transaction", pg16)
    for line in outcome.lines:
        line.impact = StatementImpact(line.statement.line, line.statement.end_line, "", line.statement.kind)
    wrong = {one.line.statement.kind: one for one in judged(outcome) if one.wrong}
    assert wrong["ALTER TABLE"].hidden
    assert "public.customer: told none, is ACCESS EXCLUSIVE" in wrong["ALTER TABLE"].wrong
    assert "loss untold: rows of public.customer" in wrong["DELETE"].wrong
    assert "rewrites told none, are public.customer" in wrong["TRUNCATE"].wrong
    assert "UPDATE" not in wrong or not wrong["UPDATE"].scored


def test_what_fails_is_undone_and_the_next_statement_comes(pg18: Server) -> None:
    outcome = ran("p02_fails_and_goes_on", pg18)
    failed = [bool(line.truth.error) for line in outcome.lines]
    assert failed == [True, True, False, False, True, False, False, False]
    assert [one.wrong for one in judged(outcome)] == [()] * len(failed)
    told = outcome.lines[0].impact
    assert told.problem is not None
    outcome.lines[0].impact = replace(told, problem=None)
    assert judged(outcome)[0].wrong[0].startswith("fails, untold: cannot truncate")


def test_a_plan_is_predicted_whole_before_its_first_change_runs(pg18: Server) -> None:
    outcome = ran("plan_of_three", pg18)
    assert [line.file for line in outcome.lines][:: len(outcome.lines) - 1] == [
        "deploy/tables.sql",
        "deploy/cleanup.sql",
    ]
    assert not any(one.wrong for one in judged(outcome))
    # What the first change makes is there for others when the second one comes.
    added = next(line for line in outcome.lines if "ADD COLUMN since" in line.statement.text)
    assert {str(name) for name in added.truth.locks} == {"shop.buyer"}


def test_whole_scripts_are_told_right_before_they_run(pg18: Server, pytestconfig: pytest.Config) -> None:
    """search_path, time zones, temporary tables, branches, names made at run time, keys, partitions, failures …

    The first script of each group: all of them on each version are run by `make test-versions`, and
    by `benchmarks/lock_accuracy.py --scripts`.
    """
    runner, score = import_module("script_runner"), import_module("script_score")
    found = runner.cases(SCRIPTS)
    chosen = (
        found
        if pytestconfig.getoption("--server")
        else [one for one in found if one.name[1:3] in FIRST or one.name in ALSO]
    )
    wrong: list[str] = []
    right = statements = 0
    for case in chosen:
        outcome = runner.run_case(case, pg18.conninfo("postgres"))
        if any("is not available" in problem for problem in outcome.problems):
            continue  # a wheel without that extension
        assert outcome.problems == [], case.name
        for verdict in score.judged(outcome):
            statements += verdict.scored
            right += verdict.scored and not verdict.wrong
            wrong += score.explained(verdict, weak=False) if verdict.wrong or verdict.hidden else []
    assert statements > 250
    assert right / statements >= 0.98, "\n".join(wrong)


def test_there_are_150_whole_scripts_of_our_own() -> None:
    found = import_module("script_runner").cases(SCRIPTS)
    assert len(found) >= 150
    assert all(case.scripts[0].data.strip() for case in found)


@pytest.mark.parametrize("major", [16, 18])
def test_weak_locks_are_told_of_hidden_names_and_of_partitions_of_partitions(
    major: int, request: pytest.FixtureRequest
) -> None:
    outcome = ran("h01_hidden_names_and_levels", request.getfixturevalue(f"pg{major}"))
    score = import_module("script_score")
    assert [text for one in judged(outcome) for text in score.explained(one, weak=True)] == []


SETUP = b"""
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c int, d text DEFAULT 'x');
CREATE VIEW v AS SELECT id, a, b FROM t;
CREATE MATERIALIZED VIEW m AS SELECT b FROM t;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE felt (id int, how mood NOT NULL);
CREATE FUNCTION number() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE numbered (id int DEFAULT number(), other int);
CREATE TRIGGER noted BEFORE INSERT ON numbered FOR EACH ROW EXECUTE FUNCTION noted();
CREATE SCHEMA old; CREATE SCHEMA kept;
CREATE TABLE old.long (id int PRIMARY KEY, text text);
CREATE ROLE another_owner_of_it;
CREATE TYPE body AS (id int, name text); CREATE TABLE planet OF body; CREATE TABLE moon OF body;
CREATE TABLE emptied (id int); INSERT INTO emptied VALUES (1);
CREATE TABLE spare (id int); CREATE TABLE statements (sql text);
INSERT INTO statements VALUES ('ALTER TABLE t ADD COLUMN late int'), ('DROP TABLE spare');
"""
SCRIPT = b"""
ALTER TABLE t DROP COLUMN a;
CREATE OR REPLACE VIEW v AS SELECT id, c AS a, b FROM t;
ALTER TABLE t DROP COLUMN a;
ALTER TABLE t DROP COLUMN b;
ALTER TABLE t RENAME COLUMN b TO bb;
ALTER TABLE t DROP COLUMN bb;
DROP TYPE mood;
ALTER TABLE felt ALTER COLUMN how TYPE text;
DROP TYPE mood;
DROP FUNCTION number();
ALTER TABLE numbered ALTER COLUMN id DROP DEFAULT;
DROP FUNCTION number();
DROP FUNCTION noted;
DROP TRIGGER noted ON numbered;
DROP FUNCTION public.noted();
DROP SCHEMA old;
ALTER TABLE old.long SET SCHEMA kept;
DROP SCHEMA old;
CREATE TABLE counted (id int);
CREATE SEQUENCE counts;
ALTER SEQUENCE counts OWNED BY counted.id;
ALTER TABLE counted OWNER TO another_owner_of_it;
ALTER SEQUENCE counts OWNER TO another_owner_of_it;
ALTER SEQUENCE counts OWNER TO CURRENT_USER;
ALTER TABLE planet ADD COLUMN radius int;
ALTER TABLE planet RENAME COLUMN name TO called;
ALTER TABLE planet DROP COLUMN IF EXISTS none;
ALTER TYPE body ADD ATTRIBUTE radius int;
ALTER TYPE body ADD ATTRIBUTE radius int CASCADE;
ALTER TABLE moon NOT OF;
ALTER TYPE body DROP ATTRIBUTE radius CASCADE;
ALTER TABLE moon DROP COLUMN radius, ALTER COLUMN id TYPE bigint;
DELETE FROM emptied;
ALTER TABLE emptied ALTER COLUMN id TYPE bigint;
UPDATE t SET late = 1;
DO $$ DECLARE s text; BEGIN FOR s IN SELECT sql FROM statements LOOP EXECUTE s; END LOOP; END $$;
CREATE TABLE spare (id int);
UPDATE t SET late = 1;
"""


def test_what_the_script_has_untied_is_in_the_way_of_nothing(pg18: Server) -> None:
    runner = import_module("script_runner")
    case = runner.Case("untied", SETUP, (runner.Source("", "untied.sql", SCRIPT),), SCRIPTS)
    outcome = runner.run_case(case, pg18.conninfo("postgres"))
    assert not outcome.problems
    failed = {line.statement.line for line in outcome.lines if line.truth.error}
    assert failed == {2, 5, 7, 8, 11, 14, 17, 25, 26, 27, 28, 29, 36}
    told = {line.statement.line for line in outcome.lines if line.impact.problem is not None}
    assert told == failed
    assert [line.impact.unknown for line in outcome.lines[-2:]] == [
        ("whether public.spare exists already: code before it can't be read",),
        ("whether column late of public.t does not exist: code before it can't be read",),
    ]
    assert not [one.wrong for one in judged(outcome) if one.wrong and not one.unknown]
    assert {position: lost for position, lost in outcome.lost.items() if "rows of" in str(lost)} == {
        32: {"rows of public.emptied"}  # by DELETE, and not again by the new file
    }
