"""What is kept of a look at drift, and that what can't be read is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgmig_tui.database.same_schema import ObjectDifference, Schema
from pgmig_tui.project.ids import digest_of_all
from pgmig_tui.review.drift import Drift, DriftSide, Judged
from pgmig_tui.review.drift_kept import keep, known_drift, of

NOW = datetime(2026, 8, 20, tzinfo=UTC)
SIDES = [DriftSide(name, "x", Schema({}, 180000), NOW) for name in ("live", "plan")]
FOUND = Drift(
    SIDES[0], SIDES[1],
    (Judged(ObjectDifference("index", "app.i", "new: a", "old")), Judged(ObjectDifference("view", "app.v", "x", ""))),
    0, 7, ("a note",), 12.0,
)  # fmt: skip


def test_what_was_found_is_kept_and_read(tmp_path: Path) -> None:
    known = of(FOUND, digest_of_all(["a", "b"]))
    keep(tmp_path, "shop", "live", known)
    again = known_drift(tmp_path, "shop", "live")
    assert again == known
    assert (again.open, again.compared, again.notes) == (2, 7, ("a note",))
    assert [(one.object, one.how, one.more) for one in again.differences] == [
        ("index app.i", "differs", ("- old", "+ new: a")),
        ("view app.v", "only in live", ()),
    ]
    (kept,) = (tmp_path / "drift").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert known_drift(tmp_path, "shop", "dev") is None


def test_a_name_that_looks_like_what_is_said_of_it_stays_a_name() -> None:
    named = replace(FOUND, found=(Judged(ObjectDifference("table", 'app."a: only in b"', "x", "")),))
    (one,) = of(named, "").differences
    assert (one.object, one.how, one.accepted) == ('table app."a: only in b"', "only in live", "")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"drift": {"at": "never"}}', '{"drift": 7}'])
def test_what_can_not_be_read_is_unknown(tmp_path: Path, text: str) -> None:
    keep(tmp_path, "shop", "live", of(FOUND, ""))
    (kept,) = (tmp_path / "drift").iterdir()
    kept.write_text(text)
    assert known_drift(tmp_path, "shop", "live") is None


def test_what_is_deployed_counts_in_whatever_order() -> None:
    assert digest_of_all(["b", "a"]) == digest_of_all(["a", "b"]) != digest_of_all(["a"])
