"""What was done is told by registry and tracking together: by this program, by sqitch, in part, and by hand."""

from __future__ import annotations

import psycopg

from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.review.audit import audit_all, audit_one
from pgmig_tui.review.history import HistoryFilter, read_history
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare
from tests.database.places import session
from tests.database.test_tracking_upgrade import fill_version_1, make_version_1
from tests.run.conftest import ENV, Workshop
from tests.sqitch import Sqitch

TABLE = "BEGIN;\nCREATE TABLE public.{} (id int);\nCOMMIT;\n"
DROP = "BEGIN;\nDROP TABLE public.{};\nCOMMIT;\n"
BROKEN = "BEGIN;\nCREATE TABLE public.c (id int);\n\nSELECT 1/0;\nCOMMIT;\n"


def deeds(workshop: Workshop, change: str | None = None, since: str | None = None) -> list[tuple[str, str, str, str]]:
    found = read_history(*workshop.project(), HistoryFilter(change, since))
    return [(one.operation, one.change, one.outcome, one.told_by) for one in found.deeds]


def against(workshop: Workshop) -> list[str]:
    return [one.split(" by tracking")[0] for one in read_history(*workshop.project()).contradictions]


BOTH = "registry and tracking"


def test_one_row_a_step_with_its_outcome(workshop: Workshop) -> None:
    workshop.change("a", TABLE.format("a"), DROP.format("a"), "SELECT id FROM public.a;\n")
    workshop.change("b", TABLE.format("b") + "CREATE INDEX CONCURRENTLY i ON public.b (id);\n", "", "SELECT 1/0;\n")
    assert workshop.run().status == 1
    assert workshop.run("revert", to="a").status == 0
    (workshop.root / "deploy/b.sql").write_text(BROKEN)
    failed = workshop.run()
    assert failed.status == 1
    assert workshop.run(log_only=True, verify=False).status == 0
    assert workshop.run("verify").status == 1
    assert deeds(workshop) == [
        ("deploy", "a", "done", BOTH),
        ("deploy", "b", "verify_failed", BOTH),
        ("revert", "b", "done", BOTH),
        ("deploy", "b", "failed", BOTH),
        ("deploy", "b", "recorded_only", BOTH),
        ("verify", "a", "done", "tracking"),
        ("verify", "b", "verify_failed", "tracking"),
    ]
    rows = workshop.query(
        "SELECT outcome, success, verified, sqlstate, message, failed_at, run_id, change_id IS NOT NULL,"
        " length(deploy_hash) + length(verify_hash), environment, session_role"
        " FROM pgmig.schema_migrations ORDER BY id"
    )
    role, plan = workshop.server.parameters["user"], failed.plan
    noted = workshop.query("SELECT id, schema_before FROM pgmig.schema_migrations WHERE schema_before IS NOT NULL")
    assert [(4, failed.named("schema_noted")[0]["digest"])] == [one for one in noted if one[0] == 4]
    assert [number for number, _ in noted] == [1, 4, 5], "the first step of each deploy"
    name = plan.environment
    assert [row[:6] for row in rows] == [
        ("done", True, True, None, None, None),
        ("verify_failed", False, False, "22012", "division by zero", "verify/b.sql:1"),
        ("done", True, None, None, None, None),
        ("failed", False, None, "22012", "division by zero", "deploy/b.sql:4"),
        ("recorded_only", True, None, None, None, None),
        ("done", True, True, None, None, None),
        ("verify_failed", False, False, "22012", "division by zero", "verify/b.sql:1"),
    ]
    assert {row[7:] for row in rows} == {(True, 128, name, role)}
    assert rows[3][6] == plan.run_id
    ((statement, line, sqlstate, objects),) = workshop.query(
        "SELECT a.sql_statement, a.line, a.sqlstate, a.objects FROM pgmig.schema_audit a"
        " JOIN pgmig.schema_migrations m ON m.id = a.migration_id WHERE m.outcome = 'failed'"
    )
    assert (statement, line, sqlstate, objects) == ("SELECT 1/0;", 4, "22012", None)
    found = audit_one(workshop.project()[1])
    assert (found.state, found.links) == ("intact", 7)
    assert deeds(workshop, change="a") == [("deploy", "a", "done", BOTH), ("verify", "a", "done", "tracking")]
    assert deeds(workshop, since="2999-01-01") == []


