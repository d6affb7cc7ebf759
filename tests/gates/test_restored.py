"""What a test restore shows as evidence, and what a backup foretells of its end. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.database.row_counts import DumpedTable
from pgmig_tui.gates.progress import BackupPace, BackupProgress
from pgmig_tui.gates.restored import RestoreProof

GOOD = RestoreProof(
    path="/b/shop.dump",
    sha256="e2",
    database="shop",
    system_identifier="7",
    server="PostgreSQL 18.6 of our own",
    started_at="2026-11-30T12:00:00Z",
    restore_s=90.0,
    seconds=100.0,
    tables=2,
    rows=1200,
    verified=3,
)


@pytest.mark.parametrize(
    ("proof", "state", "summary"),
    [
        (GOOD, "PASS", "in 1 min 30 s: 1,200 rows of 2 tables as dumped, 3 verify scripts passed"),
        (replace(GOOD, verified=0), "PASS", "nothing to verify"),
        (replace(GOOD, limits=("is PostgreSQL 16",)), "PASS", "3 verify scripts passed"),
        (replace(GOOD, unverified=("a: not in the plan",)), "WARN", "1 change not verified"),
        (replace(GOOD, differing=("public.t: 2 rows dumped, 1 restored",)), "FAIL", "1 problem: public.t: 2 rows"),
        (replace(GOOD, problems=("no room",)), "FAIL", "with 1 problem: no room"),
        (replace(GOOD, failed=("verify a: x",) * 5), "FAIL", "5 problems: verify a: x, verify a: x, verify a: x and 2"),
        (replace(GOOD, failed=("x",), limits=("is PostgreSQL 16",)), "UNKNOWN", "x (there is PostgreSQL 16)"),
        (replace(GOOD, rows=None), "UNKNOWN", "its rows weren't counted"),
        (replace(GOOD, lacking=("the extension postgis",)), "UNKNOWN", "but that lacks the extension postgis"),
        (replace(GOOD, lacking=("the extension postgis",), failed=("x",)), "UNKNOWN", "lacks the extension postgis"),
    ],
)
def test_unknown_is_never_green_and_what_lacks_is_never_blamed_on_the_dump(
    proof: RestoreProof, state: str, summary: str
) -> None:
    assert proof.state == state
    assert summary in proof.summary


def test_the_time_that_is_left_is_told_by_the_last_dump_or_by_what_tables_took() -> None:
    told: list[BackupProgress] = []
    tables = [DumpedTable("public", "large", 900), DumpedTable("public", "small", 100)]
    pace = BackupPace("dumping", "/b/x", tables, told.append)
    pace.heard('pg_dump: dumping contents of table "public.large"')
    pace.tell(10)
    assert (told[-1].tables, told[-1].of, told[-1].left_s) == (0, 2, None)
    pace.heard('pg_dump: dumping contents of table "public.small"')
    pace.heard('pg_dump: dumping contents of table "other.table"')
    pace.tell(90)
    assert told[-1].tables == 1
    assert told[-1].left_s is not None
    assert "dumping: 90 bytes, 1 of 2 tables, about " in told[-1].told
    pace = BackupPace("dumping", "/b/x", tables, told.append, expected=100)
    pace.tell(0)
    assert told[-1].left_s is None
    pace.tell(50)
    half = told[-1].left_s
    pace.tell(500)
    assert half is not None
    assert told[-1].left_s == 0.0, "it is larger than the last one was"
