"""Who has approved a deploy, and does it count? Pure: what was given, and what is true now, in; a result out.

An approval speaks of the very bytes that were shown: the changes in their order, their three scripts, the tables that
these reach as they were then, the environment and the server. What differs makes it void, and says so in a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.display import words
from pgmig_tui.project.approvers import Approvers

ITEM = "policy:approvals"
FORMAT = 1
NAMESPACE = "pgmig-approval"
"""Of SSH signatures: one that was given for something else is none here."""
PRODUCT_OWNER = "product_owner"
"""The role that is asked where data is moved, and nowhere else."""
_KINDS = ("deploy", "revert", "verify")

Decision = Literal["approve", "reject"]
Left = Mapping[str, Mapping[str, str]]
"""By change ID, the digests of tables as the run left them that recorded this change last."""


@dataclass(frozen=True, slots=True)
class BoundChange:
    """A change with the SHA-256 of its scripts, "" where there is none. `included` stands for all files that these
    include, "" where they include none."""

    change_id: str
    change: str
    deploy: str = ""
    revert: str = ""
    verify: str = ""
    included: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in a payload."""
        found: dict[str, str] = asdict(self)
        return found if self.included else {key: value for key, value in found.items() if key != "included"}


@dataclass(frozen=True, slots=True)
class Bound:
    """What an approval speaks of. `tables` are those that the scripts lock, with a digest of their definition."""

    project: str
    environment: str
    system_identifier: str | None
    database: str
    changes: tuple[BoundChange, ...]
    tables: Mapping[str, str]
    partitions: tuple[str, ...] = ()
    """Of these tables, those that are partitions of another one of them."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in a payload; the packet's hash is of all else."""
        found = asdict(self)
        del found["partitions"]
        found["changes"] = [one.to_json() for one in self.changes]
        found["tables"] = dict(self.tables)
        found["packet"] = sha256(canonical(found).encode()).hexdigest()
        return found

    @property
    def packet(self) -> str:
        return str(self.to_json()["packet"])


@dataclass(frozen=True, slots=True)
class Given:
    """A decision that somebody has recorded. `identity` is the database role that the session had, or the fingerprint
    of the key that signed; `weak`: why it might be somebody else; `problem`: why it is none. `at` is the server's
    clock, `by` what the person's own configuration says."""

    id: int
    decision: Decision
    role: str
    identity: str
    at: datetime
    payload: Mapping[str, Any]
    note: str = ""
    by: str = ""
    weak: str = ""
    problem: str = ""
    revoked: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Whom four eyes look at: the authors of the changes and the operator, as `Name <e-mail>`, and the database role
    that deploys."""

    authors: tuple[str, ...] = ()
    operator: str = ""
    role: str = ""


def canonical(value: object) -> str:
    """JSON in the one way in which it is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def void(one: Given, approvers: Approvers, bound: Bound, people: People, now: datetime, left: Left) -> str:
    """Why a decision doesn't count, in a sentence; "" when it does."""
    if one.revoked or one.problem:
        return one.revoked or one.problem
    if one.identity not in dict(approvers.roles).get(one.role, ()):
        return f"{one.identity} may not speak for {one.role}"
    if one.at + timedelta(milliseconds=approvers.expires_ms) <= now:
        return f"it was given at {words.utc(one.at)} and has expired"
    if approvers.four_eyes and (who := _same_person(one, people, approvers)):
        return who
    return _differs(one.payload.get("bound"), bound, left)


