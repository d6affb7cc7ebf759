"""What the registry says is deployed, and what has happened.

Read without locks and, where there is no registry, without an error. Source: the registry of Sqitch 1.3.1 and the
upgrades from older ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, read_look_sql
from pgmig_tui.database.text import bind, ident, literal, load, text_array
from pgmig_tui.errors import NotPermitted, UsageError

VERSION = "1.1"
VERSIONS = ("0", "1.0", VERSION)

# permission denied (for the language, or for the registry: the second try tells), no such language, no library
_NO_PLPGSQL = frozenset({"42501", "42704", "58P01"})


@dataclass(frozen=True, slots=True)
class RegistryInfo:
    """Whether the registry is there and which version it has: "0" (before Sqitch 0.998), "1.0", "1.1" or newer."""

    schema: str
    present: bool
    version: str | None
    newer: bool = False

    @property
    def old(self) -> bool:
        return self.present and not self.newer and self.version != VERSION


@dataclass(frozen=True, slots=True)
class DeployedTag:
    """A row of `tags`: `tag` with its @, `committed_at` as in DeployedChange."""

    tag_id: str
    tag: str
    committed_at: str


@dataclass(frozen=True, slots=True)
class DeployedChange:
    """A row of `changes`. Times are UTC; `committed_at` has microseconds and sorts as text, `tags` have their @."""

    change_id: str
    script_hash: str | None
    name: str
    project: str
    note: str
    committed_at: str
    committer_name: str
    committer_email: str
    planned_at: str
    planner_name: str
    planner_email: str
    tag_rows: tuple[DeployedTag, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(row.tag for row in self.tag_rows)


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The registry and what is deployed, in `committed_at` order."""

    info: RegistryInfo
    deployed: tuple[DeployedChange, ...]


@dataclass(frozen=True, slots=True)
class RegistryOutline:
    """The registry and what is deployed, in `committed_at` order, as much as a comparison with the plan needs: three
    lists of one length, the whole of the last change (its tags left out), and all tags: (change ID, tag ID, name)."""

    info: RegistryInfo
    change_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    script_hashes: tuple[str | None, ...] = ()
    last: DeployedChange | None = None
    tags: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """A row of `events`: `event` is deploy, revert, fail or merge; times are UTC."""

    event: str
    change_id: str
    change: str
    project: str
    note: str
    requires: tuple[str, ...]
    conflicts: tuple[str, ...]
    tags: tuple[str, ...]
    committed_at: str
    committer_name: str
    committer_email: str
    planned_at: str
    planner_name: str
    planner_email: str


def read_state(connection: Connection, schema: str, project: str | None) -> RegistryState:
    """Registry and deployed changes (of all projects with None), one round trip. Raises NotPermitted."""
    return read_state_after(connection, schema, project)[1]


def read_state_after(
    connection: Connection, schema: str, project: str | None, before: str = ""
) -> tuple[list[list[Row]], RegistryState]:
    """As `read_state`, in the same round trip as the statements `before`, whose results come first.

    Raises NotPermitted, ServerError.
    """
    results, rows = _read(connection, schema, _queries(schema, project), before)
    return results, _state(schema, rows)


def read_outline_after(
    connection: Connection, schema: str, project: str | None, before: str = ""
) -> tuple[list[list[Row]], RegistryOutline]:
    """As `read_state_after`, with less of each change, which makes a difference where there are thousands.

    Raises NotPermitted, ServerError.
    """
    results, (version, rows, tag_rows) = _read(
        connection, schema, _queries(schema, project, "registry_outline"), before
    )
    info = _info(schema, version[0][0])
    if not info.present or not rows or rows[0][0] is None:
        return results, RegistryOutline(info)
    change_ids, names, hashes, *last = rows[0]
    tags = tuple((change_id, tag_id, tag) for change_id, tag_id, tag, _ in tag_rows)
    return results, RegistryOutline(info, tuple(change_ids), tuple(names), tuple(hashes), DeployedChange(*last), tags)


def _read(
    connection: Connection, schema: str, queries: dict[str, str | None], before: str
) -> tuple[list[list[Row]], list[list[Row]]]:
    """The results of `before`, and the rows of version, changes and tags, in one round trip.

    Where plpgsql can't be used (taken away, or a package upgrade replaced it under a running server) it takes a second
    round trip.
    """
    body = bind(load("queries/registry_state"), queries)
    fetch = "; ".join(f"FETCH ALL FROM pgmig_{name}" for name in ("version", "changes", "tags"))
    before = f"{before}; " if before else ""
    try:
        results = connection.results(f"{before}DO {literal(body)}; {fetch}")
        return results[:-3], results[-3:]
    except ServerError as error:
        if error.sqlstate not in _NO_PLPGSQL:
            raise
    try:
        results = connection.results(f"{before}{queries['shape']}")
        present, has_releases, has_hash = results[-1][0]
        rows: list[list[Row]] = [[(None,)], [], []]
        if present:
            version = queries["version" if has_releases else "no_version"]
            changes = queries["changes" if has_hash else "old_changes"]
            locks = ["look", "lock", *(["lock_releases"] if has_releases else []), "look"]
            looked = "; ".join(queries[one] or "" for one in locks)
            rows = connection.results(f"{looked}; {version}; {changes}; {queries['tags']}")[-3:]
    except ServerError as error:
        raise reading_refused(error, connection, schema) from None
    return results[:-1], rows


