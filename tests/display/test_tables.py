"""Tables as lines: columns as wide as they need, left out or folded where the room is small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.cells import Line, text_of, width
from pgmig_tui.display.tables import folded, narrowed, table
from tests.effort import calls

HEADINGS = ("#>", "change", "note?", "by?")
ROWS: list[tuple[str | Line, ...]] = [
    ("1", "users", "the first table", "Ada"),
    ("10", (("orders", "strong"), (" @v1", "todo")), "", "Grace"),
]


def drawn(columns: int, headings: tuple[str, ...] = HEADINGS, rows: list[tuple[str | Line, ...]] = ROWS) -> list[str]:
    return [text_of(told) for told in table(headings, rows, columns)]


def test_columns_are_as_wide_as_their_longest_cell_and_aligned_as_their_heading_says() -> None:
    assert drawn(80) == [
        " #   change       note              by",
        "─────────────────────────────────────────",
        " 1   users        the first table   Ada",
        "10   orders @v1                     Grace",
    ]


def test_roles_stay_with_their_words() -> None:
    orders = list(table(HEADINGS, ROWS, 80))[3]
    assert ("orders", "strong") in orders
    assert (" @v1", "todo") in orders


def test_what_can_be_spared_goes_from_the_right_before_anything_is_folded() -> None:
    assert drawn(40)[0] == " #   change       note"
    assert drawn(20)[0] == " #   change"


def test_what_is_still_too_wide_is_folded_at_words_and_a_long_word_between_its_parts() -> None:
    rows: list[tuple[str | Line, ...]] = [("a", "two words and_a_name_that_is_long"), ("b", "x"), ("c", "x" * 14)]
    assert drawn(16, ("k", "text"), rows) == [
        "k   text",
        "────────────────",
        "a   two words",
        "    and_a_name_",
        "    that_is_long",
        "b   x",
        "c   xxxxxxxxxxxx",
        "    xx",
    ]


def test_a_cell_with_line_breaks_takes_several_lines() -> None:
    assert drawn(40, ("k", "text", "more"), [("a", "one\ntwo", "z")])[2:] == ["a   one    z", "    two"]


def test_wide_and_combining_characters_are_counted_as_a_terminal_shows_them() -> None:
    shown = drawn(40, ("name", "next"), [("大きさ", "a"), ("größe", "b")])
    assert [width(told[: told.rindex(end)]) for told, end in zip(shown[2:], "ab", strict=True)] == [9, 9]


def test_no_rows_is_a_heading_alone() -> None:
    assert drawn(80, rows=[])[2:] == []


TEXT = st.text(st.sampled_from("ab _大é\u0301"), max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5), st.integers(20, 90))
def test_every_table_fits_and_loses_no_character_of_what_it_shows(
    rows: list[tuple[str, str, str]], columns: int
) -> None:
    shown = [text_of(told) for told in table(("a", "b", "c"), rows, columns)]
    assert max(map(width, shown)) <= columns
    wanted = sorted("".join("".join(row) for row in rows).replace(" ", ""))
    assert sorted("".join(shown[2:]).replace(" ", "")) == wanted


@given(st.lists(TEXT, max_size=4), st.integers(2, 30))
def test_a_folded_line_has_all_its_words_in_order(texts: list[str], columns: int) -> None:
    told: Line = tuple((text, "strong") for text in texts if text)
    pieces = folded(told, columns)
    assert all(width(text_of(piece)) <= columns for piece in pieces)
    assert "".join(map(text_of, pieces)).replace(" ", "") == text_of(told).replace(" ", "")


@pytest.mark.parametrize(
    ("widths", "columns", "found"),
    [
        ([5, 5], 13, [5, 5]),
        ([20, 5], 18, [10, 5]),
        ([20, 20], 23, [10, 10]),
        ([30, 20, 4], 40, [15, 15, 4]),
        ([9, 9], 5, [4, 4]),
    ],
)
def test_the_widest_columns_give_first(widths: list[int], columns: int, found: list[int]) -> None:
    assert narrowed(widths, columns) == found


def test_a_row_of_thousands_takes_as_many_calls_as_one_of_few() -> None:
    def written(rows: int) -> int:
        cells = [(str(n), f"change_{n}", "a note", "Ada") for n in range(rows)]
        return calls(lambda: sum(len(told) for told in table(HEADINGS, cells, 80)))

    written(10)
    assert written(4_000) < written(200) * 20.2


def test_where_a_word_of_many_columns_has_no_room_each_row_is_told_by_itself() -> None:
    rows: list[tuple[str | Line, ...]] = [("deployment", "", "everything", "unreachable"), ("a", "b", "c", "d")]
    assert drawn(24, ("what", "is", "said", "here"), rows) == [
        "────────────────────", "what: deployment", "said: everything", "here: unreachable",
        "────────────────────", "what: a", "is: b", "said: c", "here: d",
    ]  # fmt: skip
    assert drawn(44, ("what", "is", "said", "here"), rows)[0].split() == ["what", "is", "said", "here"]
