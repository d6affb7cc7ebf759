"""What each environment has and lacks: nobody waits for anybody, and nothing unknown looks fine."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.cli import status
from pgmig_tui.database import marks, registry
from pgmig_tui.database.connect import connect
from pgmig_tui.database.deployed import DeployedChange
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.status import Divergence, divergences, environment_status, statuses
from pgmig_tui.database.undo import read_kept
from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import NotPermitted
from pgmig_tui.project.environments import Environment, Policy
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.report.matrix import remarks
from tests.database.places import OPERATOR, UNGUARDED, Databases, plan, role, row, session, until
from tests.servers import Server

WHO = "2024-01-01T00:00:00Z T <t@example.com>"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    lines = [f"c{n} {WHO}" for n in range(5)]
    lines.insert(2, f"@t1 {WHO}")
    (tmp_path / "sqitch.plan").write_text("\n".join(["%syntax-version=1.0.0", "%project=flip", "", *lines, ""]))
    (tmp_path / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (tmp_path / "deploy").mkdir()
    for n in range(5):
        (tmp_path / "deploy" / f"c{n}.sql").write_text(f"SELECT {n};\n")
    return load_project(tmp_path, {"SQITCH_USER_CONFIG": "/nonexistent"})


Ask = Callable[..., Environment]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def environment(project: Project, pg: Server, database_on: Databases) -> Ask:
    """`environment(name, deployed=n, **keywords)`: a database with the plan's first n changes."""

    def make(name: str, deployed: int = 0, registry_name: str = "sqitch", **more: str) -> Environment:
        database = database_on(pg)
        if deployed:
            with session(pg, database) as connection:
                state = registry.read_state(connection, registry_name, "flip")
                registry.prepare_registry(connection, registry_name, project.plan, OPERATOR, state)
                for change in project.plan.changes[:deployed]:
                    found = hashlib.sha1((project.root / "deploy" / f"{change.name}.sql").read_bytes()).hexdigest()
                    sql = registry.deploy_rows_sql(registry_name, project.plan, change, found, {}, OPERATOR)
                    connection.execute(registry.record_sql(UNGUARDED, sql))
        target = project.environment(pg.uri(database)).target
        target = replace(target, registry=registry_name, conninfo={**target.conninfo, **more})
        return Environment(name, target, Policy())

    return make


def test_the_status_of_an_environment_parts_deployed_from_pending(
    project: Project, pg: Server, environment: Ask
) -> None:
    found = environment_status(project, environment("staging", 3))
    ids = [change.change_id for change in project.plan.changes]
    assert (found.name, found.reachable, found.error) == ("staging", True, None)
    assert (list(found.deployed), list(found.pending)) == (ids[:3], ids[3:])
    assert found.diverged == ()
    assert found.server is not None
    assert found.server.version_num == pg.version_num
    assert found.registry == registry.RegistryInfo("sqitch", True, "1.1")
    assert found.last_change is not None
    assert (found.last_change.name, found.last_change.committer_name) == ("c2", OPERATOR.name)
    assert found.asked_at.endswith("Z")


def test_nothing_deployed_and_another_registry(project: Project, environment: Ask) -> None:
    empty = environment_status(project, environment("empty"))
    assert (empty.reachable, empty.registry) == (True, registry.RegistryInfo("sqitch", False, None))
    assert (empty.deployed, len(empty.pending), empty.last_change) == ((), 5, None)
    odd = environment_status(project, environment("odd", 1, "Odd registry"))
    assert (len(odd.deployed), len(odd.pending)) == (1, 4)


def test_a_changed_script_is_seen_again_after_it_changes(project: Project, environment: Ask) -> None:
    staging = environment("staging", 3)
    assert environment_status(project, staging).diverged == ()
    script = project.root / "deploy" / "c1.sql"
    script.write_text("SELECT 'other';\n")
    changed = Divergence(project.plan.changes[1].change_id, "c1", "script_changed")
    assert environment_status(project, staging).diverged == (changed,)
    assert environment_status(project, staging, hashes=False).diverged == ()
    script.unlink()
    assert environment_status(project, staging).diverged == ()
    script.write_text("SELECT 1;\n")
    assert environment_status(project, staging).diverged == ()


