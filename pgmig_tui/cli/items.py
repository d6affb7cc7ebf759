"""Sqitch's two lists: `plan`, the changes of a plan, and `log`, the events of a registry."""

from __future__ import annotations

import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import choose, project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import RegistryEvent
    from pgmig_tui.display.item_format import Item, ItemFormat
    from pgmig_tui.project.config import Config
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project

TABLE = "table"
_NOTHING = "Nothing was done."
_ROLES: dict[str, Role] = {"deploy": "done", "revert": "waiting", "fail": "failed"}


def plan(arguments: Namespace) -> int:
    """The plan in its order, of the environment that is named or of the project here."""
    project = _planned(arguments)
    form = _format(arguments, project.config, "plan")
    chosen = _matching(project.plan.changes, arguments)
    if arguments.json:
        from pgmig_tui.report.documents import plan_document

        output.document(plan_document(project, chosen))
    elif form is None:
        _plan_table(project, chosen)
    elif not project.plan.changes:
        output.note(f"{safe(str(project.plan.path))} has no changes.")
    else:
        if arguments.headers:
            output.text_out(f"# Project: {safe(project.plan.project)}\n# File:    {safe(str(project.plan.path))}\n\n")
        _write(form, (_planned_item(project, change) for change in chosen))
    return 0


def _planned(arguments: Namespace) -> Project:
    if arguments.arguments or arguments.target is not None:
        return choose(arguments, changes=0).project
    return project_here(arguments)


def _matching(changes: Sequence[Change], arguments: Namespace) -> list[Change]:
    """As Sqitch chooses: first the part of the plan that --skip and -n leave, in the order that is wanted; of that,
    what matches any of the filters."""
    rows = list(reversed(changes)) if arguments.reverse else list(changes)
    end = arguments.skip + arguments.max_count if arguments.max_count else None
    rows = rows[arguments.skip : end]
    filters: list[Callable[[Change], object]] = []
    if arguments.planner is not None:
        planner = _regex(arguments.planner, "--planner")
        filters.append(lambda change: planner.search(change.planner_name))
    if arguments.change is not None:
        name = _regex(arguments.change, "--change")
        filters.append(lambda change: name.search(change.name))
    if arguments.event is not None:
        filters.append(lambda change: _operation(change) == arguments.event)
    return [change for change in rows if any(matches(change) for matches in filters)] if filters else rows


