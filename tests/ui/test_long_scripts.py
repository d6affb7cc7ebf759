"""Scripts of many megabytes: what is kept of them beside the text, and that no line is lost by that."""

from __future__ import annotations

import pytest

from pgmig_tui.display.safe import safe
from pgmig_tui.ui.widgets.sql_view import SqlView, line_starts

LONG = "INSERT INTO t VALUES (1);\n" * 60_000 + "SELECT 'é';\r\nSELECT 2"


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n\n", "a\r\nb\rc\x0bd\u2028e\n", LONG], ids=lambda text: text[:9])
def test_lines_are_those_that_python_tells_apart(text: str) -> None:
    view = SqlView()
    view._text, view._offsets = text, line_starts(text)
    lines = text.splitlines() or [""]
    assert view.line_count == len(lines)
    assert [view.searched(index) for index in range(view.line_count)] == lines


def test_a_text_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """From each line on, both ways, around the end, and in whichever block of lines."""
    view = SqlView()
    lines = [f"line {number} {'Here' if number in (0, 7, 12_000) else ''}" for number in range(12_001)]
    view._text, view._offsets = "\n".join(lines), line_starts("\n".join(lines))
    monkeypatch.setattr(view, "move", lambda index: setattr(view, "cursor", index))
    for way, wanted in ((1, [7, 12_000, 0, 7]), (-1, [0, 12_000, 7, 0])):
        seen = []
        for _ in wanted:
            assert view.find("hERE", way)
            seen.append(view.cursor)
        assert seen == wanted
        assert not view.find("nowhere", way)
    assert view.find("12000")
    assert view.find("12000")
    assert view.cursor == 12_000


def test_a_clean_text_is_not_made_anew_line_by_line() -> None:
    clean = LONG.replace("é", "e").replace("\r", "")
    assert safe(clean, multiline=True) is clean
    assert safe(f"{clean}\x1b", multiline=True) == f"{clean}␛"
    assert safe(f"{clean}\n\u202e", multiline=True).endswith("\n<U+202E>")
