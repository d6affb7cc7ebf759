"""Data migrations in batches: every row once, whatever is killed, and what they give way to."""

from __future__ import annotations

import contextlib
import random
import select
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.errors import ProjectError, Refused
from pgmig_tui.run import client
from pgmig_tui.run.batch_plan import BackfillOptions
from pgmig_tui.run.batch_planning import prepare_backfill
from pgmig_tui.run.events import Event
from pgmig_tui.run.plan import RunPlan
from tests.run.conftest import Outcome, Workshop, wait_a_moment
from tests.run.standby import Standby
from tests.run.test_steer import another_steers

DECLARED = """\
BEGIN;
-- pgmig: backfill table=public.t key=id batch=200 left="n = 0"
UPDATE public.t SET n = n + 1;
COMMIT;
"""
TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\n'


def plan_of(workshop: Workshop, change: str | None = "fill", **options: Any) -> RunPlan:
    project, environment = workshop.project()
    wanted = BackfillOptions(change=change, **options)
    plan, spec = prepare_backfill(project, environment, wanted, state_dir=workshop.state_dir)
    assert spec is not None, plan.warnings
    return plan


def table(workshop: Workshop, rows: int = 2000, more: str = "") -> None:
    workshop.query(f"CREATE TABLE public.t (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0 {more})")
    workshop.query(f"INSERT INTO public.t (id) SELECT 3 * i FROM generate_series(1, {rows}) i")


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.change("fill", DECLARED)
    return workshop


@pytest.fixture
def shop18(workshop18: Workshop) -> Workshop:
    workshop18.change("fill", DECLARED)
    return workshop18


def counters(workshop: Workshop) -> list[tuple[int, int]]:
    return workshop.query("SELECT n, count(*) FROM public.t GROUP BY n ORDER BY n")  # type: ignore[return-value]


def test_every_row_is_changed_once_in_batches(shop: Workshop) -> None:
    table(shop)
    done = shop.finish(plan_of(shop, analyze=True))
    assert done.status == 0, done.events[-1].data
    batches = done.named("batch_done")
    assert batches[0]["rows"] == batches[0]["size"] == 200
    assert sum(one["rows"] for one in batches) == batches[-1]["total"] == 2000
    assert batches[-1]["last_key"] == ["6000"]
    (end,) = done.named("backfill_done")
    assert (end["rows"], end["left"], end["analyzed"]) == (2000, 0, True)
    assert counters(shop) == [(1, 2000)]
    row = shop.query("SELECT rows_changed, rows_seen, finished_at IS NOT NULL, last_key FROM pgmig.backfill_progress")
    assert row == [(2000, 2000, True, '["6000"]')]
    assert shop.query("SELECT to_regclass('sqitch.changes') IS NULL") == [(True,)], "it is no deploy"


def test_it_is_not_done_twice_unless_that_is_meant(shop18: Workshop) -> None:
    table(shop18, 100)
    first = shop18.finish(plan_of(shop18))
    with pytest.raises(Refused, match=f"carried out already by {first.plan.run_id}: 100 rows"):
        plan_of(shop18)
    assert shop18.finish(plan_of(shop18, from_start=True)).status == 0
    assert counters(shop18) == [(2, 100)]


# -- killed at random ----------------------------------------------------------------------------------------------

ROWS, KILLS = 400_000, 5


def _killed(plan: RunPlan, at_row: int, later_s: float) -> bool:
    """Start the run and SIGKILL its process `later_s` after it told of `at_row` rows; False when it ended before."""
    process = client.warm(Path(plan.root))
    handle = client.start(plan, process=process)
    total = 0
    while handle.alive():
        totals = [event.data["total"] for event in handle.poll() if event.name == "batch_done"]
        total = totals[-1] if totals else total
        if total >= at_row:
            select.select([], [], [], later_s)
            process.kill()
            process.wait()
            return not handle.poll() or not handle.finished
        wait_a_moment()
    return False


