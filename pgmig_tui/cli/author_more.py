"""`init`, `bundle` and `rename`; and `checkout`, which is refused."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError, in_a_line
from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


def init(arguments: Namespace) -> int:
    """Begin a project: sqitch.conf, the plan and the folders of the scripts."""
    from pgmig_tui.project.author.begin import Beginning, begin
    from pgmig_tui.project.config import FILE_NAME, read_config

    root = Path.cwd()
    name = os.environ.get("SQITCH_CONFIG") or FILE_NAME
    wanted = Beginning(
        arguments.project,
        uri=arguments.uri,
        target=arguments.target,
        plan_file=arguments.plan_file,
        top_dir=arguments.top_dir,
        extension=arguments.extension,
        registry=arguments.registry,
        client=arguments.client,
        folders=dict(arguments.folders),
        variables=dict(arguments.template_variables),
    )
    config = read_config(root, os.environ)
    if config.local_file is not None and config.local_file.parent != root:
        output.warn(f"there is a project above already: {config.local_file}")
    _tell(begin(root, wanted, config, name))
    return 0


def bundle(arguments: Namespace) -> int:
    """Copy configuration, plan and scripts to a folder."""
    from pgmig_tui.project.author.bundle import Bundle
    from pgmig_tui.project.author.places import choose_places

    project = project_here(arguments)
    chosen = choose_places(project, arguments.arguments, "bundle", every=arguments.all)
    changes = list(chosen.words)
    if unknown := [one for one in changes if not project.plan.contains(one)]:
        raise UsageError(
            f"Unknown argument{'s' * (len(unknown) > 1)}: {', '.join(unknown)}.",
            now=_NOTHING,
            do="Name targets, and a first and a last change.",
        )
    if changes and (arguments.since or arguments.to):
        raise UsageError(
            "Cannot specify both --from or --to and change arguments.", now=_NOTHING, do="Say them in one way."
        )
    found = Bundle(project, _destination(project, arguments.dest_dir))
    if len(chosen.places) > 1 and (arguments.since or arguments.to):
        found.warnings.append("--from and --to count in the plan of each target")
    for number, place in enumerate(chosen.places):
        since, until = (*changes[2 * number : 2 * number + 2], None, None)[:2]
        found.add(place, arguments.since or since, arguments.to or until)
    found.write()
    _tell(found.said)
    for warning in found.warnings:
        output.warn(warning)
    return 0


def rename(arguments: Namespace) -> int:
    """Rename a change that no environment has; one that can't be asked is told, and wants a yes."""
    from pgmig_tui.project.author.rename import prepare_rename

    project = project_here(arguments)
    prepared, change = prepare_rename(project, arguments.old, arguments.new)
    unknown = _require_nowhere(project, change.index)
    for told in prepared.said:
        output.note(line(("~ ", "muted"), safe(told)))
    if unknown and not arguments.yes:
        names = words.listing([name for name, _ in unknown], len(unknown))
        if not somebody_is_there():
            raise Refused(
                f"Whether {change.name} is deployed on {names} isn't known.",
                now=_NOTHING,
                do="Ask again when they answer; or say --yes, where you know that it isn't.",
                details=[f"{name}: {why}" for name, why in unknown],
            )
        if not ask_yes(f"{names} can't be asked. Rename it all the same?"):
            raise Refused("You said no.", now=_NOTHING)
    prepared.write()
    _tell(prepared.said[-1:])
    return 0


def checkout(arguments: Namespace) -> int:
    """Refused: it would move git's working tree."""
    raise Refused(
        "`checkout` reverts, lets git check out another branch, and deploys that: pgmig-tui never moves git's working"
        " tree, in which your own work lies, and deploys what was reviewed before anything was reverted.",
        now="Nothing was done.",
        do="Run `pgmig-tui revert TARGET --to CHANGE` with the last change that both branches have, then"
        " `git checkout BRANCH`, then `pgmig-tui deploy TARGET`.",
    )


def _require_nowhere(project: Project, index: int) -> list[tuple[str, str]]:
    """Ask every environment of this plan for the change of that index and all behind it, whose IDs would be others. The
    names of those that can't be asked, with the reason. Raises Refused where one has any of them."""
    from pgmig_tui.database.status import statuses

    plan = project.plan
    same = [
        one
        for one in project.elsewhere
        if one.target.plan_file == plan.path or one.target.plan_file == project.layout.plan_file
    ]
    asked = [*project.environments, *same]
    later = {change.change_id: change.name for change in plan.changes[index:]}
    names = {change.name for change in plan.changes[index:]}
    unknown: list[tuple[str, str]] = []
    there: list[str] = []
    for one in statuses(project, asked) if asked else ():
        if not one.reachable:
            reason = in_a_line(one.error or "it doesn't answer")
            unknown.append((one.name, reason))
            output.note(line(("? ", "stale"), safe(f"{one.name} can't be asked: {reason}")))
            continue
        found = [later[each] for each in one.deployed if each in later]
        found += [each.name for each in one.diverged if each.problem == "not_in_plan" and each.name in names]
        if found:
            there.append(f"{one.name}: {words.listing(found)}")
    if there:
        raise Refused(
            f"{plan.changes[index].name} can't be renamed: it, or what comes after it, is deployed.",
            details=there,
            now=_NOTHING,
            do="A deployed change keeps its name: its ID, and that of all that follow, is made of it.",
        )
    return unknown


def _destination(project: Project, said: str | None) -> Path:
    if said:
        return Path(os.path.normpath(Path.cwd() / said))
    value = project.config.value("bundle.dest_dir")
    folder = Path(os.path.normpath(project.root / ((value.text if value else "") or "bundle")))
    if value is not None and value.path == project.config.local_file and (out := project.inside.leads_out(folder)):
        raise Refused(
            f"[bundle] dest_dir leads out of the project, to {out}.", now=_NOTHING, do="Say it with --dest-dir."
        )
    return folder


def _tell(said: list[str]) -> None:
    if not output.is_quiet():
        for text in said:
            output.say(safe(text))
