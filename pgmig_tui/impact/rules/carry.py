"""What a script makes or changes on a table, carried forward for its later statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace as changed

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Column, DependentRelation, FunctionFact, Name, Relation, Trigger, replace
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.cascade import takes_text
from pgmig_tui.impact.rules.visible import visible
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.typechange import type_name

_ROW = 1
"""The bit of pg_trigger.tgtype for FOR EACH ROW."""
_ENABLED = {"AT_EnableAlwaysTrig": "A", "AT_EnableReplicaTrig": "R"}


def trigger_made(catalog: Catalog, table: Relation, node: Node) -> None:
    """CREATE TRIGGER: it fires from now on, on the partitions too where it is for each row."""
    function = _function_name(catalog, nodes.strings(node.funcname))
    columns = frozenset(nodes.strings(node.columns))
    deferred = ("d" if node.initdeferred else "i" if node.deferrable else "") if node.isconstraint else ""
    # timing and events are the bits of pg_trigger.tgtype
    trigger = Trigger(
        node.trigname, function, (_ROW if node.row else 0) | node.timing | node.events, "O", columns, deferred
    )
    members = catalog.tree(table.name) if table.partitioned and node.row else [table]
    for member in members:
        if member.known:
            kept = tuple(one for one in member.triggers if one.name != trigger.name)
            catalog.put(replace(member, triggers=(*kept, trigger)))
    depend_on_function(catalog, function, DependentRelation(table.name, "g", part=node.trigname))


def _function_name(catalog: Catalog, parts: list[str]) -> Name:
    found = catalog.functions(parts, 0) or catalog.functions(parts)
    return found[0].name if found else catalog.creation_name(nodes.name_from(parts))


def depend_on_function(catalog: Catalog, function: Name, dependent: DependentRelation) -> None:
    for fact in catalog.functions([function.schema, function.relation]):
        if dependent not in fact.dependents:
            catalog.put_function(changed(fact, dependents=(*fact.dependents, dependent)))


def triggers_switched(catalog: Catalog, members: Iterable[Relation], names: Collection[str], subtype: str) -> None:
    """ENABLE or DISABLE TRIGGER of these names."""
    enabled = "D" if subtype.startswith("AT_Disable") else _ENABLED.get(subtype, "O")
    for member in members:
        if not member.known or not member.triggers:
            continue
        triggers = tuple(changed(one, enabled=enabled) if one.name in names else one for one in member.triggers)
        catalog.put(replace(member, triggers=triggers))


def rule_made(
    catalog: Catalog,
    table: Relation,
    name: str,
    named: Iterable[Name],
    written: Mapping[Name, frozenset[str]],
    event: str = "",
) -> None:
    """CREATE RULE: what its actions name has something that depends on it, the columns that are `written` among it."""
    if not table.known:
        return
    for other in list(catalog):
        kept = tuple(one for one in other.dependents if (one.kind, one.name, one.part) != ("rule", table.name, name))
        if other.name != table.name and other.name in named:
            kept = (*kept, DependentRelation(table.name, "rule", written.get(other.name, frozenset()), name))
        if kept != other.dependents:
            catalog.put(replace(other, dependents=kept))
    if (table := catalog.relation(table.name)).known:
        rules = (*(one for one in table.rules if one != name), name)
        events = {**table.rule_events, name: event}
        catalog.put(replace(table, rules=rules, rule_events=events, reads=tuple(dict.fromkeys((*table.reads, *named)))))


def policy_made(catalog: Catalog, table: Relation, name: str, named: Iterable[Name], own: frozenset[str]) -> None:
    """CREATE or ALTER POLICY: what it names has something that depends on it, the table's `own` columns among it."""
    if table.known:
        policies = table.policies if name in table.policies else (*table.policies, name)
        kept = tuple(one for one in table.dependents if (one.kind, one.name, one.part) != ("y", table.name, name))
        catalog.put(
            replace(table, policies=policies, dependents=(*kept, DependentRelation(table.name, "y", own, name)))
        )
    for other in named:
        known = catalog.get(other)
        if known is not None and known.name != table.name:
            dependent = DependentRelation(table.name, "y", part=name)
            if dependent not in known.dependents:
                catalog.put(replace(known, dependents=(*known.dependents, dependent)))


def dropped_on_table(catalog: Catalog, members: Iterable[Relation], what: str, name: str) -> None:
    """DROP TRIGGER, RULE or POLICY."""
    for member in members:
        here = catalog.known(member.name)
        if here is None:
            continue
        if what == "trigger":
            here = replace(here, triggers=tuple(one for one in here.triggers if one.name != name))
        elif what == "rule":
            here = replace(here, rules=tuple(one for one in here.rules if one != name))
        else:
            here = replace(here, policies=tuple(one for one in here.policies if one != name))
        catalog.put(here)


