"""The decisions of a waiting run, without a server: what is tried again, when, and who goes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.database.live import in_the_way
from pgmig_tui.run.process.guard import (
    GuardLimits,
    Vacuum,
    backoff_ms,
    lost_because,
    next_look_ms,
    patience_with,
    queue_too_long,
    unrepeatable,
)
from pgmig_tui.run.process.stepwise import commits_on_its_way
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles


@pytest.mark.parametrize(
    ("sqlstate", "gave_way", "why"),
    [
        ("55P03", "", "lock timeout"),
        ("40P01", "", "deadlock"),
        ("40001", "", "serialization"),
        ("57014", "queue guard: …", "queue guard: …"),
        ("57014", "", ""),
        ("55P03", "queue guard: …", "lock timeout"),
        ("42601", "queue guard: …", ""),
        ("", "queue guard: …", ""),
    ],
)
def test_what_is_worth_another_try(sqlstate: str, gave_way: str, why: str) -> None:
    assert lost_because(sqlstate, gave_way) == why


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backing_off_grows_is_spread_and_ends(lost: int, draw: float) -> None:
    wait = backoff_ms(lost, draw)
    assert 100 <= wait <= 15_000
    assert backoff_ms(lost, 0.0) <= wait <= backoff_ms(lost, 1.0) == 2 * backoff_ms(lost, 0.0)
    assert backoff_ms(lost + 1, 0.0) >= backoff_ms(lost, 0.0)


def test_eight_retries_outlast_a_reader_of_five_seconds() -> None:
    """In the worst case for it, without the time that the tries themselves take."""
    assert sum(backoff_ms(lost, 0.0) for lost in range(1, 9)) > 5000


@pytest.mark.parametrize(
    ("waiters", "oldest", "gives_way"),
    [
        (0, None, False),
        (1, 300, False),
        (1, 301, True),
        (10, 10, False),
        (11, 10, True),
        (10, None, False),
        (11, None, True),
    ],
)
def test_the_queue_guard_at_its_limits(waiters: int, oldest: int | None, gives_way: bool) -> None:
    assert bool(queue_too_long(waiters, oldest, GuardLimits(10, 300))) is gives_way


def test_the_queue_guard_says_why() -> None:
    why = queue_too_long(12, 412, GuardLimits())
    assert why == "queue guard: 12 sessions wait behind this statement, the oldest 0.4 s"
    assert (
        queue_too_long(1, 4120, GuardLimits()) == "queue guard: 1 session waits behind this statement, the oldest 4.1 s"
    )


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_waiter_is_looked_at_again_just_when_its_patience_ends(oldest: int, limit: int) -> None:
    wait = next_look_ms(250, oldest, GuardLimits(10, limit))
    assert 10 <= wait <= 250
    if 10 < limit - oldest < 245:
        assert oldest + wait > limit
        assert oldest + wait <= limit + 10


def test_patience_is_for_an_ordinary_autovacuum_alone() -> None:
    assert patience_with(Vacuum(7, wraparound=False), 300, 1000) == 1300
    assert patience_with(Vacuum(7, wraparound=None), 300, 1000) == 1300, "one try tells"
    assert patience_with(Vacuum(7, wraparound=True), 300, 1000) is None
    assert patience_with(None, 300, 1000) is None
    assert patience_with(Vacuum(7, wraparound=False), 5000, 1000) is None, "it waits long enough as it is"
    assert patience_with(Vacuum(7, wraparound=False), 0, 1000) is None, "it waits for ever as it is"


def _unrepeatable(script: str) -> str:
    allow = Allow(shell=True, files=True)
    return unrepeatable(preview("a.sql", script.encode(), MemoryFiles({}), {}, allow, ServerFacts()))


@pytest.mark.parametrize(
    "script",
    [
        "BEGIN;\nALTER TABLE t ADD c int;\nCOMMIT;\n",
        "COPY t FROM stdin;\n1\n\\.\n",
        "COPY t TO stdout;\n",
        "SELECT 1 \\gset\n\\echo :x\n\\if true\nSELECT 2;\n\\endif\n",
        "SELECT 1 \\gx\n",
        "\\o\n",
        "COMMENT ON TABLE t IS 'copy to program dblink';\n",
    ],
)
def test_what_a_rollback_takes_back_may_be_done_twice(script: str) -> None:
    assert _unrepeatable(script) == ""


@pytest.mark.parametrize(
    "script",
    [
        "\\! rm x\n",
        "\\set x `date`\n",
        "SELECT 1 \\g |cat\n",
        "SELECT 1 \\g out\n",
        "\\o out\n",
        "\\copy t to out\n",
        "\\copy t from program 'cat'\n",
        "COPY t TO PROGRAM 'cat';\n",
        "COPY t FROM PROGRAM 'cat';\n",
        "COPY (SELECT 1) TO '/x';\n",
        "SELECT * FROM dblink('x', 'y') AS z(a int);\n",
        "SELECT public.DBLINK_EXEC('x');\n",
        "SELECT lo_export(1, '/x');\n",
    ],
)
def test_what_no_rollback_takes_back_may_not(script: str) -> None:
    assert _unrepeatable(script)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", True),
        ("create unique index concurrently if not exists i on t (a)", True),
        ("DROP INDEX CONCURRENTLY i", True),
        ("REINDEX INDEX CONCURRENTLY i", True),
        ("REINDEX (VERBOSE, CONCURRENTLY) TABLE t", True),
        ("REINDEX TABLE CONCURRENTLY t", True),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", True),
        ("CREATE INDEX i ON t (a)", False),
        ("CREATE INDEX i ON t (a) WHERE b = 'CREATE INDEX CONCURRENTLY'", False),
        ('ALTER TABLE p DETACH PARTITION "CONCURRENTLY"', False),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", False),
        ("INSERT INTO t VALUES ('DROP INDEX CONCURRENTLY i')", False),
    ],
)
def test_what_commits_on_its_way_runs_without_limits(sql: str, expected: bool) -> None:
    assert commits_on_its_way(kind_of(sql), sql) is expected


def test_those_in_the_way_stand_where_they_are_nearest() -> None:
    # 1 waits for 2 and 3; 2 waits for 3 and 4; 4 for 5
    assert in_the_way(1, [(1, 2), (1, 3), (2, 3), (2, 4), (4, 5)]) == [(2, 0), (4, 1), (5, 2), (3, 0)]
    assert in_the_way(1, []) == []


def test_a_long_queue_is_told_at_once() -> None:
    """Everybody waits for all before: 2^60 paths lead through such a queue."""
    edges = [(pid, ahead) for pid in range(1, 61) for ahead in range(pid + 1, 61)]
    found = in_the_way(1, edges)
    assert sorted(pid for pid, _ in found) == list(range(2, 61))
    assert {depth for _, depth in found} == {0}


def test_a_circle_of_waiting_sessions_is_walked_once() -> None:
    assert in_the_way(1, [(1, 2), (2, 3), (3, 2), (3, 1)]) == [(2, 0), (3, 1)]
