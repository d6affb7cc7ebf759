"""What falls with an object, and what keeps it from being dropped without CASCADE: as the server knew it when it was
asked, with what the script has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import (
    DependentRelation,
    Fall,
    Fallen,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    Obstacle,
    Relation,
    replace,
)
from pgmig_tui.impact.modes import AE
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.words import size

_MOST_WORDS = 3
_OF_EXTENSIONS = frozenset({"type", "function", "operator", "aggregate", "cast", "operator class"})
_INTERNAL = '"RI_ConstraintTrigger'


def keys(catalog: Catalog, kind: str, parts: list[str], arguments: int | None = None) -> list[Fall]:
    """The objects of that kind and name of which the server was asked: of the schema that is named, or of the first one
    on the search path; all where it can't be told. `arguments` None = any number.
    """
    if not parts:
        return []
    known = {**catalog.facts.cascades, **catalog.facts.obstacles}
    for schema in [parts[-2]] if len(parts) > 1 else catalog.search_path:
        before = catalog.former(kind, Name(schema, parts[-1]))
        wanted = (kind, before.relation, catalog.schema_before(before.schema))
        here = [
            key for key in known if (key.kind, key.name, key.schema) == wanted and arguments in (None, key.arguments)
        ]
        if here:
            return here
    return [
        key
        for key in known
        if (key.kind, key.name) == (kind, parts[-1])
        and arguments in (None, key.arguments)
        and (not key.schema or not catalog.facts.scope)
    ]


def part_key(relation: Relation, part: str, kind: str, catalog: Catalog) -> Fall:
    """A column or constraint of a table, as the server was asked about it."""
    before = catalog.called_before(relation.name)
    name = catalog.former(f"column of {before}", Name("", part)).relation
    return Fall(kind, f"{before.relation}.{name}", 0, before.schema)


def falls(scene: Scene, out: Effect, found: Iterable[Fall], why: str) -> bool:
    """Locks and losses of what falls with these; False when the server was not asked about any of them."""
    catalog, asked = scene.catalog, False
    gone: set[Name] = set()
    for key in found:
        if key not in catalog.facts.cascades:
            continue
        asked = True
        for fallen in catalog.facts.cascades[key]:
            name = catalog.called_now(fallen.name)
            if key.kind == "schema" and _moved_out(catalog, fallen.name, key.name):
                continue  # the script has moved it elsewhere
            index = catalog.index(name) if fallen.kind in "iI" else None
            if index is not None:
                out.lock_index(*index, AE, why)
            elif not catalog.gone(name):
                _touch(scene, out, catalog.known(name) or Relation(name, fallen.kind, known=False), fallen, why, gone)
    catalog.drop(gone)
    return asked


def _touch(scene: Scene, out: Effect, relation: Relation, fallen: Fallen, why: str, gone: set[Name]) -> None:
    out.lock(relation, AE, why)
    if fallen.whole:
        lose_relation(out, relation)
        if relation.kind not in "iIc":
            gone.add(relation.name)
    elif fallen.columns:
        columns = [column for column in fallen.columns if column in relation.columns or not relation.columns]
        lose_columns(out, relation, columns)
        forget_columns(scene.catalog, relation, columns)


def lose_relation(out: Effect, relation: Relation) -> None:
    """What is destroyed when a relation is dropped."""
    if relation.fresh:
        return
    if relation.kind in "rpf?":
        extent = f" ({size(relation)})" if relation.rows >= 0 else ""
        out.lose(4, f"all rows of {relation.name}{extent}", LostData("table", relation.name))
    elif relation.kind == "m":
        out.lose(2, f"the materialized view {relation.name}")
    elif relation.kind == "S":
        out.lose(3, f"the state of the sequence {relation.name}", LostData("sequence", relation.name))


def lose_columns(out: Effect, relation: Relation, columns: Iterable[str]) -> None:
    """What is destroyed when columns are dropped."""
    if relation.fresh or relation.kind in "vc":
        return
    for name in columns:
        column = relation.columns.get(name)
        if column is not None and column.fresh:
            continue
        computed = column is not None and column.generated
        lost = None if computed else LostData("column", relation.name, (name,))
        out.lose(2 if computed else 3, f"the values of {relation.name}.{name}", lost)


def forget_columns(catalog: Catalog, relation: Relation, columns: Collection[str]) -> None:
    """Carry forward that columns are gone, with what is made of them alone."""
    if not relation.known or not columns:
        return
    gone = set(columns)
    catalog.put(
        replace(
            relation,
            columns={name: value for name, value in relation.columns.items() if name not in gone},
            foreign_keys=tuple(k for k in relation.foreign_keys if not gone & set(k.columns)),
            checks=tuple(c for c in relation.checks if not gone & set(c.columns)),
            indexes=tuple(i for i in relation.indexes if not gone & i.columns),
            sequences=tuple(s for s in relation.sequences if s.column not in gone),
        )
    )


# -- in the way --------------------------------------------------------------------------------------------------------


def in_the_way(
    catalog: Catalog, found: Iterable[Fall], targets: Collection[Name] = (), *, direct: bool = False
) -> Iterator[Obstacle]:
    """What the server has told to depend on these, and is still there; what is dropped along with them isn't in the
    way. `direct`: on themselves, not on what depends on them.
    """
    for key in found:
        alive: list[Obstacle] = []
        for one in catalog.facts.obstacles.get(key, ()):
            relation = None if one.relation is None else catalog.called_now(one.relation)
            if relation in targets or one.words.startswith(_INTERNAL) or not _still_there(catalog, one, relation):
                continue
            if one.direct and relation is not None and not _still_reads(catalog, relation, key):
                continue
            if key.kind == "schema" and one.relation is not None and _moved_out(catalog, one.relation, key.name):
                continue
            if one.what == "table constraint" and key.kind == "relation" and _is_key(catalog, relation, one):
                continue  # the keys that reference it are known for themselves
            if (
                one.direct
                and relation is not None
                and one.what in {"table", "foreign table"}
                and key.kind == "relation"
            ):
                child = catalog.known(relation)  # of what was inherited there may be nothing left
                if child is not None and catalog.called_now(Name(key.schema, key.name)) not in child.parents:
                    continue
            alive.append(one)
        # What depends on what depends on it isn't in the way when that is gone.
        if any(one.direct for one in alive) or not any(one.direct for one in catalog.facts.obstacles.get(key, ())):
            yield from (one for one in alive if one.direct or not direct)


def _is_key(catalog: Catalog, table: Name | None, one: Obstacle) -> bool:
    known = None if table is None else catalog.known(table)
    return known is not None and any(
        key.name == one.words.partition(" on ")[0].strip('"') for key in known.foreign_keys
    )


def _still_reads(catalog: Catalog, view: Name, key: Fall) -> bool:
    """Whether a view that was found to read a relation or its column does so by now: it may have been replaced."""
    known = catalog.known(view)
    if known is None or known.kind not in "vm" or key.kind not in {"relation", "column"}:
        return True
    table = catalog.known(catalog.called_now(Name(key.schema, key.name.partition(".")[0])))
    if table is None or table.kind not in "rpvmf":
        return True
    column = _called_now(catalog, table, key) if key.kind == "column" else ""
    return any(
        one.name == view and (not column or not one.columns or column in one.columns) for one in table.dependents
    )


def _called_now(catalog: Catalog, table: Relation, key: Fall) -> str:
    """What the column is called by now that the server was asked about; "" when that isn't known."""
    return next((name for name in table.columns if part_key(table, name, "column", catalog) == key), "")


