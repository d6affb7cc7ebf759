"""DROP of what is no relation: schemas, types, functions, extensions, servers, roles, and what falls with them."""

from __future__ import annotations

from pgmig_tui.impact.effect import AE, Effect, Scene
from pgmig_tui.impact.facts import DependentRelation, Fall, FunctionFact, Name, Obstacle, Relation, replace
from pgmig_tui.impact.modes import SUE
from pgmig_tui.impact.nodes import Node, cascades, enum_name, kind, list_name, name_from
from pgmig_tui.impact.rules.cascade import (
    depends_still,
    falls,
    forget_columns,
    in_the_way,
    keys,
    lose_columns,
    needed_by,
    obstacle_words,
    refuse,
)
from pgmig_tui.impact.rules.falling import fall
from pgmig_tui.impact.rules.granting import held_by, reassigned, released
from pgmig_tui.impact.rules.parameters import signature
from pgmig_tui.impact.rules.types import type_of
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_objects import ANY_NUMBER


def drop_schema(scene: Scene, out: Effect, schema: str, cascade: bool, missing_ok: bool) -> None:
    catalog = scene.catalog
    if not catalog.live:
        out.unknown.append(f"everything inside the schema {schema} (no catalog)")
        if cascade:
            out.lose(4, f"everything inside the schema {schema}")
    elif not catalog.has_schema(schema):
        if not missing_ok:
            out.fail(f"the schema {schema} does not exist", "3F000")
        return
    inside = [relation for relation in catalog if relation.name.schema == schema]
    found = keys(catalog, "schema", [catalog.schema_before(schema)])
    if not cascade:
        words = [f"{_WORDS.get(one.kind, 'relation')} {one.name}" for one in inside if not one.parents]
        words += [] if words else [obstacle_words(one) for one in in_the_way(catalog, found)]
        if not refuse(out, f"the schema {schema}", words):
            catalog.drop_schema(schema)
        return
    fallen: set[Name] = set()
    for relation in inside:
        fall(scene, out, relation, f"inside the schema {schema}", True, fallen)
    falls(scene, out, found, f"depends on what is in the schema {schema}")
    catalog.drop(fallen)
    catalog.drop_schema(schema)


_WORDS = {"v": "the view", "m": "the materialized view", "S": "the sequence", "c": "the type", "f": "the foreign table",
          "r": "the table", "p": "the table"}  # fmt: skip


_FALLS = {
    "OBJECT_FOREIGN_SERVER": "foreign server", "OBJECT_FDW": "fdw", "OBJECT_OPERATOR": "operator",
    "OBJECT_OPCLASS": "opclass", "OBJECT_OPFAMILY": "opfamily", "OBJECT_COLLATION": "collation",
    "OBJECT_TSCONFIGURATION": "ts configuration", "OBJECT_TSDICTIONARY": "ts dictionary",
    "OBJECT_TSPARSER": "ts parser", "OBJECT_TSTEMPLATE": "ts template",
    "OBJECT_ACCESS_METHOD": "access method", "OBJECT_LANGUAGE": "language", "OBJECT_EXTENSION": "extension",
}  # fmt: skip


