"""The columns of the plan matrix, at every width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.cells import text_of, width
from pgmig_tui.ui.views.matrix import AFTER, MARK, WIDE, environment_spans, layout

WIDTHS = st.integers(40, 200)


@given(WIDTHS, st.integers(0, 60), st.data(), st.integers(1, 80), st.booleans())
def test_the_chosen_environment_is_in_sight_and_the_row_fits(
    columns: int, environments: int, data: st.DataObject, longest: int, locks: bool
) -> None:
    chosen = data.draw(st.integers(0, max(0, environments - 1)))
    found = layout(columns, environments, chosen, longest, locks=locks)
    after = AFTER if found.slim else 0
    assert MARK + found.name + found.cell * len(found.shown) + after + found.lock + found.risk <= columns
    assert found.name >= 8
    assert found.shown == tuple(range(found.shown[0], found.shown[-1] + 1)) if found.shown else environments == 0
    assert environments == 0 or chosen in found.shown


def test_twelve_environments_are_all_in_sight_at_80_columns_and_three_by_words() -> None:
    for columns, side in ((80, 0), (100, 33), (160, 33)):
        assert len(layout(columns - side, 12, 0, 43, locks=False).shown) == 12
        assert not layout(columns - side, 3, 0, 43, locks=False).slim


def test_what_names_of_changes_leave_over_shows_names_of_environments_whole() -> None:
    for columns, head, cell in ((127, 20, 21), (127, 13, 14), (90, 20, 12), (80, 20, WIDE), (127, 4, WIDE)):
        found = layout(columns, 4, 0, 30, locks=False, head=head)
        assert (found.cell, found.slim) == (cell, False), (columns, head, found)
        assert found.name + 4 * found.cell <= columns


@given(st.lists(st.text("abcdef-", min_size=1, max_size=20), min_size=1, max_size=30), st.data(), st.integers(40, 160))
def test_the_line_of_environments_names_the_chosen_one_and_fits(
    names: list[str], data: st.DataObject, columns: int
) -> None:
    chosen = data.draw(st.integers(0, len(names) - 1))
    told = text_of(environment_spans(names, chosen, columns))
    assert width(told) <= columns
    assert f" {chosen + 1}*{names[chosen]} " in told
    assert "e: all" in told or all(f" {index + 1}" in told for index in range(len(names)))
