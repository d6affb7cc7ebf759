"""Windows and freezes: what is open when, by which clock, over every trap that the calendar has."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from pgmig_tui.gates.window import Need, OpeningRules, frozen, openings, results, stops
from pgmig_tui.project.schedule import Freeze, read_freeze, read_freezes, read_window, read_windows


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rules(*windows: str, freeze: str = "") -> OpeningRules:
    found = tomllib.loads(f"freeze = {freeze}")["freeze"] if freeze else []
    return OpeningRules(read_windows(list(windows)) if windows else (), read_freezes(found))


def spans(found: OpeningRules, since: str, days: int) -> list[tuple[str, str]]:
    end = at(since) + timedelta(days=days)
    return [
        (f"{one.start:%m-%d %H:%M}", f"{one.end:%m-%d %H:%M}") for one in openings(found, at(since)) if one.start < end
    ]


@pytest.mark.parametrize(
    ("windows", "since", "days", "expected"),
    [
        # Summer and winter: the same wall, another moment.
        (["Sun 02:00-05:00 Europe/Oslo"], "2026-07-04T12:00", 2, [("07-05 00:00", "07-05 03:00")]),
        (["Sun 02:00-05:00 Europe/Oslo"], "2026-12-05T12:00", 2, [("12-06 01:00", "12-06 04:00")]),
        # Clocks go from 02:00 to 03:00 on 29 March 2026: a start in the gap opens at its end.
        (["Sun 02:00-05:00 Europe/Oslo"], "2026-03-28T12:00", 2, [("03-29 01:00", "03-29 03:00")]),
        (["Sun 02:30-05:00 Europe/Oslo"], "2026-03-28T12:00", 2, [("03-29 01:00", "03-29 03:00")]),
        (["Sun 01:00-02:30 Europe/Oslo"], "2026-03-28T12:00", 2, [("03-29 00:00", "03-29 01:00")]),
        (["Sun 02:10-02:50 Europe/Oslo"], "2026-03-28T12:00", 2, []),
        # They go from 03:00 to 02:00 on 25 October 2026: the doubled hour counts once.
        (["Sun 02:00-03:00 Europe/Oslo"], "2026-10-24T12:00", 2, [("10-25 00:00", "10-25 01:00")]),
        (["Sun 02:10-02:50 Europe/Oslo"], "2026-10-24T12:00", 2, [("10-25 00:10", "10-25 00:50")]),
        (["Sun 01:00-02:30 Europe/Oslo"], "2026-10-24T12:00", 2, [("10-24 23:00", "10-25 00:30")]),
        (["Sun 02:00-05:00 Europe/Oslo"], "2026-10-24T12:00", 2, [("10-25 00:00", "10-25 04:00")]),
        # Over midnight, to midnight, and all day.
        (["Sat 22:00-02:00 UTC"], "2026-07-03T12:00", 3, [("07-04 22:00", "07-05 02:00")]),
        (["Sat 22:00-24:00 UTC", "Sun 00:00-04:00 UTC"], "2026-07-03T12:00", 3, [("07-04 22:00", "07-05 04:00")]),
        (["Sat,Sun 00:00-24:00 UTC"], "2026-07-03T12:00", 3, [("07-04 00:00", "07-06 00:00")]),
        (["Sat 24:00-02:00 UTC"], "", 0, []),
        # Several zones, of which the one further east comes first although it is written last; they overlap.
        (
            ["Sun 02:00-04:00 America/New_York", "Sun 02:00-04:00 Asia/Tokyo"],
            "2026-07-04T12:00",
            2,
            [("07-04 17:00", "07-04 19:00"), ("07-05 06:00", "07-05 08:00")],
        ),
        (
            ["Sun 02:00-04:00 Europe/Oslo", "Sun 02:00-05:00 Europe/London"],
            "2026-07-04T12:00",
            2,
            [("07-05 00:00", "07-05 04:00")],
        ),
        # Days: a range over the end of the week, none named, and one that a zone never had (30 December 2011 in Samoa).
        (
            ["Fri-Mon 01:00-02:00 UTC"],
            "2026-07-02T12:00",
            6,
            [
                ("07-03 01:00", "07-03 02:00"),
                ("07-04 01:00", "07-04 02:00"),
                ("07-05 01:00", "07-05 02:00"),
                ("07-06 01:00", "07-06 02:00"),
            ],
        ),
        (["01:00-02:00 UTC"], "2026-07-02T12:00", 2, [("07-03 01:00", "07-03 02:00"), ("07-04 01:00", "07-04 02:00")]),
        (["Fri 10:00-12:00 Pacific/Apia"], "2011-12-29T00:00", 4, []),
    ],
)
def test_when_windows_open(windows: list[str], since: str, days: int, expected: list[tuple[str, str]]) -> None:
    if not since:
        with pytest.raises(ValueError, match="00:00-24:00"):
            rules(*windows)
        return
    assert spans(rules(*windows), since, days) == expected


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        ("2026-10-25T00:30", True),
        ("2026-10-25T00:59:59", True),
        ("2026-10-25T01:00", False),
        ("2026-10-25T01:30", False),
    ],
)
def test_a_doubled_hour_opens_a_window_once(now: str, open_: bool) -> None:
    (found,) = results(rules("Sun 02:00-03:00 Europe/Oslo"), at(now), ())
    assert (found.state == "PASS") is open_


@pytest.mark.parametrize(
    ("now", "needs", "state", "told"),
    [
        (
            "2026-07-05T01:00",
            [Need("a", 60_000), Need("b", 120_000)],
            "PASS",
            "open until Sun 2026-07-05 05:00 Europe/Oslo (2026-07-05 03:00 UTC); the run takes 3 min 00 s at most,"
            " retries included",
        ),
        ("2026-07-05T03:00", [], "FAIL", "the next opening: Sun 2026-07-12 02:00 Europe/Oslo (2026-07-12 00:00 UTC)"),
        (
            "2026-07-01T12:00",
            [],
            "FAIL",
            "closed: it is Wed 2026-07-01 14:00 Europe/Oslo (2026-07-01 12:00 UTC); the next",
        ),
        ("2026-07-05T02:59", [Need("a", 61_000)], "FAIL", "the run may take 1 min 01 s; the next opening that is long"),
        ("2026-07-05T02:59", [Need("a", 61_000), Need("b", None)], "FAIL", "may take at least 1 min 01 s"),
        ("2026-07-05T01:00", [Need("a", 1), Need("b", None)], "UNKNOWN", "how long b may take isn't known"),
        ("2026-07-05T01:00", [Need("a", 5 * 3_600_000)], "FAIL", "no opening that is long enough in the next 400 days"),
    ],
)
def test_a_run_fits_or_says_when_it_would(now: str, needs: list[Need], state: str, told: str) -> None:
    (found,) = results(rules("Sun 02:00-05:00 Europe/Oslo"), at(now), needs)
    assert (found.name, found.state) == ("policy:window", state)
    assert told in found.summary
    assert found.rows[0]["now"] == now[:16] + ":00Z"


def test_without_the_server_s_clock_nothing_is_open() -> None:
    found = results(rules("00:00-24:00 UTC", freeze='[{ from = 2026-12-18, to = 2027-01-04, why = "x" }]'), None, ())
    assert [one.state for one in found] == ["UNKNOWN", "UNKNOWN"]


FREEZE = '[{ from = 2026-12-18, to = 2027-01-04, why = "year end", zone = "Europe/Oslo" }]'


@pytest.mark.parametrize(
    ("now", "needs", "state", "told"),
    [
        (
            "2026-12-17T22:59:59",
            [],
            "PASS",
            "begins at Fri 2026-12-18 00:00 Europe/Oslo (2026-12-17 23:00 UTC): year end",
        ),
        (
            "2026-12-17T23:00",
            [],
            "FAIL",
            "frozen until Tue 2027-01-05 00:00 Europe/Oslo (2027-01-04 23:00 UTC): year end",
        ),
        ("2027-01-04T22:59", [], "FAIL", "the next opening: Tue 2027-01-05 00:00 Europe/Oslo"),
        ("2027-01-04T23:00", [], "PASS", "no freeze now, and none to come"),
        ("2026-12-17T22:00", [Need("a", 3_600_001)], "FAIL", "the run may take 1 h 00 min"),
        ("2026-12-17T22:00", [Need("a", None)], "UNKNOWN", "how long a may take"),
        ("2026-11-17T22:00", [Need("a", None)], "PASS", "the next begins"),
    ],
)
def test_a_freeze_without_windows(now: str, needs: list[Need], state: str, told: str) -> None:
    (found,) = results(rules(freeze=FREEZE), at(now), needs)
    assert (found.name, found.state) == ("policy:freeze", state)
    assert told in found.summary


def test_a_freeze_takes_openings_away() -> None:
    both = rules("Sun 02:00-05:00 Europe/Oslo", freeze=FREEZE)
    assert spans(both, "2026-12-12T00:00", 40) == [
        ("12-13 01:00", "12-13 04:00"),
        ("01-10 01:00", "01-10 04:00"),
        ("01-17 01:00", "01-17 04:00"),
    ]
    window, freeze = results(both, at("2026-12-20T02:00"), ())
    assert (window.state, freeze.state) == ("FAIL", "FAIL")
    assert "2027-01-10 02:00 Europe/Oslo" in window.summary
    assert "2027-01-10 02:00 Europe/Oslo" in freeze.summary, "where it ends no window is open"


def test_freezes_that_overlap_are_one() -> None:
    found = rules(
        freeze='[{from = 2026-12-01, to = 2026-12-05, why = "a"}, {from = 2026-12-04, to = 2026-12-08, why = "b"}]'
    )
    now = at("2026-12-04T12:00")
    current = frozen(found.freezes, now)
    assert current is not None
    assert current.why == "b"
    (told,) = results(found, at("2026-12-02T00:00"), ())
    assert "the next opening: 2026-12-09 00:00 UTC" in told.summary


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ('{from = 2026-12-18, to = 2026-12-18, why = "x"}', "2026-12-18T00:00", "2026-12-19T00:00"),
        ('{from = 2026-12-18T12:00:00, to = 2026-12-18T13:00:00, why = "x"}', "2026-12-18T12:00", "2026-12-18T13:00"),
        ('{from = 2026-12-18T12:00:00+01:00, to = "2026-12-19", why = "x"}', "2026-12-18T11:00", "2026-12-20T00:00"),
    ],
)
def test_a_freeze_is_read_again_as_it_was_written(value: str, start: str, end: str) -> None:
    found = read_freeze(tomllib.loads(f"x = {value}")["x"])
    again: Freeze = read_freeze(found.to_json(), "Asia/Tokyo")
    assert again == found
    assert frozen([found], at(start)) == found
    assert frozen([found], at(end)) is None
    assert frozen([found], at(end) - timedelta(seconds=1)) == found
    assert frozen([found], at(start) - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("now", "need", "told"),
    [
        ("2026-07-05T02:59", Need("a", 60_000), ""),
        ("2026-07-05T02:59", Need("a", 60_001), "a may take 1 min 00 s, and the window closes at Sun 2026-07-05 05:00"),
        ("2026-07-05T02:59", Need("a", None), ""),
        (
            "2026-07-05T03:00",
            Need("a", None),
            "the maintenance window has closed; the next opening: Sun 2026-07-12 02:00",
        ),
        (
            "2026-12-20T02:00",
            Need("a", 1),
            "the freeze of 2026-12-18 to 2027-01-04 (year end) has begun; the next opening",
        ),
    ],
)
def test_what_stops_a_run_between_its_steps(now: str, need: Need, told: str) -> None:
    said = stops(rules("Sun 02:00-05:00 Europe/Oslo", freeze=FREEZE), at(now), need)
    assert said.startswith(told)
    assert bool(said) is bool(told)


def test_a_window_that_never_closes_is_open_for_as_long_as_anybody_looks() -> None:
    (found,) = results(rules("00:00-24:00 UTC"), at("2026-07-05T03:00"), [Need("a", 20 * 86_400_000)])
    assert found.state == "PASS"
    assert found.summary == "open, and it never closes; the run takes 20 d 00 h at most, retries included"
    assert (found.rows[0]["open_until"], found.rows[0]["never_closes"]) == (None, True)
    (most,) = results(rules("Mon-Sat 00:00-24:00 UTC"), at("2026-07-06T03:00"), [])
    assert (most.summary, "never_closes" in most.rows[0]) == ("open until 2026-07-12 00:00 UTC", False)


def test_a_window_is_written_in_many_ways() -> None:
    written = read_window("  sat,SUN   22:00 - 02:00   Europe/Oslo ")
    assert (written.days, written.start, written.end, written.zone) == (frozenset({5, 6}), 1320, 120, "Europe/Oslo")
    assert read_window("Mon-Fri 22:00-24:00 UTC").days == {0, 1, 2, 3, 4}
