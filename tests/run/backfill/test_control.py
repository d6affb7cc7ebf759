"""A backfill that is stopped, paused, paced, or left alone by its terminal; one of a statement at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pgmig_tui.database.tracking import prepare_tracking, read_tracking
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from tests.database.places import session
from tests.run.backfill.conftest import TOML, counters, plan_of, table
from tests.run.conftest import Outcome, Workshop
from tests.run.test_controller import another_controls


def test_a_backfill_that_was_stopped_goes_on_where_it_stopped(shop: Workshop) -> None:
    table(shop, 5000)

    def stop(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and event.data["batch"] == 3:
            handle.send("stop")

    done = shop.finish(plan_of(shop), stop)
    assert (done.status, done.events[-1].data["result"]) == (3, "stopped")
    resumed = shop.finish(plan_of(shop, resume=done.plan.run_id))
    assert resumed.status == 0, resumed.events[-1].data
    assert resumed.named("step_started")[0]["rows"] == done.named("batch_done")[-1]["total"]
    assert counters(shop) == [(1, 5000)]


def test_each_run_of_it_has_a_row_where_there_is_tracking(shop18: Workshop) -> None:
    table(shop18, 50)
    with session(shop18.server, shop18.dbname) as connection:
        prepare_tracking(connection, read_tracking(connection, "pgmig"))
    done = shop18.finish(plan_of(shop18))
    assert done.status == 0
    rows = shop18.query(
        "SELECT m.operation, m.outcome, m.rows, m.run_id, a.operation_type, a.object_name, a.rows"
        " FROM pgmig.schema_migrations m JOIN pgmig.schema_audit a ON a.migration_id = m.id"
    )
    ((operation, outcome, changed, run, kind, name, counted),) = rows
    assert (operation, outcome, changed, run, kind, counted) == ("backfill", "done", 50, done.plan.run_id, "UPDATE", 50)
    assert "counters" in name or name


def test_paused_and_resumed_with_no_transaction_open(shop18: Workshop) -> None:
    table(shop18, 3000)

    def control(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and event.data["batch"] == 2:
            handle.send("pause")
        if event.name == "run_paused":
            ours = f"application_name = 'pgmig/{handle.run_id}/1'"
            sql = f"SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND {ours}"
            assert shop18.query(sql) == [(0,)]
            handle.send("resume")

    done = shop18.finish(plan_of(shop18), control)
    assert done.status == 0
    assert done.names.index("run_paused") < done.names.index("run_resumed")
    assert counters(shop18) == [(1, 3000)]


def test_faster_and_slower_change_the_pace(shop18: Workshop) -> None:
    table(shop18, 3000)

    def control(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and event.data["batch"] == 1:
            handle.send("slower")
        if event.name == "pace_changed" and event.data["level"] == -1:
            handle.send("faster")
            handle.send("faster")

    done = shop18.finish(plan_of(shop18), control)
    assert done.status == 0
    paces = [(one["level"], one["aim_ms"], one["rest"]) for one in done.named("pace_changed")]
    assert paces == [(-1, 200, 1.0), (0, 200, 0.25), (1, 200, 0.0)]


def test_the_same_statement_runs_once_at_a_time_and_a_deploy_may_run_beside_it(shop18: Workshop) -> None:
    table(shop18, 3000)
    first, second = plan_of(shop18), plan_of(shop18)
    found: list[Outcome] = []

    def meanwhile(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and not found:
            handle.send("pause")
        if event.name == "run_paused":
            found.append(shop18.finish(second))
            shop18.change("other", "CREATE TABLE public.other ();\n")
            found.append(shop18.run(to="fill", log_only=True))
            found.append(shop18.run())
            handle.send("resume")

    done = shop18.finish(first, meanwhile)
    assert done.status == 0, done.events[-1].data
    refused, recorded, deployed = found
    assert refused.status == 3
    assert f"pgmig/{first.run_id}/control" in refused.events[-1].data["summary"]
    assert (recorded.status, deployed.status) == (0, 0)
    assert shop18.deployed() == ["fill", "other"]
    assert counters(shop18) == [(1, 3000)]


@pytest.mark.parametrize(("policy", "status"), [("abort", 3), ("finish", 0), ("continue", 0)])
def test_a_lost_terminal_ends_it_only_where_that_is_the_policy(shop18: Workshop, policy: str, status: int) -> None:
    shop18.toml = TOML + f'on_hangup = "{policy}"\n'
    table(shop18, 5000)
    plan = plan_of(shop18, max_rate=4000)
    with another_controls(plan.folder) as controlling:

        def hang_up(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "batch_done" and event.data["batch"] == 2:
                controlling.kill()
                controlling.wait()

        done = shop18.finish(plan, hang_up)
    assert done.status == status, done.events[-1].data
    assert (counters(shop18) == [(1, 5000)]) == (status == 0)


def test_a_freeze_that_begins_stops_it_between_two_batches(shop18: Workshop) -> None:
    table(shop18, 5000)
    plan = plan_of(shop18, max_rate=1500)
    (moment,) = shop18.query("SELECT pg_catalog.clock_timestamp() + interval '1 s'")[0]
    freeze = {"from": moment.isoformat(), "to": (moment + timedelta(days=1)).isoformat(), "why": "x", "zone": "UTC"}
    plan = replace(plan, schedule={"windows": [], "freezes": [freeze], "needs": []})
    plan.save()
    done = shop18.finish(plan)
    (last,) = done.named("run_finished")
    assert (done.status, last["result"]) == (3, "stopped")
    assert last["summary"].startswith("stopped: the freeze of ")
    assert f"--resume {plan.run_id}" in last["do"]
    assert done.named("batch_done"), "it had begun"
    assert shop18.finish(plan_of(shop18, resume=plan.run_id)).status == 0
    assert counters(shop18) == [(1, 5000)]
