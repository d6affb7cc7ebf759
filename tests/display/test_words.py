"""Values in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display import words


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (0, "0 ms"),
        (0.4, "<1 ms"),
        (12.4, "12 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (9_940, "9.9 s"),
        (9_960, "10 s"),
        (59_400, "59 s"),
        (59_600, "1 min 00 s"),
        (200_000, "3 min 20 s"),
        (3_599_600, "1 h 00 min"),
        (7_500_000, "2 h 05 min"),
        (200_000_000, "2 d 07 h"),
        (-1500, "-1.5 s"),
    ],
)
def test_a_duration_never_shows_sixty_of_anything(ms: float, expected: str) -> None:
    assert words.duration(ms) == expected


@given(st.floats(min_value=0, max_value=1e12))
def test_any_duration_has_words(ms: float) -> None:
    text = words.duration(ms)
    assert "60 s" not in text.split("min")[-1]
    assert text[-1].isalpha()


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "now"), (2, "2 s ago"), (2.9, "2 s ago"), (90, "1 min 30 s ago")]
)
def test_an_age_is_said_in_its_largest_unit(seconds: float, expected: str) -> None:
    assert words.ago(seconds) == expected


def test_counts_agree_with_their_noun() -> None:
    assert words.count(1, "change") == "1 change"
    assert words.count(12345, "change") == "12,345 changes"
    assert words.count(2, "index", "indexes") == "2 indexes"


@pytest.mark.parametrize(
    ("number", "expected"), [(950, "950"), (9999, "9999"), (12_300, "12.3k"), (12_345_678, "12.3M"), (4.5e9, "4.5G")]
)
def test_big_numbers_at_a_glance(number: float, expected: str) -> None:
    assert words.about(number) == expected


@pytest.mark.parametrize(("number", "expected"), [(8192, "8192 bytes"), (12_288, "12 kB"), (3 * 1024**3 * 10, "30 GB")])
def test_a_number_of_bytes_is_said_in_its_largest_unit(number: int, expected: str) -> None:
    assert words.size(number) == expected


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 22, 10, 14, 3, tzinfo=timezone(timedelta(hours=1)))
    assert words.utc(moment) == "2026-11-22 09:14:03Z"
    assert words.utc("2026-11-22T10:14:03.123+01:00") == "2026-11-22 09:14:03Z"
    assert words.utc(datetime(2026, 11, 22, 9, 14, 3, tzinfo=UTC)) == "2026-11-22 09:14:03Z"
    assert words.utc(None) == "-"
    assert words.utc("yesterday") == "yesterday"
    assert words.time_of_day("2026-11-22T09:14:03.5Z") == "09:14:03"
    assert words.iso(moment) == "2026-11-22T09:14:03Z"
    assert words.iso(datetime(2026, 11, 22, 9, 14, 3, 7)) == "2026-11-22T09:14:03Z"
    assert words.iso_exact(moment + timedelta(microseconds=120)) == "2026-11-22T09:14:03.000120Z"


def test_long_listings_are_cut_and_say_so() -> None:
    assert words.listing([]) == ""
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing([str(i) for i in range(12)], 5) == "0, 1, 2, 3, 4 and 7 more"
