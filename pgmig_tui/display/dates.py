"""Points in time as Sqitch writes them: by name (iso, rfc, raw, full …), by a strftime or by a CLDR pattern.

Times are shown in the zone of this machine (TZ), names are English: Sqitch takes those of LC_TIME, of which Python has
none of CLDR's.

Sources: `sqitch-log` manual page; Perl's DateTime 1.59 with DateTime::Locale 1.37 (CLDR 42, en-US), which Sqitch uses,
"strftime Patterns" and "CLDR Patterns".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

NAMED = ("raw", "iso", "iso8601", "rfc", "rfc2822", "full", "long", "medium", "short")
PREFIXES = ("strftime:", "cldr:")

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
_ERAS = ("Before Christ", "Anno Domini")
_SPACE = "\u202f"  # narrow, before AM and PM
_LENGTHS = {
    "full": f"EEEE, MMMM d, y, h:mm:ss{_SPACE}a zzzz",
    "long": f"MMMM d, y, h:mm:ss{_SPACE}a z",
    "medium": f"MMM d, y, h:mm:ss{_SPACE}a",
    "short": f"M/d/yy, h:mm{_SPACE}a",
    "default": f"MMM d, y, h:mm:ss{_SPACE}a",
}
_STAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?Z")
_STRFTIME = re.compile(r"%(?:\{(\w+)\}|([%a-zA-Z])|([0-9]+)N)")
_CLDR = re.compile(r"'((?:[^']|'')*)'|(([a-zA-Z])\3*)|(.)", re.S)
_LENT = 2000
"""Years before 1, which Python doesn't have, are lent so many: a multiple of 400, after which the calendar repeats."""


def known_format(text: str) -> bool:
    """Whether Sqitch takes this for a date format."""
    return text in NAMED or text.startswith(PREFIXES)


def written(stamp: str, form: str) -> str:
    """A time in UTC, as 2024-01-02T03:04:05Z (fractions are dropped), in a date format. Raises ValueError for a format
    that doesn't exist."""
    at = _moment(stamp)
    if form == "raw":
        return f"{stamp[:19]}Z"
    if form in ("iso", "iso8601"):
        return f"{at.year:04}{at.local:-%m-%d %H:%M:}{at.second:02} {_offset(at)}"
    if form in ("rfc", "rfc2822"):
        offset = "-0000" if _offset(at) == "+0000" else _offset(at)
        return f"{_DAYS[at.local.weekday()][:3]}, {strftime('%d %b %Y %H:%M:%S', at)} {offset}"
    if form.startswith("cldr:"):
        return cldr(form.removeprefix("cldr:"), at)
    if form.startswith("strftime:"):
        return strftime(form.removeprefix("strftime:"), at)
    if form in _LENGTHS:
        return cldr(_LENGTHS[form], at)
    raise ValueError(f'Unknown date format "{form}"')


@dataclass(frozen=True, slots=True)
class _Moment:
    """One point in time, in UTC and in the zone of this machine. A leap second has its 60 in `second`."""

    utc: datetime
    local: datetime
    second: int
    lent: int = 0

    @property
    def year(self) -> int:
        return self.local.year - self.lent

    @property
    def hour(self) -> int:
        return self.local.hour

    @property
    def hour_12(self) -> int:
        return self.local.hour % 12 or 12

    @property
    def quarter(self) -> int:
        return (self.local.month - 1) // 3 + 1

    @property
    def day_of_year(self) -> int:
        return self.local.timetuple().tm_yday

    @property
    def week(self) -> tuple[int, int]:
        """ISO year and week."""
        year, week, _ = self.local.isocalendar()
        return year - self.lent, week

    @property
    def half(self) -> str:
        return "AM" if self.hour < 12 else "PM"

    @property
    def era(self) -> int:
        return 0 if self.year <= 0 else 1


