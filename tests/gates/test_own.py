"""Items of a project's own: whatever a question or a program does, it is bounded, and told for what it is."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.database.own_sql import MOST_ROWS
from pgmig_tui.gates.accepted import accept
from pgmig_tui.gates.checklist import own_items
from pgmig_tui.gates.gate import evaluate
from pgmig_tui.gates.own import own_results
from pgmig_tui.project.environments import Environment, Policy
from pgmig_tui.project.own_checks import OwnCheck
from tests.database.places import Databases, place, until
from tests.servers import Server

ENV = {"PATH": os.environ["PATH"], "PGPASSWORD": "hunter2", "SQITCH_PASSWORD": "hunter2"}


@pytest.fixture
def here(pg18: Server, database_on: Databases) -> Environment:
    name = database_on(pg18)
    pg18.execute("CREATE SCHEMA app; CREATE TABLE app.jobs (id int); INSERT INTO app.jobs VALUES (1)", name)
    pg18.execute(
        "CREATE FUNCTION app.write() RETURNS int LANGUAGE sql AS 'INSERT INTO app.jobs VALUES (2) RETURNING 1'", name
    )
    return Environment("live", place(pg18, name), Policy(protected=True))  # type: ignore[arg-type]


def results(here: Environment, root: Path, *checks: OwnCheck) -> list[CheckResult]:
    environment = Environment(here.name, here.target, here.policy, checks=checks)
    return own_results(environment, ("pre",), root, root / "state", ENV)


QUESTIONS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("SELECT id FROM app.jobs WHERE id > 5", {}, "PASS", "no rows, as expected (as "),
    ("SELECT id FROM app.jobs;  -- all of them", {}, "FAIL", "1 row, none was expected"),
    ("SELECT id FROM app.jobs", {"expect": "rows"}, "PASS", "1 row"),
    ("VALUES (1), (2)", {"expect": "rows"}, "PASS", "2 rows"),
    ("SHOW server_encoding", {"expect": "equals", "equals": "UTF8"}, "PASS", "UTF8, UTF8 was expected"),
    ("SELECT count(*) FROM app.jobs", {"expect": "equals", "equals": "0"}, "FAIL", "1, 0 was expected"),
    ("SELECT generate_series(1, 1000000)", {}, "FAIL", f"more than {MOST_ROWS} rows, none was expected"),
    ("SELECT repeat('x', 5000000)", {}, "FAIL", "1 row, none was expected"),
    ("SELECT pg_sleep(60)", {"timeout_ms": 200}, "UNKNOWN", "no answer within 0.2 s"),
    ("SELECT app.write()", {}, "UNKNOWN", "read-only transaction"),
    (
        "WITH w AS (DELETE FROM app.jobs RETURNING id) SELECT * FROM w",
        {},
        "UNKNOWN",
        "its WITH holds DELETE, which writes",
    ),
    ("SELECT 1 INTO app.made", {}, "UNKNOWN", "SELECT INTO makes a table"),
    ("COPY (SELECT 1) TO PROGRAM 'touch /tmp/never'", {}, "UNKNOWN", "it is no SELECT, VALUES or SHOW (COPY)"),
    ("SELECT 1; DROP TABLE app.jobs", {}, "UNKNOWN", "it is 2 statements, and can be one"),
    ("ROLLBACK", {}, "UNKNOWN", "it is no SELECT, VALUES or SHOW"),
    ("SELEC 1", {}, "UNKNOWN", "it can't be read: syntax error"),
    ("SELECT 1) AS q, app.write() AS w(", {}, "UNKNOWN", "it can't be read"),
    ("SELECT * FROM app.nothing", {}, "UNKNOWN", "does not exist"),
    ("-- nothing", {}, "UNKNOWN", "it is 0 statements"),
    ("SELECT E'\\x1b[2J\\u202e'", {}, "FAIL", "1 row"),
)


def test_a_question_is_answered_or_told_and_none_of_them_stops_the_next(
    here: Environment, pg18: Server, tmp_path: Path
) -> None:
    checks = [OwnCheck(f"q{n}", f"q{n}", sql=sql, **more) for n, (sql, more, *_) in enumerate(QUESTIONS)]
    began = time.monotonic()
    found = results(here, tmp_path, *checks)
    assert time.monotonic() - began < 20
    for (sql, _, state, told), result in zip(QUESTIONS, found, strict=True):
        assert (result.state, told in result.summary) == (state, True), f"{sql}: {result.state} {result.summary}"
        assert len(result.sql_hash) == 64
        assert len(str(result.rows)) < 300_000
    assert pg18.execute("SELECT array_agg(id) FROM app.jobs", here.target.conninfo["dbname"]) == [([1],)]
    assert len(found[6].rows) == MOST_ROWS


def test_a_question_that_outlives_its_time_or_its_session_is_ended_and_does_not_stop_the_next(
    here: Environment, pg18: Server, tmp_path: Path
) -> None:
    pg18.execute(
        "CREATE FUNCTION app.deaf() RETURNS int LANGUAGE plpgsql AS $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60);"
        " EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$",
        here.target.conninfo["dbname"],
    )
    deaf = OwnCheck("deaf", "d", timeout_ms=50, sql="SELECT app.deaf()")
    gone = OwnCheck("gone", "g", sql="SELECT pg_terminate_backend(pg_backend_pid())")
    after = OwnCheck("after", "a", sql="SELECT 1 WHERE false")
    found = results(here, tmp_path, deaf, gone, after, deaf)
    assert [one.state for one in found] == ["UNKNOWN", "UNKNOWN", "PASS", "UNKNOWN"], found
    assert "didn't answer within" in found[0].summary
    assert "connection was lost" in found[1].summary
    left = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%app.deaf()%' AND pid <> pg_backend_pid()"
    until(lambda: not pg18.execute(left))


def test_a_server_that_does_not_answer_is_unknown(here: Environment, tmp_path: Path) -> None:
    away = replace(here.target, conninfo={**here.target.conninfo, "host": str(tmp_path)})
    (found,) = results(replace(here, target=away), tmp_path, OwnCheck("q", "q", sql="SELECT 1"))
    assert found.state == "UNKNOWN"


PROGRAMS = (
    ("exit 0", "PASS", "exit status 0: it printed nothing"),
    ("echo queue is full; exit 1", "FAIL", "exit status 1: queue is full"),
    ("exit 7", "UNKNOWN", "exit status 7"),
    ("sleep 60", "UNKNOWN", "it did not end within 0.5 s, and was ended"),
    ("sleep 60 & exit 0", "UNKNOWN", "it did not end within 0.5 s"),
    ("yes", "UNKNOWN", "it printed more than 16 kB"),
    ("exec >&-; sleep 60", "UNKNOWN", "it did not end within 0.5 s"),
    ('echo "$PGPASSWORD$SQITCH_PASSWORD-$PGMIG_ENVIRONMENT"', "PASS", "exit status 0: -live"),
    ("kill -9 $$", "UNKNOWN", "exit status -9"),
    ("printf '\\033[2J'", "PASS", "exit status 0"),
)


def test_a_program_is_run_once_accepted_and_bounded(here: Environment, tmp_path: Path) -> None:
    checks = []
    for number, (script, *_) in enumerate(PROGRAMS):
        checks.append(OwnCheck(f"p{number}", "p", timeout_ms=500, command=("sh", "-c", script)))
    for one, result in zip(checks, results(here, tmp_path, *checks), strict=True):
        assert result.state == "UNKNOWN"
        assert "not run until somebody of this account accepts it" in result.summary
        accept(tmp_path / "state", tmp_path, f"check {one.name}", one.command, "Ann")
    for (script, state, told), result in zip(PROGRAMS, results(here, tmp_path, *checks), strict=True):
        assert (result.state, told in result.summary) == (state, True), f"{script}: {result.state} {result.summary}"
    (nothing,) = results(here, tmp_path, OwnCheck("none", "n", command=("./not-there",)))
    accept(tmp_path / "state", tmp_path, "check none", ("./not-there",), "Ann")
    (nothing,) = results(here, tmp_path, OwnCheck("none", "n", command=("./not-there",)))
    assert (nothing.state, "can't be started: No such file" in nothing.summary) == ("UNKNOWN", True)


def test_own_items_stand_in_their_list_and_block_as_they_say(here: Environment, tmp_path: Path) -> None:
    checks = (
        OwnCheck("jobs", "No jobs", sql="SELECT 1 FROM app.jobs"),
        OwnCheck("legal", "Legal agreed", asks="who agreed?", required=False),
    )
    environment = Environment("live", here.target, here.policy, checks=checks)
    gate = evaluate(own_items(environment, ("pre",)), results(here, tmp_path, checks[0]), (), protected=True)
    assert [(one.item.id, one.state, one.blocks, one.attestable) for one in gate.results] == [
        ("own:jobs", "FAIL", True, False),
        ("own:legal", "UNKNOWN", False, True),
    ]