def drop_type(scene: Scene, out: Effect, parts: list[str], cascade: bool, missing_ok: bool, others: list[str]) -> None:
    """`others` are dropped by the same statement."""
    catalog = scene.catalog
    fact, composite = catalog.type(parts), catalog.get(name_from(parts))
    if composite is not None and composite.kind != "c":
        composite = None
    found = keys(catalog, "type", parts)
    if catalog.live and fact is None and composite is None and not found:
        if catalog.asked(name_from(parts)) and not missing_ok:
            out.fail(f"the type {'.'.join(parts)} does not exist", "42704")
        return
    if composite is not None:
        out.lock(composite, AE, "it is dropped")
    name = fact.name if fact is not None else composite.name if composite is not None else name_from(parts)
    of_type = [(one, columns) for one in catalog if (columns := _columns_of(one, name)) and one.kind != "c"]
    if not cascade:
        found = [] if fact is not None and fact.made else found
        way = [one for one in in_the_way(catalog, found) if _still_of_type(catalog, one, name, composite)]
        # what depends on a column of the type isn't in the way when the column is of another by now
        words = [obstacle_words(one) for one in way] if any(one.direct for one in way) else []
        words = [word for word in words if not any(other in word for other in others)]
        words += [] if words else [f"{', '.join(columns)} of {one.name}" for one, columns in of_type]
        if composite is not None:
            words += needed_by(catalog, composite, ())
        refuse(out, f"the type {'.'.join(parts)}", words)
    elif not falls(scene, out, found, f"uses the type {'.'.join(parts)}"):
        if fact is not None:
            drop_dependents(scene, out, fact.dependents, f"uses the type {fact.name}")
        elif not catalog.live:
            out.unknown.append(f"the tables with a column of type {'.'.join(parts)} (no catalog)")
            out.lose(3, f"columns of type {'.'.join(parts)}")
    for one, columns in of_type if cascade else ():
        here = catalog.known(one.name)
        if here is not None and any(column in here.columns for column in columns):  # the script has made these
            out.lock(here, AE, f"uses the type {'.'.join(parts)}")
            lose_columns(out, here, columns)
            forget_columns(catalog, here, columns)
    catalog.drop_type(name)
    if composite is not None:
        catalog.drop([composite.name])


def _still_of_type(catalog: Catalog, one: Obstacle, kind: Name, composite: Relation | None) -> bool:
    """Whether a column, an index or a typed table that depended on a type does so by now."""
    if one.what == "index" and one.relation is not None:
        found = catalog.index(catalog.called_now(one.relation))
        if found is not None and found[1].columns:
            return bool(found[1].columns & set(_columns_of(found[0], kind)))
    if one.what == "table" and composite is not None and one.relation is not None and one.direct:
        name = catalog.called_now(one.relation)
        return any(other.kind == "t" and other.name == name for other in composite.dependents)
    table = None if one.relation is None else catalog.known(catalog.called_now(one.relation))
    if one.what != "table column" or not one.direct or table is None:
        return True
    return one.part in _columns_of(table, kind)


def _columns_of(relation: Relation, kind: Name) -> list[str]:
    """The columns of a type, or of arrays of it."""
    return [
        name
        for name, column in relation.columns.items()
        if column.type in (kind.relation, f"_{kind.relation}")
        and (column.type_schema == kind.schema or (column.fresh or relation.fresh))
    ]


def drop_dependents(scene: Scene, out: Effect, dependents: tuple[DependentRelation, ...], why: str) -> None:
    """CASCADE from an object that is no relation."""
    fallen: set[Name] = set()
    for dependent in dependents:
        relation = scene.catalog.relation(dependent.name, dependent.relkind)
        if dependent.kind in {"v", "m"} or (dependent.kind == "t" and not dependent.columns):
            fallen |= fall(scene, out, relation, why, True)
            continue
        out.lock(relation, AE, why)
        for index in relation.indexes:
            if index.columns & dependent.columns or (dependent.kind == "i" and index.name.relation == dependent.part):
                out.lock_index(relation, index, AE, why)
    scene.catalog.drop(fallen)


