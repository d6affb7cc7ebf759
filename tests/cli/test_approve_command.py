"""`review` and `approve`: the packet in its three forms, and approvals from the command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import Checkout, shop
from tests.database.places import Databases, role
from tests.servers import Server


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Databases) -> Checkout:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    name = database_on(pg18)
    pg18.execute("CREATE SCHEMA pgmig", name)
    made = shop(tmp_path, {"live": pg18.uri(name)})
    made.write(
        "pgmig.toml",
        f'[[environment]]\nname = "live"\ntarget = "live"\napprovals = {{ dba = ["{shown.split()[1]}"] }}\n',
    )
    return made


def test_a_packet_is_read_approved_and_deployed(checkout: Checkout, tmp_path: Path) -> None:
    packet = json.loads(checkout.run("review", "live", "--format", "json").out)
    assert packet["packet"] == packet["bound"]["packet"]
    assert packet["changes"][0]["script_sha256"]["deploy"] == packet["bound"]["changes"][0]["deploy"]
    assert (packet["lint"], packet["tests"]) == (None, None)
    assert json.loads(checkout.run("review", "live", "--json").out)["packet"] == packet["packet"], "it can be repeated"
    told = checkout.run("review", "live").out
    assert f"packet `{packet['packet']}`" in told
    assert "### Revert" in told
    page = tmp_path / "packet.html"
    assert checkout.run("review", "live", "--format", "html", "-o", str(page)).status == 0
    text = page.read_text()
    assert "<svg" in text
    assert not re.search(r"<script|https?://|src=", text), "it needs nothing else"

    key = str(tmp_path / "key")
    refused = checkout.run("approve", "live", "--role", "dba", "--ssh-key", key, "--yes")
    assert (refused.status, "approve live --create" in refused.err) == (3, True)
    assert checkout.run("approve", "live", "--create").status == 3, "nobody was asked"
    made = checkout.run("approve", "live", "--create", "--yes")
    assert (made.status, "CREATE TABLE" in made.err) == (0, True)
    assert "has its table" in checkout.run("approve", "live", "--create").out
    assert checkout.run("approve", "live", "--role", "dba", "--reject", "--ssh-key", key, "--yes").status == 2
    wrong = checkout.run("approve", "live", "--role", "dba", "--ssh-key", key, "--yes", "--packet", "abc")
    assert wrong.status == 3
    blocked = checkout.run("deploy", "live", "--yes")
    assert (blocked.status, "nobody has approved it" in blocked.err) == (3, True)
    by_key = ("approve", "live", "--role", "dba", "--ssh-key", key, "--yes")
    done = checkout.run(*by_key, "--packet", packet["packet"][:12])
    assert done.status == 0, done.err
    listed = json.loads(checkout.run("approve", "live", "--list", "--json").out)["approvals"]
    assert (listed["state"], listed["rows"][0]["void"]) == ("PASS", "")
    assert "PASS" in checkout.run("approve", "live", "--list").out
    items = {one["id"]: one for one in json.loads(checkout.run("check", "live", "--json").out)["items"]}
    assert items["policy:approvals"]["state"] == "PASS"
    deployed = checkout.run("deploy", "live", "--yes")
    assert (deployed.status, "makes the schema sqitch\n" in deployed.out + deployed.err) == (0, True), deployed.err
    assert checkout.run("approve", "live", "--list").out.startswith("N-A "), "what is deployed needs no approval"
    items = {one["id"]: one for one in json.loads(checkout.run("check", "live", "--json").out)["items"]}
    assert items["policy:approvals"]["state"] == "N-A"


def test_approve_wants_to_know_what(checkout: Checkout) -> None:
    assert checkout.run("approve", "live").status == 2
    assert checkout.run("approve", "live", "--role", "boss", "--yes").status == 2
    checkout.write("pgmig.toml", '[[environment]]\nname = "live"\ntarget = "live"\n')
    refused = checkout.run("approve", "live", "--list")
    assert (refused.status, "names nobody who could approve" in refused.err) == (2, True)


def test_an_approval_that_is_void_at_once_is_not_called_one(checkout: Checkout, tmp_path: Path) -> None:
    toml = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", toml.replace('"] }', '"], four_eyes = true }'))
    assert checkout.run("approve", "live", "--create", "--yes").status == 0
    done = checkout.run("approve", "live", "--role", "dba", "--ssh-key", str(tmp_path / "key"), "--yes")
    assert (done.status, "approved" in done.out) == (3, False), done.out
    assert "is void: its address maria@example.org is that of whoever runs this deploy" in done.err
    assert "It is recorded as number 1, and counts for nothing." in done.err


def test_an_approver_goes_on_approving_after_deploys_and_rollbacks(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    """As a role that may do no more than `--create` and the runs have let it."""
    with role(pg18) as login:
        made = shop(tmp_path, {"live": pg18.uri(database_on(pg18))})
        approvals = f'approvals = {{ dba = ["{login["user"]}"] }}'
        made.write("pgmig.toml", f'[[environment]]\nname = "live"\ntarget = "live"\n{approvals}\n')
        assert made.run("approve", "live", "--create", "--yes").status == 0
        steps = (
            (),
            ("deploy", "live", "--yes", "--to", "orders"),
            ("rollback", "live", "--yes", "--accept-data-loss"),
        )
        for step in steps:
            done = made.run(*(step or ("status", "live")))
            assert done.status == 0, f"{step}: {done.err}"
            if "rollback" in step:
                for name in ("schema", "orders"):
                    made.run("rollback", "live", f"--lift={name}=looked at", "--yes")
            approve = ("approve", "live", "--role", "dba", "--yes", "--db-user", login["user"])
            done = made.run(*approve, env={"PGPASSWORD": login["password"]})
            assert done.status == 0, f"after {step}: {done.err}"
