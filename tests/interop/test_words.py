"""The same words mean the same: what both programs verify, revert and record for one command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.build import Builder, transaction
from tests.interop.programs import Program
from tests.interop.record import assert_same
from tests.servers import Server

pytestmark = pytest.mark.sqitch

Programs = tuple[Program, Program]


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    """a, b @v1, c, d @v2, e; d is broken: its verification fails."""
    project = Builder(tmp_path / "project", "words", uri="https://example.com/words/")
    for name in "abc":
        project.table(name)
        if name == "b":
            project.tag("v1")
    project.change("d", transaction("CREATE TABLE public.d ();"), transaction("DROP TABLE public.d;"), "SELECT 1/0;")
    project.tag("v2")
    project.table("e")
    return project


@pytest.fixture
def twins(pg18: Server, database_on: Callable[..., str]) -> tuple[str, str]:
    """Two databases with one history: (ours, sqitch's)."""
    return database_on(pg18), database_on(pg18)


def verified_by_sqitch(told: str) -> list[tuple[str, bool]]:
    """(change, whether it is fine), from lines as `  * b @v1 .. ok`."""
    found = []
    for line in re.findall(r"^  \* (\S+).*\.\. ?(.*(?:\n(?!  \*).*)*)", told, re.MULTILINE):
        name, rest = line
        found.append((name, "not ok" not in rest))
    return found


def verified_by_us(told: str) -> list[tuple[str, bool]]:
    """A change with two faults is told of twice: its place, and its script."""
    found: dict[str, bool] = {}
    for event in (json.loads(line) for line in told.splitlines() if line.startswith("{")):
        if event["event"] == "step_verified":
            found[event["change"]] = found.get(event["change"], True) and event["ok"]
    return list(found.items())


WORDS = [
    (),
    ("b",),
    ("b", "c"),
    ("@v1", "HEAD^"),
    ("@ROOT", "@v1"),
    ("--from", "b"),
    ("--from-change", "@v1", "--to-change", "c"),
    ("--to", "@HEAD^"),
    ("--to", "c", "b"),
    ("--from", "b", "c"),
    ("HEAD",),
    ("c~",),
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_verify_means_to_both_programs_the_same_changes(
    project: Builder, pg18: Server, database: str, programs: Programs, words: tuple[str, ...]
) -> None:
    ours, sqitch = programs
    uri = pg18.uri(database)
    ours.run(project.folder, "deploy", uri, "--to", "@v2", "--no-verify")
    theirs = sqitch.start(project.folder, "verify", uri, *words)
    expected, _ = theirs.communicate(timeout=60)
    mine = ours.start(project.folder, "verify", uri, *words, "--json-lines")
    found, _ = mine.communicate(timeout=60)
    assert verified_by_us(found) == verified_by_sqitch(expected) != []
    assert (mine.returncode == 0) == (theirs.returncode == 0)


def test_what_is_missing_between_is_a_fault(project: Builder, pg18: Server, database: str, programs: Programs) -> None:
    """A change that the plan has got in between, and one that it has lost."""
    ours, sqitch = programs
    uri = pg18.uri(database)
    ours.run(project.folder, "deploy", uri, "--to", "@v2", "--no-verify")
    pg18.execute("DELETE FROM sqitch.changes WHERE change = 'c'", database)
    for words in ((), ("a", "b"), ("b", "d"), ("--to", "d"), ("d",)):
        fine = words == ("a", "b")
        theirs = sqitch.run(project.folder, "verify", uri, *words, expect=0 if fine else 2)
        found = ours.run(project.folder, "verify", uri, *words, "--json-lines", expect=0 if fine else 1)
        assert verified_by_us(found) == verified_by_sqitch(theirs), (words, theirs)


@pytest.mark.parametrize(
    "words", [("nope",), ("e",), ("--to", "e"), ("c", "b"), ("a", "b", "c"), ("--to", "x", "a", "b")]
)
def test_a_range_that_is_none_is_refused(
    project: Builder, pg18: Server, database: str, programs: Programs, words: tuple[str, ...]
) -> None:
    ours, _ = programs
    uri = pg18.uri(database)
    ours.run(project.folder, "deploy", uri, "--to", "@v2", "--no-verify")
    assert verified_by_us(ours.run(project.folder, "verify", uri, *words, "--json-lines", expect=2)) == []


@pytest.mark.parametrize("edited", ["a", "c", "e", ""])
def test_revert_modified_keeps_the_same(
    project: Builder, pg18: Server, twins: tuple[str, str], programs: Programs, edited: str
) -> None:
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "deploy", pg18.uri(database), "--no-verify")
    if edited:
        script = project.folder / "deploy" / f"{edited}.sql"
        script.write_text(f"{script.read_text()}-- edited\n")
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "revert", pg18.uri(database), "--modified")
    assert_same(pg18, *twins)


