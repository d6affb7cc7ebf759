"""A run of another account, on a real server: what is seen of it, and that it is stopped by cancelling or ending it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgmig_tui.database.foreign import PATIENCE_S
from pgmig_tui.errors import NotPermitted, Refused
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.targets import Target
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.ui.backend.foreign_watch import EnvironmentForeign
from pgmig_tui.ui.backend.protocol import Foreign
from tests.database.places import role
from tests.run.conftest import Workshop
from tests.run.test_heartbeat import until, waits

TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "2min"\n'
SCRIPT = "BEGIN;\nCREATE TABLE public.two ();\nSELECT pg_advisory_xact_lock(7), 'password=geheim1';\nCOMMIT;\n"


@contextmanager
def under_way(workshop: Workshop) -> Iterator[tuple[client.RunHandle, Environment]]:
    """A run that waits in its second change until it is stopped, or this is left."""
    workshop.toml = TOML
    workshop.change("one", "CREATE TABLE public.one ();\n")
    workshop.change("two", SCRIPT)
    _, environment = workshop.project()
    plan = workshop.plan()
    with workshop.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(7)")
        handle = client.start(plan)
        try:
            until(lambda: waits(workshop))
            yield handle, environment
        finally:
            holder.execute("SELECT pg_advisory_unlock(7)")
            until(lambda: not handle.alive())


def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "another account"


def seen(watch: EnvironmentForeign) -> Foreign:
    found = watch.read()
    assert not found.problem
    return found


def as_role(environment: Environment, plain: dict[str, str]) -> Environment:
    """The same environment, seen by another role."""
    target: Target = environment.target
    conninfo = {**target.conninfo, "user": plain["user"]}
    changed = dataclasses.replace(target, conninfo=conninfo, password=plain.get("password"))
    return dataclasses.replace(environment, target=changed)


def test_what_is_seen_and_its_statement_is_cancelled(workshop: Workshop, tmp_path: Path) -> None:
    with under_way(workshop) as (handle, environment):
        watch = EnvironmentForeign(environment, elsewhere(tmp_path))
        until(lambda: "two.sql:3" in seen(watch).doing)
        found = seen(watch)
        assert (found.run_id, found.state, found.local, found.over) == (handle.run_id, "running", False, "")
        assert "step 2 of 2, two, deploy/two.sql:3" in found.doing
        assert found.heartbeat_ms is not None
        assert found.heartbeat_ms < PATIENCE_S * 1000
        assert found.step is not None
        assert "geheim1" not in found.step.query + found.doing, "secrets are masked"
        assert found.activity.waiting
        assert len(found.activity.blockers) == 1
        assert [(event, change) for event, change, _ in found.recorded] == [("deploy", "one")]
        assert found.unseen == ()
        assert not watch.cancel(found.step.pid, "2001-01-01T00:00:00Z"), "another session by now"
        assert watch.cancel(found.step.pid, found.step.started)
        until(lambda: seen(watch).over != "")
        watch.close()
    found = seen(again := EnvironmentForeign(environment, elsewhere(tmp_path)))
    again.close()
    assert "exit status 1, a step failed" in found.over
    assert workshop.deployed() == ["one"]


def test_its_sessions_are_ended(workshop18: Workshop, tmp_path: Path) -> None:
    told: list[str] = []
    with under_way(workshop18) as (handle, environment):
        watch = EnvironmentForeign(environment, elsewhere(tmp_path))
        assert seen(watch).run_id == handle.run_id
        watch.stop(told.append)
        assert told == [f"stopping run {handle.run_id} of another account or host: its sessions are ended"]
        until(lambda: seen(watch).over != "")
        with pytest.raises(Refused, match="it holds the lock no longer"):
            watch.stop(told.append)
        watch.close()
    assert workshop18.deployed() == ["one"]
    assert not workshop18.relation("public.two")
    events = JournalReader(handle.folder).poll()
    assert events[-1].data["result"] in ("stopped", "failed")


def test_what_a_plain_role_may_not_is_said(workshop18: Workshop, tmp_path: Path) -> None:
    with under_way(workshop18) as (handle, environment), role(workshop18.server) as plain:
        watch = EnvironmentForeign(as_role(environment, plain), elsewhere(tmp_path))
        found = seen(watch)
        assert (found.run_id, found.who, found.state) == (handle.run_id, "", "")
        unseen = "\n".join(found.unseen)
        assert f'GRANT SELECT ON "pgmig".runs TO "{plain["user"]}"' in unseen
        assert "may not read the registry" in unseen
        assert "GRANT pg_read_all_stats" in unseen
        assert found.step is not None
        assert (found.step.hidden, found.step.started) == (True, "")
        with pytest.raises(NotPermitted, match="may not end process") as refused:
            watch.stop(lambda text: None)
        assert "The run goes on." in refused.value.now
        workshop18.query(f'GRANT pg_read_all_stats TO "{plain["user"]}"')
        step = seen(watch).step
        assert step is not None
        assert (step.hidden, step.started == "") == (False, False)
        with pytest.raises(NotPermitted, match="may not cancel"):
            watch.cancel(step.pid, step.started)
        watch.close()
        assert handle.alive()


def test_one_s_own_run_is_told_from_another_s(workshop18: Workshop) -> None:
    with under_way(workshop18) as (handle, environment):
        watch = EnvironmentForeign(environment, workshop18.state_dir)
        assert (seen(watch).local, seen(watch).run_id) == (True, handle.run_id)
        watch.close()


def test_a_run_that_never_said_its_end_hides_no_later_one(workshop18: Workshop, tmp_path: Path) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    done = workshop18.run()
    workshop18.query(
        "INSERT INTO pgmig.runs (run_id, command, project, environment, host, os_user, operator, steps, started_at,"
        " heartbeat_at) SELECT '20200101-000000-abcd', command, project, environment, host, os_user, operator, steps,"
        " started_at - interval '1 h', heartbeat_at - interval '1 h' FROM pgmig.runs"
    )
    _, environment = workshop18.project()
    watch = EnvironmentForeign(environment, elsewhere(tmp_path))
    assert seen(watch).run_id == done.plan.run_id
    with workshop18.connect(application_name="pgmig/20200101-000000-abcd/control"):
        found = seen(watch)
        assert (found.run_id, found.over, found.holder) == ("20200101-000000-abcd", "", "")
        assert found.heartbeat_ms is not None
        assert found.heartbeat_ms > 3_000_000
    until(lambda: seen(watch).over != "")
    assert "how it ended isn't said anywhere here, last heartbeat 1 h" in seen(watch).over
    watch.close()
