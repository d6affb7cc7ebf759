"""Sequences, types, domains, statistics, privileges, comments, publications: objects around the tables."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TypeVar

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_refresh
from pgmig_tui.impact.effect import Effect, Scene, quote, read_tables
from pgmig_tui.impact.facts import Cast, FunctionFact, Name, Published, Relation, TypeFact, replace
from pgmig_tui.impact.modes import AE, AS, RS, SRE, SUE, E, LockMode, S
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.alter_constraint import columns_in
from pgmig_tui.impact.rules.create import owned_by
from pgmig_tui.impact.rules.granting import owner_changed
from pgmig_tui.impact.rules.implicit_calls import operator_made, run_functions, when_read
from pgmig_tui.impact.rules.kinds import wrong_kind, wrong_target
from pgmig_tui.impact.rules.query import unpopulated
from pgmig_tui.impact.rules.refused import no_column, no_constraint
from pgmig_tui.impact.rules.refused_types import columns_of_type
from pgmig_tui.impact.rules.safer_index import concurrently
from pgmig_tui.impact.rules.typed import composite_made
from pgmig_tui.impact.rules.types import no_type, type_of
from pgmig_tui.impact.safer import SaferStep, copied, expression_text, made_name, sql_of, text_of
from pgmig_tui.impact.typechange import type_name

T = TypeVar("T")


def alter_sequence(node: Node, scene: Scene, out: Effect) -> None:
    name = nodes.name_of(node.sequence)
    if scene.catalog.missing(name):
        if not node.missing_ok:
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    sequence = scene.catalog.relation(name, "S")
    if wrong_target(scene, out, sequence, "OBJECT_SEQUENCE"):
        return
    out.lock(sequence, SRE, "ALTER SEQUENCE")
    options = nodes.options(node.options)
    owned_by(node.options, scene, out, sequence.name)
    if set(options) - {"owned_by"}:
        out.rewrite(sequence)
    if "restart" in options and not sequence.fresh:
        out.lose(3, f"the state of the sequence {sequence.name}", LostData("sequence", sequence.name))


_COMMENT_RELATIONS = {
    "OBJECT_TABLE": "r",
    "OBJECT_VIEW": "v",
    "OBJECT_MATVIEW": "m",
    "OBJECT_SEQUENCE": "S",
    "OBJECT_FOREIGN_TABLE": "f",
}


_COMMENT_WORDS = {
    "CommentStmt": "COMMENT",
    "SecLabelStmt": "SECURITY LABEL",
    "AlterExtensionContentsStmt": "ALTER EXTENSION",
}


def comment(node: Node, scene: Scene, out: Effect) -> None:
    """COMMENT, SECURITY LABEL and ALTER EXTENSION ... ADD or DROP."""
    what = nodes.enum_name("ObjectType", node.objtype)
    parts = nodes.list_name(node.object)
    why = _COMMENT_WORDS[nodes.kind(node)]
    if what in _COMMENT_RELATIONS:
        name = nodes.name_from(parts)
        if why == "COMMENT" and wrong_target(scene, out, scene.catalog.relation(name), what):
            return
        _comment_on(scene, out, name, SUE, _COMMENT_RELATIONS[what], why)
    elif what == "OBJECT_COLUMN":
        _comment_on(scene, out, nodes.name_from(parts[:-1]), SUE, "r", why)
        no_column(out, scene.catalog.relation(nodes.name_from(parts[:-1])), parts[-1:])
    elif what == "OBJECT_INDEX":
        name = scene.catalog.resolve(nodes.name_from(parts))
        found = scene.catalog.index(name)
        if found is not None:
            out.lock_index(*found, SUE, why)
        elif scene.catalog.missing(name):
            out.fail(f"index {name} does not exist", "42P01")
        else:
            out.lock_name(name, "i", SUE, why)
    elif what in {"OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}:
        _comment_on(scene, out, nodes.name_from(parts[:-1]), AS, "r", why)
        if what == "OBJECT_TABCONSTRAINT":
            no_constraint(scene, out, scene.catalog.relation(nodes.name_from(parts[:-1])), parts[-1])


def _comment_on(scene: Scene, out: Effect, name: Name, mode: LockMode, kind: str, why: str) -> None:
    if scene.absent(name, out):
        return
    out.lock(scene.catalog.relation(name, kind), mode, why)


def publication(node: Node, scene: Scene, out: Effect) -> None:
    made = nodes.kind(node) == "CreatePublicationStmt"
    if scene.catalog.live and made is (node.pubname in scene.catalog.published):
        told, code = ("exists already", "42710") if made else ("does not exist", "42704")
        out.fail(f"the publication {node.pubname} {told}", code)
        return
    _publish(node, scene, out, made=made)
    for item in node.pubobjects:
        spec = item.publication_obj_spec
        if nodes.has(spec, "pubtable"):
            name = nodes.name_of(spec.pubtable.relation)
            if scene.absent(name, out):
                continue
            root = scene.catalog.relation(name, "r")
            if wrong_kind(scene, out, root, "rp"):
                continue
            below = spec.pubtable.relation.inh and not root.partitioned  # partitions are published with their parent
            for member in scene.catalog.tree(root.name) if below else [root]:
                out.lock(member, SUE, "published")
    if nodes.kind(node) == "AlterPublicationStmt":
        action = nodes.enum_name("AlterPublicationAction", node.action)
        if action == "AP_SetObjects":
            for name in scene.catalog.facts.publications.get(node.pubname, ()):
                out.lock(scene.catalog.relation(name, "r"), SUE, f"in the publication {node.pubname} until now")


def _publish(node: Node, scene: Scene, out: Effect, *, made: bool) -> None:
    """Carry forward what is published from now on."""
    catalog = scene.catalog
    before = catalog.published.get(node.pubname, Published())
    named = frozenset(
        catalog.resolve(nodes.name_of(item.publication_obj_spec.pubtable.relation))
        for item in node.pubobjects
        if nodes.has(item.publication_obj_spec, "pubtable")
    )
    updates, deletes = before.updates, before.deletes
    if (option := nodes.options(node.options).get("publish")) is not None:
        verbs = {verb.strip() for verb in (nodes.constant(option.arg) or option.arg.string.sval).split(",")}
        updates, deletes = "update" in verbs, "delete" in verbs
    action = "" if made else nodes.enum_name("AlterPublicationAction", node.action)
    if action == "AP_AddObjects" and (twice := named & before.tables):
        out.fail(f"{min(twice)} is in the publication {node.pubname} already", "42710")
    if action == "AP_DropObjects" and (missing := [name for name in named if name not in before.tables]):
        out.fail(f"{missing[0]} is not in the publication {node.pubname}", "42704")
    schemas = frozenset(item.publication_obj_spec.name for item in node.pubobjects if item.publication_obj_spec.name)

    def after(old: frozenset[T], new: frozenset[T]) -> frozenset[T]:
        return {"AP_AddObjects": old | new, "AP_DropObjects": old - new}.get(action, new if node.pubobjects else old)

    columns = {} if action not in {"AP_AddObjects", "AP_DropObjects"} and node.pubobjects else dict(before.columns)
    filters = {} if action not in {"AP_AddObjects", "AP_DropObjects"} and node.pubobjects else dict(before.filters)
    for item in node.pubobjects:
        spec = item.publication_obj_spec
        if nodes.has(spec, "pubtable"):
            table = catalog.resolve(nodes.name_of(spec.pubtable.relation))
            columns[table] = frozenset(nodes.strings(spec.pubtable.columns))
            filters[table] = frozenset(columns_in(spec.pubtable.where_clause))
    every = before.every or bool(node.for_all_tables)
    tables, schemas = after(before.tables, named), after(before.schemas, schemas)
    catalog.publish(node.pubname, Published(every, updates, deletes, tables, schemas, columns, filters))


def create_statistics(node: Node, scene: Scene, out: Effect) -> None:
    for item in node.relations:
        if item.WhichOneof("node") == "range_var":
            name = nodes.name_of(item.range_var)
            if scene.absent(name, out):
                continue
            table = scene.catalog.relation(name, "r")
            if wrong_kind(scene, out, table, "rpmf"):
                return
            out.lock(table, SUE, "CREATE STATISTICS")
            if len(node.exprs) == 1 and node.exprs[0].stats_elem.name:
                out.fail("extended statistics need two columns or more", "42P17")
            no_column(out, table, (one.stats_elem.name for one in node.exprs if one.stats_elem.name))
            parts = nodes.strings(node.defnames)
            if parts:
                made = Name(parts[-2] if len(parts) > 1 else table.name.schema, parts[-1])
                if scene.catalog.statistics(made) is not None and not node.if_not_exists:
                    out.fail(f"the statistics object {made} exists already", "42710")
                columns = frozenset(item.stats_elem.name for item in node.exprs)
                scene.catalog.put_statistics(made, table.name, columns)


def create_domain(node: Node, scene: Scene, out: Effect) -> None:
    parts = nodes.strings(node.domainname)
    base = type_name(node.type_name)
    no_type(scene, out, base)
    kinds = {nodes.enum_name("ConstrType", c.constraint.contype) for c in node.constraints}
    name = scene.catalog.creation_name(nodes.name_from(parts))
    constrained = bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"})
    default = ""
    for item in node.constraints:
        if nodes.enum_name("ConstrType", item.constraint.contype) == "CONSTR_DEFAULT":
            default = expression_text(item.constraint.raw_expr)
    scene.catalog.put_type(TypeFact(name, "d", base.name, base.typmod, constrained, default=default, made=True))


def alter_domain(node: Node, scene: Scene, out: Effect) -> None:
    """Adding or validating a constraint reads every table with a column of the domain, writes waiting."""
    parts = nodes.strings(node.type_name)
    definition = nodes.definition(node)
    # subtype: T default, N drop not null, O set not null, C add constraint, X drop constraint, V validate
    _constrain(node, scene)
    adds = node.subtype == "C" and not (definition is not None and definition.skip_validation)
    if not (adds or node.subtype in {"O", "V"}):
        return
    fact = scene.catalog.type(parts)
    if fact is None:
        out.unknown.append(f"the tables with a column of the domain {'.'.join(parts)}: each SHARE, and read")
        return
    for dependent in fact.dependents:
        if dependent.kind == "t":
            relation = scene.catalog.relation(dependent.name, "r")
            for column in sorted(dependent.columns & set(relation.columns)):
                if relation.columns[column].type != fact.name.relation and not _based_on(scene, relation, column, fact):
                    out.fail(
                        f"the domain {fact.name} is inside the type of {relation.name}.{column}: "
                        "it can't get constraints",
                        "0A000",
                    )
            if dependent.columns & set(relation.columns):
                out.lock(relation, S, f"has a column of the domain {fact.name}")
                out.scan(relation)
    for relation, column in columns_of_type(scene, fact.name):
        if Name(relation.columns[column].type_schema, relation.columns[column].type) != fact.name:
            told = f"the domain {fact.name} is inside the type of {relation.name}.{column}: it can't get constraints"
            out.fail(told, "0A000")
        out.lock(relation, S, f"has a column of the domain {fact.name}")
        out.scan(relation)
    if adds and definition is not None and nodes.enum_name("ConstrType", definition.contype) == "CONSTR_CHECK":
        out.advise(
            "domain-not-valid",
            "writes to every table that uses the domain wait while it is read; NOT VALID needs no lock on them, and "
            "checks new values only: VALIDATE CONSTRAINT, which reads them all, can wait for a quiet hour",
            lambda: _domain_not_valid(node, fact),
        )


def _constrain(node: Node, scene: Scene) -> None:
    """A domain has constraints from now on: a new column of it is checked row by row."""
    fact = scene.catalog.type(nodes.strings(node.type_name))
    if fact is not None and node.subtype in {"C", "O"} and not fact.constrained:
        scene.catalog.put_type(changed(fact, constrained=True))


def _domain_not_valid(node: Node, domain: TypeFact) -> str:
    tree = copied(node)
    constraint = getattr(tree, "def").constraint
    constraint.conname = constraint.conname or made_name(domain.name.relation, "", "check")
    constraint.skip_validation = True
    constraint.initially_valid = False
    named = ".".join(map(quote, nodes.strings(node.type_name)))
    return text_of(
        [
            SaferStep(sql_of(tree)),
            SaferStep(f"ALTER DOMAIN {named} VALIDATE CONSTRAINT {quote(constraint.conname)}", QUIET),
        ]
    )


QUIET = "-- when nobody writes to the tables that use it:"


def _based_on(scene: Scene, relation: Relation, column: str, domain: TypeFact) -> bool:
    """Whether a column's type is a domain, perhaps over this one."""
    known = relation.columns[column]
    fact = scene.catalog.type([known.type_schema, known.type])
    return fact is not None and fact.kind == "d"


