"""The Sqitch registry: reading it, creating and upgrading it, and the lock that guards it.

What a deploy or revert writes into it is in `rows`, what a dependency means in `dependencies`. Source of facts:
Sqitch 1.3.1 observed at work (registry 1.1); both programs must be able to take turns on one database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.rows import (
    LOCK_KEY,
    deploy_rows_sql,
    fail_event_sql,
    guard_failure,
    holds_lock_sql,
    revert_rows_sql,
    script_hash_fix_sql,
    step_guard_sql,
    tag_rows_sql,
)
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.errors import NotPermitted, ProjectError, Refused

if TYPE_CHECKING:
    from pgmig_tui.project.plan import Change, Plan
    from pgmig_tui.project.project import Operator

__all__ = [
    "LOCK_KEY", "DeployedChange", "DeployedTag", "LockHolder", "RegistryEvent", "RegistryInfo", "RegistryState",
    "create_registry", "deploy_rows_sql", "fail_event_sql", "fix_script_hashes", "guard_failure", "holds_lock_sql",
    "lock_holder", "prepare_registry", "read_deployed", "read_events", "read_registry", "read_state",
    "register_project", "revert_rows_sql", "state_from", "state_sql", "step_guard_sql", "tag_rows_sql", "try_lock",
    "upgrade_registry",
]  # fmt: skip

VERSION = "1.1"
_VERSIONS = ("0", "1.0", "1.1")


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


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The session that holds Sqitch's key. `since` (UTC) and `state` are None where this role may not see them;
    `client` is an address, "" for a local socket."""

    pid: int
    user: str
    application: str
    client: str
    since: str | None
    state: str | None
    host: str | None

    def __str__(self) -> str:
        where = self.host or self.client or "a local connection"
        since = f" since {self.since}" if self.since else ""
        return f"process {self.pid}, user {self.user or '?'}, {self.application or 'no name'}, from {where}{since}"


def state_sql(schema: str, project: str | None) -> str:
    """Reads registry version, changes and tags in one simple query; its last three results go to `state_from`."""
    body = bind(load("queries/registry_state"), {"schema": schema, "project": project})
    return f"DO {literal(body)}; FETCH ALL FROM pgmig_version; FETCH ALL FROM pgmig_changes; FETCH ALL FROM pgmig_tags"


def state_from(schema: str, results: Sequence[Sequence[Row]]) -> RegistryState:
    """The state from the last three results of `state_sql`."""
    version_rows, change_rows, tag_rows = results[-3:]
    version = version_rows[0][0]
    if version is None:
        return RegistryState(RegistryInfo(schema, False, None), ())
    version = version if "." in version or version == "0" else f"{version}.0"
    newer = version not in _VERSIONS and _number(version) > _number(VERSION)
    tags: dict[str, list[DeployedTag]] = {}
    for change_id, tag_id, tag, committed_at in tag_rows:
        tags.setdefault(change_id, []).append(DeployedTag(tag_id, tag, committed_at))
    if not tags:
        deployed = tuple(DeployedChange(*row) for row in change_rows)
    else:
        deployed = tuple(DeployedChange(*(*row, tuple(tags.get(row[0], ())))) for row in change_rows)
    return RegistryState(RegistryInfo(schema, True, version, newer), deployed)


def read_state(connection: Connection, schema: str, project: str | None) -> RegistryState:
    """Registry and deployed changes (of all projects with None), one round trip. Raises NotPermitted."""
    try:
        return state_from(schema, connection.results(state_sql(schema, project)))
    except ServerError as error:
        raise reading_refused(error, schema) from None