def renamed_on_table(catalog: Catalog, members: Iterable[Relation], what: str, old: str, new: str) -> None:
    """ALTER TRIGGER, RULE or POLICY … RENAME."""
    for member in members:
        here = catalog.known(member.name)
        if here is None:
            continue
        if what == "OBJECT_TRIGGER":
            triggers = tuple(changed(one, name=new) if one.name == old else one for one in here.triggers)
            here = replace(here, triggers=triggers)
        elif what == "OBJECT_RULE":
            here = replace(here, rules=tuple(new if one == old else one for one in here.rules))
        else:
            dependents = tuple(
                replace(one, part=new) if one.kind == "y" and one.part == old else one for one in here.dependents
            )
            here = replace(
                here, policies=tuple(new if one == old else one for one in here.policies), dependents=dependents
            )
        catalog.put(here)


def detached(partition: Relation, parent: Relation) -> Relation:
    """A partition that stands alone: its parts of the parent's keys and indexes are its own from now on."""
    return replace(
        partition,
        parents=tuple(name for name in partition.parents if name != parent.name),
        is_partition=False,
        foreign_keys=tuple(replace(key, inherited=False, parent=0) for key in partition.foreign_keys),
        indexes=tuple(replace(index, parent=None) for index in partition.indexes),
    )


def attached(partition: Relation, parent: Relation) -> Relation:
    """A partition with its parts of the parent's keys and indexes: its own where they fit, else new ones."""
    indexes = list(partition.indexes)
    for index in parent.indexes:
        fits = next((i for i in indexes if (i.keys, i.unique, i.parent) == (index.keys, index.unique, None)), None)
        if fits is not None:
            indexes[indexes.index(fits)] = replace(fits, parent=index.name)
        else:
            name = Name(partition.name.schema, f"{partition.name.relation}_{'_'.join(index.keys)}_idx")
            indexes.append(replace(index, name=name, parent=index.name, constraint="", new=True))
    theirs = {(key.columns, key.referenced) for key in parent.foreign_keys}
    own = {(key.columns, key.referenced) for key in partition.foreign_keys}
    keys = [replace(k, inherited=k.inherited or (k.columns, k.referenced) in theirs) for k in partition.foreign_keys]
    keys += [
        replace(key, table=partition.name, inherited=True, id=0)
        for key in parent.foreign_keys
        if (key.columns, key.referenced) not in own
    ]
    return replace(partition, indexes=tuple(indexes), foreign_keys=tuple(keys))


def view_columns(catalog: Catalog, query: Node, source: Relation) -> frozenset[str]:
    """The columns of a relation that a query may name: all where it takes all of its row; never too few. Those that are
    named with another table before them are none of its own.
    """
    names: set[str] = set()
    found = list(nodes.walk(query))
    called: dict[str, bool] = {}
    for inner in found:
        if nodes.kind(inner) == "RangeVar":
            name = inner.alias.aliasname if nodes.has(inner, "alias") else inner.relname
            called[name] = called.get(name, False) or catalog.resolve(nodes.name_of(inner)) == source.name
    for inner in found:
        if nodes.kind(inner) == "ColumnRef":
            parts = nodes.strings(inner.fields)
            star = inner.fields[-1].WhichOneof("node") == "a_star"
            table = "" if len(inner.fields) < 2 else parts[-1 if star else -2]
            if table and not called.get(table, True):
                continue
            if star and called.get(table, False):
                return frozenset(source.columns)
            names.update(() if star else parts[-1:])
        elif nodes.kind(inner) == "SelectStmt" and _takes_all(inner) and source.name in _in_from(inner, catalog):
            return frozenset(source.columns)
        elif nodes.kind(inner) == "JoinExpr":
            names.update(nodes.strings(inner.using_clause))
            if inner.is_natural:
                return frozenset(source.columns)
    return frozenset(names & set(source.columns))


def _takes_all(select: Node) -> bool:
    """Whether a SELECT has a plain * in its list."""
    values = [item.res_target.val.column_ref for item in select.target_list]
    return any(len(one.fields) == 1 and one.fields[0].WhichOneof("node") == "a_star" for one in values)


def _in_from(select: Node, catalog: Catalog) -> set[Name]:
    """The relations that stand in the FROM of a SELECT itself, joined or not."""
    found: set[Name] = set()
    todo = list(select.from_clause)
    while todo:
        item = todo.pop()
        which = item.WhichOneof("node")
        if which == "join_expr":
            todo += [item.join_expr.larg, item.join_expr.rarg]
        elif which == "range_var":
            found.add(catalog.resolve(nodes.name_of(item.range_var)))
    return found