def create_type(node: Node, scene: Scene, out: Effect) -> None:
    kind = nodes.kind(node)
    if kind == "CompositeTypeStmt":
        composite_made(node, scene, out)
        return
    parts = nodes.strings(node.type_name)
    letter = "e" if kind == "CreateEnumStmt" else "r"
    name = scene.catalog.creation_name(nodes.name_from(parts))
    if scene.catalog.live and scene.catalog.type([name.schema, name.relation]) is not None:
        out.fail(f"the type {name} exists already", "42710")
        return
    labels = frozenset(nodes.strings(node.vals)) if letter == "e" else frozenset()
    scene.catalog.put_type(TypeFact(name, letter, labels=labels, made=True))
    if letter == "e":
        scene.catalog.make_type(name)


def alter_enum(node: Node, scene: Scene, out: Effect) -> None:
    parts = ".".join(nodes.strings(node.type_name))
    fact = scene.catalog.type(nodes.strings(node.type_name))
    if (
        fact is None
        and scene.catalog.knows_types
        and scene.catalog.asked(nodes.name_from(nodes.strings(node.type_name)))
    ):
        out.fail(f"the type {parts} does not exist", "42704")
        return
    if fact is not None and fact.labels:
        _labels(node, fact, scene, out)
    if node.old_val:
        out.breaks.append(f"statements that write the value '{node.old_val}' of {parts}")
        return
    out.notes.append("a new enum value can't be used before the transaction has committed")
    if (
        fact is not None
        and node.new_val
        and node.new_val not in fact.labels
        and not (fact.name in scene.catalog.fresh_types and scene.major >= 17)
    ):
        scene.catalog.add_value(fact.name, node.new_val)


