"""Every command that writes to a server goes through one door, which says no for all of them alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pgmig_tui
from pgmig_tui import cli
from pgmig_tui.cli import COMMANDS
from pgmig_tui.database import identity
from pgmig_tui.database.connect import connect
from tests.cli.program import Checkout, shop
from tests.database.places import place
from tests.database.test_registry import make_old
from tests.faults.proxy import Proxy
from tests.servers import Server

WRITES: dict[str, tuple[str, ...]] = {
    "deploy": ("deploy {0}", "deploy {0} --log-only", "deploy {0} --dry-run"),
    "revert": ("revert {0} --to schema --accept-data-loss", "revert {0} --all --log-only"),
    "rollback": (
        "rollback {0} --accept-data-loss", "rollback {0} --all --save", "rollback {0} --lift total=it-is-mended",
    ),
    "undo": ("undo {run} --target {0}", "undo {run} --target {0} --overwrite --accept-data-loss"),
    "backfill": (
        "backfill {0} --table shop.orders --key id --statement UPDATE~shop.orders~SET~id=id~WHERE~:batch",
        "backfill {0} --table shop.orders --key id --statement DELETE~FROM~shop.orders~WHERE~:batch",
    ),
    "reconcile": ("reconcile {0}", "reconcile {0} --record", "reconcile {0} --leave --same-server"),
    "upgrade": ("upgrade {0}",),
    "rebase": ("rebase {0} --onto schema --accept-data-loss", "rebase {0} --log-only"),
    "rehearse": ("rehearse scratch --server {0}",),
}  # fmt: skip
"""How each command is said that changes something on a server; `~` stands for a space, `{run}` for a rollback."""
READS: dict[str, tuple[str, ...]] = {
    "status": ("status {0}",), "log": ("log {0}",), "check": ("check {0}",), "verify": ("verify {0}",),
    "impact": ("impact --target {0}",), "answer": ("answer {0} pre:notify=mailed",), "history": ("history {0}",),
    "locks": ("locks {0}",),
    "document": ("document {0} -o -",),
}  # fmt: skip
ELSEWHERE = {
    "demo", "plan", "show", "tag", "config", "engine", "target", "help", "runs", "report", "attach", "after",
    "init", "add", "new", "rework", "rename", "checkout", "bundle", "accept", "hooks", "roles",
    "approve", "completion", "audit", "drift", "compare", "maintain", "review", "watch", "serve", "lint", "test",
}  # fmt: skip
"""They ask no server that is named, but for `hooks`, the last ones and `attach`, which read, and the demonstration's
own; what `approve` writes is in test_approve_command.py. Their status says what they found, not whether
they could read."""


@pytest.fixture
def forwarded(pg18: Server) -> Iterator[Proxy]:
    made = Proxy(Path(pg18.parameters["host"]))
    yield made
    made.close()


def said(commands: dict[str, tuple[str, ...]], target: str, run: str) -> Iterator[list[str]]:
    for lines in commands.values():
        for text in lines:
            yield [word.format(target, run=run).replace("~", " ") for word in text.split()]


def contents(server: Server, database: str) -> list[tuple[object, ...]]:
    """All that the program writes on a server, and the scripts of the project."""
    tables = server.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r' AND"
        " c.relnamespace::regnamespace::text IN ('sqitch', 'pgmig', 'pgmig_keep', 'shop') ORDER BY 1",
        database,
    )
    found: list[tuple[object, ...]] = list(tables)
    for (name,) in tables:
        found += server.execute(
            f"SELECT '{name}', md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t", database
        )
    return found


def test_every_command_is_known_to_write_or_not() -> None:
    assert set(WRITES) | set(READS) | ELSEWHERE == set(COMMANDS)
    assert len(set(WRITES) | set(READS) | ELSEWHERE) == len(WRITES) + len(READS) + len(ELSEWHERE)


def test_nothing_writes_where_the_default_is_read_only_or_by_another_name_of_what_is_protected(
    tmp_path: Path, pg18: Server, database_on: Callable[..., str], forwarded: Proxy
) -> None:
    """What is made read-only answers those that read; what is protected asks for its own word at any address."""
    database, scratch = database_on(pg18), database_on(pg18)
    checkout = shop(tmp_path, {"dev": pg18.uri(database), "scratch": pg18.uri(scratch)})
    run = prepared(checkout, pg18, database)
    before = contents(pg18, database)
    assert {"pgmig.do_not_deploy", "pgmig_keep.kept", "sqitch.changes"} <= {row[0] for row in before}

    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nprotected = true\n')
    other = f"db:pg://{pg18.parameters.get('user', 'postgres')}@127.0.0.1:{forwarded.port}/{database}"
    unplanned = {"undo": WRITES["undo"], "upgrade": WRITES["upgrade"], "rollback": WRITES["rollback"][-1:]}
    for words in said(unplanned, other, run):
        done = checkout.run(*words, "--yes")
        assert (done.status, "dev is protected" in done.err) == (3, True), (words, done)

    beside = checkout.run("rehearse", "scratch", "--server", other.replace(database, "postgres"))
    assert (beside.status, "the server of dev, which is protected" in beside.err) == (3, True), beside

    (checkout.root / "pgmig.toml").unlink()
    pg18.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    for words in said(WRITES, pg18.uri(database), run):
        done = checkout.run(*words, *(() if words[0] == "rehearse" else ("--yes",)))
        assert (done.status, "is read-only for" in done.err) == (3, True), (words, done)
    for words in said(READS, "dev", run):
        done = checkout.run(*words)
        assert done.status == 0, (words, done)
    assert contents(pg18, database) == before


def prepared(checkout: Checkout, server: Server, database: str) -> str:
    """Everything is there that a command could write about: a mark, kept rows, an old registry, a run that was cut off.
    Returns the ID of the rollback that has kept them."""
    for words in ("deploy dev --to orders --yes", "deploy dev --yes"):
        assert checkout.run(*words.split()).status == 0
    server.execute("INSERT INTO shop.orders VALUES (1, 2)", database)
    done = checkout.run("rollback", "dev", "--yes", "--save", "--json-lines")
    assert done.status == 0, done.err
    run = str(json.loads(done.out.splitlines()[0])["run"])
    server.execute("ALTER TABLE shop.orders ADD COLUMN total int", database)
    make_old(server, database, "1.0")
    (journal,) = checkout.home.rglob(f"{run}/journal.jsonl")
    events = journal.read_text().splitlines(keepends=True)
    ended = next(number for number, event in enumerate(events) if json.loads(event)["event"] == "run_finished")
    journal.write_text("".join(events[:ended]))
    return run


def test_a_session_of_ours_is_let_write_at_the_door_alone() -> None:
    """The server itself refuses whoever forgets it: our own sessions begin read-only."""
    root = Path(pgmig_tui.__file__).parent
    switched_off = re.compile(r"default_transaction_read_only\W[^\n]*\boff\b|execute\(LET_WRITE")
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any("?options" not in line and switched_off.search(line) for line in path.read_text().splitlines())
    }
    # The door itself, servers of our own, and what a script may have left set in its own session.
    ours = {"sandbox/server.py", "rehearse/clone.py"}
    assert found == {"database/identity.py", "database/opening.py", "run/process/session.py", *ours}


def test_after_ctrl_c_only_who_did_not_come_through_the_door_has_changed_nothing(
    pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_changing", False)
    with connect(place(pg18, "postgres"), application_name="pgmig/x/y") as connection:
        identity.let_write(connection, scratch=True)
        assert cli._interrupted() == "Interrupted; nothing was changed."
        identity.let_write(connection)
        assert "isn't known" in cli._interrupted()
        assert connection.execute("SHOW synchronous_commit") == [("local",)], "nobody would be told what it waits for"
