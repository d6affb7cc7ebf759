"""Tracking that fails while a run works takes nothing with it: the registry says what the schema says, and the run goes
on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pgmig_tui.run.clients.extent import extent_of_last
from pgmig_tui.run.clients.rollback import plan_rollback, stand
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.planning.marks import Marked
from tests.database.places import role, session, until
from tests.database.test_tracking_upgrade import make_version_1
from tests.run.backfill.conftest import plan_of, table
from tests.run.conftest import Outcome, Workshop

TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "200ms"\nretries = 0\n'
GATE = 7
WAITS = (
    f"SET {{}}lock_timeout = 0;\nSELECT pg_advisory_lock({GATE}), pg_advisory_unlock({GATE});\nRESET lock_timeout;\n"
)
ATOMIC = f"BEGIN;\n{WAITS.format('LOCAL ')}CREATE TABLE public.b ();\nCOMMIT;\n"
STEPWISE = f"{WAITS.format('')}CREATE TABLE public.b (id int);\nCREATE INDEX CONCURRENTLY i ON public.b (id);\n"
OFF = "tracking is off for the rest of this run: "

# The tables are locked by a transaction that a step is part of: what needs a stronger lock waits for a stepwise one.
SABOTAGE = {
    "function dropped": ("DROP FUNCTION pgmig.record_step", "a"),
    "function replaced": (
        "CREATE OR REPLACE FUNCTION pgmig.record_step(step jsonb, statements text[]) RETURNS bigint LANGUAGE plpgsql"
        " AS 'BEGIN CREATE TABLE public.evil (); RETURN 1; END'",
        "ab",
    ),
    "head locked": ("BEGIN; SELECT FROM pgmig.tracking_head FOR UPDATE", "ab"),
    "schema dropped": ("DROP SCHEMA pgmig CASCADE", "b"),
    "trigger": (
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
        "CREATE TRIGGER x BEFORE INSERT ON pgmig.schema_audit FOR EACH ROW EXECUTE FUNCTION public.no()",
        "b",
    ),
    "a row too long": (
        "ALTER TABLE pgmig.schema_audit ADD CONSTRAINT short CHECK (length(sql_statement) < 5) NOT VALID",
        "b",
    ),
}  # fmt: skip
CASES = [
    pytest.param(sql, mode, id=f"{name}, {'atomic' if mode == 'a' else 'stepwise'}")
    for name, (sql, modes) in SABOTAGE.items()
    for mode in modes
]


def at_the_gate(workshop: Workshop, plan: RunPlan, act: Callable[[psycopg.Connection[Any]], object]) -> Outcome:
    """Carry `plan` out; while its script waits, `act`."""
    with workshop.connect() as gate, workshop.connect() as other:
        gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
        waiting = f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {GATE} AND NOT granted"
        acted: list[bool] = []

        def meanwhile(_: object, entry: Entry) -> None:
            if entry.name == "step_started" and entry.data["change"] == "b" and not acted:
                acted.append(True)
                until(lambda: bool(workshop.query(waiting)))
                act(other)
                gate.execute("SELECT pg_advisory_unlock(%s)", [GATE])

        return workshop.finish(plan, meanwhile)


def told(done: Outcome) -> str:
    warned = [one["message"] for one in done.named("warning") if "tracking" in one["message"]]
    assert len(warned) == 1, warned
    return str(warned[0])


@pytest.mark.parametrize(("sabotage", "mode"), CASES)
def test_a_deploy_goes_on_untracked(workshop18: Workshop, sabotage: str, mode: str) -> None:
    workshop = workshop18
    workshop.toml = TOML
    workshop.change("a", "BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\n")
    workshop.change("b", ATOMIC if mode == "a" else STEPWISE, verify="SELECT FROM public.b;\n")
    workshop.change("c", "BEGIN;\nCREATE TABLE public.c ();\nCOMMIT;\n")
    done = at_the_gate(workshop, workshop.plan(), lambda other: other.execute(sabotage.encode()))
    assert (done.status, workshop.deployed()) == (0, ["a", "b", "c"])
    assert told(done).startswith(OFF)
    assert "From b on Sqitch's registry alone tells" in told(done)
    assert not workshop.relation("public.evil")
    assert [workshop.relation(f"public.{name}") for name in "abc"] == [True] * 3


@pytest.mark.parametrize("mode", ["atomic", "stepwise"])
def test_a_revert_goes_on_untracked_and_the_next_run_adopts_it(workshop18: Workshop, mode: str) -> None:
    workshop = workshop18
    workshop.toml = TOML
    workshop.change("a", "BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\n", "BEGIN;\nDROP TABLE public.a;\nCOMMIT;\n")
    drops = f"BEGIN;\n{WAITS.format('LOCAL ')}DROP TABLE public.b;\nCOMMIT;\n"
    if mode == "stepwise":
        drops = f"{WAITS.format('')}DROP INDEX CONCURRENTLY public.i;\nDROP TABLE public.b;\n"
    workshop.change("b", "BEGIN;\nCREATE TABLE public.b (id int);\nCREATE INDEX i ON public.b (id);\nCOMMIT;\n", drops)
    assert workshop.run().status == 0
    plan = workshop.plan("revert", revert_all=True)
    head = "BEGIN; SELECT FROM pgmig.tracking_head FOR UPDATE"
    done = at_the_gate(workshop, plan, lambda other: other.execute(head.encode()))
    assert (done.status, workshop.deployed()) == (0, [])
    assert told(done).startswith(OFF)
    assert workshop.run(to="a").status == 0
    rows = workshop.query("SELECT version, operation, success FROM pgmig.schema_migrations ORDER BY id")
    assert rows[:2] == [("a", "deploy", True), ("b", "deploy", True)]
    assert sorted(rows[2:4]) == [("a", "adopt", False), ("b", "adopt", False)]
    assert rows[4:] == [("a", "deploy", True)]


def test_tables_of_version_1_whose_owner_may_not_look_into_their_schema(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The foreign key between them is looked after as their owner."""
    workshop = workshop18
    with role(workshop.server) as owner, role(workshop.server) as deployer:
        with session(workshop.server, workshop.dbname) as connection:
            make_version_1(connection)
            name, user = f'"{owner["user"]}"', f'"{deployer["user"]}"'
            connection.execute(
                f"ALTER TABLE pgmig.schema_migrations OWNER TO {name}; ALTER TABLE pgmig.schema_audit OWNER TO {name};"
                f"GRANT USAGE ON SCHEMA pgmig TO {user}; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA pgmig TO {user};"
                f'GRANT CREATE ON DATABASE "{workshop.dbname}" TO {user}; GRANT CREATE ON SCHEMA public TO {user}'
            )
        mine = f"//{workshop.server.parameters['user']}@"
        workshop.toml = TOML.replace("$URI", workshop.uri.replace(mine, f"//{deployer['user']}@"))
        monkeypatch.setenv("PGPASSWORD", deployer["password"])
        workshop.change("a", "CREATE TABLE public.a (id int);\nCREATE INDEX CONCURRENTLY i ON public.a (id);\n")
        workshop.change("b", "BEGIN;\nCREATE TABLE public.b ();\nCOMMIT;\n")
        done = workshop.run()
        assert done.status == 0, done.named("run_finished")
        assert workshop.deployed() == ["a", "b"]
        (warned,) = [one["message"] for one in done.named("warning") if one["message"].startswith(OFF)]
        assert "permission denied for schema pgmig" in warned


