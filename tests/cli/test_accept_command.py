"""`accept`: nothing of a checkout runs a program before somebody has said yes to that very text."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.program import shop

TOML = """
[[environment]]
name = "dev"
target = "dev"
backup = { kind = "command", command = ["./latest", "--of dev"] }
"""


def test_a_text_is_shown_and_accepted_by_its_hash(tmp_path: Path) -> None:
    checkout = shop(tmp_path, {"dev": "db:pg://nobody@localhost:1/none"})
    assert "runs no program for dev" in checkout.run("accept", "dev").out
    checkout.write("pgmig.toml", TOML)
    checkout.write("latest", "#!/bin/sh\n")
    first = checkout.run("accept", "dev")
    assert (first.status, "backup.command of dev  ./latest '--of dev'" in first.out) == (3, True)
    (told,) = re.findall(r"SHA-256 ([0-9a-f]{64})", first.out)
    assert f"accept dev --sha256 {told}" in first.err
    assert checkout.run("accept", "dev", "--sha256", "0" * 64).status == 3
    done = checkout.run("accept", "dev", "--sha256", told)
    assert (done.status, "accepted" in done.out) == (0, True)
    assert "accepted before" in checkout.run("accept", "dev").out
    checkout.write("latest", "#!/bin/sh\nrm -rf /\n")
    assert checkout.run("accept", "dev", "--sha256", told).status == 3, "the file is another by now"
