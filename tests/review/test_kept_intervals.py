"""Which kept intervals are a picture of the time before a deploy."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.database.sampling import Interval
from pgmig_tui.review.kept_intervals import KeptVerdict, RunSpan, counting, keep, keep_verdict, read_kept

NEVER = float("inf")
SLOW = "slower by this change"


def interval(began: float) -> Interval:
    return Interval(began, began + 1, 10, 0, 0, 0, None, None, {})


def counted(
    verdicts: tuple[KeptVerdict, ...] = (), runs: tuple[RunSpan, ...] = (), events: tuple[float, ...] = ()
) -> list[float]:
    """The intervals of 100 seconds, one in ten, that count."""
    return [one.began for one in counting([interval(at) for at in range(0, 100, 10)], verdicts, runs, events)]


@pytest.mark.parametrize(
    ("verdicts", "runs", "events", "found"),
    [
        ((), (), (), range(0, 100, 10)),
        ((), (RunSpan(15, 35.5),), (), [0, 10, *range(40, 100, 10)]),
        ((), (RunSpan(15, NEVER),), (), [0, 10]),
        ((), (), (40.5,), [0, 10, 20, 30, *range(50, 100, 10)]),
        ((KeptVerdict(SLOW, 20, 21, 50),), (RunSpan(15, 20),), (), [0, 10]),
        ((KeptVerdict("too little data", 20, 21, 50),), (), (), range(0, 100, 10)),
        ((KeptVerdict("errors", 20, 21, 50),), (RunSpan(15, 20), RunSpan(60, 65)), (), [0, 10, 70, 80, 90]),
        ((KeptVerdict(SLOW, 20, 21, 50), KeptVerdict("healthy", 20, 70, 90)), (), (), [0, 10, 70, 80, 90]),
        ((KeptVerdict(SLOW, 20, 21, 50), KeptVerdict("healthy", 5, 70, 90)), (), (), [0, 10]),
    ],
    ids=["quiet", "a run", "a run that goes on", "another's", "bad", "unknown", "rolled back", "recovered", "other"],
)  # fmt: skip
def test_a_time_of_trouble_is_no_picture_of_before(
    verdicts: tuple[KeptVerdict, ...], runs: tuple[RunSpan, ...], events: tuple[float, ...], found: range | list[int]
) -> None:
    assert counted(verdicts, runs, events) == list(found)


def test_what_is_kept_is_read_and_old_or_broken_lines_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "watch" / "x.jsonl"
    for at in (1, 50):
        keep(path, interval(at))
        keep_verdict(path, KeptVerdict(SLOW, at, at, at + 1))
    with path.open("a") as file:
        file.write('not json\n[1]\n{"ended": 60, "statements": 3}\n')
    intervals, verdicts = read_kept(path, 40)
    assert [one.began for one in intervals] == [50]
    assert verdicts == [KeptVerdict(SLOW, 50, 50, 51)]
    assert len(path.read_text().splitlines()) == 2
    assert path.stat().st_mode & 0o077 == 0
