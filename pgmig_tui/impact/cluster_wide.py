"""Which statements change what all databases of a server share, or another database: what no copy keeps to itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node, enum_name, functions_in, kind

if TYPE_CHECKING:
    from pgmig_tui.script.statement import Statement

_SHARED: Final = ("ROLE", "DATABASE", "TABLESPACE", "SUBSCRIPTION")
_KINDS: Final = {
    "CreateRoleStmt": "CREATE ROLE", "AlterRoleStmt": "ALTER ROLE", "AlterRoleSetStmt": "ALTER ROLE",
    "DropRoleStmt": "DROP ROLE", "GrantRoleStmt": "GRANT of a role", "ReassignOwnedStmt": "REASSIGN OWNED",
    "DropOwnedStmt": "DROP OWNED", "CreatedbStmt": "CREATE DATABASE", "AlterDatabaseStmt": "ALTER DATABASE",
    "AlterDatabaseSetStmt": "ALTER DATABASE", "AlterDatabaseRefreshCollStmt": "ALTER DATABASE",
    "DropdbStmt": "DROP DATABASE", "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "AlterTableSpaceOptionsStmt": "ALTER TABLESPACE", "DropTableSpaceStmt": "DROP TABLESPACE",
    "AlterSystemStmt": "ALTER SYSTEM", "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
    "AlterSubscriptionStmt": "ALTER SUBSCRIPTION", "DropSubscriptionStmt": "DROP SUBSCRIPTION",
    "CreateUserMappingStmt": "CREATE USER MAPPING", "AlterUserMappingStmt": "ALTER USER MAPPING",
}  # fmt: skip
"""A user mapping is the database's own, but leads to another server."""
_FUNCTIONS: Final = (
    r"dblink(?:_\w+)?|pg_(?:create|copy)_(?:physical|logical)_replication_slot|pg_drop_replication_slot"
    r"|pg_copy_(?:physical|logical)_replication_slot|pg_replication_slot_advance|pg_sync_replication_slots"
    r"|pg_replication_origin_\w+|pg_reload_conf|pg_rotate_logfile|pg_switch_wal|pg_create_restore_point"
    r"|pg_(?:backup_start|backup_stop|start_backup|stop_backup|promote|wal_replay_pause|wal_replay_resume)"
    r"|pg_(?:terminate|cancel)_backend|pg_stat_reset_\w+|pg_stat_statements_reset|schedule_in_database"
)
_FUNCTION = re.compile(_FUNCTIONS, re.IGNORECASE).fullmatch
_CALL = re.compile(rf"\b(?:{_FUNCTIONS})\s*\(", re.IGNORECASE).search
_SUSPECT = re.compile(
    rf"\b(?:ROLE|USER|GROUP|DATABASE|TABLESPACE|SUBSCRIPTION|OWNED|SYSTEM|GRANT|REVOKE|{_FUNCTIONS})\b", re.IGNORECASE
).search
_WORDS = re.compile(
    r"\b(?:CREATE|ALTER|DROP|REASSIGN|ON)\s+(?:ROLE|USER|GROUP|DATABASE|TABLESPACE|SUBSCRIPTION|OWNED|SYSTEM)\b"
    r"|\b(?:GRANT|REVOKE)\b(?![^;]*?\bON\b)",
    re.IGNORECASE,
).search
"""In a body, or in a text that is made on the way: GRANT without ON gives a role."""
_MADE = re.compile(r"\bEXECUTE\b", re.IGNORECASE).search
_SHARED_WORD = re.compile(r"\b(?:ROLE|DATABASE|TABLESPACE|SUBSCRIPTION)\b", re.IGNORECASE).search
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def cluster_wide(statement: Statement) -> str:
    """What a statement may change beyond its database, in words; "" for nothing that its text shows.

    Of a body, and of a text that is executed, the words are looked at, whatever puts them together: what looks so and
    isn't is named, too. A function that is there already isn't looked into.
    """
    text = statement.text
    if not _SUSPECT(text):
        return ""
    made = statement.then == "gexec"
    if not statement.nodes or made or any(_has_body(nodes.statement(tree)) for tree in statement.nodes):
        return _in_words(text, made=made)
    return next((what for tree in statement.nodes if (what := _of(nodes.statement(tree)))), "")


def _has_body(node: Node) -> bool:
    return kind(node) in ("DoStmt", "CreateFunctionStmt")


def _in_words(text: str, *, made: bool) -> str:
    bare = _COMMENT.sub(" ", text)
    found = _WORDS(bare) or _CALL(bare) or (_SHARED_WORD(bare) if made or _MADE(bare) else None)
    return " ".join(found[0].split())[:40] if found is not None else ""


def _of(node: Node) -> str:
    what = kind(node)
    if what in _KINDS:
        return _KINDS[what]
    shared = ""
    if what in ("RenameStmt", "CommentStmt", "SecLabelStmt", "AlterOwnerStmt", "GrantStmt"):
        field = {"RenameStmt": "rename_type", "AlterOwnerStmt": "object_type"}.get(what, "objtype")
        shared = enum_name("ObjectType", getattr(node, field)).removeprefix("OBJECT_")
    if shared in (*_SHARED, "PARAMETER_ACL"):
        return f"{'GRANT on' if what == 'GrantStmt' else 'it changes'} a {shared.replace('_ACL', '').lower()}"
    named = sorted({name[-1].lower() for name, _ in functions_in(node) if name and _FUNCTION(name[-1])})
    return f"{', '.join(named)}()" if named else ""
