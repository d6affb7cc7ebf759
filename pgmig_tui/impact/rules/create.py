"""CREATE TABLE, AS, VIEW, MATERIALIZED VIEW and SEQUENCE: what they touch of what is there already."""

from __future__ import annotations

from collections.abc import Mapping

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_made, count_query
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Call, Column, DependentRelation, Name, OwnedSequence, Relation, replace
from pgmig_tui.impact.modes import AE, AS, SRE, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.rules import alter_constraint, sequences
from pgmig_tui.impact.rules.alter_column import default_type
from pgmig_tui.impact.rules.alter_partition import lock_default, partition_keys
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.bounds import bound_text, bounds_refused
from pgmig_tui.impact.rules.carry import result_columns, view_columns
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.implicit_calls import called_in, in_columns
from pgmig_tui.impact.rules.kinds import stored_where, wrong_kind
from pgmig_tui.impact.rules.like import like_made
from pgmig_tui.impact.rules.prepared import execute
from pgmig_tui.impact.rules.query import query_locks
from pgmig_tui.impact.rules.refused import no_column
from pgmig_tui.impact.rules.safer_index import attached_later
from pgmig_tui.impact.rules.typed import made_of
from pgmig_tui.impact.rules.types import SERIALS, type_schema
from pgmig_tui.impact.rules.writable import writable_columns
from pgmig_tui.impact.selectivity import NOTHING
from pgmig_tui.impact.session import SEARCH_PATH, path_text
from pgmig_tui.impact.shadow_state import TEMP
from pgmig_tui.impact.typechange import type_name

_CONSTRAINTS = frozenset({"CONSTR_FOREIGN", "CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_CHECK"})
_NO_KINDS: set[str] = set()


def create_table(node: Node, scene: Scene, out: Effect) -> None:
    catalog = scene.catalog
    temporary = node.relation.relpersistence == "t"
    name = catalog.creation_name(nodes.name_of(node.relation), temporary=temporary)
    if temporary and node.relation.schemaname not in ("", TEMP):
        out.fail(f"a temporary table can't be in the schema {node.relation.schemaname}", "42P16")
        return
    if problem := catalog.no_room(name):
        out.problem = problem
        return
    if catalog.get(name) is not None:
        if not node.if_not_exists:
            out.fail(f"{name} exists already", "42P07")
        else:
            out.notes.append(f"{name} is there already: nothing happens")
        return
    if catalog.live and catalog.type([name.schema, name.relation]) is not None:
        out.fail(f"the type {name} exists already", "42710")
        return
    stored_where(scene, out, node.tablespacename, node.access_method)
    if node.if_not_exists and not catalog.live:
        out.notes.append(f"nothing happens if {name} is there already")
    table = Relation(
        name,
        "p" if nodes.has(node, "partspec") else "r",
        new=catalog.live or not node.if_not_exists,  # without a server: it may be an old one, with others in it
        persistence=node.relation.relpersistence,
        passing=_passes(node),
        partition_key=_partition_key(node),
        owner=catalog.role,
        acl=catalog.access.of_new,
    )
    catalog.put(table)
    parents = [nodes.name_of(item.range_var) for item in node.inh_relations]
    if nodes.has(node, "partbound"):
        _partition_of(node, scene, out, table, parents)
    else:
        for parent in parents:
            _inherits(scene, out, name, parent)
    if nodes.has(node, "of_typename"):
        made_of(node, scene, out, name)
    row: list[Node] = []
    for item in node.table_elts:
        if item.WhichOneof("node") == "column_def":
            row.append(item.column_def)
            continue
        if row:
            _columns(scene, out, name, row)
            row = []
        _element(item, scene, out, name)
    if row:
        _columns(scene, out, name, row)
    for item in node.constraints:
        _constraint(scene, out, name, item.constraint, "")
    _note_calls(node, scene, name)


def _partition_key(node: Node) -> tuple[str, ...]:
    if not nodes.has(node, "partspec"):
        return ()
    return tuple(item.partition_elem.name for item in node.partspec.part_params)


