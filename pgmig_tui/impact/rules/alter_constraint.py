"""ALTER TABLE's subcommands on constraints, and constraints that come with a new column or table."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import fk_sides, lock_merged, merges, trigger_sides
from pgmig_tui.impact.facts import CheckConstraint, ForeignKey, Index, Name, Relation, replace
from pgmig_tui.impact.modes import AE, RS, SRE, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.cascade import falls, part_key
from pgmig_tui.impact.rules.safer_alter import OfColumn
from pgmig_tui.impact.rules.safer_constraint import column_not_valid, column_using_index, not_valid, using_index
from pgmig_tui.impact.safer import free_name, taken_in
from pgmig_tui.impact.shadow import Catalog


def add(at: Altering, cmd: Node) -> None:
    add_constraint(at, nodes.definition(cmd), "", filled=False)


def add_constraint(at: Altering, node: Node, column: str, *, filled: bool, own: OfColumn | None = None) -> None:
    """One constraint. `column` is the new one at which it stands ("" = it stands alone), `own` its place there;
    `filled`: that column has values already."""
    kind = nodes.enum_name("ConstrType", node.contype)
    if kind == "CONSTR_FOREIGN":
        _add_foreign_key(at, node, column, filled, own)
    elif kind == "CONSTR_CHECK":
        _add_check(at, node, column, own)
    elif kind == "CONSTR_NOTNULL":
        _add_not_null(at, node)
    elif kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        _add_unique(at, node, column, kind == "CONSTR_PRIMARY", own)
    elif kind == "CONSTR_EXCLUSION":
        at.scan_members()
        keys = _excluded(node)
        _note_index(at, named(at, node, keys, "excl"), keys, node)


def _excluded(node: Node) -> tuple[str, ...]:
    """The columns of an EXCLUDE constraint's elements."""
    return tuple(item.list.items[0].index_elem.name for item in node.exclusions)


def named(at: Altering, node: Node, columns: tuple[str, ...], label: str) -> str:
    """The constraint's name, or the one that the server makes up."""
    if node.conname:
        return str(node.conname)
    table = at.current(at.table)
    return free_name(table.name.relation, columns, label, taken_in(at.scene.catalog, table))


def _add_foreign_key(at: Altering, node: Node, column: str, filled: bool, own: OfColumn | None) -> None:
    catalog, out, table = at.scene.catalog, at.out, at.table
    target = nodes.name_of(node.pktable)
    columns = (column,) if column else tuple(nodes.strings(node.fk_attrs))
    if catalog.missing(target):
        out.fail(f"{catalog.resolve(target)}, which the foreign key references, does not exist", "42P01")
        return
    referenced = catalog.relation(target)
    deferrable = "tt" if node.deferrable and node.initdeferred else ("tf" if node.deferrable else "ff")
    valid = bool(node.initially_valid) and not node.skip_validation
    key = ForeignKey(
        named(at, node, columns, "fkey"),
        table.name,
        columns,
        referenced.name,
        tuple(nodes.strings(node.pk_attrs)) or _primary_key(referenced),
        valid,
        node.fk_del_action or "a",
        node.fk_upd_action or "a",
        bool(node.is_enforced),
        shape=(node.fk_matchtype or "s") + deferrable,
    )
    merging = [m for m in catalog.tree(table.name)[1:] if merges(at.scene, key, m)] if table.partitioned else []
    for member in merging if referenced.partitioned else ():
        out.lock(member, AE, f"its own foreign key becomes part of {key.name}")
    lock_merged(at.scene, out, referenced.name, "referenced by the new foreign key", merged=bool(merging))
    if node.skip_validation and node.is_enforced and table.partitioned and at.scene.major < 18:
        out.fail(f"before 18 a NOT VALID foreign key is refused on the partitioned table {table.name}", "42809")
    if valid and bool(node.is_enforced) and (filled or not column):
        at.join_members()
        for side in fk_sides(at.scene, referenced.name):
            out.scan(side)
        if not table.new and not (table.partitioned and at.scene.major < 18):
            at.advise(
                "fk-not-valid",
                f"the foreign key is checked while writes to {at.name} and {referenced.name} wait: "
                "add it NOT VALID, validate it in a later transaction",
                not_valid(at.position, key.name)
                if own is None
                else column_not_valid(at.position, own, column, key.name),
            )
    if not referenced.known and not catalog.live:
        out.notes.append(f"partitions of {referenced.name}, if any, get the same lock (not known without a server)")
    for position, member in enumerate(at.members):
        current = at.current(member)
        catalog.put(
            replace(
                current,
                foreign_keys=(*current.foreign_keys, replace(key, table=current.name, inherited=position > 0)),
            )
        )


