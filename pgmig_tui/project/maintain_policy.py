"""`[maintain]` of pgmig.toml: how long records are kept, how often a recovery drill is due, and which findings somebody
has accepted, until when and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from pgmig_tui.project.drift_policy import read_acceptance

DAY_MS = 86_400_000
DRILL_MS = 90 * DAY_MS
FOLD_MS = 365 * DAY_MS
_LONGEST_MS = 100 * 366 * DAY_MS
_KEYS = ("keep", "drill", "fold", "accept")
_ACCEPT = ("finding", "by", "until", "why")

Duration = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class AcceptedFinding:
    """A finding, such as `superuser app_admin` (with `*` and `?`), that may be so up to and with a day, UTC.
    `environments` empty: in all of them."""

    finding: str
    by: str
    until: date
    why: str
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MaintainPolicy:
    """`keep_ms` is how long rows of the record are kept, None: for ever. `drill_ms` is the longest time between two
    recovery drills, `fold_ms` after how long a change is old; `fold_said`: pgmig.toml says so. Milliseconds."""

    keep_ms: int | None = None
    drill_ms: int = DRILL_MS
    fold_ms: int = FOLD_MS
    fold_said: bool = False
    accepted: tuple[AcceptedFinding, ...] = ()

    def accepting(self, name: str, environment: str) -> AcceptedFinding | None:
        """Who accepted a finding, whether or not it still holds; the last one wins."""
        here = (one for one in reversed(self.accepted) if environment in (one.environments or (environment,)))
        return next((one for one in here if fnmatchcase(name, one.finding)), None)


NO_MAINTAIN_POLICY = MaintainPolicy()


def read_maintain(table: object, known: frozenset[str], duration: Duration) -> tuple[MaintainPolicy, list[str]]:
    """The policy, and what is wrong with it, a sentence each. `known` are the environments there are; `duration` reads
    a time in milliseconds, or raises ValueError."""
    if not isinstance(table, Mapping):
        return NO_MAINTAIN_POLICY, ["write [maintain], with one bracket"]
    errors = [f'unknown key "maintain.{key}"; known: {", ".join(_KEYS)}' for key in table if key not in _KEYS]
    times: dict[str, int] = {}
    for key in ("keep", "drill", "fold"):
        try:
            if key in table:
                times[key] = _time(table[key], duration)
        except ValueError as error:
            errors.append(f"maintain.{key}: expected {error}")
    accepted: list[AcceptedFinding] = []
    rows = table.get("accept", [])
    if not isinstance(rows, list):
        errors.append("write [[maintain.accept]], with two brackets")
        rows = []
    for number, row in enumerate(rows, 1):
        try:
            accepted.append(_accepted(row, known))
        except ValueError as error:
            errors.append(f"[[maintain.accept]] number {number}: expected {error}")
    policy = MaintainPolicy(
        times.get("keep"), times.get("drill", DRILL_MS), times.get("fold", FOLD_MS), "fold" in times, tuple(accepted)
    )
    return policy, errors


def _time(value: object, duration: Duration) -> int:
    expected = 'a time in quotes, such as "90d" or "400d"'
    if not isinstance(value, str):
        raise ValueError(expected)
    try:
        found = duration(value)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 < found <= _LONGEST_MS:
        raise ValueError(expected)
    return found


def _accepted(value: object, known: frozenset[str]) -> AcceptedFinding:
    expected = 'finding = "superuser app_admin", by = "ana", until = 2027-01-31, why = "OPS-17"'
    if not isinstance(value, Mapping) or set(value) - {"environments"} != set(_ACCEPT):
        raise ValueError(f"{expected}, all four of them")
    accepted = read_acceptance(value, "finding", expected)
    where = value.get("environments", [])
    if not isinstance(where, list) or not all(isinstance(one, str) for one in where):
        raise ValueError('environments = ["production"]')
    for one in where:
        if one not in known:
            raise ValueError(f'names of environments, and there is no "{one}"')
    return AcceptedFinding(*accepted, tuple(where))
