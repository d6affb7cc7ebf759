"""What holds on every screen: keys, help, size, hostile texts, threads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.color import Color

from pgmig_tui.display.activity import Blocker
from pgmig_tui.review.verify_evidence import VerifyEvidence
from pgmig_tui.ui.app import unfit_terminal
from pgmig_tui.ui.backend.protocol import LockSession, RunFacts, StatusFacts
from pgmig_tui.ui.keys import FOOTED, footer
from pgmig_tui.ui.themes import THEMES
from tests.ui.fakes import ENVIRONMENTS, NOW, FakeSession, UnderReview, facts, plan, status
from tests.ui.fakes import event as event_at
from tests.ui.robot import opened
from tests.ui.screens import SCREENS

EVERY_KEY = [key for screen in SCREENS.values() for key in screen.all_keys()]
HOSTILE = (
    "[/] [red]x[/red] [/foo] \x1b[31mESC\x1b]0;title\x07 \x00NUL \u202eevil\u2028line \t tab 漢字 " + "long" * 2000
)

AT = "2026-08-20T03:13:00Z"
STEP = {"number": 1, "action": "deploy", "change": HOSTILE}


@pytest.mark.parametrize("screen_id", SCREENS)
def test_no_key_has_two_meanings_on_one_screen(screen_id: str) -> None:
    taken = [part for key in SCREENS[screen_id].all_keys() for part in key.keys.split(",")]
    assert sorted(taken) == sorted(set(taken))


def test_a_dangerous_key_is_a_capital_or_leads_to_a_dialog() -> None:
    for key in EVERY_KEY:
        if key.dangerous:
            assert key.shown.isupper() or key.label.endswith(".."), key.id
            assert not {"enter", "space", "y", "escape"} & set(key.keys.split(",")), key.id
            assert not re.fullmatch(r"f\d+", key.keys), key.id


def test_a_letter_that_is_dangerous_somewhere_is_harmless_nowhere_else() -> None:
    dangerous = {key.keys for key in EVERY_KEY if key.dangerous} - {"b"}  # a backup, and a backfill
    for key in EVERY_KEY:
        if not key.dangerous:
            assert not dangerous & set(key.keys.split(",")), key.id


@pytest.mark.parametrize("screen_id", SCREENS)
def test_a_footer_fits_into_80_columns(screen_id: str) -> None:
    screen = SCREENS[screen_id]
    cells = {key.id: len(key.shown) + len(key.label) + 2 for key in screen.all_keys()}
    before: list[str] = []
    for columns in (80, 100, 160):
        shown, gap = footer(screen.all_keys(), screen.footed, cells, columns)
        own = [key.id for key in shown if key.id not in screen.footed]
        assert sum(cells[key.id] + gap for key in shown) <= columns
        assert {key.id for key in shown} >= set(screen.footed)
        assert all(one == other for one, other in zip(own, before, strict=False)), "a wider one shows more of the same"
        before = own
        left = [key for key in screen.all_keys() if key.label and not key.id.startswith("any.") and key.id not in own]
        assert own or not left
        assert not left or len(shown) >= FOOTED or not gap, "no gap takes the place of a key"


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
async def test_help_lists_every_key_of_the_screen_and_why_one_is_off(size: tuple[int, int]) -> None:
    async with opened(size=size) as robot:
        await robot.press("question_mark")
        await robot.sees("HELP for HOME", "home.deploy", "off: dev has not answered yet")
        await robot.snapshot("help")
        await robot.press("escape")
        await robot.sees("ALL ENVIRONMENTS")


async def test_too_small_is_one_line_and_no_key_of_a_screen_works() -> None:
    session = FakeSession()
    async with opened(session, (39, 9)) as robot:
        await robot.tell(status("production", 5))
        await robot.sees("needs 40x10, has 39x9", "works without")
        await robot.press("3", "d", "R")
        assert session.calls == []
        await robot.snapshot("too-small")
        await robot.pilot.resize_terminal(100, 30)
        await robot.sees("Plan documents")


async def test_hostile_text_is_shown_and_never_obeyed() -> None:
    line = replace(plan()[0], name=HOSTILE, note=HOSTILE, planner=HOSTILE, tags=(HOSTILE,), requires=(HOSTILE,))
    environment = replace(ENVIRONMENTS[0], name="dev", database=HOSTILE, host=HOSTILE, user=HOSTILE)
    session = FakeSession(
        replace(facts((line, *plan()[1:]), (environment, *ENVIRONMENTS[1:])), project=HOSTILE, foreign=(HOSTILE,))
    )
    session.texts = {"deploy": f"SELECT '{HOSTILE}';\n" * 5, "revert": HOSTILE}
    items = tuple(replace(item, title=HOSTILE, summary=HOSTILE) for item in session.review.items)
    session.review = UnderReview(items, refusals=(HOSTILE,), creates=(HOSTILE,))
    session.listed = (RunFacts("r", "dev", "deploy", "failed", HOSTILE, "", 1, 2, HOSTILE, HOSTILE),)
    session.watch.unread = [
        event_at(AT, "run_planned", {"environment": "dev", "operator": HOSTILE, "steps": [STEP]}),
        event_at(AT, "step_started", {"step": 1, "change": HOSTILE}),
        event_at(AT, "statement_started", {"step": 1, "path": HOSTILE, "line": 1, "sql": HOSTILE}),
        event_at(AT, "output", {"step": 1, "text": HOSTILE, "stream": "out"}),
        event_at(AT, "step_failed", {"step": 1, "change": HOSTILE, "message": HOSTILE, "hint": HOSTILE}),
        event_at(AT, "run_finished", {"exit_status": 1, "summary": HOSTILE}),
    ]
    async with opened(session) as robot:
        await robot.tell(
            status("dev", 0, note=HOSTILE, not_in_plan=(HOSTILE,), differing={plan()[0].change_id: HOSTILE})
        )
        await robot.tell(StatusFacts("staging", NOW, False, error=HOSTILE))
        await robot.runs()
        await robot.press("G")
        for way in (("enter",), ("f",), ("escape",), ("d",), ("question_mark", "escape", "escape"), ("h",)):
            await robot.press(*way)
            await robot.pilot.pause(0.1)
        await robot.press("enter")
        await robot.sees("x STOPPED")
        await robot.press("enter", "t", "y", "Y")
        await robot.pilot.pause(0.1)
        robot.app.notify(HOSTILE)
        await robot.pilot.pause(0.1)
        assert robot.app.is_running
        assert "[red]x[/red]" in robot.text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e\u2028]", robot.text.replace("\n", ""))


async def test_hostile_text_of_sessions_and_failures_is_shown_and_never_obeyed() -> None:
    blocker = {
        "pid": 7, "started": HOSTILE, "user": HOSTILE, "application": HOSTILE, "state": HOSTILE, "query": HOSTILE,
    }  # fmt: skip
    prepared = {"pid": 0, "prepared": HOSTILE, "user": HOSTILE, "depth": 1}
    session = FakeSession()
    session.texts["recorded"] = f"SELECT '{HOSTILE}';\n" * 5
    session.locks.sessions = (
        LockSession(Blocker(7, HOSTILE, HOSTILE, HOSTILE, HOSTILE, query=HOSTILE), HOSTILE, HOSTILE, 5.0, HOSTILE),
    )
    session.watch.controller = HOSTILE
    session.watch.unread = [
        event_at(AT, "run_planned", {"command": "deploy", "environment": "dev", "steps": [STEP]}),
        event_at(AT, "watcher_came", {"who": HOSTILE}),
        event_at(AT, "step_started", {"step": 1, "change": HOSTILE}),
        event_at(AT, "statement_retried", {"step": 1, "try": HOSTILE, "of": HOSTILE, "why": HOSTILE}),
        event_at(AT, "statement_started", {"step": 1, "path": HOSTILE, "line": 1, "sql": HOSTILE}),
        event_at(
            AT,
            "activity",
            {
                "step": 1,
                "waiting": True,
                "phase": HOSTILE,
                "percent": 40,
                "blockers": [blocker, prepared],
                "holds": [{"relation": HOSTILE, "mode": HOSTILE}],
                "note": HOSTILE,
            },
        ),
        event_at(AT, "blocker_ended", {"pid": HOSTILE, "how": HOSTILE, "ok": True, "message": HOSTILE}),
    ]
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        robot.app.open_run(session.watch.run_id)
        await robot.sees("BLOCKED BY")
        await robot.press("p")
        await robot.sees("you are only watching")
        session.watch.controller = ""
        await robot.sees("controlled from here now")
        await robot.press("K")
        await robot.sees("2 sessions in the way")
        await robot.press("T")
        await robot.sees("TERMINATE pid 7")
        await robot.press("escape", "j", "y", "escape", "l")
        await robot.sees("1 root blocker")
        await robot.press("T", "escape", "y", "slash", *"[/]", "enter", "escape", "escape")
        session.watch.unread = [
            event_at(AT, "index_invalid", {"step": 1, "index": HOSTILE, "repair": [HOSTILE]}),
            event_at(AT, "step_failed", {"step": 1, "path": HOSTILE, "line": 3, "what_stays": [HOSTILE]}),
            event_at(AT, "run_finished", {"exit_status": 1, "summary": HOSTILE}),
        ]
        await robot.sees("leave it as it is", "the index [/] [red]x[/red]", "x> 3 SELECT")
        session.spoken = VerifyEvidence(False, HOSTILE)
        await robot.press("m")
        await robot.sees("its own verify script says")
        assert robot.app.is_running
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e\u2028]", robot.text.replace("\n", ""))


async def test_the_palette_goes_through_the_same_guards() -> None:
    environment = replace(ENVIRONMENTS[0], name="[/]")
    session = FakeSession(facts(environments=(environment,)))
    async with opened(session) as robot:
        await robot.press("colon", *"deploy")
        await robot.sees("Deploy.. (d)", "off: [/] has not answered yet")
        await robot.press("enter")
        await robot.sees("d is off: [/] has not answered yet")
        assert session.calls == []


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
async def test_the_palette_narrows_by_name_and_does_what_the_key_does(size: tuple[int, int]) -> None:
    session = FakeSession()
    async with opened(session, size) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("ctrl+p")
        await robot.sees("Locks (l)", "DRY RUN.. (D)")
        await robot.snapshot("palette")
        await robot.press(*"no such")
        await robot.sees("nothing has such a name")
        await robot.press("enter", *["backspace"] * 7, *"theme", "down", "enter")
        await robot.misses("part of a name")
        assert robot.app.theme == [theme.name for theme in THEMES][1]
        await robot.press("colon", *"help", "enter")
        await robot.sees("HELP for HOME")
        await robot.press("colon", "escape", "colon", "escape", "colon", "enter", "colon", "escape")
        assert robot.app.is_running


async def test_sql_holds_the_text_between_markup() -> None:
    session = FakeSession()
    session.texts["deploy"] = "SELECT '[/foo]' AS \"[/bar]\";"
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("enter")
        await robot.sees("SELECT '[/foo]' AS \"[/bar]\";")


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_the_banner_of_production_is_readable_in_every_theme(theme: str) -> None:

    variables = next(one for one in THEMES if one.name == theme).variables
    for tier in ("tier-prod", "tier-staging"):
        ground, text = Color.parse(variables[tier]), Color.parse(variables[f"{tier}-text"])
        brighter, darker = sorted((_luminance(ground), _luminance(text)), reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, tier


def _luminance(color: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [channel / 255 for channel in color.rgb]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("env", "interactive", "said"),
    [
        ({"TERM": "dumb"}, True, "TERM=dumb"),
        ({}, True, "works without a screen"),
        ({"TERM": "xterm"}, False, "needs a terminal"),
        ({"TERM": "tmux-256color", "NO_COLOR": "1"}, True, None),
    ],
)
def test_a_terminal_that_can_not_draw_is_refused_with_a_sentence(
    env: dict[str, str], interactive: bool, said: str | None
) -> None:
    trouble = unfit_terminal(env, interactive)
    assert trouble is None if said is None else said in (trouble or "")


def _sources() -> Iterator[tuple[Path, str]]:
    for path in (Path(__file__).parents[2] / "pgmig_tui" / "ui").rglob("*.py"):
        yield path, path.read_text(encoding="utf-8")


def test_threads_only_post_and_no_worker_of_textual_is_used() -> None:
    for path, text in _sources():
        assert "call_from_thread" not in text, path
        assert "run_worker" not in text, path
        assert "@work" not in text, path


def test_no_widget_reads_markup_from_a_string() -> None:
    for path, text in _sources():
        assert not re.search(r"\b(Static|Label|DataTable|RichLog|OptionList|Tree)\(", text), path


FILES = frozenset(
    {"open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir", "iterdir",
     "glob", "rglob", "stat", "mkdir", "touch", "unlink", "rename", "rmdir"}
)  # fmt: skip
SERVER = frozenset({"execute", "query", "cursor", "fetchone", "fetchall", "commit", "rollback"})
SQL = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|SET|SHOW|LOCK|ALTER|CREATE|DROP|BEGIN|CALL|DO)\s+[a-z$*%{]"
)


def _asked_of_files_or_servers(text: str) -> Iterator[str]:
    """What a source does that belongs into another room, as it is written."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)) if name in FILES | SERVER:
                yield f"{node.lineno}: {name}()"
            case ast.Constant(value=str(said)) if SQL.match(said):
                yield f"{node.lineno}: {said[:40]}"
            case ast.ImportFrom(module=str(name)) if name.split(".")[0] in {"psycopg", "sqlite3", "io", "tempfile"}:
                yield f"{node.lineno}: {name}"


