"""What only a server of one's own can show: vacuums at work on a table, and a COMMIT that waits for a standby."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.run import client
from pgmig_tui.run.events import Event
from pgmig_tui.sandbox.server import SandboxServer, choose_installation
from tests.run.conftest import Workshop, wait_a_moment
from tests.servers import Server, server_of

SETTINGS = {"fsync": "off", "autovacuum_naptime": "1s", "max_connections": "40", "autovacuum_max_workers": "6"}
SLOWLY = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
ALTER = "BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n"


@pytest.fixture(scope="module")
def own(server_folder: Path) -> Iterator[Server]:
    installation = choose_installation()
    sandbox = SandboxServer(server_folder / "own-run", installation, settings=SETTINGS)
    try:
        sandbox.start()
        yield server_of(sandbox.conninfo("postgres"), installation.bin_dir)
    finally:
        sandbox.stop()


@pytest.fixture
def shop(own: Server, workshop_on: Callable[..., Workshop]) -> Workshop:
    return workshop_on(own)


def _until(workshop: Workshop, sql: str) -> None:
    deadline = time.monotonic() + 60
    while not workshop.query(sql):
        assert time.monotonic() < deadline, sql
        wait_a_moment()


def _vacuum_at_work(workshop: Workshop, more: str = "") -> None:
    """Wait until an autovacuum, which will take minutes, has the table."""
    _until(
        workshop,
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        f" AND query LIKE 'autovacuum: VACUUM%public.t%{more}%'",
    )


def test_an_ordinary_autovacuum_is_outlasted_once(shop: Workshop) -> None:
    shop.query("CREATE TABLE public.t (id int, x text) WITH (autovacuum_enabled = false)")
    shop.query("INSERT INTO public.t SELECT g, repeat('x', 300) FROM generate_series(1, 20000) g")
    shop.query("DELETE FROM public.t WHERE id % 2 = 0")
    shop.query(
        "ALTER TABLE public.t SET (autovacuum_enabled = true, autovacuum_vacuum_threshold = 1,"
        f" autovacuum_vacuum_scale_factor = 0, {SLOWLY})"
    )
    _vacuum_at_work(shop)
    shop.change("one", ALTER)
    done = shop.run()
    assert done.status == 0, done.events[-1].data
    (raised,) = done.named("lock_timeout_raised")
    assert raised["ms"] == 1300, "deadlock_timeout is 1 s"
    assert "autovacuum" in raised["why"]
    assert len(done.named("statement_retried")) <= 3
    assert any(one["wraparound"] is False for data in done.named("activity") for one in data["blockers"])


def test_a_vacuum_that_prevents_wraparound_stops_the_trying(shop: Workshop) -> None:
    shop.query(
        "CREATE TABLE public.t (id int, x text)"
        f" WITH (autovacuum_enabled = false, autovacuum_freeze_max_age = 100000, {SLOWLY})"
    )
    shop.query("INSERT INTO public.t SELECT g, repeat('x', 300) FROM generate_series(1, 20000) g")
    shop.query("CREATE TABLE public.burnt (id int)")
    shop.query(
        "DO $$ BEGIN FOR i IN 1..101000 LOOP BEGIN INSERT INTO public.burnt VALUES (1);"
        " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$"
    )
    _vacuum_at_work(shop, "to prevent wraparound")
    shop.change("one", ALTER)
    done = shop.run()
    assert done.status == 1
    assert done.named("lock_timeout_raised") == []
    assert len(done.named("statement_retried")) <= 1, "the second try knows, if the first was too short to see it"
    (failed,) = done.named("step_failed")
    assert "prevents transaction ID wraparound" in failed["message"]
    assert "isn't tried again" in failed["message"]


def test_a_cancel_while_commit_waits_for_a_standby_is_a_commit_with_a_warning(shop: Workshop) -> None:
    shop.change("one", "BEGIN;\nCREATE TABLE public.t ();\nSELECT pg_sleep(0.5);\nCOMMIT;\n")
    shop.change("two", "CREATE TABLE public.two ();\n")

    def standby(name: str) -> None:
        shop.query(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        shop.query("SELECT pg_reload_conf()")
        _until(shop, f"SELECT 1 WHERE current_setting('synchronous_standby_names') = '{name}'")

    def obey(handle: client.RunHandle, event: Event) -> None:
        if event.name == "statement_started" and "pg_sleep" in event.data["sql"]:
            standby("nobody")
        if event.name == "step_committing" and event.data["step"] == 1:
            _until(shop, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            handle.send("cancel")
        if event.name == "run_paused":
            standby("")
            handle.send("resume")

    try:
        done = shop.finish(shop.plan(), obey)
    finally:
        standby("")
    assert done.status == 0, done.events[-1].data
    assert shop.deployed() == ["one", "two"]
    assert any("is committed on this server" in data["message"] for data in done.named("warning"))
    assert len(done.named("run_paused")) == 1, "the next COMMIT would wait for the same standby"