def _note_calls(node: Node, scene: Scene, name: Name) -> None:
    """The functions that run with each new row."""
    parts = [nodes.open_node(item) for item in (*node.table_elts, *node.constraints)]
    calls = in_columns((part for part in parts if nodes.kind(part) in {"ColumnDef", "Constraint"}), scene.catalog)
    made = scene.catalog.get(name)
    if made is not None and calls:
        scene.catalog.put(replace(made, calls=(*made.calls, *calls)))


def _partition_of(node: Node, scene: Scene, out: Effect, table: Relation, parents: list[Name]) -> None:
    for parent_name in parents:
        if scene.absent(parent_name, out):
            return
        parent = scene.catalog.relation(parent_name, "p")
        if parent.known and parent.kind not in "p?" and scene.catalog.live:
            out.fail(f"{parent.name} is not partitioned: it has no partitions", "42P17")
        bounds_refused(scene, out, parent, node.partbound)
        out.lock(parent, AE, f"gets the partition {table.name}")
        is_default = bool(node.partbound.is_default)
        if is_default and parent.default_partition is not None:
            out.fail(f"{parent.name} has the default partition {parent.default_partition}", "42P17")
        lock_default(scene, out, parent, scanned=not is_default)
        for index in parent.indexes:
            out.lock_index(parent, index, SUE, f"{table.name} gets its part of it")
        partition_keys(scene, out, parent, table, with_rows=False)
        if not parent.known and not scene.catalog.live:
            out.unknown.append(f"the default partition and foreign keys of {parent.name} (no catalog)")
        if not parent.new:
            out.advise(
                "partition-by-attach",
                f"PARTITION OF stops reads and writes of {parent.name} until commit; a table made LIKE it and attached "
                "takes SHARE UPDATE EXCLUSIVE only",
                lambda: attached_later(node, scene),
            )
        inherited = replace(
            table,
            columns=parent.columns,
            checks=tuple(check for check in parent.checks if not check.no_inherit),
            parents=(parent.name,),
            is_partition=True,
            calls=tuple(call for call in parent.calls if call.when in "dci"),
            bound=bound_text(node.partbound),
            foreign_keys=tuple(replace(k, table=table.name, inherited=True, id=0) for k in parent.foreign_keys),
            indexes=tuple(
                replace(i, name=Name(table.name.schema, f"{table.name.relation}_{'_'.join(i.keys)}_idx"), parent=i.name)
                for i in parent.indexes
            ),
        )
        scene.catalog.put(inherited)
        default = table.name if is_default else parent.default_partition
        if parent.known:
            scene.catalog.put(replace(parent, children=(*parent.children, table.name), default_partition=default))


def _inherits(scene: Scene, out: Effect, name: Name, parent_name: Name) -> None:
    parent = scene.catalog.relation(parent_name)
    out.lock(parent, SUE, f"a parent of {name}")
    table = scene.catalog.relation(name)
    columns = {**parent.columns, **table.columns}
    checks = (*table.checks, *(check for check in parent.checks if not check.no_inherit))
    calls = (*table.calls, *(call for call in parent.calls if call.when in "dc"))
    scene.catalog.put(
        replace(table, parents=(*table.parents, parent.name), columns=columns, checks=checks, calls=calls)
    )
    if parent.known:
        scene.catalog.put(replace(parent, children=(*parent.children, name)))


def _element(item: Node, scene: Scene, out: Effect, name: Name) -> None:
    which = item.WhichOneof("node")
    if which == "constraint":
        _constraint(scene, out, name, item.constraint, "")
    elif which == "table_like_clause":
        like_made(item.table_like_clause, scene, out, name)
    elif which == "column_def":
        _columns(scene, out, name, [item.column_def])