def _labels(node: Node, enum: TypeFact, scene: Scene, out: Effect) -> None:
    """What values an enumeration has from now on."""
    if node.old_val and node.old_val not in enum.labels:
        out.fail(f"{enum.name} has no value '{node.old_val}'", "22023")
    elif node.new_val_neighbor and node.new_val_neighbor not in enum.labels:
        out.fail(f"{enum.name} has no value '{node.new_val_neighbor}'", "22023")
    elif node.new_val in enum.labels and not node.skip_if_new_val_exists:
        out.fail(f"{enum.name} has the value '{node.new_val}' already", "42710")
    if not out.problem:
        scene.catalog.put_type(changed(enum, labels=(enum.labels | {node.new_val}) - {node.old_val}))


def alter_owner(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER ... OWNER TO of what is no relation (tables go by ALTER TABLE), but a composite type's relation is."""
    owner_changed(node, scene.catalog)
    if nodes.enum_name("ObjectType", node.object_type) == "OBJECT_TYPE":
        composite = scene.catalog.get(nodes.name_from(nodes.list_name(node.object)))
        owner = node.newowner.rolename or scene.catalog.facts.role
        if composite is not None and composite.kind == "c" and composite.owner != owner:
            out.lock(composite, AE, "OWNER TO")


def create_cast(node: Node, scene: Scene, out: Effect) -> None:
    """Nothing is locked; values become that type by a function of somebody's from now on."""
    function = None
    if nodes.has(node, "func"):
        parts = nodes.strings(node.func.objname)
        facts = scene.catalog.functions(parts)
        function = facts[0].name if facts else scene.catalog.resolve(nodes.name_from(parts))
    context = {"COERCION_IMPLICIT": "i", "COERCION_ASSIGNMENT": "a"}.get(
        nodes.enum_name("CoercionContext", node.context), "e"
    )
    source, target = type_of(node.sourcetype, scene.catalog), type_of(node.targettype, scene.catalog)
    scene.catalog.put_casts((*scene.catalog.casts, Cast(source, target, function, context)))


def set_constraints(node: Node, scene: Scene, out: Effect) -> None:
    """SET CONSTRAINTS: what becomes immediate is checked now, and reads what it references."""
    names = [item.range_var.relname for item in node.constraints] or [""]
    if not node.deferred:
        for relation in scene.catalog:
            if scene.catalog.pending(relation.name) is not None:
                waiting = [one for one in relation.triggers if scene.catalog.deferred_now(one.name, one.deferred)]
                run_functions((one.function for one in waiting if one.deferred), scene, out)
                for key in relation.foreign_keys:
                    if scene.catalog.waits(key):
                        certainty = "likely" if scene.catalog.pending(relation.name) else "possible"
                        out.lock(scene.catalog.relation(key.referenced), RS, f"{key.name} is checked", certainty)
    scene.catalog.set_constraints(names, bool(node.deferred))


def create_extension(node: Node, scene: Scene, out: Effect) -> None:
    """What the extension's own script does isn't read: it makes things, and touches nothing of the user's."""
    catalog, scope = scene.catalog, scene.catalog.facts.scope
    if catalog.has_extension(node.extname):
        if not node.if_not_exists:
            out.fail(f"the extension {node.extname} exists already", "42710")
        return
    asked = scope is not None and node.extname in scope.asked.extensions
    if scope is not None and asked and node.extname not in scope.available | scope.extensions:
        out.fail(
            f"the extension {node.extname} is not available on this server", "0A000" if scene.major >= 15 else "58P01"
        )
        return
    catalog.create_extension(node.extname)


def alter_extension(node: Node, scene: Scene, out: Effect) -> None:
    if scene.catalog.has_extension(node.extname) is False:
        out.fail(f"the extension {node.extname} does not exist", "42704")


def create_subscription(node: Node, scene: Scene, out: Effect) -> None:
    """Without `connect = false` it makes a slot on the publisher, which can't be undone."""
    options = nodes.options(node.options)
    connects = "connect" not in options or nodes.is_on(options["connect"])
    out.no_transaction = connects and ("create_slot" not in options or nodes.is_on(options["create_slot"]))


def alter_subscription(node: Node, scene: Scene, out: Effect) -> None:
    options = nodes.options(node.options)
    enabled = scene.catalog.facts.subscriptions.get(node.subname)
    kind = nodes.enum_name("AlterSubscriptionType", node.kind)
    refreshes = kind == "ALTER_SUBSCRIPTION_REFRESH" or kind in {
        "ALTER_SUBSCRIPTION_SET_PUBLICATION",
        "ALTER_SUBSCRIPTION_ADD_PUBLICATION",
        "ALTER_SUBSCRIPTION_DROP_PUBLICATION",
    }
    if not refreshes or ("refresh" in options and not nodes.is_on(options["refresh"])):
        return
    out.no_transaction = True
    if enabled is False:
        out.fail(f"{node.subname} is disabled: its publications can't be refreshed", "55000")


def depends(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER ... [NO] DEPENDS ON EXTENSION."""
    what = nodes.enum_name("ObjectType", node.object_type)
    if not nodes.has(node, "relation"):
        return
    name = nodes.name_of(node.relation)
    found = scene.catalog.index(name)
    if what == "OBJECT_INDEX" and found is not None:
        out.lock_index(*found, AE, "DEPENDS ON EXTENSION")
    elif not scene.catalog.missing(name):
        relation = scene.catalog.relation(name, "m" if what == "OBJECT_MATVIEW" else "r")
        out.lock(relation, AE if what == "OBJECT_MATVIEW" else AS, "DEPENDS ON EXTENSION")


def nothing(node: Node, scene: Scene, out: Effect) -> None:
    """No relation of the user is locked."""


def access_method_made(node: Node, scene: Scene, out: Effect) -> None:
    scene.catalog.make_store(node.amname)


def outside(node: Node, scene: Scene, out: Effect) -> None:
    """Refused inside a transaction block."""
    out.no_transaction = True
    if nodes.kind(node) == "CreateTableSpaceStmt":
        scene.catalog.make_store(node.tablespacename)


def define(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE OPERATOR, AGGREGATE, COLLATION, …: nothing is locked; operators run their functions from now on."""
    what = nodes.enum_name("ObjectType", node.kind)
    if what == "OBJECT_OPERATOR":
        operator_made(node, scene.catalog)
    elif what == "OBJECT_AGGREGATE":
        _aggregate_made(node, scene)


def _aggregate_made(node: Node, scene: Scene) -> None:
    """An aggregate runs its functions for each row."""
    options = nodes.options(node.definition)
    runs = [options[key] for key in ("sfunc", "finalfunc") if key in options]
    named = [nodes.strings(nodes.open_node(one.arg).names) for one in runs]
    body = "; ".join(f"SELECT {'.'.join(map(quote, parts))}()" for parts in named if parts)
    name = scene.catalog.creation_name(nodes.name_from(nodes.strings(node.defnames)))
    scene.catalog.put_function(FunctionFact(name, "v", "sql", body, made=True))


def load(node: Node, scene: Scene, out: Effect) -> None:
    out.hide(f"what the library {node.filename[:60]} does")


def refresh(node: Node, scene: Scene, out: Effect) -> None:
    name = nodes.name_of(node.relation)
    if scene.absent(name, out):
        return
    view = scene.catalog.relation(name, "m")
    if wrong_kind(scene, out, view, "m", "a materialized view"):
        return
    if node.concurrent and node.skip_data:
        out.fail("REFRESH … CONCURRENTLY can't be WITH NO DATA", "42601")
        return
    out.lock(view, E if node.concurrent else AE, "REFRESH")
    usable = any(index.unique and index.whole and index.valid for index in view.indexes)
    if node.concurrent and view.known and scene.catalog.live and not (usable and view.populated):
        lacks = "is not populated" if not view.populated else "has no unique index on plain columns of all its rows"
        out.fail(f"{view.name} {lacks}: REFRESH … CONCURRENTLY is refused", "55000")
    if not node.skip_data:
        read_tables(scene, out, list(view.reads), AS, f"behind {view.name}")
        unpopulated(view.reads, scene, out)
        run_functions((call.function for call in view.calls), scene, out)
        when_read(view.reads, scene, out)
    if not view.known:
        out.notes.append(f"the tables behind {view.name} are read (ACCESS SHARE)")
    if not node.skip_data:
        count_refresh(view, scene, out, concurrent=bool(node.concurrent))
    else:
        out.emptied.add(view.name)
    if view.known:
        scene.catalog.put(replace(view, populated=not node.skip_data))
    if not node.concurrent:
        out.rewrite(view)
        if not node.skip_data and view.populated and not view.new:
            needs = "" if usable else " (it needs a unique index on plain columns of all rows first)"
            out.advise(
                "refresh-concurrently",
                f"nobody can read {view.name} meanwhile; CONCURRENTLY lets reads go on{needs}",
                (lambda: concurrently(node)) if usable else None,
            )


RULES = {
    "AlterSeqStmt": alter_sequence,
    "CommentStmt": comment,
    "SecLabelStmt": comment,
    "AlterExtensionContentsStmt": comment,
    "CreatePublicationStmt": publication,
    "AlterPublicationStmt": publication,
    "CreateStatsStmt": create_statistics,
    "CreateDomainStmt": create_domain,
    "AlterDomainStmt": alter_domain,
    "CreateEnumStmt": create_type,
    "CreateRangeStmt": create_type,
    "CompositeTypeStmt": create_type,
    "AlterEnumStmt": alter_enum,
    "RefreshMatViewStmt": refresh,
    "AlterOwnerStmt": alter_owner,
    "AlterObjectDependsStmt": depends,
    "ConstraintsSetStmt": set_constraints,
    "CreateCastStmt": create_cast,
    "CreateExtensionStmt": create_extension,
    "AlterExtensionStmt": alter_extension,
    "CreateSubscriptionStmt": create_subscription,
    "AlterSubscriptionStmt": alter_subscription,
    "AlterSystemStmt": outside,
    "DefineStmt": define,
    "LoadStmt": load,
    "CreatedbStmt": outside,
    "CreateTableSpaceStmt": outside,
    "CreateAmStmt": access_method_made,
    "DropTableSpaceStmt": outside,
    **dict.fromkeys(
        (
            "AlterStatsStmt",
            "AlterDatabaseStmt", "AlterDatabaseRefreshCollStmt",
            "CreateConversionStmt", "CreateFdwStmt", "AlterFdwStmt", "CreateForeignServerStmt",
            "AlterForeignServerStmt", "CreateUserMappingStmt", "AlterUserMappingStmt", "DropUserMappingStmt",
            "CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt", "AlterOperatorStmt", "AlterTypeStmt",
            "AlterCollationStmt", "AlterTSConfigurationStmt", "AlterTSDictionaryStmt", "CreatePLangStmt",
            "CreateTransformStmt", "AlterTableSpaceOptionsStmt", "ImportForeignSchemaStmt",
            "ListenStmt", "UnlistenStmt", "NotifyStmt", "CheckPointStmt", "FetchStmt", "VariableShowStmt",
            "ReplicaIdentityStmt",
        ),
        nothing,
    ),
}  # fmt: skip