def _queries(schema: str, project: str | None, changes_from: str = "registry_changes") -> dict[str, str | None]:
    names: dict[str, str | None] = {"schema": schema, "project": project}
    changes = bind(load(f"queries/{changes_from}"), names)
    lock = f"LOCK TABLE {ident(schema)}.{{}} IN ACCESS SHARE MODE"
    return {
        "look": read_look_sql(Tables(schema, ("changes", "tags", "releases"))),
        "lock": lock.format(f"changes, {ident(schema)}.tags"),
        "lock_releases": lock.format("releases"),
        "shape": bind(load("queries/registry_shape"), names),
        "version": f"SELECT coalesce(pg_catalog.max(r.version)::text, '0') FROM {ident(schema)}.releases r",
        "no_version": "SELECT '0'",
        "changes": changes,
        "old_changes": changes.replace("c.script_hash", "NULL::text"),
        "tags": bind(load("queries/registry_tags"), names),
    }


def _state(schema: str, results: Sequence[Sequence[Row]]) -> RegistryState:
    version_rows, change_rows, tag_rows = results
    info = _info(schema, version_rows[0][0])
    if not info.present:
        return RegistryState(info, ())
    tags: dict[str, list[DeployedTag]] = {}
    for change_id, tag_id, tag, committed_at in tag_rows:
        tags.setdefault(change_id, []).append(DeployedTag(tag_id, tag, committed_at))
    if not tags:
        deployed = tuple(DeployedChange(*row) for row in change_rows)
    else:
        deployed = tuple(DeployedChange(*(*row, tuple(tags.get(row[0], ())))) for row in change_rows)
    return RegistryState(info, deployed)


def _info(schema: str, version: str | None) -> RegistryInfo:
    if version is None:
        return RegistryInfo(schema, False, None)
    version = version if "." in version or version == "0" else f"{version}.0"
    newer = version not in VERSIONS and _number(version) > _number(VERSION)
    return RegistryInfo(schema, True, version, newer)


def reading_refused(error: ServerError, connection: Connection, schema: str) -> ServerError | NotPermitted:
    """`error`, or what to grant when it says that the registry may not be read."""
    if error.sqlstate != "42501":
        return error
    return NotPermitted(
        f"the registry {schema} can't be read: {error.message}",
        do=f"Have its owner run: GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(connection.role)}; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {ident(schema)} TO {ident(connection.role)};",
    )


def read_registry(connection: Connection, schema: str) -> RegistryInfo:
    """Presence and version only. Raises NotPermitted."""
    return read_state(connection, schema, "").info


def read_deployed(connection: Connection, schema: str, project: str | None) -> tuple[DeployedChange, ...]:
    """The deployed changes of `project`, of all projects with None; empty without a registry. Raises NotPermitted."""
    return read_state(connection, schema, project).deployed


def read_events(
    connection: Connection, schema: str, *, project: str | None = None, limit: int | None = None
) -> tuple[RegistryEvent, ...]:
    """Events, newest first. Raises ServerError (42P01 without a registry: look at `read_registry` first)."""
    sql = bind(load("queries/registry_events"), {"schema": schema, "project": project})
    if limit is not None:
        sql += f" LIMIT {int(limit)}"
    try:
        rows = connection.execute(behind_look(sql, Tables(schema, ("events",))))
    except ServerError as error:
        raise reading_refused(error, connection, schema) from None
    return tuple(_event(row) for row in rows)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: of these kinds (all without any), of changes, projects and committers whose names match a regular
    expression (PostgreSQL's), at most `limit` of them after the first `skip`."""

    events: tuple[str, ...] = ()
    change: str | None = None
    project: str | None = None
    committer: str | None = None
    limit: int | None = None
    skip: int = 0
    oldest_first: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it leaves events out."""
        return bool(self.events or self.change or self.project or self.committer or self.skip)


def search_events(connection: Connection, schema: str, wanted: EventFilter) -> tuple[RegistryEvent, ...]:
    """Events that match, newest first unless the filter says otherwise. Raises ServerError (42P01 without a registry),
    NotPermitted, UsageError for what is no regular expression."""
    values = {
        "schema": schema,
        "events": f"{{{','.join(wanted.events)}}}" if wanted.events else None,
        "change": wanted.change,
        "project": wanted.project,
        "committer": wanted.committer,
    }
    sql = bind(load("queries/registry_search"), values)
    sql += f" ORDER BY e.committed_at {'ASC' if wanted.oldest_first else 'DESC'} OFFSET {int(wanted.skip)}"
    if wanted.limit is not None:
        sql += f" LIMIT {int(wanted.limit)}"
    try:
        rows = connection.execute(behind_look(sql, Tables(schema, ("events",))))
    except ServerError as error:
        if error.sqlstate == "2201B":
            raise UsageError(f"That is no regular expression: {error.message}.", now="Nothing was done.") from None
        raise reading_refused(error, connection, schema) from None
    return tuple(_event(row) for row in rows)


def read_reverted(connection: Connection, schema: str, change_ids: Sequence[str]) -> dict[str, str]:
    """When each of these changes was last reverted there (UTC), by change ID. Raises ServerError, NotPermitted."""
    try:
        row = connection.one(f"SELECT pg_catalog.to_regclass({literal(f'{ident(schema)}.events')}) IS NOT NULL")
        if row is None or not row[0]:
            return {}
        sql = (
            "SELECT e.change_id, pg_catalog.to_char(pg_catalog.max(e.committed_at) AT TIME ZONE 'UTC',"
            f' \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') FROM {ident(schema)}.events e'
            f" WHERE e.event = 'revert' AND e.change_id = ANY({text_array(change_ids)}) GROUP BY e.change_id"
        )
        rows = connection.execute(behind_look(sql, Tables(schema, ("events",))))
    except ServerError as error:
        raise reading_refused(error, connection, schema) from None
    return dict(rows)


def _event(row: Row) -> RegistryEvent:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return RegistryEvent(*values)


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return float("inf")
