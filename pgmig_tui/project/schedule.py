"""When an environment may be changed, as pgmig.toml says it: windows and freezes, as the clock on a wall shows them.

A rule stays what was written: "Sun 02:00 in Oslo" is another moment in summer than in winter, so nothing is turned into
UTC here (`gates.window` does, for one date). Names of time zones are those of the IANA database
(https://www.iana.org/time-zones), read from the system, else from the package tzdata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60

_WINDOW = re.compile(
    r"(?:(?P<days>[A-Za-z][A-Za-z,\s-]*?)\s+)?(?P<start>\d\d:\d\d)\s*-\s*(?P<end>\d\d:\d\d)\s+(?P<zone>\S+)"
)
_EXAMPLE = 'a window such as "Sun 02:00-05:00 Europe/Oslo"'
_NOT_IANA = re.compile(r"(posix|right)/|(localtime|posixrules|Factory)$")


@dataclass(frozen=True, slots=True)
class Window:
    """On these days (Monday is 0) from `start` to before `end`, in minutes since midnight as clocks of `zone` show
    them. Where `end` isn't later than `start` it is on the day after."""

    text: str
    days: frozenset[int]
    start: int
    end: int
    zone: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """From `start` to before `end` nothing is deployed. Times without an offset are those that clocks of `zone`
    show; `first` and `last` are what pgmig.toml says."""

    first: str
    last: str
    why: str
    zone: str
    start: datetime
    end: datetime

    @property
    def told(self) -> str:
        return f"{self.first} to {self.last}"

    def to_json(self) -> dict[str, str]:
        """What `read_freeze` reads."""
        return {"from": self.first, "to": self.last, "why": self.why, "zone": self.zone}


def zone_of(name: str) -> tzinfo:
    """The rules of a time zone. Raises ValueError saying what was expected."""
    import zoneinfo  # a project without windows needs none

    try:
        if not name.isascii() or _NOT_IANA.match(name):
            raise ValueError(name)
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    import difflib

    known = zoneinfo.available_timezones()
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f'a time zone of the IANA database, such as Europe/Oslo or UTC, and "{name}" is none{meant}')


def read_window(text: object) -> Window:
    """A window as written. Raises ValueError saying what was expected."""
    found = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if not isinstance(text, str) or found is None:
        raise ValueError(f"{_EXAMPLE}: days, from and to as hh:mm, and a time zone")
    start, end = _minutes(found["start"]), _minutes(found["end"])
    if start in (DAY_MINUTES, end):
        raise ValueError(f"{_EXAMPLE}, which ends at another time than it begins; a whole day is 00:00-24:00")
    zone_of(found["zone"])
    return Window(" ".join(text.split()), _days(found["days"]), start, end, found["zone"])


def read_windows(value: object) -> tuple[Window, ...]:
    """One window, or a list of them. Raises ValueError saying what was expected."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError(f"{_EXAMPLE}, one at least")
    return tuple(read_window(one) for one in values)


def read_freeze(value: object, zone: str = "UTC") -> Freeze:
    """A freeze as a table; `zone` is where its times are meant when it has none of its own. Raises ValueError saying
    what was expected."""
    example = 'a table such as { from = 2026-12-18, to = 2027-01-04, why = "…" }'
    if not isinstance(value, Mapping) or not {"from", "to", "why"} <= value.keys() <= {"from", "to", "why", "zone"}:
        raise ValueError(f"{example}, which may have a zone, too")
    why, zone = value["why"], value.get("zone", zone)
    if not isinstance(why, str) or not why.strip() or not isinstance(zone, str):
        raise ValueError(f"{example}, with the reason as a text")
    rules = zone_of(zone)
    start, _ = _moment(value["from"], example)
    last, whole_day = _moment(value["to"], example)
    end = last + timedelta(days=1) if whole_day else last
    if _instant(start, rules) >= _instant(end, rules):
        raise ValueError(f"a freeze that ends after it begins, and {value['from']} is not before {value['to']}")
    return Freeze(str(value["from"]), str(value["to"]), " ".join(why.split()), zone, start, end)


def read_freezes(value: object, zone: str = "UTC") -> tuple[Freeze, ...]:
    """One freeze, or a list of them. Raises ValueError saying what was expected."""
    return tuple(read_freeze(one, zone) for one in (value if isinstance(value, list) else [value]))


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes > 59 or hours * 60 + minutes > DAY_MINUTES:
        raise ValueError(f"{_EXAMPLE}: {text} is no time of a day (00:00 to 24:00)")
    return hours * 60 + minutes


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        begin = _day(first)
        found.update((begin + step) % 7 for step in range((_day(last) - begin) % 7 + 1 if dash else 1))
    return frozenset(found)


def _day(text: str) -> int:
    if text.capitalize() not in DAYS:
        raise ValueError(f"{_EXAMPLE}: days are {', '.join(DAYS)}, as in Mon-Fri or Sat,Sun; none is called {text!r}")
    return DAYS.index(text.capitalize())


def _moment(value: object, example: str) -> tuple[datetime, bool]:
    """What was written, and whether it is a whole day."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(example) from None
    if isinstance(value, datetime):
        return value, False
    if isinstance(value, date):
        return datetime.combine(value, time()), True
    raise ValueError(example)


def _instant(moment: datetime, rules: tzinfo) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=rules)
