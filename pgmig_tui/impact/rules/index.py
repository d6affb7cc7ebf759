"""CREATE INDEX and REINDEX."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Index, Name, Relation, replace
from pgmig_tui.impact.modes import AE, SUE, S
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules import inherited
from pgmig_tui.impact.rules.kinds import index_or_relation, stored_where, wrong_kind
from pgmig_tui.impact.rules.query import evaluated
from pgmig_tui.impact.rules.refused import checked, in_use, name_taken, no_column
from pgmig_tui.impact.rules.refused_index import index_refused
from pgmig_tui.impact.rules.safer_index import concurrently, index_name, partition_by_partition, reindex_concurrently
from pgmig_tui.impact.selectivity import share


def create_index(node: Node, scene: Scene, out: Effect) -> None:
    name = nodes.name_of(node.relation)
    if scene.absent(name, out):
        return
    table = scene.catalog.relation(name)
    if wrong_kind(scene, out, table, "rpm"):
        return
    concurrent = bool(node.concurrent)
    if concurrent:
        out.no_transaction = out.temporary_locks = True
        if table.partitioned and node.relation.inh:
            out.fail(f"{table.name} is partitioned: CREATE INDEX CONCURRENTLY is refused", "0A000")
    mode = SUE if concurrent else S
    members = scene.catalog.tree(table.name) if table.partitioned and node.relation.inh else [table]
    in_use(scene, out, members, "CREATE INDEX")
    present = any(index.name.relation == node.idxname for index in table.indexes)
    for member in members:
        out.lock(member, mode, f"CREATE INDEX {node.idxname}".strip())
        if not present:
            out.scan(member)
    if present:
        if not node.if_not_exists:
            out.fail(f"index {node.idxname} exists already", "42P07")
        return
    elements = [item.index_elem for item in node.index_params]
    columns = tuple(name for element in elements if (name := element.name))
    no_column(out, table, columns)
    index_refused(node, table, scene, out)
    stored_where(scene, out, node.table_space, node.access_method)
    if node.unique and scene.catalog.live and (told := inherited.lacks_partition_key(table, columns)):
        out.fail(told)
    if node.idxname:
        taken = Name(table.name.schema, node.idxname)
        if node.if_not_exists and scene.catalog.index(taken) is not None:
            return
        name_taken(scene, out, taken)
    included = [item.index_elem.name for item in node.index_including_params]
    names = frozenset((*columns, *included, *_expression_columns(node, elements)))
    called = index_name(node, scene, table)
    alone = not node.relation.inh and table.kind in "p?"  # ON ONLY reads nothing there
    if not concurrent and not table.new and table.kind != "m" and not alone:
        _advise(node, scene, out, table, called)
    whole = not nodes.has(node, "where_clause") and len(columns) == len(elements)
    for element in elements:
        if element.HasField("expr"):
            checked(element.expr, table, out, "an index expression")
            evaluated(element.expr, scene, out)
    if nodes.has(node, "where_clause"):
        evaluated(node.where_clause, scene, out)
    index = Index(
        Name(table.name.schema, called),
        names,
        columns,
        bool(node.unique),
        new=True,
        whole=whole,
        method=node.access_method,
        partial=nodes.has(node, "where_clause"),
    )
    for member in members if not alone else ():
        part = share(node.where_clause, member).high if nodes.has(node, "where_clause") else 1.0
        out.build(member, index, part)
    if not table.known:
        scene.catalog.there_again(index.name)
    for member in members:
        if member.known:
            own = (
                index
                if member is members[0]
                else replace(
                    index,
                    name=Name(member.name.schema, f"{member.name.relation}_{'_'.join(columns)}_idx"),
                    parent=index.name,
                )
            )
            scene.catalog.put(replace(member, indexes=(*member.indexes, own)))


def _expression_columns(node: Node, elements: list[Node]) -> list[str]:
    parts = [element.expr for element in elements if element.HasField("expr")]
    if node.HasField("where_clause"):
        parts.append(node.where_clause)
    found: list[str] = []
    for part in parts:
        for inner in nodes.walk(part):
            if nodes.kind(inner) == "ColumnRef":
                found.extend(nodes.strings(inner.fields)[-1:])
    return found


def _advise(node: Node, scene: Scene, out: Effect, table: Relation, name: str) -> None:
    if table.partitioned:
        out.advise(
            "index-partitions",
            f"writes to {table.name} and all partitions wait until every index is built: build them one by one",
            lambda: partition_by_partition(node, scene, table, name),
        )
        return
    out.advise(
        "index-concurrently",
        f"writes to {table.name} wait until the index is built; CONCURRENTLY lets them go on "
        "(in a change of its own, no transaction)",
        lambda: concurrently(node),
    )


def reindex(node: Node, scene: Scene, out: Effect) -> None:
    what = nodes.enum_name("ReindexObjectType", node.kind)
    option = nodes.options(node.params).get("concurrently")
    concurrent = option is not None and nodes.is_on(option)
    if concurrent:
        out.no_transaction = out.temporary_locks = True
    mode = SUE if concurrent else S
    if what == "REINDEX_OBJECT_INDEX":
        name = nodes.name_of(node.relation)
        found = scene.catalog.index(name)
        if found is None:
            if scene.catalog.missing(name):
                out.fail(f"index {scene.catalog.resolve(name)} does not exist", "42P01")
                return
            if wrong_kind(scene, out, scene.catalog.relation(name), "i", "an index"):
                return
            out.lock_name(scene.catalog.resolve(name), "i", SUE if concurrent else AE, "REINDEX")
            out.unknown.append(f"the table of {name}: it gets {mode.sql_name} too (no catalog)")
            return
        table, index = found
        if table.partitioned:
            out.no_transaction = True
        if concurrent and index.exclusion:
            out.fail(f"{index.name} is an exclusion constraint's: CONCURRENTLY is refused", "0A000")
        for member, part in scene.catalog.index_family(table, index):
            _rebuild(scene, out, member, [part], concurrent)
    elif what == "REINDEX_OBJECT_TABLE":
        name = nodes.name_of(node.relation)
        if scene.absent(name, out):
            return
        table = index_or_relation(scene.catalog, name)
        if wrong_kind(scene, out, table, "rpmt", "a table or materialized view"):
            return
        if table.partitioned:
            out.no_transaction = out.temporary_locks = True
        for member in scene.catalog.tree(table.name) if table.partitioned else [table]:
            rebuilt = [one for one in member.indexes if not (concurrent and one.exclusion)]  # those it passes over
            _rebuild(scene, out, member, rebuilt, concurrent)
        if not table.known:
            out.unknown.append(f"the indexes of {table.name}, each rebuilt (no catalog)")
    else:
        out.no_transaction = out.temporary_locks = True
        schema = node.name if what == "REINDEX_OBJECT_SCHEMA" else None
        inside = [r for r in scene.catalog if schema is None or r.name.schema == schema]
        if schema is None or not scene.catalog.live:
            out.unknown.append("which tables it rebuilds the indexes of: each in a transaction of its own")
        for member in inside:
            if member.kind in "rm":
                _rebuild(scene, out, member, list(member.indexes), concurrent)
    if not concurrent and what in {"REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE"}:
        rebuilt = list(out.rebuilds.values())
        out.advise(
            "reindex-concurrently",
            "the indexes can't be opened meanwhile, so reads wait too; CONCURRENTLY lets them go on",
            lambda: reindex_concurrently(node, rebuilt),
        )


def _rebuild(scene: Scene, out: Effect, table: Relation, indexes: list[Index], concurrent: bool) -> None:
    out.lock(table, SUE if concurrent else S, "REINDEX")
    for index in indexes:
        out.lock_index(table, index, SUE if concurrent else AE, "rebuilt")
        if not table.partitioned:
            out.rebuild(table, index)
    out.scan(table)


RULES = {"IndexStmt": create_index, "ReindexStmt": reindex}
