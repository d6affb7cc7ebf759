"""Passwords and secrets, from wherever they come, stand in no record and reach no program that a run starts."""

from __future__ import annotations

import gc
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.cli import main
from pgmig_tui.ui.editor import _call as edit
from tests.cli.program import Checkout, Outcome, environment, shop
from tests.database.places import until
from tests.e2e.terminal import Terminal
from tests.gates.certified import Listener, certify, listening
from tests.servers import Server

URI, TOKEN = "cAnAry-uri-5d1", "cAnAry-token-5d6"
CANARIES = {
    "the target's URI": URI, "PGPASSWORD": "cAnAry-env-5d2", "SQITCH_PASSWORD": "cAnAry-sqitch-5d3",
    "the password file": "cAnAry-passfile-5d4", "the service": "cAnAry-service-5d5",
    "a webhook's variable": TOKEN, "a webhook's file": "cAnAry-file-5d7",
    "a webhook's address": "cAnAry-path-5d8",
}  # fmt: skip
ADDRESS = "a webhook's address"
SCRIPTED = {
    "a role": "cAnAry-role-5d9", "a mapping": "cAnAry-mapping-5da", "a subscription": "cAnAry-subscription-5db",
}  # fmt: skip
SCRIPT = f"""\
CREATE ROLE canary_of_tests;
ALTER ROLE canary_of_tests PASSWORD '{SCRIPTED["a role"]}';
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'x', password '{SCRIPTED["a mapping"]}');
CREATE SUBSCRIPTION canary CONNECTION 'host=nowhere password={SCRIPTED["a subscription"]}' PUBLICATION p
    WITH (connect = false, slot_name = NONE);
"""
DUMP = """\
#!/bin/sh
{ env; cat; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; } > "seen-$1"
"""
"""What a program sees of us: its environment, its input, and what every process of this host was started with."""
SCRIPT_S_OWN = re.compile(r"(statement|execute [^:]*): \s*(ALTER ROLE|CREATE USER MAPPING|CREATE SUBSCRIPTION) ")


def seen_by(listened: list[str], checkout: Checkout, outcomes: list[Outcome]) -> Iterator[tuple[str, str]]:
    """Each place that a secret could have come to, and what is there."""
    for number, one in enumerate(outcomes):
        yield f"what command {number} says", one.out + one.err
    for path in checkout.root.glob("seen-*"):
        text = path.read_text(errors="replace")
        # An editor is the operator's own, and has his environment, but for the passwords of databases.
        yield path.name, text.replace(f"TOKEN={TOKEN}", "") if path.name == "seen-editor" else text
    for path in (checkout.home / "state").rglob("*"):
        # The frozen script is the operator's own file, word for word, for his eyes alone.
        if path.is_file() and path.suffix != ".sql":
            yield f"{path.parent.name}/{path.name}", path.read_text(errors="replace")
    for text in listened:
        yield "what a webhook is told", text


NAMES: dict[Path, str] = {}
"""The database of each checkout."""


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Callable[..., str]) -> Checkout:
    NAMES[tmp_path / "project"] = database_on(pg18)
    uri = pg18.uri(NAMES[tmp_path / "project"])
    assert "postgres@" in uri
    uri = uri.replace("postgres@", f"postgres:{URI}@")
    return shop(tmp_path, {"dev": uri})


def configured(checkout: Checkout, there: Listener, authority: Path, secret: Path) -> None:
    path = CANARIES[ADDRESS]
    checkout.write(
        "pgmig.toml",
        '[[environment]]\nname = "dev"\ntarget = "dev"\n[hooks]\nbefore = { command = ["./dump", "before"] }\n'
        f'after = {{ webhook = "{there.url(f"/{path}/{{secret}}")}", secret_env = "TOKEN",'
        f' ca_file = "{authority}", backoff = "1ms" }}\n'
        f'ticket = {{ webhook = "{there.url("/t")}", secret_file = "{secret}",'
        f' ca_file = "{authority}", backoff = "1ms" }}\n'
        '[[check]]\nname = "dump"\ncommand = ["./dump", "check"]\n',
    )


