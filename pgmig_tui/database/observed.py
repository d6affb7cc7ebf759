"""What a transaction has changed in the catalogs, where its statements don't say: DO, CALL, EXECUTE, functions.

Two sessions look. The one that the transaction is open in sees the rows that it has written; another sees none of
these, but still sees, with the ID of whoever deletes them, the rows that are about to go. So what both see differently,
and only that, is the transaction's doing. Nothing is compared that is older than it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgmig_tui.database.text import load

How = Literal["created", "altered", "dropped", "created or altered"]
Ask = Callable[[str], Sequence[Sequence[object]]]
"""Sends one query and gives its rows, texts or values."""
Key = tuple[str, int, int]
_SESSION_S = ("pg_temp", "pg_toast_temp")
"""Schemas of what goes with its session; no other may be named so."""

NUMBER_SQL = "SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text"
"""The ID of the open transaction, NULL while it has written nothing."""
NEXT_SQL = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text"
"""An ID that no transaction has had yet."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An object: what has become of it, its kind as PostgreSQL names it ("table column") and its full name."""

    how: How
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    name: str
    at: str
    inside: int


def observe(inside: Ask, outside: Ask, number: str) -> tuple[Observed, ...]:
    """What the transaction of that `number` has changed so far. `inside` asks in it, `outside` a session that sees the
    same database. Raises what they raise."""
    now, before = _rows(inside(_sql(number))), _rows(outside(_sql(number)))
    unknown = [key for key in now if key not in before]
    if unknown:
        before |= _rows(outside(_sql(number, only=_named(unknown))))
    missing = [key for key in before if key not in now]
    if missing:
        now |= _rows(inside(_sql(number, only=_named(missing))))
    found: list[tuple[Key, How, _Row]] = []
    for key, row in now.items():
        old = before.get(key)
        if old is None:
            found.append((key, "created", row))
        elif old.at != row.at:
            found.append((key, "altered", row))
    found += [(key, "dropped", row) for key, row in before.items() if key not in now]
    return _told(found)


def observe_since(ask: Ask, number: str) -> tuple[Observed, ...]:
    """What anybody has created or altered since that transaction ID was the next to be given out, and committed. What
    was dropped can't be told. Raises what `ask` raises."""
    return _told([(key, "created or altered", row) for key, row in _rows(ask(_sql(number))).items()])


def _sql(number: str, only: str = "false") -> str:
    since = f"'{int(number) % 2**32}'::pg_catalog.xid"
    return load("queries/changed_objects").replace(":since", since).replace(":only", only)


def _named(keys: Sequence[Key]) -> str:
    ids = ",".join(str(one) for one in sorted({key[1] for key in keys}))
    return f"o.id OPERATOR(pg_catalog.=) ANY ('{{{ids}}}'::pg_catalog.oid[])"


def _rows(found: Sequence[Sequence[object]]) -> dict[Key, _Row]:
    rows: dict[Key, _Row] = {}
    for kind_of, number, sub, kind, name, at, gone, inside in found:
        if gone in (True, "t"):
            continue
        key = (str(kind_of), int(str(number)), int(str(sub)))
        told = f"{rows[key].at}{at}" if key in rows else str(at)  # the labels of an enum are one object's
        rows[key] = _Row(str(kind), str(name), told, int(str(inside)))
    return rows


def _told(found: Sequence[tuple[Key, How, _Row]]) -> tuple[Observed, ...]:
    """Without the parts of what was created or dropped as a whole, and without a whole of which only parts were."""
    whole: Mapping[int, How] = {key[1]: how for key, how, row in found if not row.inside}
    parts = {row.inside for _, _, row in found if row.inside}
    told = []
    for key, how, row in found:
        if row.inside and whole.get(row.inside) in ("created", "dropped", "created or altered"):
            continue
        if how == "altered" and not row.inside and key[1] in parts and key[0] == "pg_catalog.pg_class":
            continue
        if row.name.startswith(_SESSION_S):
            continue
        if row.kind and Observed(how, row.kind, row.name) not in told:
            told.append(Observed(how, row.kind, row.name))
    return tuple(sorted(told, key=lambda one: (one.kind, one.name, one.how)))
