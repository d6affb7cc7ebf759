"""`check`, `after` and `answer`: the lists on the command line say and take what the screen does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Checkout, Outcome, shop
from tests.database.places import Databases
from tests.servers import Server

MARIA = "Maria Test <maria@example.org>"
POLICY = '[[environment]]\nname = "live"\ntarget = "live"\nprotected = true\nconfirm_word = "live"\n'
SAID = {
    "pre:window": "no window needed", "pre:notify": "mailed", "pre:coordination": "release 4.2, after it",
    "pre:backup": "ops, ticket 7", "pre:verify-backup": "restored", "deploy:staging": "done",
    "deploy:verify-staging": "done", "deploy:application-tests": "green",
}  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Databases) -> Checkout:
    made = shop(tmp_path, {"live": pg18.uri(database_on(pg18))})
    made.write("pgmig.toml", POLICY)
    return made


def listed(done: Outcome) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in json.loads(done.out)["items"]}


def deploy(checkout: Checkout, *more: str) -> Outcome:
    past = "--override=check:replication-slots=others test here"
    return checkout.run("deploy", "live", "--confirm", "live", past, "--json-lines", *more)


def test_the_list_is_told_whole_answered_beforehand_and_after_the_run(checkout: Checkout, pg18: Server) -> None:
    database = checkout.root.joinpath("sqitch.conf").read_text().split("/")[-1].strip()
    before = listed(checkout.run("check", "live", "--json"))
    assert list(before)[:4] == ["pre:window", "pre:notify", "pre:coordination", "pre:backup"]
    assert list(before)[-8:-5] == ["deploy:production", "deploy:verify-production", "deploy:monitor"]
    assert before["deploy:production"]["missing"] == "the run does it"
    assert before["check:server"]["seen"]["rows"][0]["role"] == before["check:server"]["seen"]["role"]
    assert (before["pre:notify"]["seen"], before["pre:notify"]["said"], before["pre:notify"]["blocks"]) == (
        None, None, True,
    )  # fmt: skip
    table = checkout.run("check", "live").out
    for text in ("seen by the program", "said by whom", "missing", "Coordinate with application", "Check error logs"):
        assert text in table
    assert "`pgmig-tui answer live ITEM=NOTE` answers pre:window, pre:notify, pre:coordination" in table
    one = checkout.run("check", "live", "--item", "check:server").out
    assert "SHA-256 of the query" in one
    assert "SELECT" in one

    refused = checkout.run("answer", "live", "check:server=fine")
    assert (refused.status, "seen by the program" in refused.err) == (3, True)
    assert checkout.run("answer", "live", "pre:nothing=x").status == 2
    done = checkout.run("answer", "live", "--json", *(f"{item}={note}" for item, note in SAID.items()))
    assert done.status == 0, done.err
    assert {one["by"] for one in json.loads(done.out)["answered"]} == {MARIA}
    said = listed(checkout.run("check", "live", "--json"))["pre:notify"]
    assert (said["said"]["note"], said["said"]["by"], said["state"], said["missing"]) == ("mailed", MARIA, "PASS", "")
    kept = checkout.run("answer", "live", "pre:notify=")
    assert (kept.status, "--yes" in kept.err) == (3, True), "no slip withdraws an answer"

    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total bigint;", "SELECT 1;", None)
    changed = listed(checkout.run("check", "live", "--json"))["pre:notify"]
    assert changed["said"] is None
    assert changed["said_before"] == {"note": "mailed", "why_not": "the script of total has changed since"}
    other = deploy(checkout)
    assert other.status == 3
    assert 'Notify stakeholders: "mailed" has to be said again: the script of total has changed since' in other.err
    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total int;", "SELECT 1;", None)

    ran = deploy(checkout)
    assert ran.status == 0, ran.err
    events = [json.loads(text) for text in ran.out.splitlines()]
    passed = {event["item_id"]: event["note"] for event in events if event["event"] == "gate_passed"}
    assert {item: passed[item] for item in SAID} == SAID
    run = events[0]["run"]
    assert not [event for event in events if event["event"] == "warning"]
    stored = pg18.execute(
        f"SELECT item, state, answered_how, note, sql_hash, role FROM pgmig.evidence WHERE run_id = '{run}'", database
    )
    by_item = {item: tuple(row) for item, *row in stored}
    assert by_item["pre:notify"][:3] == ("PASS", "said", "mailed")
    assert by_item["check:server"][:2] == ("PASS", "seen")
    assert len(by_item["check:server"][3]) == 64

    later = listed(checkout.run("after", run, "--json"))
    assert list(later)[:4] == ["deploy:production", "deploy:verify-production", "deploy:monitor", "post:application"]
    assert later["deploy:production"]["seen"]["summary"] == f"run {run}: 3 of 3 changes deployed"
    assert later["deploy:verify-production"]["seen"]["state"] == "WARN"
    assert (
        "2 of 3 verifications passed; 1 change was not verified" in later["deploy:verify-production"]["seen"]["summary"]
    )
    assert later["check:invalid-indexes"]["seen"]["state"] == "PASS"
    assert checkout.run("after", run, "--exit-code").status == 1
    assert checkout.run("answer", run, "deploy:production=yes").status == 3
    answered = checkout.run("answer", run, "post:logs=quiet", "post:ticket=closed", "--json")
    assert (answered.status, json.loads(answered.out)["in_database"]) == (0, True)
    assert listed(checkout.run("after", run, "--json"))["post:logs"]["said"]["note"] == "quiet"
    assert checkout.run("answer", run, "post:logs=").status == 3
    assert checkout.run("answer", run, "post:logs=", "--yes").status == 0
    assert listed(checkout.run("after", run, "--json"))["post:logs"]["said"] is None
    assert "closed" in checkout.run("runs", run).out
    answers = pg18.execute(
        f"SELECT item, state, note FROM pgmig.evidence WHERE run_id = '{run}' AND check_name = 'answer' ORDER BY id",
        database,
    )
    assert answers == [
        ("post:logs", "PASS", "quiet"), ("post:ticket", "PASS", "closed"), ("post:logs", "UNKNOWN", None),
    ]  # fmt: skip
    pg18.execute("DROP SCHEMA pgmig CASCADE", database)
    alone = checkout.run("answer", run, "post:logs=quiet")
    assert (alone.status, "not in the database: schema pgmig has no table of evidence" in alone.err) == (0, True)


def test_an_answer_that_can_t_be_kept_is_told(checkout: Checkout) -> None:
    state = checkout.home / "state" / "pgmig-tui"
    state.mkdir(parents=True)
    (state / "drafts").write_text("no folder")
    said = checkout.run("answer", "live", "pre:notify=mailed")
    assert (said.status, "the answers can't be kept: " in said.err) == (2, True), said.err
    assert "Nothing was kept." in said.err


def test_after_what_leaves_nothing_and_of_nothing(checkout: Checkout) -> None:
    assert checkout.run("after", "20260101-000000-abcd").status == 2
    assert checkout.run("answer", "20260101-000000-abcd", "post:logs=x").status == 2
    assert checkout.run("answer", "live").status == 2


def test_check_asks_windows_and_the_environment_that_changes_come_from(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    uris = {"staging": pg18.uri(database_on(pg18)), "live": pg18.uri(database_on(pg18))}
    checkout = shop(tmp_path, uris)
    later = "to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '{} h', 'HH24:MI')"
    begin, end = pg18.execute(f"SELECT {later.format(11)}, {later.format(13)}")[0]
    checkout.write(
        "pgmig.toml",
        '[[environment]]\nname = "staging"\ntarget = "staging"\n'
        '[[environment]]\nname = "live"\ntarget = "live"\nprotected = false\npromote_from = "staging"\nsoak = "1h"\n'
        f'window = ["{begin}-{end} UTC"]\n',
    )
    found = listed(checkout.run("check", "live", "--json"))
    for item in ("deploy:staging", "deploy:verify-staging", "policy:promote_from", "policy:soak", "policy:window"):
        assert (found[item]["state"], found[item]["blocks"]) == ("FAIL", True), found[item]
    assert "staging doesn't have " in found["deploy:staging"]["seen"]["summary"]
    assert "the next opening: " in found["policy:window"]["seen"]["summary"]
    assert "next opening" in checkout.run("check", "live").out
    assert checkout.run("deploy", "staging", "--yes").status == 0
    found = listed(checkout.run("check", "live", "--json"))
    assert [found[item]["state"] for item in ("deploy:staging", "policy:promote_from")] == ["PASS", "PASS"]
    assert found["deploy:staging"]["seen"]["rows"][0]["environment"] == "staging"
    refused = checkout.run("deploy", "live", "--yes")
    assert refused.status == 3
    assert "policy:soak" in refused.err
    assert "the next opening: " in refused.err
    policy = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", policy + 'override = "none"\n')
    refused = checkout.run("deploy", "live", "--yes", "--override=policy:soak=it can't wait")
    assert (refused.status, 'pgmig.toml says override = "none"' in refused.err) == (2, True)
    assert checkout.run("deploy", "live", "--yes", "--emergency", "short").status == 2
    done = checkout.run("deploy", "live", "--yes", "--emergency", "the outage can't wait", "--json-lines")
    assert done.status == 0, done.err
    events = [json.loads(one) for one in done.out.splitlines()]
    passed = {one["item_id"]: one for one in events if one["event"] == "gate_passed"}
    assert {one: passed[one]["how"] for one in passed} == {"policy:soak": "emergency", "policy:window": "emergency"}
    assert passed["policy:soak"]["note"] == "the outage can't wait"
    back = checkout.run("revert", "live", "--yes", "--all", "--accept-data-loss")
    assert back.status == 0, back.err
    assert "a revert is exempt from promote_from, soak and window" in back.err
