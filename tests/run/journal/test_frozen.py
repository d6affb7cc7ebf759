"""The scripts of a run as they were read, beside what lies on disk now."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.run.journal.frozen import written_since
from tests.effort import peak

MEGABYTE = 1 << 20
READ = bytes(range(256)) * (5 * MEGABYTE // 256) + b"SELECT 1;"


@pytest.mark.parametrize("at", [0, MEGABYTE - 1, MEGABYTE, len(READ) - 1, None])
def test_one_other_byte_anywhere_says_that_a_script_was_written_since(tmp_path: Path, at: int | None) -> None:
    path, kept = tmp_path / "now.sql", tmp_path / "kept.sql"
    kept.write_bytes(READ)
    path.write_bytes(READ if at is None else READ[:at] + b"?" + READ[at + 1 :])
    assert written_since(path, kept) is (at is not None)


def test_what_is_longer_or_no_file_was_written_since_and_what_is_gone_was_not(tmp_path: Path) -> None:
    path, kept = tmp_path / "now.sql", tmp_path / "kept.sql"
    kept.write_bytes(READ)
    path.write_bytes(READ + b" ")
    assert written_since(path, kept)
    path.unlink()
    assert not written_since(path, kept), "what was read is there; its file is gone"
    path.mkdir()
    assert written_since(path, kept)


def test_two_large_scripts_are_compared_without_holding_them(tmp_path: Path) -> None:
    path, kept = tmp_path / "now.sql", tmp_path / "kept.sql"
    for each in (path, kept):
        each.write_bytes(READ)
    assert peak(lambda: written_since(path, kept)) < len(READ)
