"""Columns that a query names and that nothing in its FROM has (42703, 42P01), at any depth.

Each SELECT is a scope inside the one around it, as parse_relation.c (colNameToVar, scanNameSpaceForRefname) looks names
up. Nothing is said where a name may come from something whose columns aren't known: a function, a part of WITH without
names, a table that nobody has asked for; nor of the names of variables in the code around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from pgmig_tui.impact import nodes
from pgmig_tui.impact.casts import assignable
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.expressions import LITERAL, kind_of, no_operator
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
_TRIGGERED = frozenset({"new", "old"})
_SUBQUERIES = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_INHERITABLE = "rpvmfc"

Columns = Mapping[str, str] | None
"""The columns of something in FROM with their types ("" = not one of pg_catalog, or not known); None where they aren't
known."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Something in FROM: what it is called by, and for people."""

    called: str
    columns: Columns
    told: str = ""


@dataclass(slots=True)
class _Scope:
    """Where names are looked for: the sources of one query, what its list gives names to, and the query around;
    `merged` are columns that USING and NATURAL make one of two."""

    sources: list[_Source] = field(default_factory=list)
    around: _Scope | None = None
    given: frozenset[str] = frozenset()
    merged: set[str] = field(default_factory=set)

    def chain(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.around


def missing_columns(node: Node, scene: Scene, out: Effect) -> None:
    """Look at a whole statement."""
    if not scene.catalog.live or scene.variables is None or scene.catalog.session.lost:
        return
    _Names(scene, out, scene.variables).statement(node, None, {})


class _Names:
    """The look-up in one statement."""

    def __init__(self, scene: Scene, out: Effect, variables: frozenset[str]) -> None:
        self.scene, self.out, self.variables = scene, out, variables

    # -- statements -----------------------------------------------------------------------------------------------

    def statement(self, node: Node, around: _Scope | None, parts: Mapping[str, Columns]) -> Columns:
        """Look at a query or a writing statement; the columns that it gives."""
        kind = nodes.kind(node)
        if kind not in _SUBQUERIES:
            return None
        parts = self._with(node, around, parts)
        if kind == "SelectStmt":
            return self._select(node, around, parts)
        scope = _Scope([self._table(node.relation, parts)], around)
        if kind == "InsertStmt":
            self._insert(node, scope, around, parts)
        elif kind == "UpdateStmt":
            self._from(node.from_clause, scope, parts)
            for item in node.target_list:
                self._assign(item.res_target, scope.sources[0], scope)
            self._look([*(item.res_target.val for item in node.target_list), node.where_clause], scope, parts)
        elif kind == "DeleteStmt":
            self._from(node.using_clause, scope, parts)
            self._look([node.where_clause], scope, parts)
        else:
            self._from([node.source_relation], scope, parts)
            self._look([node.join_condition], scope, parts)
            return None
        if kind != "MergeStmt" and not any(one.called in _TRIGGERED for one in scope.sources):
            returning = _Scope([*scope.sources, _Source("old", None), _Source("new", None)], around)
            self._look([item.res_target.val for item in _returned(node)], returning, parts, plain=scope)
        return None

    def _with(self, node: Node, around: _Scope | None, parts: Mapping[str, Columns]) -> Mapping[str, Columns]:
        if not nodes.has(node, "with_clause"):
            return parts
        known = dict(parts)
        expressions = [item.common_table_expr for item in node.with_clause.ctes]
        if node.with_clause.recursive:
            known |= dict.fromkeys((one.ctename for one in expressions), None)
        for one in expressions:
            given = self.statement(nodes.statement(one.ctequery), around, known)
            if one.aliascolnames or node.with_clause.recursive:
                given = None
            known[one.ctename] = given
        return known

    def _insert(self, node: Node, scope: _Scope, around: _Scope | None, parts: Mapping[str, Columns]) -> None:
        if nodes.has(node, "select_stmt"):
            given = self.statement(nodes.statement(node.select_stmt), around, parts)
            self._fill(node, scope.sources[0])
            wanted = scope.sources[0].columns or {}
            names = [item.res_target.name for item in node.cols] or list(wanted)
            listed = nodes.statement(node.select_stmt).target_list
            if given is not None and len(given) == len(listed) <= len(names):  # else two of one name are one
                for name, kind in zip(names, given.values(), strict=False):
                    self._fits(scope.sources[0], name, wanted.get(name, ""), kind)
        if nodes.has(node, "on_conflict_clause"):
            clause = node.on_conflict_clause
            target = scope.sources[0]
            excluded = _Scope([target, _Source("excluded", target.columns, target.told)], around)
            values = [item.res_target.val for item in clause.target_list]
            self._look([*values, clause.where_clause], excluded, parts, plain=scope)

    def _select(self, node: Node, around: _Scope | None, parts: Mapping[str, Columns]) -> Columns:
        if nodes.has(node, "larg"):
            given = self.statement(node.larg, around, parts)
            self.statement(node.rarg, around, parts)
            return given
        scope = _Scope([], around)
        for row in node.values_lists:
            self._look(row.list.items, scope, parts)
        if node.values_lists:
            return None
        self._from(node.from_clause, scope, parts)
        self._lockable(node)
        values = [item.res_target.val for item in node.target_list]
        self._look([*values, node.where_clause, node.having_clause], scope, parts)
        names = frozenset(item.res_target.name for item in node.target_list if item.res_target.name)
        given = self._given(node, scope)
        sorted_by = _Scope(scope.sources, around, names | frozenset(given or ()), scope.merged)
        self._look([*node.group_clause, *node.sort_clause, *node.distinct_clause], sorted_by, parts)
        return given

    def _lockable(self, node: Node) -> None:
        """FOR UPDATE and the like lock rows of tables, not what is made of several (CheckSelectLocking)."""
        made = node.distinct_clause or node.group_clause or nodes.has(node, "having_clause")
        if node.locking_clause and made:
            self._refuse(Refusal("FOR UPDATE and the like can't be with DISTINCT, GROUP BY or HAVING", "0A000"))

    def _given(self, node: Node, scope: _Scope) -> Columns:
        """The columns that a SELECT gives."""
        found: dict[str, str] = {}
        for item in node.target_list:
            value = item.res_target.val
            which = value.WhichOneof("node")
            if item.res_target.name:
                found[item.res_target.name] = self._kind(value, scope)
            elif which == "column_ref":
                names = nodes.strings(value.column_ref.fields)
                if not value.column_ref.fields[-1].HasField("a_star"):
                    found[names[-1]] = self._kind(value, scope)
                    continue
                starred = [one for one in scope.sources if not names or one.called == names[-1]]
                if not starred or any(one.columns is None for one in starred):
                    return None
                for one in starred:
                    found |= one.columns or {}
            elif which == "func_call":
                found[nodes.strings(value.func_call.funcname)[-1]] = self._kind(value, scope)
            else:
                return None
        return found

    # -- FROM -----------------------------------------------------------------------------------------------------

    def _from(self, items: Iterable[Node], scope: _Scope, parts: Mapping[str, Columns]) -> None:
        for item in items:
            self._source(item, scope, parts)

    def _source(self, item: Node, scope: _Scope, parts: Mapping[str, Columns]) -> None:
        which = item.WhichOneof("node")
        if which == "join_expr":
            join = item.join_expr
            begin = len(scope.sources)
            self._source(join.larg, scope, parts)
            middle = len(scope.sources)
            self._source(join.rarg, scope, parts)
            left, right = scope.sources[begin:middle], scope.sources[middle:]
            self._using(join, left, right)
            scope.merged |= set(nodes.strings(join.using_clause))
            if join.is_natural:
                scope.merged |= {name for one in (*left, *right) for name in one.columns or ()}
            self._look([join.quals], scope, parts)
            for alias in (join.alias, join.join_using_alias):
                if alias.aliasname:
                    scope.sources.append(_Source(alias.aliasname, None))
        elif which == "range_var":
            scope.sources.append(self._table(item.range_var, parts))
        elif which == "range_table_sample":
            self._source(item.range_table_sample.relation, scope, parts)
        elif which == "range_subselect":
            inner = item.range_subselect
            around = _Scope(list(scope.sources), scope.around) if inner.lateral else scope.around
            given = self.statement(nodes.statement(inner.subquery), around, parts)
            plain = given if not inner.alias.colnames else None
            scope.sources.append(_Source(inner.alias.aliasname, plain, inner.alias.aliasname))
        else:
            inner = nodes.open_node(item)
            alias = getattr(inner, "alias", None)
            called = alias.aliasname if alias is not None else ""
            scope.sources.append(_Source(called, None))
            if not called:
                scope.sources.append(_Source("", None))

    def _table(self, named: Node, parts: Mapping[str, Columns]) -> _Source:
        aliased = nodes.has(named, "alias")
        called = named.alias.aliasname if aliased else named.relname
        if aliased and named.alias.colnames:
            return _Source(called, None)
        if not named.schemaname and named.relname in parts:
            return _Source(called, parts[named.relname], called)
        relation = self.scene.catalog.get(nodes.name_of(named))
        if relation is None or not relation.known or not relation.columns or relation.kind not in _INHERITABLE:
            return _Source(called, None)
        columns = {name: one.type if one.type_schema == "pg_catalog" else "" for name, one in relation.columns.items()}
        return _Source(called, columns, str(relation.name))

    def _using(self, join: Node, left: list[_Source], right: list[_Source]) -> None:
        """JOIN … USING wants its columns on both sides."""
        for side, word in ((left, "left"), (right, "right")):
            if any(one.columns is None for one in side):
                continue
            for name in nodes.strings(join.using_clause):
                if not any(name in (one.columns or ()) for one in side):
                    self._refuse(Refusal(f"column {name} in USING is in no table on the {word} side", "42703"))

    # -- expressions ----------------------------------------------------------------------------------------------

    def _look(
        self, expressions: Iterable[Node], scope: _Scope, parts: Mapping[str, Columns], plain: _Scope | None = None
    ) -> None:
        """The names in expressions; those without a table before them are looked for in `plain`, where it is given."""
        for expression in expressions:
            todo = [expression]
            while todo:
                current = todo.pop()
                if type(current).__name__ == "Node":
                    current = nodes.open_node(current)
                    if current is None:
                        continue
                kind = nodes.kind(current)
                if kind in _SUBQUERIES:
                    self.statement(current, plain or scope, parts)
                elif kind == "ColumnRef":
                    self._reference(current, scope, plain or scope)
                else:
                    if kind == "A_Expr" and (told := no_operator(current, partial(self._type, scope))):
                        self._refuse(told)
                    for _, value in current.ListFields():
                        if type(value) not in nodes.SCALARS:
                            todo.extend([value] if hasattr(value, "ListFields") else value)

    def _kind(self, value: Node, scope: _Scope) -> str:
        return kind_of(value, partial(self._type, scope))

    def _type(self, scope: _Scope, node: Node) -> str:
        """The type of a column that an expression names, "" where it isn't certain."""
        names = nodes.strings(node.fields)
        if len(names) != len(node.fields) or not 0 < len(names) < 3 or names[0] in self.variables:
            return ""
        for level in scope.chain():
            sources = [one for one in level.sources if len(names) == 1 or one.called == names[0]]
            if any(one.columns is None for one in sources):
                return ""
            found = [one.columns[names[-1]] for one in sources if one.columns is not None and names[-1] in one.columns]
            if found:
                return found[0] if len(found) == 1 else ""
        return ""

    def _assign(self, target: Node, table: _Source, scope: _Scope) -> None:
        """A value must become the column's type by itself (42804)."""
        wanted = (table.columns or {}).get(target.name, "")
        if target.indirection or not wanted:
            return
        self._fits(table, target.name, wanted, self._kind(target.val, scope))

    def _fits(self, table: _Source, column: str, wanted: str, kind: str) -> None:
        if kind and kind != LITERAL and not self.scene.catalog.casts and assignable(kind, wanted) is False:
            self._refuse(Refusal(f"{column} of {table.told} is {wanted}, and what it is to get is {kind}", "42804"))

    def _fill(self, insert: Node, table: _Source) -> None:
        columns = table.columns or {}
        names = [item.res_target.name for item in insert.cols] or list(columns)
        select = nodes.statement(insert.select_stmt)
        for row in select.values_lists:
            for name, value in zip(names, row.list.items, strict=False):
                self._fits(table, name, columns.get(name, ""), self._kind(value, _Scope()))

    def _reference(self, node: Node, scope: _Scope, plain: _Scope) -> None:
        names = nodes.strings(node.fields)
        if len(names) != len(node.fields):
            return  # a star
        if len(names) == 1:
            self._plain(names[0], plain)
        elif len(names) == 2:
            self._of_table(names[0], names[1], scope)

    def _plain(self, name: str, scope: _Scope) -> None:
        sources = [one for level in scope.chain() for one in level.sources]
        if any(one.columns is None for one in sources) or name in self.variables or name in SYSTEM_COLUMNS:
            return
        if any(name in (one.columns or ()) or name == one.called for one in sources):
            self._once(name, scope)
            return
        if any(name in level.given for level in scope.chain()):
            return
        told = ", ".join(dict.fromkeys(one.told or one.called for one in sources))
        self._refuse(Refusal(f"column {name}{f' of {told}' if told else ''} does not exist", "42703"))

    def _once(self, name: str, scope: _Scope) -> None:
        """A plain name that two tables of one FROM have is ambiguous, unless USING makes one of both (42702)."""
        for level in scope.chain():
            having = [one for one in level.sources if name in (one.columns or ())]
            if name in level.given or name in level.merged:
                return
            if len(having) > 1:
                self._refuse(
                    Refusal(f"column {name} is in {having[0].told or having[0].called} and {having[1].told}", "42702")
                )
            if having:
                return

    def _of_table(self, called: str, name: str, scope: _Scope) -> None:
        for level in scope.chain():
            found = [one for one in level.sources if one.called == called]
            if not found:
                continue
            known = found[0].columns
            if known is None or len(found) > 1 or name in known or name in SYSTEM_COLUMNS:
                return
            if not self.scene.catalog.functions([name]):  # t.f is f(t), too
                self._refuse(Refusal(f"column {name} of {found[0].told or called} does not exist", "42703"))
            return
        if called in self.variables:
            self._of_row(called, name)
        elif not self.variables and not any(not one.called for level in scope.chain() for one in level.sources):
            self._refuse(Refusal(f"{called} in {called}.{name} stands for no table of the query", "42P01"))

    def _of_row(self, called: str, name: str) -> None:
        """NEW and OLD in the function of a trigger are rows of its table."""
        worth = self.scene.worth
        if called not in _TRIGGERED or "tg_table_name" not in worth:
            return
        table = self.scene.catalog.known(Name(worth.get("tg_table_schema", ""), worth["tg_table_name"]))
        if table is not None and table.known and table.columns and name not in table.columns:
            self._refuse(Refusal(f"{called} has no column {name}: {table.name} lacks it", "42703"))

    def _refuse(self, told: str) -> None:
        self.out.fail(told)


def _returned(node: Node) -> list[Node]:
    """The list of RETURNING, where it stands in this version of the tree."""
    if "returning_list" in node.DESCRIPTOR.fields_by_name:
        return list(node.returning_list)
    return list(node.returning_clause.exprs) if nodes.has(node, "returning_clause") else []
