"""Counts the rows that statements read, change and check, and what that costs.

What can't be counted is said in words (a loop without an end that is known, a function of somebody's): then no time is
told at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgmig_tui.impact import nodes
from pgmig_tui.impact.cost import (
    AGGREGATE,
    CALL,
    CASCADE,
    DEAR,
    DELETE_ROW,
    GROUP,
    JOIN,
    KEY_CHECK,
    LOOKUP,
    REWRITE_BYTE,
    REWRITE_ROW,
    SAMPLED,
    SCAN_BYTE,
    SCAN_ROW,
    STATEMENT,
    TRIGGER,
    UPDATE_ROW,
    WRITE_BYTE,
    WRITE_ROW,
)
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name, Relation, replace
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.selectivity import (
    ANY,
    NOTHING,
    ONE,
    Span,
    conditions,
    distinct_of,
    exactly,
    is_column,
    literal,
    share,
)
from pgmig_tui.impact.work import entry, reading, writing
from pgmig_tui.impact.work import width as width_of

_SAMPLE = 30_000
_MOST_TABLES = 60
_VERBS = {"UpdateStmt": ("UPDATE",), "DeleteStmt": ("DELETE",)}
"""An INSERT may change what is there, and MERGE may do anything."""
_AGGREGATES = frozenset(
    {"count", "sum", "min", "max", "avg", "bool_or", "bool_and", "every", "string_agg", "array_agg"}
)
_SLOW = frozenset({"pg_sleep", "pg_sleep_for", "pg_sleep_until", "crypt", "gen_salt", "pg_advisory_lock",
                   "pg_advisory_xact_lock", "query_to_xml", "table_to_xml", "dblink", "dblink_exec"})  # fmt: skip
UNCOUNTED = "how many rows {} has: it was never analysed"


class Sources:
    """The tables of one FROM clause by the names that they are called by there, and their rows."""

    def __init__(self, items: Iterable[Node], scene: Scene, ctes: dict[str, Span], work: Counting) -> None:
        self.tables: dict[str, Relation] = {}
        self.others: list[Span] = []
        self.on: list[Node] = []
        self.outer = False
        self.scene, self.ctes, self.work = scene, ctes, work
        for item in items:
            self._take(item)

    def _take(self, item: Node) -> None:
        which = item.WhichOneof("node")
        if which == "join_expr":
            self._take(item.join_expr.larg)
            self._take(item.join_expr.rarg)
            self.outer |= nodes.enum_name("JoinType", item.join_expr.jointype) != "JOIN_INNER"
            if item.join_expr.HasField("quals"):
                self.on += conditions(item.join_expr.quals)
        elif which == "range_var":
            self._table(item.range_var)
        elif which == "range_subselect":
            self.others.append(self.work.query(nodes.statement(item.range_subselect.subquery), self.ctes))
        elif which == "range_function":
            self.others.append(self._function(item.range_function))
        elif item.WhichOneof("node") is not None:
            self.work.doubt("how many rows a part of FROM has")

    def _table(self, named: Node) -> None:
        if not named.schemaname and named.relname in self.ctes:
            self.others.append(self.ctes[named.relname])
            return
        name = nodes.name_of(named)
        if self.scene.catalog.missing(name):
            return
        relation = self.scene.catalog.relation(name)
        called = named.alias.aliasname or named.relname
        if relation.kind == "v":
            self.work.doubt(f"how much the view {relation.name} reads")
            return
        if relation.name.schema in {"pg_catalog", "information_schema"}:
            self.others.append(Span(1, 500))
            return
        self.tables[called] = whole(relation, self.scene, self.work)

    def _function(self, node: Node) -> Span:
        for item in node.functions:
            for call in nodes.walk(item):
                if nodes.kind(call) != "FuncCall":
                    continue
                if nodes.strings(call.funcname)[-1] == "generate_series":
                    values = [literal(argument) for argument in call.args]
                    try:
                        first, last, *step = (int(value or "") for value in values)
                    except ValueError:
                        break
                    return exactly(max(0, (last - first) // (step[0] if step else 1) + 1))
                if nodes.strings(call.funcname)[-1] in {"unnest", "jsonb_array_elements", "regexp_split_to_table"}:
                    return Span(1, 30)
        self.work.doubt("how many rows a function in FROM gives")
        return NOTHING


def whole(relation: Relation, scene: Scene, work: Counting) -> Relation:
    """The relation with the sizes of what is below it."""
    if relation.children:
        members = [one for one in scene.catalog.tree(relation.name) if one.kind in "rmf"]
        relation = replace(
            relation, rows=sum(max(one.rows, 0) for one in members), bytes=sum(max(one.bytes, 0) for one in members)
        )
    elif relation.rows < 0:
        if not relation.new:
            work.doubt(UNCOUNTED.format(relation.name))
        relation = replace(relation, rows=0, bytes=0)
    return relation


class Counting:
    """Counts the work of one statement into its effect, as often as the code around runs it."""

    def __init__(self, scene: Scene, out: Effect) -> None:
        self.scene, self.out = scene, out

    def doubt(self, text: str) -> None:
        self.scene.code.uncounted = True
        self.out.doubt(text)

    def spend(self, nanoseconds: Span) -> None:
        self.out.spend(nanoseconds.times(self.scene.times))

    def query(self, node: Node, outer: dict[str, Span] | None = None) -> Span:
        """Count what a query reads; how many rows it gives."""
        kind = nodes.kind(node)
        ctes = dict(outer or {})
        if nodes.has(node, "with_clause"):
            for item in node.with_clause.ctes:
                one = item.common_table_expr
                if node.with_clause.recursive:
                    self.doubt("how many times WITH RECURSIVE repeats")
                inner = nodes.statement(one.ctequery)
                ctes[one.ctename] = self.query(inner, ctes)
        if kind == "SelectStmt":
            return self._select(node, ctes)
        return self.write(node, ctes)

    def _select(self, node: Node, ctes: dict[str, Span]) -> Span:
        if nodes.has(node, "larg"):
            left, right = self.query(node.larg, ctes), self.query(node.rarg, ctes)
            return left.plus(right)
        if node.values_lists:
            return exactly(len(node.values_lists))
        sources = Sources(node.from_clause, self.scene, ctes, self)
        rows = self.found(sources, node.where_clause if nodes.has(node, "where_clause") else None, ctes)
        self._expressions(node.target_list, rows, ctes)
        calls = [".".join(parts) for parts, _ in nodes.functions_in(node.target_list[0])] if node.target_list else []
        calls += [".".join(parts) for item in node.target_list[1:] for parts, _ in nodes.functions_in(item)]
        grouped = bool(node.group_clause or node.distinct_clause)
        if node.sort_clause or node.window_clause:
            self.spend(rows.by(GROUP * 2))
        if grouped:
            self.spend(rows.by(GROUP))
            rows = self._groups(node, sources, rows)
        elif any(call.rpartition(".")[2] in _AGGREGATES for call in calls):
            rows = ONE
        if nodes.has(node, "limit_count"):
            limit = literal(node.limit_count)
            if limit is not None and limit.isdigit():
                rows = rows.at_most(exactly(int(limit)))
        return rows

    def _groups(self, node: Node, sources: Sources, rows: Span) -> Span:
        groups = 1.0
        for item in node.group_clause:
            known = [
                d for called, table in sources.tables.items() if (d := distinct_of(item, table, called)) is not None
            ]
            if not known:
                return Span(min(1.0, rows.low), rows.high)
            groups *= known[0]
        if not node.group_clause:
            return Span(min(1.0, rows.low), rows.high)
        return rows.at_most(exactly(groups))

    def found(
        self, sources: Sources, where: Node | None, ctes: dict[str, Span], target: str = "", *, changed: bool = False
    ) -> Span:
        """Count the reading of tables that are joined; how many rows come of it, or with `changed` how many of the
        target's rows are among them."""
        parts = [*sources.on, *(conditions(where) if where is not None else ())]
        rows: dict[str, Span] = {}
        for called, table in sources.tables.items():
            mine = ONE
            for part in parts:
                if not self._is_about(part, sources, called) or self._joins(part, sources) is not None:
                    continue
                mine = mine.times(self._share(part, table, called, ctes))
            rows[called] = mine.by(max(table.rows, 0))
            self._read(table, called, rows[called], [p for p in parts if self._is_about(p, sources, called)])
        alone = [part for part in parts if not any(self._is_about(part, sources, called) for called in sources.tables)]
        for part in alone:
            self._subqueries(part, ONE, ctes)
        found = exactly(1)
        for mine in rows.values():
            found = found.times(mine)
        for other in sources.others:
            found = found.times(other)
        if len(rows) + len(sources.others) > 1:
            self.spend(sum_of([*rows.values(), *sources.others]).by(JOIN))
            found = self._joined(parts, sources, rows, found)
        if changed and target in rows:
            return found.at_most(rows[target])
        return found

    def _joined(self, parts: list[Node], sources: Sources, rows: dict[str, Span], found: Span) -> Span:
        for part in parts:
            pair = self._joins(part, sources)
            if pair is None:
                continue
            counts = [
                d
                for side in (pair.lexpr, pair.rexpr)
                for called, table in sources.tables.items()
                if is_column(side, table, called) and (d := distinct_of(side, table, called)) is not None
            ]
            if not counts:
                found = Span(0, min(found.high, sum_of([*rows.values(), *sources.others]).high))
            else:
                found = found.by(1 / max(max(counts), 1))
        if len(rows) == 1 and sources.others and not any(self._joins(part, sources) for part in parts):
            (mine,) = rows.values()
            return Span(0, max(mine.high, *(other.high for other in sources.others)))
        return found

    def _joins(self, part: Node, sources: Sources) -> Node | None:
        """The condition, when it sets columns of two tables equal."""
        if part.WhichOneof("node") != "a_expr" or nodes.strings(part.a_expr.name)[-1:] != ["="]:
            return None
        left, right = part.a_expr.lexpr, part.a_expr.rexpr
        columns = {left.WhichOneof("node"), right.WhichOneof("node")}
        return (
            part.a_expr
            if columns <= {"column_ref", "type_cast"} and literal(right) is None and (literal(left) is None)
            else None
        )

    def _is_about(self, part: Node, sources: Sources, called: str) -> bool:
        """Whether a condition names a column of this table."""
        for inner in nodes.walk(part):
            if nodes.kind(inner) == "SubLink":
                continue
            if nodes.kind(inner) == "ColumnRef":
                names = nodes.strings(inner.fields)
                if len(names) > 1 and names[-2] == called:
                    return True
                if len(names) == 1 and names[0] in sources.tables[called].columns:
                    return True
        return False

    def _share(self, part: Node, table: Relation, called: str, ctes: dict[str, Span]) -> Span:
        negated = False
        if part.WhichOneof("node") == "bool_expr" and len(part.bool_expr.args) == 1:
            negated, part = True, part.bool_expr.args[0]
        if part.WhichOneof("node") != "sub_link":
            found = share(part, table, called)
            return Span(1 - found.high, 1 - found.low) if negated else found
        return self._semi_join(part.sub_link, table, called, ctes, negated=negated)

    def _semi_join(self, link: Node, table: Relation, called: str, ctes: dict[str, Span], *, negated: bool) -> Span:
        """IN and EXISTS: both sides are read once and joined; as many rows are found as the other side has values."""
        inner = nodes.statement(link.subselect)
        mine = table.rows
        if nodes.enum_name("SubLinkType", link.sub_link_type) == "EXISTS_SUBLINK":
            sources = Sources(inner.from_clause, self.scene, ctes, self)
            parts = conditions(inner.where_clause) if nodes.has(inner, "where_clause") else []
            for one in sources.tables.values():
                self.spend(exactly(reading(one) + one.rows * JOIN))
            for part in parts:
                pair = self._joins(part, sources)
                sides = () if pair is None else (pair.lexpr, pair.rexpr)
                ours = [d for side in sides if (d := distinct_of(side, table, called)) is not None]
                theirs = [
                    d
                    for side in sides
                    for name, one in sources.tables.items()
                    if is_column(side, one, name) and (d := distinct_of(side, one, name)) is not None
                ]
                if ours and theirs and len(parts) == 1:
                    part_found = min(1.0, theirs[-1] / max(ours[0], 1))
                    return exactly(1 - part_found if negated else part_found)
            return ANY
        rows = self.query(inner, ctes)
        if nodes.enum_name("SubLinkType", link.sub_link_type) == "ANY_SUBLINK" and mine > 0:
            values = distinct_of(link.testexpr, table, called) or float(mine)
            found = Span(0 if rows.wide else min(1.0, rows.low / values), min(1.0, rows.high / values))
            return Span(1 - found.high, 1 - found.low) if negated else found
        return ANY

    def _read(self, table: Relation, called: str, found: Span, parts: list[Node]) -> None:
        """The cheaper of a scan and of looking up what is found, where an index leads to it."""
        scan = reading(table) + max(table.rows, 0) * 40.0 * len(parts)
        self.out.by_value |= bool(parts) and found.high > 1
        first = {index.keys[0] for index in table.indexes if index.keys and index.valid}
        indexed = any(
            nodes.kind(inner) == "ColumnRef"
            and nodes.strings(inner.fields)[-1:]
            and nodes.strings(inner.fields)[-1] in first
            for part in parts
            if part.WhichOneof("node") == "a_expr"
            for inner in nodes.walk(part)
        )
        looked_up = found.by(LOOKUP).plus(exactly(LOOKUP))
        self.spend(looked_up.at_most(exactly(scan)) if indexed else exactly(scan))

    def _expressions(self, items: Sequence[Node], rows: Span, ctes: dict[str, Span]) -> None:
        """What is computed for each row: calls, and subqueries that are asked anew for each."""
        for item in items:
            for parts, _ in nodes.functions_in(item):
                name = parts[-1]
                if name in _SLOW:
                    self.doubt(f"how long {name}() takes")
                elif any(one.name.schema != "pg_catalog" for one in self.scene.catalog.functions(parts)):
                    self.doubt(f"how long {name}() takes for each row")
                self.spend(rows.by(AGGREGATE if name in _AGGREGATES else DEAR.get(name, CALL)))
            self._subqueries(item, rows, ctes)

    def _subqueries(self, item: Node, rows: Span, ctes: dict[str, Span]) -> None:
        for inner in nodes.walk(item):
            if nodes.kind(inner) != "SubLink":
                continue
            select = nodes.statement(inner.subselect)
            if nodes.kind(select) != "SelectStmt" or select.values_lists:
                continue
            sources = Sources(select.from_clause, self.scene, ctes, self)
            parts = conditions(select.where_clause) if nodes.has(select, "where_clause") else []
            if not self._correlated(parts, sources):
                self.query(select, ctes)
                continue
            for called, table in sources.tables.items():
                first = {index.keys[0] for index in table.indexes if index.keys and index.valid}
                named = {
                    nodes.strings(ref.fields)[-1]
                    for part in parts
                    for ref in nodes.walk(part)
                    if nodes.kind(ref) == "ColumnRef"
                    and self._is_about(part, sources, called)
                    and ref.fields
                    and nodes.strings(ref.fields)
                }
                self.spend(rows.by(LOOKUP if first & named else reading(table)))

    def _correlated(self, parts: list[Node], sources: Sources) -> bool:
        for part in parts:
            for inner in nodes.walk(part):
                if nodes.kind(inner) != "ColumnRef":
                    continue
                names = nodes.strings(inner.fields)
                if len(names) > 1 and names[-2] not in sources.tables:
                    return True
                if len(names) == 1 and not any(names[0] in table.columns for table in sources.tables.values()):
                    return True
        return False

    # -- statements that change rows -----------------------------------------------------------------------------------

    def write(self, node: Node, ctes: dict[str, Span]) -> Span:
        """Count an INSERT, UPDATE, DELETE or MERGE without what its triggers do; how many rows it changes."""
        kind = nodes.kind(node)
        if kind not in {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}:
            return NOTHING
        name = nodes.name_of(node.relation)
        if self.scene.catalog.missing(name):
            return NOTHING
        table = self.scene.catalog.relation(name, "r")
        if table.kind not in "rp?":
            self.doubt(f"what is changed behind {table.name}")
            return NOTHING
        called = node.relation.alias.aliasname or node.relation.relname
        if kind == "InsertStmt":
            rows = self._inserted(node, table, ctes)
        elif kind == "MergeStmt":
            rows = self._merged(node, table, called, ctes)
        else:
            rows = self._changed(node, table, called, ctes)
        for verb in _VERBS.get(kind, ("INSERT", "UPDATE", "DELETE")):
            self.out.changed[table.name, verb] = rows
        return rows

    def _inserted(self, node: Node, table: Relation, ctes: dict[str, Span]) -> Span:
        made = nodes.has(node, "select_stmt")
        rows = self.query(nodes.statement(node.select_stmt), ctes) if made else ONE
        width = width_of(table)
        each = WRITE_ROW + WRITE_BYTE * width + self._entries(table)
        if nodes.has(node, "on_conflict_clause"):
            action = nodes.enum_name("OnConflictAction", node.on_conflict_clause.action)
            each += LOOKUP / 2
            if action == "ONCONFLICT_UPDATE":
                each += UPDATE_ROW / 2
        self.spend(rows.by(each))
        self._keys(table, rows, None)
        if made and not node.select_stmt.select_stmt.values_lists:
            self._grow(table, rows, width)
        return rows

    def _grow(self, table: Relation, rows: Span, width: float) -> None:
        """A table that the script made has these rows from now on."""
        if table.new and not rows.wide:
            have = max(table.rows, 0) + int(rows.high)
            self.scene.catalog.put(replace(table, rows=have, bytes=int(have * (width + 28))))

    def _merged(self, node: Node, table: Relation, called: str, ctes: dict[str, Span]) -> Span:
        sources = Sources([node.source_relation], self.scene, ctes, self)
        rows = sum_of([exactly(max(one.rows, 0)) for one in sources.tables.values()] + sources.others)
        for one in (table, *sources.tables.values()):
            self.spend(exactly(reading(whole(one, self.scene, self)) + max(one.rows, 0) * JOIN))
        width = width_of(table)
        self.spend(rows.by(UPDATE_ROW + WRITE_BYTE * width + self._entries(table)))
        self._keys(table, rows, None)
        return rows

    def _changed(self, node: Node, table: Relation, called: str, ctes: dict[str, Span]) -> Span:
        update = nodes.kind(node) == "UpdateStmt"
        sources = Sources(node.from_clause if update else node.using_clause, self.scene, ctes, self)
        mine = whole(table, self.scene, self) if node.relation.inh else table
        sources.tables[called] = mine
        where = node.where_clause if nodes.has(node, "where_clause") else None
        rows = self.found(sources, where, ctes, called, changed=True)
        if update:
            columns = frozenset(item.res_target.name for item in node.target_list)
            self._expressions(node.target_list, rows, ctes)
            self.spend(rows.by(UPDATE_ROW + WRITE_BYTE * width_of(mine) + self._entries(table)))
            self._keys(table, rows, columns)
            self._referencing(table, rows, columns)
        else:
            self.spend(rows.by(DELETE_ROW))
            self._referencing(table, rows, None)
        return rows

    def _entries(self, table: Relation) -> float:
        """A new entry in each index: a page that is full leaves no room for a new version beside the old one."""
        if table.partitioned:
            leaves = [one for one in self.scene.catalog.tree(table.name) if one.kind == "r"]
            table = leaves[0] if leaves else table
        return sum(entry(table, index) for index in table.indexes if index.valid)

    def _keys(self, table: Relation, rows: Span, columns: frozenset[str] | None) -> None:
        """Foreign keys of the table's own, looked up for each row."""
        for key in table.foreign_keys:
            if key.enforced and (columns is None or columns & set(key.columns)):
                self.spend(rows.by(KEY_CHECK))

    def _referencing(self, table: Relation, rows: Span, columns: frozenset[str] | None) -> None:
        """What references the rows: looked up for each of them, by a whole scan where no index leads there."""
        memo = self.scene.code.costs
        key = (self.scene.catalog.stamp, table.name, columns)
        if key not in memo:
            memo[key] = self._for_each_row(table, columns)
        self.spend(rows.by(memo[key]))

    def _for_each_row(self, table: Relation, columns: frozenset[str] | None) -> float:
        """What looking for references and following them costs for one row that is deleted or gets another key."""
        total = 0.0
        seen = {table.name}
        todo: list[tuple[Relation, float]] = [(table, 1.0)]
        while todo:
            if len(seen) > _MOST_TABLES or self.scene.code.uncounted:
                self.doubt("everything that depends on the rows: too many tables reference each other")
                break
            current, rows = todo.pop()
            deleted = columns is None or current is not table
            for key in self.scene.catalog.incoming(current.name):
                if not key.enforced or key.inherited:
                    continue
                if not deleted and not (columns or frozenset()) & set(key.referenced_columns):
                    continue
                side = whole(self.scene.catalog.relation(key.table), self.scene, self)
                indexed = any(index.keys[: len(key.columns)] == key.columns for index in side.indexes if index.valid)
                total += rows * (CASCADE if indexed else CASCADE + reading(side))
                action = key.on_delete if deleted else key.on_update
                if action not in "cnd" or current.rows <= 0:
                    continue
                theirs = rows * max(side.rows, 0) / current.rows
                gone = action == "c" and deleted
                total += theirs * (DELETE_ROW if gone else UPDATE_ROW + WRITE_BYTE * width_of(side))
                if gone and side.name not in seen:
                    seen.add(side.name)
                    todo.append((side, theirs))
        return total


