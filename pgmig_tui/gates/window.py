"""Is a window open at this moment, until when, and does a run fit into it? Pure: rules, moments and durations in, words
out.

A window opens when clocks of its zone first show its start on one of its days, and closes when they first reach its
end. Where clocks are put forward over its start it opens at that moment; where they are put back, the hour that passes
twice opens it once. Nothing here reads a clock: the moment is the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.display import words
from pgmig_tui.project.schedule import DAY_MINUTES, Freeze, Window, read_freeze, read_window, zone_of

WINDOW, FREEZE = "policy:window", "policy:freeze"
_TITLES = {WINDOW: "Inside the maintenance window", FREEZE: "No freeze"}
_AHEAD_DAYS, _NEAR_DAYS = 400, 8
_SOON = timedelta(hours=24)
_TICK = timedelta(microseconds=1)
_UNSEEN = "the server's clock isn't known: it didn't answer"


@dataclass(frozen=True, slots=True)
class Opening:
    """A time in which runs may start, from `start` to before `end` (UTC); `zone` is that of the window it begins
    with."""

    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Need:
    """How long a step may take at most, in milliseconds, its tries for a lost lock included; None = nobody knows.
    `source` says where that is from."""

    change: str
    ms: int | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class OpeningRules:
    """The windows and freezes of an environment. Without windows it is open whenever it isn't frozen."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows or self.freezes)

    def to_json(self) -> dict[str, object]:
        """What `rules_of` reads."""
        return {"windows": [one.text for one in self.windows], "freezes": [one.to_json() for one in self.freezes]}


def rules_of(data: Mapping[str, Any]) -> OpeningRules:
    """The rules that a plan was made with. Raises ValueError, KeyError."""
    windows = tuple(read_window(one) for one in data["windows"])
    return OpeningRules(windows, tuple(read_freeze(one) for one in data["freezes"]))


def instant(wall: datetime, rules: tzinfo) -> datetime:
    """The first moment (UTC) at which clocks there show `wall` or, where that time is left out, a later one."""
    early = wall.replace(tzinfo=rules, fold=0).astimezone(UTC)
    if early.astimezone(rules).replace(tzinfo=None) == wall:
        return early
    # Left out: `early` is behind the jump, and what the rules behind it would make of `wall` before it.
    before = wall.replace(tzinfo=rules, fold=1).astimezone(UTC)
    offset = before.astimezone(rules).utcoffset()
    while early - before > _TICK:
        middle = before + (early - before) / 2
        if middle.astimezone(rules).utcoffset() == offset:
            before = middle
        else:
            early = middle
    return early.replace(microsecond=0)  # clocks jump at whole seconds


def frozen(freezes: Iterable[Freeze], now: datetime) -> Freeze | None:
    """The freeze that is in force at that moment, the one that ends last."""
    found = [one for one in freezes if _span(one)[0] <= now < _span(one)[1]]
    return max(found, key=lambda one: _span(one)[1], default=None)


def openings(rules: OpeningRules, since: datetime, days: int = _AHEAD_DAYS) -> list[Opening]:
    """The openings that end after `since` and begin in so many days, in order. Those that meet or overlap are one."""
    found: list[Opening] = []
    for one in _single(rules.windows, since, days):
        if found and one.start <= found[-1].end:
            found[-1] = Opening(found[-1].start, max(found[-1].end, one.end), found[-1].zone)
        else:
            found.append(one)
    return [one for one in _between_freezes(found, rules.freezes) if one.end > since]


def results(rules: OpeningRules, now: datetime | None, needs: Sequence[Need]) -> tuple[CheckResult, ...]:
    """What the rules say of a run that starts now, by the server's clock (None: it isn't known)."""
    found = []
    if rules.windows:
        found.append(_result(WINDOW, UNKNOWN_CLOCK, now, {}) if now is None else _of_windows(rules, now, needs))
    if rules.freezes:
        found.append(_result(FREEZE, UNKNOWN_CLOCK, now, {}) if now is None else _of_freezes(rules, now, needs))
    return tuple(found)