def _moment(stamp: str) -> _Moment:
    found = _STAMP.fullmatch(stamp)
    if found is None:
        raise ValueError(f'"{stamp}" is no time')
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    lent = _LENT if year < 2 else 0  # a year more, for zones in which it begins later
    utc = datetime(year + lent, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    return _Moment(utc, utc.astimezone(), second, lent)


def _offset(at: _Moment, colon: str = "") -> str:
    offset = at.local.utcoffset() or timedelta()
    seconds = int(offset.total_seconds())
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{sign}{hours:02}{colon}{minutes:02}" + (f"{colon}{rest:02}" if rest else "")


def _zone(environ: Mapping[str, str] = os.environ) -> str:
    """The zone's name, as in Asia/Kathmandu."""
    if name := environ.get("TZ", "").removeprefix(":"):
        return name
    try:
        link = Path("/etc/localtime").resolve()
    except OSError:
        return "UTC"
    _, _, name = str(link).partition("/zoneinfo/")
    return name.removeprefix("posix/").removeprefix("right/") or "UTC"


# -- strftime --------------------------------------------------------------------------------------------------------


def strftime(pattern: str, at: _Moment) -> str:
    """`pattern` with its % specifiers filled in; those that don't exist stay."""

    def fill(found: re.Match[str]) -> str:
        method, letter, digits = found.groups()
        if digits:
            return "0" * int(digits[:3])
        known = _METHODS.get(method) if method else _SPECIFIERS.get(letter)
        return known(at) if known is not None else found[0]

    return _STRFTIME.sub(fill, pattern)


def _week_from(at: _Moment, weekday: int) -> str:
    """The number of the week, where weeks begin on `weekday` (1 = Monday, 7 = Sunday)."""
    first = at.day_of_year - (at.local.isoweekday() + (7 if weekday == 7 else 6)) % 7
    return f"{(first + 6) // 7:02}"


_SPECIFIERS: Mapping[str, Callable[[_Moment], str]] = {
    "a": lambda at: _DAYS[at.local.weekday()][:3],
    "A": lambda at: _DAYS[at.local.weekday()],
    "b": lambda at: _MONTHS[at.local.month - 1][:3],
    "B": lambda at: _MONTHS[at.local.month - 1],
    "c": lambda at: cldr(_LENGTHS["default"], at),
    "C": lambda at: str(at.year // 100),
    "d": lambda at: f"{at.local.day:02}",
    "D": lambda at: strftime("%m/%d/%y", at),
    "e": lambda at: f"{at.local.day:2}",
    "F": lambda at: strftime("%Y-%m-%d", at),
    "g": lambda at: str(at.week[0])[-2:],
    "G": lambda at: str(at.week[0]),
    "h": lambda at: _MONTHS[at.local.month - 1][:3],
    "H": lambda at: f"{at.hour:02}",
    "I": lambda at: f"{at.hour_12:02}",
    "j": lambda at: f"{at.day_of_year:03}",
    "k": lambda at: f"{at.hour:2}",
    "l": lambda at: f"{at.hour_12:2}",
    "m": lambda at: f"{at.local.month:02}",
    "M": lambda at: f"{at.local.minute:02}",
    "n": lambda at: "\n",
    "N": lambda at: "0" * 9,
    "p": lambda at: at.half,
    "P": lambda at: at.half.lower(),
    "r": lambda at: strftime("%I:%M:%S %p", at),
    "R": lambda at: strftime("%H:%M", at),
    "s": lambda at: str(_epoch(at)),
    "S": lambda at: f"{at.second:02}",
    "t": lambda at: "\t",
    "T": lambda at: strftime("%H:%M:%S", at),
    "u": lambda at: str(at.local.isoweekday()),
    "U": lambda at: _week_from(at, 7),
    "V": lambda at: f"{at.week[1]:02}",
    "w": lambda at: str(at.local.isoweekday() % 7),
    "W": lambda at: _week_from(at, 1),
    "x": lambda at: cldr("MMM d, y", at),
    "X": lambda at: cldr(f"h:mm:ss{_SPACE}a", at),
    "y": lambda at: f"{int(str(at.year)[-2:]):02}",
    "Y": lambda at: str(at.year),
    "z": lambda at: _offset(at),
    "Z": lambda at: at.local.tzname() or "",
    "%": lambda at: "%",
}
_METHODS: Mapping[str, Callable[[_Moment], str]] = {
    "year": lambda at: str(at.year),
    "month": lambda at: str(at.local.month),
    "day": lambda at: str(at.local.day),
    "hour": lambda at: str(at.hour),
    "minute": lambda at: str(at.local.minute),
    "second": lambda at: str(at.second),
    "quarter": lambda at: str(at.quarter),
    "day_of_week": lambda at: str(at.local.isoweekday()),
    "day_of_year": lambda at: str(at.day_of_year),
    "week_number": lambda at: str(at.week[1]),
    "week_year": lambda at: str(at.week[0]),
    "day_name": lambda at: _DAYS[at.local.weekday()],
    "day_abbr": lambda at: _DAYS[at.local.weekday()][:3],
    "month_name": lambda at: _MONTHS[at.local.month - 1],
    "month_abbr": lambda at: _MONTHS[at.local.month - 1][:3],
    "ymd": lambda at: strftime("%F", at),
    "hms": lambda at: strftime("%T", at),
    "epoch": lambda at: str(_epoch(at)),
}


def _epoch(at: _Moment) -> int:
    lent = (datetime(_LENT + 1, 1, 1) - datetime(1, 1, 1)) if at.lent else timedelta()
    return int(at.utc.timestamp() - lent.total_seconds()) + at.second - at.utc.second


# -- CLDR ------------------------------------------------------------------------------------------------------------


def cldr(pattern: str, at: _Moment) -> str:
    """`pattern` with its runs of letters filled in; what stands in single quotes stays."""

    def fill(found: re.Match[str]) -> str:
        quoted, letters, _, other = found.groups()
        if quoted is not None:
            return quoted
        return other if other is not None else _field(letters, at)

    return _CLDR.sub(fill, pattern).replace("''", "'")


def _field(letters: str, at: _Moment) -> str:
    for form, fill in _FIELDS:
        if found := form.search(letters):
            return fill(at, len(found[0]))
    return letters


_Fill = Callable[[_Moment, int], str]


def _number(value: Callable[[_Moment], int]) -> _Fill:
    return lambda at, size: f"{value(at):0{size}}"


def _word(words: Sequence[str], value: Callable[[_Moment], int], size: int | None = None) -> _Fill:
    return lambda at, _: words[value(at)][:size]


def _text(value: Callable[[_Moment], str]) -> _Fill:
    return lambda at, _: value(at)


def _fields() -> list[tuple[re.Pattern[str], _Fill]]:
    """In the order in which they are tried: the first that is found in a run of letters counts."""

    def month(at: _Moment) -> int:
        return at.local.month - 1

    def weekday(at: _Moment) -> int:
        return at.local.weekday()

    def zone(at: _Moment) -> str:
        return at.local.tzname() or ""

    known: list[tuple[str, _Fill]] = [
        ("GGGGG", _text(lambda at: "BA"[at.era])),
        ("GGGG", _text(lambda at: _ERAS[at.era])),
        ("G{1,3}", _text(lambda at: ("BC", "AD")[at.era])),
        ("y{3,5}", _number(lambda at: at.year)),
        ("yy", _text(lambda at: f"{int(str(at.year)[-2:]):02}")),
        ("y", _text(lambda at: str(at.year))),
        ("u+", _number(lambda at: at.year)),
        ("Y+", _number(lambda at: at.week[0])),
        ("QQQQ|qqqq", _text(lambda at: _QUARTERS[at.quarter - 1])),
        ("QQQ|qqq", _text(lambda at: f"Q{at.quarter}")),
        ("QQ?|qq?", _number(lambda at: at.quarter)),
        ("MMMMM|LLLLL", _word(_MONTHS, month, 1)),
        ("MMMM|LLLL", _word(_MONTHS, month)),
        ("MMM|LLL", _word(_MONTHS, month, 3)),
        ("MM?|LL?", _number(lambda at: at.local.month)),
        ("ww?", _number(lambda at: at.week[1])),
        ("W", _text(lambda at: str((at.local.day + 4 - at.local.isoweekday() + 6) // 7))),
        ("dd?", _number(lambda at: at.local.day)),
        ("D{1,3}", _number(lambda at: at.day_of_year)),
        ("F", _text(lambda at: str((at.local.day - 1) // 7 + 1))),
        ("g+", _number(lambda at: int((_epoch(at) + at.utc.second - at.second) / 86400 + 40587))),
        ("EEEEE|eeeee|ccccc", _word(_DAYS, weekday, 1)),
        ("EEEE|eeee|cccc", _word(_DAYS, weekday)),
        ("E{1,3}|eee|ccc", _word(_DAYS, weekday, 3)),
        ("ee?", _number(lambda at: at.local.isoweekday() % 7 + 1)),  # the first day is Sunday
        ("cc?", _number(lambda at: at.local.isoweekday())),
        ("a", _text(lambda at: at.half)),
        ("hh?|jj?", _number(lambda at: at.hour_12)),
        ("HH?", _number(lambda at: at.hour)),
        ("KK?", _number(lambda at: at.hour % 12)),
        ("kk?", _number(lambda at: at.hour or 24)),
        ("mm?", _number(lambda at: at.local.minute)),
        ("ss?", _number(lambda at: at.second)),
        ("S+", lambda at, size: "0" * size),
        ("A+", _text(lambda at: str((at.hour * 3600 + at.local.minute * 60 + at.second) * 1000))),
        ("zzzz|vvvv|VVVV", _text(lambda at: _zone())),
        ("z{1,3}|v{1,3}|V{1,3}", _text(zone)),
        ("ZZZZZ", _text(lambda at: _offset(at, ":"))),
        ("ZZZZ", _text(lambda at: zone(at) + _offset(at))),
        ("Z{1,3}", _text(lambda at: _offset(at))),
    ]
    return [(re.compile(form), fill) for form, fill in known]


_FIELDS = _fields()
