"""Names of new changes: the day, the next free number, a description."""

from __future__ import annotations

from datetime import date

import pytest

from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.author.numbering import allot, described, require_description

FORM = "YYYYMMDD_NNNN_description"
DAY = date(2026, 1, 31)


def test_a_description_has_letters_and_digits_alone() -> None:
    assert described("add", "Order Items", "na\u00efve Stra\u00dfe 2") == "add_order_items_naive_strasse_2"
    assert described("\u540d\u524d") == ""
    assert len(described("x" * 99)) == 60
    assert require_description("add_2") == "add_2"
    for wrong in ("Add", "a-b", "_a", "", "x" * 61):
        with pytest.raises(UsageError):
            require_description(wrong)


def test_numbers_come_behind_the_highest_of_the_day() -> None:
    taken = {"20260131_0007_a", "20260131_0003_b", "20260130_0099_c", "deep/20260131_0008_d", "20260131_x"}
    assert allot(FORM, DAY, taken, ["x", "x"]) == ("20260131_0009_x", "20260131_0010_x")
    assert allot(FORM, DAY, (), ["x"]) == ("20260131_0001_x",)
    assert allot("NNN-description", DAY, {"041-b"}, ["x"]) == ("042-x",)
    assert allot("vNN_YYYY", DAY, {"v07_2025"}, ["x"]) == ("v01_2026",)
    assert allot("", DAY, (), ["x"]) == ("x",)


def test_a_name_that_is_taken_and_a_day_that_is_full_are_refused() -> None:
    assert allot(FORM, DAY, {"20260131_9998_a"}, ["x"]) == ("20260131_9999_x",)
    with pytest.raises(ProjectError, match="no free number of 4 digits"):
        allot(FORM, DAY, {"20260131_9998_a"}, ["x", "y"])
    with pytest.raises(ProjectError, match="already exists"):
        allot("description", DAY, {"x"}, ["x"])
    with pytest.raises(ProjectError, match="already exists"):
        allot("description", DAY, (), ["x", "x"])
