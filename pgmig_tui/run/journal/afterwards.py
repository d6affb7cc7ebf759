"""Answers to the post-deployment checklist, kept where the rest of a run is told: at the end of its journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import Refused
from pgmig_tui.run.journal.events import ItemAnswered
from pgmig_tui.run.journal.file import JournalWriter, hold_lock

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Answer


def keep_answers(folder: Path, answers: Sequence[Answer]) -> None:
    """Append `answers` to the journal of the run in `folder`; one with an empty note takes an earlier one back.

    Raises Refused while the run goes on (the journal is its own) or another writes, OSError.
    """
    lock = hold_lock(folder, "keeping answers")
    if lock is None:
        raise Refused(
            f"run {folder.name} has not ended, or somebody else writes into its journal",
            now="The answer was not kept.",
            do="Answer again in a moment.",
        )
    try:
        writer = JournalWriter.continued(folder, folder.name)
        for answer in answers:
            writer.write(
                ItemAnswered(
                    item_id=answer.item_id, how=answer.how, note=answer.note, by=answer.by, answered_at=answer.at
                )
            )
        writer.close()
    finally:
        os.close(lock)
