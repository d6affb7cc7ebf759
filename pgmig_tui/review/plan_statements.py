"""The statements of a plan's deploy scripts, one after the other, for who asks what they have made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pgmig_tui.gates.impacts import carried, reading
from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.project.project import Project
from pgmig_tui.script.given import QualifiedName


def statements_in_plan(project: Project, wanted: Callable[[str], bool]) -> Iterator[Node]:
    """The trees of the statements of scripts whose text, in lower case, is `wanted`. Raises ProjectError for one that
    can't be read."""
    how = reading(project, "deploy", None, None, {})
    for source in carried(project, project.plan.changes, "deploy"):
        if wanted(source.data.decode("utf-8", "replace").lower()):
            for one in how.preview(source).statements:
                for tree in one.nodes if one.control is None else ():
                    yield nodes.statement(tree)


def relation_of(relation: Node) -> QualifiedName:
    """The relation that a statement names; without a schema it is taken to be in public."""
    return QualifiedName(relation.schemaname or "public", relation.relname)
