"""What of an environment's drift is ignored, and what somebody has accepted, for how long and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class AcceptedDrift:
    """An object, such as `index app.orders_by_hand` (with `*` and `?`), that may differ up to and with a day, UTC."""

    object: str
    by: str
    until: date
    why: str


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """`ignore` are objects in the same form, `table scratch.*`."""

    ignore: tuple[str, ...] = ()
    accepted: tuple[AcceptedDrift, ...] = ()

    def ignores(self, name: str) -> bool:
        """Whether an object, as a difference names it, is none of anybody's business."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def accepting(self, name: str) -> AcceptedDrift | None:
        """Who accepted that an object differs, whether or not it still holds; the last one wins."""
        return next((one for one in reversed(self.accepted) if fnmatchcase(name, one.object)), None)


NO_DRIFT_POLICY = DriftPolicy()


def read_ignored(value: object) -> tuple[str, ...]:
    """`drift.ignore`. Raises ValueError saying what was expected."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise ValueError('a list of objects such as "table scratch.*"')
    return tuple(value)


def read_accepted(value: object) -> tuple[AcceptedDrift, ...]:
    """`drift.accepted`. Raises ValueError saying what was expected."""
    expected = 'tables such as { object = "index app.by_hand", by = "ana", until = 2027-01-31, why = "OPS-17" }'
    if not isinstance(value, list):
        raise ValueError(expected)
    return tuple(_accepted(one, expected) for one in value)


def _accepted(value: object, expected: str) -> AcceptedDrift:
    if not isinstance(value, Mapping) or set(value) != {"object", "by", "until", "why"}:
        raise ValueError(f"{expected}, with all four")
    return AcceptedDrift(*read_acceptance(value, "object", expected))


def read_acceptance(value: Mapping[object, object], what: str, expected: str) -> tuple[str, str, date, str]:
    """What somebody has accepted (the text at the key `what`), by whom, until when and why. Raises ValueError with
    what was `expected`."""
    texts = {key: text for key in (what, "by", "why") if isinstance(text := value[key], str) and text.strip()}
    empty = [key for key in (what, "by", "why") if key not in texts]
    if empty:
        raise ValueError(f"{expected}; {empty[0]} says nothing")
    until = value["until"]
    if not isinstance(until, date) or isinstance(until, datetime):
        raise ValueError(f"{expected}; until is a day without quotes")
    return texts[what], texts["by"], until, texts["why"]
