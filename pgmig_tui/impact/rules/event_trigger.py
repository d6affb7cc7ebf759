"""Event triggers: what makes them, and what they do about a statement."""

from __future__ import annotations

from collections.abc import Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import EventTrigger, Name
from pgmig_tui.impact.folding import NOTHING, REWRITTEN
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import behind
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_state import State

_SHARED = ("Createdb", "Dropdb", "AlterDatabase", "CreateRole", "AlterRole", "DropRole", "GrantRole",
           "CreateTableSpace", "DropTableSpace", "AlterTableSpace", "CreateEventTrig", "AlterEventTrig",
           "AlterSystem")  # fmt: skip
_DDL = ("Create", "Alter", "Drop", "Comment", "Grant", "Rename", "Index", "View", "Define", "Rule", "SecLabel",
        "RefreshMatView", "ImportForeignSchema", "CompositeType")  # fmt: skip
_TAGS = {
    "CreateStmt": "CREATE TABLE", "CreateTableAsStmt": "CREATE TABLE AS", "AlterTableStmt": "ALTER TABLE",
    "IndexStmt": "CREATE INDEX", "ViewStmt": "CREATE VIEW", "CommentStmt": "COMMENT",
    "CreateSchemaStmt": "CREATE SCHEMA", "CreateFunctionStmt": "CREATE FUNCTION", "CreateSeqStmt": "CREATE SEQUENCE",
    "CreateTrigStmt": "CREATE TRIGGER",
    "CreateExtensionStmt": "CREATE EXTENSION", "CreatePolicyStmt": "CREATE POLICY", "CreateEnumStmt": "CREATE TYPE",
}  # fmt: skip
_REWRITES_UNSEEN = frozenset({"RefreshMatViewStmt", "IndexStmt", "AlterSeqStmt"})
"""Statements whose new files are no rewrite to an event trigger."""


def event_trigger_made(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE EVENT TRIGGER: it fires for what comes."""
    facts = scene.catalog.functions(nodes.strings(node.funcname), 0)
    name = facts[0].name if facts else scene.catalog.resolve(nodes.name_from(nodes.strings(node.funcname)))
    tags = tuple(
        text
        for item in node.whenclause
        if item.def_elem.defname == "tag"
        for text in nodes.strings(nodes.open_node(item.def_elem.arg).items)
    )
    scene.catalog.put_event_trigger(EventTrigger(node.trigname, node.eventname, tags, name))


def event_trigger_switched(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER EVENT TRIGGER … DISABLE or ENABLE."""
    scene.catalog.switch_event_trigger(node.trigname, enabled=node.tgenabled not in {"D", "R"})


def fire(node: Node, scene: Scene, out: Effect, before: State) -> None:
    """What event triggers do about a statement; `before` is what was there then."""
    kind = type(node).__name__
    if kind.startswith(_SHARED) or not kind.startswith(_DDL) or out.problem:
        return
    inner = Effect()
    for trigger in scene.catalog.event_triggers:
        if _fires(trigger, node, kind, out):
            around = scene.inside(scene.catalog, scene.sql, NOTHING)
            inner.problem = ""
            worth = {"tg_event": trigger.event, "tg_tag": _tag(node, kind)}
            if out.rewrites:
                worth[REWRITTEN] = str(next(iter(out.rewrites)))
            known = kind in {"DropStmt", "AlterTableStmt"} and trigger.event == "sql_drop"
            around.code.dropped = tuple(_dropped(before, scene.catalog)) if known else None
            parts = [trigger.function.schema, trigger.function.relation]
            scene.rules.run_function(parts, around, inner, (), {name: value for name, value in worth.items() if value})
            around.code.dropped = None
            if inner.problem and _surely(trigger, node, kind, out):
                out.fail(behind(f"the event trigger {trigger.name} refuses it: ", inner.problem))
            scene.become(around.outcomes)
    for lock in inner.locks.values():
        out.take_lock(lock, f"{lock.why}, by an event trigger", certainty="possible")
    inner.problem = ""
    out.absorb(inner)


_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "S": "sequence", "f": "foreign table",
          "c": "composite type"}  # fmt: skip


def _dropped(before: State, catalog: Catalog) -> Iterator[dict[str, str]]:
    """The relations, indexes and columns that are gone, as pg_event_trigger_dropped_objects() tells of them."""
    for name, relation in before.relations.items():
        now = catalog.known(name)
        if now is None and relation.kind in _KINDS:
            yield _object(_KINDS[relation.kind], name)
        for column in relation.columns if now is not None and now.columns is not relation.columns else ():
            if now is not None and column not in now.columns:
                yield {
                    "object_type": "table column",
                    "object_identity": f"{name}.{column}",
                    "schema_name": name.schema,
                }
    for name in before.indexes:
        if catalog.index(name) is None:
            yield _object("index", name)


def _object(kind: str, name: Name) -> dict[str, str]:
    return {"object_type": kind, "object_identity": str(name), "object_name": name.relation, "schema_name": name.schema}


def _surely(trigger: EventTrigger, node: Node, kind: str, out: Effect) -> bool:
    """Whether an event trigger that may fire does so for certain."""
    if trigger.event == "sql_drop":
        return kind in {"DropStmt", "AlterTableStmt"} and bool(out.locks)
    if trigger.event == "table_rewrite":
        return kind == "AlterTableStmt" and bool(out.rewrites)
    return not trigger.tags or bool(_tag(node, kind))


def _tag(node: Node, kind: str) -> str:
    """The command tag of a statement, "" where it isn't told here."""
    if kind == "DropStmt":
        what = nodes.enum_name("ObjectType", node.remove_type).removeprefix("OBJECT_").replace("_", " ")
        return f"DROP {what}".replace("MATVIEW", "MATERIALIZED VIEW")
    if kind == "AlterTableStmt" and nodes.enum_name("ObjectType", node.objtype) != "OBJECT_TABLE":
        what = nodes.enum_name("ObjectType", node.objtype).removeprefix("OBJECT_").replace("_", " ")
        return f"ALTER {what}".replace("MATVIEW", "MATERIALIZED VIEW")
    if kind == "RenameStmt":
        of_part = node.relation_type and nodes.enum_name("ObjectType", node.rename_type) in _PARTS
        what = nodes.enum_name("ObjectType", node.relation_type if of_part else node.rename_type)
        return f"ALTER {what.removeprefix('OBJECT_').replace('_', ' ')}".replace("MATVIEW", "MATERIALIZED VIEW")
    return _TAGS.get(kind, "")


_PARTS = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"})
_DROPPING = frozenset({"AT_DropColumn", "AT_DropConstraint", "AT_DropNotNull", "AT_ColumnDefault", "AT_DropIdentity"})
"""Subcommands of ALTER TABLE that drop an object."""


def _fires(trigger: EventTrigger, node: Node, kind: str, out: Effect) -> bool:
    if not trigger.enabled:
        return False
    if trigger.event == "sql_drop":
        if kind not in {"DropStmt", "DropOwnedStmt", "AlterTableStmt"}:
            return False
        subtypes = {
            nodes.enum_name("AlterTableType", item.alter_table_cmd.subtype) for item in getattr(node, "cmds", ())
        }
        if kind == "AlterTableStmt" and not subtypes & _DROPPING:
            return False
    if trigger.event == "table_rewrite" and (not out.rewrites or kind in _REWRITES_UNSEEN):
        return False
    if trigger.event == "login":
        return False
    tag = _tag(node, kind)
    return not trigger.tags or not tag or tag in {text.upper() for text in trigger.tags}
