"""pgmig-tui and the real sqitch deploy, verify and revert one database in turns: the registry, the schema and the rows
are those of a database that sqitch has alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.programs import ROOT, Program
from tests.interop.projects import GENERATED, Case
from tests.interop.record import assert_same, out_of_order
from tests.servers import Server

pytestmark = pytest.mark.sqitch


@dataclass(frozen=True, slots=True)
class Pair:
    """Two databases with one history: `mixed` is worked on by both programs, `pure` by sqitch alone."""

    server: Server
    mixed: str
    pure: str
    case: Case
    sqitch: Program

    def both(self, program: Program, command: str, *options: str) -> None:
        """The same command on both databases, on the mixed one by `program`; then compare all that they hold."""
        self.run(program, self.mixed, command, *options)
        self.run(self.sqitch, self.pure, command, *options)
        self.compare()

    def run(self, program: Program, database: str, command: str, *options: str) -> str:
        schema = self.case.registry
        more = () if schema == "sqitch" else ("--registry", schema)
        sets = self.case.options if command in ("deploy", "revert", "verify") else ()
        return program.run(self.case.folder, command, self.server.uri(database), *options, *sets, *more)

    def compare(self) -> None:
        schema = self.case.registry
        assert_same(self.server, self.mixed, self.pure, schema)
        assert out_of_order(self.server, self.mixed, schema) == []

    def understood_by(self, program: Program) -> None:
        """What reads, reads the mixed database without complaint."""
        for command in ("status", "verify", "log", *(["check"] if program is self.sqitch else [])):
            self.run(program, self.mixed, command)


@pytest.fixture
def pair(
    request: pytest.FixtureRequest,
    pg18: Server,
    database_on: Callable[..., str],
    programs: tuple[Program, Program],
    tmp_path: Path,
) -> Pair:
    case = GENERATED[request.param](tmp_path / "project")
    return Pair(pg18, database_on(pg18), database_on(pg18), case, programs[1])


@pytest.mark.parametrize("pair", GENERATED, indirect=True)
def test_taking_turns_on_a_generated_project_ends_as_sqitch_alone(
    pair: Pair, programs: tuple[Program, Program]
) -> None:
    _take_turns(pair, *programs)


def test_taking_turns_on_the_sample_project_ends_as_sqitch_alone(
    pg18: Server, database_on: Callable[..., str], programs: tuple[Program, Program]
) -> None:
    pair = Pair(pg18, database_on(pg18), database_on(pg18), Case(ROOT, half="@v1.0"), programs[1])
    _take_turns(pair, *programs)


def _take_turns(pair: Pair, ours: Program, sqitch: Program) -> None:
    half = pair.case.half
    pair.both(ours, "deploy", "--to", half, "--verify")
    pair.both(sqitch, "deploy", "--verify")
    pair.understood_by(ours)
    pair.both(ours, "revert", "--to", half)
    pair.understood_by(sqitch)
    pair.both(sqitch, "revert", "--all")
    pair.both(ours, "deploy", "--no-verify")
    pair.both(ours, "revert", "--all")