def sum_of(spans: Iterable[Span]) -> Span:
    total = NOTHING
    for one in spans:
        total = total.plus(one)
    return total


# -- the ways in -------------------------------------------------------------------------------------------------------


def count_query(node: Node, scene: Scene, out: Effect) -> Span:
    """Count a query or a statement that changes rows; how many rows it gives or changes."""
    if not scene.catalog.live or scene.code.uncounted:
        return NOTHING
    counting = Counting(scene, out)
    if scene.depth:
        plain = nodes.kind(node) == "SelectStmt" and not node.from_clause  # evaluated without a plan of its own
        counting.spend(exactly(CALL if plain else STATEMENT))
    try:
        return counting.query(node)
    except (AttributeError, IndexError, KeyError, ValueError, RecursionError) as error:
        out.doubt(f"how long it takes ({type(error).__name__} while its rows were counted)")
        return NOTHING


def count_made(rows: Span, name: Name, scene: Scene, out: Effect) -> None:
    """Count the writing of a new table with the rows of a query."""
    if not scene.catalog.live:
        return
    relation = scene.catalog.relation(name)
    width = width_of(replace(relation, rows=-1))
    counting = Counting(scene, out)
    counting.spend(rows.by(REWRITE_ROW + REWRITE_BYTE * width))
    if not rows.wide:
        scene.catalog.put(replace(relation, rows=int(rows.high), bytes=int(rows.high * (width + 28))))


