"""How an environment does, read of real servers: who waits, how much is done, and what may not be seen."""

from __future__ import annotations

from pgmig_tui.database.pulse import beat, read_pulse
from tests.database.places import Databases, role, session
from tests.database.test_activity import pile_up
from tests.servers import Server


def test_waiters_transactions_and_wal_are_what_the_server_has(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch:
        first = read_pulse(watch)
        assert (first.waiters, first.hidden, first.replicas) == (0, 0, 0)
        with pile_up(pg, name):
            now = read_pulse(watch)
        seen = beat(first, now)
        assert seen.waiters == 2.0
        assert seen.longest_s is not None
        assert seen.longest_s >= 0
        assert seen.wal_s is not None
        assert seen.transactions_s is not None
        assert (seen.lag_s, seen.replicas) == (None, 0)


def test_what_a_plain_role_may_not_see_is_unknown(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as watch, pile_up(pg, name):
        seen = beat(read_pulse(watch), read_pulse(watch))
    assert (seen.waiters, seen.longest_s) == (None, None)
    assert seen.hidden >= 3
    assert None not in (seen.wal_s, seen.transactions_s), "those are for everybody to see"
