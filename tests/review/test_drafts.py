"""Answers survive leaving and a retry, and are asked again where what they speak of has changed, with the reason."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pgmig_tui.gates.gate import Answer
from pgmig_tui.review.drafts import KEPT, About, keep, recall, used
from pgmig_tui.run.journal.entry import event_of
from pgmig_tui.run.journal.file import JournalWriter

RUN = "20260101-000000-abcd"
ONE, TWO = ("deploy", "1", "one", "aa"), ("deploy", "2", "two", "bb")
ABOUT = About("shop", "live", "deploy", "7000/shop", frozenset({ONE, TWO}))
NOW = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
SAID = Answer("pre:notify", "attest", "mailed", "Ann <ann@example.org>", NOW)
REASON = Answer("check:blockers", "override", "known reader", "Ann <ann@example.org>", NOW)
ITEMS = ("pre:notify", "pre:window")


def ended(state_dir: Path, status: int) -> None:
    folder = state_dir / "runs" / RUN
    folder.mkdir(parents=True)
    writer = JournalWriter(folder, RUN)
    writer.write(event_of("run_finished", {"exit_status": status, "done": 1, "total": 2}))
    writer.close()


def test_what_was_said_stands_for_the_same_plan_and_in_nobody_else_s_eyes(tmp_path: Path) -> None:
    assert recall(tmp_path, ABOUT, ITEMS).standing == ()
    keep(tmp_path, ABOUT, [SAID])
    assert recall(tmp_path, ABOUT, ITEMS).standing == (SAID,)
    (file,) = (tmp_path / "drafts").iterdir()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert recall(tmp_path, replace(ABOUT, environment="other"), ITEMS).standing == ()


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (replace(ABOUT, scripts=frozenset({ONE})), ""),
        (replace(ABOUT, scripts=frozenset({ONE, (*TWO[:3], "cc")})), "the script of two has changed since"),
        (replace(ABOUT, scripts=frozenset({ONE, TWO, ("deploy", "3", "three", "dd")})), "it was said without three"),
        (replace(ABOUT, server="7001/shop"), "it was said of another server"),
    ],
)
def test_what_has_changed_is_asked_again_with_the_reason_and_fewer_steps_are_no_change(
    tmp_path: Path, about: About, why: str
) -> None:
    keep(tmp_path, ABOUT, [SAID])
    found = recall(tmp_path, about, ITEMS)
    assert (found.standing, [(one.note, one.why) for one in found.again.values()]) == (
        ((SAID,), []) if not why else ((), [("mailed", why)])
    )
    if why:  # said again, it stands
        keep(tmp_path, about, [SAID])
        assert recall(tmp_path, about, ITEMS).standing == (SAID,)


@pytest.mark.parametrize(("status", "stands"), [(1, True), (4, True), (0, False)])
def test_a_run_that_failed_spends_nothing_and_one_that_is_done_all(tmp_path: Path, status: int, stands: bool) -> None:
    keep(tmp_path, ABOUT, [SAID])
    used(tmp_path, ABOUT, RUN)
    ended(tmp_path, status)
    found = recall(tmp_path, ABOUT, ITEMS)
    assert (found.standing == (SAID,)) is stands
    if not stands:
        assert found.again["pre:notify"].why == f"it was for run {RUN}, which is done"


def test_what_is_old_is_said_again(tmp_path: Path) -> None:
    at = datetime.now(UTC) - KEPT - timedelta(hours=1)
    keep(tmp_path, ABOUT, [replace(SAID, at=f"{at:%Y-%m-%dT%H:%M:%SZ}")])
    assert recall(tmp_path, ABOUT, ITEMS).again["pre:notify"].why == "it was said 7 days ago"


def test_a_reason_is_only_offered_and_so_is_what_the_program_sees_by_now(tmp_path: Path) -> None:
    keep(tmp_path, ABOUT, [SAID, REASON])
    found = recall(tmp_path, ABOUT, ["pre:window"])
    assert found.standing == ()
    assert {key: one.note for key, one in found.again.items()} == {
        "pre:notify": "mailed", "check:blockers": "known reader",
    }  # fmt: skip


def test_what_is_withdrawn_is_gone_and_what_waits_to_be_said_again_is_not(tmp_path: Path) -> None:
    keep(tmp_path, ABOUT, [SAID])
    keep(tmp_path, ABOUT, [])
    assert recall(tmp_path, ABOUT, ITEMS).standing == ()
    keep(tmp_path, ABOUT, [SAID])
    other = replace(ABOUT, server="7001/shop")
    keep(tmp_path, other, [replace(SAID, item_id="pre:window")])
    assert set(recall(tmp_path, other, ITEMS).again) == {"pre:notify"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"drafts": 7}', '{"drafts": [{"answer": {}}]}', "\udcff"])
def test_a_file_that_can_t_be_read_is_no_answer(tmp_path: Path, text: str) -> None:
    path = tmp_path / "drafts" / ABOUT.file_name
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert recall(tmp_path, ABOUT, ITEMS).standing == ()
    keep(tmp_path, ABOUT, [SAID])
    assert recall(tmp_path, ABOUT, ITEMS).standing == (SAID,)