def result_columns(catalog: Catalog, query: Node) -> dict[str, Column]:
    """The columns that a query gives, as far as the text and the tables in its FROM tell; empty where they don't."""
    select = nodes.statement(query)
    if nodes.kind(select) != "SelectStmt" or not select.target_list:
        return {}
    found: dict[str, Column] = {}
    named = _from(select.from_clause, catalog)
    sources = [one for _, one in named or () if one is not None]
    for item in select.target_list:
        name, value = item.res_target.name, item.res_target.val
        if value.WhichOneof("node") == "column_ref":
            if any(part.WhichOneof("node") == "a_star" for part in value.column_ref.fields):
                starred = _starred(value.column_ref, named)
                if starred is None:
                    return {}
                found.update((column.name, _copied(column)) for one in starred for column in one.columns.values())
                continue
            name = name or nodes.strings(value.column_ref.fields)[-1]
            of = nodes.strings(value.column_ref.fields)[-1]
        elif value.WhichOneof("node") == "type_cast":
            made = type_name(value.type_cast.type_name)
            inner = value.type_cast.arg
            plain = inner.WhichOneof("node") == "column_ref" and not inner.column_ref.fields[-1].HasField("a_star")
            name = name or (nodes.strings(inner.column_ref.fields)[-1] if plain else made.name)
            known_type = not made.schema or made.schema == "pg_catalog"
            found[name] = Column(name, ("_" if made.array else "") + made.name if known_type else "", made.typmod)
            continue
        else:
            of = ""
            if not name and value.WhichOneof("node") == "func_call":
                name = nodes.strings(value.func_call.funcname)[-1]
            elif not name and value.WhichOneof("node") in {"a_const", "a_expr"}:
                name = "?column?"
        if not name:
            return {}
        known = next((source.columns[of] for source in sources if of in source.columns), Column(name, typmod=0))
        found[name] = replace(_copied(known), name=name)
    return found


def _from(sources: Node, catalog: Catalog) -> list[tuple[str, Relation | None]] | None:
    """What stands in FROM in its order, by the names that it is called by; None of what isn't a table that is known.
    None where columns of two tables are one, by USING or NATURAL."""
    found: list[tuple[str, Relation | None]] = []
    for source in sources:
        which = source.WhichOneof("node")
        if which == "join_expr":
            join = source.join_expr
            inner = _from([join.larg, join.rarg], catalog)
            if inner is None or join.using_clause or join.is_natural:
                return None
            found += inner
        elif which == "range_var":
            table = source.range_var
            called = table.alias.aliasname if nodes.has(table, "alias") else table.relname
            plain = not (nodes.has(table, "alias") and table.alias.colnames)
            found.append((called, catalog.get(nodes.name_of(table)) if plain else None))
        else:
            found.append(("", None))
    return found


def _starred(reference: Node, named: list[tuple[str, Relation | None]] | None) -> list[Relation] | None:
    """The tables whose columns a `*` or `t.*` stands for, None where that isn't known."""
    if named is None:
        return None
    parts = nodes.strings(reference.fields)
    wanted = [one for called, one in named if not parts or called == parts[-1]]
    known = [one for one in wanted if one is not None and one.columns]
    return known if wanted and len(known) == len(wanted) else None


def _copied(column: Column) -> Column:
    """A column with the type of another one, and nothing else of it."""
    return Column(column.name, column.type, column.typmod, column.type_schema)


def function_made(catalog: Catalog, fact: FunctionFact, body: Node | None) -> None:
    """CREATE FUNCTION: what a body of SQL's own form (BEGIN ATOMIC, RETURN) names has something that depends on it."""
    named: set[Name] = set()
    for inner, hidden in visible(body) if body is not None else ():
        if nodes.kind(inner) == "RangeVar" and (inner.schemaname or inner.relname not in hidden):
            named.add(catalog.resolve(nodes.name_of(inner)))
    part = takes_text(fact)
    concerned = {one.name: one for one in (*catalog.naming(fact.name), *filter(None, map(catalog.known, named)))}
    for relation in concerned.values():
        kept = tuple(one for one in relation.dependents if (one.kind, one.name, one.part) != ("f", fact.name, part))
        if body is not None and relation.name in named:
            kept = (*kept, DependentRelation(fact.name, "f", view_columns(catalog, body, relation), part))
        if kept != relation.dependents:
            catalog.put(replace(relation, dependents=kept))


def functions_in_doubt(catalog: Catalog, node: Node) -> None:
    """Any CASCADE may have taken a function along: from here on it isn't certain that one depends on something."""
    commands = node.cmds if nodes.kind(node) == "AlterTableStmt" else ()
    if not any(map(nodes.cascades, [item.alter_table_cmd for item in commands] if commands else [node])):
        return
    for relation in catalog.in_functions():
        kept = tuple(one for one in relation.dependents if one.kind != "f")
        catalog.put(replace(relation, dependents=kept))


def function_moved(catalog: Catalog, parts: list[str], arguments: int | None, new: Name) -> None:
    """ALTER FUNCTION … RENAME or SET SCHEMA."""
    facts: list[FunctionFact] = catalog.functions(parts, arguments)
    if not facts:
        return
    old = facts[0].name
    catalog.becomes("function", old, new)
    catalog.drop_function(parts, arguments)
    for fact in facts:
        if fact.name == old:
            catalog.put_function(changed(fact, name=new))
    for relation in catalog:
        if any(trigger.function == old for trigger in relation.triggers):
            triggers = tuple(changed(one, function=new) if one.function == old else one for one in relation.triggers)
            catalog.put(replace(relation, triggers=triggers))
