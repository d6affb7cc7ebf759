"""Marking a change deployed, and dry runs, as the screens ask for them, on a real server."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.backend.protocol import Answered, ReviewFacts, Watch
from tests.e2e.terminal import DEADLINE_S, make_project
from tests.servers import Server

BAD = "BEGIN;\nCREATE TABLE public.t_second (id int);\nSELECT 1/0;\nCOMMIT;\n"
SCRIPTS = {"first": "BEGIN;\nCREATE TABLE public.t_first (id int);\nCOMMIT;\n", "second": BAD}


@pytest.fixture
def session(tmp_path: Path, pg18: Server, database: str) -> ProjectSession:
    project = make_project(tmp_path, SCRIPTS, {"dev": pg18.uri(database)})
    for name in SCRIPTS:
        (project / "verify" / f"{name}.sql").write_text(f"SELECT id FROM public.t_{name} WHERE false;\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return ProjectSession(project, env)


def run(session: ProjectSession, review: ReviewFacts) -> tuple[int, str]:
    """Exit status and ID of a run."""
    return ended(session.start(review, ()))


def ended(handle: Watch) -> tuple[int, str]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        finished = [event for event in handle.poll() if event.name == "run_finished"]
        if finished:
            return int(finished[0].data["exit_status"]), handle.run_id
        assert time.monotonic() < deadline, "the run doesn't end"
        time.sleep(0.02)


def test_a_change_is_marked_only_after_its_verify_script_has_spoken(
    session: ProjectSession, pg18: Server, database: str
) -> None:
    first, second = (line.change_id for line in session.facts.plan)
    assert "first" in session.evidence("dev", second).problem
    status, run_id = run(session, session.prepare("dev", "deploy", None))
    assert status == 1
    assert session.recorded(run_id, "deploy/second.sql") == BAD
    with pytest.raises(KeyError):
        session.recorded(run_id, "deploy/other.sql")
    against = session.evidence("dev", second)
    assert against.ok is False
    assert 'relation "public.t_second" does not exist' in against.told
    assert session.status("dev").deployed == frozenset([first])
    pg18.execute("CREATE TABLE public.t_second (id int)", database)
    spoken = session.evidence("dev", second)
    assert spoken.ok is True
    assert spoken.told.startswith("verify/second.sql on dev passed in ")
    assert session.status("dev").deployed == frozenset([first])
    review = session.prepare("dev", "deploy", second, how="record")
    assert [step.mode for step in review.steps] == ["record"]
    assert run(session, review)[0] == 0
    assert session.status("dev").deployed == frozenset([first, second])
    assert session.evidence("dev", second).problem == "it is recorded already"


def test_without_a_verify_script_nothing_speaks_for_a_change(session: ProjectSession) -> None:
    first = session.facts.plan[0].change_id
    (session.project.root / "verify" / "first.sql").unlink()
    evidence = session.evidence("dev", first)
    assert (evidence.ok, evidence.problem) == (None, "")
    assert evidence.told.startswith("there is no evidence")


def test_a_dry_run_leaves_nothing_and_needs_no_checklist(session: ProjectSession, pg18: Server, database: str) -> None:
    review = session.prepare("dev", "deploy", None, how="try")
    assert [step.change for step in review.steps] == ["first"]
    assert review.items == ()
    assert run(session, review)[0] == 0
    assert session.status("dev").deployed == frozenset()
    assert pg18.execute("SELECT to_regclass('public.t_first')::text", database) == [(None,)]


def test_a_revert_of_everything_says_so(session: ProjectSession) -> None:
    first = session.facts.plan[0].change_id
    assert run(session, session.prepare("dev", "deploy", first))[0] == 0
    review = session.prepare("dev", "revert", "")
    assert [step.change for step in review.steps] == ["first"]
    assert review.to == "nothing: everything is reverted"


def test_what_was_rolled_back_is_deployed_again_once_its_mark_is_lifted(
    session: ProjectSession, pg18: Server, database: str
) -> None:
    first = session.facts.plan[0].change_id
    assert run(session, session.prepare("dev", "deploy", first))[0] == 0
    back = session.look_back("dev", None, None)
    assert not back.loses
    pg18.execute("INSERT INTO public.t_first VALUES (1), (2)", database)
    with pytest.raises(Refused, match="is not empty any more") as refused:  # between the look and the word
        session.roll_back(back, [])
    (told,) = refused.value.details
    assert told.startswith("public.t_first: 2 rows")
    assert session.status("dev").deployed == frozenset([first])
    back = session.look_back("dev", None, None)
    assert back.loses.known == (told,)
    watch = session.roll_back(back, [Answered("data-loss", "attest", "a table of a test")])
    assert watch is not None
    assert ended(watch)[0] == 0
    marked = session.prepare("dev", "deploy", first)
    assert [(mark.change_id, mark.change) for mark in marked.marks] == [(first, "first")]
    assert (marked.steps, marked.items) == ((), ())
    session.lift("dev", [first], "it was only a try", print)
    rows = pg18.execute(
        "SELECT version, outcome, message FROM pgmig.schema_migrations WHERE operation = 'repair'", database
    )
    assert rows == [("first", "done", "do not deploy was lifted: it was only a try")]
    again = session.prepare("dev", "deploy", first)
    assert [step.change for step in again.steps] == ["first"]
    assert run(session, again)[0] == 0
    assert session.status("dev").deployed == frozenset([first])


def test_a_real_lock_watch_sees_ends_and_closes(session: ProjectSession, pg18: Server, database: str) -> None:
    import psycopg

    watch = session.lock_watch("dev")
    assert watch.read().sessions == ()
    with psycopg.connect(pg18.conninfo(database), application_name="idler") as idler:
        pid = idler.info.backend_pid
        asked = f"SELECT backend_start AT TIME ZONE 'UTC' || '+00' FROM pg_stat_activity WHERE pid = {pid}"
        started = pg18.execute(asked)[0][0]
        assert not watch.end(pid, "2001-01-01 00:00:00+00", terminate=True)
        assert idler.execute("SELECT 1").fetchone() == (1,)
        assert watch.end(pid, str(started), terminate=True)
        with pytest.raises(psycopg.OperationalError):
            idler.execute("SELECT 1")
    watch.close()
    assert watch.read().problem == ""


def test_a_backfill_is_reviewed_started_stopped_and_gone_on_with(
    session: ProjectSession, pg18: Server, database: str
) -> None:
    pg18.execute("CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)", database)
    pg18.execute("INSERT INTO public.t SELECT g FROM generate_series(1, 3000) g", database)
    script = "-- pgmig: backfill table=public.t key=id batch=100\nUPDATE public.t SET n = 1000 / (2500 - id);\n"
    (session.project.root / "deploy" / "second.sql").write_text(script)
    second = session.facts.plan[1].change_id
    review = session.prepare("dev", "backfill", second)
    assert (review.command, [step.mode for step in review.steps]) == ("backfill", ["batches"])
    assert any("through public.t by id" in text_of(told) for told in review.told)
    assert pg18.execute("SELECT sum(n) FROM public.t", database) == [(0,)]
    status, run_id = run(session, review)
    assert status == 1
    pg18.execute("DELETE FROM public.t WHERE id = 2500", database)
    review = session.prepare("dev", "backfill", run_id)
    assert any(f"goes on with {run_id}" in text_of(told) for told in review.told)
    assert run(session, review)[0] == 0
    assert pg18.execute("SELECT count(*) FROM public.t WHERE n = 1000 / (2500 - id)", database) == [(2999,)]
