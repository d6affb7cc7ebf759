"""What the environment that changes come from says of them, as the state of the checklist's items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pgmig_tui.database.source import ChangeThere, SourceFacts
from pgmig_tui.gates.promotion import Promoted, ScriptDifference, results

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAY_MS = 86_400_000


def there(name: str, days: float = 2, **more: object) -> ChangeThere:
    moment = NOW - days * DAY
    found = ChangeThere(f"{name}-id", name, f"{name}-sha", moment, "Ann", tracked=True, verified_at=moment)
    return replace(found, **more)  # type: ignore[arg-type]


def here(name: str, sha: str | None = "", verifiable: bool = True) -> Promoted:
    return Promoted(f"{name}-id", name, f"{name}-sha" if sha == "" else sha, verifiable)


def staging(*changes: ChangeThere, **more: object) -> SourceFacts:
    found = SourceFacts("staging", now=NOW, changes={one.change_id: one for one in changes})
    return replace(found, **more)  # type: ignore[arg-type]


A, B = here("a"), here("b")
WITH = replace(A, included="f")
SAME = {"a-id": ScriptDifference(True, ("-x", "+y"))}
OTHER = {"a-id": ScriptDifference(False, ("-x", "+y"))}


@pytest.mark.parametrize(
    ("changes", "source", "differences", "states", "told"),
    [
        ([A, B], staging(there("a"), there("b")), {}, "PASS PASS PASS PASS", "all 2 changes are deployed on staging"),
        ([A], staging(there("a")), {}, "PASS PASS PASS PASS", "a is deployed on staging, at 2026-07-03 12:00:00Z"),
        # Not there, or not there any more.
        ([A, B], staging(there("a")), {}, "FAIL FAIL FAIL FAIL", "staging doesn't have b"),
        (
            [A, B],
            staging(there("a"), reverted={"b-id": "2026-07-04T10:00:00Z"}),
            {},
            "FAIL FAIL FAIL FAIL",
            "staging doesn't have b; reverted there: b at 2026-07-04 10:00:00Z",
        ),
        (
            [A],
            staging(there("a"), marked={"a-id": "a: it locks for an hour"}),
            {},
            "PASS PASS FAIL PASS",
            "for an hour",
        ),
        ([A], staging(there("a", recorded_only=True)), {}, "FAIL FAIL FAIL FAIL", "was never run there"),
        # Nobody can say.
        (
            [A],
            SourceFacts("staging", "it can't be reached"),
            {},
            "UNKNOWN " * 4,
            "staging didn't say: it can't be reached",
        ),
        ([A], staging(there("a"), same_database=True), {}, "UNKNOWN " * 4, "leads to this very database"),
        # Verified inside, after, later, never, or no more.
        (
            [A, B],
            staging(there("a"), there("b", tracked=False, verified_at=None, by="sqitch")),
            {},
            "PASS UNKNOWN PASS UNKNOWN",
            "b was deployed there by another program; `pgmig-tui verify staging` tells",
        ),
        ([A], staging(there("a", tracked=False)), {}, "PASS PASS PASS PASS", "a is verified on staging"),
        ([A], staging(there("a", verified_at=None)), {}, "PASS UNKNOWN PASS UNKNOWN", "without verification"),
        (
            [A],
            staging(there("a", tracked=False, verified_at=None), untracked="its tracking is off"),
            {},
            "PASS UNKNOWN PASS UNKNOWN",
            "isn't known: its tracking is off",
        ),
        (
            [A],
            staging(there("a", verified_at=None, failed_at=NOW - DAY)),
            {},
            "PASS FAIL PASS FAIL",
            "its last verification failed on staging: a at 2026-07-04 12:00:00Z",
        ),
        (
            [A, here("b", verifiable=False)],
            staging(there("a"), there("b", verified_at=None)),
            {},
            "PASS WARN PASS PASS",
            "nothing verifies b: no verify script",
        ),
        # Long enough?
        (
            [A, B],
            staging(there("a"), there("b", 0.75)),
            {},
            "PASS PASS PASS FAIL",
            "b must be on staging for 24 h 00 min; that is over at 2026-07-05 18:00:00Z, in 6 h 00 min",
        ),
        ([A], staging(there("a", 1)), {}, "PASS PASS PASS PASS", "in use on staging for more than 24 h 00 min"),
        ([A], staging(there("a", 2, verified_at=NOW - DAY / 2)), {}, "PASS PASS PASS FAIL", "in 12 h 00 min"),
        # The same bytes?
        ([here("a", "x")], staging(there("a")), OTHER, "PASS PASS FAIL PASS", "other scripts were deployed on staging"),
        ([here("a", "x")], staging(there("a")), {}, "PASS PASS FAIL PASS", "under the names of a"),
        ([here("a", "x")], staging(there("a")), SAME, "PASS PASS WARN PASS", "they say the same"),
        ([here("a", "x"), here("b", "y")], staging(there("a"), there("b")), SAME, "PASS PASS FAIL PASS", "names of b"),
        # The files that it includes?
        ([WITH], staging(there("a", files_noted=True, included="f")), {}, "PASS PASS PASS PASS", "byte for byte"),
        ([WITH], staging(there("a", files_noted=True, included="g")), {}, "PASS PASS FAIL PASS", "other files were"),
        ([A], staging(there("a", files_noted=True, included="g")), {}, "PASS PASS FAIL PASS", "other files were"),
        ([WITH], staging(there("a")), {}, "PASS PASS UNKNOWN PASS", "which files a included on staging isn't recorded"),
        ([A], staging(there("a", script_hash=None)), {}, "PASS PASS UNKNOWN PASS", "isn't recorded there"),
    ],
)
def test_what_is_said_of_changes_that_go_further(
    changes: list[Promoted], source: SourceFacts, differences: Mapping[str, ScriptDifference], states: str, told: str
) -> None:
    found = results(changes, source, DAY_MS, differences)
    assert [one.name for one in found] == [
        "staging_deployed", "staging_verified", "policy:promote_from", "policy:soak",
    ]  # fmt: skip
    assert [one.state for one in found] == states.split(), [one.summary for one in found]
    assert any(told in one.summary for one in found), [one.summary for one in found]


def test_the_evidence_has_a_row_for_each_change() -> None:
    _, _, found = results([here("a", "x"), B], staging(there("a"), server="db:pg:s", role="app"), 0, SAME)
    assert found.role == "app"
    a, b = found.rows
    assert (a["script_hash_there"], a["script_hash_here"], a["difference"]) == ("a-sha", "x", ["-x", "+y"])
    assert (b["deployed_at"], b["verified_at"]) == (None, None)