def test_unreachable_and_silent_servers_hold_nobody_up(project: Project, environment: Ask, tmp_path: Path) -> None:
    good = environment("good", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = str(silent.getsockname()[1])
        environments = [
            environment("silent", host="127.0.0.1", port=port, connect_timeout="2"),
            environment("nobody", host=str(tmp_path)),
            good,
        ]
        seen: list[tuple[str, float]] = []
        start = time.monotonic()
        found = statuses(project, environments, on_answer=lambda one: seen.append((one.name, time.monotonic() - start)))
    assert [one.name for one in found] == ["silent", "nobody", "good"]
    assert [one.reachable for one in found] == [False, False, True]
    assert [name for name, _ in seen][-1] == "silent"
    answered = dict(seen)
    assert answered["good"] < answered["silent"] - 0.5
    assert found[0].pending == found[1].pending == ()
    assert "can't be reached" in (found[1].error or "")


def test_a_registry_that_may_not_be_read_is_unknown(project: Project, pg: Server, environment: Ask) -> None:
    staging = environment("staging", 2)
    with role(pg) as plain:
        target = replace(
            staging.target,
            conninfo={**staging.target.conninfo, "user": plain["user"]},
            password=plain["password"],
        )
        found = environment_status(project, replace(staging, target=target))
    assert (found.reachable, found.deployed, found.pending) == (False, (), ())
    assert "GRANT SELECT ON ALL TABLES" in (found.error or "")
    assert plain["password"] not in (found.error or "")


def test_a_role_that_may_read_the_registry_alone_is_told_what_it_does_not_see(
    project: Project, pg: Server, environment: Ask
) -> None:
    staging = environment("staging", 2)
    with role(pg) as plain:
        with connect(staging.target, application_name="x") as owner:
            let_write(owner)
            owner.execute(marks.setup_sql(owner, "pgmig") or "")
            owner.execute(f"GRANT USAGE ON SCHEMA sqitch TO {plain['user']}")
            owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA sqitch TO {plain['user']}")
            owner.execute("CREATE SCHEMA pgmig_keep; CREATE TABLE pgmig_keep.kept ()")
        conninfo = {**staging.target.conninfo, "user": plain["user"]}
        plainly = replace(staging, target=replace(staging.target, conninfo=conninfo, password=plain["password"]))
        found = environment_status(project, plainly)
        assert (found.reachable, len(found.deployed), found.error) == (True, 2, None)
        problem = "which changes are marked `do not deploy` can't be read: permission denied for schema pgmig"
        assert found.marks_problem == problem
        assert found.marks_problem in "".join(text_of(line) for line in remarks(found))
        with connect(plainly.target, application_name="x") as connection:
            for read in (
                lambda: marks.read_marks(connection, "pgmig", "flip"),
                lambda: read_kept(connection, "pgmig_keep"),
            ):
                with pytest.raises(NotPermitted) as refused:
                    read()
                assert f'TO "{plain["user"]}"; GRANT SELECT ON "pgmig' in (refused.value.do or "")


def test_who_waits_for_a_lock_is_counted_for_a_role_that_sees_no_activity_too(
    project: Project, pg: Server, environment: Ask
) -> None:
    staging, other = environment("staging"), environment("other")
    database = staging.target.conninfo["dbname"]
    with role(pg) as plain, session(pg, database) as holder:
        conninfo = {**staging.target.conninfo, "user": plain["user"]}
        plainly = replace(staging, target=replace(staging.target, conninfo=conninfo, password=plain["password"]))
        assert environment_status(project, plainly).waiting == 0
        holder.execute("CREATE TABLE public.held ()")
        holder.execute("BEGIN; LOCK TABLE public.held")

        def wait() -> None:
            with session(pg, database) as waiter:
                waiter.execute("SET lock_timeout = '30s'; LOCK TABLE public.held IN ACCESS SHARE MODE")

        waiting = threading.Thread(target=wait)
        waiting.start()
        until(lambda: environment_status(project, plainly).waiting == 1)
        assert environment_status(project, other).waiting == 0, "of another database of that server"
        holder.execute("ROLLBACK")
        waiting.join(30)
    assert environment_status(project, staging).waiting == 0


def test_a_newer_registry_is_shown_with_a_warning(project: Project, environment: Ask) -> None:
    staging = environment("staging", 2)
    with connect(staging.target, application_name="x") as connection:
        let_write(connection)
        connection.execute("INSERT INTO sqitch.releases VALUES (2.0, DEFAULT, 'x', 'y')")
    found = environment_status(project, staging)
    assert found.reachable
    assert found.registry is not None
    assert found.registry.newer
    assert "newer" in (found.error or "")
    assert len(found.deployed) == 2


@pytest.mark.parametrize("pg", [18], indirect=True)
def test_tags_that_are_not_recorded_are_told(project: Project, environment: Ask, capsys: Capture) -> None:
    staging = environment("staging", 5)
    assert environment_status(project, staging).untagged == ()
    path = project.root / "sqitch.plan"
    path.write_text(path.read_text() + f"@t2 {WHO}\n@t3 {WHO}\n")
    again = load_project(project.root, {"SQITCH_USER_CONFIG": "/nonexistent"})
    found = environment_status(again, staging)
    assert (found.untagged, found.pending, found.diverged) == (("@t2", "@t3"), (), ())
    assert environment_status(again, environment("early", 2)).untagged == ()
    status._show(again, [staging], [found])
    told = capsys.readouterr().out
    assert "everything is deployed" not in told
    assert "every change is deployed everywhere, but not every tag is recorded" in told
    assert "staging: 2 tags of deployed changes not recorded: @t2 and @t3" in told


def test_without_environments_there_are_no_statuses(project: Project) -> None:
    assert statuses(project, []) == []


PLAN = plan("".join(f"c{n} {WHO}\n" for n in range(6)))


def outline(rows: list[DeployedChange]) -> list[tuple[str, str, str | None]]:
    return [(one.change_id, one.name, one.script_hash) for one in rows]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([0, 1, 2], []),
        ([], []),
        ([0, 2, 1, 3], ["c2"]),  # c2 came before c1
        ([0, 1, 3, 4, 5], ["c3"]),  # c2 is missing: the block after it is named once
        ([1, 2, 3], ["c1"]),
        ([5, 4, 3, 2, 1, 0], ["c5", "c4", "c3", "c2", "c1"]),
    ],
)
def test_a_change_deployed_out_of_order_is_a_divergence(order: list[int], expected: list[str]) -> None:
    deployed = [
        replace(row(number, PLAN.changes[index].name, "flip"), change_id=PLAN.changes[index].change_id)
        for number, index in enumerate(order)
    ]
    assert [(one.name, one.problem) for one in divergences(PLAN, outline(deployed))] == [
        (name, "out_of_order") for name in expected
    ]


def test_a_deployed_change_that_the_plan_lacks_is_a_divergence() -> None:
    known = replace(row(1, "c0", "flip"), change_id=PLAN.changes[0].change_id)
    stranger = row(2, "stranger", "flip")
    after = replace(row(3, "c1", "flip"), change_id=PLAN.changes[1].change_id)
    assert divergences(PLAN, outline([known, stranger, after])) == [
        Divergence(stranger.change_id, "stranger", "not_in_plan")
    ]
