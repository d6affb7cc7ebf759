"""A server in numbers: what is there, what isn't, and what a plain role may not see."""

from __future__ import annotations

from collections.abc import Callable

from pgmig_tui.database.connect import connect
from pgmig_tui.database.numbers import read_numbers
from pgmig_tui.review.numbers import told
from tests.database.places import place, role, session
from tests.servers import Server


def test_it_counts_what_is_there_on_every_version(any_pg: Server, database_on: Callable[..., str]) -> None:
    database = database_on(any_pg)
    any_pg.execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS id", database)
    with session(any_pg, database) as looker, connect(place(any_pg, database), application_name="x") as other:
        other.execute("BEGIN; SELECT 1")
        found = read_numbers(looker)
        assert found.size_bytes is not None
        assert found.size_bytes > 1_000_000
        assert found.connections >= found.connections_here >= 2
        assert found.max_connections > found.connections
        assert found.longest_transaction_s is not None
        assert found.longest_transaction_s >= 0
        assert (found.waiters, found.replicas, found.hidden, found.standby) == (0, 0, 0, False)
        assert 0 < found.wraparound_percent < 50
        words = {one.name: one for one in told(found)}
        assert words["replicas"].told == "none is connected"
        assert words["waiting for locks"].told == "nobody"
        assert not any(one.unknown for one in words.values())


def test_a_plain_role_is_told_that_it_does_not_see_all(pg18: Server, database: str) -> None:
    with role(pg18) as plain, connect(place(pg18, database), application_name="hidden") as other:
        other.execute("BEGIN; SELECT 1")
        with session(pg18, database, **plain) as looker:
            found = read_numbers(looker)
    assert found.hidden >= 1
    longest = next(one for one in told(found) if one.name == "longest transaction")
    assert longest.unknown
    assert "none that this role may see" in longest.told
