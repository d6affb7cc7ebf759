"""Tables, keys, indexes and constraints as they are made."""

from __future__ import annotations

from typing import Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.rule import Rule, rule
from pgmig_tui.lint.state import (
    Hit,
    Hits,
    LintState,
    commands,
    constraint_kind,
    constraints_of,
    is_temporary,
    relation_name,
)

_WIDE = 3

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "table-without-key", "warning", "a table without a primary key",
        "Rows can't be told apart: logical replication refuses UPDATE and DELETE, and batches have nothing to go by.",
        "Add a primary key.", "CREATE TABLE app.t (c text);", "CREATE TABLE app.t (id bigint PRIMARY KEY, c text);",
    ),
    rule(
        "if-not-exists-index", "warning", "CREATE INDEX CONCURRENTLY IF NOT EXISTS",
        "A failed CONCURRENTLY leaves an INVALID index. IF NOT EXISTS takes it for done: it costs every write and"
        " serves no query.",
        "Leave IF NOT EXISTS out, and drop the index first: DROP INDEX CONCURRENTLY IF EXISTS.",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (c);", "CREATE INDEX CONCURRENTLY i ON app.t (c);",
    ),
    rule(
        "if-not-exists", "info", "CREATE … IF NOT EXISTS",
        "Whatever has this name is taken for what the script means, be it of other columns; the revert then drops what"
        " the change hasn't made.",
        "Leave it out: inside one transaction nothing is left over that would be in the way.",
        "CREATE TABLE IF NOT EXISTS app.t (id bigint PRIMARY KEY);", "CREATE TABLE app.t (id bigint PRIMARY KEY);",
    ),
    rule(
        "index-without-name", "info", "an index or constraint that the server names",
        "The revert script has to guess the name, which is another one where the name is taken.",
        "Give it a name.", "CREATE INDEX CONCURRENTLY ON app.t (c);", "CREATE INDEX CONCURRENTLY i ON app.t (c);",
    ),
    rule(
        "index-wide", "info", "an index over more than three columns",
        "It is large, slows every write, and only queries that compare its first columns use it.",
        "Index the columns that tell rows apart; INCLUDE the ones that are only read.",
        "CREATE INDEX CONCURRENTLY i ON app.t (a, b, c, d);",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON app.t (a, b, c, d);",
    ),
    rule(
        "fk-without-index", "warning", "a foreign key whose columns have no index",
        "Every DELETE and key UPDATE of the table that is referred to reads this table from its beginning to its end.",
        "Create an index that begins with these columns, in the same change.",
        "CREATE TABLE app.t (id bigint PRIMARY KEY, u_id bigint REFERENCES app.u (id));",
        "CREATE TABLE app.t (id bigint PRIMARY KEY, u_id bigint REFERENCES app.u (id));\nCREATE INDEX i ON"
        " app.t (u_id);",
    ),
    rule(
        "key-from-nullable", "warning", "a primary key from an index whose columns may be NULL",
        "ADD PRIMARY KEY USING INDEX sets them NOT NULL, which reads the whole table while nobody may use it.",
        "Add a CHECK (c IS NOT NULL) NOT VALID, validate it, SET NOT NULL, and then take the index.",
        "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING INDEX i;",
        "ALTER TABLE app.t ALTER COLUMN id SET NOT NULL;\nALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING"
        " INDEX i;",
    ),
    rule(
        "exclusion-constraint", "warning", "an exclusion constraint on a table that is in use",
        "Its index is built while nobody reads or writes; there is neither NOT VALID nor CONCURRENTLY for it.",
        "Do it in a maintenance window, or make a new table with the constraint and move the rows.",
        "ALTER TABLE app.t ADD CONSTRAINT k EXCLUDE USING gist (during WITH &&);",
        "CREATE TABLE app.t (id bigint PRIMARY KEY, during tstzrange, EXCLUDE USING gist (during WITH &&));",
    ),
    rule(
        "enum-order", "info", "an enum value without its place",
        "It is sorted behind all others, and its place can't be changed later, nor can it be dropped.",
        "Say BEFORE or AFTER which value.", "ALTER TYPE app.e ADD VALUE 'b';",
        "ALTER TYPE app.e ADD VALUE 'b' AFTER 'a';",
    ),
    rule(
        "unlogged-table", "warning", "an unlogged table",
        "After a crash it is empty, and replicas never have its rows.",
        "Leave UNLOGGED out, unless the rows can be made again at any time.",
        "CREATE UNLOGGED TABLE app.t (id bigint PRIMARY KEY);", "CREATE TABLE app.t (id bigint PRIMARY KEY);",
    ),
    rule(
        "column-twice", "error", "a column that is named twice",
        "The server refuses the statement.", "Name it once.",
        "UPDATE app.t SET c = 1, c = 2 WHERE id = 3;", "UPDATE app.t SET c = 1, d = 2 WHERE id = 3;",
    ),
    rule(
        "domain-constraint", "info", "a domain with a CHECK",
        "To change it later, every table with a column of the domain is read under a lock.",
        "Put the CHECK on the columns, where NOT VALID and VALIDATE can be had one after the other.",
        "CREATE DOMAIN app.d AS int CHECK (VALUE > 0);", "CREATE DOMAIN app.d AS int;",
    ),
)  # fmt: skip


