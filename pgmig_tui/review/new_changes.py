"""What a person sees of new changes before they are written: what they depend on, what they lock, what lint says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.gates.impacts import Inspected, Reading, Source, carried, inspect, reading, unasked
from pgmig_tui.impact import nodes
from pgmig_tui.lint.effects import Done, Thing, effects_of
from pgmig_tui.lint.finding import LintFinding
from pgmig_tui.lint.inspect import LintReading, LintSource, Scripts, lint_one
from pgmig_tui.project.author.drafted import NewChange
from pgmig_tui.project.author.patterns.draft import ChangeDraft
from pgmig_tui.project.author.scripts import script_file
from pgmig_tui.project.changes import Change
from pgmig_tui.project.lint_settings import lint_settings
from pgmig_tui.project.project import Project
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.preview import Preview

_WORDS = re.compile(r"\w+")
_RELATIONS = ("table", "view", "type", "function", "sequence")


@dataclass(frozen=True, slots=True)
class NewChangeView:
    """A new change with its impact and that of its revert script, and what lint finds in its scripts."""

    change: NewChange
    deploy: Inspected
    revert: Inspected
    findings: tuple[LintFinding, ...]


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """The changes of a plan that made what drafts touch, with their scripts, in plan order; and what it goes with.
    `unsure`: it may be gone, by a script that does more than can be read."""

    makers: dict[Thing, Change]
    parents: dict[Thing, frozenset[Thing]]
    changes: tuple[Change, ...]
    unsure: frozenset[Thing] = frozenset()


def script_view(text: str) -> Preview:
    """A script that isn't in any file yet, as a run would read it."""
    how = Reading(ProjectFiles(Path("/nonexistent")), {}, Allow(), unasked({}))
    return how.preview(Source("", "", text.encode()))


def look_back(project: Project, drafts: Iterable[ChangeDraft]) -> MadeBefore:
    """What the deploy scripts of the plan have made, as far as drafts name it. Only scripts that hold a name of theirs
    are read closely; one that isn't there is passed over. Raises ProjectError for one that can't be read."""
    how = reading(project, "deploy", None, None, {})
    things = {thing for draft in drafts for thing in touched(script_view(draft.deploy))}
    named = {word.lower() for thing in things for word in _WORDS.findall(thing.name[-1])}
    makers: dict[Thing, Change] = {}
    parents: dict[Thing, frozenset[Thing]] = {}
    changes: list[Change] = []
    unsure: set[Thing] = set()
    for change, source in zip(project.plan.changes, carried(project, project.plan.changes, "deploy"), strict=True):
        text = source.data.decode("utf-8", "replace").lower()
        if source.missing or not any(word in text for word in named):
            continue
        changes.append(change)
        effects = effects_of(how.preview(source))
        parents.update(effects.parents)
        for thing, done in effects.things.items():
            if done == "gone" or thing.kind == "table":  # made once more, it has other columns
                _forget(thing, makers, parents, effects.things)
            if done == "made":
                makers[thing] = change
                unsure.discard(thing)
        if not effects.known:
            words = set(_WORDS.findall(text))
            unsure |= {thing for thing in makers if words.issuperset(_WORDS.findall(thing.name[-1].lower()))}
    return MadeBefore(makers, parents, tuple(changes), frozenset(unsure))


def _forget(
    thing: Thing, makers: dict[Thing, Change], parents: dict[Thing, frozenset[Thing]], now: Mapping[Thing, Done]
) -> None:
    """It is gone, or is another one now, and so are the parts that it doesn't have from this script."""
    if now.get(thing) == "gone":
        makers.pop(thing, None)
    for part in [one for one, of in parents.items() if thing in of and one in makers and now.get(one) != "made"]:
        makers.pop(part, None)
        _forget(part, makers, parents, now)


