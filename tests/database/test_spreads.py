"""The planner's statistics of the columns that a script compares, as they come from real servers."""

from __future__ import annotations

from pgmig_tui.database.catalog import read_facts
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.names import names_of_text
from tests.database.places import Databases, role, session
from tests.servers import Server

_SETUP = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE t (id int PRIMARY KEY, n numeric, state text, at timestamptz, m mood, other int);
INSERT INTO t SELECT g, g / 10.0, CASE WHEN g % 4 = 0 THEN 'open' WHEN g % 4 < 3 THEN 'closed' END,
    timestamptz '2024-01-01 00:00Z' + g * interval '1 hour', 'good', g FROM generate_series(1, 2000) g;
CREATE TABLE p (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
INSERT INTO p SELECT g, g % 2 FROM generate_series(1, 900) g;
ANALYZE;
"""
_SQL = "UPDATE t SET n = 1 WHERE state = 'x' AND at < '2024-02-01' AND n < 3 AND m = 'bad'; DELETE FROM p WHERE a = 1"


def test_columns_that_are_compared_bring_their_statistics(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute(_SETUP, name)
    with session(pg, name) as connection:
        facts = read_facts(connection, names_of_text(_SQL))
        spreads = facts.relations[Name("public", "t")].spreads
        assert set(spreads) == {"state", "at", "n", "m"}
        assert 0.2 < spreads["state"].common["open"] < 0.3 < spreads["state"].common["closed"] < 0.6
        assert 0.2 < spreads["state"].nulls < 0.3
        assert (len(spreads["at"].bounds) > 50, spreads["at"].bounds[0][:10]) == (True, "2024-01-01")
        assert float(spreads["n"].bounds[-1]) > 100
        assert spreads["m"].common == {}  # the output function of somebody's type is not run
        assert spreads["m"].distinct == 1
        assert facts.relations[Name("public", "p")].spreads["a"].distinct == 2
        assert read_facts(connection, names_of_text("DROP TABLE t")).relations[Name("public", "t")].spreads == {}


def test_a_role_that_may_not_read_a_table_learns_nothing_of_its_values(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute(_SETUP, name)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        assert read_facts(connection, names_of_text(_SQL)).relations[Name("public", "t")].spreads == {}