def _moved_out(catalog: Catalog, relation: Name, schema: str) -> bool:
    """Whether the script has moved a relation of that schema to another one."""
    return relation.schema == schema and catalog.called_now(relation).schema != catalog.schema_now(schema)


def _still_there(catalog: Catalog, one: Obstacle, relation: Name | None) -> bool:
    if relation is None:
        if one.what in _OF_EXTENSIONS and catalog.lost_extension:
            return False  # it may have been a part of that
        return (one.what, one.words.strip('"')) not in catalog.objects_gone and not (
            one.what in {"function", "procedure", "aggregate"} and catalog.dropped_routine(one.part)
        )
    known = catalog.known(relation)
    if known is None:
        return not catalog.gone(relation)
    part = one.words.partition(" on ")[0].strip('"')
    if one.what in {"table column", "default value"}:
        column = known.columns.get(one.part)
        if column is None or one.what == "table column":
            return column is not None
        return not column.redefault and (column.has_default or bool(column.generated))
    if one.what == "trigger":
        return any(trigger.name == part for trigger in known.triggers)
    if one.what == "policy":
        return part in known.policies
    if one.what == "rule" and part != "_RETURN":
        return part in known.rules
    if one.what == "table constraint":
        # a key that the script has made under the old name hangs on something else
        names = {key.name for key in known.foreign_keys if key.id} | {check.name for check in known.checks}
        return part in names | {index.constraint for index in known.indexes}
    return True


