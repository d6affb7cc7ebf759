"""What two environments have deployed, side by side: by their registries alone, whatever the plan says.

The schemas themselves are compared by `drift`. Nothing is written, and no script is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line, pad, width
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

Kind = Literal["only here", "only there", "script", "order", "tags"]
KINDS: tuple[Kind, ...] = ("only here", "only there", "script", "order", "tags")


@dataclass(frozen=True, slots=True)
class Side:
    """A change as one of the two has it. `position` counts from 1 in the order of deployment there; `at` is UTC."""

    position: int
    at: str
    by: str
    script_hash: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlike:
    """A change that the two don't have alike. None: it isn't deployed there."""

    kind: Kind
    change: str
    change_id: str
    here: Side | None
    there: Side | None


@dataclass(frozen=True, slots=True)
class Compared:
    """`here` and `there` are names of environments, `same` how many changes are alike in both. `problems`: which of
    them couldn't be asked, and why; then nothing is compared."""

    here: str
    there: str
    unlike: tuple[Unlike, ...] = ()
    same: int = 0
    problems: tuple[tuple[str, str], ...] = ()


def compare(project: Project, here: Environment, there: Environment) -> Compared:
    """Ask both at once. Never raises for a server: see `problems`."""

    def ask(environment: Environment) -> Sequence[DeployedChange] | str:
        try:
            name = application_name("compare", environment.name)
            with connect(environment.target, application_name=name) as connection:
                return read_state(connection, environment.target.registry, project.plan.project).deployed
        except PgmigError as error:
            return error.what

    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(ask, (here, there))
    if isinstance(left, str) or isinstance(right, str):
        problems = tuple((one.name, found) for one, found in ((here, left), (there, right)) if isinstance(found, str))
        return Compared(here.name, there.name, problems=problems)
    unlike = tuple(differences(left, right))
    different = {one.change_id for one in unlike}
    same = sum(one.change_id not in different for one in left)
    return Compared(here.name, there.name, unlike, same)


def differences(left: Sequence[DeployedChange], right: Sequence[DeployedChange]) -> Iterator[Unlike]:
    """What isn't alike, in the order of KINDS. A change may be told twice, as when its script and its tags differ."""
    here, there = _sides(left), _sides(right)
    names = {one.change_id: one.name for one in (*right, *left)}
    both = [one for one in here if one in there]
    kinds: dict[Kind, Iterable[str]] = {
        "only here": [one for one in here if one not in there],
        "only there": [one for one in there if one not in here],
        "script": [one for one in both if here[one].script_hash != there[one].script_hash],
        "order": _out_of_order(both, [one for one in there if one in here]),
        "tags": [one for one in both if set(here[one].tags) != set(there[one].tags)],
    }
    for kind in KINDS:
        for one in kinds[kind]:
            yield Unlike(kind, names[one], one, here.get(one), there.get(one))


def _sides(deployed: Sequence[DeployedChange]) -> dict[str, Side]:
    return {
        one.change_id: Side(
            number, one.committed_at, f"{one.committer_name} <{one.committer_email}>", one.script_hash or "", one.tags
        )
        for number, one in enumerate(deployed, 1)
    }


def _out_of_order(here: Sequence[str], there: Sequence[str]) -> list[str]:
    """As few changes as can be whose moving makes both orders one: all but the longest common subsequence, which of
    two orders of the same things is the longest increasing one."""
    from bisect import bisect_left

    at = {one: number for number, one in enumerate(there)}
    ends: list[int] = []
    last: list[str] = []
    before: dict[str, str | None] = {}
    for one in here:
        place = bisect_left(ends, at[one])
        before[one] = last[place - 1] if place else None
        ends[place : place + 1] = [at[one]]
        last[place : place + 1] = [one]
    stays: set[str] = set()
    walk = last[-1] if last else None
    while walk is not None:
        stays.add(walk)
        walk = before[walk]
    return [one for one in here if one not in stays]


# -- in words ------------------------------------------------------------------------------------------------------


def headline(found: Compared) -> Line:
    """All of it in a sentence."""
    if found.problems:
        told = "; ".join(f"{name} does not answer: {why}" for name, why in found.problems)
        return line((f"? nothing was compared: {safe(told)}", "stale"))
    names = f"{safe(found.here)} and {safe(found.there)}"
    if not found.unlike:
        return line(
            (f"+ {names} have the same {words.count(found.same, 'change')} deployed, in the same order", "done")
        )
    many = len({one.change_id for one in found.unlike})
    return line((f"! {names} differ in {words.count(many, 'change')}, {found.same} are alike", "differs"))


def what(one: Unlike, found: Compared) -> tuple[str, str, Role]:
    """A glyph, how they differ in words, and the role of both."""
    match one.kind:
        case "only here":
            return "+", f"only on {safe(found.here)}", "differs"
        case "only there":
            return "-", f"only on {safe(found.there)}", "differs"
        case "script":
            return "!", "other script", "failed"
        case "order":
            return "~", "other order", "waiting"
        case _:
            return "~", "other tags", "waiting"


def row(one: Unlike, found: Compared) -> Line:
    """A difference in one line."""
    glyph, told, role = what(one, found)
    room = max((width(safe(each.change)) for each in found.unlike), default=0)
    return line((f"{glyph} {told:<24} ", role), pad(safe(one.change), room), (f"  {_short(one)}", "muted"))


def _short(one: Unlike) -> str:
    here, there = one.here, one.there
    if here is None or there is None:
        side = here or there
        return f"{words.utc(side.at)} by {safe(side.by)}" if side is not None else ""
    match one.kind:
        case "script":
            return f"{here.script_hash[:8] or 'none'} and {there.script_hash[:8] or 'none'}"
        case "order":
            return f"number {here.position} and {there.position}"
        case _:
            return f"{safe(' '.join(here.tags)) or 'none'} and {safe(' '.join(there.tags)) or 'none'}"


def details(one: Unlike, found: Compared) -> list[Line]:
    """All that is known of a difference."""
    _, told, role = what(one, found)
    lines = [line((safe(one.change), "strong"), (f"  {one.change_id}", "muted")), line((told, role))]
    for name, side in ((found.here, one.here), (found.there, one.there)):
        lines += [(), line((safe(name), "title"))]
        if side is None:
            lines.append(line(("not deployed", "muted")))
            continue
        facts = (
            ("deployed", f"{words.utc(side.at)} by {side.by}"), ("number", str(side.position)),
            ("tags", " ".join(side.tags) or "none"), ("script", side.script_hash or "not known"),
        )  # fmt: skip
        lines += [line((f"{title:<9} ", "muted"), safe(text)) for title, text in facts]
    return lines


def document(found: Compared) -> dict[str, object]:
    """`compare --json`."""
    return {
        "here": found.here,
        "there": found.there,
        "same": found.same,
        "differences": [asdict(one) for one in found.unlike],
        "problems": [{"environment": name, "reason": why} for name, why in found.problems],
    }
