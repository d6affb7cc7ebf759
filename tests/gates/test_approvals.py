"""Approvals: what makes one void, said in a sentence, and who is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pgmig_tui.gates.approvals import Bound, BoundChange, Given, People, result
from pgmig_tui.project.approvers import Approvers, Person

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
KEY = "SHA256:" + "k" * 43
KNOWN = (
    Person("ana", ("ana",)), Person("bo", ("bo",)), Person("kim", (), (KEY,)), Person("opal", ("deployer",)),
    Person("plan", emails=("plan@example.org",)),
)  # fmt: skip
ROLES = Approvers((("dba", ("ana", KEY)), ("lead", ("bo", KEY))), people=KNOWN)
A, B, C = (BoundChange(f"{one}-id", one, "d", "r", "v") for one in "abc")
BOUND = Bound("shop", "live", "7312", "shop", (A, B), {"public.t": "1", "public.u": "2"})
PEOPLE = People(("Plan Ner <plan@example.org>",), "Opal <opal@example.org>", "deployer")


def given(number: int, role: str, identity: str, bound: Bound = BOUND, **more: object) -> Given:
    payload = {"bound": bound.to_json()}
    found = Given(number, "approve", role, identity, NOW - timedelta(hours=1), payload, by=f"{identity} <{identity}@x>")
    return replace(found, **more)  # type: ignore[arg-type]


ANA, BO = given(1, "dba", "ana"), given(2, "lead", "bo")


def judged(approvals: Sequence[Given], bound: Bound = BOUND, approvers: Approvers = ROLES) -> tuple[str, str]:
    found = result(approvers, approvals, bound, PEOPLE, NOW)
    return found.state, found.summary


def test_each_role_has_to_approve() -> None:
    assert judged([]) == ("FAIL", "dba: nobody has approved it; lead: nobody has approved it")
    assert judged([ANA]) == ("FAIL", "lead: nobody has approved it")
    assert judged([ANA, BO]) == ("PASS", "dba: ana, 2026-07-05 11:00:00Z; lead: bo, 2026-07-05 11:00:00Z")
    assert judged([ANA, replace(BO, weak="its role can be changed")])[0] == "WARN"


def test_with_nothing_pending_no_decision_is_judged() -> None:
    found = result(ROLES, [ANA, replace(BO, decision="reject")], replace(BOUND, changes=(), tables={}), PEOPLE, NOW)
    assert (found.state, found.summary) == ("N-A", "nothing is pending, so that nothing is to be approved")
    assert {row["void"] for row in found.rows} == {"what it was given for isn't pending any more"}


FEWER = {"public.t": "1"}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(BOUND, changes=(replace(A, deploy="x"), B)), "the deploy script of a has changed since"),
        (replace(BOUND, changes=(A, replace(B, revert="x"))), "the revert script of b has changed since"),
        (replace(BOUND, changes=(A, replace(B, verify=""))), "the verify script of b has changed since"),
        (replace(BOUND, changes=(replace(A, included="x"), B)), "a file that the scripts of a include has changed"),
        (replace(BOUND, changes=(B, A)), "the changes are in another order now, or one of them is left out"),
        (replace(BOUND, changes=(A, B, C)), "c was added since"),
        (replace(BOUND, changes=(A, C, B)), "c was added since"),
        (replace(BOUND, tables={"public.t": "1", "public.u": "3"}), "the definition of public.u has changed since"),
        (
            replace(BOUND, tables={**BOUND.tables, "public.w": "1"}),
            "public.w is reached by the scripts now",
        ),
        (replace(BOUND, environment="other"), "it was given for the environment live"),
        (replace(BOUND, database="copy"), "it was given for the database shop"),
        (replace(BOUND, system_identifier="1"), "it was given for another server"),
        # What counts for all the same.
        (replace(BOUND, changes=(A,)), ""),
        (replace(BOUND, changes=(B,)), ""),
        (replace(BOUND, tables=FEWER), ""),
        (replace(BOUND, tables={**BOUND.tables, "public.t_2027": "9"}, partitions=("public.t_2027",)), ""),
    ],
)
def test_what_differs_makes_it_void(now: Bound, told: str) -> None:
    state, summary = judged([ANA, BO], now)
    assert state == ("FAIL" if told else "PASS"), summary
    if told:
        assert summary.startswith(f"dba: the approval of ana is void: {told}")


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (given(1, "dba", "ana", at=NOW - timedelta(days=7)), "it was given at 2026-06-28 12:00:00Z and has expired"),
        (given(1, "dba", "eve"), "eve may not speak for dba"),
        (given(1, "dba", "bo"), "bo may not speak for dba"),
        (given(1, "dba", "ana", revoked="it was revoked by ana"), "nobody has approved it"),
        (given(1, "dba", "ana", problem="its signature doesn't fit what it says"), "its signature doesn't fit"),
        (
            given(1, "dba", "ana", payload={"bound": {**BOUND.to_json(), "packet": "0" * 64}}),
            "its packet is another one",
        ),
        (given(1, "dba", "ana", payload={}), "it doesn't say what it was given for"),
        (given(1, "dba", "ana", payload={"bound": {**BOUND.to_json(), "changes": 3}}), "for which changes"),
    ],
)
def test_what_is_none(one: Given, told: str) -> None:
    state, summary = judged([one, BO])
    assert state == "FAIL"
    assert told in summary
    assert summary.startswith("dba: ")


def test_what_is_left_of_an_approved_deploy_goes_on_from_what_its_run_has_left() -> None:
    rest = replace(BOUND, changes=(B,), tables={"public.t": "9", "public.u": "2"})
    told = "dba: the approval of ana is void: the definition of public.t has changed since; lead: the approval of bo"
    assert judged([ANA, BO], rest)[1].startswith(told)
    found = result(ROLES, [ANA, BO], rest, PEOPLE, NOW, left={"a-id": {"public.t": "9"}})
    assert found.state == "PASS", found.summary
    found = result(ROLES, [ANA, BO], rest, PEOPLE, NOW, left={"a-id": {"public.t": "8"}})
    assert found.state == "FAIL", "somebody else has changed it since"


def test_a_rejection_wins_until_its_author_approves_or_what_it_speaks_of_changes() -> None:
    no = given(3, "lead", "bo", decision="reject", note="it locks for an hour")
    told = "lead: bo rejected it at 2026-07-05 11:00:00Z: it locks for an hour"
    assert judged([ANA, BO, no]) == ("FAIL", told)
    assert judged([ANA, no, given(4, "lead", "bo")])[0] == "PASS"
    changed = replace(BOUND, changes=(replace(A, deploy="x"), B))
    again = [given(5, "dba", "ana", changed), given(6, "lead", KEY, changed)]
    assert judged([no, *again], changed)[0] == "PASS"


def test_one_key_speaks_for_one_role() -> None:
    both = [given(1, "dba", KEY), given(2, "lead", KEY)]
    state, summary = judged(both)
    assert state == "FAIL"
    assert "speaks for dba already, and for one role only" in summary
    assert judged([*both, given(3, "dba", "ana")])[0] == "PASS", "the key is taken for the other role then"


@pytest.mark.parametrize(
    ("by", "identity", "told"),
    [
        (
            "Plan Ner <PLAN@example.org>",
            "ana",
            "its address plan@example.org is that of who wrote one of the changes, and four_eyes asks for somebody"
            " else",
        ),
        (
            "Opal <opal@example.org>",
            "ana",
            "its address opal@example.org is that of whoever runs this deploy, and four_eyes asks for somebody else",
        ),
        ("Somebody <else@example.org>", "ana", ""),
    ],
)
def test_four_eyes(by: str, identity: str, told: str) -> None:
    one = given(1, "dba", identity, by=by)
    assert judged([one, BO])[0] == "PASS", "teams of two: it is allowed unless four_eyes is asked for"
    state, summary = judged([one, BO], approvers=replace(ROLES, four_eyes=True))
    assert (state == "FAIL") is bool(told)
    assert told in summary
    deployer = Approvers((("dba", ("deployer",)),), four_eyes=True)
    assert "deployer runs this deploy" in judged([given(1, "dba", "deployer")], approvers=deployer)[1]


TWO = "SHA256:" + "t" * 43
DEE = Person("dee", ("dee",), (TWO,), ("dee@example.org",))


def test_people_are_told_apart_by_what_pgmig_toml_binds_to_them() -> None:
    roles = Approvers((("dba", ("ana", "dee")), ("lead", ("bo", TWO))), people=(*KNOWN, DEE))
    both = [given(11, "dba", "dee"), given(12, "lead", TWO)]
    state, summary = judged(both, approvers=roles)
    assert (state, "are both dee, who speaks for" in summary) == ("FAIL", True), summary
    assert judged([*both, BO], approvers=roles)[0] == "PASS", "somebody else fills the other role"
    eyes = replace(roles, four_eyes=True)
    deploys = People((), "D. <other@example.org>", "dee")
    found = result(eyes, [*both, ANA, BO], BOUND, deploys, NOW)
    assert {row["void"] for row in found.rows if row["identity"] in ("dee", TWO)} == {
        "dee is dee, who runs this deploy, and four_eyes asks for somebody else",
        f"{TWO[:15]}… ({TWO} <{TWO}@x>) is dee, who runs this deploy, and four_eyes asks for somebody else",
    }
    assert found.state == "PASS"
    wrote = People(("Anybody <DEE@example.org>",), "Opal <opal@example.org>", "deployer")
    found = result(eyes, both, BOUND, wrote, NOW)
    assert "is dee, who wrote one of the changes" in found.summary


def test_who_is_bound_to_nobody_is_a_doubt_where_people_have_to_be_different() -> None:
    nobody = replace(ROLES, people=())
    state, summary = judged([ANA, BO], approvers=nobody)
    assert state == "WARN"
    assert "[people] of pgmig.toml doesn't say who ana and bo is" in summary
    assert judged([ANA], approvers=Approvers((("dba", ("ana",)),)))[0] == "PASS", "one role, and nobody else asked for"
    eyes = replace(ROLES, people=KNOWN[:3], four_eyes=True)
    assert (
        "doesn't say who Opal <opal@example.org> and Plan Ner <plan@example.org> is"
        in judged([ANA, BO], approvers=eyes)[1]
    )


def test_the_product_owner_is_asked_where_data_is_moved() -> None:
    owners = Approvers((("dba", ("ana",)), ("product_owner", ("pia",))), people=(*KNOWN, Person("pia", ("pia",))))
    assert result(owners, [ANA], BOUND, PEOPLE, NOW).state == "PASS"
    assert result(owners, [ANA], BOUND, PEOPLE, NOW, moves_data=True).state == "FAIL"
    assert result(owners, [ANA, given(2, "product_owner", "pia")], BOUND, PEOPLE, NOW, moves_data=True).state == "PASS"
    found = result(ROLES, [ANA, BO], BOUND, PEOPLE, NOW, moves_data=True)
    assert (found.state, "approvals name no product_owner" in found.summary) == ("WARN", True)


def test_no_reason_for_doubt_hides_another() -> None:
    found = result(ROLES, [replace(ANA, weak="any row can be written"), BO], BOUND, PEOPLE, NOW, moves_data=True)
    assert "ana (any row can be written)" in found.summary
    assert "approvals name no product_owner" in found.summary
