"""Lines of pairs: widths hold for every script of the world."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pgmig_tui.display.cells import cut, pad, sides, state_cell, text_of, width, wrap
from pgmig_tui.display.sql_colors import colored

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=60)


@given(TEXTS, st.integers(4, 40))
def test_a_padded_text_has_its_width(text: str, columns: int) -> None:
    assert width(pad(text, columns)) == columns
    assert width(cut(text, columns)) <= columns


@given(TEXTS, st.integers(12, 40))
@example("0 00000000000", 12)
def test_wrapped_lines_fit_and_lose_nothing(text: str, columns: int) -> None:
    lines = wrap(text, columns, indent=" ", hanging="  ")
    assert all(width(text_of(line)) <= columns for line in lines)
    assert "".join("".join(text_of(line).split()) for line in lines) == "".join(text.split())


@given(TEXTS, TEXTS, st.integers(10, 80))
def test_the_right_side_is_never_cut(left: str, right: str, columns: int) -> None:
    line = sides(((left, "plain"),), ((right, "plain"),), columns)
    assert text_of(line).endswith(right)
    assert width(text_of(line)) == max(columns, width(right))


@given(st.text(max_size=200))
def test_colours_never_change_a_text(text: str) -> None:
    assert "\n".join(text_of(line) for line in colored(text)) == text


def test_an_old_answer_says_its_age_beside_the_state() -> None:
    assert state_cell("deployed") == ("+ ok", "done")
    assert state_cell("deployed", "48s") == ("? ok 48s", "stale")
    assert state_cell("asking", "48s") == ("...", "muted")
