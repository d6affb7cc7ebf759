"""Values given with --set: scripts get them, and no place that outlives the run does."""

from __future__ import annotations

import pytest

from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.process.record import record, verified
from pgmig_tui.run.recovery import reconcile
from tests.run.conftest import Workshop
from tests.run.test_reconcile import examined, kill_at, looking

SECRET = "horse'battery 7331"

_USES = (
    "CREATE TABLE public.kept (what text);\n"
    "INSERT INTO public.kept VALUES (:'pw');\n"
    r"\echo the value is :pw or :'pw'" + "\n"
    "SELECT :'pw' AS shown;\n"
    r"SELECT format('INSERT INTO public.kept VALUES (%L)', :'pw') \gexec" + "\n"
    "DO $$ BEGIN RAISE WARNING '%', current_setting('my.pw'); END $$;\n"
)


def _held(workshop: Workshop) -> str:
    """Whatever the run has left: the files of its folder, and the rows of the audit."""
    files = [path.read_bytes().decode(errors="replace") for path in workshop.state_dir.rglob("*") if path.is_file()]
    rows = workshop.query("SELECT a::text FROM pgmig.schema_audit a") if workshop.relation("pgmig.schema_audit") else ()
    return "\n".join([*files, *(row[0] for row in rows)])


def _nowhere(workshop: Workshop) -> None:
    held = _held(workshop)
    for secret in (SECRET, SECRET.replace("'", "''"), "battery 7331"):
        assert secret not in held, held[max(0, held.find(secret) - 300) :][:700]


@pytest.mark.parametrize(
    "script",
    [
        f"BEGIN;\nSELECT set_config('my.pw', :'pw', true);\n{_USES}COMMIT;\n",
        f"SELECT set_config('my.pw', :'pw', false);\n{_USES}VACUUM public.kept;\n",
    ],
    ids=["atomic", "stepwise"],
)
def test_a_value_reaches_the_script_and_no_record(workshop: Workshop, script: str) -> None:
    workshop.change("one", script, "", "SELECT 1/count(*) FROM public.kept WHERE what = :'pw';\n")
    done = workshop.run(variables={"pw": SECRET})
    assert done.status == 0, done.events
    assert workshop.query("SELECT DISTINCT what, count(*) FROM public.kept GROUP BY 1") == [(SECRET, 2)]
    _nowhere(workshop)
    assert "VALUES (:'pw')" in _held(workshop)
    again = workshop.run("verify", variables={"pw": SECRET})
    assert again.status == 0, again.events
    _nowhere(workshop)


def test_what_puts_an_index_right_can_be_run_although_its_name_is_a_value(workshop18: Workshop) -> None:
    workshop18.change("kept", "CREATE TABLE public.kept AS SELECT 1 AS a FROM generate_series(1, 2);\n")
    workshop18.change("one", 'CREATE UNIQUE INDEX CONCURRENTLY :"idx" ON public.kept (a);\n')
    done = workshop18.run(variables={"idx": "Kept of all"})
    (failed,) = done.named("step_failed")
    assert failed["what_stays"] == ["INVALID index public.Kept of all"]
    drop = 'DROP INDEX CONCURRENTLY "public"."Kept of all"'
    assert failed["repair"][0] == drop == done.named("index_invalid")[0]["repair"][0]
    assert drop in failed["do"]
    assert 'CREATE UNIQUE INDEX CONCURRENTLY :"idx"' in done.named("statement_started")[-1]["sql"]


def test_a_statement_that_is_a_value_is_told_by_its_name(workshop18: Workshop) -> None:
    workshop18.change("one", "BEGIN;\n:what\nSELECT 1;\nCOMMIT;\n")
    done = workshop18.run(variables={"what": "CREATE TABLE public.hidden_one ();CREATE TABLE public.hidden_two ();"})
    assert done.status == 0, done.events
    assert workshop18.relation("public.hidden_two")
    assert ":what" in [one["sql"] for one in done.named("statement_started")]
    assert "CREATE" in _held(workshop18)
    assert "TABLE public.hidden" not in _held(workshop18)


@pytest.mark.parametrize("rest", ["", "VACUUM public.kept;\n"], ids=["atomic", "stepwise"])
@pytest.mark.parametrize(
    "failing",
    ["SELECT :'pw'::int;\n", 'SELECT :"pw";\n', "DO $$ BEGIN RAISE EXCEPTION '%', current_setting('my.pw'); END $$;\n"],
)
def test_what_a_server_says_of_a_value_is_not_kept(workshop18: Workshop, rest: str, failing: str) -> None:
    workshop18.change(
        "one", f"CREATE TABLE public.kept ();\nSELECT set_config('my.pw', :'pw', false);\n{rest}{failing}"
    )
    done = workshop18.run(variables={"pw": SECRET})
    assert done.status == 1
    assert done.named("step_failed")[0]["message"]
    _nowhere(workshop18)


def test_what_became_of_a_cut_off_statement_is_told_without_its_values(workshop18: Workshop) -> None:
    workshop18.change(
        "one",
        "CREATE TABLE public.t ();\nVACUUM public.t;\nCREATE TABLE public.:name AS SELECT 1 AS a FROM pg_sleep(0.8);\n",
    )
    folder = kill_at(workshop18, "statement_started", line=3, variables={"name": "given_one"}).folder
    with looking(workshop18) as connection:
        (verdict,) = reconcile.examine(connection, RunPlan.load(folder)).verdicts
    # By the name: whether its server finished it, or saw in time that nobody waits any more.
    expected = "unrecorded" if workshop18.relation("public.given_one") else "partly"
    assert (verdict.outcome, "given_one" in verdict.why) == (expected, True), verdict.why


def test_a_verification_that_needs_a_value_is_left_out(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.t ();\nVACUUM public.t;\n", "", "SELECT pg_sleep(:long);\n")
    folder = kill_at(workshop18, "step_applied", variables={"long": "20"}).folder
    _, environment = workshop18.project()
    with looking(workshop18) as connection:
        settlement = examined(connection, RunPlan.load(folder))
    (verdict,) = verified(environment.target, settlement).verdicts
    assert "its verification needs the value of :long, which isn't kept" in verdict.why
    assert record(environment.target, settlement).verdicts[0].outcome == "recorded"
    assert workshop18.deployed() == ["one"]
