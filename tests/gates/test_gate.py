"""The checklists stand in the guide's order, and a gate opens only for what it should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from pgmig_tui.database.checks import CHECKS, CheckResult, check_environment
from pgmig_tui.errors import Refused, UsageError
from pgmig_tui.gates.checklist import (
    BACKUP,
    DEPLOY,
    EMERGENCY,
    HEALTH,
    POST,
    PRE,
    SERVER,
    VERIFY_BACKUP,
    ChecklistItem,
    item_named,
    items_for,
)
from pgmig_tui.gates.gate import Answer, emergency, evaluate, parse_answer
from pgmig_tui.project.approvers import Approvers
from pgmig_tui.project.environments import BackupPolicy, Policy
from pgmig_tui.project.own_checks import OwnCheck
from tests.database.places import Databases, Place, place, session
from tests.servers import Server


@dataclass
class AnEnvironment:
    policy: Policy
    target: Place = field(default_factory=lambda: Place({}))
    checks: tuple[OwnCheck, ...] = ()
    ticket: str = ""

    def hook(self, name: str) -> None:
        return None


def items(command: str = "deploy", **policy: object) -> tuple[ChecklistItem, ...]:
    return items_for(AnEnvironment(Policy(**policy)), command)  # type: ignore[arg-type]


def checks(**states: str) -> list[CheckResult]:
    """All checks PASS, but those named."""
    names = ["server", *(check.name for check in CHECKS)]
    return [CheckResult(name, name, states.get(name, "PASS"), f"{name} it is") for name in names]  # type: ignore[arg-type]


def answer(item_id: str, how: str = "attest", note: str = "done") -> Answer:
    return Answer(item_id, how, note, "Ann", "2026-01-01T00:00:00Z")  # type: ignore[arg-type]


def blocking(
    found: Sequence[ChecklistItem], results: list[CheckResult], answers: Sequence[Answer] = (), protected: bool = True
) -> tuple[str, ...]:
    return evaluate(found, results, answers, protected).blocking


def test_the_guide_s_lists_in_its_order() -> None:
    assert [item.title for item in PRE] == [
        "Schedule maintenance window if needed",
        "Notify stakeholders",
        "Coordinate with application deployments",
        "Backup database",
        "Verify backup",
    ]
    assert [item.title for item in DEPLOY] == [
        "Deploy to staging environment",
        "Verify staging deployment",
        "Run application tests",
        "Deploy to production",
        "Verify production deployment",
        "Monitor system health",
    ]
    assert [item.title for item in POST] == [
        "Verify application functionality",
        "Monitor performance metrics",
        "Check error logs",
        "Update documentation",
        "Close migration ticket",
    ]
    assert [item.title for item in EMERGENCY] == [
        "Execute rollback procedure",
        "Verify system stability",
        "Notify stakeholders",
        "Document incident",
        "Update migration plan",
    ]
    ids = [item.id for item in (*PRE, *HEALTH, *DEPLOY, *POST, *EMERGENCY)]
    assert len(set(ids)) == len(ids)
    assert {item.check for item in HEALTH} == {"server", *(check.name for check in CHECKS)}


def test_what_is_asked_before_what() -> None:
    ids = [item.id for item in items(protected=True)]
    assert ids[:5] == [item.id for item in PRE]
    assert ids[5:-3] == [item.id for item in HEALTH]
    assert ids[-3:] == ["deploy:staging", "deploy:verify-staging", "deploy:application-tests"]
    assert [item.id for item in items()] == [item.id for item in (*PRE, *HEALTH, DEPLOY[2])]
    assert [item.id for item in items("verify", protected=True)] == [SERVER]
    assert [item.id for item in items("revert", protected=True)] == [item.id for item in HEALTH]


def test_an_unprotected_environment_shows_everything_and_stops_for_the_wrong_server_only() -> None:
    gate = evaluate(items(), checks(blockers="FAIL", archiver="UNKNOWN"), (), protected=False)
    assert gate.open
    gate.require()
    assert {result.item.id: result.state for result in gate.results if result.state != "PASS"} == {
        **{item.id: "UNKNOWN" for item in (*PRE, DEPLOY[2])},
        "check:blockers": "FAIL",
        "check:archiver": "UNKNOWN",
    }
    wrong = evaluate(items(), checks(server="FAIL"), [answer(SERVER, "override")], protected=False)
    assert wrong.blocking == (SERVER,)
    with pytest.raises(Refused) as caught:
        wrong.require()
    assert caught.value.exit_status == 3
    assert caught.value.details == ("check:server: FAIL, server it is",)


ATTESTED = [answer(item.id) for item in (*PRE, *DEPLOY[:3])]


@pytest.mark.parametrize("state", ["FAIL", "UNKNOWN"])
def test_a_protected_environment_stops_for_anything_open(state: str) -> None:
    found = items(protected=True)
    assert blocking(found, checks(), ATTESTED) == ()
    assert blocking(found, checks()) == tuple(one.item_id for one in ATTESTED)
    assert blocking(found, checks(replication_lag=state), ATTESTED) == ("check:replication-lag",)
    override = answer("check:replication-lag", "override", "the replica is being rebuilt")
    gate = evaluate(found, checks(replication_lag=state), [*ATTESTED, override], protected=True)
    assert gate.open
    (result,) = [one for one in gate.results if one.overridden]
    assert result.state == state, "an override opens the gate, it doesn't make the check green"
    assert "the replica is being rebuilt" in result.summary
    assert result.evidence is not None
    assert blocking(found, checks(replication_lag="WARN", archiver="N-A"), ATTESTED) == ()


def test_a_check_that_wasn_t_asked_is_unknown() -> None:
    assert blocking(items(protected=True), checks()[:-1], ATTESTED) == ("check:wraparound",)


def test_nobody_attests_a_check_and_an_empty_note_is_none() -> None:
    found = items(protected=True)
    assert blocking(found, checks(blockers="FAIL"), [*ATTESTED, answer("check:blockers")]) == ("check:blockers",)
    assert blocking(found, checks(), [*ATTESTED[1:], answer("pre:window", note=" ")]) == ("pre:window",)
    assert blocking(found, checks(), [*ATTESTED[1:], answer("pre:window", "override", "no time left")]) == ()


def test_a_revert_asks_the_server_only() -> None:
    found = items("revert", protected=True)
    assert blocking(found, checks(blockers="FAIL", archiver="UNKNOWN")) == ()
    assert blocking(found, checks(server="FAIL")) == (SERVER,)


@pytest.mark.parametrize("protected", [True, False])
def test_policy_keys_that_can_t_be_worked_out_block_until_they_are_overridden(protected: bool) -> None:
    unenforced = (("approvals", '["dba", "lead"]'), ("window", '"Sun 02:00-05:00"'))
    found = items(protected=protected, unenforced=unenforced)
    titles = {item.id: item.title for item in found}
    assert titles["policy:approvals"] == 'Approvals given (approvals = ["dba", "lead"])'
    assert blocking(found, checks(), ATTESTED, protected) == ("policy:approvals", "policy:window")
    said = [answer("policy:approvals", "override", "approved in the meeting"), answer("policy:window")]
    gate = evaluate(found, checks(), [*ATTESTED, *said], protected)
    assert gate.blocking == ("policy:window",)
    by_id = {result.item.id: result for result in gate.results}
    assert (by_id["policy:approvals"].state, by_id["policy:approvals"].overridden) == ("UNKNOWN", True)
    assert by_id["policy:window"].uncounted
    computed = [*checks(), CheckResult("policy:window", "", "PASS", "open until 05:00")]
    assert evaluate(found, computed, [*ATTESTED, said[0]], protected).open


@pytest.mark.parametrize("key", ["approvals", "promote_from", "window"])
def test_nobody_attests_a_policy(key: str) -> None:
    found = items(protected=True, unenforced=((key, '"x"'),))
    with pytest.raises(Refused) as caught:
        parse_answer(f"policy:{key}=x", "attest", found, "Ann <ann@example.org>")
    assert caught.value.exit_status == 3
    assert f"--override policy:{key}=REASON" in caught.value.do


@pytest.mark.parametrize(
    ("note", "by", "opens"),
    [("x", "Ann", False), ("seven..", "Ann", False), ("   eight  ", "Ann", False), ("eight...", "Ann", True),
     ("a good reason", "", False), ("a good reason", " <>", False),
     ("\u200b" * 9, "Ann", False), ("x" + "\xa0" * 9, "Ann", False)],
)  # fmt: skip
def test_an_override_wants_a_reason_and_a_name(note: str, by: str, opens: bool) -> None:
    found = items(protected=True)
    given = Answer("check:archiver", "override", note, by, "2026-01-01T00:00:00Z")
    assert (blocking(found, checks(archiver="UNKNOWN"), [*ATTESTED, given]) == ()) is opens
    if not opens:
        with pytest.raises(UsageError, match="needs a"):
            parse_answer(f"check:archiver={note}", "override", found, by)


ANA = Approvers((("dba", ("ana", "SHA256:" + "x" * 43)),))
PAST = ("deploy:staging", "deploy:verify-staging", "policy:promote_from", "policy:window")


@pytest.mark.parametrize(
    ("override", "role", "opens", "why"),
    [
        ("operator", "bo", True, ""),
        ("approver", "ana", True, ""),
        ("approver", "bo", False, 'pgmig.toml says override = "approver": ana may, and this is bo'),
        ("none", "ana", False, 'pgmig.toml says override = "none"'),
    ],
)
def test_pgmig_toml_says_who_may_override(override: str, role: str, opens: bool, why: str) -> None:
    policy = Policy(override=override, approvers=ANA, computed=(("window", "…"),))
    found = items_for(AnEnvironment(policy), "deploy", role)  # type: ignore[arg-type]
    gate = evaluate(found, checks(), [answer("policy:window", "override", "the outage can't wait")], False)
    assert gate.open is opens
    if opens:
        return
    with pytest.raises(Refused) as caught:
        gate.require()
    assert f"No answer opens policy:window: that has to be put right ({why}" in caught.value.do
    with pytest.raises(UsageError, match="can't be overridden: pgmig"):
        parse_answer("policy:window=the outage can't wait", "override", found, "Ann")
    said = [*emergency("the outage can't wait", found, "Ann")]
    assert evaluate(found, checks(), said, False).open, "an emergency is one for everybody"
    assert items_for(AnEnvironment(policy), "rollback", role)[0].locked == "", "a rollback is exempt"  # type: ignore[arg-type]


def test_an_emergency_goes_past_policies_and_past_nothing_else() -> None:
    policy = Policy(promote_from="staging", computed=(("promote_from", "…"), ("window", "…")))
    policy = replace(policy, protected=True, backup=BackupPolicy(required=True, verify="decode"))
    found = items_for(AnEnvironment(policy), "deploy")  # type: ignore[arg-type]
    said = emergency("  the outage can't wait ", found, "Ann <ann@example.org>")
    assert tuple(sorted(one.item_id for one in said)) == PAST
    results = [*checks(server="FAIL"), *(CheckResult(one, "", "FAIL", "no") for one in PAST if ":w" in one)]
    gate = evaluate(found, results, said, True)
    assert not set(PAST) & set(gate.blocking)
    assert {SERVER, BACKUP, VERIFY_BACKUP, "pre:notify"} <= set(gate.blocking)
    by_id = {one.item.id: one for one in gate.results}
    assert by_id["policy:window"].summary == "no; an emergency: the outage can't wait (Ann <ann@example.org>)"
    assert by_id["policy:window"].overridden
    green = evaluate(found, [CheckResult("policy:window", "", "PASS", "open")], said, True)
    assert "policy:window" not in {one.item_id for one in green.counted(said)}, "nothing was in the way there"
    for reason, by in (("short", "Ann"), ("a good reason", " <>")):
        with pytest.raises(UsageError, match="needs a"):
            emergency(reason, found, by)


MADE = [CheckResult("backup", "", "PASS", "a file"), CheckResult("backup_verified", "", "PASS", "decoded")]


def test_what_the_program_saw_is_not_ticked() -> None:
    found = items(protected=True)
    said = [*ATTESTED, answer(BACKUP, note="snapshot 42")]
    gate = evaluate(found, [*checks(), *MADE], said, protected=True)
    assert gate.open
    (backup,) = [result for result in gate.results if result.item.id == BACKUP]
    assert (backup.summary, backup.answer) == ("a file", None), "the program's evidence stands"
    assert "checked by the program" in backup.uncounted
    assert BACKUP not in {one.item_id for one in gate.counted(said)}
    damaged = [MADE[0], replace(MADE[1], state="FAIL", summary="its SHA-256 differs")]
    gate = evaluate(found, [*checks(), *damaged], ATTESTED, protected=True)
    assert gate.blocking == (VERIFY_BACKUP,)
    with pytest.raises(Refused, match=f"--override ITEM=REASON, of 8 characters or more, goes on past {VERIFY_BACKUP}"):
        gate.require()


@pytest.mark.parametrize(("verify", "wanted"), [("none", (BACKUP,)), ("decode", (BACKUP, VERIFY_BACKUP))])
def test_a_backup_that_pgmig_toml_demands_is_demanded_everywhere(verify: str, wanted: tuple[str, ...]) -> None:
    found = items(backup=BackupPolicy(required=True, verify=verify))
    assert blocking(found, checks(), (), False) == wanted
    assert blocking(found, [*checks(), *MADE], (), False) == ()
    said = [answer(BACKUP, note="snapshot 42"), answer(VERIFY_BACKUP)]
    assert blocking(found, checks(), said, False) == wanted, "a word isn't a backup"
    for item_id in wanted:
        with pytest.raises(Refused, match=f"{item_id} is worked out by the program"):
            parse_answer(f"{item_id}=snapshot 42", "attest", found, "Ann <ann@example.org>")
    past = [Answer(one, "override", "pgBackRest at 02:00", "Ann", "2026-01-01T00:00:00Z") for one in wanted]
    assert blocking(found, checks(), past, False) == ()


def test_answers_of_the_command_line() -> None:
    found = items(protected=True)
    given = parse_answer("pre:window = Sunday, 2 a.m. = agreed", "attest", found, "Ann")
    assert (given.item_id, given.how, given.note, given.by) == (
        "pre:window",
        "attest",
        "Sunday, 2 a.m. = agreed",
        "Ann",
    )
    assert given.at.endswith("Z")
    for text, how, message in (
        ("pre:window", "attest", "needs a note"),
        ("pre:window=", "override", "needs a note"),
        ("nothing=x", "attest", 'no checklist item "nothing"'),
        ("check:server=x", "override", "can't be overridden"),
    ):
        with pytest.raises(UsageError, match=message):
            parse_answer(text, how, found, "Ann")  # type: ignore[arg-type]
    with pytest.raises(Refused, match="nobody can attest"):
        parse_answer("check:blockers=x", "attest", found, "Ann")
    with pytest.raises(UsageError) as caught:
        item_named(found, "nothing")
    assert "pre:window, pre:notify" in caught.value.do


def test_the_gate_of_a_real_server_holds_what_its_checks_found(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    here = AnEnvironment(Policy(protected=True), place(pg, name))
    gate = evaluate(items(protected=True), check_environment(here), ATTESTED, protected=True)  # type: ignore[arg-type]
    by_id = {result.item.id: result for result in gate.results}
    assert by_id[SERVER].state == "PASS"
    assert by_id["check:blockers"].state == "N-A"
    evidence = by_id[SERVER].evidence
    assert evidence is not None
    assert isinstance(evidence["rows"], list)
    assert evidence["rows"][0]["database"] == name
    there = AnEnvironment(Policy(), Place({"host": "/nonexistent"}))
    gate = evaluate(items(), check_environment(there), (), protected=False)  # type: ignore[arg-type]
    assert gate.blocking == (SERVER, "check:dumps")


def test_a_dump_of_ours_that_still_runs_blocks_everywhere(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    here = AnEnvironment(Policy(), place(pg, name))
    with session(pg, name, "pgmig/20260101-000000-abcd/dump"):
        gate = evaluate(items(), check_environment(here), (), protected=False)  # type: ignore[arg-type]
    assert gate.blocking == ("check:dumps",)
    (dumps,) = [one for one in gate.results if one.item.id == "check:dumps"]
    assert "20260101-000000-abcd" in dumps.summary
