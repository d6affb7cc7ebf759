"""One line of a journal, and of `--json-lines`: when and where an event happened, and the event itself.

A line that another version wrote is read as well: an event or a field that isn't known is passed over, a field that is
missing, or is of another type, reads as nothing: 0, "", false, () or None.
"""

from __future__ import annotations

import json
import re
import time
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Any

from pgmig_tui.run.journal.events import AnyEvent, UnknownEvent, Warned

_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a run: `at` is UTC (the local clock corrected by the measured skew of the server), `seq` counts from
    1. `more` are fields that this version doesn't know."""

    seq: int
    at: str
    run: str
    event: AnyEvent
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.event)

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields as its line has them."""
        return {**fields_of(self.event), **self.more}

    def to_line(self) -> str:
        return line_of(self.seq, self.at, self.run, self.name, self.data)

    @staticmethod
    def from_line(line: str) -> Entry:
        """The entry of a journal's line. Raises ValueError on anything that isn't one."""
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError("a journal's line is one JSON object")
        try:
            seq, at, run, name = int(data.pop("seq")), data.pop("at"), data.pop("run"), data.pop("event")
        except (KeyError, TypeError) as wrong:
            raise ValueError(f"a journal's line lacks {wrong}") from wrong
        event = event_of(str(name), data)
        return Entry(seq, str(at), str(run), event, _unknown(event, data))


def line_of(seq: int, at: str, run: str, name: str, data: Mapping[str, Any]) -> str:
    return _encode({"at": at, "run": run, "seq": seq, "event": name, **data})


def name_of(event: AnyEvent) -> str:
    """The name of an event in its line."""
    return event.name if isinstance(event, UnknownEvent) else _NAMES[type(event)]


def fields_of(event: AnyEvent) -> dict[str, Any]:
    """The fields of an event as its line has them."""
    if isinstance(event, UnknownEvent):
        return dict(event.fields)
    return _written(event)


def event_of(name: str, data: Mapping[str, Any]) -> AnyEvent:
    """The event of that name with these fields, as JSON has them."""
    kind = EVENTS.get(name)
    event: AnyEvent = UnknownEvent(name=name, fields=data) if kind is None else _read(kind, data)
    return event


# -- classes and their fields --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event: its name in the line, its attribute, its type, and whether it is left out where it is
    None."""

    name: str
    attribute: str
    type: Any
    optional: bool
    plain: frozenset[type]
    """JSON's types whose values are as they should be; of others `read` makes one."""
    read: Callable[[Any], Any]
    missing: Any
    """What stands in a line that doesn't have it."""


def fields_told(kind: type) -> Mapping[str, EventField]:
    """The fields of an event's class, or of a part of one, by their names in the line."""
    known = _FIELDS.get(kind)
    if known is None:
        hints = typing.get_type_hints(kind)
        found = (
            EventField(
                one.metadata.get("name", one.name),
                one.name,
                hints[one.name],
                bool(one.metadata.get("absent")),
                _plain_types(hints[one.name]),
                _reader(hints[one.name]),
                one.metadata.get("missing"),
            )
            for one in fields(kind)
        )
        known = _FIELDS[kind] = {one.name: one for one in found}
    return known


_FIELDS: dict[type, Mapping[str, EventField]] = {}


def _unknown(event: AnyEvent, data: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(event, UnknownEvent):
        return {}
    known = fields_told(type(event))
    return {name: found for name, found in data.items() if name not in known}


def _written(value: Any) -> dict[str, Any]:
    written = {}
    for one in fields_told(type(value)).values():
        found = getattr(value, one.attribute)
        if found is None and one.optional:
            continue
        written[one.name] = found if type(found) in _PLAIN else _plain(found)
    return written


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose values are written as they are."""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return _written(value) if is_dataclass(value) else value


def _read(kind: type, data: Mapping[str, Any]) -> Any:
    return kind(
        **{
            one.attribute: found if type(found := data.get(one.name, one.missing)) in one.plain else one.read(found)
            for one in fields_told(kind).values()
        }
    )


def _plain_types(hint: Any) -> frozenset[type]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return frozenset().union(*(_plain_types(one) for one in typing.get_args(hint)))
    return {float: frozenset({float, int}), type(None): frozenset({type(None)})}.get(
        hint, frozenset({hint} & {str, int, bool})
    )


def _reader(hint: Any) -> Callable[[Any], Any]:
    """What makes a value of that type of JSON's, and nothing of what isn't one."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (one for one in typing.get_args(hint) if one is not type(None))
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        (part, *_) = typing.get_args(hint)
        read, kinds = _reader(part), Mapping if is_dataclass(part) else object
        return lambda value: (
            tuple(read(one) for one in value if isinstance(one, kinds)) if isinstance(value, list | tuple) else ()
        )
    if is_dataclass(hint):
        kind = typing.cast(type, hint)
        return lambda value: _read(kind, value if isinstance(value, Mapping) else {})
    if hint is float:
        return lambda value: value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
    if hint is int:
        return lambda value: value if isinstance(value, int) and not isinstance(value, bool) else 0
    if hint is bool:
        return lambda value: value is True
    if hint is str:
        return lambda value: value if isinstance(value, str) else ""
    return lambda value: value if isinstance(value, Mapping) else {}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


EVENTS: Mapping[str, type] = {
    "warning" if kind is Warned else _snake(kind.__name__): kind
    for kind in typing.get_args(AnyEvent)
    if kind is not UnknownEvent
}
"""The class of each event, by its name in a line."""

_NAMES = {kind: name for name, kind in EVENTS.items()}


def utc(now: float, skew: float = 0.0) -> str:
    """`now` (seconds since 1970) plus `skew` seconds as ISO 8601 in UTC with milliseconds and Z."""
    seconds, thousandths = divmod(round((now + skew) * 1000), 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
