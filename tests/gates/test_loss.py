"""What may lose data is told before it runs, whatever way it goes; and what loses nothing isn't called a loss.

Each case is run, too, in a transaction that is rolled back, so that its place in the table is a fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.database.connect import Connection, connect
from pgmig_tui.database.leftovers import Leftover
from pgmig_tui.database.undo import Kept
from pgmig_tui.gates.impacts import Reading, Source, inspect, losses_of
from pgmig_tui.gates.loss import Losses, of_expired, of_scripts, of_undo
from pgmig_tui.impact.facts import Name
from pgmig_tui.script.files import Allow, ProjectFiles
from tests.database.places import place
from tests.gates.loss_cases import HARMLESS, LOSES, Case
from tests.servers import Server

EXTENSIONS = ("uuid-ossp", "pgcrypto")
State = Mapping[tuple[Any, ...], Any]


class Tables:
    """The tables of loss_schema.sql on a server: what a script is told to lose there, and what it does lose."""

    def __init__(self, server: Server, name: str) -> None:
        self.major = server.version_num // 10000
        self.actor = psycopg.connect(server.conninfo(name, options="-c timezone=UTC"))
        self.extensions = {row[0] for row in self.actor.execute("SELECT extname FROM pg_extension")}
        self.actor.rollback()
        self.connection: Connection = connect(place(server, name), application_name="test")
        self.before = self.state()
        self.actor.rollback()
        self.how = Reading(ProjectFiles(Path("/nonexistent")), {}, Allow(), self.connection.identity().facts)

    def has(self, case: Case) -> bool:
        return self.major >= case.since and (not case.needs or case.needs in self.extensions)

    def told(self, case: Case) -> Losses:
        scripts = [Source("a", "earlier.sql", case.earlier.encode()), Source("b", "script.sql", case.sql.encode())]
        return of_scripts((one.impact.path, one.impact) for one in inspect(scripts, self.how, self.connection))

    def lost(self, case: Case) -> list[str]:
        """What isn't there any more after the script."""
        self.actor.execute("DEALLOCATE ALL; SELECT setval('app.num', 2), setval('app.counted_id_seq', 2)")
        try:
            self.actor.execute((case.earlier + case.sql).encode())
            after = self.state()
        finally:
            self.actor.rollback()
        return [str(key) for key, value in self.before.items() if not _kept(value, after.get(key))]

    def state(self) -> State:
        """Every value by its table, its row's first column and its number; sequences; large objects."""
        found: dict[tuple[Any, ...], Any] = {}
        tables = self.actor.execute(
            "SELECT c.oid, c.oid::regclass::text, array_agg(a.attnum ORDER BY a.attnum),"
            " array_agg(quote_ident(a.attname) || '::text' ORDER BY a.attnum) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
            " WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('app', 'other', 'public', 'shop')"
            " GROUP BY c.oid"
        ).fetchall()
        for oid, name, numbers, columns in tables:
            for row in self.actor.execute(f"SELECT {', '.join(columns)} FROM ONLY {name}".encode()):
                found |= {(oid, row[0], number): value for number, value in zip(numbers, row, strict=True) if value}
        for oid, name in self.actor.execute(
            "SELECT oid, oid::regclass::text FROM pg_class WHERE relkind = 'S'"
        ).fetchall():
            (last,) = self.actor.execute(f"SELECT last_value + is_called::int FROM {name}".encode()).fetchall()
            found["sequence", oid] = last[0]
        for oid, data in self.actor.execute("SELECT loid, data FROM pg_largeobject"):
            found["lo", oid] = data
        return found


def _kept(old: Any, new: Any) -> bool:
    """Whether a value is still what it was, maybe of a wider type; a sequence may have advanced."""
    if isinstance(old, int):
        return new is not None and new >= old
    if isinstance(old, bytes) or new is None:
        return bool(old == new)
    with suppress(InvalidOperation):
        return Decimal(old) == Decimal(new)
    return str(new).startswith(old)