def touched(view: Preview) -> set[Thing]:
    """What the statements of a script name: relations and their columns, types, functions. A schema of "public" is left
    out, as `lint.effects` does."""
    effects = effects_of(view)
    # What is made goes with its columns, too: who made these is needed as well as who made their table.
    found = set(effects.touched).union(*effects.parents.values())
    for one in view.statements:
        for tree in one.nodes if one.control is None else ():
            for node in nodes.walk(nodes.statement(tree)):
                found.update(_named(node))
    for thing in list(found):
        found |= {Thing(kind, thing.name[:-1]) for kind in ("table", "view", "type") if len(thing.name) > 2}
    return found


def _named(node: nodes.Node) -> Iterator[Thing]:
    kind = nodes.kind(node)
    if kind == "RangeVar" and node.schemaname:
        parts = [node.schemaname, node.relname]
    elif kind == "TypeName":
        parts = nodes.strings(node.names)
    elif kind == "FuncCall":
        parts = nodes.strings(node.funcname)
    else:
        return
    if len(parts) == 2 and parts[0] != "pg_catalog":
        name = tuple(parts[1:] if parts[0] == "public" else parts)
        yield from (Thing(one, name) for one in _RELATIONS)


def proposed(project: Project, drafts: Sequence[ChangeDraft], earlier: MadeBefore) -> tuple[tuple[str, ...], ...]:
    """For each draft the changes of the plan that made what it touches, without those that these, or the draft before,
    require themselves."""
    found: list[tuple[str, ...]] = []
    known: set[str] = set()
    for draft in drafts:
        things = touched(script_view(draft.deploy))
        makers = {change.name: change for thing, change in earlier.makers.items() if thing in things}
        above = known | {name for change in makers.values() for name in _required(project, change)}
        direct = sorted((one for one in makers.values() if one.name not in above), key=lambda one: one.index)
        found.append(tuple(one.name for one in direct))
        known |= set(found[-1]) | above
    return tuple(found)


def _required(project: Project, change: Change) -> set[str]:
    """The names of all changes that one requires, over any number of others."""
    by_name = {one.name: one for one in project.plan.changes[: change.index]}
    found: set[str] = set()
    pending = [change]
    while pending:
        for one in pending.pop().requires:
            name = one.change if one.project is None else None
            if name in by_name and name not in found:
                found.add(str(name))
                pending.append(by_name[str(name)])
    return found


def see(project: Project, changes: Sequence[NewChange], earlier: MadeBefore) -> tuple[NewChangeView, ...]:
    """Impact and findings of changes that aren't written yet. What the plan has made before is known to the impact."""
    settings = lint_settings(project.root)
    variables = reading(project, "deploy", None, None, {}).variables
    rules = LintReading(ProjectFiles(project.root), settings, variables)
    before = list(carried(project, earlier.changes, "deploy"))
    names = frozenset(one.name for one in changes)
    deploys = [_source(project, one, "deploy") for one in changes]
    reverts = [_source(project, one, "revert") for one in reversed(changes)]
    told = {
        kind: {one.change: one for one in inspect(sources, _reading(project, kind), wanted=names)}
        for kind, sources in (
            ("deploy", [*before, *deploys]),
            ("revert", [*before, *(Source("", one.name, one.data) for one in deploys), *reverts]),
        )
    }
    return tuple(
        NewChangeView(
            one, told["deploy"][one.name], told["revert"][one.name], tuple(lint_one(_lint(project, one), rules))
        )
        for one in changes
    )


def _reading(project: Project, kind: str) -> Reading:
    return reading(project, "revert" if kind == "revert" else "deploy", None, None, {})


def _path(project: Project, change: NewChange, kind: str) -> str:
    return project.relative(script_file(project.layout, kind, change.name))


def _source(project: Project, change: NewChange, kind: str) -> Source:
    return Source(change.name, _path(project, change, kind), change.scripts[kind])


def _lint(project: Project, change: NewChange) -> Scripts:
    one, two, three = (
        LintSource(_path(project, change, kind), change.scripts[kind]) for kind in ("deploy", "revert", "verify")
    )
    return Scripts(change.name, one, two, three)