def stops(rules: OpeningRules, now: datetime, need: Need) -> str:
    """Why a run must not begin its next step now, in a sentence; "" when it may. A step of which nobody knows how long
    it takes may begin while the window is open: that was decided before."""
    until = _until(rules, now)
    if until is None:
        freeze = frozen(rules.freezes, now)
        why = f"{_freeze_told(freeze)} has begun" if freeze is not None else "the maintenance window has closed"
        return f"{why}; {_next_told(rules, now)}"
    if need.ms is not None and until.end - now < timedelta(milliseconds=need.ms):
        closes = "the window closes" if rules.windows else "a freeze begins"
        return (
            f"{need.change} may take {words.duration(need.ms)}, and {closes} at"
            f" {both_clocks(until.end, until.zone)}; {_next_told(rules, until.end)}"
        )
    return ""


def both_clocks(moment: datetime, zone: str) -> str:
    """A moment as clocks of the zone and of UTC show it."""
    utc = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return utc if zone == "UTC" else f"{moment.astimezone(zone_of(zone)):%a %Y-%m-%d %H:%M} {zone} ({utc})"


UNKNOWN_CLOCK: tuple[State, str] = ("UNKNOWN", _UNSEEN)


def _of_windows(rules: OpeningRules, now: datetime, needs: Sequence[Need]) -> CheckResult:
    zone = rules.windows[0].zone
    current = _until(rules, now)
    upcoming = _next(rules, now, timedelta())
    row: dict[str, object] = {
        "windows": [one.text for one in rules.windows],
        "now": words.iso(now),
        "open_until": None if current is None else words.iso(current.end),
        "next_opening": None if upcoming is None else words.iso(upcoming.start),
    }
    if current is None:
        told = f"closed: it is {both_clocks(now, zone)}; {_next_told(rules, now)}"
        return _result(WINDOW, ("FAIL", told), now, row, needs)
    told = f"open until {both_clocks(current.end, current.zone)}"
    if current.end > now + timedelta(days=_AHEAD_DAYS):
        row |= {"open_until": None, "never_closes": True}
        told = "open, and it never closes" if not rules.freezes else f"open for the next {_AHEAD_DAYS} days"
    return _result(WINDOW, _fits(rules, now, current, needs, told), now, row, needs)


def _of_freezes(rules: OpeningRules, now: datetime, needs: Sequence[Need]) -> CheckResult:
    row: dict[str, object] = {"freezes": [one.to_json() for one in rules.freezes], "now": words.iso(now)}
    current = frozen(rules.freezes, now)
    if current is not None:
        end = _span(current)[1]
        row["frozen_until"] = words.iso(end)
        told = f"frozen until {both_clocks(end, current.zone)}: {current.why}; {_next_told(rules, now)}"
        return _result(FREEZE, ("FAIL", told), now, row, needs)
    later = sorted((one for one in rules.freezes if _span(one)[0] > now), key=lambda one: _span(one)[0])
    if not later:
        return _result(FREEZE, ("PASS", "no freeze now, and none to come"), now, row, needs)
    start = _span(later[0])[0]
    told = f"no freeze now; the next begins at {both_clocks(start, later[0].zone)}: {later[0].why}"
    verdict: tuple[State, str] = ("PASS", told)
    if start - now <= _SOON or all(one.ms is not None for one in needs):
        verdict = _fits(rules, now, Opening(now, start, later[0].zone), needs, told)
    return _result(FREEZE, verdict, now, row, needs)


def _fits(rules: OpeningRules, now: datetime, current: Opening, needs: Sequence[Need], told: str) -> tuple[State, str]:
    unknown = [one.change for one in needs if one.ms is None]
    known = timedelta(milliseconds=sum(one.ms or 0 for one in needs))
    if now + known > current.end:
        least = "" if not unknown else "at least "
        need = words.duration(known / timedelta(milliseconds=1))
        return "FAIL", f"{told}, and the run may take {least}{need}; {_next_told(rules, current.end, known)}"
    if unknown:
        return "UNKNOWN", (
            f"{told}; how long {words.listing(unknown)} may take isn't known: nothing estimates it, and it was measured"
            " neither where it comes from nor in a rehearsal"
        )
    need = words.duration(known / timedelta(milliseconds=1))
    return "PASS", f"{told}; the run takes {need} at most, retries included" if needs else told


