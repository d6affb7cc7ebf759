"""The rows of deploys, reverts, failures and tags are Sqitch's, column for column, and only the planned step writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pgmig_tui.database import dependencies, registry
from pgmig_tui.database.connect import Connection, ConnectionLost, ServerError, connect
from pgmig_tui.project.plan import Change, Plan, read_plan
from tests.database.places import OPERATOR, Databases, place, plan, session, until
from tests.database.rows import registry_rows
from tests.servers import Server
from tests.sqitch import Sqitch

CHAIN = plan(
    "a 2024-01-01T00:00:00Z T <t@example.com>\n"
    "b [a !zzz:x] 2024-01-01T00:00:01Z T <t@example.com> # second\n"
    "@t1 2024-01-01T00:00:02Z T <t@example.com>\n"
    "c [b@t1] 2024-01-01T00:00:03Z T <t@example.com>\n"
)


class Deployer:
    """Records steps as a run does: guard and rows in one transaction of a step's own session."""

    def __init__(self, control: Connection, step: Connection, the_plan: Plan) -> None:
        self.control, self.step, self.plan = control, step, the_plan
        assert registry.try_lock(control)
        registry.prepare_registry(control, "sqitch", the_plan, OPERATOR, self.state())

    def state(self) -> registry.RegistryState:
        return registry.read_state(self.control, "sqitch", None)

    def guard(self, expected: str | None) -> str:
        return registry.step_guard_sql("sqitch", self.plan.project, expected, self.control.pid)

    def transaction(self, expected: str | None, rows: str) -> None:
        try:
            self.step.execute(f"BEGIN; {registry.record_sql(self.guard(expected), rows)}; COMMIT")
        except ServerError:
            self.step.execute("ROLLBACK")
            raise

    def deploy(self, change: Change, script_hash: str | None = None) -> None:
        deployed = self.state().deployed
        resolved = dependencies.resolve_requires(self.plan, change, dependencies.Registered(deployed))
        rows = registry.deploy_rows_sql("sqitch", self.plan, change, script_hash, resolved, OPERATOR)
        self.transaction(self.last, rows)

    def revert(self) -> None:
        deployed = self.state().deployed[-1]
        self.transaction(deployed.change_id, registry.revert_rows_sql("sqitch", deployed, OPERATOR))

    @property
    def last(self) -> str | None:
        deployed = self.state().deployed
        return deployed[-1].change_id if deployed else None


@pytest.fixture
def deployer(pg: Server, database_on: Databases):  # type: ignore[no-untyped-def]
    name = database_on(pg)
    with session(pg, name) as control, session(pg, name, "pgmig/test/1") as step:
        yield Deployer(control, step, CHAIN)


@pytest.mark.sqitch
def test_rows_as_sqitch_writes_them(pg: Server, database_on: Databases, sqitch_project: Sqitch) -> None:
    theirs, ours = database_on(pg), database_on(pg)
    uri = pg.uri(theirs)
    the_plan = read_plan(sqitch_project.project / "sqitch.plan")
    scripts = ["users@v1", "flips", "users", "legacy"]
    with session(pg, ours) as control, session(pg, ours) as step:
        deployer = Deployer(control, step, the_plan)
        hashes = [_sha1(sqitch_project.project / "deploy" / f"{name}.sql") for name in scripts]

        # A conflict that is planned later, deployed.
        sqitch_project.run("deploy", "--log-only", "--no-verify", uri)
        for change, script_hash in zip(the_plan.changes, hashes, strict=True):
            deployer.deploy(change, script_hash)
        assert registry_rows(pg, ours) == registry_rows(pg, theirs)
        assert _ordered(pg, ours)

        # Back to the first change, and forward by two.
        sqitch_project.run("revert", "--log-only", "-y", "--to", "@ROOT", uri)
        for _ in range(3):
            deployer.revert()
        sqitch_project.run("deploy", "--log-only", "--no-verify", "--to", "users@HEAD", uri)
        for change, script_hash in list(zip(the_plan.changes, hashes, strict=True))[1:3]:
            deployer.deploy(change, script_hash)
        assert registry_rows(pg, ours) == registry_rows(pg, theirs)
        assert _ordered(pg, ours)

        # A script that fails, and a script that isn't there (no hash).
        (sqitch_project.project / "deploy" / "legacy.sql").write_text("SELECT 1/0;\n")
        assert sqitch_project.run("deploy", "--no-verify", "--mode", "change", uri, check=False).returncode == 2
        control.execute(registry.fail_event_sql("sqitch", the_plan, the_plan.changes[3], OPERATOR))
        (sqitch_project.project / "deploy" / "legacy.sql").unlink()
        sqitch_project.run("deploy", "--log-only", "--no-verify", uri)
        deployer.deploy(the_plan.changes[3], None)
        assert registry_rows(pg, ours) == registry_rows(pg, theirs)

        # New tags of the last deployed change.
        with (sqitch_project.project / "sqitch.plan").open("a", encoding="utf-8") as file:
            file.write("@late 2024-02-01T00:00:00Z Zoë Müller <zoe@example.com> # Late\n")
        tagged = read_plan(sqitch_project.project / "sqitch.plan")
        sqitch_project.run("deploy", "--log-only", "--no-verify", uri)
        have = [row.tag_id for row in deployer.state().deployed[-1].tag_rows]
        control.execute(registry.tag_rows_sql("sqitch", tagged, tagged.changes[3], OPERATOR, have))
        assert registry_rows(pg, ours) == registry_rows(pg, theirs)
        assert deployer.state().deployed[-1].tags == ("@late",)
        have = [row.tag_id for row in deployer.state().deployed[-1].tag_rows]
        assert registry.tag_rows_sql("sqitch", tagged, tagged.changes[3], OPERATOR, have) == ""
        # Inserting it once more, as after a race, changes nothing.
        control.execute(registry.tag_rows_sql("sqitch", tagged, tagged.changes[3], OPERATOR))
        assert registry_rows(pg, ours) == registry_rows(pg, theirs)

    # Each continues where the other stopped.
    sqitch_project.run("revert", "--log-only", "-y", pg.uri(ours))
    assert registry_rows(pg, ours)["changes"] == []