def drop_function(scene: Scene, out: Effect, item: Node, cascade: bool, missing_ok: bool) -> None:
    parts, catalog = list_name(item), scene.catalog
    if not parts:
        return
    arguments = None if item.object_with_args.args_unspecified else _arguments(item)
    facts = catalog.functions(parts) if arguments is None else _exactly(catalog.functions(parts), arguments)
    facts = _of_types(facts, item, catalog)
    facts = [fact for fact in facts if fact.name == facts[0].name]  # the search_path's first schema that has one
    found = [] if facts and all(fact.made for fact in facts) else keys(catalog, "function", parts, arguments)
    if len(facts) > 1 and arguments is None and catalog.live:
        out.fail(f"there are several functions {'.'.join(parts)}: say which one", "42725")
    name = ".".join(parts)
    if catalog.live and not facts and not found:
        if catalog.asked(name_from(parts)) and not missing_ok:
            out.fail(f"the function {name} does not exist", "42883")
        return
    made = [one for fact in facts for one in fact.dependents if catalog.known(one.name) is not None]
    names = {fact.name for fact in facts}
    fired = [one.name for one in catalog.event_triggers if one.function in names]
    made += [
        DependentRelation(one.name, one.kind)
        for one in catalog
        if one.kind in "vm" and one.fresh and any(call.function in names for call in one.calls)
    ]
    if not cascade:
        words = [obstacle_words(one) for one in in_the_way(catalog, found)]
        words += (
            []
            if words
            else [f"a {_USES.get(one.kind, 'part')} of {one.name}" for one in made if depends_still(catalog, one)]
        )
        words += [
            f"the operator {operator}"
            for operator, several in catalog.operators.items()
            for one in several
            if one.function in names and not words
        ]
        words += [f"the event trigger {one}" for one in fired if not words]
        refuse(out, f"the function {name}", words)
    else:
        why = f"depends on the function {name}"
        if not falls(scene, out, found, why) and not catalog.live:
            out.unknown.append(f"what depends on {name} (no catalog)")
        drop_dependents(scene, out, tuple(one for one in made if depends_still(catalog, one)), why)
        for trigger in fired:
            catalog.drop_event_trigger(trigger)
        for one in made:
            _forget_part(catalog, one, {fact.name for fact in facts})
    catalog.drop_function(parts, arguments, facts or None)


_USES = {"g": "trigger", "d": "default", "rule": "rule", "c": "constraint", "i": "index", "y": "policy", "v": "view"}