@pytest.fixture
def given(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment that is full of secrets."""
    (tmp_path / "passfile").write_text(f"*:*:*:*:{CANARIES['the password file']}\n")
    (tmp_path / "passfile").chmod(0o600)
    (tmp_path / "services").write_text(f"[canary]\npassword={CANARIES['the service']}\n")
    (tmp_path / "secret").write_text(CANARIES["a webhook's file"])
    ours = environment(checkout.home)
    for name in set(os.environ) - set(ours):
        monkeypatch.delenv(name)
    more = {
        "PGPASSWORD": CANARIES["PGPASSWORD"], "SQITCH_PASSWORD": CANARIES["SQITCH_PASSWORD"],
        "PGPASSFILE": str(tmp_path / "passfile"), "PGSERVICEFILE": str(tmp_path / "services"), "PGSERVICE": "canary",
        "TOKEN": CANARIES["a webhook's variable"],
    }  # fmt: skip
    for name, value in (ours | more).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(checkout.root)
    yield
    gc.enable()  # short commands let it be


@pytest.mark.usefixtures("given")
def test_no_secret_comes_anywhere(
    checkout: Checkout, tmp_path: Path, pg18: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = certify(tmp_path / "authority")
    database = str(pg18.execute("SELECT current_database()", NAMES[checkout.root])[0][0])
    pg18.execute(f"ALTER DATABASE \"{database}\" SET log_statement = 'all'")
    begins = len(server_log(pg18))
    checkout.write("dump", DUMP).chmod(0o755)
    checkout.change("total", SCRIPT, verify=None)
    outcomes: list[Outcome] = []

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        status = main(words, lambda _: 9)
        said = capsys.readouterr()
        outcomes.append(Outcome(status, said.out, said.err))
        return outcomes[-1]

    with listening(authority.parent) as there:
        there.echoes = True
        there.answers = (200, 500)
        configured(checkout, there, authority, tmp_path / "secret")
        refused = run("accept", "dev")
        for line in refused.err.splitlines():
            if "--sha256 " in line:
                assert run("accept", "dev", "--sha256", line.split("--sha256 ")[1].split()[0]).status == 0
        assert "ALTER ROLE" in run("review", "dev", "--format", "html").out, "the packet has its scripts"
        assert run("deploy", "dev", "-y", "--accept-data-loss").status == 0, outcomes[-1].err
        runs = checkout.home / "state/pgmig-tui/runs"
        (folder,) = (one for one in runs.iterdir() if (one / "journal.jsonl").exists())
        until(lambda: (folder / "journal.jsonl").read_text().count('"hook_told"') == 3)
        for words in (
            ("hooks", "dev", "--json"), ("check", "dev", "--json"), ("after", folder.name, "--json"),
            ("runs", folder.name), ("runs", folder.name, "--json"), ("history", "dev", "--json"),
            ("review", "dev", "--json"), ("status", "dev", "--json"), ("impact", "total", "--json"),
            ("maintain", "dev"),
        ):  # fmt: skip
            run(*words)
        listened = [one.body for one in there.heard]
        assert {one.path for one in there.heard} == {f"/{CANARIES[ADDRESS]}/{TOKEN}", "/t"}
    assert edit(["./dump", "editor"]) == ""
    shown = list(screens(checkout))
    logged = server_log(pg18)[begins:]
    assert {path.name for path in checkout.root.glob("seen-*")} == {"seen-before", "seen-check", "seen-editor"}
    assert "PGMIG_HOOK=before" in (checkout.root / "seen-before").read_text()
    assert json.loads(listened[0])["environment"] == "dev"
    places = [*seen_by(listened, checkout, outcomes), *tables(pg18, database), ("our statements", ours(logged)), *shown]
    pg18.execute("DROP SUBSCRIPTION canary", database)
    pg18.execute(f'ALTER DATABASE "{database}" RESET log_statement')
    pg18.execute("DROP USER MAPPING FOR CURRENT_USER SERVER elsewhere; DROP ROLE canary_of_tests", database)
    assert len(places) > 20
    everywhere = {**CANARIES, **SCRIPTED}
    found = [(name, place) for place, text in places for name, canary in everywhere.items() if canary in text]
    assert found == [], found


def screens(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """What the program's screens show to whoever has all of that in his environment."""
    with Terminal(checkout.root, env=dict(os.environ), size=(160, 50)) as terminal:
        terminal.sees("dev")
        for key, there in (("enter", "[deploy]"), ("h", "1 run"), ("M", "Leftovers"), ("a", "APPROVALS"),
                           ("W", "WATCH"), ("R", "back to")):  # fmt: skip
            terminal.press(key).sees(there)
            yield f"the screen behind {key}", terminal.text
            terminal.press("escape").misses(there)


def server_log(server: Server) -> str:
    ((text,),) = server.execute("SELECT pg_read_file(current_setting('data_directory') || '/../log')")
    return str(text)


def ours(logged: str) -> str:
    """What the server has logged, but for a script's own statements: those are sent as they are."""
    entries = re.split(r"\n(?=\d{4}-\d\d-\d\d )", logged)
    scripts = [one for one in entries if SCRIPT_S_OWN.search(one)]
    assert len(scripts) >= len(SCRIPTED), "the server logs each statement"
    return "\n".join(one for one in entries if one not in scripts)


def tables(server: Server, database: str) -> Iterator[tuple[str, str]]:
    """The rows of all tables that the program writes."""
    names = server.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'"
        " AND c.relnamespace::regnamespace::text IN ('sqitch', 'pgmig')",
        database,
    )
    assert len(names) > 5
    for (name,) in names:
        ((text,),) = server.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t", database)
        yield name, str(text)
