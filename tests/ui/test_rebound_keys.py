"""Keys that a person has bound anew: what is taken, what is told and left out, and that no danger gets nearer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgmig_tui.review import key_file
from pgmig_tui.ui import rebound
from pgmig_tui.ui.keys import CHANGING
from pgmig_tui.ui.router import keys_of_screens
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.screens.locks import LocksScreen
from tests.ui.fakes import status
from tests.ui.robot import opened

SCREENS = keys_of_screens()
KNOWN = {key.id: key for keys in SCREENS.values() for key in keys}
PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "pgmig-tui" / "keys.toml"
    path.parent.mkdir()
    monkeypatch.setattr(key_file, "file", lambda: path)
    return path


@pytest.mark.parametrize(
    ("key_id", "keys", "why"),
    [
        ("home.nothing", "x", "there is no such key"),
        ("any.explain", "x", "can't be bound anew"),
        ("any.environment", "x", "can't be bound anew"),
        ("home.locks", "", "names no key"),
        ("home.locks", "ab", "names no key"),
        ("home.locks", "x,,", "names no key"),
        ("home.locks", "\x1b", "names no key"),
        ("home.locks", "ctrl+c", "means the same everywhere"),
        ("home.locks", "enter", "means the same everywhere"),
        ("home.locks", "j", "is home.down on the screen home"),
        ("any.find", "d", "on the screen"),
        ("home.deploy", "f5", "without a thought"),
        ("home.deploy", "space", "without a thought"),
        ("run.stop", "y", "without a thought"),
        ("run.stop", "1", "without a thought"),
        ("run.stop", "j", "harmless on another screen"),
    ],
)
def test_what_cannot_be_bound_is_told(key_id: str, keys: str, why: str) -> None:
    taken, (trouble,) = rebound.checked({key_id: keys}, SCREENS)
    assert taken == {}
    assert why in trouble
    assert key_id in trouble
    assert "\x1b" not in trouble


def test_no_key_that_changes_something_can_be_bound_to_one_that_confirms_or_is_harmless() -> None:
    dangerous = [key for key in KNOWN.values() if key.dangerous or key.id in CHANGING]
    harmless = {name for key in KNOWN.values() if key not in dangerous for name in key.names}
    assert len(dangerous) > 20
    for key in dangerous:
        for name in {"space", "y", "Y", "enter", "f1", "f12", "0", "5", "tab", "backspace", *harmless} - key.names:
            taken, troubles = rebound.checked({key.id: name}, SCREENS)
            assert not taken, (key.id, name)
            assert troubles


def test_keys_may_change_places_and_have_more_than_one_form() -> None:
    swapped = {"home.locks": "h", "home.runs": "l"}
    taken, troubles = rebound.checked(swapped, SCREENS)
    assert troubles == []
    assert taken == {"home.locks": ("h",), "home.runs": ("l",)}
    taken, troubles = rebound.checked({"any.help": "?,f1", "home.down": "ctrl+n,J"}, SCREENS)
    assert (taken, troubles) == ({"any.help": ("question_mark", "f1"), "home.down": ("ctrl+n", "J")}, [])


async def test_a_key_does_what_it_is_bound_to_and_the_footer_says_so(config: Path) -> None:
    config.write_text('[home]\nlocks = "f6"\n[any]\nback = "ctrl+b"\n')
    async with opened() as robot:
        await robot.tell(status("dev", 5))
        await robot.sees("f6 Locks")
        await robot.press("l")
        assert isinstance(robot.app.screen, HomeScreen)
        await robot.press("f6")
        await robot.until(lambda: isinstance(robot.app.screen, LocksScreen), "the locks")
        await robot.press("ctrl+b")
        await robot.until(lambda: isinstance(robot.app.screen, HomeScreen), "home")
        await robot.press("f6", "escape")
        assert isinstance(robot.app.screen, HomeScreen), "Esc goes back whatever else does"


async def test_a_clash_is_told_and_the_rest_is_taken(config: Path) -> None:
    config.write_text('[home]\nlocks = "j"\nruns = "f7"\n')
    async with opened() as robot:
        await robot.sees("home.locks stays as it is", "f7 Runs")


@pytest.mark.parametrize(
    "text", ["[home", 'home.locks = "\\u0000"', "\x00", "home = 3\n", 'home.locks = ["x"]', "[home]\nlocks = 1"]
)
def test_a_broken_file_is_told_and_ignored(config: Path, text: str) -> None:
    config.write_text(text)
    given, troubles = key_file.read(config)
    taken, more = rebound.checked(given, SCREENS)
    assert taken == {}
    assert troubles + more


def test_a_file_that_others_can_write_is_ignored(config: Path) -> None:
    assert key_file.read(config) == ({}, [])
    config.write_text('[home]\nlocks = "f6"\n')
    config.chmod(0o666)
    given, (trouble,) = key_file.read(config)
    assert given == {}
    assert "others than this account can write it" in trouble


INTRODUCTION = """# Keys

Made from the screens themselves; `?` shows the same for the screen in front. A key is bound anew by its ID in
`keys.toml` of the configuration folder (`~/.config/pgmig-tui/keys.toml`; on macOS in
`~/Library/Application Support/pgmig-tui`):

```toml
[home]
locks = "L,f6"        # more than one key, with a comma between them

[any]
find = "ctrl+f"
```

A key is a character, `ctrl+x`, or one of `up`, `down`, `left`, `right`, `home`, `end`, `pageup`, `pagedown`, `insert`,
`delete`, `backspace`, `tab`, `space`, `f1` to `f12`. What clashes with another key of the same screen, or isn't a key,
is told when the program starts, and left as it was. Keys marked with `*` change something or lead to what does: they
can't be bound to `space`, `y`, a digit, a function key, or what is harmless on any screen. `enter`, `escape`, `ctrl+c`,
`ctrl+p` and `ctrl+q` mean the same everywhere. A file that others can write is ignored.
"""


def page() -> str:
    """The page of the documents, made of the keys themselves."""
    lines = [*INTRODUCTION.splitlines(), ""]
    seen: set[str] = set()
    groups = {"any": [key for keys in SCREENS.values() for key in keys if key.id.startswith("any.")], **SCREENS}
    for screen, keys in sorted(groups.items(), key=lambda group: (group[0] != "any", group[0])):
        own = [key for key in keys if screen == "any" or not key.id.startswith("any.")]
        if not own:
            continue
        lines += [
            f"## {'Everywhere' if screen == 'any' else screen}",
            "",
            "| ID | key | what it does |",
            "|---|---|---|",
        ]
        for key in own:
            if key.id not in seen:
                seen.add(key.id)
                mark = " *" if key.dangerous or key.id in CHANGING else ""
                shown = key.shown.replace("|", "\\|")
                lines.append(f"| `{key.id}`{mark} | `{shown}` | {key.does} |")
        lines.append("")
    return "\n".join(lines)


def test_the_page_of_keys_is_what_the_screens_have() -> None:
    if os.environ.get("PGMIG_UPDATE_SNAPSHOTS") == "1":
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "PGMIG_UPDATE_SNAPSHOTS=1 rewrites it"
