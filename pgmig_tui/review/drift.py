"""Whether two environments, or an environment and its plan, have the same schema."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.fingerprint import outside, read_objects
from pgmig_tui.database.same_schema import ObjectDifference, Schema, differences
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.project.drift_policy import AcceptedDrift
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

PLAN = "plan"
_OF_A_TABLE = ("column", "column order", "constraint", "not null", "trigger", "rule", "policy")
_TABLES = ("table", "foreign table", "view", "materialized view", "composite type")
_SHOWN = 8
"""Lines of a definition that are shown of each side."""


@dataclass(frozen=True, slots=True)
class DriftSide:
    """What was compared: `name` of an environment, or "plan". `read_at` is UTC."""

    name: str
    server: str
    schema: Schema
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """A difference, and who accepted it, as long as that holds; `expired`: it did, up to a day that is over."""

    difference: ObjectDifference
    accepted: AcceptedDrift | None = None
    expired: AcceptedDrift | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """How `left` differs from `right`. `ignored` counts what pgmig.toml ignores; `ms` is how long it took."""

    left: DriftSide
    right: DriftSide
    found: tuple[Judged, ...]
    ignored: int
    compared: int
    notes: tuple[str, ...]
    ms: float

    @property
    def open(self) -> tuple[Judged, ...]:
        """What nobody has accepted."""
        return tuple(one for one in self.found if one.accepted is None)


def between(left: Environment, right: Environment) -> Drift:
    """Compare two environments. Raises Unreachable, ServerError of whichever fails first in that order."""
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        sides = [pool.submit(_read, environment) for environment in (left, right)]
        one, other = (side.result() for side in sides)
    return _judged(one, other, (left, right), (), start)


def from_plan(
    project: Project,
    environment: Environment,
    *,
    state_dir: Path,
    say: Callable[[str], None],
    variables: Mapping[str, str] | None = None,
) -> Drift:
    """Compare an environment with what its deployed changes make on an empty server of our own. Raises what
    `rehearse.as_planned.build` raises."""
    from pgmig_tui.rehearse.as_planned import build

    start = time.perf_counter()
    built = build(project, environment, state_dir=state_dir, say=say, variables=variables)
    one = _read(environment)
    # The database itself is made by nobody's script.
    planned = {key: text for key, text in built.objects.items() if key[0] != "database"}
    planned |= {key: text for key, text in one.schema.objects.items() if key[0] == "database"}
    what = f"{words.count(built.changes, 'change')} on {built.where}"
    other = DriftSide(PLAN, what, Schema(planned, built.version_num), datetime.now(UTC))
    return _judged(one, other, (environment,), built.notes, start)


def _read(environment: Environment) -> DriftSide:
    with connect(environment.target, application_name=application_name("drift", "read")) as connection:
        identity = connection.identity()
        schema = Schema(read_objects(connection), identity.version_num)
    where = f"{environment.target.display}, PostgreSQL {identity.version}"
    return DriftSide(environment.name, where, schema, datetime.now(UTC))


def _judged(
    left: DriftSide, right: DriftSide, about: Sequence[Environment], notes: tuple[str, ...], start: float
) -> Drift:
    ours = frozenset[str]().union(*(environment.own_schemas for environment in about))
    one, other = (Schema(outside(side.schema.objects, ours), side.schema.version_num) for side in (left, right))
    found, ignored = [], 0
    for difference in differences(one, other):
        if any(environment.policy.drift.ignores(difference.object) for environment in about):
            ignored += 1
        else:
            found.append(_accepted(difference, about, datetime.now(UTC).date()))
    took = (time.perf_counter() - start) * 1000
    return Drift(left, right, tuple(found), ignored, len({*one.objects, *other.objects}), notes, took)


def _accepted(difference: ObjectDifference, about: Sequence[Environment], today: date) -> Judged:
    for environment in about:
        one = environment.policy.drift.accepting(difference.object)
        if one is not None:
            return Judged(difference, accepted=one) if today <= one.until else Judged(difference, expired=one)
    return Judged(difference)


# -- in words ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToldDrift:
    """A difference as a person is told it: `how` in words, `overdue` of an acceptance that is over, "" for none, and
    the lines of its definition that are gone (`-`) and new (`+`)."""

    object: str
    how: str
    accepted: bool
    overdue: str = ""
    changed: tuple[tuple[str, str], ...] = ()


def told(drift: Drift) -> Iterator[ToldDrift]:
    """What there is to tell: parts of a table that only one side has are counted, not listed."""
    whole = {one.difference.name for one in drift.found if _is_whole(one)}
    parts = Counter(_table_of(one.difference) for one in drift.found if one.accepted is None)
    for judged in drift.found:
        if judged.accepted is not None or _table_of(judged.difference) not in whole:
            yield _told(drift, judged, parts[judged.difference.name] if _is_whole(judged) else 0)


def lines(drift: Drift) -> Iterator[Line]:
    """All of it, for a person."""
    left, right = drift.left, drift.right
    yield line(("Drift of ", "strong"), (safe(left.name), "strong"), f" ({safe(left.server)})")
    yield line(("    from ", "strong"), (safe(right.name), "strong"), f" ({safe(right.server)})")
    yield from (line(("! ", "waiting"), safe(note)) for note in drift.notes)
    for one in told(drift):
        yield from _lines_of(one)
    yield _summary(drift)


def _is_whole(judged: Judged) -> bool:
    """A table that only one side has, which says all that is to be said of its parts."""
    return judged.difference.kind in _TABLES and _only_one(judged.difference) and judged.accepted is None


def _only_one(difference: ObjectDifference) -> bool:
    return not difference.left or not difference.right


def _table_of(difference: ObjectDifference) -> str | None:
    """The table that an object is part of."""
    if difference.kind not in _OF_A_TABLE:
        return None
    if difference.kind == "column":
        return difference.name.rpartition(".")[0]
    return difference.name if difference.kind == "column order" else difference.name.rpartition(" on ")[2]


def _told(drift: Drift, judged: Judged, parts: int) -> ToldDrift:
    difference, one = judged.difference, judged.accepted
    how = _how(drift, difference)
    if one is not None:
        return ToldDrift(difference.object, f"{how}, accepted by {one.by} until {one.until}: {one.why}", accepted=True)
    how += f", and {words.count(parts, 'part')} of it" if parts else ""
    over, overdue = judged.expired, ""
    if over is not None:
        overdue = f"accepted by {over.by} until {over.until}, which is over: {over.why}"
    changed = () if _only_one(difference) else tuple(changed_lines(difference.right, difference.left))
    return ToldDrift(difference.object, how, False, overdue, changed)


def _lines_of(one: ToldDrift) -> Iterator[Line]:
    if one.accepted:
        yield line(("~ ", "muted"), (safe(f"{one.object}: {one.how}"), "muted"))
        return
    yield line(("x ", "failed"), (safe(one.object), "strong"), safe(f": {one.how}"))
    if one.overdue:
        yield line("    ", (safe(one.overdue), "waiting"))
    for sign, text in one.changed:
        yield line(f"    {sign} ", (safe(text), "muted"))


def _how(drift: Drift, difference: ObjectDifference) -> str:
    if not difference.right:
        return f"only in {drift.left.name}"
    return f"only in {drift.right.name}" if not difference.left else "differs"


def changed_lines(old: str, new: str) -> list[tuple[str, str]]:
    """The lines of a definition that are gone (`-`) and that are new (`+`), a few of each."""
    before, after = old.splitlines(), new.splitlines()
    gone = [("-", one) for one in before if one not in after][:_SHOWN]
    return gone + [("+", one) for one in after if one not in before][:_SHOWN]


def _summary(drift: Drift) -> Line:
    compared = f"{words.count(drift.compared, 'object')} compared in {words.duration(drift.ms)}"
    kept = [words.count(len(drift.found) - len(drift.open), "accepted difference"), f"{drift.ignored} ignored"]
    rest = [text for text in kept if not text.startswith("0 ")]
    told = ", ".join([*rest, compared])
    if not drift.open:
        return line(("+ ", "done"), f"no drift: {told}")
    return line(("x ", "failed"), (words.count(len(drift.open), "difference"), "strong"), f", {told}")


def document(drift: Drift) -> dict[str, object]:
    """As JSON values."""
    return {
        "left": _side(drift.left),
        "right": _side(drift.right),
        "same": not drift.open,
        "compared": drift.compared,
        "ignored": drift.ignored,
        "notes": list(drift.notes),
        "ms": round(drift.ms, 1),
        "differences": [
            {
                "kind": one.difference.kind,
                "name": one.difference.name,
                "left": one.difference.left or None,
                "right": one.difference.right or None,
                "accepted": _acceptance(one.accepted),
                "expired": _acceptance(one.expired),
            }
            for one in drift.found
        ],
    }


def _side(side: DriftSide) -> dict[str, object]:
    return {
        "name": side.name,
        "server": side.server,
        "version_num": side.schema.version_num,
        "read_at": words.iso(side.read_at),
    }


def _acceptance(one: AcceptedDrift | None) -> dict[str, str] | None:
    if one is None:
        return None
    return {"object": one.object, "by": one.by, "until": one.until.isoformat(), "why": one.why}
