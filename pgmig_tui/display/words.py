"""Numbers, durations and times in words. Pure: nothing here reads a clock or a locale."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache


def duration(ms: float) -> str:
    """A duration in milliseconds as a person says it: `4 ms`, `1.2 s`, `3 min 20 s`, `2 h 05 min`."""
    if ms < 0:
        return f"-{duration(-ms)}"
    if ms < 1:
        return "<1 ms" if ms else "0 ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02d} h"


def clock(seconds: float) -> str:
    """Elapsed seconds as `00:03:41`; hours may exceed 24."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def ago(seconds: float) -> str:
    """An age: `now`, `2 s ago`, `3 min 20 s ago`."""
    if seconds < 1:
        return "now"
    return f"{int(seconds)} s ago" if seconds < 60 else f"{duration(seconds * 1000)} ago"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 change`, `12,345 changes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def steps_done(done: int, at_most: int, steps: int) -> str:
    """How many steps of a run are done; from where to where, where that isn't known of one."""
    if at_most > done:
        return f"at least {done}, at most {at_most} of {steps}"
    return f"{done} of {steps}"


def steps_short(done: int, at_most: int, steps: int) -> str:
    """The same in a cell: `3/45`, and `3-4/45` where it is one of these."""
    return f"{done}-{at_most}/{steps}" if at_most > done else f"{done}/{steps}"


def about(number: float) -> str:
    """A big number at a glance: `950`, `12.3k`, `12.3M`, `4.5G`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= limit:
            return f"{number / (1e3 if unit == 'k' else limit):.1f}{unit}"
    return f"{number:.0f}"


def size(number: int) -> str:
    """Bytes as PostgreSQL's pg_size_pretty writes them: `8192 bytes`, `12 kB`, `3 GB`."""
    if abs(number) < 10240:
        return f"{number} bytes"
    value = float(number)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1024
        if abs(value) < 9999.5 or unit == "PB":
            return f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


def utc(value: str | datetime | None) -> str:
    """A moment as `2026-11-22 09:14:03Z`, always UTC. Text that is no ISO 8601 time comes back as it is; None is `-`.

    A time without a zone is taken as UTC, which is what the journal and the plan write.
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    return f"{_in_utc(value):%Y-%m-%d %H:%M:%S}Z"


def iso(moment: datetime) -> str:
    """A moment as records and JSON have it, `2026-11-22T09:14:03Z`. Without a zone it is taken as UTC."""
    return f"{_in_utc(moment):%Y-%m-%dT%H:%M:%S}Z"


def iso_exact(moment: datetime) -> str:
    """The same with microseconds, `2026-11-22T09:14:03.000120Z`."""
    return f"{_in_utc(moment):%Y-%m-%dT%H:%M:%S.%f}Z"


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").fullmatch
"""A time as a journal has it: thousands in a row are of the same second."""


@lru_cache(maxsize=16)
def _utc_second(value: str) -> str:
    return utc(value)


def time_of_day(value: str | datetime | None) -> str:
    """The UTC time of day of a moment, `09:14:03`; text that is no time comes back as it is."""
    words = _utc_second(value[:19] + value[23:]) if isinstance(value, str) and _MILLISECONDS(value) else utc(value)
    return words[11:19] if len(words) == 20 and words.endswith("Z") else words


def short_id(identifier: str) -> str:
    """The first eight digits of a change ID: enough to tell changes apart on a screen."""
    return identifier[:8]


def listing(names: list[str] | tuple[str, ...], limit: int = 5) -> str:
    """`a, b and c`; past `limit` names, `a, b, c, d, e and 7 more`."""
    if not names:
        return ""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
