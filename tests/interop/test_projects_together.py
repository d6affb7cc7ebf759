"""Two projects in one database, and five hundred changes in one project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.build import Builder
from tests.interop.programs import Program
from tests.interop.projects import long
from tests.interop.record import assert_same, out_of_order
from tests.servers import Server

pytestmark = pytest.mark.sqitch


def test_changes_that_need_changes_of_another_project(
    pg18: Server, database_on: Callable[..., str], programs: tuple[Program, Program], tmp_path: Path
) -> None:
    ours, sqitch = programs
    base, app = _base(tmp_path / "base"), _app(tmp_path / "app")
    mixed, pure = database_on(pg18), database_on(pg18)

    def both(program: Program, folder: Path, command: str, *options: str, expect: int = 0) -> None:
        program.run(folder, command, pg18.uri(mixed), *options, expect=expect)
        sqitch.run(folder, command, pg18.uri(pure), *options, expect=expect)
        assert_same(pg18, mixed, pure)
        assert out_of_order(pg18, mixed) == []

    both(sqitch, base, "deploy", "--to", "people")
    # Here sqitch would leave the project registered; ours leaves nothing.
    assert "base:@r2" in ours.run(app, "deploy", pg18.uri(mixed), expect=2)
    both(ours, base, "deploy", "--verify")
    both(ours, app, "deploy", "--to", "orders", "--verify")
    both(sqitch, app, "deploy", "--verify")
    both(ours, base, "revert", "--to", "people", expect=2)  # the other project needs what would go
    for command in ("status", "verify", "log"):
        ours.run(app, command, pg18.uri(mixed))
        sqitch.run(base, command, pg18.uri(mixed))
    both(ours, app, "revert", "--to", "orders")
    both(sqitch, app, "revert", "--all")
    both(ours, base, "revert", "--all")


def _base(folder: Path) -> Path:
    project = Builder(folder, "base", uri="https://example.com/base/")
    project.table("people")
    project.tag("r1")
    project.table("places", needs=["people"])
    project.tag("r2")
    return folder


def _app(folder: Path) -> Path:
    """Requirements of every form: a change, a change as of a tag, a tag, an own change with the project's name."""
    project = Builder(folder, "app")
    project.table("orders", needs=["base:people", "base:@r2", "!base:never"])
    project.table("parcels", needs=["base:people@r2", "app:orders", "base:places"])
    project.tag("r1")
    project.table("bills", needs=["orders@r1", "@r1", "!legacy:bills"])
    return folder


def test_the_same_uri_in_another_project_is_refused(
    pg18: Server, database: str, programs: tuple[Program, Program], tmp_path: Path
) -> None:
    ours, sqitch = programs
    for name in ("one", "two"):
        Builder(tmp_path / name, name, uri="https://example.com/same/").table(name)
    sqitch.run(tmp_path / "one", "deploy", pg18.uri(database))
    for program in (sqitch, ours):
        told = program.run(tmp_path / "two", "deploy", pg18.uri(database), expect=2)
        assert "one" in told
    assert pg18.execute("SELECT to_regclass('public.two')", database) == [(None,)]


def test_five_hundred_changes_taken_in_turns_end_as_sqitch_alone(
    pg18: Server, database_on: Callable[..., str], programs: tuple[Program, Program], tmp_path: Path
) -> None:
    ours, sqitch = programs
    case = long(tmp_path / "project")
    mixed, pure = database_on(pg18), database_on(pg18)
    ours.run(case.folder, "deploy", pg18.uri(mixed), "--no-verify")
    sqitch.run(case.folder, "deploy", pg18.uri(pure), "--no-verify")
    assert_same(pg18, mixed, pure)
    assert out_of_order(pg18, mixed) == []
    for command in ("status", "check", "log"):
        sqitch.run(case.folder, command, pg18.uri(mixed))
    sqitch.run(case.folder, "revert", pg18.uri(mixed), "--to", "c0496")
    sqitch.run(case.folder, "revert", pg18.uri(pure), "--to", "c0496")
    ours.run(case.folder, "revert", pg18.uri(mixed), "--to", case.half, "--log-only")
    sqitch.run(case.folder, "revert", pg18.uri(pure), "--to", case.half, "--log-only")
    assert_same(pg18, mixed, pure)
    ours.run(case.folder, "deploy", pg18.uri(mixed), "--log-only", "--no-verify")
    sqitch.run(case.folder, "deploy", pg18.uri(pure), "--log-only", "--no-verify")
    assert_same(pg18, mixed, pure)
    assert out_of_order(pg18, mixed) == []
