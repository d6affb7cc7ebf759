"""What a rollback without a point means: the last deploy run that still stands, and nothing that is only guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pgmig_tui.database.deployed import DeployedChange, RegistryEvent
from pgmig_tui.database.holder import LockHolder
from pgmig_tui.database.identity import ServerIdentity
from pgmig_tui.review.rollback import run_words
from pgmig_tui.run.clients.extent import Extent, KnownState, extent_of_last
from pgmig_tui.run.clients.stopping import Running
from pgmig_tui.run.planning.known_runs import KnownRun, KnownRuns

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(second: float) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def change(name: str, second: float, by: str = "Maria") -> DeployedChange:
    email = f"{by.lower()}@example.com"
    return DeployedChange(name * 40, "h", name, "shop", "", at(second), by, email, at(0), by, email)


def event(kind: str, name: str, second: float, by: str = "Maria") -> RegistryEvent:
    email = f"{by.lower()}@example.com"
    return RegistryEvent(kind, name * 40, name, "shop", "", (), (), (), at(second), by, email, at(0), by, email)


def run(run_id: str, start: float, end: float, names: str | None = None, **more: object) -> KnownRun:
    """A run of this account where `names` says what it committed, else of another."""
    committed = tuple(name * 40 for name in names) if names is not None else None
    facts = KnownRun(run_id, "Maria", "db1", at(start), at(end), "done", 3, committed, local=names is not None)
    return replace(facts, **more)  # type: ignore[arg-type]


def standing(
    deployed: list[DeployedChange],
    events: list[RegistryEvent],
    runs: list[KnownRun] | tuple[KnownRun, ...] = (),
    running: Running | None = None,
) -> KnownState:
    identity = ServerIdentity.__new__(ServerIdentity)
    newest = tuple(sorted(events, key=lambda one: one.committed_at, reverse=True))
    known = KnownRuns(sorted(runs, key=lambda one: one.started_at, reverse=True))
    return KnownState(identity, tuple(deployed), newest, {}, running, known)


def names(extent: Extent | None) -> str:
    return "" if extent is None else "".join(one.name for one in extent.changes)


def deploys(deployed: list[DeployedChange]) -> list[RegistryEvent]:
    return [
        replace(event("deploy", one.name, 0, one.committer_name), committed_at=one.committed_at) for one in deployed
    ]


A, B, C = change("a", 10), change("b", 20), change("c", 500)
ABC = [A, B, C]
AB_RUN, C_RUN = run("1", 5, 21, "ab"), run("2", 495, 501, "c")


def test_the_last_run_is_what_it_deployed_and_no_more() -> None:
    found = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, C_RUN]))
    assert (found.run_id, names(found), found.nothing, found.keep) == ("2", "c", "", B)
    found = extent_of_last(standing([A, B], deploys([A, B]), [AB_RUN]))
    assert (found.run_id, names(found), found.keep) == ("1", "ba", None)


def test_after_a_rollback_there_is_nothing_to_roll_back() -> None:
    events = [*deploys(ABC), event("revert", "c", 600, "Jonas")]
    found = extent_of_last(standing([A, B], events, [AB_RUN, C_RUN]))
    assert (names(found), found.undecided, found.candidate) == ("", False, None)
    assert found.nothing == (
        "what happened last is a revert, of 1 change (c), the last by Jonas <jonas@example.com> at 2026-11-22 03:10:00Z"
    )


def test_of_a_run_that_was_rolled_back_in_part_the_rest_is_offered_and_not_chosen() -> None:
    one = run("1", 5, 21, "ab")
    events = [*deploys([A, B]), event("revert", "b", 600)]
    found = extent_of_last(standing([A], events, [one]))
    assert (names(found), found.undecided) == ("", True)
    assert "of run 1, which deployed some of these, 1 change still stands" in found.nothing
    assert (names(found.candidate), found.candidate and found.candidate.run_id) == ("a", "1")
    others = extent_of_last(standing([A], events, [run("1", 5, 21)]))
    assert (others.undecided, names(others.candidate)) == (True, "a")


def test_a_rollback_right_behind_its_deploy_took_nothing_of_the_run_before() -> None:
    quick = [A, B, change("c", 22)]
    events = [*deploys(quick), event("revert", "c", 24), event("fail", "d", 25)]
    found = extent_of_last(standing([A, B], events, [AB_RUN, run("2", 21.5, 22.5, "c")]))
    assert (found.undecided, found.candidate) == (False, None)
    failed = extent_of_last(standing([A, B], [*deploys([A, B]), event("fail", "d", 22)], [AB_RUN]))
    assert "of d by Maria" in failed.nothing
    own = replace(AB_RUN, planned=("d" * 40,))
    assert names(extent_of_last(standing([A, B], [*deploys([A, B]), event("fail", "d", 22)], [own]))) == "ba"


def test_what_no_known_run_deployed_is_a_guess_that_nobody_chooses() -> None:
    found = extent_of_last(standing(ABC, deploys(ABC)))
    assert (names(found), found.undecided, names(found.candidate)) == ("", True, "c")
    found = extent_of_last(standing([A, B], deploys([A, B])))
    assert names(found.candidate) == "ba"
    assert found.candidate is not None
    assert found.candidate.guess == (
        "a guess, by times and committer alone: 2 changes deployed from 2026-11-22 03:00:10Z to 2026-11-22 03:00:20Z"
        " by Maria <maria@example.com>"
    )


@pytest.mark.parametrize(
    ("deployed", "more", "runs"),
    [
        ([A, change("b", 90)], [], []),
        ([A, change("b", 20, "Jonas")], [], []),
        ([A, B], [event("fail", "b", 15)], []),
        ([A, B], [event("revert", "x", 15)], []),
        ([A, B], [], [run("1", 5, 15, "a")]),
    ],
    ids=["a gap", "another committer", "a failure between", "a revert between", "a known run before"],
)
def test_the_block_that_may_be_meant_begins_after_a_gap_another_hand_or_a_failure(
    deployed: list[DeployedChange], more: list[RegistryEvent], runs: list[KnownRun]
) -> None:
    found = extent_of_last(standing(deployed, [*deploys(deployed), *more], runs))
    assert names(found.candidate) == "b"


def test_a_deploy_that_failed_since_leaves_nothing_and_the_run_before_it_is_not_chosen() -> None:
    failed = run("3", 700, 701, "", result="failed")
    found = extent_of_last(standing(ABC, [*deploys(ABC), event("fail", "d", 700.5)], [AB_RUN, C_RUN, failed]))
    assert (names(found), found.undecided, names(found.candidate)) == ("", False, "c")
    assert found.nothing == "the last run, 3, committed nothing (failed); run 2 came before it"
    elsewhere = extent_of_last(standing(ABC, [*deploys(ABC), event("fail", "d", 700.5, "Jonas")], [C_RUN]))
    assert elsewhere.nothing.startswith("the last deploy, of d by Jonas <jonas@example.com> at 2026-11-22 03:11:40Z,")
    assert names(elsewhere) == ""


def test_of_a_run_that_is_not_settled_nobody_says_what_it_committed() -> None:
    """A session of it may be at its COMMIT still: the registry shows that later. So may one of a revert."""
    for deployed in (ABC, []):
        here = standing(deployed, deploys(deployed), [AB_RUN, C_RUN])
        found = extent_of_last(replace(here, unsettled="3"))
        assert (names(found), found.undecided, found.candidate) == ("", True, None)
        assert found.nothing.startswith("what run 3 has committed isn't known: it was cut off")
    some = extent_of_last(replace(standing(ABC, deploys(ABC), [AB_RUN, C_RUN]), unsettled="2"))
    assert (some.run_id, names(some)) == ("2", "c"), "what it has recorded is there; the rollback settles the rest"


def test_part_of_a_script_that_stays_is_not_nothing() -> None:
    partly = run("3", 700, 701, "", result="failed", partly=True)
    found = extent_of_last(standing(ABC, [*deploys(ABC), event("fail", "d", 700.5)], [AB_RUN, C_RUN, partly]))
    assert (names(found), found.undecided, names(found.candidate)) == ("", False, "c")
    assert "committed nothing" not in found.nothing
    assert found.nothing.startswith("the last run, 3, recorded no change (failed), but part of a script of its stays")


def test_a_run_that_was_refused_before_its_first_step_is_not_the_last_one() -> None:
    refused = run("3", 700, 701, "", result="refused", began=False)
    assert names(extent_of_last(standing(ABC, deploys(ABC), [C_RUN, refused]))) == "c"


def test_a_run_that_failed_by_itself_stands_with_what_it_committed() -> None:
    two = run("2", 495, 510, "c", result="failed", planned=("c" * 40, "d" * 40))
    found = extent_of_last(standing(ABC, [*deploys(ABC), event("fail", "d", 505)], [AB_RUN, two]))
    assert (found.run_id, names(found), found.result) == ("2", "c", "failed")


def test_a_change_that_another_has_deployed_again_is_not_the_old_run_s() -> None:
    again = change("c", 900)
    events = [*deploys(ABC), event("revert", "c", 800), *deploys([again])]
    found = extent_of_last(standing([A, B, again], events, [AB_RUN, C_RUN]))
    assert (found.undecided, names(found.candidate)) == (True, "c")
    known = extent_of_last(standing([A, B, again], events, [AB_RUN, C_RUN, run("3", 899, 901)]))
    assert (known.run_id, names(known)) == ("3", "c")


def test_a_run_that_only_recorded_is_not_rolled_back() -> None:
    found = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, replace(C_RUN, recorded_only=True)]))
    assert (names(found), found.undecided, found.candidate) == ("", True, None)
    assert "only recorded its changes (--log-only)" in found.nothing


@pytest.mark.parametrize(
    "events",
    [[], [event("deploy", "x", 900)], [event("merge", "c", 900)], deploys([A, B])],
    ids=["none", "of another change", "of an unknown kind", "older ones"],
)
def test_where_events_and_changes_disagree_nothing_is_chosen(events: list[RegistryEvent]) -> None:
    found = extent_of_last(standing(ABC, events, [AB_RUN, C_RUN]))
    assert (names(found), found.undecided) == ("", True)
    assert "what happened last isn't clear" in found.nothing


def holder(run_id: str = "9") -> LockHolder:
    return LockHolder(1, "maria", f"pgmig/{run_id}/control", "", at(495), "idle", None)


def test_of_a_run_under_way_only_what_it_has_committed_is_meant() -> None:
    running = Running(holder(), "9", False, "deploy")
    nothing = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, C_RUN], running))
    assert (names(nothing), nothing.nothing) == ("", "run 9 has committed nothing")
    some = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, run("9", 495, 600, alive=True)], running))
    assert (some.run_id, names(some), some.alive) == ("9", "c", True)


def test_a_rollback_under_way_is_left_alone() -> None:
    found = extent_of_last(standing(ABC, deploys(ABC), [C_RUN], Running(holder(), "9", True, "rollback")))
    assert (names(found), found.undecided, found.nothing) == ("", True, "run 9, a rollback, is under way")
    unknown = extent_of_last(standing(ABC, deploys(ABC), [C_RUN], Running(holder(), "9", False)))
    assert (names(unknown), unknown.undecided) == ("", True)


def test_where_nothing_is_deployed_that_is_said() -> None:
    assert extent_of_last(standing([], [event("revert", "a", 1)])).nothing == "nothing is deployed"


def test_a_run_of_another_account_that_was_cut_off_is_told() -> None:
    cut = {"result": "", "heard_at": at(505), "place": "deploy/d.sql:3"}
    told = (
        "run 2 of Maria on db1 recorded no end: it was last heard of at 2026-11-22 03:08:25Z at deploy/d.sql:3; whether"
        " part of a script of its stays isn't known here"
    )
    found = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, run("2", 495, 565, **cut)]))
    assert (names(found), found.nothing, found.heard_at, found.unsure) == ("c", "", at(505), told)
    asked = datetime.fromisoformat(at(545))
    assert run_words(found, asked) == "run 2 (Maria, last heard of 40 s ago, CUT OFF, 1 of 3)"
    mine = extent_of_last(standing(ABC, deploys(ABC), [AB_RUN, run("2", 495, 565, "c", **cut)]))
    assert (mine.heard_at, mine.unsure) == (at(505), "")

    nothing = extent_of_last(standing([A, B], deploys([A, B]), [AB_RUN, run("2", 495, 565, **cut)]))
    assert (names(nothing), nothing.undecided, names(nothing.candidate)) == ("", True, "ba")
    assert nothing.nothing == f"what it has committed isn't known: {told}"
    since = extent_of_last(standing(ABC, deploys(ABC), [run("2", 30, 100, **cut), C_RUN]))
    assert names(since) == "c", "what came since stands by itself"


@pytest.mark.parametrize("deployed", [ABC[:2], []])
def test_a_run_that_the_database_has_no_trace_of_has_not_committed_nothing(deployed: list[DeployedChange]) -> None:
    """An older backup was restored under the same name."""
    found = extent_of_last(standing(deployed, deploys(deployed), [AB_RUN, C_RUN]))
    assert (names(found), found.undecided, found.candidate) == ("", True, None)
    assert found.nothing == (
        "the database has no trace of run 2, although the journal of this account says that it committed 1 change: was"
        " an older backup restored, or is it another database?"
    )
    reverted = [*deploys(ABC), event("revert", "c", 600)]
    assert "no trace" not in extent_of_last(standing(ABC[:2], reverted, [AB_RUN, C_RUN])).nothing