def _arguments(item: Node) -> int:
    """How many arguments a function takes that is named with their types; OUT parameters don't count."""
    modes = [
        enum_name("FunctionParameterMode", one.function_parameter.mode) for one in item.object_with_args.objfuncargs
    ]
    if modes:
        return sum(mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"} for mode in modes)
    return len(item.object_with_args.objargs)


def _of_types(facts: list[FunctionFact], item: Node, catalog: Catalog) -> list[FunctionFact]:
    """Of several functions with as many arguments, that of the types that are named, where all of them are known."""
    if item.object_with_args.args_unspecified or not facts:
        return facts
    named = item.object_with_args.objfuncargs
    wanted = (
        signature(named, catalog)
        if named
        else tuple(type_of(one.type_name, catalog) for one in item.object_with_args.objargs)
    )
    fitting = [fact for fact in facts if fact.takes == wanted]
    known = all(one.schema for one in wanted) and all(len(fact.takes) == fact.most for fact in facts)
    return fitting if catalog.live and known else fitting or facts


def _exactly(facts: list[FunctionFact], arguments: int) -> list[FunctionFact]:
    return [fact for fact in facts if fact.most == arguments or (fact.most >= ANY_NUMBER and arguments > fact.least)]


def _forget_part(catalog: Catalog, one: DependentRelation, functions: set[Name]) -> None:
    """What fell with a function is no part of its table any more."""
    known = catalog.known(one.name)
    if known is None:
        return
    columns = dict(known.columns)
    if one.kind == "d" and one.part in columns:
        if columns[one.part].generated:
            forget_columns(catalog, known, [one.part])
            return
        columns[one.part] = replace(columns[one.part], has_default=False, redefault=True)
    catalog.put(
        replace(
            known,
            columns=columns,
            triggers=tuple(trigger for trigger in known.triggers if trigger.function not in functions),
            checks=tuple(check for check in known.checks if one.kind != "c" or check.name != one.part),
            indexes=tuple(index for index in known.indexes if one.kind != "i" or index.name.relation != one.part),
            policies=tuple(policy for policy in known.policies if one.kind != "y" or policy != one.part),
        )
    )


def drop_statistics(scene: Scene, out: Effect, name: Name, missing_ok: bool) -> None:
    found = scene.catalog.statistics(name)
    if found is None and scene.catalog.live and scene.catalog.asked(name):
        if not missing_ok:
            out.fail(f"the statistics object {name} does not exist", "42704")
        return
    table = None if found is None else found[1]
    out.lose(1, f"the statistics {name}")
    if found is not None:
        scene.catalog.put_statistics(found[0], None)
    if table is not None:
        out.lock(scene.catalog.relation(table), SUE, f"DROP STATISTICS {name}")
    elif not scene.catalog.live:
        out.unknown.append(f"the table of the statistics {name}: it gets SHARE UPDATE EXCLUSIVE (no catalog)")


def drop_role(node: Node, scene: Scene, out: Effect) -> None:
    """DROP ROLE: what it owns stands in its way, in this database as in others."""
    catalog, scope = scene.catalog, scene.catalog.facts.scope
    for item in node.roles:
        role = item.role_spec.rolename
        if not role:
            continue
        if scope is not None and role in scope.asked.roles and not catalog.has_role(role):
            if not node.missing_ok:
                out.fail(f"the role {role} does not exist", "42704")
            continue
        out.lose(1, f"the role {role}")
        if catalog.live and (owned := _owned_by(catalog, role)):
            out.fail(f"the role {role} owns {owned[0].name}, and can't be dropped", "2BP01")
        elif catalog.live and not catalog.uncertain:
            held = held_by(role, catalog) or ("something" if role in catalog.access.holding else "")
            if held:
                out.fail(f"the role {role} has {held}, and can't be dropped", "2BP01")
        if not out.problem:
            catalog.put_role(role, there=False)


def drop_other(scene: Scene, out: Effect, what: str, parts: list[str], cascade: bool, missing_ok: bool) -> None:
    label = what.removeprefix("OBJECT_").replace("_", " ").lower()
    name = ".".join(parts)
    if what == "OBJECT_OPERATOR" and parts:
        scene.catalog.drop_operator(parts[-1])
    if what == "OBJECT_EVENT_TRIGGER":
        scene.catalog.drop_event_trigger(name)
    if what == "OBJECT_PUBLICATION":
        if scene.catalog.live and name not in scene.catalog.published and not missing_ok:
            out.fail(f"the publication {name} does not exist", "42704")
        scene.catalog.publish(name, None)
    if what == "OBJECT_EXTENSION":
        _drop_extension(scene, out, name, cascade, missing_ok)
        return
    if what in _FALLS and parts:
        found = keys(scene.catalog, _FALLS[what], parts)
        if not cascade:
            refuse(out, f"the {label} {name}", [obstacle_words(one) for one in in_the_way(scene.catalog, found)])
        elif falls(scene, out, found, "dropped with it"):
            cascade = what == "OBJECT_FOREIGN_SERVER"  # the script may have made tables of it since
    if what in {"OBJECT_FOREIGN_SERVER", "OBJECT_FDW"}:
        _drop_foreign(scene, out, name, label, cascade)
        if not out.problem:
            scene.catalog.drop_object("server" if what == "OBJECT_FOREIGN_SERVER" else "foreign-data wrapper", name)
    elif cascade and what in {
        "OBJECT_OPERATOR",
        "OBJECT_CAST",
        "OBJECT_OPCLASS",
        "OBJECT_OPFAMILY",
        "OBJECT_LANGUAGE",
        "OBJECT_COLLATION",
    }:
        out.hide(f"what depends on the {label} {name}")


def _drop_extension(scene: Scene, out: Effect, name: str, cascade: bool, missing_ok: bool) -> None:
    """All that an extension is made of goes with it, tables that it owns among it; with CASCADE all that uses it."""
    catalog = scene.catalog
    found = keys(catalog, "extension", [name])
    if catalog.live and catalog.has_extension(name) is False:
        if not missing_ok:
            out.fail(f"the extension {name} does not exist", "42704")
        return
    out.lose(1, f"the extension {name}")
    words = [] if cascade else [obstacle_words(one) for one in in_the_way(catalog, found)]
    if not refuse(out, f"the extension {name}", words) and not falls(scene, out, found, f"part of {name}, or uses it"):
        if catalog.live and not cascade:
            out.unknown.append(f"what uses {name}, which this very script has made")
        elif catalog.live:
            out.hide(f"what uses {name}, which this very script has made: columns of its types are dropped")
        else:
            out.hide(f"what is part of the extension {name}" + (", and what uses it" if cascade else ""))
    catalog.drop_extension(name)


def _drop_foreign(scene: Scene, out: Effect, name: str, label: str, cascade: bool) -> None:
    """Tables elsewhere stay as they are; what is known of them here goes, and what hangs on their partitioned table."""
    out.lose(1, f"the {label} {name}")
    if cascade and not scene.catalog.live:
        out.unknown.append(f"the foreign tables of the {label} {name} (no catalog)")
    if label != "foreign server" or not cascade:
        return
    gone: set[Name] = set()
    for relation in scene.catalog:
        if relation.server == name:
            fall(scene, out, relation, f"a table of the server {name}", True, gone)
    scene.catalog.drop(gone)


def drop_owned(node: Node, scene: Scene, out: Effect) -> None:
    """DROP OWNED and REASSIGN OWNED: everything that the roles own."""
    dropping = kind(node) == "DropOwnedStmt"
    for item in node.roles:
        role = item.role_spec.rolename or scene.catalog.session.role or scene.catalog.facts.role
        released(role, scene.catalog, dropping=dropping)
        if not dropping:
            reassigned(role, node.newrole.rolename or scene.catalog.role, scene.catalog)
        owned = _owned_by(scene.catalog, role)
        if dropping and scene.catalog.live and role not in scene.catalog.facts.roles:
            # Whoever acts, a role that was renamed: what they own was not asked.
            out.hide(f"what {role} owns")
            out.lose(4, f"what {role} owns", sure=False)
        if not scene.catalog.live:
            out.unknown.append(f"everything that {role} owns (no catalog)")
            if dropping:
                out.lose(4, f"everything that {role} owns")
        fallen: set[Name] = set()
        cascade = cascades(node) if dropping else False
        before = {name for name in scene.catalog.facts.owned.get(role, ()) if scene.catalog.facts.relations.get(name)}
        if dropping and not cascade and _refuse_owned(scene, out, owned, role):
            continue
        as_told = dropping and before == {one.name for one in owned}
        if as_told and falls(scene, out, [Fall("owned", role)], f"owned by {role}, or dropped with that"):
            continue
        for relation in owned:
            if dropping:
                fall(scene, out, relation, f"owned by {role}", cascade, fallen)
                continue
            out.lock(relation, AE, f"owned by {role}")
            for index in relation.indexes:
                out.lock_index(relation, index, AE, f"owned by {role}")
            here = scene.catalog.known(relation.name)
            if here is not None:
                owner = node.newrole.rolename or scene.catalog.role
                scene.catalog.put(replace(here, owner=owner))
        scene.catalog.drop(fallen)


def _owned_by(catalog: Catalog, role: str) -> list[Relation]:
    """What a role owns by now: as the server knew it, but for what got another owner or is gone, and what the script
    has given to it."""
    told = [catalog.called_now(name) for name in catalog.facts.owned.get(role, ())]
    found = {name: one for name in told if (one := catalog.known(name)) is not None and one.owner in ("", role)}
    found.update((one.name, one) for one in catalog if one.owner == role)
    found.update((name, catalog.relation(name)) for name in told if name not in catalog.facts.relations)
    return list(found.values())


def _refuse_owned(scene: Scene, out: Effect, owned: list[Relation], role: str) -> bool:
    if not scene.catalog.live:
        return False
    targets = {one.name for one in owned}
    words = [word for one in owned for word in needed_by(scene.catalog, one, targets)]
    return refuse(out, f"what {role} owns", words)
