"""The benchmark of the lock preview, on a file of its corpus: no statement is lost, and none is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.impact.modes import LockMode
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles
from tests.servers import Server

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = ("02_constraints.sql", "08_rows.sql", "09_shapes.sql", "10_odd_ends.sql")

Locks = dict[tuple[str, str], LockMode]


@pytest.fixture(scope="module", params=[16, 18])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    server: Server = request.getfixturevalue(f"pg{request.param}")
    out = tmp_path_factory.mktemp("accuracy") / "results.jsonl"
    command = [sys.executable, str(BENCHMARKS / "lock_accuracy.py"), "--sql-dir", str(BENCHMARKS / "corpus")]
    command += ["--dsn", server.conninfo("postgres"), "--out", str(out)]
    for file in FILES:
        command += ["--only", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DDL, SUE and stronger" in done.stdout
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def _strong(locks: list[dict[str, str]]) -> Locks:
    modes = {
        (lock["schema"], lock["relation"]): LockMode.from_pg_name(lock["mode"])
        for lock in locks
        if lock.get("certainty") != "possible"
    }
    return {name: mode for name, mode in modes.items() if mode >= LockMode.SHARE_UPDATE_EXCLUSIVE}


def test_no_statement_is_left_out(results: list[dict[str, Any]]) -> None:
    for file in FILES:
        mine = [result for result in results if result["file"] == file]
        script = preview(
            file, (BENCHMARKS / "corpus" / file).read_bytes(), MemoryFiles({}), {}, Allow(), ServerFacts(180000)
        )
        assert [result["index"] for result in mine] == list(range(len(mine)))
        seen = {(result["line"], result["kind"]) for result in mine}
        untaken = {one.line for one in script.statements if one.possible}
        expected = {(one.line, one.kind) for one in script.statements if one.line not in untaken}
        assert expected <= seen


def test_every_truth_was_predicted(results: list[dict[str, Any]]) -> None:
    with_truth = [result for result in results if not result["error"] and not result["not_scored"]]
    assert sum(bool(_strong(result["truth"])) for result in with_truth) > 60
    for result in with_truth:
        held = {(lock["schema"], lock["relation"]) for lock in result["held"]}
        predicted = {name: mode for name, mode in _strong(result["predicted"]).items() if name not in held}
        truth = {name: mode for name, mode in _strong(result["truth"]).items() if name not in held}
        assert (predicted, result["predicted_rewrites"]) == (truth, result["rewrites"]), result["sql"]


def test_what_has_no_truth_says_why(results: list[dict[str, Any]]) -> None:
    vacuum = next(result for result in results if result["sql"].startswith("VACUUM"))
    assert vacuum["not_scored"]
    assert any(result["error"] for result in results if result["sql"].startswith("TRUNCATE up;"))
    assert {"commit", "rollback"} & {result["kind"].lower() for result in results if result["not_scored"]}
