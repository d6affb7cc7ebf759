"""Data migrations in batches: every row once, by keys of all kinds; what can't work is refused."""

from __future__ import annotations

import pytest

from pgmig_tui.errors import ProjectError, Refused
from pgmig_tui.run.backfill.plan import BackfillOptions
from pgmig_tui.run.backfill.planning import prepare_backfill
from tests.run.backfill.conftest import counters, plan_of, table
from tests.run.conftest import Workshop


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
def test_a_key_of_any_type_reaches_every_row_once(shop18: Workshop, columns: str, key: str, values: str) -> None:
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
