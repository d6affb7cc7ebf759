"""Whether new changes make what the plan has made already, or alter a view as if it were a table: they would fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgmig_tui.errors import UsageError
from pgmig_tui.impact import nodes
from pgmig_tui.lint.effects import Thing, effects_of
from pgmig_tui.project.author.patterns.draft import ChangeDraft
from pgmig_tui.review.new_changes import MadeBefore, script_view
from pgmig_tui.script.preview import Preview

_RELATIONS = ("table", "view", "sequence", "index")
"""They share their names in a schema."""
_INSTEAD = {
    "index": "Say another name; of a foreign key --no-index, if that index begins with its columns.",
    "constraint": "Say another name with --constraint.",
    "policy": "Say another name with --policy.",
}


def refuse_taken(drafts: Sequence[ChangeDraft], earlier: MadeBefore) -> None:
    """Raise UsageError for the first thing that is there already when its draft would make it, as far as the plan's
    scripts tell for certain: where one of them may have done more, nothing is said."""
    gone: set[Thing] = set()
    for draft in drafts:
        view = script_view(draft.deploy)
        for name in _altered(view):
            there = Thing("view", name)
            if _made(there, earlier, gone) and Thing("table", name) not in earlier.makers:
                raise UsageError(
                    f"{'.'.join(name)} is a view: {earlier.makers[there].name} makes it.",
                    now="Nothing was changed.",
                    do="Name a table.",
                )
        effects = effects_of(view)
        for thing, done in effects.things.items():
            if done == "gone":
                gone |= {thing, *_children(thing, earlier)}
        for thing, done in effects.things.items():
            taken = next((one for one in _alike(thing) if _made(one, earlier, gone)), None)
            if done == "made" and taken is not None:
                raise UsageError(
                    f"There is a {taken.kind} {'.'.join(taken.name)} already: {earlier.makers[taken].name} makes it.",
                    now="Nothing was changed.",
                    do=_INSTEAD.get(taken.kind, "Say another name."),
                )


def _alike(thing: Thing) -> Iterator[Thing]:
    kinds = _RELATIONS if thing.kind in _RELATIONS else (thing.kind,)
    return (Thing(kind, thing.name) for kind in kinds)


def _made(thing: Thing, earlier: MadeBefore, gone: set[Thing]) -> bool:
    return thing in earlier.makers and thing not in earlier.unsure and thing not in gone


def _children(thing: Thing, earlier: MadeBefore) -> set[Thing]:
    return {one for one, parents in earlier.parents.items() if thing in parents}


def _altered(view: Preview) -> Iterator[tuple[str, ...]]:
    for one in view.statements:
        for tree in one.nodes if one.control is None else ():
            node = nodes.statement(tree)
            if nodes.kind(node) == "AlterTableStmt" and node.relation.schemaname:
                parts = (node.relation.schemaname, node.relation.relname)
                yield parts[1:] if parts[0] == "public" else parts
