"""Prediction beside measurement, on plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import Estimate, Lock, StatementImpact
from pgmig_tui.rehearse.compare import Foreseen, Predictions, depends_on_rows, differences
from pgmig_tui.rehearse.measured import Measured, MeasuredLock, RowWork

T = Name("public", "t")
AE, SUE, AS = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.ACCESS_SHARE
ONE = StatementImpact(1, 1, "ALTER TABLE t …", "ALTER TABLE", path="a.sql")
SEEN = Measured("in its transaction")


def told(mode: LockMode, *, certainty: str = "certain", new: bool = False) -> StatementImpact:
    return replace(ONE, locks=(Lock("public", "t", "r", mode, certainty, "", new),))


def taken(mode: LockMode, *, new: bool = False) -> Measured:
    return replace(SEEN, locks=(MeasuredLock(T, "r", mode, new),))


def held(mode: LockMode) -> Measured:
    return replace(SEEN, held={T: frozenset({mode})})


@pytest.mark.parametrize(
    ("predicted", "measured"),
    [
        (told(AE), taken(AE)),
        (told(AE), held(AE)),
        (told(SUE), replace(held(SUE), locks=taken(AS).locks)),
        (told(AE, certainty="possible"), SEEN),
        (ONE, taken(AE, new=True)),
        (told(AE, new=True), taken(AE, new=True)),
        (told(AE), Measured("not")),
        (None, SEEN),
    ],
)
def test_what_was_measured_as_predicted_differs_in_nothing(
    predicted: StatementImpact | None, measured: Measured
) -> None:
    assert differences(predicted, measured, "ALTER TABLE") == ()


@pytest.mark.parametrize(
    ("predicted", "measured", "expected"),
    [
        (told(AE), SEEN, ("ACCESS EXCLUSIVE", "nothing", True)),
        (ONE, taken(AE), ("nothing", "ACCESS EXCLUSIVE", True)),
        (None, taken(AE), ("nothing", "ACCESS EXCLUSIVE", True)),
        (told(AE), taken(SUE), ("ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", True)),
        (told(SUE), taken(AE), ("SHARE UPDATE EXCLUSIVE", "ACCESS EXCLUSIVE", True)),
        (told(AE), held(SUE), ("ACCESS EXCLUSIVE", "nothing", True)),
        (ONE, taken(AS), ("nothing", "ACCESS SHARE", False)),
        (told(AE, certainty="possible"), taken(SUE), ("ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", True)),
    ],
)
def test_a_lock_that_was_measured_otherwise_is_a_difference(
    predicted: StatementImpact | None, measured: Measured, expected: tuple[str, str, bool]
) -> None:
    (found,) = differences(predicted, measured, "ALTER TABLE")
    assert (found.about, found.relation) == ("lock", "public.t")
    assert (found.predicted, found.measured, found.strong) == expected


def test_rewrites_differ_both_ways() -> None:
    assert differences(replace(ONE, rewrites=("public.t",)), replace(SEEN, rewrites=(T,)), "ALTER TABLE") == ()
    (more,) = differences(ONE, replace(SEEN, rewrites=(T,)), "ALTER TABLE")
    (less,) = differences(replace(ONE, rewrites=("public.t",)), SEEN, "ALTER TABLE")
    assert (more.predicted, more.measured) == ("nothing", "rewrite")
    assert (less.predicted, less.measured) == ("rewrite", "nothing")


def test_scans_count_on_ddl_where_nobody_foresaw_them() -> None:
    scan = replace(SEEN, rows=(RowWork(T, 1, 0, 0, 0, 0),))
    assert [one.about for one in differences(ONE, scan, "ALTER TABLE")] == ["scan"]
    assert differences(replace(ONE, scans=("public.t",)), scan, "ALTER TABLE") == ()
    assert differences(ONE, replace(SEEN, rows=(RowWork(T, 1, 0, 0, 0, 0, new=True),)), "ALTER TABLE") == ()
    assert differences(ONE, scan, "UPDATE") == ()
    assert [one.about for one in differences(told(AE), replace(taken(AE), rows=scan.rows), "ALTER TABLE")] == ["scan"]
    assert depends_on_rows(ONE, scan, "ALTER TABLE")
    assert not depends_on_rows(ONE, SEEN, "ALTER TABLE")


@pytest.mark.parametrize("kind", ["CREATE TABLE", "CREATE MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW"])
def test_how_a_query_reads_is_no_difference(kind: str) -> None:
    assert differences(told(AS), replace(taken(AS), rows=(RowWork(T, 1, 9, 0, 0, 0),)), kind) == ()


def test_predictions_are_handed_out_by_statement_and_in_order() -> None:
    begin, first, second, other = (replace(ONE, sql=sql) for sql in ("BEGIN", "a", "b", "c"))
    estimates = [None, Estimate(1, 2), Estimate(3, 4), None]
    predictions = Predictions([begin, first, second, other], [0, 7, 7, 9], estimates)
    assert predictions.take("a.sql", 7, "a") == Foreseen(first, Estimate(1, 2))
    assert predictions.take("a.sql", 9, "c") == Foreseen(other)
    assert predictions.take("a.sql", 7, "b") == Foreseen(second, Estimate(3, 4))
    assert predictions.take("a.sql", 7, "b") is None
    assert predictions.take("b.sql", 9, "c") is None


def test_what_was_passed_over_at_one_place_is_not_taken_for_what_ran() -> None:
    begin, alter, again = (replace(ONE, sql=sql) for sql in ("BEGIN", "ALTER", "ALTER"))
    predictions = Predictions([begin, alter, again], [0, 0, 0], [Estimate(1, 2)])
    assert predictions.take("a.sql", 0, "ALTER") == Foreseen(alter), "and estimates of another script are none"
    assert predictions.take("a.sql", 0, "a value that nobody knew") == Foreseen(again)