def test_a_lock_that_is_held_from_before_turns_it_off_before_the_first_step(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.toml = TOML
    for name in "abc":
        workshop.change(name, f"BEGIN;\nCREATE TABLE public.{name} ();\nCOMMIT;\n")
    assert workshop.run(to="a").status == 0
    with workshop.connect() as other:
        other.execute("BEGIN; LOCK TABLE pgmig.schema_audit, pgmig.schema_migrations, pgmig.evidence")
        done = workshop.run()
    assert (done.status, workshop.deployed()) == (0, ["a", "b", "c"])
    assert any(one["message"].startswith(OFF) for one in done.named("warning"))


def test_verifications_and_backfills_end_as_they_would_without(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.toml = TOML
    table(workshop, 400)
    workshop.change("a", "BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\n", verify="SELECT FROM public.a;\n")
    workshop.change("b", "BEGIN;\nCREATE TABLE public.b ();\nCOMMIT;\n", verify="SELECT FROM public.b;\n")
    assert workshop.run().status == 0
    workshop.change("fill", "BEGIN;\n-- pgmig: backfill table=public.t key=id batch=200 left=\"n = 0\"\n"
                    "UPDATE public.t SET n = n + 1;\nCOMMIT;\n")  # fmt: skip
    with workshop.connect() as other:
        other.execute("BEGIN; SELECT FROM pgmig.tracking_head FOR UPDATE")
        done = workshop.run("verify")
        assert [(one["change"], one["ok"]) for one in done.named("step_verified")] == [("a", True), ("b", True)]
        assert "verifications have no rows: canceling statement due to lock timeout" in told(done)
        filled = workshop.finish(plan_of(workshop))
        assert filled.status == 0
        assert "has no row in the tracking tables: canceling statement due to lock timeout" in told(filled)
    assert workshop.query("SELECT count(*) FROM pgmig.schema_migrations") == [(2,)]


def test_a_mark_that_cannot_be_a_row_is_one_of_this_account(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.toml = TOML
    drops = f"{WAITS.format('')}DROP INDEX CONCURRENTLY public.i;\nDROP TABLE public.b;\n"
    workshop.change("b", "BEGIN;\nCREATE TABLE public.b (id int);\nCREATE INDEX i ON public.b (id);\nCOMMIT;\n", drops)
    assert workshop.run().status == 0
    project, environment = workshop.project()
    extent = extent_of_last(stand(project, environment, workshop.state_dir))
    plan = plan_rollback(project, environment, extent, state_dir=workshop.state_dir, reason="it was too slow")
    assert plan.marks == "pgmig"
    done = at_the_gate(workshop, plan, lambda other: other.execute("DROP SCHEMA pgmig CASCADE"))
    assert (done.status, workshop.deployed()) == (0, [])
    warned = [one["message"] for one in done.named("warning")]
    assert any(one.startswith(OFF) for one in warned), warned
    assert any("in a file of this account only: " in one for one in warned), warned
    with pytest.raises(Marked, match="it was too slow"):
        workshop.plan()
