"""What goes on around a statement, in words and numbers."""

from __future__ import annotations

from pgmig_tui.display.activity import Activity, Blocker


def test_the_blockers_transactions_age_while_nothing_else_is_told() -> None:
    seen = Activity(waiters=2, oldest_wait_ms=400, blockers=(Blocker(7, since_ms=1000), Blocker(8)))
    later = seen.aged(59_000)
    assert [one.since_ms for one in later.blockers] == [60_000, None]
    assert later.oldest_wait_ms == 400
