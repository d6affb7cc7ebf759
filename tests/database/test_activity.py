"""Who blocks whom, and ending exactly the session that was shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pgmig_tui.database.activity import (
    ServerSession,
    cancel,
    end_sessions,
    lock_tree,
    read_now,
    sessions_named,
    terminate,
    tree_order,
)
from pgmig_tui.database.connect import Connection, ConnectionLost, ServerError, connect, guard_sql
from tests.database.places import Databases, place, role, session, until
from tests.servers import Server


@contextmanager
def pile_up(server: Server, database: str) -> Iterator[tuple[Connection, Connection, Connection]]:
    """A reader idle in a transaction, an ALTER TABLE that waits for it, and a reader that waits for the ALTER."""
    server.execute("CREATE TABLE IF NOT EXISTS t (id int)", database)
    target = place(server, database)
    with (
        connect(target, application_name="reporting", script=True) as blocker,
        connect(target, application_name="pgmig/run/3", script=True) as step,
        connect(target, application_name="web", script=True) as victim,
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


@contextmanager
def watch(server: Server, database: str, **more: str) -> Iterator[Connection]:
    """A session with the guards of a watch."""
    with session(server, database, "pgmig/test/watch", **more) as connection:
        connection.execute(guard_sql("watch", 150, connection.server_version_num))
        yield connection


def blocker_of(connection: Connection, pid: int) -> ServerSession | None:
    """Whom a session waits for, None when it doesn't wait."""
    above: dict[int, ServerSession] = {}
    for one in lock_tree(connection):
        if one.pid == pid:
            return above.get(one.depth - 1)
        above[one.depth] = one
    return None


