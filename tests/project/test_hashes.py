"""Script hashes of many changes: the same whoever reads the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgmig_tui.project import hashes
from pgmig_tui.project.hashes import ScriptHashes
from pgmig_tui.project.project import Project, load_project

WHO = "2024-01-01T00:00:00Z Ada <ada@example.com>"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Five changes; the script of the third is missing."""
    monkeypatch.setattr(hashes, "_MANY", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (tmp_path / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    changes = "".join(f"c{number} {WHO}\n" for number in range(5))
    (tmp_path / "sqitch.plan").write_text(f"%syntax-version=1.0.0\n%project=flip\n\n{changes}")
    (tmp_path / "deploy").mkdir()
    for number in (0, 1, 3, 4):
        (tmp_path / "deploy" / f"c{number}.sql").write_text(f"SELECT {number};\n")
    return load_project(tmp_path, {"HOME": str(tmp_path)})


def test_another_process_finds_the_same(project: Project) -> None:
    alone, helped = ScriptHashes(project), ScriptHashes(project)
    expected = [alone.hash(change) for change in project.plan.changes]
    assert expected[2] is None
    assert expected[0] == project.script_hash(project.plan.changes[0])
    helped.read_elsewhere()
    (project.root / "deploy" / "c0.sql").write_text("SELECT 'later';\n")
    before = [helped.hash(change) for change in project.plan.changes]
    assert before[1:] == expected[1:]
    assert len(before[0] or "") == 40


def test_another_process_that_fails_costs_only_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    helped = ScriptHashes(project)
    with monkeypatch.context() as broken:
        broken.setattr(ScriptHashes, "_hash", lambda self, change: 1 / 0)
        helped.read_elsewhere()
    assert helped.hash(project.plan.changes[1]) == project.script_hash(project.plan.changes[1])


def test_a_small_plan_needs_no_other_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "_MANY", 6)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it forked"))
    ScriptHashes(project).read_elsewhere()
