"""What the sessions of a lock tree want and hold."""

from __future__ import annotations

from pgmig_tui.database.activity import lock_tree
from pgmig_tui.database.locks import tree_here, tree_locks
from tests.database.places import Databases, role, session
from tests.database.test_activity import pile_up
from tests.servers import Server


def test_the_sessions_of_a_pile_up_are_told_with_what_they_want_and_hold(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as watch, pile_up(pg, name) as (blocker, step, victim):
        pids = {one.pid for one in lock_tree(watch)}
        assert {blocker.pid, step.pid, victim.pid} <= pids
        found = {(one.pid, one.granted, one.mode, one.relation) for one in tree_locks(watch, pids)}
        assert (blocker.pid, True, "AccessShareLock", "public.t") in found
        assert (step.pid, False, "AccessExclusiveLock", "public.t") in found
        assert (victim.pid, False, "AccessShareLock", "public.t") in found
        waits = [one.waited_s for one in tree_locks(watch, [step.pid]) if not one.granted]
        assert [wait is not None and wait >= 0 for wait in waits] == [pg.version_num >= 140000], waits
        assert tree_locks(watch, ()) == ()


def test_pile_ups_of_other_databases_are_left_out(pg: Server, database_on: Databases) -> None:
    name, other = database_on(pg), database_on(pg)
    with session(pg, name) as watch, pile_up(pg, name) as (blocker, step, victim), pile_up(pg, other) as elsewhere:
        assert {one.pid for one in elsewhere} <= {one.pid for one in lock_tree(watch)}
        found = [(one.depth, one.pid) for one in tree_here(watch)]
        assert found == [(0, blocker.pid), (1, step.pid), (2, victim.pid)]
