"""In every situation, what is said of a run afterwards is what the database says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.report import incident
from pgmig_tui.report.run_report import markdown, report_document, summary
from pgmig_tui.review import now
from pgmig_tui.run.clients.client import RunHandle
from pgmig_tui.run.clients.undo import bring_back
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.file import INCIDENT
from pgmig_tui.run.journal.picture import picture_of
from tests.after.claims import Claims, check_settlements, check_steps
from tests.after.receipt import check_receipt
from tests.after.scene import FAIL, SLEEP, Ran, Scene, at_event, locked, stop_at
from tests.interop.programs import Sqitch
from tests.run.conftest import ENV
from tests.servers import Server

Situation = Callable[[Scene], None]
SITUATIONS: dict[str, Situation] = {}
ORDER = ("flag", "notes", "index", "total")
"""The steps of a rollback of the second run."""


def situation(scene: Situation) -> Situation:
    SITUATIONS[scene.__name__.replace("_", " ")] = scene
    return scene


def deployed(scene: Scene) -> None:
    """Two runs, and what an application has written since."""
    assert scene.run(to="base").status == 0
    assert scene.run().status == 0
    scene.write("public.orders.total", "UPDATE orders SET total = 5 WHERE id BETWEEN 21 AND 25", 5)
    scene.write("public.notes", "INSERT INTO notes SELECT g, 'b' FROM generate_series(8, 10) g", 3)
    scene.write("public.beside", "INSERT INTO beside VALUES (1), (2)", 2)


# -- rollbacks ---------------------------------------------------------------------------------------------------------


@situation
def a_rollback_of_the_last_run(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback().status == 0


@situation
def a_rollback_to_a_chosen_point_that_saves(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback("index", save=True).status == 0


@situation
def a_rollback_of_everything(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback(everything=True).status == 0


@situation
def a_rollback_with_rows_written_after_the_look(scene: Scene) -> None:
    deployed(scene)
    sql = "INSERT INTO notes SELECT g, 'b' FROM generate_series(100, 200) g"
    assert scene.rollback(between=lambda: scene.query(sql)).status == 0


@situation
def a_rollback_with_an_index_made_by_hand(scene: Scene) -> None:
    deployed(scene)
    scene.query("CREATE INDEX by_hand ON orders (id)")
    assert scene.rollback().status == 0


@situation
def a_rollback_after_which_a_verify_script_fails(scene: Scene) -> None:
    deployed(scene)
    scene.script("verify", "base", "SELECT 1/0;\n")
    assert scene.rollback().status == 0


def _fails_at(number: int, *, save: bool = False) -> Situation:
    def scene_of(scene: Scene) -> None:
        deployed(scene)
        name = ORDER[number - 1]
        scene.edit("revert", name, FAIL, before="DROP TABLE public.beside" if name == "index" else "COMMIT;")
        if save and number > 2:
            assert scene.rollback("notes").status == 0  # what is statement by statement can't be saved
            scene.mend("revert", "index")
            assert scene.rollback("total").status == 0
            assert scene.rollback("base", save=True).status == 1
        else:
            assert scene.rollback("index" if save else None, save=save).status == 1

    return scene_of


for number, name in enumerate(ORDER, 1):
    SITUATIONS[f"a rollback that fails at step {number}, {name}"] = _fails_at(number)
    if name != "index":
        SITUATIONS[f"a rollback that saves and fails at step {number}, {name}"] = _fails_at(number, save=True)


DEFERRED = (
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION no();\n"
)
NO = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''late no''; END'"


@situation
def a_rollback_that_fails_at_commit(scene: Scene) -> None:
    deployed(scene)
    scene.query(NO)
    scene.query(DEFERRED)
    scene.edit("revert", "notes", "INSERT INTO public.orders VALUES (999);\n")
    assert scene.rollback().status == 1


@situation
def a_rollback_that_is_stopped_between_two_steps(scene: Scene) -> None:
    deployed(scene)
    scene.edit("revert", "flag", "SELECT pg_sleep(0.3);\n")

    def meanwhile(handle: RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and event.data["kind"] == "SELECT":
            assert handle.send("pause")
        elif event.name == "run_paused":
            assert handle.send("stop")

    ran = scene.rollback(meanwhile=meanwhile)
    assert ran.status == 3
    assert ran.after.names[-1] == "notes"


@situation
def a_rollback_that_is_stopped_while_a_step_is_recorded(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback(meanwhile=stop_at("step_committing", 1)).status in (1, 3)


@situation
def a_rollback_whose_statement_is_cancelled(scene: Scene) -> None:
    deployed(scene)
    scene.edit("revert", "total", SLEEP)
    assert scene.rollback(meanwhile=stop_at("statement_started", 4, kind="SELECT")).status in (1, 3)


@situation
def a_rollback_that_loses_the_session_of_its_script(scene: Scene) -> None:
    deployed(scene)
    kill = "SELECT pg_terminate_backend(pg_backend_pid());\n"
    scene.edit("revert", "notes", kill)
    assert scene.rollback().status == 1


@situation
def a_rollback_whose_lock_session_is_ended(scene: Scene) -> None:
    deployed(scene)
    control = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%/control'"
    scene.edit("revert", "notes", f"{control} AND datname = current_database();\nSELECT pg_sleep(0.2);\n")
    assert scene.rollback().status == 1


@situation
def a_rollback_that_waits_for_a_reader_and_gives_up(scene: Scene) -> None:
    deployed(scene)
    scene.more = ""
    with locked(scene, "notes"):
        assert scene.rollback().status == 1


def _killed(event: str, step: int, *, sent: bool = False, settled: bool = True, **fields: object) -> Situation:
    def scene_of(scene: Scene) -> None:
        deployed(scene)
        assert scene.rollback(how=at_event(event, step, sent=sent, **fields)).status is None
        if settled:
            scene.reconcile()

    return scene_of


for told, event, step, more in (
    ("before its first step", "run_started", None, {}),
    ("in its second step", "statement_started", 2, {}),
    ("with a COMMIT under way", "step_committing", 2, {"sent": True}),
    ("behind a COMMIT that it has not told", "step_committing", 4, {"sent": True}),
    ("behind a COMMIT", "step_committed", 1, {}),
    ("before it drops an index", "statement_started", 3, {"line": 1}),
    ("while it drops an index", "statement_started", 3, {"line": 1, "sent": True}),
    ("between two statements of a script that is no transaction", "statement_started", 3, {"line": 2}),
):
    for settled in (False, True):
        name = f"a rollback killed {told}{', and settled' if settled else ''}"
        SITUATIONS[name] = _killed(event, step, settled=settled, **more)  # type: ignore[arg-type]


@situation
def a_rollback_killed_when_an_index_script_was_carried_out_and_left(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback(how=at_event("step_applied", 3)).status is None
    scene.reconcile(decide="leave")


@situation
def a_rollback_killed_when_an_index_script_was_carried_out_and_recorded(scene: Scene) -> None:
    deployed(scene)
    assert scene.rollback(how=at_event("step_applied", 3)).status is None
    scene.reconcile(decide="record")


@situation
def a_second_rollback_of_the_rest(scene: Scene) -> None:
    deployed(scene)
    scene.edit("revert", "notes", FAIL)
    assert scene.rollback().status == 1
    assert "of run" in scene.extent().nothing
    scene.mend("revert", "notes")
    assert scene.rollback("base").status == 0
    assert scene.extent().nothing.startswith(
        "what happened last is a revert, of 4 changes (total, index, notes and 1 more)"
    )


@situation
def a_rollback_a_redeploy_an_undo_and_a_rollback_again(scene: Scene) -> None:
    deployed(scene)
    ran = scene.rollback("index", save=True)
    scene.query("UPDATE pgmig.do_not_deploy SET lifted_at = now()")
    assert scene.run().status == 0
    project, environment = scene.project()
    bring_back(project, environment, ran.run_id, scene.state_dir)
    scene.written |= {"public.notes": 3, "public.notes.flag": 4}
    assert scene.rollback().status == 0


@situation
def a_rollback_of_what_another_account_deployed(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    theirs = scene.other()
    assert theirs.run().status == 0
    assert scene.rollback().status == 0


@situation
def a_rollback_by_another_account(scene: Scene) -> None:
    deployed(scene)
    theirs = scene.other()
    theirs.written = scene.written
    assert theirs.rollback().status == 0
    scene.runs += theirs.runs


@situation
def a_rollback_without_tracking(scene: Scene) -> None:
    toml = scene.root / "pgmig.toml"
    toml.write_text(toml.read_text() + 'tracking = "off"\n')
    deployed(scene)
    assert scene.rollback().status == 0
    assert scene.runs[-1].plan.marks is None


@situation
def a_rollback_without_tracking_killed_behind_a_commit(scene: Scene) -> None:
    toml = scene.root / "pgmig.toml"
    toml.write_text(toml.read_text() + 'tracking = "off"\n')
    deployed(scene)
    assert scene.rollback(how=at_event("step_committing", 2, sent=True)).status is None
    scene.reconcile()


@situation
def a_rollback_of_a_run_that_failed(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    scene.edit("deploy", "notes", FAIL)
    assert scene.run().status == 1
    assert scene.rollback().status == 0


@situation
def a_rollback_of_a_run_that_was_killed(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    assert scene.run(how=at_event("step_committing", 3, sent=True)).status is None
    assert scene.rollback().status == 0


# -- reverts and other runs --------------------------------------------------------------------------------------------


@situation
def a_revert(scene: Scene) -> None:
    deployed(scene)
    assert scene.run("revert", to="total").status == 0


@situation
def a_revert_that_fails(scene: Scene) -> None:
    deployed(scene)
    scene.edit("revert", "notes", FAIL)
    assert scene.run("revert", revert_all=True).status == 1


@situation
def a_verification(scene: Scene) -> None:
    deployed(scene)
    assert scene.run("verify").status == 0


@situation
def a_verification_that_fails(scene: Scene) -> None:
    deployed(scene)
    scene.query("DROP INDEX orders_note")
    assert scene.run("verify").status == 1


@situation
def a_dry_run(scene: Scene) -> None:
    scene.run(to="base")
    toml = scene.root / "pgmig.toml"
    toml.write_text(toml.read_text().replace("protected = true\n", ""))
    assert scene.dry_run().status == 0


@situation
def a_dry_run_that_fails(scene: Scene) -> None:
    scene.run(to="base")
    toml = scene.root / "pgmig.toml"
    toml.write_text(toml.read_text().replace("protected = true\n", ""))
    scene.edit("deploy", "total", FAIL)
    assert scene.dry_run().status == 1


# -- deploys -----------------------------------------------------------------------------------------------------------


def _deploy_fails_at(number: int) -> Situation:
    def scene_of(scene: Scene) -> None:
        name = ("base", "total", "index", "notes", "flag")[number - 1]
        scene.edit("deploy", name, FAIL, before="CREATE TABLE public.beside" if name == "index" else "COMMIT;")
        assert scene.run().status == 1

    return scene_of


for number, name in enumerate(("base", "total", "index", "notes", "flag"), 1):
    SITUATIONS[f"a deploy that fails at step {number}, {name}"] = _deploy_fails_at(number)


@situation
def a_deploy_whose_verification_inside_fails(scene: Scene) -> None:
    scene.script("verify", "total", "SELECT 1/0;\n")
    assert scene.run().status == 1


@situation
def a_deploy_whose_verification_afterwards_fails(scene: Scene) -> None:
    scene.script("verify", "index", "SELECT 1/0;\n")
    assert scene.run().status == 1


@situation
def a_deploy_that_fails_at_commit(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    scene.query(NO)
    scene.query(DEFERRED)
    scene.edit("deploy", "notes", "INSERT INTO public.orders VALUES (999);\n")
    assert scene.run().status == 1


@situation
def a_deploy_of_a_unique_index_that_is_left_invalid(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    text = "CREATE UNIQUE INDEX CONCURRENTLY orders_note ON public.orders (note);\n"
    scene.script("deploy", "index", text)
    assert scene.run().status == 1


@situation
def a_log_only_deploy(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    with scene.connect() as connection:
        for name in reversed(ORDER):
            for statement in (scene.root / "deploy" / f"{name}.sql").read_text().split(";\n"):
                connection.execute(statement.encode())
    assert scene.run(log_only=True).status == 0
    assert "only recorded" in scene.extent().nothing


@situation
def a_log_only_deploy_of_what_is_not_there(scene: Scene) -> None:
    assert scene.run(to="base").status == 0
    assert scene.run(log_only=True).status == 1


for told, event, step, more in (
    ("in its second step", "statement_started", 2, {}),
    ("with a COMMIT under way", "step_committing", 2, {"sent": True}),
    ("before it builds an index", "statement_started", 3, {"line": 1}),
    ("while it builds an index", "statement_started", 3, {"line": 1, "sent": True}),
    ("between two statements of a script that is no transaction", "statement_started", 3, {"line": 2}),
):

    def _killed_deploy(scene: Scene, event: str = event, step: int = step, more: dict[str, object] = more) -> None:  # type: ignore[assignment]
        assert scene.run(how=at_event(event, step, **more)).status is None  # type: ignore[arg-type]
        scene.reconcile()

    SITUATIONS[f"a deploy killed {told}, and settled"] = _killed_deploy


@situation
def a_deploy_killed_when_its_index_script_was_carried_out_and_recorded(scene: Scene) -> None:
    assert scene.run(how=at_event("step_applied", 3)).status is None
    scene.reconcile(decide="record")


@situation
def a_deploy_killed_when_its_index_script_was_carried_out_and_left(scene: Scene) -> None:
    assert scene.run(how=at_event("step_applied", 3)).status is None
    scene.reconcile(decide="leave")


# -- the test ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def scene(tmp_path: Path, pg18: Server, database_on: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(now, "SAMPLE_S", 0.02)
    return Scene(tmp_path / "project", pg18, database_on(pg18), tmp_path / "state", dict(ENV))


def check(scene: Scene, ran: Ran) -> int:
    """Everything that is said of a run, by every way in which it is said."""
    claims = Claims(scene, ran)
    events = ran.events()
    found = incident.read(ran.plan.folder)
    cut_off = ran.status is None
    claims.lines(incident.markdown(found).split("\n"))
    claims.lines(markdown(events, cut_off=cut_off).split("\n"))
    claims.lines(summary(picture_of(events)).split("\n") if not cut_off else [])
    told = incident.document(found)
    assert isinstance(told["told"], list)
    claims.lines(told["told"])
    check_steps(claims, told)
    check_steps(claims, report_document(events, cut_off=cut_off))
    check_settlements(claims)
    if ran.concluded:
        assert (ran.plan.folder / INCIDENT).read_text() == incident.markdown(found)
    json.dumps(told)
    return claims.checked + (check_receipt(scene, ran) if ran.review is not None else 0)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_sentence_is_so(scene: Scene, name: str) -> None:
    SITUATIONS[name](scene)
    checked = check(scene, scene.runs[-1])
    assert checked > 30


def test_there_are_enough_situations() -> None:
    assert len(SITUATIONS) >= 60


@pytest.mark.sqitch
def test_what_sqitch_did_before_and_after_is_told_apart(scene: Scene) -> None:
    sqitch = Sqitch(scene.root.parent, scene.server.bin_dir / "psql")
    uri = scene.server.uri(scene.dbname)
    assert scene.run(to="base").status == 0
    sqitch.run(scene.root, "deploy", uri)
    extent = scene.extent()
    assert extent.nothing == "flag was deployed by no run of this program that is known here"
    assert extent.candidate is not None
    assert [change.name for change in extent.candidate.changes] == ["flag", "notes", "index", "total"]
    assert "a guess" in extent.candidate.guess
    assert check(scene, scene.rollback("base")) > 30
    sqitch.run(scene.root, "deploy", uri, "--to", "total")
    scene.query("UPDATE pgmig.do_not_deploy SET lifted_at = now()")
    ours = scene.run()
    sqitch.run(scene.root, "revert", uri, "--to", "index")
    assert scene.extent().nothing.startswith(
        "what happened last is a revert, of 2 changes (notes and flag), the last by"
    )
    scene.script("verify", "flag", "SELECT flag FROM notes WHERE false;\n")
    assert ours.status == 0
    assert report_document(ours.events())["done"] == 3


def test_a_lie_is_found(scene: Scene) -> None:
    """The checker itself: each of these changes makes it fail."""
    deployed(scene)
    ran = scene.rollback("index", save=True)
    assert check(scene, ran) > 30
    lines = incident.markdown(incident.read(ran.plan.folder)).split("\n")
    for old, new in (
        ("2 of 2 changes reverted", "1 of 2 changes reverted"),
        ("gone, and saved: public.notes: 10 rows", "gone, and saved: public.notes: 12 rows"),
        ("- gone, and saved: public.notes", "- lost: public.notes"),
        ("data: GONE ", "data: LOST "),
        ("SAVED 14 rows", "SAVED 10 rows"),
        ("reverted: flag and notes", "reverted: flag"),
        ("lifted since: flag and notes", "lifted since: flag"),
        ("back to index", "back to total"),
        ("3 of 3 of what remains pass", "2 of 2 of what remains pass"),
    ):
        lied = [line.replace(old, new) for line in lines]
        assert lied != lines, (old, "\n".join(lines))
        with pytest.raises(AssertionError):
            Claims(scene, ran).lines(lied)
    with pytest.raises(AssertionError, match="nobody checks"):
        Claims(scene, ran).lines(["- 12 tables were made"])
    with pytest.raises(AssertionError):
        Claims(scene, replace(ran, after=ran.before)).lines(lines)