def _regex(text: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{option} {text} is no regular expression: {error}.", now=_NOTHING) from None


def _operation(change: Change) -> str:
    return "revert" if change.operator == "-" else "deploy"


def _plan_table(project: Project, changes: Iterable[Change]) -> None:
    uri = f"  {safe(project.plan.uri)}" if project.plan.uri else ""
    output.say(line("Project ", (safe(project.plan.project), "strong"), (uri, "muted")))
    rows: list[tuple[str | Line, ...]] = []
    for change in changes:
        tags = "".join(f" @{safe(tag.name)}" for tag in change.tags)
        needs = " ".join([*(d.text for d in change.requires), *(f"!{d.text}" for d in change.conflicts)])
        name = line(
            (safe(change.name), "strong"), (tags, "todo"), ("  reworked later", "muted") if change.superseded_by else ""
        )
        first_line = change.note.strip().split("\n")[0]
        rows.append(
            (
                str(change.index + 1),
                name,
                ((words.short_id(change.change_id), "muted"),),
                change.planned_at[:10],
                safe(needs),
                safe(first_line),
                safe(change.planner_name),
            )
        )
    output.table(("#>", "change", "ID?", "planned?", "requires?", "note?", "by?"), rows)


def _planned_item(project: Project, change: Change) -> Item:
    return {
        "event": _operation(change),
        "project": project.plan.project,
        "change_id": change.change_id,
        "change": change.name,
        "note": change.note,
        "tags": tuple(f"@{tag.name}" for tag in change.tags),
        "requires": tuple(dependency.text for dependency in change.requires),
        "conflicts": tuple(dependency.text for dependency in change.conflicts),
        "planned_at": change.planned_at,
        "planner_name": change.planner_name,
        "planner_email": change.planner_email,
        "deploy_file": project.relative(project.script_path(change, "deploy")),
    }


# -- log -------------------------------------------------------------------------------------------------------------


def log(arguments: Namespace) -> int:
    """The events of an environment's registry, newest first, of all its projects as `sqitch log` shows them."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.database.deployed import EventFilter, read_registry, search_events

    found = choose(arguments, changes=0)
    environment, schema = found.environment, found.environment.target.registry
    form = _format(arguments, found.project.config, "log")
    wanted = EventFilter(
        events=tuple(arguments.event or ()),
        change=arguments.change,
        project=arguments.project,
        committer=arguments.committer,
        limit=arguments.max_count or None,
        skip=arguments.skip,
        oldest_first=arguments.reverse,
    )
    with connect(environment.target, application_name=application_name("log", environment.name)) as connection:
        present = read_registry(connection, schema).present
        events = search_events(connection, schema, wanted) if present else ()
    if arguments.json:
        output.document({"environment": environment.name, "events": [asdict(event) for event in events]})
        return 0
    if not events and (form is None or not (present and wanted.narrows)):
        why = "nothing was ever deployed there"
        if present:
            why = "its registry has no such events" if wanted.narrows else "its registry has no events"
        (output.say if form is None else output.note)(f"{safe(environment.name)}: {why}.")
        return 0
    if form is None:
        _log_table(events)
        return 0
    if arguments.headers:
        output.text_out(f"On database {safe(environment.target.destination)}\n")
    _write(form, (_event_item(event) for event in events))
    return 0


def _log_table(events: Iterable[RegistryEvent]) -> None:
    rows: list[tuple[str | Line, ...]] = [
        (
            words.utc(event.committed_at),
            ((safe(event.event), _ROLES.get(event.event, "plain")),),
            safe(" ".join([event.change, *event.tags])),
            safe(event.note.split("\n")[0]),
            safe(f"{event.committer_name} <{event.committer_email}>"),
            safe(event.project),
        )
        for event in events
    ]
    output.table(("at", "event", "change", "note?", "by?", "project?"), rows)


def _event_item(event: RegistryEvent) -> Item:
    return {
        "event": event.event,
        "project": event.project,
        "change_id": event.change_id,
        "change": event.change,
        "note": event.note,
        "requires": event.requires,
        "conflicts": event.conflicts,
        "tags": event.tags,
        "committer_name": event.committer_name,
        "committer_email": event.committer_email,
        "committed_at": event.committed_at,
        "planner_name": event.planner_name,
        "planner_email": event.planner_email,
        "planned_at": event.planned_at,
    }


# -- formats ---------------------------------------------------------------------------------------------------------


def _format(arguments: Namespace, config: Config, command: str) -> ItemFormat | None:
    """How items are written: the options, then `[log] format` or `[plan] format`; None = our table. Raises
    UsageError."""
    from pgmig_tui.display.item_format import (
        ABBREVIATED,
        LOG_FORMATS,
        PLAN_FORMATS,
        FormatError,
        ItemFormat,
        format_text,
    )

    if arguments.json:
        if arguments.format or arguments.oneline:
            raise UsageError("--json and a format can't both be.", now=_NOTHING, do="Leave one of them out.")
        return None
    wanted = arguments.format or ("oneline" if arguments.oneline else config.get(f"{command}.format")) or TABLE
    color = arguments.color or config.get(f"{command}.color") or "auto"
    if color not in ("auto", "always", "never"):
        raise UsageError(f"{command}.color is {color}, and can be auto, always or never.", now=_NOTHING)
    if wanted == TABLE:
        if color != "auto":
            os.environ.update({"FORCE_COLOR": "1"} if color == "always" else {"NO_COLOR": "1"})
        return None
    formats: Mapping[str, str] = LOG_FORMATS if command == "log" else PLAN_FORMATS
    abbrev = arguments.abbrev if arguments.abbrev is not None else ABBREVIATED if arguments.oneline else 0
    colors = color == "always" or (color == "auto" and sys.stdout.isatty())
    try:
        text = format_text(wanted, formats, command)
    except FormatError as error:
        raise UsageError(
            f"{error}.",
            now=_NOTHING,
            do=f"It is one of {', '.join((TABLE, *formats))} or format:TEXT. A plan file is given as --plan-file FILE.",
        ) from None
    return ItemFormat(text, abbrev, date_format(arguments, config, command), colors and "NO_COLOR" not in os.environ)


def date_format(arguments: Namespace, config: Config, command: str) -> str:
    """The date format of the options, or of the configuration, or iso. Raises UsageError."""
    from pgmig_tui.display.dates import NAMED, known_format

    wanted: str = arguments.date_format or config.get(f"{command}.date_format") or "iso"
    if not known_format(wanted):
        names = ", ".join(NAMED)
        raise UsageError(
            f'Unknown date format "{wanted}".', now=_NOTHING, do=f"Say one of {names}, strftime:… or cldr:…."
        )
    return wanted


def _write(form: ItemFormat, items: Iterable[Item]) -> None:
    from pgmig_tui.display.item_format import FormatError

    try:
        for item in items:
            output.text_out(form.of(item) + "\n")
    except FormatError as error:
        raise UsageError(f"{error}.", now=_NOTHING, do="`pgmig-tui log --help` names the codes.") from None