@pytest.fixture(scope="module", params=[15, 18])
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    server: Server = request.getfixturevalue(f"pg{request.param}")
    name = server.create_database()
    server.execute("CREATE ROLE loss_owner")
    server.execute((Path(__file__).with_name("loss_schema.sql")).read_text(encoding="utf-8"), name)
    for extension in EXTENSIONS:
        with suppress(psycopg.Error):
            server.execute(f'CREATE EXTENSION "{extension}"', name)
    found = Tables(server, name)
    yield found
    found.connection.close()
    found.actor.close()
    server.drop_database(name)
    server.execute("DROP ROLE loss_owner")


@pytest.mark.parametrize("tables", [18], indirect=True)
def test_every_way_to_lose_data_is_told(tables: Tables) -> None:
    ways = [case for case in LOSES if tables.has(case)]
    untold = [case.earlier + case.sql for case in ways if not tables.told(case)]
    assert not untold, "\n".join(untold)


@pytest.mark.parametrize("tables", [18], indirect=True)
def test_what_loses_nothing_is_not_called_a_loss(tables: Tables) -> None:
    told = {
        case.earlier + case.sql: found.all for case in HARMLESS if tables.has(case) and (found := tables.told(case))
    }
    assert not told, "\n".join(f"{sql}\n    {', '.join(what)}" for sql, what in told.items())


