"""What a backfill gives way to, on a server whose archive and standby are the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.database.backfill import read_pressure
from pgmig_tui.database.connect import connect
from pgmig_tui.run.backfill.plan import BackfillOptions
from pgmig_tui.run.backfill.planning import prepare_backfill
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.sandbox.server import SandboxServer
from tests.conftest import installed
from tests.installations import clients_of
from tests.run.conftest import Outcome, Workshop, wait_a_moment
from tests.run.standby import Standby
from tests.servers import Server, server_of

SETTINGS = {"fsync": "off", "max_connections": "40", "archive_mode": "on", "archive_command": "true"}
ROWS = 3000
SEGMENT = 16 << 20
FILL = "-- pgmig: backfill table=public.t key=id batch=200\nUPDATE public.t SET n = n + 1;\n"
PROGRESS = "SELECT batches FROM pgmig.backfill_progress"


@pytest.fixture(scope="module")
def own(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Server]:
    installation = installed(major_for(18))
    sandbox = SandboxServer(server_folder / "own-archive", installation, settings=SETTINGS)
    try:
        sandbox.start()
        yield server_of(sandbox.conninfo("postgres"), clients_of(installation))
    finally:
        sandbox.stop()


@pytest.fixture
def shop(own: Server, workshop_on: Callable[..., Workshop]) -> Iterator[Workshop]:
    workshop = workshop_on(own)
    workshop.change("fill", FILL)
    workshop.query("CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, pad text NOT NULL)")
    workshop.query(f"INSERT INTO public.t SELECT g, 0, repeat('x', 1000) FROM generate_series(1, {ROWS}) g")
    yield workshop
    archive(own, "true")


def archive(server: Server, command: str) -> None:
    """From now on WAL is archived by a program that does nothing, well (`true`) or badly (`false`)."""
    server.execute(f"ALTER SYSTEM SET archive_command = '{command}'")
    server.execute("SELECT pg_reload_conf()")


def until(workshop: Workshop, sql: str, meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + 60
    while not workshop.query(sql)[0][0]:
        assert time.monotonic() < deadline, sql
        meanwhile()
        wait_a_moment()


def carried_out(workshop: Workshop, follow: Callable[[client.RunHandle, Entry], None], **options: Any) -> Outcome:
    project, environment = workshop.project()
    wanted = BackfillOptions(change="fill", **options)
    plan, _ = prepare_backfill(project, environment, wanted, state_dir=workshop.state_dir)
    done = workshop.finish(plan, follow)
    assert done.status == 0, done.events[-1].data
    assert workshop.query("SELECT n, count(*) FROM public.t GROUP BY n") == [(1, ROWS)]
    return done


def held(event: Entry) -> bool:
    return event.name == "batch_throttled" and not event.data["over"]


def test_it_holds_while_the_archive_fails(shop: Workshop) -> None:
    def mended(handle: client.RunHandle, event: Entry) -> None:
        if held(event):
            archive(shop.server, "true")

    until(shop, "SELECT pg_switch_wal() IS NOT NULL AND last_archived_time IS NOT NULL FROM pg_stat_archiver")
    archive(shop.server, "false")
    failing = "SELECT last_failed_time > last_archived_time FROM pg_stat_archiver"
    shop.query("SELECT pg_logical_emit_message(true, 'test', 'without WAL there is no switch')")
    shop.query("SELECT pg_switch_wal()")
    until(shop, failing)
    with connect(shop.project()[1].target, application_name="a test") as connection:
        now = read_pressure(connection, shop.query("SELECT 'public.t'::regclass::oid::bigint")[0][0])
    assert now.archive_failing
    assert (now.backlog_bytes or 0) >= SEGMENT, "a segment is ready to be archived"
    throttled = carried_out(shop, mended).named("batch_throttled")
    assert throttled[0]["reason"] == "WAL can't be archived: the last try has failed"
    assert throttled[-1]["over"]


def test_it_holds_while_a_replica_is_seconds_behind(shop: Workshop) -> None:
    with Standby(shop.server) as standby:

        def follow(handle: client.RunHandle, event: Entry) -> None:
            if held(event):
                done = shop.query(PROGRESS)[0][0]
                until(shop, f"SELECT batches > {done} FROM pgmig.backfill_progress", standby.catch_up)
            elif event.name == "batch_done":
                standby.tell()

        done = carried_out(shop, follow, max_lag_s=0.2, max_rate=ROWS / 2)
    throttled = done.named("batch_throttled")
    assert " s behind (limit 0.2 s)" in throttled[0]["reason"]
    assert throttled[-1]["over"]