def _primary_key(relation: Relation) -> tuple[str, ...]:
    return next((index.keys for index in relation.indexes if index.primary), ())


def _add_check(at: Altering, node: Node, column: str, own: OfColumn | None) -> None:
    valid = not node.skip_validation and bool(node.is_enforced)
    columns = tuple(dict.fromkeys(columns_in(node.raw_expr)))
    name = named(at, node, columns if len(columns) == 1 else (), "check")
    if valid:
        at.scan_members()
        if not at.table.new:
            at.advise(
                "check-not-valid",
                f"the CHECK reads all of {at.name} while nobody else can: add it NOT VALID, then validate",
                not_valid(at.position, name) if own is None else column_not_valid(at.position, own, column, name),
            )
    proves = columns_not_null(node.raw_expr)
    for member in at.members:
        current = at.current(member)
        check = CheckConstraint(name, columns, valid, "c", proves, bool(node.is_no_inherit))
        at.scene.catalog.put(replace(current, checks=(*current.checks, check)))


def columns_in(expression: Node) -> list[str]:
    found = []
    for node in nodes.walk(expression):
        if nodes.kind(node) == "ColumnRef":
            fields = nodes.strings(node.fields)
            found.extend(fields[-1:])
    return found


def columns_not_null(expression: Node) -> frozenset[str]:
    """Columns that `c IS NOT NULL [AND ...]` keeps from being NULL."""
    node = nodes.open_node(expression)
    if node is None:
        return frozenset()
    if nodes.kind(node) == "NullTest" and nodes.enum_name("NullTestType", node.nulltesttype) == "IS_NOT_NULL":
        return frozenset(nodes.strings(node.arg.column_ref.fields)[-1:])
    if nodes.kind(node) == "BoolExpr" and nodes.enum_name("BoolExprType", node.boolop) == "AND_EXPR":
        return frozenset().union(*(columns_not_null(arg) for arg in node.args))
    return frozenset()


def _add_not_null(at: Altering, node: Node) -> None:
    """ADD CONSTRAINT ... NOT NULL column (18)."""
    for column in nodes.strings(node.keys):
        name = named(at, node, (column,), "not_null")
        scanned = False
        for member in at.members:
            current = at.current(member)
            known = current.columns.get(column)
            if not node.skip_validation and not (known is not None and known.not_null and known.not_null_valid):
                at.out.scan(current)
                scanned = True
            check = CheckConstraint(name, (column,), not node.skip_validation, "n", frozenset({column}))
            at.scene.catalog.put(replace(current, checks=(*current.checks, check)))
        if scanned and not at.table.new:
            at.advise(
                "set-not-null",
                f"NOT NULL reads all of {at.name} while nobody else can: add it NOT VALID, then validate",
                not_valid(at.position, name),
            )
        at.change_column(column, not_null=True, not_null_valid=not node.skip_validation)


def primary_key_reach(node: Node, table: Relation) -> str:
    """A primary key sets its columns NOT NULL, children included; with that done already it stays on the table."""
    columns = nodes.strings(node.keys)
    if columns and table.columns and all(c in table.columns and table.columns[c].not_null for c in columns):
        return ""
    return "tree"


