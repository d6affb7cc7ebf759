"""The definition of single tables, as one digest each, out of all objects of a database."""

from __future__ import annotations

import re
from hashlib import sha256

from pgmig_tui.database.fingerprint import Objects

_ON = re.compile(r" ON (?:ONLY )?(\S+) USING ")
_STATISTICS = re.compile(r"( storage \S+(?: compression \S+)?) statistics \S+")
_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view"})


def relations(objects: Objects) -> dict[str, str]:
    """The names of tables and views as objects have them, by their names without quotes."""
    return {_unquoted(name): name for kind, name in objects if kind in _RELATIONS}


def definition(name: str, objects: Objects) -> str:
    """A digest of what a table is: columns, constraints, indexes, triggers, rules and policies, owner and privileges;
    not its statistics targets, comments and partitions. `name` is as objects have it."""
    found = sha256()
    for (kind, what), text in sorted(objects.items()):
        if kind == "comment" or not _belongs(kind, what, text, name):
            continue
        told = _STATISTICS.sub(r"\1", text) if kind == "column" else text
        found.update(f"{kind}\0{what}\0{told}\0".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def parents(name: str, objects: Objects) -> set[str]:
    """The tables that a partition belongs to; none of a table that is no partition."""
    text = objects.get(("table", name), "")
    if "\nbound " not in text:
        return set()
    found = re.search(r"\ninherits (.*)", text)
    return set(found[1].split(", ")) if found else set()


def _unquoted(name: str) -> str:
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', name)
    return ".".join(quoted.replace('""', '"') or plain for quoted, plain in parts)


def _belongs(kind: str, what: str, text: str, name: str) -> bool:
    if kind == "index":
        on = _ON.search(text)
        return on is not None and on[1] == name
    if kind == "column":
        return what.rpartition(".")[0] == name
    return what == name or what.endswith(f" on {name}")
