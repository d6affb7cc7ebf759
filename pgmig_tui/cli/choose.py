"""From the command line to the project, the environment and the changes that it means (Sqitch's rules, and ours)."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli.output import warn
from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.project.targets import Override

_NOTHING = "Nothing was done."


def folder_here(arguments: Namespace) -> Project:
    """The current folder as a project without a plan, for files that belong to none. Raises ProjectError."""
    from pgmig_tui.project.project import load_bare

    options = {name: getattr(arguments, name) for name in ("plan_file", "top_dir", "registry")}
    return load_bare(Path.cwd(), os.environ, **options)


def folder_of(file: Path) -> Project:
    """The folder of a file (absolute) as a project without a plan, whatever its configuration says."""
    from pgmig_tui.project.project import load_bare

    return load_bare(file.parent, os.environ, configured=False)


def project_here(arguments: Namespace, *, warned: bool = False) -> Project:
    """The project of the current folder under the global options; its warnings are told, unless they are `warned` of
    elsewhere. Raises ProjectError."""
    from pgmig_tui.project.project import load_project

    project = load_project(
        Path.cwd(),
        os.environ,
        plan_file=arguments.plan_file,
        top_dir=arguments.top_dir,
        registry=arguments.registry,
        wanted=_words(arguments),
    )
    if not warned:
        for warning in project.warnings:
            warn(warning)
    return project


def _words(arguments: Namespace) -> list[str]:
    """What may name an environment."""
    lists = (getattr(arguments, name, None) or [] for name in ("more_targets", "targets", "arguments"))
    words = [word for found in lists for word in found]
    target = getattr(arguments, "target", None)
    return [target, *words] if isinstance(target, str) else words


def environment_named(project: Project, name: str, override: Override | None = None) -> tuple[Project, Environment]:
    """An environment by name or URI, and the project whose plan it uses. Raises UsageError for an unknown name."""
    environment = project.environment(name, override)
    return project.for_target(environment.target), environment


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command's positional arguments mean: where, and which changes, in their order."""

    project: Project
    environment: Environment
    changes: tuple[str, ...]


def choose(arguments: Namespace, *, changes: int, warned: bool = False) -> Chosen:
    """The environment, its project and up to so many `changes` that the command's arguments name.

    A positional argument is an environment, a target, a URI, an engine or a target's plan file if it can be, else a
    change of the plan (as in Sqitch); one that can be both is refused, unless `--target` has said where. `--target`
    wins over positional ones with a warning. Without any: $SQITCH_TARGET, then the configured target, then the only
    environment. Raises UsageError when an argument is none of these, or when none says the environment.
    """
    project = project_here(arguments, warned=warned)
    names: list[str] = []
    others: list[str] = []
    for argument in arguments.arguments:
        name = project.names(argument)
        if name is None or (changes and arguments.target is not None and project.plan.contains(argument)):
            others.append(argument)
        elif changes and project.plan.contains(argument):
            raise UsageError(
                f"{argument} is an environment, and a change of the plan as well.",
                now=_NOTHING,
                do=f"Say --target {argument} or {'--from' if changes > 1 else '--to'} {argument}, whichever is meant.",
            )
        else:
            names.append(name)
    if arguments.target is not None:
        if names:
            warn(f"--target {arguments.target} wins over {names[0]}")
        names = [arguments.target]
    if len(names) > 1:
        raise UsageError(f"One environment at a time, not {' and '.join(names)}.", now=_NOTHING, do="Name one of them.")
    here = project
    project, environment = environment_named(
        project, names[0] if names else default_environment(project), override(arguments)
    )
    if getattr(arguments, "allow_shell", False):
        environment = replace(environment, policy=replace(environment.policy, allow_shell=True))
    for argument in others:
        if not project.plan.contains(argument):
            raise _unknown(here, argument, environment.name if project is not here else "")
    if len(others) > changes:
        raise _too_many(arguments.command, others, changes)
    return Chosen(project, environment, tuple(others))


def environment_and_change(arguments: Namespace, *, warned: bool = False) -> tuple[Project, Environment, str | None]:
    """As `choose`, with the one change of a command that takes `--to`, which wins over a positional one with a warning;
    of a command without that option, with none."""
    takes = hasattr(arguments, "to")
    found = choose(arguments, changes=int(takes), warned=warned)
    to: str | None = getattr(arguments, "to", None)
    if to is not None and found.changes:
        warn(f"--to {to} wins over {found.changes[0]}")
    return found.project, found.environment, to if to is not None or not found.changes else found.changes[0]


def located_environment(project: Project, environment: Environment, *, writes: bool = True) -> Environment:
    """The environment whose policy counts on the server that answers, whatever way it is written: asked for by commands
    that change something without a plan. Raises Unreachable, and Refused where nothing may be written: without
    `writes`, whoever asks does that at the door."""
    from pgmig_tui.review.arriving import arrived
    from pgmig_tui.run.journal.folder import default_state_dir

    return arrived(project, environment, default_state_dir(os.environ), warn, writes=writes)


def override(arguments: Namespace) -> Override | None:
    """The parts of the target's URI that -d, -u, -h and -p say; None without any."""
    said = [getattr(arguments, name, None) or "" for name in ("db_name", "db_user", "db_host", "db_port")]
    if not any(said):
        return None
    from pgmig_tui.project.targets import Override

    return Override(*said)


def _too_many(command: str, changes: list[str], most: int) -> UsageError:
    takes = {0: "no change", 1: "one change", 2: "two changes at most"}[most]
    named = " and ".join(changes)
    return UsageError(
        f"{command} takes {takes}, not {named}.",
        now=_NOTHING,
        do=f"`pgmig-tui {command} --help` shows what it takes.",
    )


def _unknown(project: Project, argument: str, elsewhere: str) -> UsageError:
    known = ", ".join(environment.name for environment in (*project.environments, *project.elsewhere))
    plan = f"the plan of {elsewhere}" if elsewhere else "the plan"
    names = [environment.name for environment in (*project.environments, *project.elsewhere)]
    meant = did_you_mean(argument, [*names, *project.plan.names()])
    return UsageError(
        f"{argument} is neither an environment nor a change of {plan}.",
        now=_NOTHING,
        do=f"{meant}{' ' if meant else ''}Environments: {known or 'none is configured'}."
        " A database can also be given as db:pg://host/name.",
    )


def default_environment(project: Project) -> str:
    """The environment that a command means which names none. Raises UsageError where that isn't clear."""
    if project.default_target:
        return project.default_target
    if len(project.environments) == 1:
        return project.environments[0].name
    known = ", ".join(environment.name for environment in project.environments)
    raise UsageError(
        "The command needs an environment.",
        now=_NOTHING,
        do=f"Name one of: {known}." if known else "Add one with [[environment]] in pgmig.toml, or give a db:pg: URI.",
    )