def test_what_sqitch_did_is_adopted_and_a_contradiction_is_told_until_then(workshop: Workshop) -> None:
    sqitch = Sqitch(workshop.root, workshop.server.bin_dir / "psql")
    for name in ("a", "b", "c"):
        workshop.change(name, TABLE.format(name), DROP.format(name))
    sqitch.run("deploy", workshop.uri, "--to", "a")
    assert workshop.run(to="b").status == 0
    assert deeds(workshop) == [
        ("deploy", "a", "done", "registry"),
        ("adopt", "a", "adopted", "tracking"),
        ("deploy", "b", "done", BOTH),
    ]
    assert against(workshop) == []
    sqitch.run("revert", workshop.uri, "-y")
    assert sorted(against(workshop)) == [
        "a is not deployed by the registry, and deployed", "b is not deployed by the registry, and deployed",
    ]  # fmt: skip
    sqitch.run("deploy", workshop.uri, "--to", "a")
    assert against(workshop) == ["b is not deployed by the registry, and deployed"]
    assert workshop.run(to="b").status == 0
    assert against(workshop) == []
    rows = workshop.query("SELECT version, success, message FROM pgmig.schema_migrations WHERE operation = 'adopt'")
    assert [row[:2] for row in rows] == [("a", True), ("b", False)]
    assert "reverted by Test Operator <operator@example.com> at 2" in rows[1][2]
    done = workshop.run(to="c")
    assert done.named("registry_prepared") == []


def two(workshop: Workshop) -> tuple[Project, Environment, str]:
    """The project with a second environment, on a database of its own."""
    other = workshop.server.create_database()
    workshop.toml = (
        '[[environment]]\nname = "stage"\ntarget = "$STAGE"\n[[environment]]\nname = "box"\ntarget = "$URI"\n'
    ).replace("$STAGE", workshop.server.uri(other))
    workshop.project()
    project = load_project(workshop.root, ENV)
    return project, project.environment("stage"), other


def test_environments_witness_each_other(workshop18: Workshop) -> None:
    """A database that is rewritten, by its superuser and with a chain computed anew, is found by what another saw."""
    workshop = workshop18
    for name in ("a", "b", "c"):
        workshop.change(name, TABLE.format(name), DROP.format(name))
    _, stage, other = two(workshop)
    try:

        def deploy(environment: Environment, to: str) -> None:
            project = load_project(workshop.root, ENV)
            plan = prepare(project, environment, "deploy", Options(to=to), state_dir=workshop.state_dir)
            assert workshop.finish(plan).status == 0

        def states() -> dict[str, str]:
            return {one.environment: one.state for one in audit_all(load_project(workshop.root, ENV))}

        box = workshop.project()[1]
        deploy(stage, "c")
        deploy(box, "a")
        assert states() == {"stage": "intact", "box": "intact"}
        ((item, state),) = workshop.query("SELECT item, state FROM pgmig.evidence")
        assert (item, state) == ("witness:stage", "PASS")
        with psycopg.connect(workshop.server.conninfo(other), autocommit=True) as owner:
            last = "(SELECT max(seq) FROM pgmig.schema_migrations)"
            owner.execute(f"DELETE FROM pgmig.schema_migrations WHERE seq = {last}".encode())
            assert states()["stage"] == "shortened"
            owner.execute(
                "UPDATE pgmig.tracking_head SET (seq, hash) = (SELECT seq, hash FROM pgmig.schema_migrations"
                f" WHERE seq = {last})".encode()
            )
            assert states()["stage"] == "shortened", "the chain is whole, and another environment has seen more of it"
            owner.execute("UPDATE pgmig.schema_migrations SET outcome = 'failed'")
            assert states()["stage"] == "altered"
            owner.execute("DROP SCHEMA pgmig CASCADE")
            assert states()["stage"] == "shortened", "another environment has seen what isn't there any more"
            assert audit_one(stage).state == "not kept", "its own record can't tell that there was one"
        deploy(stage, "c")
        workshop.query("SELECT 1")
        with psycopg.connect(workshop.server.conninfo(other), autocommit=True) as owner:
            owner.execute("DELETE FROM sqitch.dependencies; DELETE FROM sqitch.changes; DROP TABLE a, b, c")
        deploy(stage, "a")
        assert states() == {"stage": "re-created", "box": "intact"}
    finally:
        workshop.server.drop_database(other)