@pytest.mark.parametrize("words", [("@v1",), ("--to-change", "c"), ("--change", "HEAD^^"), ("--to", "@ROOT")])
def test_revert_to_means_the_same(
    project: Builder, pg18: Server, twins: tuple[str, str], programs: Programs, words: tuple[str, ...]
) -> None:
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "deploy", pg18.uri(database), "--no-verify", "--to-change", "@v2")
        program.run(project.folder, "revert", pg18.uri(database), *words)
    assert_same(pg18, *twins)


def test_a_tag_that_is_added_later_is_recorded_by_the_next_deploy(
    project: Builder, pg18: Server, twins: tuple[str, str], programs: Programs
) -> None:
    ours, _ = programs
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "deploy", pg18.uri(database), "--no-verify")
    for tag in ("v3", "v3.1"):
        project.tag(tag, note="later")
        told = [
            program.run(project.folder, "deploy", pg18.uri(database), "--no-verify")
            for program, database in zip(programs, twins, strict=True)
        ]
        assert f"recorded the tag @{tag} of e" in told[0]
        assert_same(pg18, *twins)
    again = ours.run(project.folder, "deploy", pg18.uri(twins[0]))
    assert "nothing to deploy (up to date)" in again
    assert "record" not in again
    assert "already at" in ours.run(project.folder, "deploy", pg18.uri(twins[0]), "--to", "e")
    assert_same(pg18, *twins)
    # It is no deploy run that a rollback would take back.
    dry = ours.run(project.folder, "rollback", pg18.uri(twins[0]), "--dry-run", "--json")
    assert len(json.loads(dry[dry.index("{") :])["steps"]) == 5


def test_log_only_needs_no_scripts(project: Builder, pg18: Server, twins: tuple[str, str], programs: Programs) -> None:
    for kind in ("deploy", "revert", "verify"):
        for script in (project.folder / kind).iterdir():
            script.unlink()
    for program, database in zip(programs, twins, strict=True):
        uri = pg18.uri(database)
        program.run(project.folder, "deploy", uri, "--log-only")
        assert_same(pg18, database, database)
    assert_same(pg18, *twins)
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "revert", pg18.uri(database), "--log-only", "--to", "@v1")
    assert_same(pg18, *twins)


def test_parts_of_the_uri_are_replaced(
    project: Builder, pg18: Server, twins: tuple[str, str], programs: Programs
) -> None:
    ours, sqitch = programs
    for program, database in zip(programs, twins, strict=True):
        program.run(project.folder, "deploy", pg18.uri("nowhere"), "--no-verify", "-d", database, "--to", "b")
    assert_same(pg18, *twins)
    for words in (("-d", twins[0]), ("--db-name", twins[0], "--db-user", "postgres")):
        assert verified_by_us(ours.run(project.folder, "verify", pg18.uri("nowhere"), *words, "--json-lines")) == [
            ("a", True),
            ("b", True),
        ]
    for option, value in (("-h", "/nowhere"), ("-p", "1"), ("-u", "nobody")):
        ours.run(project.folder, "status", pg18.uri(twins[0]), option, value, expect=5)
        sqitch.run(project.folder, "status", pg18.uri(twins[0]), option, value, expect=2)