def reading_refused(error: ServerError, schema: str) -> ServerError | NotPermitted:
    """`error`, or what to grant when it says that the registry may not be read."""
    if error.sqlstate != "42501":
        return error
    return NotPermitted(
        f"the registry {schema} can't be read: {error.message}",
        do=f"Have its owner run: GRANT USAGE ON SCHEMA {ident(schema)} TO <role>; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {ident(schema)} TO <role>;",
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
        rows = connection.execute(sql)
    except ServerError as error:
        raise reading_refused(error, schema) from None
    return tuple(_event(row) for row in rows)


def create_registry(connection: Connection, schema: str, operator: Operator) -> None:
    """Create the registry, version 1.1, in one transaction; the schema too unless it exists.

    Raises NotPermitted with the GRANT that helps. Call it under the advisory lock only.
    """
    row = connection.one(bind(load("queries/registry_rights"), {"schema": schema}))
    assert row is not None
    exists, may_use, owns, may_create, database, role = row
    if (exists and not may_use) or (not exists and not may_create):
        grant = (
            f"GRANT USAGE, CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
            if exists
            else f"GRANT CREATE ON DATABASE {ident(database)} TO {ident(role)};"
        )
        raise NotPermitted(
            f"role {role} may not create the Sqitch registry in schema {schema}",
            now="Nothing was changed.",
            do=f"Have the owner run: {grant}",
        )
    parts = ["BEGIN", bind(load("registry_create"), {"registry": schema}), _release_sql(schema, VERSION, operator)]
    if not exists:
        parts.insert(1, f"CREATE SCHEMA {ident(schema)}")
    if owns or not exists:
        parts.append(_schema_comment_sql(schema, VERSION))
    _transaction(connection, parts)


def upgrade_registry(connection: Connection, info: RegistryInfo, operator: Operator) -> tuple[str, ...]:
    """Bring an old registry to 1.1, each version in a transaction of its own; the versions passed through.

    Raises Refused for a registry newer than we know, NotPermitted when the role doesn't own it.
    """
    refuse_newer(info)
    if not info.old:
        return ()
    done: list[str] = []
    for version in _VERSIONS[_VERSIONS.index(info.version or "0") + 1 :]:
        try:
            _transaction(
                connection,
                [
                    "BEGIN",
                    bind(load(f"registry_upgrade_{version}"), {"registry": info.schema}),
                    _schema_comment_sql(info.schema, version),
                    _release_sql(info.schema, version, operator),
                ],
            )
        except ServerError as error:
            if error.sqlstate != "42501":
                raise
            raise NotPermitted(
                f"the registry {info.schema} can't be upgraded to {version}: {error.message}",
                now=f"It is at version {done[-1] if done else info.version}.",
                do="Run the deploy once as the owner of its tables.",
            ) from None
        done.append(version)
    return tuple(done)


def refuse_newer(info: RegistryInfo) -> None:
    """Raises Refused for a registry that a newer Sqitch made."""
    if info.newer:
        raise Refused(
            f"the registry {info.schema} has version {info.version}; {VERSION} is the newest that this program knows",
            now="Nothing was changed.",
            do="Use a newer pgmig-tui.",
        )


def register_project(connection: Connection, schema: str, plan: Plan, operator: Operator) -> None:
    """Make sure of the project's row. Raises ProjectError when its URI and the registered one differ."""
    name, uri = plan.project, plan.uri
    rows = connection.execute(
        f"SELECT project, uri FROM {ident(schema)}.projects WHERE project = {literal(name)} OR uri = {literal(uri)}"
    )
    for found, registered in rows:
        if found == name and registered == uri:
            return
        if found == name:
            ours = f'with URI "{uri}"' if uri is not None else "without URI"
            theirs = f'with URI "{registered}"' if registered is not None else "without URI"
            raise ProjectError(
                f'cannot register project "{name}" {ours}: it is registered {theirs}',
                now="Nothing was deployed.",
                do="Make %uri in the plan equal to the registered one.",
            )
    if rows:
        raise ProjectError(
            f'cannot register project "{name}" with URI "{uri}": project "{rows[0][0]}" already uses that URI',
            now="Nothing was deployed.",
            do="Give the plan a %uri of its own.",
        )
    values = ", ".join(literal(value) for value in (name, uri, operator.name, operator.email))
    connection.execute(
        f"INSERT INTO {ident(schema)}.projects (project, uri, creator_name, creator_email, created_at)"
        f" VALUES ({values}, pg_catalog.clock_timestamp())"
    )


def prepare_registry(
    connection: Connection, schema: str, plan: Plan, operator: Operator, state: RegistryState
) -> tuple[str, ...]:
    """What a deploy does to the registry before its first step: create, upgrade, register. Returns what was done.

    `connection` must hold the advisory lock. Raises NotPermitted, Refused, ProjectError, ServerError.
    """
    refuse_newer(state.info)
    done: list[str] = []
    if not state.info.present:
        create_registry(connection, schema, operator)
        done.append(f"created the registry in schema {schema}")
    elif state.info.old:
        done += [
            f"upgraded the registry to {version}" for version in upgrade_registry(connection, state.info, operator)
        ]
    if not any(change.project == plan.project for change in state.deployed):
        register_project(connection, schema, plan, operator)
    return tuple(done)


def fix_script_hashes(
    connection: Connection,
    schema: str,
    plan: Plan,
    deployed: Sequence[DeployedChange],
    script_hash: Callable[[Change], str | None],
) -> int:
    """After an upgrade from version 0: put real script hashes where the upgrade left change IDs; NULL for unknown ones.

    Returns how many rows needed it. `script_hash` gives a planned change's file hash.
    """
    stale = [change for change in deployed if change.project == plan.project and change.script_hash == change.change_id]
    if stale:
        planned = ((change.change_id, plan.by_id.get(change.change_id)) for change in stale)
        hashes = {change_id: script_hash(change) if change else None for change_id, change in planned}
        _transaction(connection, ["BEGIN", script_hash_fix_sql(schema, hashes)])
    return len(stale)


def try_lock(connection: Connection) -> bool:
    """Try Sqitch's advisory key, without waiting: a waiting session holds a snapshot that stalls CREATE INDEX
    CONCURRENTLY elsewhere. The key lives as long as the session."""
    row = connection.one(f"SELECT pg_catalog.pg_try_advisory_lock({LOCK_KEY})")
    return bool(row and row[0])


def lock_holder(connection: Connection) -> LockHolder | None:
    """Who holds the key in this database now, None when nobody does."""
    row = connection.one(load("queries/lock_holder"))
    return LockHolder(*row) if row else None


def _event(row: Row) -> RegistryEvent:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return RegistryEvent(*values)


def _transaction(connection: Connection, parts: Sequence[str]) -> None:
    try:
        connection.execute(";\n".join([part.rstrip().rstrip(";") for part in parts] + ["COMMIT"]))
    except ServerError:
        connection.execute("ROLLBACK")
        raise


def _schema_comment_sql(schema: str, version: str) -> str:
    return f"COMMENT ON SCHEMA {ident(schema)} IS 'Sqitch database deployment metadata v{version}.'"


def _release_sql(schema: str, version: str, operator: Operator) -> str:
    return (
        f"INSERT INTO {ident(schema)}.releases (version, installed_at, installer_name, installer_email)"
        f" VALUES ({version}, pg_catalog.clock_timestamp(), {literal(operator.name)}, {literal(operator.email)})"
    )


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return float("inf")
