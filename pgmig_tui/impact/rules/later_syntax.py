"""Statements that only later versions of PostgreSQL know: the parser has the newest grammar, the server may not.

Source: the appendix "Release Notes" and gram.y of each version; tests/impact/test_later_syntax.py asks the servers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal

NEWEST = 18
"""The version whose grammar the parser has."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a part of a statement is called, the version that knows it first, and how it is told in the tree;
    `sqlstate` is what the versions before answer."""

    since: int
    words: str
    is_it: Callable[[Node], bool] = bool
    sqlstate: str = "42601"


def _has(field: str) -> Callable[[Node], bool]:
    return lambda node: nodes.has(node, field)


def _set(field: str) -> Callable[[Node], bool]:
    return lambda node: bool(getattr(node, field))


def _is(field: str, enum: str, *values: str) -> Callable[[Node], bool]:
    return lambda node: nodes.enum_name(enum, getattr(node, field)) in values


def _says(options: str, name: str) -> Callable[[Node], bool]:
    return lambda node: any(item.def_elem.defname.lower() == name for item in getattr(node, options))


def _not_enforced(node: Node) -> bool:
    kind = nodes.enum_name("ConstrType", node.contype)
    unenforced = kind in {"CONSTR_CHECK", "CONSTR_FOREIGN"} and not node.is_enforced
    return unenforced or kind == "CONSTR_ATTR_NOT_ENFORCED"


def _of_columns(node: Node) -> bool:
    return bool(node.pubtable.columns) or nodes.has(node.pubtable, "where_clause")


_BY_SOURCE = "MERGE_WHEN_NOT_MATCHED_BY_SOURCE"
_OF_SCHEMA = ("PUBLICATIONOBJ_TABLES_IN_SCHEMA", "PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA")
LATER: dict[str, tuple[Later, ...]] = {
    "AlterDatabaseRefreshCollStmt": (Later(15, "REFRESH COLLATION VERSION of a database"),),
    "AlterSubscriptionStmt": (
        Later(14, "ADD and DROP PUBLICATION", _is("kind", "AlterSubscriptionType", "ALTER_SUBSCRIPTION_ADD_PUBLICATION",
                                                  "ALTER_SUBSCRIPTION_DROP_PUBLICATION")),
        Later(15, "ALTER SUBSCRIPTION … SKIP", _is("kind", "AlterSubscriptionType", "ALTER_SUBSCRIPTION_SKIP")),
    ),
    "AlterTableCmd": (
        Later(14, "DETACH PARTITION … FINALIZE", _is("subtype", "AlterTableType", "AT_DetachPartitionFinalize")),
        Later(14, "SET COMPRESSION", _is("subtype", "AlterTableType", "AT_SetCompression")),
        Later(15, "SET ACCESS METHOD", _is("subtype", "AlterTableType", "AT_SetAccessMethod")),
        Later(17, "SET EXPRESSION", _is("subtype", "AlterTableType", "AT_SetExpression")),
    ),
    "ColumnDef": (
        Later(14, "COMPRESSION of a column", _set("compression")),
        Later(16, "STORAGE in CREATE TABLE", _set("storage_name")),
    ),
    "CommonTableExpr": (
        Later(14, "SEARCH in a WITH", _has("search_clause")),
        Later(14, "CYCLE in a WITH", _has("cycle_clause")),
    ),
    "Constraint": (
        Later(15, "NULLS NOT DISTINCT", _set("nulls_not_distinct")),
        Later(15, "ON DELETE SET … of some columns", _set("fk_del_set_cols")),
        Later(18, "a virtual generated column", lambda node: node.generated_kind == "v"),
        Later(18, "WITHOUT OVERLAPS", _set("without_overlaps")),
        Later(18, "a foreign key with PERIOD", _set("fk_with_period")),
        Later(18, "NOT ENFORCED", _not_enforced),
        Later(18, "a constraint NOT NULL of a table",
              lambda node: nodes.enum_name("ConstrType", node.contype) == "CONSTR_NOTNULL" and bool(node.keys)),
    ),
    "CopyStmt": (
        Later(16, "the option DEFAULT of COPY", _says("options", "default")),
        Later(17, "the option ON_ERROR of COPY", _says("options", "on_error")),
        Later(17, "the option LOG_VERBOSITY of COPY", _says("options", "log_verbosity")),
        Later(18, "the option REJECT_LIMIT of COPY", _says("options", "reject_limit")),
    ),
    "CreateFunctionStmt": (Later(14, "a body in SQL's own form (RETURN, BEGIN ATOMIC)", _has("sql_body")),),
    "CreateStatsStmt": (Later(16, "CREATE STATISTICS without a name", lambda node: not node.defnames),),
    "CreateTrigStmt": (Later(14, "CREATE OR REPLACE TRIGGER", _set("replace")),),
    "ExplainStmt": (
        Later(16, "EXPLAIN (GENERIC_PLAN)", _says("options", "generic_plan")),
        Later(17, "EXPLAIN (MEMORY)", _says("options", "memory")),
        Later(17, "EXPLAIN (SERIALIZE)", _says("options", "serialize")),
    ),
    "GrantRoleStmt": (
        Later(16, "WITH INHERIT and WITH SET of a granted role",
              lambda node: _says("opt", "inherit")(node) or _says("opt", "set")(node)),
    ),
    "GrantStmt": (Later(15, "privileges on parameters", _is("objtype", "ObjectType", "OBJECT_PARAMETER_ACL")),),
    "IndexStmt": (Later(15, "NULLS NOT DISTINCT", _set("nulls_not_distinct")),),
    "JoinExpr": (Later(14, "an alias of JOIN … USING", _has("join_using_alias")),),
    "JsonIsPredicate": (Later(16, "IS JSON"),),
    "JsonTable": (Later(17, "JSON_TABLE"),),
    "MergeStmt": (
        Later(15, "MERGE"),
        Later(17, "MERGE … RETURNING", _has("returning_clause")),
    ),
    "MergeWhenClause": (
        Later(17, "WHEN NOT MATCHED BY SOURCE", _is("match_kind", "MergeMatchKind", _BY_SOURCE)),
    ),
    "PartitionCmd": (Later(14, "DETACH PARTITION … CONCURRENTLY", _set("concurrent")),),
    "PublicationObjSpec": (
        Later(15, "a publication of some columns or rows", _of_columns),
        Later(15, "FOR TABLES IN SCHEMA", _is("pubobjtype", "PublicationObjSpecType", *_OF_SCHEMA)),
    ),
    "RangeSubselect": (Later(16, "a subquery in FROM without an alias", lambda node: not nodes.has(node, "alias")),),
    "ReindexStmt": (Later(14, "REINDEX (TABLESPACE)", _says("params", "tablespace")),),
    "ReturningClause": (Later(18, "RETURNING WITH", _set("options")),),
    "SelectStmt": (Later(14, "GROUP BY DISTINCT", _set("group_distinct")),),
    "StatsElem": (Later(14, "statistics of an expression", _has("expr"), "0A000"),),
    "VacuumRelation": (Later(18, "VACUUM and ANALYZE of ONLY a table", lambda node: not node.relation.inh),),
    "VacuumStmt": (
        Later(14, "VACUUM (PROCESS_TOAST)", _says("options", "process_toast")),
        Later(16, "VACUUM (PROCESS_MAIN)", _says("options", "process_main")),
        Later(16, "VACUUM (SKIP_DATABASE_STATS)", _says("options", "skip_database_stats")),
        Later(16, "VACUUM (ONLY_DATABASE_STATS)", _says("options", "only_database_stats")),
        Later(16, "BUFFER_USAGE_LIMIT", _says("options", "buffer_usage_limit")),
    ),
}  # fmt: skip
"""By the message of the grammar that has it."""


def later_syntax(node: Node, major: int) -> Refusal | None:
    """Why a server of that version can't read a statement; None where it can."""
    for inner in nodes.walk(node):
        for one in LATER.get(type(inner).__name__, ()):
            if one.since > major and one.is_it(inner):
                why = f"PostgreSQL {major} doesn't know {one.words}: that is there since {one.since}"
                return Refusal(why, one.sqlstate)
    return None