def test_nothing_of_a_clone_stands_for_another(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("a", TABLE.format("a"), DROP.format("a"))
    assert workshop.run().status == 0
    copy = f"{workshop.dbname}_copy"
    workshop.server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{workshop.dbname}"')
    try:
        workshop.toml = (
            '[[environment]]\nname = "stage"\ntarget = "$STAGE"\n[[environment]]\nname = "box"\ntarget = "$URI"\n'
        ).replace("$STAGE", workshop.server.uri(copy))
        workshop.project()
        found = audit_all(load_project(workshop.root, ENV))
        assert sorted(one.state for one in found) == ["intact", "re-created"]
        (copied,) = [one for one in found if one.state == "re-created"]
        assert "it was copied from there" in copied.details[0]
    finally:
        workshop.server.drop_database(copy)


def test_version_1_is_upgraded_by_the_next_deploy_that_said_so_and_by_nothing_else(workshop: Workshop) -> None:
    workshop.change("a", TABLE.format("a"), DROP.format("a"), "SELECT id FROM public.a;\n")
    workshop.change("b", TABLE.format("b"), DROP.format("b"))
    with session(workshop.server, workshop.dbname) as connection:
        make_version_1(connection)
        fill_version_1(connection)
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'pgmig.schema_migrations'::regclass AND attnum > 0"
    plan = workshop.plan(to="a")
    assert any("are upgraded to version 2 before the first step" in one for one in plan.warnings)
    assert plan.creates == ("sqitch",)
    assert workshop.query(columns) == [(7,)]
    done = workshop.finish(plan)
    assert done.status == 0
    assert "upgraded the tracking tables in schema pgmig" in [
        one["message"] for one in done.named("registry_prepared")
    ]  # fmt: skip
    assert workshop.query("SELECT count(*) FROM pgmig.schema_migrations WHERE project IS NULL") == [(6,)]
    again = workshop.plan(to="b")
    assert not any("upgraded" in one for one in again.warnings)
    found = audit_one(workshop.project()[1])
    assert (found.state, found.links) == ("intact", 8), "one that was unverified isn't deployed: that was adopted"
    assert workshop.run(to="b").named("registry_prepared") == []


def test_what_only_looks_leaves_version_1_as_it_is(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("a", TABLE.format("a"), DROP.format("a"), "SELECT id FROM public.a;\n")
    Sqitch(workshop.root, workshop.server.bin_dir / "psql").run("deploy", workshop.uri)
    with session(workshop.server, workshop.dbname) as connection:
        make_version_1(connection)
    assert workshop.run("verify").status == 0
    assert workshop.query("SELECT version, description, success FROM pgmig.schema_migrations") == [
        ("a", f"verify {workshop.plan('verify').steps[0].change_id[:8]}: a", True)
    ]
    assert audit_one(workshop.project()[1]).state == "not kept"
    assert deeds(workshop) == [("deploy", "a", "done", "registry")]
