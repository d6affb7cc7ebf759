"""docs/events.md, made of the classes of events: programs read these lines, so each field is told there."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from pgmig_tui.review import foreign
from pgmig_tui.run.journal.entry import EVENTS, fields_told

HEAD = """# Events

One event is one line of JSON: a line of a run's journal, and of `--json-lines`. Every line begins with `at` (UTC, the
local clock corrected by what was measured of the server's), `run` (the run's ID), `seq` (from 1) and `event` (the
name). The first line is `run_planned`; its `format` grows when a program that reads these lines could misread them.
Names and fields may be added: pass over what you don't know. A field marked *left out* is missing where it says
nothing.

This page is made of `pgmig_tui/run/journal/events.py`.
"""
_JSON = {str: "string", int: "integer", float: "number", bool: "boolean", Mapping: "object"}
_MEANING = re.compile(r"^(\w+): (.+)$", re.M)


def page() -> str:
    """The whole page."""
    parts: dict[type, None] = {}
    lines = [HEAD, "## Of a run's journal", ""]
    for name, kind in sorted(EVENTS.items()):
        lines += _section(name, kind, parts)
    lines += ["## Of a run of another account", "", "What `attach --json-lines` tells of a run that it only sees.", ""]
    for kind, name in foreign.NAMES.items():
        if name not in EVENTS:
            lines += _section(name, kind, parts)
    lines += ["## Parts of these", ""]
    done: set[type] = set()
    while left := [kind for kind in parts if kind not in done]:
        for kind in left:
            done.add(kind)
            lines += _section(kind.__name__, kind, parts)
    return "\n".join(lines).rstrip() + "\n"


def meanings(kind: type) -> Mapping[str, str]:
    """What the docstring of a class says of each of its fields."""
    return dict(_MEANING.findall(inspect.getdoc(kind) or ""))


def _section(name: str, kind: type, parts: dict[type, None]) -> Iterator[str]:
    told, found = inspect.getdoc(kind) or "", fields_told(kind)
    summary = _MEANING.split(told)[0]
    yield from (f"### {name}", "", " ".join(summary.split()), "")
    if not found:
        return
    said = meanings(kind)
    yield from ("| field | type | unit | meaning |", "|---|---|---|---|")
    for one in found.values():
        parts |= dict.fromkeys(_parts(one.type))
        shape = _type(one.type) + (", left out" if one.optional else "")
        yield f"| {one.name} | {shape} | {_unit(one.name)} | {said.get(one.name, '')} |"
    yield ""


def _parts(hint: Any) -> Iterator[type]:
    if is_dataclass(hint):
        yield typing.cast(type, hint)
    for inner in typing.get_args(hint):
        yield from _parts(inner)


def _type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if one is type(None) else _type(one) for one in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if is_dataclass(hint):
        return str(typing.cast(type, hint).__name__)
    return _JSON.get(hint) or _JSON[origin]


def _unit(name: str) -> str:
    if name == "ms" or name.endswith("_ms"):
        return "ms"
    return {"seconds": "s", "at": "UTC"}.get(name, "UTC" if name.endswith("_at") else "")
