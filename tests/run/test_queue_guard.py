"""Nobody waits long behind a step: it gives way to the queue behind it, and comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from tests.run.conftest import Workshop

LONG = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "30s"\nretries = 20\n'
"""The lock timeout alone would let everybody wait for half a minute."""


@contextmanager
def _reader(workshop: Workshop) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody who has read the table and keeps the transaction open."""
    with workshop.connect() as connection:
        connection.execute("BEGIN; SELECT * FROM public.t")
        yield connection


class _Client(threading.Thread):
    """A client that reads the table once; `took` seconds, or None while it waits."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(daemon=True)
        self.connection = workshop.connect()
        self.took: float | None = None

    def run(self) -> None:
        start = time.monotonic()
        self.connection.execute("SELECT count(*) FROM public.t")
        self.took = time.monotonic() - start
        self.connection.close()


def _waits(workshop: Workshop) -> bool:
    """Our ALTER is in the queue."""
    return bool(
        workshop.query(
            "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE datname = current_database()"
            " AND NOT granted AND mode = 'AccessExclusiveLock'"
        )
    )


def _pile_up(workshop: Workshop, clients: int) -> tuple[list[_Client], list[Entry], int]:
    """A reader in the way of an ALTER, clients behind it; the reader goes when the first try was given up."""
    workshop.query("CREATE TABLE public.t (id int)")
    workshop.change("one", "BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n")
    crowd = [_Client(workshop) for _ in range(clients)]
    with ExitStack() as stack:
        reader = stack.enter_context(_reader(workshop))

        def come(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "statement_started" and not crowd[0].ident:
                while not _waits(workshop):
                    pass
                for one in crowd:
                    one.start()
            if event.name == "statement_retried":
                for one in crowd:
                    one.join(20)
                reader.rollback()
                handle.send("retry")

        done = workshop.finish(workshop.plan(), come)
    return crowd, done.events, done.status


def test_the_oldest_waiter_gets_through_in_time(workshop: Workshop) -> None:
    workshop.toml = LONG
    crowd, events, status = _pile_up(workshop, 2)
    assert status == 0, events[-1].data
    (lost,) = [event.data for event in events if event.name == "statement_retried"]
    assert lost["sqlstate"] == "57014"
    assert lost["why"].startswith("queue guard: ")
    assert lost["message"] == lost["why"]
    took = [one.took for one in crowd if one.took is not None]
    assert len(took) == 2
    assert 0.2 < max(took) < 20, "it waited for the guard, neither for the lock timeout nor for the reader"
    assert workshop.deployed() == ["one"]


def test_too_many_waiters_are_not_kept_waiting(workshop18: Workshop) -> None:
    workshop18.toml = LONG + 'queue_guard = { waiters = 3, oldest = "1h" }\n'
    crowd, events, status = _pile_up(workshop18, 5)
    assert status == 0, events[-1].data
    (lost,) = [event.data for event in events if event.name == "statement_retried"]
    assert "sessions wait behind this statement" in lost["why"]
    assert all(one.took is not None for one in crowd)


def test_a_queue_within_the_policy_may_wait(workshop18: Workshop) -> None:
    workshop18.toml = LONG + 'queue_guard = { waiters = 5, oldest = "1h" }\n'
    workshop18.query("CREATE TABLE public.t (id int)")
    workshop18.change("one", "BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n")
    one = _Client(workshop18)
    with _reader(workshop18) as reader:

        def come(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "statement_started" and not one.ident:
                while not _waits(workshop18):
                    pass
                one.start()
            if event.name == "activity" and event.data["waiters"] == 1:
                reader.rollback()

        done = workshop18.finish(workshop18.plan(), come)
        one.join(20)
    assert done.status == 0
    assert done.named("statement_retried") == []


def test_many_quick_statements_hold_a_lock_as_long_as_a_slow_one(workshop18: Workshop) -> None:
    """No statement takes a quarter of a second; together they keep a reader waiting, and give way."""
    workshop18.toml = LONG + 'queue_guard = { waiters = 9, oldest = "300ms" }\n'
    workshop18.query("CREATE TABLE public.t (id int)")
    quick = "SELECT pg_sleep(0.05);\n" * 100
    workshop18.change("one", f"BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\n{quick}COMMIT;\n")
    one = _Client(workshop18)

    def come(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_finished" and event.data["line"] == 3 and not one.ident:
            one.start()
        if event.name == "statement_retried":
            one.join(20)
            handle.send("stop")

    done = workshop18.finish(workshop18.plan(), come)
    assert one.took is not None
    before = done.names[: done.names.index("statement_retried")]
    assert before.count("statement_finished") < 100, "it gave way in the midst of them"


def test_what_would_leave_a_ruin_does_not_give_way(workshop18: Workshop) -> None:
    """A cancelled CREATE INDEX CONCURRENTLY leaves an INVALID index, and those behind it are only other DDL."""
    workshop18.toml = LONG + 'queue_guard = { waiters = 0, oldest = "1ms" }\n'
    workshop18.query("CREATE TABLE public.t (id int)")
    workshop18.change("one", "CREATE INDEX CONCURRENTLY i ON public.t (id);\n")
    other = workshop18.connect()
    with workshop18.connect() as writer, other:
        writer.execute("BEGIN; INSERT INTO public.t VALUES (1)")

        def come(handle: client.RunHandle, event: Entry) -> None:
            if event.name != "activity":
                return
            idle = other.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            if event.data["waiting"] and idle:  # before that the index has no lock that another would wait for
                # VACUUM is the one whose snapshot an index doesn't wait for in its turn: another's would be a deadlock,
                # of which the index is the victim where it comes to that later than the other looks for one.
                other.pgconn.send_query(b"VACUUM public.t")
            elif event.data["waiters"]:
                writer.rollback()

        done = workshop18.finish(workshop18.plan(), come)
        while other.pgconn.get_result() is not None:
            pass
    assert done.status == 0, done.events[-1].data
    assert done.named("statement_retried") == []


def test_rows_of_the_script_do_not_make_it_deaf(workshop18: Workshop) -> None:
    """While it feeds a COPY it waits for no answer, and the lock that it holds from before stays held."""
    workshop18.toml = LONG
    workshop18.query("CREATE TABLE public.t (id int); CREATE TABLE public.u (id int)")
    workshop18.query(
        "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF new.id % 1000 = 0 THEN PERFORM pg_sleep(0.02); END IF; RETURN new; END $$"
    )
    workshop18.query("CREATE TRIGGER slow BEFORE INSERT ON public.u FOR EACH ROW EXECUTE FUNCTION public.slow()")
    rows = "".join(f"{number}\n" for number in range(300_000))
    script = f"BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\nCOPY public.u FROM stdin;\n{rows}\\.\nCOMMIT;\n"
    workshop18.change("one", script)
    one = _Client(workshop18)

    def come(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and event.data["line"] == 3 and not one.ident:
            one.start()
        if event.name == "statement_retried":
            one.join(20)
            handle.send("stop")

    done = workshop18.finish(workshop18.plan(), come)
    assert [lost["why"][:11] for lost in done.named("statement_retried")] == ["queue guard"]
    assert one.took is not None
    finished = [data["line"] for data in done.named("statement_finished")]
    assert finished == [2], "it gave way in the midst of the rows, which take six seconds"
