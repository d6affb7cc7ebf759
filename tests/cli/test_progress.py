"""Progress bars: what they claim, where they are, and that they never stand in the way of a line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgmig_tui.cli import output
from pgmig_tui.cli.progress import Advance, ProgressLine, RunAdvance
from pgmig_tui.run.journal.course import by_step
from pgmig_tui.run.journal.entry import Entry, event_of
from tests.cli.program import Checkout, shop
from tests.cli.test_output import on_terminal
from tests.servers import Server


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def step(number: int, action: str = "deploy") -> dict[str, object]:
    texts = {"change": f"c{number}", "label": f"c{number}", "change_id": "", "mode": "atomic", "mode_reason": ""}
    return {"number": number, "action": action, **texts, "script": "x", "verify": "off", "verify_reason": ""}


def happens(advance: RunAdvance, name: str, at: str = "00:00:00", **data: object) -> None:
    advance.add(Entry(1, f"2026-01-01T{at}Z", "r", event_of(name, data)))


def begun(estimates: list[float | None], steps: int = 3) -> tuple[RunAdvance, Clock]:
    clock = Clock()
    advance = RunAdvance(by_step(estimates), clock)
    assert advance.now() is None
    planned = {"format": 1, "command": "deploy", "steps": [step(number + 1) for number in range(steps)]}
    advance.add(Entry(1, "2026-01-01T00:00:00Z", "r", event_of("run_planned", planned)))
    return advance, clock


def test_the_time_left_comes_from_the_estimates_and_from_what_was_taken_of_them() -> None:
    advance, clock = begun([10_000, 20_000, 10_000])
    now = advance.now()
    assert now == Advance("0 of 3 changes", 0.0, 40.0)
    happens(advance, "step_started", step=1, change="c1", action="deploy", mode="atomic")
    clock.now = 4.0
    assert advance.now() == Advance("0 of 3 changes, now c1", 0.1, 36.0)
    clock.now = 20.0
    assert advance.now() == Advance("0 of 3 changes, now c1", 0.25, None), "it takes longer than it was thought to"
    happens(advance, "step_committed", step=1, change="c1", ms=20_000)
    assert advance.now() == Advance("1 of 3 changes", 0.25, 60.0), "twice as long: so may be the rest"
    happens(advance, "run_paused", why="")
    assert advance.now() is None
    happens(advance, "run_resumed", by="")
    assert advance.now() is not None
    happens(advance, "run_finished", exit_status=0, result="done", done=3, total=3, summary="", now="", do="")
    assert advance.now() is None


def test_a_time_that_nothing_foretells_is_unknown() -> None:
    for estimates in ([], [1000, None, 1000], [1000]):
        advance, _ = begun(list(estimates))
        now = advance.now()
        assert now is not None
        assert (now.left_s, "time left unknown" in now.sentence) == (None, True)
    advance, _ = begun([None, 1000, 1000])
    happens(advance, "step_started", step=1, change="c1", action="deploy", mode="atomic")
    happens(advance, "step_committed", step=1, change="c1", ms=1)
    now = advance.now()
    assert now is not None
    assert now.left_s == 2.0, "the step without an estimate is over"
    advance, _ = begun([0.0, 0.0], 2)
    now = advance.now()
    assert now is not None
    assert now.share == 0.0


def test_who_attaches_later_is_told_the_same_time_as_who_was_there_from_the_beginning() -> None:
    advance, clock = begun([10_000, 20_000, 10_000])  # all that has been is read at once
    happens(advance, "step_started", step=1, change="c1", action="deploy", mode="atomic")
    happens(advance, "step_committed", "00:00:20", step=1, change="c1", ms=20_000)
    happens(advance, "step_started", "00:00:20", step=2, change="c2", action="deploy", mode="atomic")
    happens(advance, "activity", "00:00:30", step=2, elapsed_ms=9_000)
    assert advance.now() == Advance("1 of 3 changes, now c2", 0.5, 50.0), "ten of forty seconds are gone, and twenty"
    clock.now = 2.0
    assert advance.now() == Advance("1 of 3 changes, now c2", 0.55, 48.0)
    happens(advance, "step_committed", "00:00:32", step=2, change="c2", ms=None)
    now = advance.now()
    assert now is not None
    assert now.share == 0.75
    assert now.left_s == pytest.approx(32 / 30 * 10)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nobody_elses() -> Iterator[None]:
    yield
    output.give_way(None)


def test_a_bar_is_one_line_that_fits_whatever_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    for columns in (8, 20, 40, 60, 80, 160):
        monkeypatch.setenv("COLUMNS", str(columns))
        stream = Terminal()
        monkeypatch.setattr("sys.stderr", stream)
        bar = ProgressLine(stream)
        bar.show(Advance("3 of 10 changes, now \x1b[31ma_change_with_a_long_name", 0.3, 12.0))
        (drawn,) = (one for one in stream.getvalue().split("\r") if one)
        assert len(drawn.removesuffix("\x1b[K")) < columns
        assert "\x1b[31m" not in drawn
        if columns == 160:
            assert "30 %, 3 of 10 changes, now ␛[31ma_change_with_a_long_name, about 12 s left" in drawn
        before = stream.tell()
        bar.end()
        assert stream.getvalue()[before:] == "\r\x1b[K"


@pytest.mark.parametrize("given", ["pipe", "dumb", "quiet"])
def test_there_is_none_where_nobody_could_see_it(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb" if given == "dumb" else "xterm")
    stream = io.StringIO() if given == "pipe" else Terminal()
    output.set_volume(quiet=given == "quiet", verbose=0)
    try:
        bar = ProgressLine(stream)
        bar.show(Advance("x", 0.5, 1.0))
        bar.end()
    finally:
        output.set_volume(quiet=False, verbose=0)
    assert stream.getvalue() == ""


def test_a_deploy_has_a_bar_on_a_terminal_and_the_same_lines_without_one(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    checkout: Checkout = shop(tmp_path, {"dev": pg18.uri(database)})
    checkout.change(
        "orders", "CREATE TABLE shop.orders (id int); SELECT pg_catalog.pg_sleep(0.6);", "DROP TABLE shop.orders;", None
    )
    out = on_terminal(checkout, "deploy", "dev", "--yes")
    assert "1 of 3 changes, now orders @v1" in out
    assert "time left unknown" in out or " left" in out
    assert out.rstrip().endswith("\x1b[K") or "\x1b[K" not in out.splitlines()[-1]
    out = on_terminal(checkout, "revert", "dev", "--all", "--yes", "--accept-data-loss", TERM="dumb")
    assert "\x1b" not in out
    done = checkout.run("deploy", "dev", "--yes")
    assert done.status == 0
    assert " left" not in done.out + done.err