def test_killed_at_random_and_resumed_every_row_is_changed_exactly_once(workshop: Workshop) -> None:
    chance = random.Random(20261122)
    workshop.change("fill", DECLARED.replace("batch=200", "batch=2000"))
    workshop.query("CREATE TABLE public.t (id bigint, n int NOT NULL DEFAULT 0) WITH (autovacuum_enabled = off)")
    workshop.query(f"INSERT INTO public.t (id) SELECT 3 * i FROM generate_series(1, {ROWS}) i")
    workshop.query("ALTER TABLE public.t ADD PRIMARY KEY (id)")
    plan = plan_of(workshop)
    for at_row in sorted(chance.randrange(ROWS // 20, ROWS * 9 // 10) for _ in range(KILLS)):
        assert _killed(plan, at_row, chance.uniform(0, 0.25)), "it was to be killed before its end"
        with pytest.raises(Refused, match=f"--resume {plan.run_id}"):
            plan_of(workshop)
        plan = plan_of(workshop, None, resume=plan.run_id)
    done = workshop.finish(plan)
    assert done.status == 0, done.events[-1].data
    assert counters(workshop) == [(1, ROWS)]
    assert done.named("backfill_done")[0]["rows"] == ROWS
    assert workshop.query("SELECT rows_changed, rows_seen FROM pgmig.backfill_progress") == [(ROWS, ROWS)]


# -- other keys, other statements ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "key", "values"),
    [
        ("a int, b text", "a,b", "i / 10, 'k' || (i % 10) || e'\\'\\\\\"'"),
        ("a timestamptz", "a", "'2024-01-01 00:00:00.123456+02'::timestamptz + i * interval '1 second'"),
        ("a uuid", "a", "md5(i::text)::uuid"),
        ("a numeric, b date", "b,a", "i / 7.0, date '2024-01-01' + i % 5"),
        ("a text COLLATE \"C\"", "a", "'ø' || i"),
        ("a double precision", "a", "i / 3.0::float8"),
        ("\"A b\" bytea", '"A b"', "decode(lpad(to_hex(i), 8, '0'), 'hex')"),
    ],
)  # fmt: skip
def test_keys_of_all_kinds(shop18: Workshop, columns: str, key: str, values: str) -> None:
    shop18.query(f"CREATE TABLE public.t ({columns}, n int NOT NULL DEFAULT 0, PRIMARY KEY ({key}))")
    shop18.query(f"INSERT INTO public.t SELECT {values} FROM generate_series(1, 500) i")
    shop18.query(f"ALTER DATABASE \"{shop18.dbname}\" SET datestyle TO 'German'")
    sql = "UPDATE public.t AS x SET n = x.n + 1"
    plan = plan_of(shop18, None, statement=sql, table="public.t", key=tuple(key.split(",")), batch=70)
    done = shop18.finish(plan)
    assert done.status == 0, done.events[-1].data
    assert counters(shop18) == [(1, 500)]
    assert len(done.named("batch_done")) > 2


def test_rows_are_moved_by_insert_and_delete(shop18: Workshop) -> None:
    table(shop18, 500)
    shop18.query("CREATE TABLE public.moved (id bigint)")
    sql = """WITH gone AS (DELETE FROM public.t WHERE id % 2 = 0 /* pgmig: range */ RETURNING id)
             INSERT INTO public.moved SELECT id FROM gone"""
    done = shop18.finish(plan_of(shop18, None, statement=sql, table="public.t", key=("id",), batch=100))
    assert done.status == 0, done.events[-1].data
    assert shop18.query("SELECT count(*), count(DISTINCT id) FROM public.moved") == [(250, 250)]
    assert counters(shop18) == [(0, 250)]
    sql = "INSERT INTO public.moved SELECT t.id FROM public.t WHERE true /* pgmig: range */"
    done = shop18.finish(plan_of(shop18, None, statement=sql, table="public.t", key=("id",), batch=100))
    assert done.named("backfill_done")[0]["rows"] == 250
    assert shop18.query("SELECT count(*), count(DISTINCT id) FROM public.moved") == [(500, 500)]


def test_a_key_of_many_equal_rows_takes_them_together(shop18: Workshop) -> None:
    shop18.query("CREATE TABLE public.t (day int NOT NULL, n int NOT NULL DEFAULT 0)")
    shop18.query("INSERT INTO public.t SELECT i % 4 FROM generate_series(1, 400) i")
    shop18.query("CREATE INDEX ON public.t (day)")
    sql = "UPDATE public.t SET n = n + 1"
    plan = plan_of(shop18, None, statement=sql, table="public.t", key=("day",), batch=150)
    assert any("isn't unique" in warning for warning in plan.warnings)
    assert shop18.finish(plan).status == 0
    assert counters(shop18) == [(1, 400)]


def test_settings_of_the_script_hold_and_the_checkpoint_is_ours_all_the_same(workshop18: Workshop) -> None:
    role = f"{workshop18.dbname}_owner"
    workshop18.query(f'CREATE ROLE "{role}"')
    try:
        workshop18.query(f'CREATE SCHEMA app AUTHORIZATION "{role}"')
        workshop18.query("CREATE TABLE app.t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, who text)")
        workshop18.query(f'ALTER TABLE app.t OWNER TO "{role}"')
        workshop18.query("INSERT INTO app.t (id) SELECT generate_series(1, 300)")
        workshop18.change(
            "fill",
            f'SET ROLE "{role}";\nSET search_path = app;\n-- pgmig: backfill table=t key=id batch=100\n'
            "UPDATE t SET n = n + 1, who = current_user;\n",
        )
        done = workshop18.finish(plan_of(workshop18))
        assert done.status == 0, done.events[-1].data
        assert workshop18.query("SELECT DISTINCT n, who FROM app.t") == [(1, role)]
    finally:
        workshop18.query("DROP SCHEMA app CASCADE")
        workshop18.query(f'DROP OWNED BY "{role}"')
        workshop18.query(f'DROP ROLE "{role}"')


@pytest.mark.parametrize(
    ("sql", "key", "why"),
    [
        ("UPDATE public.t SET n = 1", "maybe", "may be NULL"),
        ("UPDATE public.t SET n = 1", "other", "no index of public.t begins with other"),
        ("UPDATE public.t SET n = 1", "none", "has no column none"),
        ("UPDATE public.t SET nothing = 1", "id", "the server refuses the statement: column"),
        ("UPDATE public.u SET n = 1", "id", "there is no table public.u"),
        ("UPDATE public.v SET n = 1", "id", "public.v is not a table"),
    ],
)
def test_what_can_not_work_is_refused_before_anything_runs(shop18: Workshop, sql: str, key: str, why: str) -> None:
    table(shop18, 10, ", maybe int UNIQUE, other int NOT NULL DEFAULT 1")
    shop18.query("CREATE VIEW public.v AS SELECT * FROM public.t")
    with pytest.raises(ProjectError) as error:
        plan_of(shop18, None, statement=sql, table=sql.split()[1], key=(key,))
    assert why in error.value.what
    assert not list((shop18.state_dir / "runs").iterdir())


def test_an_empty_table_is_nothing_to_do(shop18: Workshop) -> None:
    table(shop18, 0)
    project, environment = shop18.project()
    plan, spec = prepare_backfill(project, environment, BackfillOptions("fill"), state_dir=shop18.state_dir)
    assert spec is None
    assert plan.warnings == ("public.t has no rows: nothing to do",)


# -- lost batches --------------------------------------------------------------------------------------------------


def test_a_batch_that_meets_a_lock_is_halved_and_tried_again(shop: Workshop) -> None:
    shop.toml = TOML + 'lock_timeout = "50ms"\n'
    table(shop, 1000)
    other = shop.connect()
    other.execute("BEGIN; UPDATE public.t SET n = n WHERE id > 900")

    def let_go(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_retried":
            if event.data["try"] == 3:
                other.rollback()
            handle.send("retry")

    with other:
        done = shop.finish(plan_of(shop), let_go)
    assert done.status == 0, done.events[-1].data
    lost = done.named("batch_retried")[-3:]
    assert [one["try"] for one in lost] == [1, 2, 3]
    assert all(one["sqlstate"] == "55P03" and one["why"] == "lock timeout" for one in lost)
    sizes = [one["size"] for one in lost]
    assert sizes == [sizes[0], sizes[0] // 2, sizes[0] // 4]
    assert counters(shop) == [(1, 1000)]


def test_tries_end_and_what_is_committed_stays(shop18: Workshop) -> None:
    shop18.toml = TOML + 'lock_timeout = "30ms"\nretries = 2\n'
    table(shop18, 1000)
    other = shop18.connect()
    other.execute("BEGIN; UPDATE public.t SET n = n WHERE id > 2400")
    with other:
        done = shop18.finish(plan_of(shop18), _again)
        other.rollback()
    assert done.status == 1
    assert [one["try"] for one in done.named("batch_retried")][-2:] == [1, 2]
    end = done.events[-1].data
    assert end["do"] == f"Go on with: pgmig-tui backfill box --resume {done.plan.run_id}"
    (changed,) = [n for value, n in counters(shop18) if value == 1]
    assert f"{changed:,} rows in" in end["summary"]
    assert shop18.finish(plan_of(shop18, None, resume=done.plan.run_id)).status == 0
    assert counters(shop18) == [(1, 1000)]


def _again(handle: client.RunHandle, event: Event) -> None:
    if event.name == "batch_retried":
        handle.send("retry")


SLOW = """CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN PERFORM pg_sleep(CASE WHEN {slow} THEN {s} ELSE 0 END); RETURN NEW; END $$"""


def test_a_batch_that_takes_too_long_is_halved(shop18: Workshop) -> None:
    table(shop18, 100)
    shop18.query(SLOW.format(slow="true", s="0.004"))
    shop18.query("CREATE TRIGGER slow BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.slow()")
    plan = plan_of(shop18, timeout_ms=200, batch=100)
    assert "triggers of public.t fire for every row: slow" in plan.warnings
    done = shop18.finish(plan, _again)
    assert done.status == 0, done.events[-1].data
    assert done.named("batch_retried")[0]["sqlstate"] == "57014"
    assert done.named("batch_retried")[0]["size"] == 50
    assert counters(shop18) == [(1, 100)]


def test_one_row_that_takes_too_long_ends_it(shop18: Workshop) -> None:
    table(shop18, 20)
    shop18.query(SLOW.format(slow="NEW.id = 30", s="10"))
    shop18.query("CREATE TRIGGER slow BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.slow()")
    done = shop18.finish(plan_of(shop18, timeout_ms=50, batch=16), _again)
    assert done.status == 1
    assert counters(shop18) == [(0, 11), (1, 9)], "everything before that row"


def end_session(workshop: Workshop, name: str) -> None:
    workshop.query(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{name}'")


def test_a_batch_whose_session_is_ended_is_tried_again_from_the_checkpoint(shop: Workshop) -> None:
    table(shop, 4000)

    def end_it(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and event.data["batch"] in (2, 4):
            end_session(shop, f"pgmig/{handle.run_id}/1")

    done = shop.finish(plan_of(shop), end_it)
    assert done.status == 0, done.events[-1].data
    assert counters(shop) == [(1, 4000)]


def test_a_lost_control_session_stops_it_and_it_can_be_resumed(shop: Workshop) -> None:
    table(shop, 4000)

    def end_it(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and event.data["batch"] == 2:
            end_session(shop, f"pgmig/{handle.run_id}/control")

    done = shop.finish(plan_of(shop), end_it)
    assert done.status == 1
    assert "this backfill's lock" in done.events[-1].data["summary"]
    assert shop.finish(plan_of(shop, resume=done.plan.run_id)).status == 0
    assert counters(shop) == [(1, 4000)]


# -- steering ------------------------------------------------------------------------------------------------------


def test_stopped_and_resumed(shop: Workshop) -> None:
    table(shop, 5000)

    def stop(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and event.data["batch"] == 3:
            handle.send("stop")

    done = shop.finish(plan_of(shop), stop)
    assert (done.status, done.events[-1].data["result"]) == (3, "stopped")
    resumed = shop.finish(plan_of(shop, resume=done.plan.run_id))
    assert resumed.status == 0, resumed.events[-1].data
    assert resumed.named("step_started")[0]["rows"] == done.named("batch_done")[-1]["total"]
    assert counters(shop) == [(1, 5000)]


def test_paused_and_resumed_with_no_transaction_open(shop18: Workshop) -> None:
    table(shop18, 3000)

    def steer(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and event.data["batch"] == 2:
            handle.send("pause")
        if event.name == "run_paused":
            ours = f"application_name = 'pgmig/{handle.run_id}/1'"
            sql = f"SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND {ours}"
            assert shop18.query(sql) == [(0,)]
            handle.send("resume")

    done = shop18.finish(plan_of(shop18), steer)
    assert done.status == 0
    assert done.names.index("run_paused") < done.names.index("run_resumed")
    assert counters(shop18) == [(1, 3000)]


def test_faster_and_slower_change_the_pace(shop18: Workshop) -> None:
    table(shop18, 3000)

    def steer(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and event.data["batch"] == 1:
            handle.send("slower")
        if event.name == "pace_changed" and event.data["level"] == -1:
            handle.send("faster")
            handle.send("faster")

    done = shop18.finish(plan_of(shop18), steer)
    assert done.status == 0
    paces = [(one["level"], one["aim_ms"], one["rest"]) for one in done.named("pace_changed")]
    assert paces == [(-1, 200, 1.0), (0, 200, 0.25), (1, 200, 0.0)]


def test_the_same_statement_runs_once_at_a_time_and_a_deploy_may_run_beside_it(shop18: Workshop) -> None:
    table(shop18, 3000)
    first, second = plan_of(shop18), plan_of(shop18)
    found: list[Outcome] = []

    def meanwhile(handle: client.RunHandle, event: Event) -> None:
        if event.name == "batch_done" and not found:
            handle.send("pause")
        if event.name == "run_paused":
            found.append(shop18.finish(second))
            shop18.change("other", "CREATE TABLE public.other ();\n")
            found.append(shop18.run(to="fill", log_only=True))
            found.append(shop18.run())
            handle.send("resume")

    done = shop18.finish(first, meanwhile)
    assert done.status == 0, done.events[-1].data
    refused, recorded, deployed = found
    assert refused.status == 3
    assert f"pgmig/{first.run_id}/control" in refused.events[-1].data["summary"]
    assert (recorded.status, deployed.status) == (0, 0)
    assert shop18.deployed() == ["fill", "other"]
    assert counters(shop18) == [(1, 3000)]


# -- giving way ----------------------------------------------------------------------------------------------------


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

        def follow(handle: client.RunHandle, event: Event) -> None:
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

        def stop(handle: client.RunHandle, event: Event) -> None:
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

        def watch(handle: client.RunHandle, event: Event) -> None:
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
    shop18.query(SLOW.format(slow="true", s="0.02"))
    shop18.query("CREATE TRIGGER slow BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.slow()")
    shop18.query("ALTER TABLE public.t DISABLE TRIGGER slow")
    plan = plan_of(shop18, batch=64)
    shop18.query("ALTER TABLE public.t ENABLE TRIGGER slow")
    other = shop18.connect()
    with other, ThreadPoolExecutor(1) as pool:

        def wait_behind(handle: client.RunHandle, event: Event) -> None:
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


def test_a_deploy_of_a_declared_statement_says_that_it_runs_it_whole(shop18: Workshop) -> None:
    table(shop18, 10)
    plan = shop18.plan()
    assert any("`pgmig-tui backfill" in warning for warning in plan.warnings)
    assert not plan.steps[0].findings, "the declaration is no advice that is silenced"
    assert shop18.finish(plan).status == 0
    assert counters(shop18) == [(1, 10)]


def test_a_partitioned_table_is_passed_as_one(shop: Workshop) -> None:
    columns = "day date, id int, n int NOT NULL DEFAULT 0, PRIMARY KEY (day, id)"
    shop.query(f"CREATE TABLE public.t ({columns}) PARTITION BY RANGE (day)")
    for month in (1, 2, 3):
        bounds = f"FROM ('2024-{month:02}-01') TO ('2024-{month + 1:02}-01')"
        shop.query(f"CREATE TABLE public.t{month} PARTITION OF public.t FOR VALUES {bounds}")
    shop.query("INSERT INTO public.t SELECT date '2024-01-01' + i % 90, i FROM generate_series(1, 900) i")
    shop.query("ANALYZE public.t")
    sql = "UPDATE public.t SET n = n + 1"
    plan = plan_of(shop, None, statement=sql, table="public.t", key=("day", "id"), batch=100)
    done = shop.finish(plan)
    assert done.status == 0, done.events[-1].data
    assert counters(shop) == [(1, 900)]
    assert done.named("batch_done")[0]["about_total"] == 900


def test_rows_that_come_in_meanwhile_are_left_and_counted(shop18: Workshop) -> None:
    """One behind the batches, one beyond the end that was counted at the start."""
    table(shop18, 2000)
    shop18.query(
        "CREATE FUNCTION public.more() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.t (id) VALUES (1), (100000); RETURN NULL; END $$"
    )
    shop18.query(
        "CREATE TRIGGER more AFTER UPDATE ON public.t FOR EACH ROW WHEN (new.id = 3000) EXECUTE FUNCTION public.more()"
    )
    done = shop18.finish(plan_of(shop18))
    assert done.status == 0
    assert done.named("backfill_done")[0]["left"] == 2
    assert "2 rows left to do" in done.events[-1].data["summary"]
    assert counters(shop18) == [(0, 2), (1, 2000)]


def test_an_error_of_the_statement_ends_it_and_names_what_stays(shop18: Workshop) -> None:
    table(shop18, 1000, ", CHECK (id <> 2400 OR n = 0)")
    done = shop18.finish(plan_of(shop18))
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert failed["sqlstate"] == "23514"
    assert "committed" in failed["what_stays"][0]
    assert not done.named("batch_retried"), "it would fail again"
    zero, one = counters(shop18)
    assert zero[1] + one[1] == 1000


def test_a_deferred_constraint_fails_the_batch_that_breaks_it(shop18: Workshop) -> None:
    table(shop18, 400, ", u int UNIQUE DEFERRABLE INITIALLY DEFERRED")
    sql = "UPDATE public.t SET n = n + 1, u = CASE WHEN id > 900 THEN 1 END"
    done = shop18.finish(plan_of(shop18, None, statement=sql, table="public.t", key=("id",), batch=100))
    assert done.status == 1
    assert done.named("step_failed")[0]["sqlstate"] == "23505"
    assert counters(shop18)[-1] == (1, sum(one["rows"] for one in done.named("batch_done")))


@pytest.mark.parametrize(("policy", "status"), [("abort", 3), ("finish", 0), ("continue", 0)])
def test_a_lost_terminal_ends_it_only_where_that_is_the_policy(shop18: Workshop, policy: str, status: int) -> None:
    shop18.toml = TOML + f'on_hangup = "{policy}"\n'
    table(shop18, 5000)
    plan = plan_of(shop18, max_rate=4000)
    with another_steers(plan.folder) as steering:

        def hang_up(handle: client.RunHandle, event: Event) -> None:
            if event.name == "batch_done" and event.data["batch"] == 2:
                steering.kill()
                steering.wait()

        done = shop18.finish(plan, hang_up)
    assert done.status == status, done.events[-1].data
    assert (counters(shop18) == [(1, 5000)]) == (status == 0)
