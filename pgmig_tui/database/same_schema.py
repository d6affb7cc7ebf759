"""Two schemas side by side, by what they mean: no version's own way of writing an object down is a difference.

Pure. What each version changed is measured on 13 to 18 with one script (tests/database/test_same_schema.py): 15 made
`public` pg_database_owner's, 16 leaves qualifications out of views and writes `json` in quotes, 17 has the privilege
MAINTAIN, 18 has NOT NULL as constraints with names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgmig_tui.database.fingerprint import Objects, changed
from pgmig_tui.database.text import in_old_quotes as quoted

_OF_THE_CLUSTER = {"role"}
_MAINTAIN = re.compile(r"(=[A-Za-z*]*?)m\*?(?=[A-Za-z*]*/)")
_PUBLIC_AS_MADE = re.compile(
    r"owner pg_database_owner =U/pg_database_owner pg_database_owner=UC/pg_database_owner"
    r"|owner (?P<owner>.+) =UC/(?P=owner) (?P=owner)=UC/(?P=owner)"
)
_UNLIKE_OTHERS = re.compile(r"not validated|NO INHERIT")
_QUERY = "\n "
"""Before the query in a view's definition; no other line of it begins with a space."""


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects of a database, and the server's `server_version_num`."""

    objects: Objects
    version_num: int

    @property
    def major(self) -> int:
        return self.version_num // 10000


@dataclass(frozen=True, slots=True)
class ObjectDifference:
    """An object that two schemas don't have alike; its definition in each, "" where it isn't there."""

    kind: str
    name: str
    left: str
    right: str

    @property
    def object(self) -> str:
        """Such as `index app.orders_customer_idx`."""
        return f"{self.kind} {self.name}"


def differences(left: Schema, right: Schema) -> Iterator[ObjectDifference]:
    """What isn't the same in two databases, by kind and name. Roles are the cluster's and no part of it."""
    objects = [left.objects, right.objects]
    if left.major != right.major:
        objects = [{(kind, quoted(name)): quoted(text) for (kind, name), text in one.items()} for one in objects]
    for kind, name, one, other in changed(*objects):
        if kind not in _OF_THE_CLUSTER and not _alike(kind, name, one, other, left.major, right.major):
            yield ObjectDifference(kind, name, one, other)


def _alike(kind: str, name: str, one: str, other: str, one_major: int, other_major: int) -> bool:
    if one_major == other_major:
        return False
    oldest, newest = sorted((one_major, other_major))
    if kind == "not null":
        # An older server has no such constraint: there it is the column's NOT NULL, which has a row of its own.
        return oldest < 18 and not _UNLIKE_OTHERS.search(one + other)
    if not one or not other:
        return False
    if kind == "schema" and name == "public" and oldest < 15 <= newest:
        return all(_PUBLIC_AS_MADE.fullmatch(text) for text in (one, other))
    if kind == "extension":
        return one.rpartition(" ")[2] == other.rpartition(" ")[2]
    if oldest < 17 <= newest:
        one, other = _without_maintain(kind, one), _without_maintain(kind, other)
    if kind in ("view", "materialized view") and oldest < 16 <= newest:
        one, other = _with_one_form(one), _with_one_form(other)
    return one == other


def _without_maintain(kind: str, text: str) -> str:
    if kind == "default privileges":
        return _MAINTAIN.sub(r"\1", text)
    lines = text.split("\n")
    return "\n".join(_MAINTAIN.sub(r"\1", line) if line.startswith("privileges ") else line for line in lines)


def _with_one_form(text: str) -> str:
    from pgmig_tui.script.viewdef import in_one_form

    head, found, query = text.partition(_QUERY)
    return head + in_one_form(query) if found else text
