"""A plan or a configuration that is written while the screen shows what it was."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.errors import PgmigError
from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.messages import ProjectRead, ScriptsChanged
from pgmig_tui.ui.screens.home import HomeScreen
from tests.e2e.terminal import Terminal, make_project
from tests.servers import Server
from tests.ui.fakes import ENVIRONMENTS, ITEMS, FakeSession, Prepare, UnderReview, facts, impact, plan, status
from tests.ui.robot import Robot, opened

OPEN = tuple(replace(item, blocks=False) for item in ITEMS)
TABLE = "BEGIN;\nCREATE TABLE public.t_{} (id int);\nCOMMIT;\n"
LINE = "{name} 2026-01-01T00:00:0{second}Z Maria Berg <maria@example.org> # one more\n"


async def written(
    robot: Robot, session: FakeSession, changes: int = 11, environments: tuple[int, ...] = (0, 1, 2)
) -> None:
    """The project on disk has so many changes and these environments from now on."""
    await robot.tell(
        ProjectRead(session.others(facts(plan(changes), tuple(ENVIRONMENTS[index] for index in environments))))
    )


async def test_home_shows_the_new_plan_and_the_cursor_and_the_environment_stay_what_they_were() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("dev", 9), status("staging", 5), status("production", 5))
        await robot.press("2", "g", "j", "j")
        home = robot.app.screen
        assert isinstance(home, HomeScreen)
        assert home.matrix.change is not None
        before = home.matrix.change.name
        await robot.press("1")
        await robot.sees("dev: up to date")
        await robot.press("2")
        await written(robot, session, 11, (1, 2))
        await robot.sees("11 changes", "have changed on disk, and were read again")
        assert robot.app.session.facts.environments[robot.app.chosen].name == "staging"
        assert "dev" not in robot.text
        await robot.press("g")
        await robot.sees("> 20250101_0010_generated")
        await robot.press("j", "j", "j", "j")
        assert home.matrix.change.name == before
        await robot.tell(status("staging", 5, plan(11)))
        await robot.sees("staging: 6 pending")


async def test_an_environment_that_leads_elsewhere_has_not_answered_yet_and_is_not_unlocked() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", "u", *"prod", "enter")
        await robot.sees("may be changed")
        other = replace(ENVIRONMENTS[2], host="db2.eu.example.org:5432")
        await robot.tell(ProjectRead(session.others(facts(environments=(*ENVIRONMENTS[:2], other)))))
        await robot.sees("production: asking", "!! PROTECTED !!")
        await robot.press("d")
        await robot.sees("d is off: production has not answered yet")


async def test_files_that_can_not_be_read_are_named_and_what_they_were_stays() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("dev", 5), ProjectRead(None, "pgmig.toml line 3: no such key"))
        await robot.sees("can't be read; shown is what they were: pgmig.toml line 3", "dev: 4 pending")
        await written(robot, session)
        await robot.misses("can't be read")


async def test_a_review_of_what_was_there_before_starts_nothing_until_it_is_read_again() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("d")
        await robot.sees("ready to start")
        await robot.press("E")
        await robot.sees("Type yes")
        await written(robot, session)
        await robot.press(*"yes", "enter")
        await robot.sees("cannot start: plan or configuration have changed")
        await robot.press("escape")
        await robot.sees("nothing was started", "cannot start: plan or configuration")
        await robot.press("E")
        await robot.sees("E is off: plan or configuration have changed on disk since; r reads them again")
        assert session.started == []
        asked = len(session.calls)
        await robot.press("r")
        await robot.sees("ready to start")
        assert session.calls[asked:] == [Prepare("dev", "deploy")]
        await robot.press("E", *"yes", "enter")
        await robot.sees("RUN 20260820")


async def test_a_rollback_is_looked_at_again_and_a_word_for_what_was_shown_before_does_nothing() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("dev", 9))
        await robot.press("R")
        await robot.sees("accept DATA LOSS")
        await robot.press("a", "E")
        await robot.sees("Type yes")
        asked = len(session.calls)
        await written(robot, session)
        await robot.until(lambda: len(session.calls) > asked, "another look")
        await robot.press(*"yes", "enter")
        await robot.sees("cannot start: the data loss is not accepted")
        await robot.press("escape")
        await robot.sees("nothing was started", "the data loss is not accepted")
        assert session.rolled_back == []


def test_the_session_tells_what_is_new_on_disk_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"first": TABLE.format("first")}, {"dev": "db:pg://127.0.0.1:1/nothing"})
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    session = ProjectSession(project, env)
    assert session.reread() is None
    with (project / "sqitch.plan").open("a") as file:
        file.write(LINE.format(name="second", second=1))
    reread = session.reread()
    assert reread is not None
    assert [line.name for line in reread.facts.plan] == ["first", "second"]
    assert len(session.facts.plan) == 1, "nothing changes under what is being drawn"
    reread.take()
    assert (len(session.facts.plan), len(session.project.plan.changes)) == (2, 2)
    assert session.reread() is None
    (project / "pgmig.toml").write_text("[[environment]]\nname = 1\n")
    with pytest.raises(PgmigError):
        session.reread()
    assert session.reread() is None, "it is said once"
    assert len(session.facts.environments) == 1
    (project / "pgmig.toml").write_text('[[environment]]\nname = "live"\ntarget = "db:pg://127.0.0.1:1/live"\n')
    reread = session.reread()
    assert reread is not None
    assert [environment.name for environment in reread.facts.environments] == ["live"]


async def test_scripts_that_change_on_disk_are_read_again_and_named_on_every_screen() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.sees("CRIT")
        changed = plan()[5]
        session.impacts["deploy"] = replace(impact(), statements=())
        await robot.tell(ScriptsChanged((changed.change_id,)))
        await robot.sees(f"changed on disk, and read again: {changed.name}")
        await robot.until(
            lambda: sum("CRIT" in row for row in robot.text.splitlines()[6:]) == 3, "one that is harmless"
        )
        await robot.press("enter")
        await robot.sees("ALTER TABLE dms.documents")
        session.texts["deploy"] = "SELECT 42;"
        await robot.tell(ScriptsChanged((changed.change_id,)))
        await robot.sees("SELECT 42;", "changed on disk, and read again")
        assert "ALTER TABLE dms" not in robot.text


def test_the_session_tells_once_which_of_the_scripts_that_it_has_read_are_others(tmp_path: Path) -> None:
    texts = {name: TABLE.format(name) for name in ("first", "second", "third")}
    project = make_project(tmp_path, texts, {"dev": "db:pg://127.0.0.1:1/nothing"})
    session = ProjectSession(project, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    first, second, third = (line.change_id for line in session.facts.plan)
    session.script(first, "deploy")
    session.impact(second, "revert", "dev", live=False)
    assert session.changed_scripts() == ()
    for path in ("deploy/first.sql", "deploy/third.sql", "revert/second.sql", "verify/first.sql"):
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text("SELECT 'another';\n")
    assert session.changed_scripts() == (first, second), "nobody has read the others"
    assert session.changed_scripts() == ()
    (project / "deploy/first.sql").unlink()
    assert session.changed_scripts() == (first,)
    session.script(third, "deploy")
    assert session.changed_scripts() == ()


def test_a_change_that_is_added_while_the_screen_is_open_is_pending_there(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    project = make_project(tmp_path, {"first": TABLE.format("first")}, {"dev": pg18.uri(database)})
    with Terminal(project) as terminal:
        terminal.sees("dev: 1 pending")
        (project / "deploy" / "second.sql").write_text(TABLE.format("second"))
        with (project / "sqitch.plan").open("a") as file:
            file.write(LINE.format(name="second", second=1))
        terminal.sees("2 changes", "dev: 2 pending").press("q")
        assert terminal.ends() == 0
