"""Safer SQL does all that the statement does: each advice of each rule is run on real servers, and what comes of it is
compared with what comes of the statement."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from pgmig_tui.database.catalog import gather
from pgmig_tui.impact import nodes
from pgmig_tui.impact.advice import RULES
from pgmig_tui.impact.facts import DatabaseFacts
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import Advice
from pgmig_tui.impact.safer import Unwritable, same, sql_of
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from pgmig_tui.script.statement import Statement
from tests.impact.locks import PlannedOnce
from tests.memory_files import MemoryFiles
from tests.servers import Server

CASES = Path(__file__).with_name("safer_cases.sql")
WITHOUT_SQL = {"attach-with-check", "split-transaction"}
"""Rules whose advice has to be put into SQL by whoever knows the bounds, or which change it belongs to."""


@dataclass
class Case:
    """Statements of one schema; `flags` say how they are to be compared."""

    title: str
    setup: str
    tests: tuple[str, ...]
    flags: frozenset[str]
    first_version: int
    given: list[tuple[str, list[Advice]]] = field(default_factory=list)

    @property
    def schema(self) -> str:
        return re.sub(r"\W+", "_", self.title.lower())


def statements(sql: str) -> tuple[Statement, ...]:
    found = preview("x.sql", sql.encode(), MemoryFiles({}), {}, Allow(), ServerFacts(180000)).statements
    assert all(one.problem is None for one in found), [one.text for one in found if one.problem]
    return tuple(one for one in found if one.kind != "EMPTY")


def cases() -> list[Case]:
    found = []
    for part in re.split(r"^-- case: ", CASES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        setup, _, test = rest.partition("-- test\n")
        flags = re.findall(r"^-- ([^\n]+)$", setup, re.MULTILINE)
        first = next((int(flag.removeprefix("from ")) for flag in flags if flag.startswith("from ")), 12)
        tests = tuple(one.text.strip().removesuffix(";") for one in statements(test))
        found.append(Case(title, setup, tests, frozenset(flags), first))
    return found


class Place:
    """One database, and what is in it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = server.create_database()
        self.connection = psycopg.connect(server.conninfo(self.name, options="-c timezone=UTC"), autocommit=True)
        self.ask = PlannedOnce(self.execute)

    def execute(self, sql: str, /) -> list[TupleRow]:
        """As database.connect.Connection: the last statement's rows."""
        cursor = self.connection.execute(sql.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def facts(self, *asked: Statement) -> DatabaseFacts:
        return gather(names_in(asked), self.ask, self)

    def enter(self, case: Case) -> None:
        self.execute(f'SET search_path = "{case.schema}"')

    def analyze(self, case: Case) -> None:
        """Its tables alone: with the system's it would take most of the time."""
        tables = self.execute(
            f"SELECT string_agg(format('%I.%I', nspname, relname), ', ') FROM pg_class c "
            f"JOIN pg_namespace n ON n.oid = relnamespace "
            f"WHERE nspname = '{case.schema}' AND relkind IN ('r', 'm', 'p')"
        )[0][0]
        if tables:
            self.execute(f"ANALYZE {tables}")

    def dump(self, *which: str) -> list[str]:
        """The schema as pg_dump writes it, by its options `which`."""
        command = [
            str(self.server.bin_dir / "pg_dump"),
            "-s",
            *which,
            "-d",
            self.server.conninfo(self.name),
        ]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line for line in text.splitlines() if line.strip() and not line.startswith(("--", "\\"))]

    def rows(self, schema: str, *, random: bool) -> dict[str, list[TupleRow]]:
        """The rows of all tables; of those that no two runs share, only whether there is a value."""
        names = self.execute(
            f"SELECT quote_ident(nspname) || '.' || quote_ident(relname), relkind::text FROM pg_class c "
            f"JOIN pg_namespace n ON n.oid = relnamespace "
            f"WHERE nspname = '{schema}' AND relkind IN ('r', 'm', 'p', 'S') ORDER BY 1"
        )
        value = "value IS NOT NULL" if random else "value"
        rows = "SELECT jsonb_object_agg(key, {})::text FROM {} t, jsonb_each_text(to_jsonb(t)) GROUP BY ctid ORDER BY 1"
        state = "SELECT last_value, is_called FROM {1}"
        return {name: self.execute((state if kind == "S" else rows).format(value, name)) for name, kind in names}

    def close(self) -> None:
        self.connection.close()
        self.server.drop_database(self.name)


def run_steps(place: Place, sql: str, rule: str, version: int) -> None:
    """Each step of safer SQL; none of them may be given the same advice."""
    before = False
    for step in statements(sql):
        if step.control is None and not before:
            facts = place.facts(step)
            impact = predict_script([step], facts, version).statements[0]
            assert rule not in [one.rule for one in impact.advice], f"{step.text} of {sql}"
            assert impact.problem is None, f"{step.text}: {impact.problem}"
        before = step.control == "begin" or (before and step.control != "commit")
        place.execute(step.text)


