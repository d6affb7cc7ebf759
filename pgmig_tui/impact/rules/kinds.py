"""Statements that are refused because what they name is something else: a view where a table is wanted (42809).

Source: the checks of tablecmds.c (ATSimplePermissions, RangeVarCallbackForAlterRelation, DropErrorMsgWrongType),
lockcmds.c, indexcmds.c, matview.c, execMain.c (CheckValidResultRel) and trigger.c.
"""

from __future__ import annotations

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name, Relation, replace
from pgmig_tui.impact.shadow import Catalog

_WORDS = {
    "r": "a table", "p": "a partitioned table", "v": "a view", "m": "a materialized view", "S": "a sequence",
    "f": "a foreign table", "c": "a composite type", "i": "an index",
}  # fmt: skip
TARGETS = {
    "OBJECT_TABLE": ("rp", "a table"),
    "OBJECT_VIEW": ("v", "a view"),
    "OBJECT_MATVIEW": ("m", "a materialized view"),
    "OBJECT_SEQUENCE": ("S", "a sequence"),
    "OBJECT_FOREIGN_TABLE": ("f", "a foreign table"),
    "OBJECT_INDEX": ("i", "an index"),
}
"""What DROP and COMMENT ON take for each word, and how it is called."""
_ANY = "rpvmSf"
_SUBCOMMANDS = {
    "ADD COLUMN": "rpcf", "DROP COLUMN": "rpcf", "ALTER COLUMN TYPE": "rpcf", "SET or DROP DEFAULT": "rpvf",
    "SET NOT NULL": "rpf", "DROP NOT NULL": "rpf", "SET EXPRESSION": "rpf", "DROP EXPRESSION": "rpf",
    "SET STATISTICS": "rpmf", "SET (column options)": "rpmf", "RESET (column options)": "rpmf", "SET STORAGE": "rpmf",
    "SET COMPRESSION": "rpm", "ADD CONSTRAINT": "rpf", "ALTER CONSTRAINT": "rp", "VALIDATE CONSTRAINT": "rpf",
    "DROP CONSTRAINT": "rpf", "CLUSTER ON": "rpm", "SET WITHOUT CLUSTER": "rpm", "SET ACCESS METHOD": "rpm",
    "SET TABLESPACE": "rpm", "SET (options)": "rpvm", "RESET (options)": "rpvm", "INHERIT": "rpf", "NO INHERIT": "rpf",
    "OF": "rp", "NOT OF": "rp", "REPLICA IDENTITY": "rpm", "ENABLE ROW LEVEL SECURITY": "rp",
    "DISABLE ROW LEVEL SECURITY": "rp", "FORCE ROW LEVEL SECURITY": "rp", "NO FORCE ROW LEVEL SECURITY": "rp",
    "ENABLE TRIGGER": "rpf", "DISABLE TRIGGER": "rpf", "ATTACH PARTITION": "p", "DETACH PARTITION": "p",
    "ENABLE RULE": "rp", "DISABLE RULE": "rp",
}  # fmt: skip


def wrong_kind(scene: Scene, out: Effect, relation: Relation, kinds: str, wanted: str = "a table") -> bool:
    """Say that a statement is refused because a relation is of none of these `kinds` (letters of pg_class.relkind);
    False where it isn't, or where nobody knows."""
    if not scene.catalog.live or not relation.known or relation.kind == "?" or relation.kind in kinds:
        return False
    out.fail(f"{relation.name} is {_WORDS.get(relation.kind, 'something else')}, not {wanted}", "42809")
    return True


def stored_where(scene: Scene, out: Effect, tablespace: str, method: str) -> None:
    """A tablespace and an access method that are named must be there (42704)."""
    scope = scene.catalog.facts.scope
    if scope is None or scene.catalog.uncertain:
        return
    if (
        tablespace
        and scope.tablespaces
        and not (tablespace in scope.tablespaces or scene.catalog.has_store(tablespace))
    ):
        out.fail(f"the tablespace {tablespace} does not exist", "42704")
    if method and scope.methods and not (method in scope.methods or scene.catalog.has_store(method)):
        out.fail(f"the access method {method} does not exist", "42704")


def index_or_relation(catalog: Catalog, name: Name, kind: str = "?") -> Relation:
    """The relation, or what stands for an index of that name."""
    relation = catalog.relation(name, kind)
    if relation.known or catalog.index(name) is None:
        return relation
    return replace(relation, kind="i", known=True)


def wrong_target(scene: Scene, out: Effect, relation: Relation, what: str) -> bool:
    """The same of what DROP and COMMENT name by a word of ObjectType."""
    found = TARGETS.get(what)
    return found is not None and wrong_kind(scene, out, relation, *found)


def altered_as(scene: Scene, out: Effect, relation: Relation, what: str) -> bool:
    """ALTER VIEW and its like take their own kind alone; ALTER TABLE nearly any."""
    if what == "OBJECT_TABLE":
        return wrong_kind(scene, out, relation, _ANY)
    return wrong_target(scene, out, relation, what)


def subcommand_on(scene: Scene, out: Effect, relation: Relation, words: str) -> bool:
    """Each subcommand of ALTER TABLE takes some kinds (ATSimplePermissions)."""
    kinds = _SUBCOMMANDS.get(words)
    if words in {"SET LOGGED", "SET UNLOGGED"}:
        kinds = "r" if scene.major >= 18 else "rp"
        kinds += "S" if scene.major >= 15 else ""
    if kinds is None:
        return False
    known = scene.catalog.live and relation.known
    if known and scene.major < 18 and relation.kind == "r" and words in {"ATTACH PARTITION", "DETACH PARTITION"}:
        out.fail(f"the table {relation.name} is not partitioned", "42P17")
        return True
    return wrong_kind(scene, out, relation, kinds, f"something that {words} is for")