def _columns(scene: Scene, out: Effect, name: Name, definitions: list[Node]) -> None:
    """Columns in a row; their constraints count when all of them are there."""
    catalog = scene.catalog
    table = catalog.relation(name)
    columns = dict(table.columns)
    fed: list[tuple[str, bool]] = []
    constrained: list[tuple[str, Node]] = []
    for definition in definitions:
        column = definition.colname
        if [one.colname for one in definitions].count(column) > 1:
            out.fail(f"{name} would have two columns {column}", "42701")
        written = type_name(definition.type_name)
        serial = SERIALS.get(written.name)
        kinds = _NO_KINDS
        if definition.constraints:
            constraints = [item.constraint for item in definition.constraints]
            kinds = {nodes.enum_name("ConstrType", one.contype) for one in constraints}
            if kinds & _CONSTRAINTS:
                constrained += [(column, one) for one in constraints]
        identity = "CONSTR_IDENTITY" in kinds
        generated = {
            nodes.enum_name("ConstrType", item.constraint.contype): item.constraint for item in definition.constraints
        }
        columns[column] = Column(
            column,
            serial or (("_" + written.name) if written.array else written.name),
            written.typmod,
            type_schema(catalog, written),
            serial is not None or identity or "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds,
            "CONSTR_DEFAULT" in kinds or serial is not None,
            generated["CONSTR_IDENTITY"].generated_when if identity else "",
            (generated["CONSTR_GENERATED"].generated_kind or "s") if "CONSTR_GENERATED" in kinds else "",
            default_type=default_type(generated["CONSTR_DEFAULT"].raw_expr, written)
            if "CONSTR_DEFAULT" in kinds
            else "",
            made_of=frozenset(alter_constraint.columns_in(generated["CONSTR_GENERATED"].raw_expr))
            if "CONSTR_GENERATED" in kinds
            else frozenset(),
        )
        if serial is not None or identity:
            fed.append((column, identity))
    catalog.put(replace(table, columns=columns))
    for column, identity in fed:
        sequences.make(catalog, name, column, identity=identity)
    for definition in definitions:
        for item in definition.constraints:
            if nodes.enum_name("ConstrType", item.constraint.contype) == "CONSTR_DEFAULT":
                for asked in sequences.named_in(item.constraint.raw_expr):
                    if not scene.absent(asked, out):
                        out.lock(catalog.relation(asked, "S"), AS, "a default reads it")
                sequences.default_set(catalog, name, definition.colname, item.constraint.raw_expr)
    for column, constraint in constrained:
        _constraint(scene, out, name, constraint, column)


def _constraint(scene: Scene, out: Effect, name: Name, constraint: Node, column: str) -> None:
    kind = nodes.enum_name("ConstrType", constraint.contype)
    if kind not in _CONSTRAINTS:
        return
    table = scene.catalog.relation(name)
    inner = Effect()
    at = Altering(scene, inner, table, [table], AE, False, "CREATE TABLE")
    alter_constraint.add_constraint(at, constraint, column, filled=False)
    # A new table holds no rows: of a constraint only the lock on what it references remains.
    for lock in inner.locks.values():
        if lock.name != name and lock.relkind not in "iI":
            out.lock_name(lock.name, lock.relkind, SRE, lock.why, lock.certainty, lock.new)
    out.notes.extend(inner.notes)
    out.fail(inner.problem)


def _passes(node: Node) -> bool:
    """ON COMMIT DROP."""
    action = node.on_commit if nodes.kind(node) == "IntoClause" else node.oncommit
    return nodes.enum_name("OnCommitAction", action) == "ONCOMMIT_DROP"


def create_table_as(node: Node, scene: Scene, out: Effect) -> None:
    kind = "m" if nodes.enum_name("ObjectType", node.objtype) == "OBJECT_MATVIEW" else "r"
    temporary = node.into.rel.relpersistence == "t"
    name = scene.catalog.creation_name(nodes.name_of(node.into.rel), temporary=temporary)
    if problem := scene.catalog.no_room(name):
        out.problem = problem
        return
    if scene.catalog.get(name) is not None:
        if node.if_not_exists:
            out.notes.append(f"{name} is there already: nothing happens")
            query_locks(node.query, scene, out, plan=False, deep=False)
        else:
            out.fail(f"{name} exists already", "42P07")
        return
    rows = NOTHING
    if nodes.kind(nodes.statement(node.query)) == "ExecuteStmt":
        out.doubt("how many rows the prepared statement gives")
        execute(nodes.statement(node.query), scene, out)
    else:
        if not node.into.skip_data:
            rows = count_query(nodes.statement(node.query), scene, out)
        query_locks(node.query, scene, out, plan=not node.into.skip_data, deep=not node.into.skip_data)
        missing_columns(nodes.statement(node.query), scene, out)
    temporary = next((one.name for one in out.locks.values() if one.schema == TEMP), None) if kind == "m" else None
    if temporary is not None:
        out.fail(f"a materialized view can't read {temporary}, which is temporary", "0A000")
        return
    new = scene.catalog.live or not node.if_not_exists
    reads = tuple(lock.name for lock in out.locks.values())
    columns = result_columns(scene.catalog, node.query)
    scene.catalog.put(
        Relation(
            name,
            kind,
            columns,
            new=new,
            reads=reads,
            passing=_passes(node.into),
            populated=not node.into.skip_data,
            calls=_view_calls(node.query, scene) if kind == "m" else (),
            owner=scene.catalog.role,
        )
    )
    if not node.into.skip_data:
        scene.catalog.fill(name)
        count_made(rows, name, scene, out)
    _depend(scene, name, kind, out, node.query)
    if kind == "m" and node.into.skip_data:
        out.notes.append("made without data: nothing is read")