def test_each_case_loses_on_a_real_server_what_the_table_says(tables: Tables) -> None:
    wrong = []
    for cases, loses in ((LOSES, True), (HARMLESS, False)):
        for case in cases:
            if not (case.plain and case.shows and case.needs in {"", *tables.extensions}):
                continue
            try:
                lost = tables.lost(case)
                right = bool(lost) == loses if tables.has(case) else not lost
                told = f"loses {', '.join(lost) or 'nothing'}"
            except psycopg.Error as error:
                right = not tables.has(case) and error.sqlstate in ("42601", "0A000")
                told = str(error)
            if not right:
                wrong.append(f"{case.earlier}{case.sql}\n    {told}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("tables", [18], indirect=True)
def test_a_statement_that_surely_fails_loses_nothing_and_one_that_may_not_fail_is_unknown(tables: Tables) -> None:
    """Told by the catalog as its losses are: a revert of what somebody has dropped by hand mustn't ask for a loss. But
    where something before it does what nobody knows, what it names may be there by then."""
    fails = (
        "DROP TABLE app.nowhere;", "DELETE FROM app.nowhere;", "ALTER TABLE app.item DROP COLUMN nowhere;",
        "TRUNCATE app.nowhere;", 'DROP INDEX "app"."nö index";', "UPDATE app.nowhere SET a = 1;",
        "DROP FUNCTION app.nowhere(int);", "DROP SCHEMA nowhere;", "DROP TYPE app.nowhere;", "DROP VIEW app.nowhere;",
    )  # fmt: skip
    hides = "DO $$ BEGIN EXECUTE current_setting('my.text'); END $$;"
    for sql in fails:
        assert tables.told(Case(sql)) == Losses(), sql
        assert tables.told(Case(f"{hides} {sql}")).unknown, sql
        assert tables.told(Case(sql, earlier=hides)).unknown, sql
    for sql in ("DROP TABLE app.nowhere;", "DELETE FROM app.nowhere;"):
        assert tables.told(Case(sql, earlier=hides)).known == ("all rows of app.nowhere",), sql
    assert tables.told(Case("DROP TABLE app.nowhere; DROP TABLE app.plain;")).known
    # What our own rules take for refused may be carried out after all.
    for sql in ("DROP VIEW app.plain;", "DELETE FROM app.item WHERE nowhere = 1;", "DROP INDEX app.plain;"):
        assert tables.told(Case(sql)), sql


def test_the_table_is_large_enough() -> None:
    assert len(LOSES) >= 60
    assert len(HARMLESS) >= 60


def test_what_a_condition_takes_may_be_nothing(tables: Tables) -> None:
    """Which rows there are nobody has asked; a whole table's are told as lost."""
    sure = ("DELETE FROM app.item;", "UPDATE app.item SET name = 'x';", "TRUNCATE app.plain;", "DROP TABLE app.plain;")
    unsure = (
        "DELETE FROM app.item WHERE id < 0;", "UPDATE app.item SET name = 'x' WHERE id < 0;",
        "DELETE FROM app.item USING app.log WHERE log.id = item.id;", "DELETE FROM app.item USING app.log;",
        "UPDATE app.item SET name = 'x' FROM app.log;",
        "WITH gone AS (DELETE FROM app.item WHERE id < 0 RETURNING 1) SELECT count(*) FROM gone;",
        "INSERT INTO app.item (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x';",
        "MERGE INTO app.item AS i USING app.log AS l ON l.id = i.id WHEN MATCHED THEN UPDATE SET name = 'x';",
        "MERGE INTO app.item AS i USING app.log AS l ON l.id = i.id WHEN MATCHED THEN DELETE;",
    )  # fmt: skip
    for sql in sure:
        found = tables.told(Case(sql))
        assert found.certain, (sql, found)
    for sql in unsure:
        found = tables.told(Case(sql))
        assert (found.certain, bool(found.doubtful)) == ((), True), (sql, found)
        assert all(told.startswith("MAY LOSE ") for told in found.told), found.told
        assert found.to_accept("revert", protected=False) == found, "it is asked for all the same"


def test_what_is_kept_of_a_rollback_is_lost_with_its_table_and_what_is_written_since_with_an_overwriting_undo() -> None:
    def kept(kind: str, rows: int, restored_at: str | None = None) -> Kept:
        columns = ("c",) if kind == "values" else ()
        table = "" if kind == "sequence" else "r1"
        return Kept(
            1,
            "run",
            1,
            "p",
            "change",
            "id",
            kind,
            Name("s", "t"),
            columns,
            ("id",),
            table,
            rows,
            "0",
            None,
            (),
            (),
            "1",
            "2026-01-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            True,
            restored_at,
        )

    there = (kept("values", 3), kept("sequence", 0))
    assert of_undo(there, overwrite=False) == Losses()
    found = of_undo(there, overwrite=True)
    assert found.told == ("MAY LOSE values of s.t that were written since",)
    assert (bool(found.to_accept("undo", protected=True)), bool(found.to_accept("undo", protected=False))) == (
        True,
        False,
    )
    assert of_expired((kept("table", 3),)).told == ("LOSES 3 rows of s.t that were kept and not brought back",)
    assert not of_expired((kept("table", 0), kept("sequence", 0), kept("table", 3, "2026-01-02T00:00:00Z")))


def test_what_is_printed_as_a_repair_is_asked_too(tables: Tables) -> None:
    facts, connection = tables.how.server, tables.connection
    day = Leftover("partition", 1, "app", "day1", '"app"."day"')
    for one in (Leftover("index", 1, "app", "item_name", None), Leftover("index", 1, "app", "i_ccnew", None), day):
        for sql in one.repair:
            assert losses_of(sql, facts, connection) == Losses(), sql
    assert "all rows of app.plain" in str(losses_of("DROP TABLE app.plain;", facts, connection).known)


def test_what_a_branch_loses_may_be_lost(tables: Tables) -> None:
    sure = tables.told(Case("DELETE FROM app.log;"))
    asked = tables.told(
        Case("DO $$ BEGIN IF (SELECT count(*) FROM app.log) > 5 THEN DELETE FROM app.log; END IF; END $$;")
    )
    psql = tables.told(Case("\\if :maybe\nDELETE FROM app.log;\n\\endif", plain=False))
    unread = tables.told(Case("DO LANGUAGE plperl $$ 1 $$;"))
    assert (sure.certain, sure.doubtful) == (("all rows of app.log",), ())
    assert (asked.certain, asked.doubtful) == ((), ("all rows of app.log",))
    assert (psql.certain, psql.doubtful) == ((), ("all rows of app.log",))
    assert (asked.known, asked.to_accept("revert", protected=False).known) == (asked.doubtful, asked.doubtful)
    assert unread.unknown == ("script.sql:1: this DO may lose data: what it does is known only when it runs",)
    assert [text for line in asked.lines() for text, _ in line] == ["  MAY LOSE ", "all rows of app.log"]
