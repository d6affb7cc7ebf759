"""Batches and sessions that are lost: tried again where that helps, from the checkpoint."""

from __future__ import annotations

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from tests.run.backfill.conftest import SLOW, TOML, counters, plan_of, table
from tests.run.conftest import Workshop


def test_a_batch_that_meets_a_lock_is_halved_and_tried_again(shop: Workshop) -> None:
    shop.toml = TOML + 'lock_timeout = "50ms"\n'
    table(shop, 1000)
    other = shop.connect()
    other.execute("BEGIN; UPDATE public.t SET n = n WHERE id > 900")

    def let_go(handle: client.RunHandle, event: Entry) -> None:
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


def _again(handle: client.RunHandle, event: Entry) -> None:
    if event.name == "batch_retried":
        handle.send("retry")


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
    workshop.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")


def test_a_batch_whose_session_is_ended_is_tried_again_from_the_checkpoint(shop: Workshop) -> None:
    table(shop, 4000)

    def end_it(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and event.data["batch"] in (2, 4):
            end_session(shop, f"pgmig/{handle.run_id}/1")

    done = shop.finish(plan_of(shop), end_it)
    assert done.status == 0, done.events[-1].data
    assert counters(shop) == [(1, 4000)]


def test_a_lost_control_session_stops_it_and_it_can_be_resumed(shop: Workshop) -> None:
    table(shop, 4000)

    def end_it(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "batch_done" and event.data["batch"] == 2:
            end_session(shop, f"pgmig/{handle.run_id}/control")

    done = shop.finish(plan_of(shop), end_it)
    assert done.status == 1
    assert "this backfill's lock" in done.events[-1].data["summary"]
    assert shop.finish(plan_of(shop, resume=done.plan.run_id)).status == 0
    assert counters(shop) == [(1, 4000)]
