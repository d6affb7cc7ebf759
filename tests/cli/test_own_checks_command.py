"""`[[check]]` on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import Checkout
from tests.cli.test_lists_command import POLICY, checkout, listed

__all__ = ["checkout"]


def test_items_of_our_own_stand_in_their_lists_and_no_program_of_a_clone_runs_by_itself(
    checkout: Checkout, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    checkout.write("ops.sh", f"touch {ran}\n")
    own = (
        '[[check]]\nname = "empty"\nsql = "SELECT 1 WHERE false"\n'
        '[[check]]\nname = "built"\ncommand = ["sh", "ops.sh"]\n'
        '[[check]]\nname = "legal"\nlist = "post"\nasks = "who agreed?"\n'
    )
    checkout.write("pgmig.toml", POLICY + own)
    before = listed(checkout.run("check", "live", "--json"))
    assert (before["own:empty"]["state"], before["own:built"]["state"]) == ("PASS", "UNKNOWN")
    assert "pgmig-tui accept live" in before["own:built"]["seen"]["summary"]
    assert before["own:legal"]["missing"] == "it comes after the run: `pgmig-tui after RUN`"
    refused = checkout.run("accept", "live")
    assert (refused.status, "check built" in refused.out) == (3, True)
    told = refused.err.split("--sha256 ")[1].split()[0]
    assert checkout.run("accept", "live", "--sha256", "0" * 64).status == 3
    assert not ran.exists()
    assert checkout.run("accept", "live", "--sha256", told).status == 0
    assert listed(checkout.run("check", "live", "--json"))["own:built"]["state"] == "PASS"
    ran.unlink()
    checkout.write("ops.sh", f"touch {ran} {ran}2\n")
    assert listed(checkout.run("check", "live", "--json"))["own:built"]["state"] == "UNKNOWN"
    assert not ran.exists()