def test_no_screen_reads_a_file_or_speaks_sql() -> None:
    """Files are read and servers are asked in the rooms that are about them: a screen has neither's errors to know."""
    assert {f"{path.name}:{one}" for path, text in _sources() for one in _asked_of_files_or_servers(text)} == set()


@pytest.mark.parametrize(
    "text",
    ["open('x')", "path.open()", "os.fdopen(1)", "Path('x').read_text()", "folder.mkdir()", "path.exists()",
     "connection.execute(x)", "x = 'SELECT pg_backend_pid()'", "x = 'select'\ny = '\\n  UPDATE pgmig.runs SET x'",
     "from psycopg.errors import QueryCanceled"],
)  # fmt: skip
def test_what_belongs_into_another_room_is_seen(text: str) -> None:
    assert list(_asked_of_files_or_servers(text))


def test_no_handler_calls_its_bases() -> None:
    """Textual calls the handlers of all classes of a screen by itself: one that calls its base's runs that twice.
    `on_event` is no handler, but what calls them."""
    import pgmig_tui.ui

    (folder,) = pgmig_tui.ui.__path__
    calls = {
        f"{path.name}:{number}"
        for path in Path(folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"super\(\)\.(on|_on)_(?!event\()", line)
    }
    assert calls == set()


WAYS = {
    "home": (), "change": ("enter",), "review": ("d",), "rollback": ("R",), "runs": ("h",), "locks": ("l",),
    "environment": ("e",),
    "help": ("question_mark",),
}  # fmt: skip


@pytest.mark.parametrize("size", [(80, 23), (79, 24), (72, 20)])
@pytest.mark.parametrize("screen_id", WAYS)
async def test_less_than_80x24_is_enough_for_every_screen(screen_id: str, size: tuple[int, int]) -> None:
    session = FakeSession()
    async with opened(session, size) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", *WAYS[screen_id])
        await robot.until(lambda: robot.app.screen.screen_id == screen_id, screen_id)  # type: ignore[attr-defined]
        await robot.until(lambda: not robot.app.screen.has_class("-too-small"), "no complaint")
        await robot.sees("Help" if screen_id != "help" else "Back")
        await robot.misses("works without a screen")