def _add_unique(at: Altering, node: Node, column: str, primary: bool, own: OfColumn | None) -> None:
    out, table = at.out, at.table
    keys = (column,) if column else tuple(nodes.strings(node.keys))
    if node.indexname:
        index = next((i for i in table.indexes if i.name.relation == node.indexname), None)
        name = index.name if index else Name(table.name.schema, node.indexname)
        if node.conname not in {"", node.indexname}:
            out.lock_name(name, "i", SUE, "is renamed to the constraint's name", new=table.new)
        now = Name(name.schema, node.conname or name.relation)  # the index gets the constraint's name
        if index is not None:
            keys = index.keys
            indexes = tuple(
                replace(i, name=now, primary=primary, constraint=now.relation, deferrable=bool(node.deferrable))
                if i is index
                else i
                for i in table.indexes
            )
            at.scene.catalog.put(replace(at.current(table), indexes=indexes))
        nullable = any(not table.columns[k].not_null for k in keys if k in table.columns)
        if primary and (nullable or not index):
            out.scan(table)
    elif primary and not table.partitioned:
        at.scan_members()
    else:
        for member in at.members if table.partitioned else [table]:
            out.scan(member)
    if not node.indexname:
        called = index_name(at, node, keys, primary=primary)
        _note_index(at, called, keys, node)
        if not table.new and not table.partitioned:
            at.advise(
                "constraint-using-index",
                f"the index is built while nobody can read {at.name}: build it concurrently, then attach it",
                column_using_index(at.position, called, own, column)
                if own
                else using_index(at.position, called, keys, _nullable(table, keys) if primary else ()),
            )
    if primary:
        for key in keys:
            at.change_column(key, not_null=True)


