"""Windows and freezes before and within a real run, by the server's clock."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.gates.gate import Answer, Result
from pgmig_tui.review import prepared
from pgmig_tui.review.prepared import Review
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.file import JournalReader, JournalWriter, hold_lock
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan
from pgmig_tui.run.process import opening_hours
from pgmig_tui.run.runner import Runner
from pgmig_tui.ui.backend import gating
from pgmig_tui.ui.views.checklist import whole_item
from tests.database.places import until
from tests.run.conftest import Outcome, Workshop, workshop18, workshop_on

__all__ = ["workshop18", "workshop_on"]

TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\n'


def server_now(shop: Workshop) -> datetime:
    found: datetime = shop.query("SELECT pg_catalog.clock_timestamp() AT TIME ZONE 'UTC'")[0][0]
    return found


def window_around(now: datetime, hours: int) -> str:
    """A window of two hours whose middle is so many hours from now."""
    begin, end = now + timedelta(hours=hours - 1), now + timedelta(hours=hours + 1)
    return f'window = "{begin:%H:%M}-{end:%H:%M} UTC"\n'


def item(found: Review, item_id: str) -> Result:
    (one,) = [result for result in found.gate.results if result.item.id == item_id]
    return one


def override(item_id: str) -> Answer:
    return Answer(item_id, "override", "the outage can't wait", "Ann <ann@example.org>", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("client_is_ahead_h", [0, -6, 6])
def test_a_window_is_open_by_the_server_s_clock(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch, client_is_ahead_h: int
) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    workshop18.toml = TOML + window_around(server_now(workshop18), 0)
    plan = workshop18.plan()
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + client_is_ahead_h * 3600)
    found = prepared.review(plan, workshop18.project()[1])
    window = item(found, "policy:window")
    assert (window.state, window.blocks) == ("PASS", False), window.summary
    assert "open until" in window.summary
    assert "retries included" in window.summary


def test_a_closed_window_says_when_it_opens_and_wants_a_reason(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    now = server_now(workshop18)
    workshop18.toml = TOML + window_around(now, 12)
    plan, environment = workshop18.plan(), workshop18.project()[1]
    found = prepared.review(plan, environment)
    window = item(found, "policy:window")
    assert (window.state, window.blocks) == ("FAIL", True)
    assert f"the next opening: {now + timedelta(hours=11):%Y-%m-%d %H:%M} UTC" in window.summary
    with pytest.raises(Refused, match="policy:window"):
        prepared.ready(found, environment)
    passed = prepared.ready(prepared.answered(found, environment, [override("policy:window")]), environment)
    assert passed.plan.schedule is None, "whoever goes on past a closed window isn't stopped by it"
    assert workshop18.finish(passed.plan).status == 0


def test_how_long_nobody_knows_is_unknown_until_it_was_measured(workshop18: Workshop) -> None:
    workshop18.change("calls", "DO $$ BEGIN PERFORM pg_catalog.pg_sleep(0); END $$;\n")
    workshop18.toml = TOML + window_around(server_now(workshop18), 0)
    environment = workshop18.project()[1]
    found = prepared.review(workshop18.plan(), environment)
    window = item(found, "policy:window")
    assert (window.state, window.blocks) == ("UNKNOWN", True)
    assert "how long calls may take isn't known" in window.summary
    passed = prepared.ready(prepared.answered(found, environment, [override("policy:window")]), environment)
    assert passed.plan.schedule is not None, "that it may take long is no reason to go on when the window closes"
    assert workshop18.finish(passed.plan).status == 0
    assert workshop18.run("revert", revert_all=True).status == 0
    again = item(prepared.review(workshop18.plan(), environment), "policy:window")
    assert again.state == "PASS"
    assert again.evidence is not None
    rows = again.evidence["rows"]
    assert isinstance(rows, list)
    assert rows[0]["needs"][0]["source"] == "measured on box"


def in_this_process(plan: RunPlan) -> Outcome:
    """Carry out a plan here, where a test can set the clock that windows and freezes are asked by."""
    target = Endpoint(plan.server.display, dict(plan.server.conninfo), None, {})
    lock = hold_lock(plan.folder)
    assert lock is not None
    journal = JournalWriter(plan.folder, plan.run_id)
    try:
        status = Runner(plan, target, journal, []).execute()
    finally:
        journal.close()
        os.close(lock)
    return Outcome(status, JournalReader(plan.folder).poll(), plan)


def test_a_freeze_that_begins_stops_the_run_between_two_steps(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop18.toml = TOML
    begins = server_now(workshop18) + timedelta(days=1)
    workshop18.change("first", "CREATE TABLE public.first ();\n", "SELECT 1;\n")
    workshop18.change("second", "CREATE TABLE public.second ();\n")
    clock = iter([begins - timedelta(seconds=1), begins])
    monkeypatch.setattr(opening_hours, "server_time", lambda _: f"{next(clock).isoformat()}+00:00")
    ends = begins + timedelta(days=2)
    freeze = {
        "from": f"{begins.isoformat()}+00:00",
        "to": f"{ends.isoformat()}+00:00",
        "why": "month end",
        "zone": "UTC",
    }
    rules = {"windows": [], "freezes": [freeze], "needs": [["first", None, ""], ["second", 5, "estimated"]]}
    plan = replace(workshop18.plan(), schedule=rules)
    plan.save()
    ended = in_this_process(plan)
    assert ended.status == 3
    assert workshop18.deployed() == ["first"]
    (last,) = ended.named("run_finished")
    assert last["result"] == "stopped"
    assert last["summary"].startswith("stopped: the freeze of ")
    assert (
        f"(month end) has begun; the next opening: {ends:%Y-%m-%d %H:%M} UTC; 1 of 2 steps are done" in last["summary"]
    )
    assert last["do"] == "Deploy again then: pgmig-tui deploy box goes on with second."
    assert workshop18.run().status == 0, "it can be resumed"
    assert workshop18.deployed() == ["first", "second"]


def test_a_revert_is_exempt(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n", "DROP TABLE public.one;\n")
    assert workshop18.run().status == 0
    workshop18.toml = TOML + window_around(server_now(workshop18), 12)
    environment = workshop18.project()[1]
    found = prepared.ready(prepared.review(workshop18.plan("revert", revert_all=True), environment), environment)
    assert found.gate.open
    assert found.plan.schedule is None
    assert workshop18.finish(found.plan).status == 0


def test_the_screen_shows_the_reason_and_the_next_opening(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    now = server_now(workshop18)
    workshop18.toml = TOML + window_around(now, 12) + 'override = "none"\n'
    shown = gating.reviewed(prepared.review(workshop18.plan(), workshop18.project()[1]), "")
    (window,) = [one for one in shown.items if one.id == "policy:window"]
    assert (window.state, window.blocks, window.seen) == ("FAIL", True, True)
    assert f"the next opening: {now + timedelta(hours=11):%Y-%m-%d %H:%M} UTC" in whole_item(window)
    assert window.title in shown.blocking
    assert window.locked == 'pgmig.toml says override = "none"'


def deploy(found: Review, shop: Workshop) -> None:
    ready = prepared.ready(found, shop.project()[1])
    handle = client.start(ready.plan, evidence=ready.kept)
    until(lambda: handle.poll() is not None and handle.finished, 30)
    assert handle.exit_status == 0


def test_a_policy_that_asks_for_less_than_at_the_last_run_wants_a_reason(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    workshop18.toml = TOML + 'protected = false\nverify = "inside"\noverride = "operator"\n'
    first = prepared.review(workshop18.plan(), workshop18.project()[1])
    assert (item(first, "policy:text").state, item(first, "policy:text").blocks) == ("PASS", False)
    assert "no run before" in item(first, "policy:text").summary
    deploy(first, workshop18)
    workshop18.change("two", "CREATE TABLE public.two ();\n")
    again = prepared.review(workshop18.plan(), workshop18.project()[1])
    assert item(again, "policy:text").summary.startswith("it is the same as that of run ")
    workshop18.toml = "# a comment\n" + TOML + 'override = "operator"\nprotected = true\nverify = "off"\n'
    found = prepared.review(workshop18.plan(), workshop18.project()[1])
    less = item(found, "policy:text")
    assert (less.state, less.blocks) == ("FAIL", True)
    assert less.summary.endswith(": verify is off now")
    workshop18.toml += 'tracking = "elsewhere"\n'
    less = item(prepared.review(workshop18.plan(), workshop18.project()[1]), "policy:text")
    assert (less.state, less.blocks) == ("FAIL", True), "what was kept in another schema is found"
    assert less.summary.endswith(": verify is off now; tracking is in elsewhere now, and was in pgmig")
    reason = replace(override("policy:text"), item_id="policy:text")
    found = prepared.review(workshop18.plan(), workshop18.project()[1], [reason])
    assert not item(found, "policy:text").blocks
