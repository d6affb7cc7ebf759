"""`add`, `tag` and `rework`: the plan and its scripts written as `sqitch` writes them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, project_here
from pgmig_tui.cli.own_editor import ask_note, edit
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.author.changes import Prepared
    from pgmig_tui.project.author.edits import PlannedChange
    from pgmig_tui.project.author.places import ChosenPlaces
    from pgmig_tui.project.author.scripts import TemplateChoice
    from pgmig_tui.project.author.templates import Value
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


def add(arguments: Namespace) -> int:
    """Add a change to the plan, with scripts made of templates."""
    from pgmig_tui.project.author.changes import prepare_add

    project = project_here(arguments)
    choice = _choice(project, arguments)
    return _change(arguments, project, "add", lambda chosen, one: prepare_add(project, chosen.places, one, choice))


def rework(arguments: Namespace) -> int:
    """Add another instance of a change to the plan, and copy its scripts."""
    from pgmig_tui.project.author.changes import prepare_rework

    project = project_here(arguments)
    return _change(arguments, project, "rework", lambda chosen, one: prepare_rework(project, chosen.places, one))


def tag(arguments: Namespace) -> int:
    """Tag a change of the plan; without a name list the tags."""
    from pgmig_tui.project.author.changes import prepare_tag
    from pgmig_tui.project.author.edits import this_moment
    from pgmig_tui.project.author.places import choose_places
    from pgmig_tui.project.author.plan_file import given_note

    project = project_here(arguments)
    if arguments.target is not None:
        project = environment_named(project, arguments.target)[0]
    chosen = choose_places(project, arguments.arguments, "tag", every=arguments.all)
    words = list(chosen.words)
    name = arguments.tag or (words.pop(0) if words else None)
    change = arguments.change or (words.pop(0) if words else None)
    _no_more(words)
    if name is None:
        if chosen.named and (arguments.note or change):
            raise _is_target(chosen.named[0], "tag")
        return _list_tags(project, chosen)
    if arguments.tag and project.names(name) is not None and not arguments.note:
        raise UsageError(
            f"{name} is an environment, and -t is the tag's name.",
            now=_NOTHING,
            do=f"Say --target {name} for its tags. To make a tag of that name, say -n NOTE as well.",
        )

    def prepared(note: str) -> Prepared:
        return prepare_tag(project, chosen.places, name, note=note, planned_at=this_moment(), change=change)

    note = given_note(arguments.note)
    if not note:
        prepared("")
        note = ask_note(project, "tag", [f"Tag to write: @{name.removeprefix('@')}"])
    done = prepared(note)
    done.write()
    _tell(done)
    return 0


def _change(
    arguments: Namespace, project: Project, command: str, prepare: Callable[[ChosenPlaces, PlannedChange], Prepared]
) -> int:
    from pgmig_tui.project.author.edits import PlannedChange, this_moment
    from pgmig_tui.project.author.places import choose_places
    from pgmig_tui.project.author.plan_file import given_note

    chosen = choose_places(project, arguments.arguments, command, every=arguments.all)
    words = list(chosen.words)
    name = arguments.change or (words.pop(0) if words else None)
    if name is None:
        raise _is_target(chosen.named[0], command) if chosen.named else _no_name(command)
    _no_more(words)
    wanted = PlannedChange(
        name,
        str(project.operator),
        this_moment(),
        given_note(arguments.note),
        tuple(arguments.requires),
        tuple(arguments.conflicts),
    )
    if not wanted.note:
        looked = prepare(chosen, wanted)  # what is refused is refused before anybody writes a note
        shown = [f"Change to {command}: {name}", *(f"  {project.relative(path)}" for path in looked.files)]
        wanted = replace(wanted, note=ask_note(project, command, shown), planned_at=this_moment())
    done = prepare(chosen, wanted)
    done.write()
    _tell(done)
    opens = arguments.edit
    if opens is None:
        keys = ("rework.open_editor", "add.open_editor") if command == "rework" else ("add.open_editor",)
        opens = next((found for key in keys if (found := project.config.bool(key)) is not None), False)
    if opens:
        edit(project, done.files)
    return 0


def _choice(project: Project, arguments: Namespace) -> TemplateChoice:
    from pgmig_tui.project.author.scripts import KINDS, TemplateChoice, variables

    said: dict[str, Value] = {}
    for name, value in arguments.template_variables:
        before = said.get(name)
        said[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    chosen = dict.fromkeys((*KINDS, *arguments.with_scripts), True) | dict.fromkeys(arguments.without_scripts, False)
    return TemplateChoice(
        name=arguments.template,
        directory=_path(arguments.template_directory),
        files={kind: Path.cwd() / file for kind, file in arguments.use},
        chosen=chosen,
        variables=variables(project, said),
    )


def _path(text: str | None) -> Path | None:
    return Path.cwd() / text if text else None


def _list_tags(project: Project, chosen: ChosenPlaces) -> int:
    from pgmig_tui.project.author.places import plan_files

    names = (one.name for file in plan_files(project, chosen.places).values() for one in file.plan.tags)
    for name in dict.fromkeys(names):
        output.say(f"@{safe(name)}")
    return 0


def _tell(done: Prepared) -> None:
    if not output.is_quiet():
        for text in done.said:
            output.say(safe(text))


def _is_target(name: str, command: str) -> UsageError:
    option = "tag" if command == "tag" else "change"
    return UsageError(
        f'Name "{name}" identifies a target.',
        now=_NOTHING,
        do=f"Say --{option} {name} to use it for the {option}'s name.",
    )


def _no_name(command: str) -> UsageError:
    return UsageError(
        f"{command} needs the name of a change.", now=_NOTHING, do=f"Say pgmig-tui {command} NAME -n NOTE."
    )


def _no_more(words: Sequence[str]) -> None:
    if words:
        raise UsageError(
            f"Unknown argument{'s' * (len(words) > 1)}: {', '.join(words)}.",
            now=_NOTHING,
            do="One name at a time; a note is said with -n, in quotes.",
        )
