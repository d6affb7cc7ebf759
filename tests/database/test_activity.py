"""Who blocks whom, and ending exactly the session that was shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pgmig_tui.database.activity import (
    blockers_of,
    cancel,
    end_sessions,
    lock_tree,
    queue_behind,
    sessions_named,
    terminate,
)
from pgmig_tui.database.connect import Connection, ConnectionLost, ServerError, connect
from tests.database.places import Databases, place, role, session, until
from tests.servers import Server


@contextmanager
def pile_up(server: Server, database: str) -> Iterator[tuple[Connection, Connection, Connection]]:
    """A reader idle in a transaction, an ALTER TABLE that waits for it, and a reader that waits for the ALTER."""
    server.execute("CREATE TABLE IF NOT EXISTS t (id int)", database)
    target = place(server, database)
    with (
        connect(target, application_name="reporting") as blocker,
        connect(target, application_name="pgmig/run/3") as step,
        connect(target, application_name="web") as victim,
        connect(target, application_name="looker") as looker,
    ):
        blocker.execute("BEGIN; SELECT * FROM t")

        def waits(one: Connection) -> bool:
            return looker.one(f"SELECT 1 FROM pg_locks WHERE NOT granted AND pid = {one.pid}") is not None

        step.raw.send_query(b"ALTER TABLE t ADD COLUMN x int")
        until(lambda: waits(step))
        victim.raw.send_query(b"SELECT * FROM t")
        until(lambda: waits(victim))
        yield blocker, step, victim


def test_a_pile_up_is_seen_from_all_sides(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch, pile_up(pg, name) as (blocker, step, victim):
        (found,) = blockers_of(watch, step.pid)
        assert (found.pid, found.application, found.state) == (blocker.pid, "reporting", "idle in transaction")
        assert (found.has_written, found.backend_type) == (False, "client backend")
        assert found.xact_s is not None
        assert "SELECT * FROM t" in (found.query or "")
        tree = [(one.depth, one.pid) for one in lock_tree(watch) if one.pid in (blocker.pid, step.pid, victim.pid)]
        assert tree == [(0, blocker.pid), (1, step.pid), (2, victim.pid)]
        queue = queue_behind(watch, step.pid)
        assert queue.stuck == 1
        assert queue.oldest_s is not None
        assert queue_behind(watch, victim.pid).stuck == 0
        assert queue_behind(watch, victim.pid).oldest_s is None


def test_a_plain_role_sees_the_queue(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as watch, pile_up(pg, name) as (blocker, step, _):
        assert queue_behind(watch, step.pid).stuck == 1
        (found,) = blockers_of(watch, step.pid)
        assert (found.pid, found.application, found.state, found.xact_s) == (blocker.pid, "reporting", None, None)
        with pytest.raises(ServerError) as caught:
            terminate(watch, found)
        assert caught.value.sqlstate == "42501"


def test_only_the_session_that_was_shown_is_ended(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch, pile_up(pg, name) as (blocker, step, victim):
        (found,) = blockers_of(watch, step.pid)
        another = replace(found, started="2001-01-01 00:00:00+00")
        assert not cancel(watch, another)
        assert not terminate(watch, another)
        assert blocker.one("SELECT 1") == (1,)
        waiting = next(one for one in lock_tree(watch) if one.pid == victim.pid)
        assert cancel(watch, waiting)
        result = victim.raw.get_result()
        assert result is not None
        assert victim.error(result).sqlstate == "57014"
        assert terminate(watch, found)
        until(lambda: not blockers_of(watch, step.pid))
        with pytest.raises(ConnectionLost):
            blocker.execute("SELECT 1")
        assert not terminate(watch, found)


def test_a_prepared_transaction_is_process_0(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with session(pg, name) as watch, session(pg, name) as step:
        watch.execute("BEGIN; INSERT INTO public.t VALUES (1)")
        watch.execute(f"PREPARE TRANSACTION '{name}'")
        try:
            step.raw.send_query(b"ALTER TABLE public.t ADD COLUMN x int")
            until(lambda: len(blockers_of(watch, step.pid)) == 1)
            (found,) = blockers_of(watch, step.pid)
            assert (found.pid, found.user, found.started) == (0, None, None)
            assert not terminate(watch, found)
        finally:
            watch.execute(f"ROLLBACK PREPARED '{name}'")


def test_sessions_by_name_and_their_end(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch, session(pg, name, "pgmig/a_b/dump") as ours:
        with session(pg, name, "pgmig/aXb/dump") as other:
            found = sessions_named(watch, "pgmig/%/dump")
            assert sorted(one.pid for one in found) == sorted([ours.pid, other.pid])
            assert end_sessions(watch, "pgmig/a_b/dump", 2.0)
            assert [one.pid for one in sessions_named(watch, "pgmig/%/dump")] == [other.pid]
            with pytest.raises(ConnectionLost):
                ours.execute("SELECT 1")
        assert end_sessions(watch, "pgmig/nobody/dump", 0.0)
