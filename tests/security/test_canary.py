"""Passwords and secrets, from wherever they come, stand in no record and reach no program that a run starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.program import Checkout, Outcome, shop
from tests.database.places import until
from tests.gates.certified import certify, listening
from tests.servers import Server

URI, TOKEN = "cAnAry-uri-5d1", "cAnAry-token-5d6"
CANARIES = {
    "the target's URI": URI, "PGPASSWORD": "cAnAry-env-5d2", "SQITCH_PASSWORD": "cAnAry-sqitch-5d3",
    "the password file": "cAnAry-passfile-5d4", "the service": "cAnAry-service-5d5",
    "a webhook's variable": TOKEN, "a webhook's file": "cAnAry-file-5d7",
    "a webhook's address": "cAnAry-path-5d8",
}  # fmt: skip
DUMP = """\
#!/bin/sh
{ env; cat; for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < "$one" 2>/dev/null; echo; done; } > "seen-$1"
"""
"""What a program sees of us: its environment, its input, and what every process of this host was started with."""


def seen_by(listened: list[str], checkout: Checkout, outcomes: list[Outcome]) -> Iterator[tuple[str, str]]:
    """Each place that a secret could have come to, and what is there."""
    for one in outcomes:
        yield "the screen", one.out + one.err
    for path in checkout.root.glob("seen-*"):
        yield path.name, path.read_text(errors="replace")
    for path in (checkout.home / "state").rglob("*"):
        if path.is_file():
            yield f"{path.parent.name}/{path.name}", path.read_text(errors="replace")
    for text in listened:
        yield "what a webhook is told", text


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Callable[..., str]) -> Checkout:
    uri = pg18.uri(database_on(pg18))
    assert "postgres@" in uri
    uri = uri.replace("postgres@", f"postgres:{URI}@")
    return shop(tmp_path, {"dev": uri})


def test_no_secret_comes_anywhere(checkout: Checkout, tmp_path: Path, pg18: Server) -> None:
    authority = certify(tmp_path / "authority")
    checkout.write("dump", DUMP).chmod(0o755)
    (tmp_path / "passfile").write_text(f"*:*:*:*:{CANARIES['the password file']}\n")
    (tmp_path / "passfile").chmod(0o600)
    (tmp_path / "services").write_text(f"[canary]\npassword={CANARIES['the service']}\n")
    (tmp_path / "secret").write_text(CANARIES["a webhook's file"])
    given = {
        "PGPASSWORD": CANARIES["PGPASSWORD"], "SQITCH_PASSWORD": CANARIES["SQITCH_PASSWORD"],
        "PGPASSFILE": str(tmp_path / "passfile"), "PGSERVICEFILE": str(tmp_path / "services"), "PGSERVICE": "canary",
        "TOKEN": CANARIES["a webhook's variable"],
    }  # fmt: skip
    with listening(authority.parent) as there:
        there.echoes = True
        there.answers = (200, 500)
        path = CANARIES["a webhook's address"]
        checkout.write(
            "pgmig.toml",
            '[[environment]]\nname = "dev"\ntarget = "dev"\n[hooks]\nbefore = { command = ["./dump", "before"] }\n'
            f'after = {{ webhook = "{there.url(f"/{path}/{{secret}}")}", secret_env = "TOKEN",'
            f' ca_file = "{authority}", backoff = "1ms" }}\n'
            f'ticket = {{ webhook = "{there.url("/t")}", secret_file = "{tmp_path / "secret"}",'
            f' ca_file = "{authority}", backoff = "1ms" }}\n'
            '[[check]]\nname = "dump"\ncommand = ["./dump", "check"]\n',
        )
        outcomes: list[Outcome] = []

        def run(*words: str) -> Outcome:
            outcomes.append(checkout.run(*words, env=given))
            return outcomes[-1]

        refused = run("accept", "dev")
        for line in refused.err.splitlines():
            if "--sha256 " in line:
                assert run("accept", "dev", "--sha256", line.split("--sha256 ")[1].split()[0]).status == 0
        assert run("deploy", "dev", "-y").status == 0, outcomes[-1].err
        runs = checkout.home / "state/pgmig-tui/runs"
        (folder,) = (one for one in runs.iterdir() if (one / "journal.jsonl").exists())
        until(lambda: (folder / "journal.jsonl").read_text().count('"hook_told"') == 3)
        for words in (
            ("hooks", "dev", "--json"), ("check", "dev", "--json"), ("after", folder.name, "--json"),
            ("runs", folder.name), ("runs", folder.name, "--json"), ("history", "dev", "--json"),
            ("review", "dev", "--json"), ("status", "dev", "--json"),
        ):  # fmt: skip
            run(*words)
        listened = [one.body for one in there.heard]
        assert {one.path for one in there.heard} == {f"/{path}/{TOKEN}", "/t"}
    assert {path.name for path in checkout.root.glob("seen-*")} == {"seen-before", "seen-check"}
    assert "PGMIG_HOOK=before" in (checkout.root / "seen-before").read_text()
    assert json.loads(listened[0])["environment"] == "dev"
    places = [*seen_by(listened, checkout, outcomes), *tables(checkout, pg18)]
    assert len(places) > 20
    found = [(name, place) for place, text in places for name, canary in CANARIES.items() if canary in text]
    assert found == [], found


def tables(checkout: Checkout, server: Server) -> Iterator[tuple[str, str]]:
    """The rows of all tables that the program writes."""
    database = checkout_database(checkout)
    names = server.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'"
        " AND c.relnamespace::regnamespace::text IN ('sqitch', 'pgmig')",
        database,
    )
    assert len(names) > 5
    for (name,) in names:
        ((text,),) = server.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t", database)
        yield name, str(text)


def checkout_database(checkout: Checkout) -> str:
    return str(json.loads(checkout.run("hooks", "dev", "--json").out)["hooks"][0]["text"]["database"])
