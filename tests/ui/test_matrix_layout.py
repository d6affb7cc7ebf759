"""The columns of the plan matrix, at every width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.ui.views.matrix import AFTER, MARK, WIDE, Ruled, layout, row_below

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


@given(WIDTHS, st.integers(100, 400), st.data())
def test_more_environments_than_fit_are_shown_around_the_chosen_one(
    columns: int, environments: int, data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, environments - 1))
    found = layout(columns, environments, chosen, 40, locks=False)
    assert found.tight
    assert chosen in found.shown


def test_whole_names_are_worth_more_than_the_column_of_locks() -> None:
    longest = 46
    assert layout(108, 4, 0, longest, locks=True).lock == 0
    assert layout(108, 4, 0, longest, locks=True).name > longest
    assert layout(120, 4, 0, longest, locks=True).lock
    assert layout(100, 4, 0, longest, locks=True).lock, "they aren't whole in either way"


@given(st.integers(0, 400), st.sets(st.integers(0, 420), max_size=9))
def test_rules_stand_between_rows_and_every_row_is_found_again(rows: int, above: set[int]) -> None:
    ruled = Ruled(rows, tuple(sorted(row for row in above if row < rows)))
    assert ruled.count == rows + len(ruled.above)
    assert [ruled.row_of(ruled.line_of(row)) for row in range(rows)] == list(range(rows))
    lines = [line for line in range(ruled.count) if ruled.row_of(line) is None]
    assert lines == list(ruled.lines)
    assert [ruled.rule_of(line) for line in lines] == list(range(len(lines)))
    assert [ruled.line_of(row) - 1 for row in ruled.above] == lines, "each stands right above its row"


@given(st.sets(st.integers(0, 300), max_size=60), st.integers(0, 300))
def test_the_row_below_a_rule_is_the_first_that_is_not_newer(indexes: set[int], index: int) -> None:
    rows = sorted(indexes, reverse=True)
    below = row_below(rows, index)
    assert all(one > index for one in rows[:below])
    assert all(one <= index for one in rows[below:])
    assert row_below(range(299, -1, -1), index) == max(0, 299 - index)
