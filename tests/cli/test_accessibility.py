"""What a screen shows can be read by a command, and what a command prints needs neither color nor a wide terminal."""

from __future__ import annotations

import inspect
import re
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.cli.parser import parse
from pgmig_tui.ui import destinations
from tests.cli.program import ROOT, Checkout, shop
from tests.cli.test_output import on_terminal
from tests.servers import Server

TABLE = (ROOT / "docs" / "accessibility.md").read_text()
WORDS = {
    "TARGET": "dev", "OTHER": "prod", "CHANGE": "orders", "RUN": "20240101-100000-0001", "ITEM": "check:blockers",
}  # fmt: skip
SCREENS = {
    "ToChange": "a change: its scripts", "ToReview": "review before a run", "ToRollback": "a rollback before it starts",
    "ToRun": "a run, alive or ended", "ToBackfillRun": "a data migration in batches",
    "ToRollbackRun": "a rollback that goes on", "ToFailed": "a step that has failed",
    "ToBlockers": "who is in a run's way", "ToAfter": "after a run", "ToIncident": "the record of an incident",
    "ToLocks": "who waits for whom", "ToForeign": "what another account does", "ToRuns": "runs", "ToHelp": "help",
    "ToWatch": "what a deploy has done since", "ToApprovals": "who has approved what is pending",
    "ToDrift": "how a schema differs from its plan", "ToMaintain": "the regular tasks",
    "ToEnvironment": "an environment: health", "ToCompare": "two environments side by side",
}  # fmt: skip


def rows() -> dict[str, list[str]]:
    found = re.findall(r"(?m)^\| ([^|]+) \| (.+) \|$", TABLE)
    return {screen: re.findall(r"`pgmig-tui ([^`]+)`", commands) for screen, commands in found if "`" in commands}


def test_every_screen_has_a_command() -> None:
    known = {name for name, kind in inspect.getmembers(destinations, inspect.isclass) if name.startswith("To")}
    assert known - set(SCREENS) == set(), "say in docs/accessibility.md by which command it can be read"
    for screen in ("home: environments and the matrix", *SCREENS.values()):
        assert rows()[screen], screen


def test_every_command_of_the_table_is_one() -> None:
    for commands in rows().values():
        for command in commands:
            parse([WORDS.get(word, word) for word in command.split()])


@pytest.fixture
def deployed(tmp_path: Path, pg18: Server, database: str) -> Checkout:
    made = shop(tmp_path, {"dev": pg18.uri(database)})
    assert made.run("deploy", "dev", "--to", "orders", "--yes").status == 0
    return made


COMMANDS = (
    "status", "impact --target dev", "check dev", "runs", "history dev", "rollback dev --dry-run", "deploy dev x",
)  # fmt: skip


def test_no_word_of_a_command_is_broken_where_it_has_room(deployed: Checkout) -> None:
    """Words by which a person reads; names are folded at their parts. What the pipe has whole, a terminal has whole."""
    broken = []
    for command in COMMANDS:
        whole = deployed.run(*command.split())
        known = {word for word in re.findall(r"[A-Za-z']+", whole.out + whole.err) if 3 <= len(word) <= 14}
        shown = on_terminal(deployed, *command.split(), columns=40, TERM="dumb")
        found = set(re.findall(r"[A-Za-z']+", shown))
        parts = {
            (one, two)
            for one, two in re.findall(r"([A-Za-z']+)[ ]*\r\n[ ]*([a-z']+)", shown)
            if f"{one}{two}" in known - found
        }
        broken += [(command, *pair) for pair in parts]
    assert broken == []


def words_of(shown: str) -> list[str]:
    """What is told, without how it looks and without numbers, which pass."""
    return re.findall(r"[^\W\d]+|[-+~!?>x]", re.sub(r"\x1b\[[0-9;]*[mK]", "", shown))


def test_nothing_is_told_by_color_alone(deployed: Checkout) -> None:
    for command in ("status", "check dev"):
        plain = on_terminal(deployed, *command.split(), columns=160, NO_COLOR="1")
        assert not re.search(r"\x1b\[(?:3|4|9)\d", plain)
        colored = on_terminal(deployed, *command.split(), columns=160)
        assert words_of(plain) == words_of(colored)


def test_locks_tells_who_waits_for_whom_in_words(deployed: Checkout, pg18: Server, database: str) -> None:
    assert "nobody waits for a lock on dev" in deployed.run("locks", "dev").out
    with (
        psycopg.connect(pg18.conninfo(database)) as holder,
        closing(psycopg.connect(pg18.conninfo(database))) as waiter,
    ):
        holder.execute("SELECT pg_advisory_lock(7)")
        waiter.pgconn.send_query(b"SELECT pg_advisory_lock(7)")
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid ="
        while not pg18.execute(f"{waiting} {waiter.info.backend_pid}"):
            pass
        told = deployed.run("locks", "dev").out
        assert f"waits for pid {holder.info.backend_pid}" in told
        assert "wants EXCLUSIVE (advisory) for " in told
