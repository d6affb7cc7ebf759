"""Testing what is pending on a target that is marked for tests: on copies of its database, rows and all.

The copies are made on its own server and are gone afterwards; the database itself is only read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError, application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.database.identity import refuse_unwritable
from pgmig_tui.errors import Refused, StepFailure, UsageError
from pgmig_tui.rehearse.clone import read_original, session_options
from pgmig_tui.rehearse.cycle import ChangeScripts
from pgmig_tui.rehearse.data import DataWanted
from pgmig_tui.rehearse.rehearsal import refuse_beside_protected
from pgmig_tui.rehearse.scratch import configured
from pgmig_tui.rehearse.tested import ChangeTests
from pgmig_tui.rehearse.testing import Ground, Say, TellStep, cluster_wide_of, scripts_up_to_last, walk
from pgmig_tui.sandbox.programs import work_folder

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was tested; the target was only read."


def refuse_unmarked(environment: Environment) -> None:
    """Raise Refused for an environment that isn't marked as a test target."""
    if not environment.policy.test or environment.policy.protected:
        raise Refused(
            f"{environment.name} is no test target",
            now="Nothing was tested; nothing was made on its server.",
            do="Say test = true for it in pgmig.toml if it is one, or leave --target out to use a server of our own.",
        )


def try_on_target(
    project: Project,
    environment: Environment,
    named: Sequence[Change],
    variables: Mapping[str, str],
    *,
    state_dir: Path,
    say: Say,
    tell: TellStep,
    data: DataWanted,
) -> ChangeTests:
    """Take changes that are pending there through their steps: those that are named, or all.

    `environment` is what counts on the server that answers. Raises Refused where it isn't marked, where a protected
    environment may be on the same server, and for scripts that change more than their database; UsageError for a change
    that is deployed there; StepFailure where no copy can be made; ProjectError, Unreachable, ServerError.
    """
    refuse_unmarked(environment)
    target = environment.target
    with connect(target, application_name=application_name("rehearsal", "source")) as source:
        identity = source.identity()
        refuse_unwritable(source, identity, environment.policy)
        refuse_beside_protected(target.display, identity.system_identifier, [], state_dir, "--target")
        state = read_state(source, target.registry, project.plan.project)
        original = read_original(source)
        shared = _shared(source)
    deployed = {change.change_id for change in state.deployed}
    pending = [change for change in project.plan.changes if change.change_id not in deployed]
    wanted = _wanted(environment, named, pending)
    scripts = scripts_up_to_last(project, environment, wanted, variables, pending)
    _refuse_cluster_wide(project, environment, scripts)
    maintenance = "postgres" if identity.database != "postgres" else "template1"
    admin = replace(target, conninfo={**target.conninfo, "dbname": maintenance})
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        scratch = stack.enter_context(configured(admin, identity.version_num, say))
        scratch = replace(scratch, description=f"copies of {environment.name}, PostgreSQL {identity.version}")
        ground = Ground(
            scratch, project, environment, folder, encoding=identity.encoding, origin=identity.database,
            options=session_options(original),
        )  # fmt: skip
        say(f"copying {environment.name}")
        try:
            found = walk(ground, scripts, wanted, data, tell, say)
        except ServerError as error:
            raise StepFailure(
                f"no copy of {environment.name} can be made: {error.what}",
                now=_NOTHING,
                do="It needs the right to make databases (CREATEDB) and to copy this one (its owner, or a superuser),"
                " and nobody else may have a session there meanwhile.",
            ) from None

    with connect(target, application_name=application_name("rehearsal", "source")) as source:
        now = _shared(source)
    return replace(found, notes=(*found.notes, *_changed_beside(shared, now)))


def _shared(source: Connection) -> dict[tuple[str, str], str]:
    """What its server's databases share, by kind and name."""
    sql = (Path(__file__).parent / "shared.sql").read_text(encoding="utf-8")
    return {(str(kind), str(name)): str(what) for kind, name, what in source.execute(sql)}


def _changed_beside(before: Mapping[tuple[str, str], str], now: Mapping[tuple[str, str], str]) -> list[str]:
    """What has become other there: a function of the database may do what no script says, and so may anybody else."""
    return [
        f"on its server the {kind} {name} {how} since the test began, by a script's function or by somebody else"
        for kind, name in sorted(before.keys() | now.keys())
        if (how := _how(before.get((kind, name)), now.get((kind, name))))
    ]


def _how(before: str | None, now: str | None) -> str:
    if before == now:
        return ""
    return "was made" if before is None else "is gone" if now is None else "has changed"


def _wanted(environment: Environment, named: Sequence[Change], pending: Sequence[Change]) -> Collection[str]:
    for change in named:
        if change not in pending:
            raise UsageError(
                f"{change.name} is deployed on {environment.name} already.",
                now=_NOTHING,
                do="Name what is pending there, or leave --target out to test any change.",
            )
    return {change.change_id for change in named or pending}


def _refuse_cluster_wide(project: Project, environment: Environment, scripts: Sequence[ChangeScripts]) -> None:
    found = [what for one in scripts for what in cluster_wide_of(project, environment, one)]
    if found:
        raise Refused(
            "the scripts may change more than their database, and the target's server is used by others",
            details=found,
            now=_NOTHING,
            do="Leave --target out: on a server of our own they may.",
        )
