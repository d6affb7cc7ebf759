"""How fast a server reads: measured without waiting, and said when it could not be."""

from __future__ import annotations

import time

from pgmig_tui.database.rates import read_rates
from pgmig_tui.impact.rates import DEFAULT_RATES, MB, rates_from
from tests.database.places import Databases, role, session
from tests.servers import Server


def test_reading_is_measured_by_any_role(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        rates = read_rates(connection)
        assert (rates.scan_source, rates.other_source) == ("measured", "scaled")
        assert 1 * MB < rates.scan[0] < rates.scan[1] < 1_000_000 * MB
        assert rates.rewrite[0] < rates.rewrite[1]
        assert "MB/s" in rates.how
        assert connection.one("SHOW jit") == ("on",)
        assert connection.one("SHOW statement_timeout") == ("0",)


def test_no_lock_is_waited_for(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with session(pg, name) as connection, session(pg, name) as holder:
        holder.execute("BEGIN; LOCK TABLE public.t")
        assert read_rates(connection).scan_source == "measured"
        holder.execute("LOCK TABLE pg_catalog.pg_attribute")
        started = time.monotonic()
        rates = read_rates(connection)
        assert time.monotonic() - started < 20
        holder.execute("ROLLBACK")
        assert rates.scan == DEFAULT_RATES.scan
        assert rates.scan_source == "default"
        assert "lock timeout" in rates.how


def test_a_faster_server_takes_less_and_a_slower_one_more() -> None:
    usual, fast, slow = (rates_from(speed * MB, None) for speed in (2000, 4000, 500))
    assert usual.slowness == DEFAULT_RATES.slowness
    assert (fast.slowness, slow.slowness) == (0.5, 4)
    assert slow.scan[1] < usual.scan[1] < fast.scan[1]
    assert slow.rewrite[0] < usual.rewrite[0] < fast.rewrite[0]
    assert usual.spread < DEFAULT_RATES.spread  # what was measured is told more narrowly
    disk = rates_from(1000 * MB, 90 * MB)
    assert disk.disk == 90 * MB
    assert "90 MB/s" in disk.how
    assert disk.to_json()["scan"] == {"low": disk.scan[0], "high": disk.scan[1], "source": "measured"}
    assert DEFAULT_RATES.to_json()["source"] == "default"