def advice_on(test: str, place: Place, *, live: bool) -> list[Advice]:
    """What is advised by the catalog, or from the text alone."""
    (one,) = statements(test)
    facts = place.facts(one) if live else None
    impact = predict_script([one], facts, place.server.version_num if live else 180000).statements[0]
    assert impact.problem is None, f"{test}: {impact.problem}"
    return list(impact.advice)


@pytest.fixture(scope="module", params=["15", "18", "15 from the text alone", "18 from the text alone"])
def ran(request: pytest.FixtureRequest) -> Iterator[tuple[Place, Place, list[Case]]]:
    """One database where the statements were run as they stand, one where the safer SQL was, and the cases."""
    version, *text_alone = request.param.split()
    server: Server = request.getfixturevalue(f"pg{version}")
    plain, safer = Place(server), Place(server)
    known = [case for case in cases() if case.first_version <= server.version_num // 10000]
    if text_alone:  # which can't know of what hinders it
        known = [case for case in known if not case.flags & {"none", "not in the text"}]
    for case in known:
        for place in (plain, safer):
            place.execute(f'CREATE SCHEMA "{case.schema}"; SET search_path = "{case.schema}"; {case.setup}')
            place.analyze(case)
        for test in case.tests:
            given = advice_on(test, plain, live=not text_alone)
            case.given.append((test, given))
            plain.execute(test)
            told = {advice.safer_sql: advice.rule for advice in given if advice.safer_sql}
            assert len(told) < 2, "several advices come to one SQL"
            if told:
                (sql, rule), *_ = told.items()
                try:
                    run_steps(safer, sql, rule, server.version_num)
                except psycopg.Error as error:
                    pytest.fail(f"{case.title}: {test}\n{sql}\n{error}")
            else:
                safer.execute(test)
    yield plain, safer, known
    plain.close()
    safer.close()


ANY_ORDER, LEAVES_CHECK = "columns in any order", "leaves a check"
_BOUNDS = re.compile(r" *CONSTRAINT .* CHECK \(\(\(.*IS NOT NULL\).*\)\)").fullmatch


def test_the_schema_is_the_same(ran: tuple[Place, Place, list[Case]]) -> None:
    plain, safer, known = ran
    apart = [case for case in known if case.flags & {ANY_ORDER, LEAVES_CHECK}]
    others = [option for case in apart for option in ("-N", f'"{case.schema}"')]
    assert safer.dump(*others) == plain.dump(*others)
    for case in apart:
        wanted, got = ([line.rstrip(",") for line in place.dump("-n", f'"{case.schema}"')] for place in (plain, safer))
        if ANY_ORDER in case.flags:
            assert sorted(got) == sorted(wanted)
        else:  # of the bounds, as the advice says
            assert got != wanted
            assert [line for line in got if not _BOUNDS(line)] == wanted


def test_the_rows_are_the_same(ran: tuple[Place, Place, list[Case]]) -> None:
    plain, safer, known = ran
    for case in known:
        random = "random" in case.flags
        assert safer.rows(case.schema, random=random) == plain.rows(case.schema, random=random), case.title


@pytest.mark.parametrize("ran", ["15", "18"], indirect=True)
def test_every_rule_is_among_them(ran: tuple[Place, Place, list[Case]]) -> None:
    place, _, known = ran
    with_sql = {advice.rule for case in known for _, given in case.given for advice in given if advice.safer_sql}
    before_14 = {"detach-concurrently", "drop-partition"} if place.server.version_num < 140000 else set()
    assert with_sql == set(RULES) - WITHOUT_SQL - before_14
    for case in known:
        for test, given in case.given:
            if "none" in case.flags:
                assert given, test
                assert not any(advice.safer_sql for advice in given), test
            else:
                assert given, test
                assert all(advice.safer_sql for advice in given), (test, given)


def test_what_is_written_is_read_as_the_same() -> None:
    """The corpus of the benchmark, statement by statement: the text that is made of a tree gives the same tree."""
    folder = Path(__file__).parents[2] / "benchmarks" / "corpus"
    texts = [one.text for path in folder.glob("*.sql") for one in statements_of(path)]
    lost = []
    for text in texts:
        for tree in nodes.parse(text):
            try:
                assert same(tree, nodes.parse(sql_of(tree))[0])
            except Unwritable:
                lost.append(text)
    assert len(texts) > 900
    assert lost == []


def statements_of(path: Path) -> list[Statement]:
    found = preview(path.name, path.read_bytes(), MemoryFiles({}), {}, Allow(), ServerFacts(180000)).statements
    return [one for one in found if one.problem is None and one.node is not None and not one.variables]
