"""The log of a run: bounded, notices in a row folded into one line, and a run that talks much in its way of no key."""

from __future__ import annotations

from pathlib import Path

from pgmig_tui.display.cells import Line, text_of
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.folder import JOURNAL
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.journal.listing import list_runs
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.views.run_log import KEPT, NOISY_KEPT, KeptEvents, RunLog
from tests.ui.fakes import FakeSession
from tests.ui.fakes import event as event_at
from tests.ui.robot import opened
from tests.ui.test_run_screen import at, at_run, begun, planned, step


def notice(number: int, severity: str = "NOTICE") -> Entry:
    return event_at(at(25), "notice_received", {"step": 2, "severity": severity, "message": f"row {number}"})


def drawn(log: RunLog, *readings: list[Entry]) -> list[str]:
    """What stands on a screen that does as it is told."""
    lines: list[Line] = []
    for entries in readings:
        added = log.add(entries)
        if added.gone:
            del lines[-added.gone :]
        lines += added.lines
    return [text_of(line) for line in lines]


def test_notices_in_a_row_are_one_line_however_they_are_read() -> None:
    many = [notice(number) for number in range(50)]
    for cuts in ([50], [1] * 50, [2, 1, 7, 40]):
        log, readings, rest = RunLog(RunLines().add), [], list(many)
        for cut in cuts:
            readings.append(rest[:cut])
            del rest[:cut]
        lines = drawn(log, [planned()], *readings, [event_at(at(26), "warning", {"message": "look"})])
        assert [line[10:] for line in lines[1:]] == ["  50 notices, folded (o); the last: row 49", "! look"]
        unfolded = [text_of(line) for line in log.fold(False)]
        assert len(unfolded) == 52
        assert unfolded[1].endswith("NOTICE: row 0")
        assert [text_of(line) for line in log.fold(True)] == lines


def test_two_notices_and_warnings_stand_as_they_are() -> None:
    lines = drawn(RunLog(RunLines().add), [notice(1), notice(2), notice(3, "WARNING"), notice(4)])
    assert [line[10:].strip() for line in lines] == [
        "NOTICE: row 1",
        "NOTICE: row 2",
        "WARNING: row 3",
        "NOTICE: row 4",
    ]


def test_a_stretch_that_is_shown_grows_at_its_end_and_says_what_it_lacks() -> None:
    log = RunLog(RunLines().add)
    log.fold(False)
    assert len(drawn(log, [notice(1)], [notice(2), notice(3)], [notice(4)])) == 4
    drawn(log, [notice(number) for number in range(KEPT + 6)])
    first, *rest = [text_of(line) for line in log.fold(False)]
    assert first.endswith("10 notices before these stand in the journal alone")
    assert len(rest) == KEPT


def test_of_what_a_run_says_the_last_is_kept_and_of_what_it_does_all() -> None:
    kept = KeptEvents()
    kept.add(planned())
    for number in range(10 * NOISY_KEPT):
        kept.add(notice(number))
    for one in step(1, 21):
        kept.add(one)
    assert NOISY_KEPT <= len(kept) <= 2 * NOISY_KEPT + 6
    assert kept[0].name == "run_planned"
    assert [one.name for one in kept[-4:]] == [one.name for one in step(1, 21)]
    assert kept[-5] == notice(10 * NOISY_KEPT - 1)


def test_a_journal_is_read_in_slices_with_nothing_lost(tmp_path: Path) -> None:
    entries = [planned(), *(notice(number) for number in range(500))]
    (tmp_path / JOURNAL).write_text("".join(one.to_line() + "\n" for one in entries))
    reader, read = JournalReader(tmp_path), list[Entry]()
    while True:
        read += reader.poll(4096)
        if not reader.behind:
            break
    assert read == entries


def test_the_list_of_runs_reads_of_a_run_that_goes_on_only_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "20260820-031407-8f21"
    folder.mkdir(parents=True)

    def told(*entries: Entry) -> tuple[int, int, bool]:
        with (folder / JOURNAL).open("a") as file:
            file.writelines(one.to_line() + "\n" for one in entries)
        (one,) = list_runs(tmp_path)
        return one.steps_done, one.steps, one.paused or bool(one.under_way)

    assert told(planned()) == (0, 4, False)
    assert told(*step(1, 21), *(notice(number) for number in range(3000))) == (1, 4, False)
    assert told(*step(2, 25, ends=False)) == (1, 4, True)
    assert told(*step(2, 25)[2:]) == (2, 4, False)
    ended = {"exit_status": 0, "result": "done", "done": 4, "total": 4, "summary": ""}
    assert told(event_at(at(40), "run_finished", ended)) == (4, 4, False)


async def test_notices_are_unfolded_and_folded_by_a_key() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), *(notice(number) for number in range(7))]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("7 notices, folded (o); the last: row 6")
        await robot.misses("NOTICE: row 2")
        await robot.press("o")
        await robot.sees("NOTICE: row 0", "NOTICE: row 6")
        session.watch.unread = [notice(7)]
        await robot.sees("NOTICE: row 7")
        await robot.press("o")
        await robot.sees("8 notices, folded (o); the last: row 7")
        assert isinstance(robot.app.screen, RunScreen)


async def test_a_run_without_notices_says_so() -> None:
    session = FakeSession()
    session.watch.unread = begun()
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("line 6")
        await robot.press("o")
        await robot.sees("o is off: there are no notices")
