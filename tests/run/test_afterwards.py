"""Answers to the post-deployment checklist stand at the end of the journal, and the run stays what it was."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.gates.gate import Answer
from pgmig_tui.report.run_report import markdown
from pgmig_tui.run.journal.afterwards import keep_answers
from pgmig_tui.run.journal.file import JournalReader, JournalWriter, hold_lock
from pgmig_tui.run.journal.listing import list_runs
from pgmig_tui.run.journal.picture import picture_of
from tests.run.conftest import Workshop


def answer(item: str, note: str) -> Answer:
    return Answer(item, "attest", note, "Ada <ada@example.com>", "2026-01-02T03:04:05Z")


def test_an_answer_stands_in_the_journal_and_in_the_report(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.t ();\n")
    done = workshop18.run()
    folder = done.plan.folder
    keep_answers(folder, [answer("performance", "p99 is 12 ms"), answer("logs", "none")])
    keep_answers(folder, [answer("logs", "")])
    events = JournalReader(folder).poll()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert list(picture_of(events).afterwards) == ["performance"]
    assert "| performance | attest | p99 is 12 ms | Ada \\<ada@example.com\\> |" in markdown(events)
    (run,) = [run for run in list_runs(folder.parent.parent) if run.run_id == folder.name]
    assert (run.state, run.exit_status, run.steps_done) == ("finished", 0, 1)


def test_a_journal_that_somebody_writes_is_left_alone(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.t ();\n")
    folder = workshop18.run().plan.folder
    before = (folder / "journal.jsonl").read_bytes()
    lock = hold_lock(folder)
    assert lock is not None
    try:
        with pytest.raises(Refused, match="has not ended"):
            keep_answers(folder, [answer("logs", "none")])
    finally:
        os.close(lock)
    assert (folder / "journal.jsonl").read_bytes() == before


def test_who_only_looks_for_a_moment_keeps_no_answer_out(tmp_path: Path) -> None:
    folder = tmp_path / "20260101-000000-abcd"
    folder.mkdir()
    JournalWriter(folder, folder.name).close()
    lock = hold_lock(folder)
    assert lock is not None
    threading.Timer(0.1, os.close, [lock]).start()
    keep_answers(folder, [answer("logs", "none")])
    assert len(JournalReader(folder).poll()) == 1