def _sha1(path: Path) -> str:
    import hashlib

    return hashlib.sha1(path.read_bytes()).hexdigest()


def _ordered(server: Server, database: str) -> bool:
    """Within a change: changes < tags < events; across changes strictly increasing."""
    rows = server.execute(
        """SELECT bool_and(c.committed_at > previous),
                  bool_and(NOT EXISTS (SELECT FROM sqitch.tags t
                                        WHERE t.change_id = c.change_id AND t.committed_at <= c.committed_at)),
                  bool_and(EXISTS (SELECT FROM sqitch.events e
                                    WHERE e.change_id = c.change_id AND e.event = 'deploy'
                                      AND e.committed_at > (SELECT coalesce(max(t.committed_at), c.committed_at)
                                                              FROM sqitch.tags t WHERE t.change_id = c.change_id)))
             FROM (SELECT *, coalesce(lag(committed_at) OVER (ORDER BY committed_at), '-infinity') AS previous
                     FROM sqitch.changes) AS c""",
        database,
    )
    return all(rows[0])


def test_events_read_back_newest_first(deployer: Deployer) -> None:
    for change in CHAIN.changes:
        deployer.deploy(change)
    deployer.revert()
    events = registry.read_events(deployer.control, "sqitch")
    assert [(event.event, event.change) for event in events] == [
        ("revert", "c"),
        ("deploy", "c"),
        ("deploy", "b"),
        ("deploy", "a"),
    ]
    second = events[2]
    assert (second.requires, second.conflicts, second.tags, second.note) == (("a",), ("zzz:x",), ("@t1",), "second")
    assert second.planned_at == "2024-01-01T00:00:01Z"
    assert len(registry.read_events(deployer.control, "sqitch", project="flip", limit=2)) == 2
    assert registry.read_events(deployer.control, "sqitch", project="other") == ()


def test_reverts_delete_dependencies_even_where_foreign_keys_don_t_fire(deployer: Deployer) -> None:
    for change in CHAIN.changes:
        deployer.deploy(change)
    deployer.step.execute("SET session_replication_role = replica")
    for _ in CHAIN.changes:
        deployer.revert()
    for table in ("changes", "tags", "dependencies"):
        assert deployer.control.one(f"SELECT count(*) FROM sqitch.{table}") == (0,)
    assert deployer.control.one("SELECT count(*) FROM sqitch.events WHERE event = 'revert'") == (3,)


def test_times_increase_even_when_the_clock_was_set_back(deployer: Deployer) -> None:
    deployer.deploy(CHAIN.changes[0])
    deployer.control.execute("UPDATE sqitch.changes SET committed_at = clock_timestamp() + interval '1 hour'")
    deployer.deploy(CHAIN.changes[1])
    deployer.deploy(CHAIN.changes[2])
    state = deployer.state()
    assert [change.name for change in state.deployed] == ["a", "b", "c"]
    times = [change.committed_at for change in state.deployed]
    assert times == sorted(set(times))
    assert state.deployed[1].committed_at < state.deployed[1].tag_rows[0].committed_at
    events = registry.read_events(deployer.control, "sqitch")
    assert state.deployed[1].tag_rows[0].committed_at < events[1].committed_at
    assert [event.change for event in events] == ["c", "b", "a"]