def _depend(scene: Scene, name: Name, kind: str, out: Effect, query: Node) -> None:
    """What the new view reads now has a dependent."""
    if kind not in "vm":
        return
    for lock in list(out.locks.values()):
        source = scene.catalog.get(lock.name)
        if source is not None and source.name != name:
            used = DependentRelation(name, kind, view_columns(scene.catalog, query, source))
            dependents = (*(d for d in source.dependents if d.name != name), used)
            scene.catalog.put(replace(source, dependents=dependents))


def create_view(node: Node, scene: Scene, out: Effect) -> None:
    temporary = node.view.relpersistence == "t"
    name = scene.catalog.creation_name(nodes.name_of(node.view), temporary=temporary)
    if problem := scene.catalog.no_room(name):
        out.problem = problem
        return
    present = scene.catalog.get(name)
    if present is not None and node.replace and scene.catalog.live:
        if wrong_kind(scene, out, present, "v", "a view"):
            return
        out.fail(_changes_columns(present, result_columns(scene.catalog, node.query)))
    query_locks(node.query, scene, out, plan=False, deep=False)
    reads = tuple(lock.name for lock in out.locks.values())
    missing_columns(nodes.statement(node.query), scene, out)
    for source in present.reads if present is not None and node.replace else ():
        before = scene.catalog.known(source)
        if before is not None and source not in reads:
            kept = tuple(one for one in before.dependents if one.name != name)
            scene.catalog.put(replace(before, dependents=kept))
    _depend(scene, name, "v", out, node.query)
    if node.replace and (present is not None or not scene.catalog.live):
        view = scene.catalog.relation(name, "v")
        certainty = "certain" if present is not None else "likely"
        out.lock(view, AE, "the view is replaced", certainty)
        if present is not None:
            columns = result_columns(scene.catalog, node.query) or present.columns
            writable = _writable(node, scene, columns)
            calls = _view_calls(node.query, scene)
            scene.catalog.put(replace(present, reads=reads, columns=columns, calls=calls, writable=writable))
            return
        out.notes.append(f"{name} is new or replaced: without a server it is not known which")
        return
    if present is not None:
        out.fail(f"{name} exists already", "42P07")
        return
    columns = result_columns(scene.catalog, node.query)
    scene.catalog.put(
        Relation(
            name,
            "v",
            columns,
            reads=reads,
            calls=_view_calls(node.query, scene),
            new=True,
            owner=scene.catalog.role,
            acl=scene.catalog.access.of_new,
            writable=_writable(node, scene, columns),
        )
    )


def _writable(node: Node, scene: Scene, columns: Mapping[str, Column]) -> frozenset[str] | None:
    named = nodes.strings(node.aliases)
    return writable_columns(node.query, scene.catalog, columns) if columns and not named else None