def count_care(relation: Relation, scene: Scene, out: Effect, *, vacuum: bool, analyze: bool) -> None:
    """VACUUM reads what has changed, and takes what is dead out of the table and each index, at most all of it; ANALYZE
    reads a sample of rows, and sorts each of their columns."""
    if not scene.catalog.live or relation.kind not in "rm":
        return
    counting = Counting(scene, out)
    if vacuum:
        taken = max(relation.rows, 0) * (DELETE_ROW + sum(entry(relation, index) for index in relation.indexes))
        counting.spend(Span(reading(relation) / 20, reading(relation) + taken))
    if analyze:
        rows = min(max(relation.rows, 0), _SAMPLE)
        counting.spend(
            exactly(
                rows * (len(relation.columns) * SAMPLED + SCAN_ROW) + min(relation.bytes, _SAMPLE * 8192) * SCAN_BYTE
            )
        )


def count_calls(node: Node, scene: Scene, out: Effect) -> None:
    """What defaults, USING, generated columns and CHECKs call for each row that ALTER TABLE writes anew or reads."""
    worked = {**out.scans, **out.rewrites}.values()
    calls = [parts for parts, _ in nodes.functions_in(node)] if worked and scene.catalog.live else []
    rows = sum(max(one.rows, 0) for one in worked if not one.new)
    for parts in calls:
        if any(one.name.schema != "pg_catalog" for one in scene.catalog.functions(parts)):
            out.doubt(f"how long {parts[-1]}() takes for each row")
        out.spend(exactly(rows * DEAR.get(parts[-1], CALL)).times(scene.times))


def count_refresh(view: Relation, scene: Scene, out: Effect, *, concurrent: bool) -> None:
    """What the view's query reads, each row joined or grouped once; with CONCURRENTLY both states are compared."""
    if not scene.catalog.live:
        return
    counting = Counting(scene, out)
    for name in view.reads:
        relation = scene.catalog.relation(name)
        if relation.kind == "v":
            counting.doubt(f"how much the view {relation.name} reads")
        one = whole(relation, scene, counting)
        counting.spend(exactly(reading(one) + max(one.rows, 0) * GROUP))
    if concurrent:
        counting.spend(exactly(reading(view) + writing(view) + max(view.rows, 0) * JOIN))


def count_copied(relation: Relation, scene: Scene, out: Effect) -> None:
    """COPY TO reads all rows and makes text of them."""
    if scene.catalog.live:
        counting = Counting(scene, out)
        one = whole(relation, scene, counting)
        counting.spend(exactly(reading(one) + one.rows * (200.0 + 60.0 * len(one.columns))))


def count_fired(rows: Span, names: int, scene: Scene, out: Effect) -> None:
    """Triggers' functions are called for each row."""
    Counting(scene, out).spend(rows.by(TRIGGER * names))