def test_a_pile_up_is_seen_from_all_sides(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch, pile_up(pg, name) as (blocker, step, victim):
        found = blocker_of(watch, step.pid)
        assert found is not None
        assert (found.pid, found.application, found.state) == (blocker.pid, "reporting", "idle in transaction")
        assert (found.has_written, found.backend_type) == (False, "client backend")
        assert found.xact_s is not None
        assert "SELECT * FROM t" in (found.query or "")
        tree = [(one.depth, one.pid) for one in lock_tree(watch) if one.pid in (blocker.pid, step.pid, victim.pid)]
        assert tree == [(0, blocker.pid), (1, step.pid), (2, victim.pid)]


def test_a_plain_role_sees_the_queue(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as watch, pile_up(pg, name) as (blocker, step, victim):
        behind = blocker_of(watch, victim.pid)
        assert behind is not None
        assert behind.pid == step.pid
        found = blocker_of(watch, step.pid)
        assert found is not None
        assert (found.pid, found.application, found.state, found.xact_s) == (blocker.pid, "reporting", None, None)
        with pytest.raises(ServerError) as caught:
            terminate(watch, found)
        assert caught.value.sqlstate == "42501"


def test_only_the_session_that_was_shown_is_ended(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as watch, pile_up(pg, name) as (blocker, step, victim):
        found = blocker_of(watch, step.pid)
        assert found is not None
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
        until(lambda: blocker_of(watch, step.pid) is None)
        with pytest.raises(ConnectionLost):
            blocker.execute("SELECT 1")
        assert not terminate(watch, found)


def test_who_has_a_table_in_use_and_who_waits_for_it(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with watch(pg, name) as looker, pile_up(pg, name) as (blocker, step, victim):
        blocker.execute("SELECT 'secret' AS password, 'x' FROM t")
        found = read_now(looker, [("public", "t"), ("public", "nothing"), ("elsewhere", "t")])
        seen = [(one.session.pid, one.mode, one.granted) for one in found.locks]
        assert seen[0] == (blocker.pid, "AccessShareLock", True)
        assert sorted(seen[1:]) == sorted(
            [(step.pid, "AccessExclusiveLock", False), (victim.pid, "AccessShareLock", False)]
        )
        first = found.locks[0].session
        assert (first.application, first.state) == ("reporting", "idle in transaction")
        assert first.state_s is not None
        assert first.xact_s is not None
        assert first.state_s <= first.xact_s
        since = pg.version_num >= 140000  # the server tells for how long somebody has waited
        assert [one.waiting_s is not None for one in found.locks] == [False, since, since]
        assert all((one.schema, one.relation) == ("public", "t") for one in found.locks)
        assert [one.wraparound for one in found.locks] == [None] * 3
        assert found.transactions[0].pid == blocker.pid
        assert found.hidden == 0


def test_what_others_do_is_unknown_to_a_plain_role_and_said_so(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, watch(pg, name, **plain) as looker, pile_up(pg, name) as (blocker, _, _):
        found = read_now(looker, [("public", "t")])
        assert [one.session.hidden for one in found.locks] == [True] * 3
        assert found.locks[0].session.pid == blocker.pid
        assert (found.locks[0].session.state_s, found.locks[0].wraparound) == (None, None)
        assert found.transactions == ()
        assert found.hidden >= 3


def test_two_readings_tell_how_busy_a_table_is(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100); ANALYZE t", name)
    with watch(pg, name) as looker:
        until(lambda: read_now(looker, [("public", "t")]).traffic[0].rows_written == 100)
        (before,) = read_now(looker, [("public", "t")]).traffic
        assert before.rows == 100
        assert before.bytes == 8192
        pg.execute("SELECT count(*) FROM t", name)
        pg.execute("UPDATE t SET id = id + 1000 WHERE id < 11", name)
        until(lambda: read_now(looker, [("public", "t")]).traffic[0].rows_written == 110)
        (after,) = read_now(looker, [("public", "t")]).traffic
        assert after.at > before.at
        assert (after.scans or 0) > (before.scans or 0)
        assert (after.rows_read or 0) >= (before.rows_read or 0) + 100


def test_a_table_that_is_locked_for_good_does_not_hold_the_looker_up(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with watch(pg, name) as looker, session(pg, name) as holder:
        holder.execute("BEGIN; LOCK TABLE public.t")
        found = read_now(looker, [("public", "t")])
        assert [one.mode for one in found.locks] == ["AccessExclusiveLock"]
        assert found.traffic[0].relation == "t"


def test_a_prepared_transaction_holds_its_locks_under_its_name(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with watch(pg, name) as looker, session(pg, name) as one:
        one.execute("BEGIN; INSERT INTO public.t VALUES (1)")
        one.execute(f"PREPARE TRANSACTION '{name}'")
        try:
            (found,) = read_now(looker, [("public", "t")]).locks
            assert (found.prepared, found.session.pid, found.mode) == (name, 0, "RowExclusiveLock")
            assert found.session.user == one.role
            assert found.session.has_written
            assert (found.session.xact_s or 0) > 0
        finally:
            one.execute(f"ROLLBACK PREPARED '{name}'")


def test_a_prepared_transaction_is_process_0(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with session(pg, name) as watch, session(pg, name) as step:
        watch.execute("BEGIN; INSERT INTO public.t VALUES (1)")
        watch.execute(f"PREPARE TRANSACTION '{name}'")
        try:
            step.raw.send_query(b"ALTER TABLE public.t ADD COLUMN x int")
            until(lambda: blocker_of(watch, step.pid) is not None)
            found = blocker_of(watch, step.pid)
            assert found is not None
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


def test_a_queue_in_which_each_waits_for_all_before_is_a_tree_with_each_once() -> None:
    queue = {pid: tuple(range(1, pid)) for pid in range(1, 201)}
    assert tree_order(queue) == [(1, 0), *((pid, 1) for pid in range(2, 201))]


def test_the_tree_goes_depth_first_and_a_deadlock_is_not_left_out() -> None:
    assert tree_order({1: (), 2: (1,), 3: (2,), 4: (1,), 7: (8,), 8: (7,)}) == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 1),
        (7, 0),
        (8, 0),
    ]
