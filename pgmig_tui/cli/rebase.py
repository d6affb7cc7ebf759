"""`rebase`: a revert, then a deploy, each through its own gate."""

from __future__ import annotations

import copy
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import carry_out, output
from pgmig_tui.cli.choose import choose
from pgmig_tui.cli.output import warn
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, ProjectError, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


def rebase(arguments: Namespace) -> int:
    """Revert to --onto (default: everything), then deploy up to --upto. A revert that doesn't end well, or that nobody
    wants, is followed by no deploy. Exit status: that of the revert, or of the deploy."""
    output.hide_values(_values(arguments))
    found = choose(arguments, changes=2, warned=True)
    project, environment = found.project, found.environment
    changes = list(found.changes)
    onto = None if arguments.modified else arguments.onto or (changes.pop(0) if changes else None)
    upto = arguments.upto or (changes.pop(0) if changes else None)
    if changes:
        warn(f"Too many changes: rebasing onto {onto or 'the last unmodified one'} up to {upto}, without {changes[0]}")
    if arguments.modified and arguments.onto:
        warn(f"--modified wins over --onto {arguments.onto}")
    _require_way(project, onto, upto)
    revert, deploy = _parts(arguments, project, environment, onto, upto)
    back = "what stands before the first modified script" if arguments.modified else onto or "nothing"
    told = f"Rebase on {environment.name}: revert to {back}, then deploy up to {upto or 'the last change'}."
    output.note(line((safe(told), "strong")))
    if revert.revert_all and _is_empty(project, environment):
        output.note(line(("~ ", "muted"), f"Nothing is deployed on {safe(environment.name)}: nothing to revert."))
        return carry_out.deploy(deploy)
    status = carry_out.revert(revert)
    if status:
        output.note(line(("x ", "failed"), "The revert did not end well: nothing was deployed."))
        return status
    try:
        return carry_out.deploy(deploy)
    except PgmigError as error:
        if error.now not in ("", _NOTHING, "Nothing was done."):
            raise
        raise _half(error, environment) from None
    except KeyboardInterrupt:
        output.note("")
        output.note(f"The revert is done; nothing that was planned after it was begun on {safe(environment.name)}.")
        raise


def _values(arguments: Namespace) -> dict[str, str]:
    """All values of --set and its two kin, which nothing that is said may hold."""
    found: dict[str, str] = {}
    for name, value in (*arguments.variables, *arguments.deploy_variables, *arguments.revert_variables):
        free = next(one for one in (name, f"{name}_", f"{name}__", value) if found.get(one, value) == value)
        found[free] = value
    return found


def _is_empty(project: Project, environment: Environment) -> bool:
    """Whether the environment answers that nothing of the project is deployed; a revert would miss its registry."""
    from pgmig_tui.database.status import statuses

    (one,) = statuses(project, [environment])
    return one.reachable and not one.deployed


def _half(error: PgmigError, environment: Environment) -> PgmigError:
    """The refusal of the second half, which mustn't say that nothing was changed."""
    again = f"`pgmig-tui deploy {environment.name}` carries out the other half."
    now = f"What was to be reverted on {environment.name} is reverted; nothing was deployed after it."
    return type(error)(error.what, now=now, do=f"{error.do} {again}".strip(), details=error.details)


def _require_way(project: Project, onto: str | None, upto: str | None) -> None:
    """Raises before anything is reverted: for what the plan doesn't hold, and for an end before the beginning."""
    last = project.plan.find(upto) if upto is not None else None
    if last is None or onto is None:
        return
    try:
        first = project.plan.find(onto)
    except ProjectError:
        return  # it may be deployed without being planned; the revert knows
    if last.index < first.index:
        raise UsageError(
            f"{upto} comes before {onto} in the plan: there would be nothing to deploy.",
            now=_NOTHING,
            do="Say a later change with --upto, or leave it out.",
        )


def _parts(
    arguments: Namespace, project: Project, environment: Environment, onto: str | None, upto: str | None
) -> tuple[Namespace, Namespace]:
    """The command lines of a revert and of a deploy: each with the variables and the answers that are for it."""
    from pgmig_tui.gates.checklist import items_for

    if arguments.mode not in (None, "change"):
        raise UsageError(
            f"--mode {arguments.mode} isn't supported: what was committed is never reverted by itself.",
            now=_NOTHING,
            do="Leave --mode out, or say --mode change.",
        )
    parts = []
    asked: set[str] = set()
    for command in ("revert", "deploy"):
        part = copy.copy(arguments)
        items = {item.id for item in items_for(environment, command, compared=True)}
        asked |= items
        part.command, part.arguments = command, []
        part.target = arguments.target or _named(arguments, project, environment)
        part.attest = [one for one in arguments.attest if one[0] in items]
        part.override = [one for one in arguments.override if one[0] in items]
        parts.append(part)
    revert, deploy = parts
    if unknown := [item for item, _ in (*arguments.attest, *arguments.override) if item not in asked]:
        raise UsageError(
            f"Neither the revert nor the deploy asks for {unknown[0]}.",
            now=_NOTHING,
            do=f"`pgmig-tui check {environment.name}` lists the items.",
        )
    revert.variables = [*arguments.variables, *arguments.revert_variables]
    revert.to, revert.revert_all, revert.strict = onto, onto is None and not arguments.modified, arguments.strict
    if revert.strict is None:
        revert.strict = project.config.bool("rebase.strict")
    deploy.variables = [*arguments.variables, *arguments.deploy_variables]
    deploy.to, deploy.dry_run, deploy.emergency = upto, False, None
    if deploy.verify is None:
        deploy.verify = project.config.bool("rebase.verify")
    return revert, deploy


def _named(arguments: Namespace, project: Project, environment: Environment) -> str:
    """How the command line names the environment: a word of it, which may be a URI with a password, or the default."""
    return next((word for word in arguments.arguments if project.names(word) is not None), environment.name)