def _create(node: Node, state: LintState) -> Hits:
    name = relation_name(node.relation)
    if node.if_not_exists:
        yield Hit("if-not-exists", f"a table {name} of any form is taken for this one")
    if node.relation.relpersistence == "u":
        yield Hit("unlogged-table", f"{name} is empty after a crash")
    own = node.table_elts and not (node.inh_relations or node.HasField("partbound") or node.HasField("of_typename"))
    like = any(one.WhichOneof("node") == "table_like_clause" for one in node.table_elts)
    keyed = any(constraint_kind(one) == "PRIMARY" for one, _ in constraints_of(node))
    if own and not like and not keyed and not is_temporary(node.relation) and f"{name} key" not in state.later:
        yield Hit("table-without-key", f"{name} has no primary key")
    yield from _twice([one.column_def.colname for one in node.table_elts if one.WhichOneof("node") == "column_def"])
    if not is_temporary(node.relation):
        for constraint, column in constraints_of(node):
            if constraint_kind(constraint) == "FOREIGN":
                keys = [column] if column else nodes.strings(constraint.fk_attrs)
                if not _indexed(name, keys, node, state):
                    yield _no_index(name, keys, constraint.location)


def _no_index(table: str, keys: list[str], at: int) -> Hit:
    return Hit("fk-without-index", f"no index of {table} in this script begins with {', '.join(keys)}", at)


def _indexed(table: str, keys: list[str], node: Node | None, state: LintState) -> bool:
    """Whether a key of the table itself, or an index anywhere in the script, begins with these columns."""
    leading = [list(one) for one in state.indexes.get(table, ())]
    for constraint, column in constraints_of(node) if node is not None else ():
        if constraint_kind(constraint) in ("PRIMARY", "UNIQUE"):
            leading.append([column] if column else nodes.strings(constraint.keys))
    return any(sorted(one[: len(keys)]) == sorted(keys) for one in leading)


def _alter(node: Node, state: LintState) -> Hits:
    table = relation_name(node.relation)
    added: set[str] = set()
    for kind, command in commands(node):
        definition = nodes.definition(command) if command.HasField("def") else None
        if kind == "AddColumn" and definition is not None:
            if command.missing_ok:
                yield Hit("if-not-exists", f"a column {definition.colname} of any type is taken for this one")
            added.add(definition.colname)
            for one in definition.constraints:
                column = definition.colname
                if constraint_kind(one.constraint) == "FOREIGN" and not _indexed(table, [column], None, state):
                    yield _no_index(table, [column], one.constraint.location)
        elif kind == "SetNotNull":
            added.add(f"{command.name} not null")
        elif kind == "AddConstraint" and definition is not None:
            yield from _constraint(definition, table, state, any(one.endswith(" not null") for one in added))
            if constraint_kind(definition) == "FOREIGN":
                keys = nodes.strings(definition.fk_attrs)
                fresh = state.new(table) or all(f"{table}.{one}" in state.made_columns or one in added for one in keys)
                if fresh and not _indexed(table, keys, None, state):
                    yield _no_index(table, keys, definition.location)


def _constraint(definition: Node, table: str, state: LintState, not_null: bool) -> Hits:
    kind = constraint_kind(definition)
    if not definition.conname and kind in ("CHECK", "UNIQUE", "FOREIGN", "EXCLUSION"):
        yield Hit("index-without-name", f"the server chooses the name of a constraint of {table}", definition.location)
    if state.new(table):
        return
    if kind == "EXCLUSION":
        yield Hit(
            "exclusion-constraint", f"nobody reads or writes {table} while its index is built", definition.location
        )
    if kind == "PRIMARY" and definition.indexname and not not_null and table not in state.not_null:
        reason = f"no column of {table} was set NOT NULL in this script: the whole table may be read"
        yield Hit("key-from-nullable", reason, definition.location)


def _index(node: Node, state: LintState) -> Hits:
    table = relation_name(node.relation)
    if node.if_not_exists and node.concurrent:
        yield Hit("if-not-exists-index", f"an INVALID {node.idxname or 'index'} of {table} is taken for done")
    elif node.if_not_exists:
        yield Hit("if-not-exists", f"an index {node.idxname} of any columns is taken for this one")
    if not node.idxname:
        yield Hit("index-without-name", f"the server chooses the name of an index of {table}")
    if not node.unique and node.access_method in ("", "btree") and len(node.index_params) > _WIDE:
        yield Hit("index-wide", f"the index has {len(node.index_params)} columns")


def _enum(node: Node, state: LintState) -> Hits:
    if node.new_val and not node.old_val and not node.new_val_neighbor:
        yield Hit("enum-order", f"'{node.new_val}' is sorted behind all other values")


def _sequence(node: Node, state: LintState) -> Hits:
    if node.if_not_exists:
        yield Hit("if-not-exists", f"any sequence {relation_name(node.sequence)} is taken for this one")


def _table_as(node: Node, state: LintState) -> Hits:
    if node.if_not_exists:
        yield Hit("if-not-exists", f"any relation {relation_name(node.into.rel)} is taken for this one")


def _domain(node: Node, state: LintState) -> Hits:
    if any(constraint_kind(one.constraint) == "CHECK" for one in node.constraints):
        yield Hit("domain-constraint", f"the domain {'.'.join(nodes.strings(node.domainname))} has a CHECK")


def _update(node: Node, state: LintState) -> Hits:
    yield from _twice([one.res_target.name for one in node.target_list if not one.res_target.indirection])


def _insert(node: Node, state: LintState) -> Hits:
    yield from _twice([one.res_target.name for one in node.cols if not one.res_target.indirection])


def _twice(names: list[str]) -> Hits:
    if len(names) != len(set(names)):
        double = next(name for number, name in enumerate(names) if name in names[:number])
        yield Hit("column-twice", f"the column {double} is named twice")


CHECKS = {
    "CreateStmt": _create, "AlterTableStmt": _alter, "IndexStmt": _index, "AlterEnumStmt": _enum,
    "CreateSeqStmt": _sequence, "CreateTableAsStmt": _table_as, "CreateDomainStmt": _domain, "UpdateStmt": _update,
    "InsertStmt": _insert,
}  # fmt: skip
