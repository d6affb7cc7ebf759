"""The Sqitch registry: creating and upgrading it, and the lock that guards it.

What it says is read in `deployed`, what a deploy or revert writes into it is in `rows`, what a dependency means in
`dependencies`. Source of facts:
Sqitch 1.3.1 observed at work (registry 1.1); both programs must be able to take turns on one database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.deployed import (
    VERSION,
    VERSIONS,
    DeployedChange,
    DeployedTag,
    RegistryEvent,
    RegistryInfo,
    RegistryState,
    read_deployed,
    read_events,
    read_registry,
    read_state,
)
from pgmig_tui.database.holder import LockHolder, lock_holder
from pgmig_tui.database.own_tables import Tables, behind_look, guarded, look_sql, registry_tables
from pgmig_tui.database.rows import (
    LOCK_KEY,
    deploy_rows_sql,
    fail_event_sql,
    guard_failure,
    holds_lock_sql,
    lock_sql,
    record_sql,
    revert_rows_sql,
    step_guard_sql,
    tag_rows_sql,
)
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.errors import NotPermitted, ProjectError, Refused

if TYPE_CHECKING:
    from pgmig_tui.project.plan import Plan
    from pgmig_tui.project.project import Operator
    from pgmig_tui.project.targets import Target

__all__ = [
    "LOCK_KEY", "DeployedChange", "DeployedTag", "LockHolder", "RegistryEvent", "RegistryInfo", "RegistryState",
    "create_registry", "deploy_rows_sql", "fail_event_sql", "guard_failure", "holds_lock_sql",
    "lock_holder", "prepare_registry", "read_deployed", "read_events", "read_registry", "read_state", "record_sql",
    "refuse_foreign", "register_project", "revert_rows_sql", "step_guard_sql", "tag_rows_sql", "try_lock",
    "upgrade_registry",
]  # fmt: skip


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
    for version in VERSIONS[VERSIONS.index(info.version or "0") + 1 :]:
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


def refuse_absent(info: RegistryInfo, target: Target) -> None:
    """Raises ProjectError where the target has no registry."""
    if not info.present:
        raise ProjectError(
            f"there is no registry in {target.display}: nothing was ever deployed there", now="Nothing was changed."
        )


def register_project(connection: Connection, schema: str, plan: Plan, operator: Operator) -> None:
    """Make sure of the project's row. Raises ProjectError when its URI and the registered one differ."""
    name, uri = plan.project, plan.uri
    wanted = f"project = {literal(name)} OR uri = {literal(uri)}"
    sql = f"SELECT project, uri FROM {ident(schema)}.projects WHERE {wanted}"
    rows = connection.execute(behind_look(sql, Tables(schema, ("projects",))))
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
    inserted = (
        f"INSERT INTO {ident(schema)}.projects (project, uri, creator_name, creator_email, created_at)"
        f" VALUES ({values}, pg_catalog.clock_timestamp())"
    )
    connection.execute(guarded(inserted, registry_tables(schema)))


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


def refuse_foreign(connection: Connection, schema: str) -> None:
    """Raises Refused where a registry is there that would run code of others, with what was found."""
    connection.execute(look_sql(registry_tables(schema)))


def try_lock(connection: Connection) -> bool:
    """Try Sqitch's advisory key, without waiting: a waiting session holds a snapshot that stalls CREATE INDEX
    CONCURRENTLY elsewhere. The key lives as long as the session."""
    row = connection.one(lock_sql())
    return bool(row and row[0])


def take_lock(connection: Connection) -> None:
    """Take Sqitch's advisory key now. Raises Refused, naming who holds it."""
    if not try_lock(connection):
        raise Refused(
            f"another run works on this database: {lock_holder(connection) or 'it has just ended'}",
            now="Nothing was changed.",
            do="Wait for it to end.",
        )


def _transaction(connection: Connection, parts: Sequence[str]) -> None:
    try:
        connection.execute(";\n".join([part.rstrip().rstrip(";") for part in parts] + ["COMMIT"]))
    except (ServerError, Refused):
        connection.execute("ROLLBACK")
        raise


def _schema_comment_sql(schema: str, version: str) -> str:
    return f"COMMENT ON SCHEMA {ident(schema)} IS 'Sqitch database deployment metadata v{version}.'"


def _release_sql(schema: str, version: str, operator: Operator) -> str:
    return guarded(
        f"INSERT INTO {ident(schema)}.releases (version, installed_at, installer_name, installer_email)"
        f" VALUES ({version}, pg_catalog.clock_timestamp(), {literal(operator.name)}, {literal(operator.email)})",
        registry_tables(schema),
    )
