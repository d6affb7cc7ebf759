"""Hooks of real runs: who is told what and when, what stands of it in journal, lists and report, what never waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import HookTold
from pgmig_tui.run.journal.file import JournalReader
from tests.cli.program import Checkout, shop
from tests.database.places import until
from tests.gates.certified import Listener, certify, listening
from tests.servers import Server

ENVIRONMENT = '[[environment]]\nname = "dev"\ntarget = "dev"\n'
TELL = '#!/bin/sh\ncat > "$PGMIG_HOOK.json"\n'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("authority")).parent


@pytest.fixture
def listener(authority: Path) -> Iterator[Listener]:
    with listening(authority) as there:
        yield there


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Callable[..., str]) -> Checkout:
    made = shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})
    made.write("pgmig.toml", ENVIRONMENT)
    made.write("tell", TELL).chmod(0o755)
    return made


def accepted(checkout: Checkout, hooks: str, head: str = ENVIRONMENT) -> None:
    checkout.write("pgmig.toml", f"{head}\n[hooks]\n{hooks}\n")
    refused = checkout.run("accept", "dev")
    waiting = [line.split("--sha256 ")[1].split()[0] for line in refused.err.splitlines() if "--sha256 " in line]
    assert len(waiting) == len(hooks.strip().splitlines()), "each is named at once"
    for one in waiting:
        assert checkout.run("accept", "dev", "--sha256", one).status == 0
    assert checkout.run("accept", "dev").status == 0


def journal(checkout: Checkout, command: str = "deploy") -> tuple[Path, list[Entry]]:
    """The newest run of a command, and its events."""
    for folder in sorted((checkout.home / "state/pgmig-tui/runs").iterdir(), reverse=True):
        events = JournalReader(folder).poll()
        if events and getattr(events[0].event, "command", "") == command:
            return folder, events
    raise AssertionError(f"there is no run of {command}")


def told(events: list[Entry]) -> dict[str, HookTold]:
    return {one.event.hook: one.event for one in events if isinstance(one.event, HookTold)}


def payload(checkout: Checkout, hook: str) -> dict[str, Any]:
    found = json.loads((checkout.root / f"{hook}.json").read_text())
    assert isinstance(found, dict)
    return found


def test_a_run_tells_before_it_after_it_and_when_it_is_rolled_back(checkout: Checkout, listener: Listener) -> None:
    command = '{ command = ["./tell"] }'
    accepted(
        checkout,
        f"before = {command}\nafter = {command}\nrolled_back = {command}\n"
        f'ticket = {{ webhook = "{listener.url("/t/{secret}")}", secret_env = "TOKEN",'
        f' ca_file = "{listener.ca_file}" }}',
    )
    done = checkout.run("deploy", "dev", "-y", env={"TOKEN": "cAnAry"})
    assert done.status == 0, done.err
    assert "hook before: told ./tell (exit status 0, 1 try)" in done.out
    folder, events = journal(checkout)
    until(lambda: set(told(journal(checkout)[1])) == {"before", "after", "ticket"})
    events = journal(checkout)[1]
    assert all(one.ok for one in told(events).values())
    before, after = payload(checkout, "before"), payload(checkout, "after")
    assert (before["version"], before["event"], before["outcome"], before["run"]) == (1, "before", None, folder.name)
    assert [one["change"] for one in before["changes"]] == ["schema", "orders", "total"]
    assert after["outcome"] == {"result": "done", "exit_status": 0, "done": 3, "total": 3}
    assert (after["who"]["operator"], after["times"]["finished_at"] >= after["times"]["started_at"]) == (
        "Maria Test <maria@example.org>", True,
    )  # fmt: skip
    (heard,) = listener.heard
    assert (heard.path, json.loads(heard.body)["event"]) == ("/t/cAnAry", "ticket")
    assert told(events)["ticket"].text_hash == sha256(heard.body.encode()).hexdigest()
    listed = {one["id"]: one for one in json.loads(checkout.run("after", folder.name, "--json").out)["items"]}
    assert (listed["post:ticket"]["state"], listed["post:ticket"]["seen"]["rows"][0]["status"]) == ("PASS", 200)
    report = checkout.run("runs", folder.name).out
    assert f"| ticket | told https://localhost:{listener.port}/… (HTTP 200, 1 try) |" in report
    kept = next(one.data for one in events if one.name == "evidence_kept" and one.data["item"] == "pre:notify")
    assert (kept["state"], kept["rows"][0]["text_sha256"]) == ("PASS", told(events)["before"].text_hash)
    assert "cAnAry" not in report + done.out + done.err + (folder / "journal.jsonl").read_text()
    assert "cAnAry" not in (folder / "plan.json").read_text()

    back = checkout.run("rollback", "dev", "-y", "--reason", "it was wrong", "--accept-data-loss")
    assert back.status == 0, back.err
    until(lambda: "rolled_back" in told(journal(checkout, "revert")[1]))
    said = payload(checkout, "rolled_back")
    assert (said["operation"], said["rolls_back"]) == ("rollback", folder.name)
    run = journal(checkout, "revert")[0].name
    listed = {one["id"]: one for one in json.loads(checkout.run("after", run, "--json").out)["items"]}
    assert listed["emergency:notify"]["state"] == "PASS"


def test_what_fails_is_told_and_stops_nothing_but_a_deploy_whose_hook_is_required(checkout: Checkout) -> None:
    checkout.write("no", "#!/bin/sh\necho nobody is there\nexit 4\n").chmod(0o755)
    slow = 'backoff = "1ms"'
    accepted(
        checkout,
        f'before = {{ command = ["./no"], required = true, {slow} }}\nafter = {{ command = ["./no"], {slow} }}',
    )
    refused = checkout.run("deploy", "dev", "-y")
    assert (refused.status, "Notify stakeholders" in refused.err) == (3, True), refused.err
    assert "--override ITEM=REASON" in refused.err
    done = checkout.run("deploy", "dev", "-y", "--override", "pre:notify=told them by phone")
    assert done.status == 0, done.err
    folder, _ = journal(checkout)
    until(lambda: set(told(journal(checkout)[1])) == {"before", "after"})
    after = told(journal(checkout)[1])["after"]
    assert (after.ok, after.status, after.tries, after.output) == (False, 4, 3, "nobody is there\n")
    assert "| after | ./no was called and not told: exit status 4 (3 tries)" in checkout.run("runs", folder.name).out


def test_a_hook_that_hangs_holds_nobody_up_and_one_that_nobody_accepted_is_not_called(checkout: Checkout) -> None:
    checkout.write("hang", "#!/bin/sh\nexec sleep 600\n").chmod(0o755)
    accepted(checkout, 'after = { command = ["./hang"], timeout = "300ms", backoff = "1ms" }')
    text = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", text + 'before = { command = ["./tell"] }\n')
    listed = {one["id"]: one for one in json.loads(checkout.run("check", "dev", "--json").out)["items"]}
    notify = listed["pre:notify"]
    assert (notify["state"], "pgmig-tui accept dev" in notify["seen"]["summary"]) == ("UNKNOWN", True)
    done = checkout.run("deploy", "dev", "-y", "--attest", "pre:notify=mailed")
    assert done.status == 0, done.err
    assert "Nobody has answered yet by the hook after" in done.err
    assert not (checkout.root / "before.json").exists()
    assert told(journal(checkout)[1])["before"].called is False
    until(lambda: "after" in told(journal(checkout)[1]))
    assert told(journal(checkout)[1])["after"].problem == "it did not end within 0.3 s, and was ended"


def test_the_dry_view_shows_all_and_sends_nothing_without_being_told(checkout: Checkout) -> None:
    accepted(checkout, 'before = { command = ["./tell"] }\nticket = { webhook = "https://127.0.0.1:1/cAnAry" }')
    shown = checkout.run("hooks", "dev")
    assert shown.status == 0, shown.err
    assert "before  command ./tell  accepted" in shown.out
    assert '"event": "ticket"' in shown.out
    assert "https://127.0.0.1:1/…" in shown.out
    assert "cAnAry" not in shown.out
    assert not (checkout.root / "before.json").exists()
    sent = checkout.run("hooks", "dev", "--event", "before", "--send-test", "--json")
    assert sent.status == 0, sent.err
    assert json.loads(sent.out)["hooks"][0]["told"]["ok"] is True
    assert (payload(checkout, "before")["test"], payload(checkout, "before")["run"]) == (True, None)
    assert checkout.run("hooks", "dev", "--event", "after").status == 2
    (checkout.root / "tell").write_text(TELL + "# changed\n")
    assert checkout.run("hooks", "dev", "--event", "before", "--send-test").status == 1


def test_the_ticket_of_a_note_stands_wherever_the_change_does(checkout: Checkout) -> None:
    accepted(checkout, 'after = { command = ["./tell"] }', f'ticket = "^[A-Z]+-[0-9]+"\n{ENVIRONMENT}')
    plan = (checkout.root / "sqitch.plan").read_text()
    lines = [
        f"{one.partition(' #')[0]} # OPS-17 shop" if one.startswith(("schema ", "orders ")) else one
        for one in plan.splitlines()
    ]
    checkout.write("sqitch.plan", "\n".join(lines) + "\n")
    packet = json.loads(checkout.run("review", "dev", "--format", "json").out)
    assert [one["ticket"] for one in packet["changes"]] == ["OPS-17", "OPS-17", None]
    listed = {one["id"]: one for one in json.loads(checkout.run("check", "dev", "--json").out)["items"]}
    tickets = listed["pre:tickets"]
    assert (tickets["state"], tickets["blocks"]) == ("WARN", False)
    assert "the note of total names none" in tickets["seen"]["summary"]
    done = checkout.run("deploy", "dev", "-y")
    assert (done.status, ", OPS-17" in done.err) == (0, True), done.err
    folder, _ = journal(checkout)
    until(lambda: "after" in told(journal(checkout)[1]))
    assert payload(checkout, "after")["tickets"] == ["OPS-17"]
    assert "| orders @v1 (OPS-17) |" in checkout.run("runs", folder.name).out
    past = json.loads(checkout.run("history", "dev", "--json").out)["deeds"]
    assert {one["change"]: one["ticket"] for one in past} == {"schema": "OPS-17", "orders": "OPS-17", "total": ""}


def test_an_override_is_told_at_once_with_its_reason(checkout: Checkout) -> None:
    frozen = ENVIRONMENT + 'freeze = [{ from = 2020-01-01, to = 2099-01-01, why = "audit" }]\n'
    accepted(checkout, 'override = { command = ["./tell"] }', frozen)
    done = checkout.run("deploy", "dev", "-y", "--emergency", "the shop is down")
    assert done.status == 0, done.err
    until(lambda: "override" in told(journal(checkout)[1]))
    said = payload(checkout, "override")
    assert (said["emergency"], said["outcome"]) == ("the shop is down", None)
    assert [(one["item"], one["how"]) for one in said["overrides"]] == [("policy:freeze", "emergency")]
