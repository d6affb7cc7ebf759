"""Has what pgmig.toml asks become less than what the last run was held to? Pure: two policies in, sentences out.

A gate that whoever deploys can take away in a file beside the scripts is none. So each run keeps the policy that it was
held to in the database, and one that asks for less is an item of the next run's checklist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.display import words
from pgmig_tui.project.schedule import DAY_MINUTES

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment

ITEM = "policy:text"
FORMAT = 1
_TITLE = "Policy asks for no less than at the last run"
_OVERRIDE = ("none", "approver", "operator")
"""From who may go on past an item to who may, the strictest first."""
_TIERS = ("none", "list", "decode", "restore")
_WEEK = 7 * DAY_MINUTES
_A_DAY = timedelta(days=1)


def policy_facts(environment: Environment) -> dict[str, Any]:
    """What the policy of an environment asks of a deploy, in one form for what means the same."""
    policy, backup = environment.policy, environment.policy.backup
    approvers = policy.approvers
    before = environment.hook("before")
    return {
        "format": FORMAT,
        "protected": policy.protected,
        "verify": policy.verify,
        "system_identifier": policy.system_identifier,
        "tracking": policy.tracking,
        "allow_shell": policy.allow_shell,
        "allow_files": policy.allow_files,
        "backup": {"required": backup.required, "verify": backup.verify, "kind": backup.kind},
        "promote_from": policy.promote_from,
        "soak_ms": policy.soak_ms,
        "approvals": {role: sorted(who) for role, who in approvers.roles} if approvers is not None else None,
        "approval_roles": sorted(policy.approvals),
        "expires_ms": approvers.expires_ms if approvers is not None else None,
        "four_eyes": approvers is not None and approvers.four_eyes,
        "override": policy.override,
        "windows": sorted([sorted(one.days), one.start, one.end, one.zone] for one in policy.window),
        "freezes": sorted([one.first, one.last, one.zone] for one in policy.freeze),
        "freezes_until": {one.told: one.end.isoformat() for one in policy.freeze},
        "checks": {
            one.name: {
                "required": one.required,
                "list": one.list,
                "asked": sha256(
                    json.dumps([one.sql, one.expect, one.equals, list(one.command), bool(one.asks)]).encode()
                ).hexdigest(),
            }
            for one in environment.checks
        },
        "ticket": environment.ticket,
        "hook_before_required": before is not None and before.required,
        "hook_before": sha256(json.dumps(before.accepted_text).encode()).hexdigest() if before is not None else None,
        "people": sorted(sorted((*one.identities, *one.emails)) for one in approvers.people) if approvers else [],
    }


def canonical(facts: Mapping[str, Any]) -> str:
    """The text that is kept, and hashed."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def policy_hash(facts: Mapping[str, Any]) -> str:
    return sha256(canonical(facts).encode()).hexdigest()


def weaker(before: Mapping[str, Any], now: Mapping[str, Any], clock: datetime) -> list[str]:
    """What `now` asks less than `before`, a sentence each; none where it asks the same or more. `clock` is what it
    is: a freeze that is over by then may go."""
    return [*_switches(before, now), *_approvals(before, now), *_schedule(before, now, clock), *_checks(before, now)]