def refuse(out: Effect, what: str, others: Iterable[str]) -> bool:
    """Say that a DROP without CASCADE is refused; False where nothing is in the way."""
    told = list(dict.fromkeys(others))
    if not told:
        return False
    listed = ", ".join(told[:_MOST_WORDS]) + (", …" if len(told) > _MOST_WORDS else "")
    out.fail(f"{what} can't be dropped without CASCADE: {listed} depends on it", "2BP01")
    return True


def obstacle_words(one: Obstacle) -> str:
    if one.what == "rule" and one.relation is not None and one.words.startswith('"_RETURN"'):
        return f"the view {one.relation}"
    return f"the {one.what} {one.words}"


def takes_text(fact: FunctionFact) -> str:
    """The types that a function takes, as the part of a Dependent."""
    return ", ".join(map(str, fact.takes))


def depends_still(catalog: Catalog, one: DependentRelation, *, followed: bool = False) -> bool:
    """Whether the part of a table, or the function, that depends on something is still there. `followed`: what gets
    another default is taken off the list as it happens (see sequences.default_set)."""
    if one.kind == "f":
        return any(takes_text(fact) == one.part for fact in catalog.functions([one.name.schema, one.name.relation]))
    table = catalog.known(one.name)
    if table is None or not one.part:
        return table is not None
    if one.kind == "g":
        return any(trigger.name == one.part for trigger in table.triggers)
    if one.kind == "y":
        return one.part in table.policies
    if one.kind == "d":
        column = table.columns.get(one.part)
        here = column is not None and (column.has_default or bool(column.generated))
        return here and (followed or column is None or not column.redefault)
    return one.kind != "rule" or one.part in ("_RETURN", *table.rules)


def keys_by(catalog: Catalog, table: Relation, index: Index) -> list[ForeignKey]:
    """The foreign keys that need a unique index: it is the one on the columns that they reference."""
    if not index.unique:
        return []
    alike = [one for one in table.indexes if one.unique and one.whole and set(one.keys) == set(index.keys)]
    return [
        key
        for key in catalog.incoming(table.name)
        if not key.inherited
        and (key.index == index.name or (len(alike) == 1 and set(key.referenced_columns) == set(index.keys)))
    ]


def _above(catalog: Catalog, partition: Relation) -> Iterator[Relation]:
    """What a partition is part of: keys that reference that reference it, too."""
    seen = {partition.name}
    todo = list(partition.parents) if partition.is_partition else []
    while todo:
        above = catalog.known(todo.pop())
        if above is not None and above.name not in seen:
            seen.add(above.name)
            todo += above.parents if above.is_partition else ()
            yield above


def needed_by(catalog: Catalog, relation: Relation, targets: Collection[Name]) -> Iterator[str]:
    """What needs a relation by itself: views, keys of others, children, defaults, policies."""
    for dependent in relation.dependents:
        if dependent.kind == "f":
            if depends_still(catalog, dependent):
                yield f"the function {dependent.name}({dependent.part})"
            continue
        other = catalog.known(dependent.name)
        if dependent.name in targets or other is None or dependent.name == relation.name:
            continue
        if dependent.kind in {"v", "m"}:
            yield f"the view {dependent.name}"
        elif dependent.kind in {"rule", "y", "d"} and depends_still(catalog, dependent, followed=relation.kind == "S"):
            what = {"rule": "rule", "y": "policy", "d": "default"}[dependent.kind]
            yield f"a {what} of {dependent.name}"
        elif dependent.kind == "t" and not dependent.columns and relation.kind == "c":
            yield f"the table {dependent.name}"
    for key in catalog.incoming(relation.name):
        if key.table not in targets and not key.inherited:
            yield f"the foreign key {key.name} of {key.table}"
    for above in _above(catalog, relation):
        for key in catalog.incoming(above.name):
            if key.table not in targets and not key.inherited:
                yield f"the foreign key {key.name} of {key.table}"
    for own in relation.sequences:
        sequence = catalog.known(own.name)
        for dependent in sequence.dependents if sequence is not None else ():
            if dependent.kind == "d" and dependent.name not in (*targets, relation.name):
                yield f"a default of {dependent.name}"
    for child in relation.children:
        other = catalog.known(child)
        if other is not None and not other.is_partition and child not in targets:
            yield f"the table {child}, which inherits from it"
