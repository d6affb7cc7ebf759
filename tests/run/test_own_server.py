"""What only a server of one's own can show: vacuums at work on a table, and a COMMIT that waits for a standby."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.review.rollback import look
from pgmig_tui.run.backfill.plan import BackfillOptions
from pgmig_tui.run.backfill.planning import prepare_backfill
from pgmig_tui.run.clients import client
from pgmig_tui.run.clients.extent import extent_of_last
from pgmig_tui.run.clients.rollback import plan_rollback, stand
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.planning.marks import lift
from pgmig_tui.sandbox.server import SandboxServer
from tests.cli.program import environment
from tests.conftest import installed
from tests.database.test_registry import make_old
from tests.installations import clients_of
from tests.run.conftest import Workshop, wait_a_moment
from tests.servers import Server, server_of

SETTINGS = {"fsync": "off", "autovacuum_naptime": "1s", "max_connections": "40", "autovacuum_max_workers": "6"}
SLOWLY = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
ALTER = "BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n"


@pytest.fixture(scope="module")
def own(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Server]:
    installation = installed(major_for(18))
    sandbox = SandboxServer(server_folder / "own-run", installation, settings=SETTINGS)
    try:
        sandbox.start()
        yield server_of(sandbox.conninfo("postgres"), clients_of(installation))
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
    raised = done.named("lock_timeout_raised")
    assert {one["ms"] for one in raised} == {1300}, "deadlock_timeout is 1 s"
    assert all("autovacuum" in one["why"] for one in raised)
    workers = [one["why"].split("process ")[1].split(")")[0] for one in raised]
    assert len(workers) == len(set(workers)), "each once"
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


@pytest.fixture
def standby(shop: Workshop) -> Iterator[Callable[[str], None]]:
    """`standby(name)`: from now on a COMMIT waits for the standby of that name; for none with ""."""

    def await_one(name: str) -> None:
        shop.query(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        shop.query("SELECT pg_reload_conf()")
        _until(shop, f"SELECT 1 WHERE current_setting('synchronous_standby_names') = '{name}'")

    yield await_one
    await_one("")


WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def test_a_cancel_while_commit_waits_for_a_standby_is_a_commit_with_a_warning(
    shop: Workshop, standby: Callable[[str], None]
) -> None:
    shop.change("one", "BEGIN;\nCREATE TABLE public.t ();\nSELECT pg_sleep(0.5);\nCOMMIT;\n")
    shop.change("two", "CREATE TABLE public.two ();\n")

    def obey(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and "pg_sleep" in event.data["sql"]:
            standby("nobody")
        if event.name == "step_committing" and event.data["step"] == 1:
            _until(shop, WAITS)
            handle.send("cancel")
        if event.name == "run_paused":
            standby("")
            handle.send("resume")

    done = shop.finish(shop.plan(), obey)
    assert done.status == 0, done.events[-1].data
    assert shop.deployed() == ["one", "two"]
    assert any("is committed on this server" in data["message"] for data in done.named("warning"))
    assert len(done.named("run_paused")) == 1, "the next COMMIT would wait for the same standby"


SAYS = "waits for a synchronous standby to have it, and will until one has"
ENDED = "it is committed on this server; whether a synchronous standby has it isn't known"


def cancelled(shop: Workshop, told: list[str]) -> Callable[[str], None]:
    """Takes what is told, and cancels what waits for a standby once that has been said."""

    def tell(text: str) -> None:
        told.append(text)
        if SAYS in text:
            shop.query(f"SELECT pg_cancel_backend(pid) FROM ({WAITS}) AS w")

    return tell


def interrupted(shop: Workshop, *arguments: str) -> tuple[int | None, str]:
    """Exit status and words of the real program, after Ctrl-C once it has said what it waits for."""
    env = environment(shop.root, XDG_STATE_HOME=str(shop.state_dir.parent))
    command = [sys.executable, "-m", "pgmig_tui", *arguments]
    process = subprocess.Popen(
        command,
        cwd=shop.root,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = ""
    while SAYS not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=60)[0]
    return process.returncode, said


def test_what_comes_through_the_door_says_that_it_waits_for_a_standby(
    shop: Workshop, standby: Callable[[str], None]
) -> None:
    """`rollback --lift`, `undo` and `upgrade`: a cancel frees each of them, and none says that nothing was changed."""
    shop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\n'
    shop.state_dir = shop.state_dir / "pgmig-tui"
    shop.change(
        "base", "BEGIN; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); COMMIT;", "DROP TABLE t;"
    )
    assert shop.run().status == 0
    shop.change("more", "BEGIN; ALTER TABLE t ADD n int; COMMIT;", "BEGIN; ALTER TABLE t DROP COLUMN n; COMMIT;")
    assert shop.run().status == 0
    shop.query("UPDATE t SET n = 7")
    project, box = shop.project()
    extent = extent_of_last(stand(project, box, shop.state_dir))
    plan = plan_rollback(project, box, extent, state_dir=shop.state_dir)
    plan = look(project, box, extent, plan, state_dir=shop.state_dir, save=True).plan
    assert shop.finish(plan).status == 0

    standby("nobody")
    told: list[str] = []
    (mark,) = lift(project, box, "more", "it is well again", shop.state_dir, cancelled(shop, told))
    assert mark.change == "more"
    assert [SAYS in told[0], told[1:]] == [True, [ENDED]]

    standby("")
    assert shop.run().status == 0
    make_old(shop.server, shop.dbname, "1.0")
    standby("nobody")
    for arguments in (("undo", plan.run_id, "--target", "box", "--yes"), ("upgrade", "box")):
        status, said = interrupted(shop, *arguments)
        assert (status, ENDED in said, "nothing was changed" in said) == (0, True, False), said
    assert shop.query("SELECT id, n FROM t") == [(1, 7)]
    assert shop.query("SELECT max(version)::text FROM sqitch.releases") == [("1.1",)]


def test_a_batch_says_that_it_waits_for_a_standby(shop: Workshop, standby: Callable[[str], None]) -> None:
    """Each of them, and the ANALYZE at the end of a backfill."""
    shop.query("CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    shop.query("INSERT INTO public.t SELECT generate_series(1, 2)")
    shop.change("fill", "-- pgmig: backfill table=public.t key=id batch=1\nUPDATE public.t SET n = n + 1;\n")
    project, where = shop.project()
    plan, _ = prepare_backfill(project, where, BackfillOptions(change="fill", analyze=True), state_dir=shop.state_dir)

    def free(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "warning" and SAYS in event.data["message"]:
            shop.query(f"SELECT pg_cancel_backend(pid) FROM ({WAITS}) AS w")

    standby("nobody")
    done = shop.finish(plan, free)
    assert done.status == 0, done.events[-1].data
    assert shop.query("SELECT n, count(*) FROM public.t GROUP BY n") == [(1, 2)]
    assert [SAYS in one["message"] for one in done.named("warning")].count(True) == 3, done.named("warning")


def test_a_verification_says_that_its_commit_waits_for_a_standby(
    shop: Workshop, standby: Callable[[str], None]
) -> None:
    """`verify` holds no lock and has no session but that of the script."""
    script = "BEGIN;\nINSERT INTO public.seen VALUES (1);\nCOMMIT;\n"
    shop.change("one", "BEGIN;\nCREATE TABLE public.seen (id int);\nCOMMIT;\n", verify=script)
    assert shop.run(verify=False).status == 0

    def free(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "warning" and SAYS in event.data["message"]:
            shop.query(f"SELECT pg_cancel_backend(pid) FROM ({WAITS}) AS w")

    standby("nobody")
    done = shop.finish(shop.plan("verify"), free)
    assert done.status == 0, done.events[-1].data
    assert shop.query("SELECT id FROM public.seen") == [(1,)]
    assert [SAYS in one["message"] for one in done.named("warning")].count(True) == 1, done.named("warning")