def _switches(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, told in (("protected", "the environment is not protected any more"),
                      ("hook_before_required", "the hook before is not required any more")):  # fmt: skip
        if before.get(key) and not now.get(key):
            yield told
    required = before.get("hook_before_required") and now.get("hook_before_required")
    if required and before.get("hook_before") and now.get("hook_before") != before["hook_before"]:
        yield "the required hook before tells somebody else"
    for key in ("allow_shell", "allow_files"):
        if now.get(key) and not before.get(key):
            yield f"{key} is allowed now"
    if before.get("ticket") and not now.get("ticket"):
        yield "tickets are not asked for any more"
    if now.get("verify") == "off" and before.get("verify") != "off":
        yield "verify is off now"
    if before.get("system_identifier") and now.get("system_identifier") != before["system_identifier"]:
        yield f"system_identifier was {before['system_identifier']}, and is {now.get('system_identifier') or 'gone'}"
    if before.get("tracking") and now.get("tracking") != before["tracking"]:
        told = f"in {now['tracking']} now, and was in {before['tracking']}" if now.get("tracking") else "off now"
        yield f"tracking is {told}"
    if before.get("promote_from") and now.get("promote_from") != before["promote_from"]:
        yield f"promote_from was {before['promote_from']}, and is {now.get('promote_from') or 'gone'}"
    if _number(now, "soak_ms") < _number(before, "soak_ms"):
        told = _time(_number(before, "soak_ms"))
        yield f"soak was {told}, and is {_time(_number(now, 'soak_ms')) if now.get('soak_ms') else 'gone'}"
    old, new = str(before.get("override")), str(now.get("override"))
    if old in _OVERRIDE and new in _OVERRIDE and _OVERRIDE.index(new) > _OVERRIDE.index(old):
        yield f"override was {old}, and is {new}"
    yield from _backup(_part(before, "backup"), _part(now, "backup"))


def _backup(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before.get("required") and not now.get("required"):
        yield "a backup is not required any more"
        return
    old, new = str(before.get("verify")), str(now.get("verify"))
    if before.get("required") and new in _TIERS and old in _TIERS and _TIERS.index(new) < _TIERS.index(old):
        yield f"backup.verify was {old}, and is {new}"
    if before.get("required") and now.get("kind") != before.get("kind"):
        yield f"backup.kind was {before.get('kind')}, and is {now.get('kind')}"


def _approvals(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = _part(before, "approvals"), _part(now, "approvals")
    listed = set(before.get("approval_roles") or ()) - set(old)
    for role in sorted({*old, *listed} - {*new, *(now.get("approval_roles") or ())}):
        yield f"approvals of {role} are not asked for any more"
    for role in sorted(old.keys() & new.keys()):
        if more := sorted(set(new[role]) - set(old[role])):
            yield f"{words.listing(more)} may approve as {role} now"
    yield from _people(before, now)
    if before.get("four_eyes") and not now.get("four_eyes"):
        yield "four_eyes is not asked for any more"
    if new and old and _number(now, "expires_ms") > _number(before, "expires_ms"):
        told = _time(_number(before, "expires_ms"))
        yield f"approvals expired after {told}, and expire after {_time(_number(now, 'expires_ms'))}"


def _people(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Who was one person and isn't any more could approve twice, or what they have written. Whoever approves nothing
    any more doesn't matter."""
    identities = {one for who in _part(now, "approvals").values() for one in who}
    for group in before.get("people") or ():
        kept = set(group) if identities & set(group) else set()
        kept = {one for one in kept if one in identities or "@" in one}
        if kept and not any(kept <= set(one) for one in now.get("people") or ()):
            yield f"{words.listing(sorted(kept))} {'are' if len(kept) > 1 else 'is'} not known as one person's any more"


def _schedule(before: Mapping[str, Any], now: Mapping[str, Any], clock: datetime) -> Iterator[str]:
    old, new = before.get("windows") or [], now.get("windows") or []
    if old and not new:
        yield "there is no maintenance window any more: it is always open"
    elif old and (more := _opened(old, new)):
        yield f"the maintenance window is wider by {more} in a week"
    kept = now.get("freezes") or []
    until = _part(before, "freezes_until")
    for first, last, zone in before.get("freezes") or []:
        end = _moment(until.get(f"{first} to {last}"))
        if end is not None and end + _A_DAY <= clock:  # in any zone
            continue
        if not any(one[2] == zone and one[0] <= first and one[1] >= last for one in kept):
            yield f"the freeze from {first} to {last} is gone, or shorter"


def _opened(old: Sequence[Sequence[Any]], new: Sequence[Sequence[Any]]) -> str:
    """How much of a week is open now and was not, zone by zone; "" = nothing."""
    found = 0
    for zone in {one[3] for one in new}:
        found += len(_minutes(new, zone) - _minutes(old, zone))
    return _time(found * 60_000) if found else ""


def _minutes(windows: Sequence[Sequence[Any]], zone: str) -> set[int]:
    """The minutes of a week, from Monday, in which windows of that zone are open."""
    found: set[int] = set()
    for days, start, end, where in windows:
        if where == zone:
            length = end - start if end > start else end + DAY_MINUTES - start
            for day in days:
                first = day * DAY_MINUTES + start
                found.update(one % _WEEK for one in range(first, first + length))
    return found


def _checks(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = _part(before, "checks"), _part(now, "checks")
    for name in sorted(old):
        was, is_now = old[name], new.get(name)
        if not was.get("required"):
            continue
        if is_now is None:
            yield f"the required check {name} is gone"
        elif not is_now.get("required"):
            yield f"the check {name} is not required any more"
        elif is_now.get("list") != was.get("list"):
            yield f"the check {name} is asked in the list {is_now.get('list')}, and was in {was.get('list')}"
        elif is_now.get("asked") != was.get("asked"):
            yield f"the check {name} asks something else"


def _time(ms: int) -> str:
    """As pgmig.toml has it."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if ms >= length and not ms % length and (unit != "d" or ms > length):
            return f"{ms // length}{unit}"
    return f"{ms}ms"


def _part(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = facts.get(key)
    return found if isinstance(found, Mapping) else {}


def _number(facts: Mapping[str, Any], key: str) -> int:
    found = facts.get(key)
    return found if isinstance(found, int) else 0


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def policy_result(
    environment: Environment, project: str, before: Mapping[str, Any] | None, *, by: str = "", problem: str = ""
) -> CheckResult:
    """The result of ITEM, with the policy of now as its evidence. `before` is what the last run was held to, `by` which
    run that was; None: there was none. `problem`: why that isn't known."""
    now = policy_facts(environment)
    row: dict[str, object] = {
        "project": project, "environment": environment.name, "sha256": policy_hash(now), "policy": now,
    }  # fmt: skip
    clock = datetime.now(UTC)
    if problem:
        state: State = "UNKNOWN" if environment.policy.protected else "WARN"
        return CheckResult(ITEM, _TITLE, state, f"what the last run was held to isn't known: {problem}", (row,))
    if before is None:
        return CheckResult(ITEM, _TITLE, "PASS", "no run before has kept the policy that it was held to", (row,))
    less = weaker(before, now, clock)
    row["was"] = policy_hash(before)
    if not less:
        same = "it is the same as" if policy_hash(now) == policy_hash(before) else "it asks for no less than"
        return CheckResult(ITEM, _TITLE, "PASS", f"{same} that of run {by}", (row,))
    row["less"] = less
    state = "FAIL" if before.get("protected") or environment.policy.protected else "WARN"
    return CheckResult(ITEM, _TITLE, state, f"it asks for less than at run {by}: {'; '.join(less)}", (row,))