def result(
    approvers: Approvers,
    given: Sequence[Given],
    bound: Bound,
    people: People,
    now: datetime,
    *,
    moves_data: bool = False,
    left: Left | None = None,
) -> CheckResult:
    """The result of ITEM: PASS: each role has approved and nobody has rejected it; N-A: nothing is pending."""
    found = _weighed(approvers, given, bound, people, now, left or {}, moves_data=moves_data)
    reasons, roles, chosen = found.reasons, found.roles, found.chosen
    rejected = [one for one in found.counting if one.decision == "reject"]
    tables = sorted(bound.tables)
    if not bound.changes:
        reasons = {key: why or "what it was given for isn't pending any more" for key, why in reasons.items()}
    rows = [{**_row(one, reasons[one.id]), "tables": tables} for one in sorted(given, key=lambda one: one.id)]
    if not bound.changes:
        return _result("N-A", "nothing is pending, so that nothing is to be approved", rows, now)
    if rejected:
        return _result("FAIL", "; ".join(f"{one.role}: {_rejected(one)}" for one in rejected), rows, now)
    missing = [f"{role}: {_missing(role, found, approvers)}" for role in roles if role not in chosen]
    if missing:
        return _result("FAIL", "; ".join(missing), rows, now)
    for row in rows:
        row["fills"] = any(one.id == row["id"] for one in chosen.values())
    told = "; ".join(f"{role}: {_who(chosen[role])}, {words.utc(chosen[role].at)}" for role in roles)
    weak = [f"{_who(one)} ({one.weak})" for one in chosen.values() if one.weak]
    doubts = [f"who that was isn't certain: {'; '.join(weak)}"] if weak else []
    if moves_data and PRODUCT_OWNER not in dict(approvers.roles):
        doubts.append(f"data is moved, and approvals name no {PRODUCT_OWNER}")
    if unbound := _unbound(roles, chosen, approvers, people):
        doubts.append(unbound)
    if doubts:
        return _result("WARN", "; ".join((told, *doubts)), rows, now)
    return _result("PASS", told or "no role has to approve it", rows, now)


@dataclass(frozen=True, slots=True)
class RoleStanding:
    """How it stands with a role: `chosen` is the approval that counts for it, else `told` says what is missing."""

    role: str
    identities: tuple[str, ...]
    chosen: Given | None
    told: str
    rejected: bool = False
    asked: bool = True


