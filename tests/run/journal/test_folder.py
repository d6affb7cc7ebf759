"""The folders of runs."""

from __future__ import annotations

from pathlib import Path

from pgmig_tui.run.journal.folder import RUN_ID, new_folder


def test_ids_are_in_the_order_of_the_runs(tmp_path: Path) -> None:
    names = [new_folder(tmp_path).name for _ in range(300)]
    assert all(RUN_ID.fullmatch(name) for name in names)
    assert names == sorted(names)
    assert len(set(names)) == len(names)
