"""Critical queries before and after a deploy: their plans and times, on the rows that are there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.errors import UsageError
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.preview import preview

_KINDS = frozenset({"SELECT", "TABLE", "VALUES", "WITH"})
_TRIES = 3
_SLOWER, _LEAST_MS = 2.0, 1.0
"""Slower is told: by this factor, and by at least so many milliseconds."""
_EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class CriticalQuery:
    """A query, and the comment above it that names it."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class QueryMeasured:
    """One query before and after the deploy: the best of three times in milliseconds, None where it wasn't asked, the
    nodes of its plan, and the error where it failed, "" = none."""

    name: str
    sql: str
    before_ms: float | None = None
    after_ms: float | None = None
    before_plan: tuple[str, ...] = ()
    after_plan: tuple[str, ...] = ()
    before_error: str = ""
    after_error: str = ""

    @property
    def breaks(self) -> bool:
        """It could be asked before the deploy, and can't any more."""
        return bool(self.after_error) and not self.before_error

    @property
    def told(self) -> str:
        """What has become other, "" = nothing worth a word."""
        if self.after_error:
            return f"fails: {self.after_error}" if self.breaks else ""
        if self.before_ms is None or self.after_ms is None:
            return ""
        slower = self.after_ms > _SLOWER * self.before_ms and self.after_ms - self.before_ms > _LEAST_MS
        parts = [f"{self.before_ms:.1f} ms before, {self.after_ms:.1f} ms after"] if slower else []
        if self.before_plan != self.after_plan:
            parts.append(f"another plan: {', '.join(self.before_plan)} before, {', '.join(self.after_plan)} after")
        return "; ".join(parts)


def read_queries(name: str, data: bytes, files: ProjectFiles) -> tuple[CriticalQuery, ...]:
    """The queries of a file. Raises UsageError where something else stands in it, or nothing."""
    view = preview(name, data, files, {}, Allow(), ServerFacts(180000))
    found = []
    for number, one in enumerate(view.statements, 1):
        kind = kind_of(one.text)
        if kind not in _KINDS:
            raise UsageError(f"{name}:{one.line}: {kind} is no query that only reads.", now="Nothing was tested.")
        lines = data[: one.start].decode("utf-8", "replace").rstrip().splitlines()
        above = lines[-1].strip() if lines else ""
        first = one.text.lstrip().splitlines()[0].strip()
        named = next((text for text in (first, above) if text.startswith("--")), "")
        found.append(CriticalQuery(named.lstrip("- ").strip() or f"query {number}", one.text.strip().rstrip(";")))
    if not found:
        raise UsageError(f"There is no query in {name}.", now="Nothing was tested.")
    return tuple(found)


def measure(session: Connection, one: QueryMeasured, *, after: bool) -> QueryMeasured:
    """The same with what the query does now. It may read only; names are found by the path that the role has."""
    try:
        documents = list(_explained(session, one.sql))
    except ServerError as error:
        return replace(one, after_error=error.what) if after else replace(one, before_error=error.what)
    ms = min(float(document["Execution Time"]) for document in documents)
    plan = tuple(_nodes(documents[-1]["Plan"]))
    return replace(one, after_ms=ms, after_plan=plan) if after else replace(one, before_ms=ms, before_plan=plan)


def _explained(session: Connection, sql: str) -> Iterator[Mapping[str, Any]]:
    try:
        session.execute("BEGIN READ ONLY")
        session.execute("SET LOCAL search_path TO DEFAULT")
        for _ in range(_TRIES):
            row = session.one(_EXPLAIN + sql)
            assert row is not None
            (document,) = row[0] if isinstance(row[0], list) else json.loads(row[0])
            yield document
    finally:
        if not session.closed:
            session.execute("ROLLBACK")


def _nodes(node: Mapping[str, Any]) -> Iterator[str]:
    index = f" using {node['Index Name']}" if "Index Name" in node else ""
    table = f" on {node['Relation Name']}" if "Relation Name" in node else ""
    yield f"{node['Node Type']}{index}{table}"
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)