def _nullable(table: Relation, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of which a primary key would have to find out that none is NULL."""
    found = (table.columns.get(key) for key in keys)
    proven = {column for check in table.checks if check.valid for column in check.proves_not_null}
    return tuple(one.name for one in found if one is not None and not one.not_null and one.name not in proven)


def index_name(at: Altering, node: Node, keys: tuple[str, ...], *, primary: bool) -> str:
    """The name of the constraint's index, which is the constraint's own."""
    columns = () if primary else (*keys, *nodes.strings(node.including))
    return named(at, node, columns, "pkey" if primary else "key")


def _note_index(at: Altering, name: str, keys: tuple[str, ...], node: Node) -> None:
    """The index of a PRIMARY KEY, UNIQUE or EXCLUDE constraint is there from now on."""
    kind = nodes.enum_name("ConstrType", node.contype)
    primary, exclusion = kind == "CONSTR_PRIMARY", kind == "CONSTR_EXCLUSION"
    label = "pkey" if primary else ("excl" if exclusion else "key")
    partial = exclusion and nodes.has(node, "where_clause")
    parent: Name | None = None
    for member in at.members if at.table.partitioned else at.members[:1]:
        current = at.current(member)
        if parent is not None:
            name = free_name(current.name.relation, () if primary else keys, label, taken_in(at.scene.catalog, current))
        own = Name(current.name.schema, name)
        names = frozenset((*keys, *nodes.strings(node.including)))
        index = Index(
            own,
            names,
            keys,
            not exclusion,
            primary,
            True,
            name,
            parent,
            new=True,
            whole=not partial,
            partial=partial,
            method=node.access_method if exclusion else "",
            deferrable=bool(node.deferrable),
            exclusion=exclusion,
        )
        parent = parent or own
        at.out.build(current, index)
        at.scene.catalog.put(replace(current, indexes=(*current.indexes, index)))


def validate_reach(constraint: str, table: Relation) -> str:
    for check in table.checks:
        if check.name == constraint:
            return "" if check.valid or check.no_inherit else "tree"
    return "partitions"


def validate(at: Altering, cmd: Node) -> None:
    table, out, name = at.table, at.out, cmd.name
    key = next((k for k in table.foreign_keys if k.name == name), None)
    check = next((c for c in table.checks if c.name == name), None)
    if key is not None and not key.valid:
        for side in fk_sides(at.scene, key.referenced):
            out.lock(side, RS, f"referenced by {name}")
            out.scan(side)
        at.join_members()
    elif check is not None and not check.valid:
        at.scan_members()
    elif key is None and check is None:
        if table.known and table.columns and at.scene.catalog.live:
            out.fail(f"{table.name} has no constraint {name}", "42704")
        else:
            out.unknown.append(f"whether {name} is a foreign key: then the table it references gets ROW SHARE too")
            out.scan(table)
    for member in at.members:
        current = at.current(member)
        if not current.known:
            continue
        keys = tuple(replace(k, valid=True) if k.name == name else k for k in current.foreign_keys)
        checks = tuple(replace(c, valid=True) if c.name == name else c for c in current.checks)
        columns = dict(current.columns)
        if check is not None:
            for column in check.columns if check.kind == "n" else ():
                if column in columns:
                    columns[column] = replace(columns[column], not_null_valid=True)
        at.scene.catalog.put(replace(current, foreign_keys=keys, checks=checks, columns=columns))


def alter(at: Altering, cmd: Node) -> None:
    """ALTER CONSTRAINT: deferrability, or (18) enforcement."""
    definition = nodes.definition(cmd)
    key = next((k for k in at.table.foreign_keys if k.name == definition.conname), None)
    if not definition.alter_enforceability:
        return
    if key is None:
        at.out.unknown.append(f"what {definition.conname} references: it is locked too")
        return
    for side in fk_sides(at.scene, key.referenced):
        at.out.lock(side, SRE if definition.is_enforced else AE, f"referenced by {key.name}")
        if definition.is_enforced:
            at.out.scan(side)
    if definition.is_enforced:
        at.scan_members()


def drop_reach(constraint: str, table: Relation) -> str:
    """CHECK and NOT NULL are inherited, unless they say NO INHERIT; keys go through partitions only."""
    for check in table.checks:
        if check.name == constraint:
            return "" if check.no_inherit else "tree"
    return "partitions" if table.columns else "tree"


def drop(at: Altering, cmd: Node) -> None:
    name, out, table = cmd.name, at.out, at.table
    cascade = nodes.cascades(cmd)
    found = False
    if cascade and at.scene.catalog.facts.cascades:
        falls(at.scene, out, [part_key(table, name, "constraint", at.scene.catalog)], f"dropped with {name}")
    gone: set[Name] = set()
    needing: list[ForeignKey] = []
    for member in at.members:
        current = at.current(member)
        for key in current.foreign_keys:
            if key.name == name or (member is not at.members[0] and _same_key(table, key, name)):
                found = True
                for other in (at.scene.catalog.relation(key.referenced), *trigger_sides(at.scene, key.referenced)):
                    out.lock(other, AE, f"referenced by {key.name}")
        indexes = {i.name: i for i in current.indexes if i.constraint == name or (i.parent in gone)}
        for index in indexes.values():
            found = True
            out.lock_index(current, index, AE, f"the index of {name}")
            gone.add(index.name)
            for key in at.scene.catalog.incoming(current.name) if cascade else []:
                if key.index == index.name or (key.index is None and set(key.referenced_columns) == set(index.keys)):
                    for other in fk_sides(at.scene, key.table):
                        out.lock(other, AE, f"its {key.name} needs {name}")
                    needing.append(key)
        if any(check.name == name for check in current.checks):
            found = True
    if not found and not cmd.missing_ok:
        if at.scene.catalog.live and table.known:
            out.fail(f"{table.name} has no constraint {name}", "42704")
        else:
            out.unknown.append(f"whether {name} is a foreign key: then the table it references gets ACCESS EXCLUSIVE")
    _forget(at, name, gone)
    for key in needing:
        forget_key(at.scene.catalog, key)


def forget_key(catalog: Catalog, key: ForeignKey) -> None:
    """A foreign key that fell with what it references."""
    table = catalog.known(key.table)
    if table is not None:
        kept = tuple(one for one in table.foreign_keys if one.name != key.name)
        catalog.put(replace(table, foreign_keys=kept))


def _same_key(table: Relation, key: ForeignKey, name: str) -> bool:
    """A partition's own copy of its parent's foreign key."""
    parent = next((k for k in table.foreign_keys if k.name == name), None)
    return parent is not None and (key.columns, key.referenced) == (parent.columns, parent.referenced)


def _forget(at: Altering, name: str, indexes: set[Name]) -> None:
    for member in at.members:
        current = at.current(member)
        if current.known:
            at.scene.catalog.put(
                replace(
                    current,
                    foreign_keys=tuple(k for k in current.foreign_keys if k.name != name),
                    checks=tuple(c for c in current.checks if c.name != name),
                    indexes=tuple(i for i in current.indexes if i.name not in indexes),
                )
            )
