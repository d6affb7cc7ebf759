"""How far a run is: the bar, each step's estimate beside what it took, the tries, and the curves of its environment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgmig_tui.cli.progress import RunAdvance
from pgmig_tui.database.pulse import PulseBeat, PulseReading, beat
from pgmig_tui.display.cells import text_of
from pgmig_tui.display.sparks import gauge
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal import course
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import RunPicture
from pgmig_tui.ui.views.course import progress_line, tries_lines
from pgmig_tui.ui.views.pulse import pulse_lines
from pgmig_tui.ui.views.run import step_lines
from tests.ui.fakes import FakeSession
from tests.ui.fakes import event as event_at
from tests.ui.robot import opened
from tests.ui.test_run_screen import BLOCKER, activity, at, at_run, begun, planned, step

ESTIMATES = {1: 2000.0, 2: 10_000.0, 3: 4000.0, 4: 0.0}


def picture(*entries: Entry) -> RunPicture:
    told = RunPicture()
    for entry in entries:
        told.add(entry)
    return told


def moment(second: float) -> datetime:
    return datetime(2026, 8, 20, 3, 13, int(second), tzinfo=UTC)


def retried(number: int, second: float, blockers: list[dict[str, object]]) -> Entry:
    told = {"step": 2, "line": 6, "try": number, "of": 9, "why": "lock timeout", "wait_ms": 900, "blockers": blockers}
    return event_at(at(second), "statement_retried", told)


TRYING = [*step(2, 25, ends=False)]


@pytest.mark.parametrize(
    ("estimates", "second", "told"),
    [
        (ESTIMATES, 25, ("12 %", "about 7.0 s left, 0.5x the estimates so far")),
        (ESTIMATES, 28, ("31 %", "about 4.0 s left")),
        (ESTIMATES, 45, ("time left unknown: this step takes longer than estimated",)),
        ({1: 2000.0, 2: 900.0, 3: 9.0, 4: 0.0}, 26, ("time left unknown", "unknown")),
        ({1: 2000.0}, 25, ("25 %", "time left unknown")),
        ({}, 25, ("25 %", "time left unknown")),
    ],
)
def test_the_time_left_goes_by_estimates_and_by_what_steps_really_took(
    estimates: dict[int, float], second: float, told: tuple[str, ...]
) -> None:
    run = picture(planned(), *step(1, 21), *TRYING)
    drawn = text_of(progress_line(run, estimates, moment(second), 100))
    assert all(one in drawn for one in told), drawn


def test_the_bar_of_the_command_line_and_that_of_the_screen_are_one_sum() -> None:
    entries, clock = [planned(), *step(1, 21), *TRYING], [0.0]
    advance = RunAdvance({1: 2000.0, 2: 10_000.0, 3: 4000.0, 4: 0.0}, lambda: clock[0])
    for entry in entries:
        advance.add(entry)  # at once, as who attaches reads them
    clock[0] = (moment(28) - datetime.fromisoformat(entries[-1].at)).total_seconds()
    now = advance.now()
    assert now is not None
    run = course.course(picture(*entries), ESTIMATES, moment(28))
    assert (now.share, now.left_s) == pytest.approx((run.share, (run.left_ms or 0) / 1000))


def test_estimates_are_kept_beside_the_journal(tmp_path: Path) -> None:
    assert course.kept(tmp_path) == {}
    course.keep(tmp_path, [12.34, None, 0.0])
    assert course.kept(tmp_path) == {1: 12.3, 3: 0.0}
    for torn in ("", "{}", '["x", null]'):
        (tmp_path / course.ESTIMATES).write_text(torn)
        assert course.kept(tmp_path) == {}


@pytest.mark.parametrize(
    ("columns", "first", "second", "last"),
    [
        (84, "+   1", "> 1.0 s", ""),
        (52, "1.0 s of ~2.0 s", "3.0 s of ~10 s", "< 1 s"),
        (30, "", "", ""),
    ],
)
def test_each_step_has_its_estimate_beside_what_it_took(columns: int, first: str, second: str, last: str) -> None:
    run = picture(planned(), *step(1, 21), *TRYING)
    lines = step_lines(tuple(run.steps.values()), columns, estimates=ESTIMATES, now=moment(28))
    drawn = [text_of(line) for line in lines]
    assert all(len(line) <= columns for line in drawn), drawn
    if columns == 84:
        assert drawn[0].split()[-3:] == ["estimate", "took", "waited"]
        assert drawn[1].split()[-5:] == ["~2.0", "s", "1.0", "s", "-"]
        assert drawn[2].split()[-5:] == ["~10", "s", "3.0", "s", "-"]
        return
    assert first in drawn[0]
    assert second in drawn[1]
    assert last in drawn[3]


def test_nobody_is_said_to_stay_in_the_way_once_he_was_terminated() -> None:
    run = picture(planned(), *step(1, 21), *TRYING, *(retried(number, 25 + number, [BLOCKER]) for number in (1, 2, 3)))
    assert text_of(tries_lines(run, 80)[1]).endswith("in 3 of 3; it does not go by itself: K, or p")
    run.add(event_at(at(29), "blocker_ended", {"how": "terminate", "pid": 777, "ok": True, "message": ""}))
    assert text_of(tries_lines(run, 80)[1]) == " by    pid 777 (reporting) in 3 of 3"


def test_tries_stand_on_a_line_with_whoever_was_in_their_way() -> None:
    run = picture(planned(), *step(1, 21), *TRYING)
    assert tries_lines(run, 60) == []
    for number in (1, 2, 3):
        run.add(retried(number, 25 + number, [BLOCKER] if number > 1 else []))
    drawn = [text_of(line) for line in tries_lines(run, 60)]
    assert drawn == [" tries x x x . . . . . .  3 lost, 6 left", " by    pid 777 (reporting) in 2 of 3"]
    for one in step(2, 29, ends=False)[1:]:
        run.add(one)
    drawn = [text_of(line) for line in tries_lines(run, 60)]
    assert drawn[0] == " tries x x x > . . . . .  3 lost, 1 now, 5 left"
    assert text_of(tries_lines(run, 32)[0]).startswith(" tries x3 > .5 ")
    run.add(event_at(at(30), "statement_finished", {"step": 2, "line": 6, "ms": 12.0}))
    assert tries_lines(run, 60) == []


def test_the_last_blocker_is_kept_until_the_try_after_has_won() -> None:
    run = picture(planned(), *step(1, 21), *TRYING, retried(1, 26, [BLOCKER]))
    for one in step(2, 28, ends=False)[1:]:
        run.add(one)
    run.add(activity(28.4, waiting=False, blockers=[]))
    assert [one.pid for one in run.in_the_way] == [777]
    run.add(event_at(at(30), "statement_finished", {"step": 2, "line": 6, "ms": 12.0}))
    assert run.in_the_way == ()


def test_curves_say_unknown_where_nothing_may_be_seen_and_never_zero() -> None:
    base = PulseReading(100.0, 1.0, 1000, 3, 45.0, 0, 1, 0, 0.5, 5_000_000.0)
    later = PulseReading(102.0, 1.0, 1824, 3, 45.0, 0, 1, 0, 0.5, 11_000_000.0)
    known = beat(base, later)
    assert known == PulseBeat(102.0, 3.0, 412.0, 45.0, 0.5, 3_000_000.0, 1, 0)
    drawn = "\n".join(text_of(line) for line in pulse_lines([beat(None, base), known], "", 100))
    assert all(one in drawn for one in (" 3 ", "412/s", "45 s", "500 ms", "2930 kB/s")), drawn

    hidden = beat(base, PulseReading(102.0, 1.0, 1824, 0, None, 4, 1, 1, None, None))
    assert (hidden.waiters, hidden.longest_s, hidden.lag_s, hidden.wal_s) == (None, None, None, None)
    drawn = "\n".join(text_of(line) for line in pulse_lines([hidden, hidden], "", 100))
    assert drawn.count("UNKNOWN") == 4, drawn
    assert "4 sessions hidden (pg_read_all_stats)" in drawn

    reset = beat(base, PulseReading(102.0, 2.0, 5, 0, None, 0, 0, 0, None, 4.0))
    assert (reset.transactions_s, reset.wal_s) == (None, None)
    alone = "\n".join(text_of(line) for line in pulse_lines([reset], "the server is gone", 60))
    assert "no replica" in alone
    assert "no answer since" in alone
    assert "UNKNOWN: [/]" in text_of(pulse_lines([], "[/]", 80)[0])


@pytest.mark.parametrize("columns", [44, 60, 80, 100, 160])
def test_curves_fit(columns: int) -> None:
    beats = [PulseBeat(float(n), n % 5, 400.0 + n, 1.0, 0.1, 1e9, 1, 0) for n in range(100)]
    assert all(len(text_of(line)) <= columns for line in pulse_lines(beats, "", columns))


def test_a_gauge_has_as_many_cells_as_it_should() -> None:
    for columns in (0, 1, 7, 40):
        for share in (-1.0, 0.0, 0.01, 0.333, 0.5, 0.999, 1.0, 7.0):
            for unicode in (True, False):
                assert len("".join(gauge(share, columns, unicode=unicode))) == columns


async def test_the_curves_stay_when_the_server_answers_no_more_and_the_session_is_closed_with_the_run() -> None:
    session = FakeSession()
    session.watch.unread, session.watch.estimates = begun(), ESTIMATES
    async with opened(session, (160, 50)) as robot:
        await at_run(robot, session)
        await robot.sees("412/s", "no replica", "estimate", "~10 s")
        ended = {"exit_status": 0, "result": "done", "done": 4, "total": 4, "summary": "all is well"}
        session.watch.unread = [event_at(at(40), "run_finished", ended)]
        await robot.sees("412/s", "all is well")
        assert session.pulse.over.wait(10)


async def test_an_environment_that_may_not_be_asked_says_why() -> None:
    session = FakeSession()
    session.watch.unread, session.pulse.refusal = begun(), PgmigError("nobody may look")
    async with opened(session, (100, 30)) as robot:
        await at_run(robot, session)
        await robot.sees("how it does is UNKNOWN: nobody may look", "line 6")


def test_names_of_steps_come_before_their_times_where_there_is_little_room() -> None:
    shown = picture(planned(), *step(1, 20))
    narrow = [text_of(one) for one in step_lines(tuple(shown.steps.values()), 40, estimates=ESTIMATES)]
    assert narrow[0].split()[2:] == ["..add_document_tags", "1.0", "s"]  # took has room, the estimate hasn't
    assert narrow[3].split()[2] == "..document_size_bigint"
    wide = text_of(step_lines(tuple(shown.steps.values()), 60, estimates=ESTIMATES)[0])
    assert "of ~2.0 s" in wide
