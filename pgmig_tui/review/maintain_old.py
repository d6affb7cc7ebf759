"""Old migrations: what a baseline would fold, from what every environment's registry says. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, Value, section, unseen

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Plan
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Kind, Project

CONNECT_TIMEOUT_S = 5
_KINDS: tuple[Kind, ...] = ("deploy", "revert", "verify")


@dataclass(frozen=True, slots=True)
class Foldable:
    """The first `count` changes of the plan are old everywhere, up to `last`; `tag` is the last tag among them, "" for
    none, and then all of them count. `later` are changes after them that require one, `reworked` those that rework
    one."""

    count: int
    last: str
    tag: str
    later: tuple[str, ...]
    reworked: tuple[str, ...]


def old_section(project: Project, environment: Environment, now: datetime) -> Section:
    """What was deployed in all environments for so long. `now` is UTC. Raises nothing: what doesn't answer is a
    finding."""
    policy = environment.maintain
    known = {one.name: one for one in (*project.environments, environment)}
    cutoff = words.iso(now - timedelta(milliseconds=policy.fold_ms))
    with ThreadPoolExecutor(max_workers=min(8, len(known))) as pool:
        answers = dict(zip(known, pool.map(lambda one: _deployed(project, one), known.values()), strict=True))
    findings = [unseen(f"registry of {name}", why) for name, why in answers.items() if isinstance(why, str)]
    deployed = {name: at for name, at in answers.items() if not isinstance(at, str)}
    found = foldable(project.plan, list(deployed.values()), cutoff) if deployed else Foldable(0, "", "", (), ())
    folded = project.plan.changes[: found.count]
    size = sum(_bytes(project, number) for number in range(found.count))
    values: dict[str, Value] = {
        "changes": len(project.plan.changes), "foldable": found.count, "bytes": size, "tag": found.tag,
        "last": found.last, "before": cutoff, "required_by": len(found.later), "reworked_by": len(found.reworked),
    }  # fmt: skip
    age = words.duration(policy.fold_ms)
    told = f"no change was deployed everywhere more than {age} ago"
    if folded:
        where = f"@{found.tag}" if found.tag else found.last
        told = f"{words.count(found.count, 'change')} up to {where}, {words.size(size)}, were deployed everywhere"
        told += f" more than {age} ago: a baseline could stand for them"
        if policy.fold_said and not findings:
            findings.append(MaintainFinding("old migrations", f"up to {where}", told))
    notes = []
    if found.later:
        later = words.listing(found.later)
        notes.append(f"{words.count(len(found.later), 'later change')} require one of them: {later}")
    if found.reworked:
        reworked = words.listing(found.reworked)
        notes.append(f"{words.count(len(found.reworked), 'later change')} rework one of them: {reworked}")
    return section("old", findings, environment, now.date(), clear=told, found="baseline", notes=notes, values=values)


def foldable(plan: Plan, deployed: Sequence[Mapping[str, str]], cutoff: str) -> Foldable:
    """What could be folded. `deployed` holds, for each environment, when each change was deployed (UTC, as text that
    sorts), by its ID."""
    changes = plan.changes
    count = next(
        (number for number, one in enumerate(changes) if any(at.get(one.change_id, "9") >= cutoff for at in deployed)),
        len(changes),
    )
    tagged = [number for number in range(count) if changes[number].tags]
    if tagged:
        count = tagged[-1] + 1
    tag = changes[count - 1].tags[-1].name if tagged else ""
    later, reworked = [], []
    for one in changes[count:]:
        needs = [plan.resolve(each) for each in one.requires]
        if any(each is not None and each.index < count for each in needs):
            later.append(one.name)
    for one in changes[:count]:
        if one.superseded_by is not None and one.superseded_by >= count:
            reworked.append(one.name)
    return Foldable(count, changes[count - 1].name if count else "", tag, tuple(later), tuple(reworked))


def _deployed(project: Project, environment: Environment) -> dict[str, str] | str:
    """When each change was deployed there; why that can't be told."""
    name = application_name("maintain", "watch")
    try:
        with connect(
            environment.target, application_name=name, connect_timeout=CONNECT_TIMEOUT_S, kind="watch"
        ) as connection:
            state = read_state(connection, environment.target.registry, project.plan.project)
    except PgmigError as error:
        return error.what
    return {one.change_id: one.committed_at for one in state.deployed}


def _bytes(project: Project, number: int) -> int:
    """Of a change's scripts, those that are there."""
    change, found = project.plan.changes[number], 0
    for kind in _KINDS:
        try:
            found += project.script_path(change, kind).stat().st_size
        except OSError:
            continue
    return found
