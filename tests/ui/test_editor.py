"""The editor's command line, and a terminal that can't be handed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.ui.editor import _call, command, missing
from tests.ui.fakes import FakeSession, Prepare, UnderReview, change_id, status
from tests.ui.robot import opened


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"EDITOR": "vim"}, ["vim", "+12", "/p/deploy/a b.sql"]),
        ({"EDITOR": "vi", "VISUAL": "/usr/bin/nvim -R"}, ["/usr/bin/nvim", "-R", "+12", "/p/deploy/a b.sql"]),
        ({"EDITOR": "code --wait"}, ["code", "--wait", "/p/deploy/a b.sql"]),
        ({"EDITOR": "vim 'unbalanced"}, []),
        ({"EDITOR": ""}, []),
        ({}, []),
    ],
)
def test_how_the_editor_is_called(env: dict[str, str], words: list[str]) -> None:
    assert command(env, Path("/p/deploy/a b.sql"), 12) == words


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"EDITOR": "sh"}, None),
        ({"EDITOR": " "}, "neither VISUAL nor EDITOR is set"),
        ({"EDITOR": "sh 'unbalanced"}, "a quote is open: sh 'unbalanced"),
        ({"EDITOR": "sh", "VISUAL": "/nowhere/\x1b[31mvim -R"}, "there is no program /nowhere/"),
    ],
)
def test_why_there_is_no_editor(env: dict[str, str], why: str | None) -> None:
    told = missing(env)
    assert told is None if why is None else told is not None and why in told and "\x1b" not in told


def test_an_editor_sees_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGPASSWORD", "cAnAry-1")
    monkeypatch.setenv("SQITCH_PASSWORD", "cAnAry-2")
    monkeypatch.setenv("MINE", "kept")
    assert _call(["sh", "-c", f"env > {tmp_path}/seen"]) == ""
    seen = (tmp_path / "seen").read_text()
    assert ("MINE=kept" in seen, "cAnAry" in seen) == (True, False)


async def test_without_an_editor_the_key_says_so_and_a_terminal_that_stays_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("enter")
        await robot.sees("ALTER TABLE dms.documents")
        await robot.press("e")
        await robot.sees("e is off: neither VISUAL nor EDITOR is set")
        monkeypatch.setenv("EDITOR", "no-such-editor -x")
        await robot.press("e")
        await robot.sees("e is off: there is no program no-such-editor")
        monkeypatch.setenv("EDITOR", "sh")
        await robot.press("e")
        await robot.sees("this terminal can't be handed to an editor", "ALTER TABLE dms.documents")


async def test_a_dry_run_starts_at_a_change_that_is_pending() -> None:
    session = FakeSession()
    session.review = UnderReview(())
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("k", "enter")
        await robot.sees("ALTER TABLE dms.documents")
        await robot.press("D")
        await robot.sees("DRY RUN 4 changes", "ready to start")
        assert session.calls[-1] == Prepare("dev", "deploy", change_id(6), "try")
        await robot.press("escape", "escape", "j", "j", "enter")
        await robot.sees("change deployed")
        await robot.press("D")
        await robot.sees("D is off: this change is not pending there")
        assert session.started == []