@pytest.mark.parametrize("expected", [None, "0" * 40])
def test_a_step_planned_on_another_change_records_nothing(deployer: Deployer, expected: str | None) -> None:
    deployer.deploy(CHAIN.changes[0])
    rows = registry.deploy_rows_sql(
        "sqitch", CHAIN, CHAIN.changes[1], None, {"a": CHAIN.changes[0].change_id}, OPERATOR
    )
    with pytest.raises(ServerError) as caught:
        deployer.transaction(expected, rows)
    sentence = registry.guard_failure(caught.value)
    assert sentence is not None
    assert sentence.startswith(f"the last deployed change is not {expected or 'none'}, on which this step was planned")
    assert [change.name for change in deployer.state().deployed] == ["a"]
    deployer.transaction(CHAIN.changes[0].change_id, rows)
    assert [change.name for change in deployer.state().deployed] == ["a", "b"]


def test_a_step_whose_control_session_is_gone_records_nothing(pg: Server, deployer: Deployer) -> None:
    rows = registry.deploy_rows_sql("sqitch", CHAIN, CHAIN.changes[0], None, {}, OPERATOR)
    guard = deployer.guard(None)
    control = deployer.control
    pg.execute(f"SELECT pg_terminate_backend({control.pid})")
    until(lambda: pg.execute(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {control.pid}")[0][0] == 0)
    with pytest.raises(ServerError) as caught:
        deployer.step.execute(f"BEGIN; {registry.record_sql(guard, rows)}; COMMIT")
    assert (registry.guard_failure(caught.value) or "").startswith("the control session lost the deployment lock")
    deployer.step.execute("ROLLBACK")
    assert deployer.step.one("SELECT count(*) FROM sqitch.changes") == (0,)
    with pytest.raises(ConnectionLost):
        control.execute("SELECT 1")


def test_other_errors_are_no_guard_s() -> None:
    assert registry.guard_failure(ServerError("division by zero", sqlstate="22012")) is None


def test_an_unresolved_requirement_is_never_written() -> None:
    with pytest.raises(KeyError):
        registry.deploy_rows_sql("sqitch", CHAIN, CHAIN.changes[1], None, {}, OPERATOR)


def test_rows_survive_what_a_script_may_leave_behind(pg: Server, database_on: Databases) -> None:
    """Backslashes mean something where a script turned standard_conforming_strings off."""
    odd = plan("a 2024-01-01T00:00:00Z O'Brien \\\\ <t@example.com> # it\\\\'s \\n 'quoted' $$ %s %% :'x'\n")
    name = database_on(pg)
    with session(pg, name) as control, connect(place(pg, name), application_name="x", script=True) as step:
        deployer = Deployer(control, step, odd)
        step.execute("SET standard_conforming_strings = off; SET DateStyle = 'German'; SET TimeZone = 'Asia/Kathmandu'")
        deployer.deploy(odd.changes[0])
        deployed = deployer.state().deployed[0]
    assert deployed.note == odd.changes[0].note
    assert "\\" in deployed.note
    assert deployed.planner_name == odd.changes[0].planner_name
    assert deployed.planned_at == "2024-01-01T00:00:00Z"


def names(changes: Sequence[registry.DeployedChange]) -> list[str]:
    return [change.name for change in changes]


def test_state_of_one_project_and_of_all(pg: Server, database_on: Databases) -> None:
    from dataclasses import replace

    name = database_on(pg)
    other = replace(plan("x 2024-01-01T00:00:00Z T <t@example.com>\n"), project="other")
    with session(pg, name) as control, session(pg, name) as step:
        deployer = Deployer(control, step, CHAIN)
        deployer.deploy(CHAIN.changes[0])
        registry.register_project(control, "sqitch", other, OPERATOR)
        deployer.plan = other
        deployer.transaction(None, registry.deploy_rows_sql("sqitch", other, other.changes[0], "h", {}, OPERATOR))
        assert names(registry.read_deployed(control, "sqitch", "flip")) == ["a"]
        assert names(registry.read_deployed(control, "sqitch", "other")) == ["x"]
        assert names(registry.read_deployed(control, "sqitch", None)) == ["a", "x"]
