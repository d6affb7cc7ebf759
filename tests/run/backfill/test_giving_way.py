"""What a backfill gives way to: replicas, vacuum, a queue behind it."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from tests.run.backfill.conftest import SLOW, TOML, counters, plan_of, table
from tests.run.conftest import Workshop, wait_a_moment
from tests.run.standby import Standby


def looks(workshop: Workshop, handle: client.RunHandle, number: int) -> None:
    """Wait until the run has looked `number` times more what to give way to."""
    seen: set[Any] = set()
    deadline = time.monotonic() + 20
    sql = f"SELECT query_start FROM pg_stat_activity WHERE application_name = 'pgmig/{handle.run_id}/control'"
    while len(seen) <= number:
        assert time.monotonic() < deadline, "it looks no more"
        seen.update(workshop.query(sql))
        wait_a_moment()


def test_it_holds_while_a_replica_is_behind(shop: Workshop) -> None:
    table(shop, 3000, ", pad text NOT NULL DEFAULT repeat('x', 1000)")
    limit = 1 << 20
    behind: list[int] = []

    with Standby(shop.server) as standby:

        def follow(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "batch_throttled" and not event.data["over"]:
                standby.tell()
                before = shop.query("SELECT batches FROM pgmig.backfill_progress")
                looks(shop, handle, 3)
                assert shop.query("SELECT batches FROM pgmig.backfill_progress") == before, "it goes on"
                sql = f"SELECT (pg_current_wal_lsn() - '0/0')::bigint - {standby.replayed}"
                behind.append(shop.query(sql)[0][0])
                standby.catch_up()

        done = shop.finish(plan_of(shop, max_lag_bytes=limit, batch=200), follow)
    assert done.status == 0, done.events[-1].data
    assert counters(shop) == [(1, 3000)]
    throttled = done.named("batch_throttled")
    assert throttled[0]["reason"].startswith("a replica is ")
    most = max(one["rows"] for one in done.named("batch_done"))
    assert behind
    assert max(behind) <= limit + most * 5000 + (2 << 20), "the limit and one batch, with its page images"
    assert throttled[-1]["over"]
    assert throttled[-1]["wait_ms"] > 0


def test_stop_is_heard_while_it_holds(shop18: Workshop) -> None:
    table(shop18, 2000, ", pad text NOT NULL DEFAULT repeat('x', 1000)")
    with Standby(shop18.server):

        def stop(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "batch_throttled":
                handle.send("stop")

        done = shop18.finish(plan_of(shop18, max_lag_bytes=1 << 18), stop)
    assert (done.status, done.events[-1].data["result"]) == (3, "stopped")


def test_a_role_that_may_not_see_replicas_is_told_so(shop18: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of a test")
    table(shop18, 10)
    role = f"{shop18.dbname}_plain"
    shop18.query(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'of a test'")
    try:
        shop18.query(f'GRANT CREATE ON DATABASE "{shop18.dbname}" TO "{role}"')
        shop18.query(f'ALTER TABLE public.t OWNER TO "{role}"')
        where = shop18.uri.replace("postgres@", f"{role}@")
        shop18.toml = TOML.replace("$URI", where)
        with Standby(shop18.server) as standby:
            standby.catch_up()
            plan = plan_of(shop18)
        assert any("the lag of 1 replica is UNKNOWN" in warning for warning in plan.warnings)
        done = shop18.finish(plan)
        assert done.status == 0, done.events[-1].data
    finally:
        shop18.query(f'DROP OWNED BY "{role}" CASCADE')
        shop18.query(f'DROP ROLE "{role}"')


def test_a_vacuum_of_the_table_slows_it_down(shop18: Workshop) -> None:
    table(shop18, 3000)
    shop18.query("DELETE FROM public.t WHERE id > 8000")
    other = shop18.connect()
    other.execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
    with other, ThreadPoolExecutor(1) as pool:
        vacuum: list[Future[Any]] = []

        def watch(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "batch_done" and event.data["batch"] == 1:
                vacuum.append(pool.submit(_swallow, other, "VACUUM public.t"))
            if event.name == "batch_throttled":
                other.cancel_safe()

        done = shop18.finish(plan_of(shop18, batch=50, aim_ms=5), watch)
        other.cancel_safe()
    assert done.status == 0, done.events[-1].data
    (told,) = done.named("batch_throttled")
    assert (told["reason"], told["slower"]) == ("the table is being vacuumed", True)
    assert vacuum


def _swallow(connection: psycopg.Connection[Any], sql: str) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.execute(sql.encode())


def test_a_batch_gives_way_to_a_queue_behind_it(shop18: Workshop) -> None:
    """A slow batch holds row locks; a session waits longer for one than the queue guard allows."""
    shop18.toml = TOML + 'queue_guard = { waiters = 10, oldest = "100ms" }\n'
    table(shop18, 64)
    # Only the first try is slow, and lasts as long as a loaded machine may need to look at it twice.
    shop18.query("CREATE SEQUENCE public.updates")
    shop18.query(SLOW.format(slow="pg_catalog.nextval('public.updates') <= 64", s="0.2"))
    shop18.query("CREATE TRIGGER slow BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.slow()")
    shop18.query("ALTER TABLE public.t DISABLE TRIGGER slow")
    plan = plan_of(shop18, batch=64)
    shop18.query("ALTER TABLE public.t ENABLE TRIGGER slow")
    other = shop18.connect()
    with other, ThreadPoolExecutor(1) as pool:

        def wait_behind(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "statement_started":
                pool.submit(_wait_for_row, shop18, other)

        done = shop18.finish(plan, wait_behind)
    assert done.status == 0, done.events[-1].data
    assert "queue guard" in done.named("batch_retried")[0]["why"]
    assert counters(shop18) == [(1, 64)]


def _wait_for_row(workshop: Workshop, other: psycopg.Connection[Any]) -> None:
    """Ask for the first row once the batch has it."""
    deadline = time.monotonic() + 20
    held = "SELECT count(*) FROM pg_locks WHERE relation = 'public.t'::regclass AND mode = 'RowExclusiveLock'"
    while time.monotonic() < deadline and workshop.query(held) == [(0,)]:
        wait_a_moment()
    other.execute("SELECT 1 FROM public.t WHERE id = 3 FOR UPDATE")
