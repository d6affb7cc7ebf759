"""What a review reads: each script of the run once, whatever it is looked at for."""

from __future__ import annotations

from collections import Counter

import pytest

from pgmig_tui.review import prepared
from pgmig_tui.run.journal.frozen import RecordedFiles
from tests.run.conftest import Workshop, workshop18, workshop_on

__all__ = ["workshop18", "workshop_on"]


def test_a_review_reads_each_script_once(workshop18: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        workshop18.change(name, f"CREATE TABLE public.{name} ();\n", f"DROP TABLE public.{name};\n")
    read: Counter[str] = Counter()
    reads = RecordedFiles.script

    def counted(files: RecordedFiles, name: str) -> bytes:
        read[name] += 1
        return reads(files, name)

    monkeypatch.setattr(RecordedFiles, "script", counted)
    found = prepared.review(workshop18.plan(), workshop18.project()[1])
    assert [one is not None for one in found.impacts] == [True, True]
    assert read == {"deploy/one.sql": 1, "deploy/two.sql": 1}