def _until(rules: OpeningRules, now: datetime) -> Opening | None:
    """The opening that `now` lies in."""
    if not rules.windows:
        if frozen(rules.freezes, now) is not None:
            return None
        starts = [(_span(one)[0], one.zone) for one in rules.freezes if _span(one)[0] > now]
        end, zone = min(starts, default=(datetime.max.replace(tzinfo=UTC), "UTC"))
        return Opening(now, end, zone)
    for days in (_NEAR_DAYS, _AHEAD_DAYS):
        first = next(iter(openings(rules, now, days)), None)
        if first is None or first.start > now:
            return None
        if first.end < now + timedelta(days=_NEAR_DAYS):
            break
    return first


def _next(rules: OpeningRules, after: datetime, need: timedelta) -> Opening | None:
    """The first opening that begins after that moment and is long enough."""
    if not rules.windows:
        current = frozen(rules.freezes, after)
        if current is None:
            return None
        end = _span(current)[1]
        following = _until(rules, end)
        return _next(rules, end, need) if following is None else Opening(end, following.end, current.zone)
    return next((one for one in openings(rules, after) if one.start >= after and one.end - one.start >= need), None)


def _next_told(rules: OpeningRules, after: datetime, need: timedelta = timedelta()) -> str:
    found = _next(rules, after, need)
    if found is None:
        long = " that is long enough" if need else ""
        return f"no opening{long} in the next {_AHEAD_DAYS} days"
    return f"the next opening{' that is long enough' if need else ''}: {both_clocks(found.start, found.zone)}"


def _single(windows: Iterable[Window], since: datetime, days: int) -> list[Opening]:
    """The openings of single windows by their start, from some days before `since` on."""
    rules = [(one, zone_of(one.zone)) for one in windows]
    begin = since.astimezone(UTC).date() - timedelta(days=9)
    dates = [begin + timedelta(days=number) for number in range(days + 10)]
    found = [_on(one, window, zone) for window, zone in rules for one in dates if one.weekday() in window.days]
    return sorted((one for one in found if one is not None), key=lambda one: (one.start, one.end))


def _on(day: date, window: Window, zone: tzinfo) -> Opening | None:
    """The opening that begins on that day; None where clocks leave it out."""
    midnight = datetime.combine(day, time())
    start = instant(midnight + timedelta(minutes=window.start), zone)
    length = window.end if window.end > window.start else window.end + DAY_MINUTES
    # The last moment before the end is asked for: at the end itself clocks that are put back have shown it once.
    end = instant(midnight + timedelta(minutes=length) - _TICK, zone)
    end += _TICK if end.microsecond else timedelta()
    return Opening(start, end, window.zone) if start < end else None


def _between_freezes(found: Iterable[Opening], freezes: Sequence[Freeze]) -> Iterator[Opening]:
    for one in found:
        parts = [one]
        for freeze in freezes:
            first, last = _span(freeze)
            parts = [
                Opening(start, end, part.zone)
                for part in parts
                for start, end in ((part.start, min(part.end, first)), (max(part.start, last), part.end))
                if start < end
            ]
        yield from parts


def _span(freeze: Freeze) -> tuple[datetime, datetime]:
    zone = zone_of(freeze.zone)
    start, end = (one if one.tzinfo is not None else instant(one, zone) for one in (freeze.start, freeze.end))
    return start, end


def _freeze_told(freeze: Freeze) -> str:
    return f"the freeze of {freeze.told} ({freeze.why})"


def _result(
    name: str,
    verdict: tuple[State, str],
    now: datetime | None,
    row: dict[str, object],
    needs: Sequence[Need] = (),
) -> CheckResult:
    told = {**row, "needs": [{"change": one.change, "ms": one.ms, "source": one.source} for one in needs]}
    at = "" if now is None else words.iso(now)
    return CheckResult(name, _TITLES[name], *verdict, (told,) if row else (), "", at, at)
