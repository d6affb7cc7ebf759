"""ALTER TABLE's subcommands on constraints, and constraints that come with a new column or table."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import fk_sides, merges, quote, quoted
from pgmig_tui.impact.facts import Check, ForeignKey, Index, Name, Relation, replace
from pgmig_tui.impact.modes import AE, RS, SRE, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.cascade import falls, part_key


def add(at: Altering, cmd: Node) -> None:
    add_constraint(at, nodes.definition(cmd), (), of_new_column=False, filled=False)


def add_constraint(at: Altering, node: Node, columns: tuple[str, ...], *, of_new_column: bool, filled: bool) -> None:
    """One constraint. `columns` are those of a column constraint; `filled`: the new column has values already."""
    kind = nodes.enum_name("ConstrType", node.contype)
    if kind == "CONSTR_FOREIGN":
        _add_foreign_key(at, node, columns, of_new_column, filled)
    elif kind == "CONSTR_CHECK":
        _add_check(at, node)
    elif kind == "CONSTR_NOTNULL":
        _add_not_null(at, node)
    elif kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        _add_unique(at, node, columns, kind == "CONSTR_PRIMARY")
    elif kind == "CONSTR_EXCLUSION":
        at.scan_members()
        _note_index(at, node, columns, unique=False, primary=False)


def _add_foreign_key(at: Altering, node: Node, columns: tuple[str, ...], new_column: bool, filled: bool) -> None:
    catalog, out, table = at.scene.catalog, at.out, at.table
    target = nodes.name_of(node.pktable)
    columns = columns or tuple(nodes.strings(node.fk_attrs))
    if catalog.missing(target):
        out.problem = f"{catalog.resolve(target)}, which the foreign key references, does not exist"
        return
    referenced = catalog.relation(target)
    deferrable = "tt" if node.deferrable and node.initdeferred else ("tf" if node.deferrable else "ff")
    key = ForeignKey(
        node.conname or "_".join((table.name.relation, *columns, "fkey")),
        table.name,
        columns,
        referenced.name,
        tuple(nodes.strings(node.pk_attrs)) or _primary_key(referenced),
        bool(node.initially_valid) and not node.skip_validation,
        node.fk_del_action or "a",
        node.fk_upd_action or "a",
        bool(node.is_enforced),
        shape=(node.fk_matchtype or "s") + deferrable,
    )
    merging = [m for m in catalog.tree(table.name)[1:] if merges(at.scene, key, m)] if table.partitioned else []
    for member in merging if referenced.partitioned else ():
        out.lock(member, AE, f"its own foreign key becomes part of {key.name}")
    for side in fk_sides(at.scene, referenced.name):
        out.lock(side, AE if merging else SRE, "referenced by the new foreign key")
    valid = bool(node.initially_valid) and not node.skip_validation
    checked = valid and bool(node.is_enforced) and (filled or not new_column)
    if node.skip_validation and table.partitioned and at.scene.major < 18:
        out.problem = f"before 18 a NOT VALID foreign key is refused on the partitioned table {table.name}"
    if checked:
        at.scan_members()
        for side in fk_sides(at.scene, referenced.name):
            out.scan(side)
        _foreign_key_advice(at, node, columns, referenced)
    if not referenced.known and not catalog.live:
        out.notes.append(f"partitions of {referenced.name}, if any, get the same lock (not known without a server)")
    for position, member in enumerate(at.members):
        current = at.current(member)
        own = replace(key, table=current.name, inherited=position > 0)
        catalog.put(replace(current, foreign_keys=(*current.foreign_keys, own)))


def _primary_key(relation: Relation) -> tuple[str, ...]:
    return next((index.keys for index in relation.indexes if index.primary), ())


def _foreign_key_advice(at: Altering, node: Node, columns: tuple[str, ...], referenced: Relation) -> None:
    if at.table.new or (at.table.partitioned and at.scene.major < 18):
        return
    name = quote(node.conname or "_".join((at.name.relation, *columns, "fkey")))
    keys = ", ".join(map(quote, nodes.strings(node.pk_attrs)))
    table = quoted(at.name)
    at.out.advise(
        "fk-not-valid",
        f"the foreign key is checked while writes to {at.name} and {referenced.name} wait: "
        "add it NOT VALID, validate it in a later transaction",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({', '.join(map(quote, columns))}) "
        f"REFERENCES {quoted(referenced.name)}{f' ({keys})' if keys else ''} NOT VALID;\n"
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    )


def _add_check(at: Altering, node: Node) -> None:
    valid = not node.skip_validation and bool(node.is_enforced)
    proves = columns_not_null(node.raw_expr)
    name = node.conname or f"{at.name.relation}_check"
    if valid:
        at.scan_members()
        if not at.table.new and node.conname:
            table = quoted(at.name)
            at.out.advise(
                "check-not-valid",
                f"the CHECK reads all of {at.name} while nobody else can: add it NOT VALID, then validate",
                f"-- the same statement with NOT VALID at its end, then, in a later transaction:\n"
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)};",
            )
    for member in at.members:
        current = at.current(member)
        check = Check(name, tuple(_columns(node.raw_expr)), valid, "c", proves)
        at.scene.catalog.put(replace(current, checks=(*current.checks, check)))


def _columns(expression: Node) -> list[str]:
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
        for member in at.members:
            current = at.current(member)
            known = current.columns.get(column)
            if not node.skip_validation and not (known is not None and known.not_null and known.not_null_valid):
                at.out.scan(current)
            check = Check(node.conname, (column,), not node.skip_validation, "n", frozenset({column}))
            at.scene.catalog.put(replace(current, checks=(*current.checks, check)))
        at.change_column(column, not_null=True, not_null_valid=not node.skip_validation)


def primary_key_reach(node: Node, table: Relation) -> str:
    """A primary key sets its columns NOT NULL, children included; with that done already it stays on the table."""
    columns = nodes.strings(node.keys)
    if columns and table.columns and all(c in table.columns and table.columns[c].not_null for c in columns):
        return ""
    return "tree"


def _add_unique(at: Altering, node: Node, columns: tuple[str, ...], primary: bool) -> None:
    out, table = at.out, at.table
    keys = columns or tuple(nodes.strings(node.keys))
    if node.indexname:
        index = next((i for i in table.indexes if i.name.relation == node.indexname), None)
        name = index.name if index else Name(table.name.schema, node.indexname)
        if node.conname not in {"", node.indexname}:
            out.lock_name(name, "i", SUE, "is renamed to the constraint's name", new=table.new)
        own = Name(name.schema, node.conname or name.relation)  # the index gets the constraint's name
        if index is not None:
            keys = index.keys
            indexes = tuple(
                replace(i, name=own, primary=primary, constraint=own.relation) if i is index else i
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
    if primary:
        for key in keys:
            at.change_column(key, not_null=True)
    if not node.indexname:
        _note_index(at, node, keys, unique=True, primary=primary)
        if not table.new and not table.partitioned:
            _unique_advice(at, node, keys, primary)


def _unique_advice(at: Altering, node: Node, keys: tuple[str, ...], primary: bool) -> None:
    name = node.conname or "_".join((at.name.relation, *([] if primary else keys), "pkey" if primary else "key"))
    at.out.advise(
        "constraint-using-index",
        f"the index is built while nobody can read {at.name}: build it concurrently, then attach it",
        f"CREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {quoted(at.name)} ({', '.join(map(quote, keys))});\n"
        f"ALTER TABLE {quoted(at.name)} ADD CONSTRAINT {quote(name)} {'PRIMARY KEY' if primary else 'UNIQUE'} "
        f"USING INDEX {quote(name)};",
    )


def _note_index(at: Altering, node: Node, keys: tuple[str, ...], *, unique: bool, primary: bool) -> None:
    suffix = "pkey" if primary else ("key" if unique else "excl")
    name = node.conname or "_".join((at.name.relation, *([] if primary else keys), suffix))
    for member in at.members if at.table.partitioned else at.members[:1]:
        current = at.current(member)
        own = Name(current.name.schema, name if member is at.members[0] else f"{current.name.relation}_{suffix}")
        index = Index(own, frozenset(keys), keys, unique, primary, True, name, new=True)
        at.out.build(current)
        at.scene.catalog.put(replace(current, indexes=(*current.indexes, index)))


def validate_reach(constraint: str, table: Relation) -> str:
    for check in table.checks:
        if check.name == constraint:
            return "" if check.valid else "tree"
    return "partitions"


def validate(at: Altering, cmd: Node) -> None:
    table, out, name = at.table, at.out, cmd.name
    key = next((k for k in table.foreign_keys if k.name == name), None)
    check = next((c for c in table.checks if c.name == name), None)
    if key is not None and not key.valid:
        for side in fk_sides(at.scene, key.referenced):
            out.lock(side, RS, f"referenced by {name}")
            out.scan(side)
        at.scan_members()
    elif check is not None and not check.valid:
        at.scan_members()
    elif key is None and check is None:
        if table.known and table.columns and at.scene.catalog.live:
            out.problem = f"{table.name} has no constraint {name}"
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
    cascade = nodes.enum_name("DropBehavior", cmd.behavior) == "DROP_CASCADE"
    found = False
    if cascade and at.scene.catalog.facts.cascades:
        falls(at.scene, out, [part_key(table, name, "constraint", at.scene.catalog)], f"falls with {name}")
    gone: set[Name] = set()
    for member in at.members:
        current = at.current(member)
        for key in current.foreign_keys:
            if key.name == name or (member is not at.members[0] and _same_key(table, key, name)):
                found = True
                for other in fk_sides(at.scene, key.referenced):
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
        if any(check.name == name for check in current.checks):
            found = True
    if not found and not cmd.missing_ok:
        if at.scene.catalog.live and table.known:
            out.problem = f"{table.name} has no constraint {name}"
        else:
            out.unknown.append(f"whether {name} is a foreign key: then the table it references gets ACCESS EXCLUSIVE")
    _forget(at, name, gone)


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