def _changes_columns(view: Relation, columns: dict[str, Column]) -> str:
    """Why CREATE OR REPLACE VIEW is refused: it may add columns behind those that are there, and no more."""
    if not columns or not view.columns:
        return ""
    old, new = list(view.columns.values()), list(columns.values())
    for one, other in zip(old, new, strict=False):
        if one.name != other.name:
            return Refusal(f"column {one.name} of {view.name} can't become {other.name} by CREATE OR REPLACE", "42P16")
        known = one.type and other.type
        if known and (one.type, one.typmod, one.type_schema) != (other.type, other.typmod, other.type_schema):
            return Refusal(f"column {one.name} of {view.name} can't get another type by CREATE OR REPLACE", "42P16")
    return (
        Refusal(f"columns can't be dropped from the view {view.name} by CREATE OR REPLACE", "42P16")
        if len(new) < len(old)
        else ""
    )


def _view_calls(query: Node, scene: Scene) -> tuple[Call, ...]:
    return tuple(Call("r", name) for name in dict.fromkeys(called_in(query, scene.catalog)))


def create_sequence(node: Node, scene: Scene, out: Effect) -> None:
    name = scene.catalog.creation_name(nodes.name_of(node.sequence), temporary=node.sequence.relpersistence == "t")
    if problem := scene.catalog.no_room(name):
        out.problem = problem
        return
    if scene.catalog.get(name) is not None:
        if not node.if_not_exists:
            out.fail(f"{name} exists already", "42P07")
        return
    scene.catalog.put(Relation(name, "S", new=True, owner=scene.catalog.role, acl=scene.catalog.access.of_new))
    owned_by(node.options, scene, out, name)


def owned_by(items: Node, scene: Scene, out: Effect, sequence: Name) -> bool:
    """OWNED BY among sequence options: locks the table; False when there is none."""
    element = nodes.options(items).get("owned_by")
    if element is None:
        return False
    parts = nodes.list_name(element.arg)
    owner = sequences.owner_of(scene.catalog, sequence)
    if owner is not None and owner[1].identity:
        out.fail(f"{sequence} is the identity of {owner[0].name}: its owner can't change", "0A000")
        return True
    sequences.disown(scene.catalog, sequence)
    if len(parts) < 2:
        return True
    table = scene.catalog.relation(Name(parts[-3] if len(parts) > 2 else "", parts[-2]))
    out.lock(table, AS, f"owns {sequence} from now on")
    mine = scene.catalog.known(sequence)
    if table.known and mine is not None and scene.catalog.live:
        no_column(out, table, parts[-1:])
        if table.name.schema != sequence.schema:
            out.fail(f"{sequence} must be in the schema of {table.name} to be owned by it", "55000")
        elif mine.owner and table.owner and mine.owner != table.owner:
            out.fail(f"{sequence} must have the owner of {table.name} to be owned by it", "55000")
    if table.known:
        owned = (*table.sequences, OwnedSequence(sequence, parts[-1]))
        scene.catalog.put(replace(table, sequences=owned))
    return True


def create_foreign_table(node: Node, scene: Scene, out: Effect) -> None:
    create_table(node.base_stmt, scene, out)
    made = scene.catalog.get(nodes.name_of(node.base_stmt.relation))
    if made is not None and made.new:
        scene.catalog.put(replace(made, kind="f", server=node.servername))


def create_schema(node: Node, scene: Scene, out: Effect) -> None:
    name = node.schemaname or node.authrole.rolename
    if name.startswith("pg_"):
        out.fail(f"the schema {name} can't be made: names that begin with pg_ are the server's own", "42939")
        return
    if scene.catalog.live and scene.catalog.has_schema(name):
        if not node.if_not_exists:
            out.fail(f"the schema {name} exists already", "42P06")
        return
    owner = node.authrole.rolename if nodes.has(node, "authrole") else ""
    scene.catalog.create_schema(name, owner or scene.catalog.role)
    before = scene.catalog.session
    scene.catalog.session = before.changed(SEARCH_PATH, path_text([name]))
    for item in node.schema_elts:
        scene.rules.apply(nodes.statement(item), scene, out)
    scene.catalog.session = scene.catalog.session.restored(SEARCH_PATH, before)


RULES = {
    "CreateStmt": create_table,
    "CreateTableAsStmt": create_table_as,
    "ViewStmt": create_view,
    "CreateSeqStmt": create_sequence,
    "CreateForeignTableStmt": create_foreign_table,
    "CreateSchemaStmt": create_schema,
}
