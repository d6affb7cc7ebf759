"""The demonstration as it is built for everybody: once for this file, in a state folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database.status import environment_status
from pgmig_tui.demo import project as demo
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.review.drift import from_plan
from pgmig_tui.sandbox.server import scratch_folder
from tests.cli.program import environment
from tests.pictures.__main__ import outdated, play
from tests.pictures.story import QUICK
from tests.pictures.studio import PEOPLE, Studio
from tests.sqitch import Sqitch


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    folder = scratch_folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        # Settings of the caller's that mean another server must not matter.
        patch.setenv("PGDATABASE", "nowhere")
        patch.setenv("SQITCH_USERNAME", "nobody")
        yield folder
        demo.server().destroy()
        # As root the server doesn't lie in the state folder, which its account may not enter.
        subprocess.run(["rm", "-rf", demo.server().folder, folder], check=True)


@pytest.fixture(scope="module")
def paths(state: Path) -> demo.DemoPaths:
    return demo.prepare(False)


def project_of(paths: demo.DemoPaths) -> Project:
    return load_project(paths.project, paths.environment(os.environ))


def ask(dbname: str, sql: str) -> object:
    with psycopg.connect(demo.server().conninfo(dbname)) as connection:
        row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return row[0]


def test_environments_are_at_their_points_of_the_plan(paths: demo.DemoPaths) -> None:
    project = project_of(paths)
    planned = [change.change_id for change in project.plan.changes]
    for one in project.environments:
        status = environment_status(project, one)
        assert status.reachable, status.error
        behind = {"dev": 0, "staging": 2, "production": 5}[one.name]
        assert list(status.deployed) == planned[: len(planned) - behind]
        assert list(status.pending) == planned[len(planned) - behind :]
        assert not status.diverged
    assert [one.policy.protected for one in project.environments] == [False, False, True]


def test_production_is_worth_a_careful_look(paths: demo.DemoPaths) -> None:
    count = "SELECT count(*) FROM dms.documents"
    assert ask("documents_production", count) == 200_000
    assert ask("documents_dev", count) == 2_000
    # The next change rewrites this table: what it will cost is told from these numbers.
    assert ask("documents_production", "SELECT reltuples FROM pg_class WHERE relname = 'documents'") == 200_000
    orphans = "SELECT count(*) FROM dms.documents d LEFT JOIN dms.folders f ON f.id = d.folder_id WHERE f.id IS NULL"
    assert ask("documents_production", orphans) == 0
    assert ask("documents_dev", "SELECT count(*) > 0 FROM dms.search_documents('signing solar')") is True


def test_a_deploy_can_be_watched_and_what_counts_for_that_is_no_drift(paths: demo.DemoPaths, state: Path) -> None:
    assert ask("documents_production", f"SELECT count(*) > 0 FROM public.{demo.COUNTS}")
    project = project_of(paths)
    compared = from_plan(project, project.environments[-1], state_dir=state, say=lambda text: None)
    assert [one.difference.object for one in compared.found] == []


async def test_the_first_pictures_of_the_documents_show_what_the_screens_show(paths: demo.DemoPaths) -> None:
    env = {**paths.environment(os.environ), **PEOPLE}
    stage = Studio(paths, env, datetime.now(UTC).replace(tzinfo=None))
    await play(stage, QUICK)
    assert outdated(stage.pictures) == {}, "`make screens` makes them anew"


def test_a_second_time_nothing_is_built(paths: demo.DemoPaths) -> None:
    edited = paths.project / "deploy" / "20250312_0001_index_search_vector.sql"
    edited.write_text(edited.read_text() + "-- edited\n")
    started = ask("postgres", "SELECT pg_postmaster_start_time()::text")
    assert demo.prepare(False) == paths
    assert ask("postgres", "SELECT pg_postmaster_start_time()::text") == started
    assert edited.read_text().endswith("-- edited\n")


def test_it_stops_and_starts_with_its_databases(paths: demo.DemoPaths) -> None:
    assert demo.stop()
    assert not demo.stop()
    demo.prepare(False)
    assert ask("documents_production", "SELECT count(*) FROM dms.documents") == 200_000


def test_its_folder_is_told_and_commands_work_there(paths: demo.DemoPaths, state: Path) -> None:
    home = environment(state, XDG_STATE_HOME=str(state))
    command = [sys.executable, "-m", "pgmig_tui"]
    told = subprocess.run([*command, "demo", "--path"], env=home, capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == (f"{paths.project}\n", "")
    shown = subprocess.run(
        [*command, "status", "dev"], cwd=told.stdout.strip(), env=home, capture_output=True, text=True
    )
    assert "documents_dev on 18" in shown.stdout
    shown = subprocess.run([*command, "demo"], env=home, capture_output=True, text=True, check=False)
    assert f"project is in {paths.project}: commands can be tried there" in shown.stderr


@pytest.mark.sqitch
def test_the_real_sqitch_sees_the_same(paths: demo.DemoPaths) -> None:
    sqitch = Sqitch(paths.project, paths.bin_dir / "psql")
    assert "Nothing to deploy (up-to-date)" in sqitch.run("status", "dev").stdout
    undeployed = sqitch.run("status", "production").stdout.partition("Undeployed changes:\n")[2].splitlines()
    assert len(undeployed) == 5


def test_half_a_preparation_is_done_again(paths: demo.DemoPaths) -> None:
    """As after Ctrl-C: what was begun has no stamp yet. The same way goes `--reset`, and a sample that has changed."""
    stamp = paths.project.parent / "prepared.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "sample": "another"}))
    demo.server().execute("postgres", "DROP DATABASE documents_staging WITH (FORCE)")
    said: list[str] = []
    demo.prepare(False, say=said.append)
    assert said[0] == "Starting PostgreSQL"
    assert "edited" not in (paths.project / "deploy" / "20250312_0001_index_search_vector.sql").read_text()
    assert {"documents_dev", "documents_staging", "documents_production"} <= demo.server().databases()