def by_role(
    approvers: Approvers,
    given: Sequence[Given],
    bound: Bound,
    people: People,
    now: datetime,
    *,
    moves_data: bool = False,
    left: Left | None = None,
) -> tuple[RoleStanding, ...]:
    """The same as `result`, role by role."""
    weighed = _weighed(approvers, given, bound, people, now, left or {}, moves_data=moves_data)
    found = []
    for role, identities in approvers.roles:
        no = next((one for one in weighed.counting if one.role == role and one.decision == "reject"), None)
        one = weighed.chosen.get(role) if no is None else None
        if no is not None:
            told = _rejected(no)
        elif one is not None:
            told = f"{_who(one)}, {words.utc(one.at)}" + (f"; not certain: {one.weak}" if one.weak else "")
        elif role not in weighed.roles:
            told = "not asked: no data is moved"
        else:
            told = _missing(role, weighed, approvers)
        found.append(RoleStanding(role, tuple(identities), one, told, no is not None, role in weighed.roles))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What was given: the last decision of each identity for a role, why decisions are void ("": they aren't), those
    that count, the roles that are asked, and which approval fills which of them."""

    last: tuple[Given, ...]
    reasons: Mapping[int, str]
    counting: tuple[Given, ...]
    roles: tuple[str, ...]
    chosen: Mapping[str, Given]


def _weighed(
    approvers: Approvers,
    given: Sequence[Given],
    bound: Bound,
    people: People,
    now: datetime,
    left: Left,
    *,
    moves_data: bool,
) -> _Weighed:
    last: dict[tuple[str, str], Given] = {}
    for one in sorted(given, key=lambda one: one.id):
        if not one.revoked:
            last[one.role, one.identity] = one
    reasons = {one.id: void(one, approvers, bound, people, now, left) for one in given}
    counting = tuple(one for one in last.values() if not reasons[one.id])
    roles = tuple(role for role, _ in approvers.roles if role != PRODUCT_OWNER or moves_data)
    chosen = _chosen(roles, [one for one in counting if one.decision == "approve"], approvers)
    return _Weighed(tuple(last.values()), reasons, counting, roles, chosen)


def unknown(why: str) -> CheckResult:
    """The result where what was given can't be read."""
    return CheckResult(ITEM, _TITLE, "UNKNOWN", why)


_TITLE = "Approvals given"


def _whose(one: Given, approvers: Approvers) -> str:
    """What may fill one role only: a person, or an identity that is nobody's."""
    person = approvers.person_of(one.identity)
    return f"person {person}" if person else one.identity


def _chosen(roles: Sequence[str], approvals: Sequence[Given], approvers: Approvers) -> dict[str, Given]:
    """An approval for as many roles as can be, and none of one person, or of one identity, for two."""
    best: dict[str, Given] = {}

    def choose(left: Sequence[str], taken: dict[str, Given]) -> None:
        nonlocal best
        if len(taken) > len(best):
            best = dict(taken)
        if not left or len(best) == len(roles):
            return
        used = {_whose(one, approvers) for one in taken.values()}
        for one in approvals:
            if one.role == left[0] and _whose(one, approvers) not in used:
                choose(left[1:], {**taken, left[0]: one})
        choose(left[1:], taken)

    choose(roles, {})
    return best


def _rejected(one: Given) -> str:
    return f"{_who(one)} rejected it at {words.utc(one.at)}" + (f": {one.note}" if one.note else "")


def _missing(role: str, found: _Weighed, approvers: Approvers) -> str:
    """Why nobody fills a role."""
    twice = [one for one in found.counting if one.role == role]
    if twice:
        whose = _whose(twice[0], approvers)
        other, first = next((name, one) for name, one in found.chosen.items() if _whose(one, approvers) == whose)
        who = _who(twice[0])
        if first.identity != twice[0].identity:
            who += f" and {_who(first)} are both {approvers.person_of(first.identity)}, who"
        return f"{who} speaks for {other} already, and for one role only"
    voided = [one for one in found.last if one.role == role and found.reasons[one.id]]
    if voided:
        newest = max(voided, key=lambda one: one.id)
        what = "approval" if newest.decision == "approve" else "rejection"
        return f"the {what} of {_who(newest)} is void: {found.reasons[newest.id]}"
    return "nobody has approved it"


def _unbound(roles: Sequence[str], chosen: Mapping[str, Given], approvers: Approvers, people: People) -> str:
    """Why it isn't known whether those who have to be different people are; "" where it is, or nobody asks."""
    if len(roles) < 2 and not approvers.four_eyes:
        return ""
    unknown = [_who(one) for one in chosen.values() if not approvers.person_of(one.identity)]
    if approvers.four_eyes:
        if not _operator(people, approvers):
            unknown.append(people.operator or people.role)
        unknown += [author for author in people.authors if not approvers.person_at(_mail(author))]
    if not unknown:
        return ""
    named = words.listing(list(dict.fromkeys(unknown)), 3)
    return f"whether these are different people isn't known: [people] of pgmig.toml doesn't say who {named} is"


def _operator(people: People, approvers: Approvers) -> str:
    """Who runs the deploy: whose the database role is or, where it is nobody's, the e-mail address."""
    return approvers.person_of(people.role) or approvers.person_at(_mail(people.operator))


def _same_person(one: Given, people: People, approvers: Approvers) -> str:
    person = approvers.person_of(one.identity)
    if person and person == _operator(people, approvers):
        return f"{_who(one)} is {person}, who runs this deploy, and four_eyes asks for somebody else"
    if person and person in {approvers.person_at(_mail(author)) for author in people.authors}:
        return f"{_who(one)} is {person}, who wrote one of the changes, and four_eyes asks for somebody else"
    mail = _mail(one.by)
    if one.identity == people.role:
        return f"{_who(one)} runs this deploy, and four_eyes asks for somebody else"
    # Addresses are what people's own configuration says: whose they are is not known.
    if mail and mail == _mail(people.operator):
        return f"its address {mail} is that of whoever runs this deploy, and four_eyes asks for somebody else"
    if mail and mail in {_mail(author) for author in people.authors}:
        return f"its address {mail} is that of who wrote one of the changes, and four_eyes asks for somebody else"
    return ""


def _mail(person: str) -> str:
    return person.rpartition("<")[2].rstrip(">").strip().lower() if "<" in person else ""


def _differs(then: object, now: Bound, left: Left) -> str:
    if not isinstance(then, Mapping):
        return "it doesn't say what it was given for"
    for name, told in (("project", "project"), ("environment", "environment"), ("database", "database")):
        if then.get(name) != getattr(now, name):
            return f"it was given for the {told} {then.get(name)}"
    if then.get("system_identifier") != now.system_identifier:
        return "it was given for another server, whose system identifier is another one"
    changes = _differing_changes(then.get("changes"), now.changes)
    if changes:
        return changes
    before = [str(one.get("change_id")) for one in then["changes"]]
    at = before.index(now.changes[0].change_id) if now.changes else 0
    # What a run of this very approval has done to its tables is what was approved.
    tables = then.get("tables")
    if at and isinstance(tables, Mapping):
        tables = {**tables, **left.get(before[at - 1], {})}
    found = _differing_tables(tables, now)
    return found or ("" if then.get("packet") == now.packet or _more_tables(then, now) else "its packet is another one")


def _more_tables(then: Mapping[str, Any], now: Bound) -> bool:
    """Whether the packet differs in partitions alone, which don't count, and in nothing that was told before."""
    again = {key: value for key, value in then.items() if key != "packet"}
    return sha256(canonical(again).encode()).hexdigest() == then.get("packet")


def _differing_changes(then: object, now: Sequence[BoundChange]) -> str:
    if not isinstance(then, list) or not all(isinstance(one, Mapping) for one in then):
        return "it doesn't say for which changes it was given"
    before = [str(one.get("change_id")) for one in then]
    ids = [one.change_id for one in now]
    names = {str(one.get("change_id")): str(one.get("change")) for one in then}
    names |= {one.change_id: one.change for one in now}
    if added := [names[one] for one in ids if one not in before]:
        return f"{words.listing(added)} {'was' if len(added) == 1 else 'were'} added since"
    start = before.index(ids[0]) if ids else 0
    if ids != before[start : start + len(ids)]:
        return "the changes are in another order now, or one of them is left out"
    for old, new in zip(then[start:], now, strict=False):
        for kind in _KINDS:
            if old.get(kind, "") != getattr(new, kind):
                return f"the {kind} script of {new.change} has changed since"
        if old.get("included", "") != new.included:
            return f"a file that the scripts of {new.change} include has changed since"
    return ""


def _differing_tables(then: object, now: Bound) -> str:
    if not isinstance(then, Mapping):
        return "it doesn't say which tables it was given for"
    for name, digest in now.tables.items():
        if name not in then and name not in now.partitions:
            return f"{name} is reached by the scripts now, and wasn't then"
        if name in then and then[name] != digest:
            return f"the definition of {name} has changed since"
    return ""


def _who(one: Given) -> str:
    return f"{one.identity[:15]}… ({one.by})" if one.identity.startswith("SHA256:") else one.identity


def _row(one: Given, reason: str) -> dict[str, object]:
    return {
        "id": one.id,
        "decision": one.decision,
        "role": one.role,
        "identity": one.identity,
        "by": one.by,
        "at": words.iso(one.at),
        "note": one.note,
        "packet": (one.payload.get("bound") or {}).get("packet"),
        "weak": one.weak,
        "void": reason,
    }


def _result(state: State, told: str, rows: Sequence[dict[str, object]], now: datetime) -> CheckResult:
    at = words.iso(now)
    return CheckResult(ITEM, _TITLE, state, told, tuple(rows), "", at, at)
