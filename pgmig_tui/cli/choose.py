"""From the command line to the project, the environment and the change that it means (Sqitch's rules, and ours)."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli.output import warn
from pgmig_tui.errors import PgmigError, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


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
    )
    if not warned:
        for warning in project.warnings:
            warn(warning)
    return project


def environment_named(project: Project, name: str) -> tuple[Project, Environment]:
    """An environment by name or URI, and the project whose plan it uses. Raises UsageError for an unknown name."""
    environment = project.environment(name)
    return project.for_target(environment.target), environment


def environment_and_change(arguments: Namespace, *, warned: bool = False) -> tuple[Project, Environment, str | None]:
    """The environment, its project and the change that the command's arguments name.

    A positional argument is an environment, a target or a URI if it can be, else a change of the plan (as in Sqitch);
    `--target` and `--to` win over positional ones with a warning. Without any: $SQITCH_TARGET, then the configured
    target, then the only environment. Raises UsageError when an argument is neither, or when none says the environment.
    """
    project = project_here(arguments, warned=warned)
    names: list[str] = []
    changes: list[str] = []
    for argument in arguments.arguments:
        (names if _is_environment(project, argument) else changes).append(argument)
    to = getattr(arguments, "to", None)
    if arguments.target is not None:
        if names:
            warn(f"--target {arguments.target} wins over {names[0]}")
        names = [arguments.target]
    if len(names) > 1:
        raise UsageError(
            f"One environment at a time, not {' and '.join(names)}.", now="Nothing was done.", do="Name one of them."
        )
    if to is not None and changes:
        warn(f"--to {to} wins over {changes[0]}")
    elif changes:
        if len(changes) > 1 or not hasattr(arguments, "to"):
            raise _unknown(project, changes[-1])
        to = changes[0]
        _check_change(project, to)
    name = names[0] if names else _default_environment(project)
    project, environment = environment_named(project, name)
    return project, environment, to


def _is_environment(project: Project, argument: str) -> bool:
    """Whether an argument names an environment. A URI that can't be read is one, and says so itself later."""
    if ":" in argument:
        return True
    try:
        project.environment(argument)
    except PgmigError:
        return False
    return True


def _check_change(project: Project, spec: str) -> None:
    """Refuse what was meant as an environment. What is deployed but gone from the plan can be named by --to."""
    if not project.plan.contains(spec):
        raise _unknown(project, spec)


def _unknown(project: Project, argument: str) -> UsageError:
    known = ", ".join(environment.name for environment in project.environments) or "none is configured"
    return UsageError(
        f"{argument} is neither an environment nor a change of the plan.",
        now="Nothing was done.",
        do=f"Environments: {known}. A database can also be given as db:pg://host/name.",
    )


def _default_environment(project: Project) -> str:
    if project.default_target:
        return project.default_target
    if len(project.environments) == 1:
        return project.environments[0].name
    known = ", ".join(environment.name for environment in project.environments)
    raise UsageError(
        "The command needs an environment.",
        now="Nothing was done.",
        do=f"Name one of: {known}." if known else "Add one with [[environment]] in pgmig.toml, or give a db:pg: URI.",
    )
