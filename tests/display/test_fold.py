"""Lines on a terminal are broken between words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.cells import Line, text_of, width
from pgmig_tui.display.fold import in_lines

WORD = st.text(st.sampled_from("ab_大é"), min_size=1, max_size=14)


@given(st.lists(WORD, min_size=1, max_size=12), st.sampled_from(("", "  ", "! ", "    + ")), st.integers(16, 60))
def test_no_word_is_broken_and_none_is_lost(words: list[str], lead: str, columns: int) -> None:
    told: Line = ((lead, "waiting"), *((f"{word} ", "strong") for word in words))
    lines = [text_of(line) for line in in_lines(told, columns)]
    assert [word for line in lines for word in line.split()] == [*lead.split(), *words]
    longest = max(width(word) for word in words)
    assert all(width(line.rstrip()) <= columns or longest + len(lead) > columns // 2 for line in lines), lines


def test_what_follows_is_as_far_in_as_the_text() -> None:
    told: Line = (("! ", "waiting"), ("one two three four", "plain"))
    assert [text_of(line) for line in in_lines(told, 11)] == ["! one two", "  three", "  four"]
    assert in_lines(told, 11)[0] == (("! ", "waiting"), ("one two", "plain"))
    assert in_lines(told, 40) == [told]


def test_half_a_command_is_never_a_line_of_its_own() -> None:
    command = "pgmig-tui rollback production --to create_users --accept-data-loss --confirm prod"
    lines = [text_of(line) for line in in_lines(((f"Nothing was done. It would be: {command}", "plain"),), 40)]
    assert lines == ["Nothing was done. It would be:", command]
    quoted = in_lines(((f"it was cut off: `{command}` settles it", "plain"),), 40)
    assert [text_of(line) for line in quoted] == ["it was cut off:", f"`{command}`", "settles it"]
