"""The door that everybody goes through who writes to a server, with a plan or without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.identity import admit, check_server, refuse_unwritable
from pgmig_tui.errors import Refused
from pgmig_tui.run.planning.protection import located

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.database.lookout import Tell
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


@dataclass(frozen=True, slots=True)
class Arrived:
    """The environment whose policy counts on a server that may be written to, and what is told of it."""

    environment: Environment
    told: tuple[str, ...] = ()


def arrive(
    project: Project, environment: Environment, connection: Connection, identity: ServerIdentity, state_dir: Path
) -> Arrived:
    """The environment that the server behind `connection` turns out to be. Reads only. Raises Refused where nothing may
    be changed there."""
    refuse_unwritable(connection, identity, environment.policy)
    where = located(project, environment, connection, identity, state_dir)
    if where.environment.name != environment.name:
        check_server(identity, where.environment.policy)
    return Arrived(where.environment, where.told)


def enter(
    project: Project,
    environment: Environment,
    connection: Connection,
    identity: ServerIdentity,
    state_dir: Path,
    tell: Tell,
) -> None:
    """Let `connection` write without a plan: `environment` is the one whose word was given, and `tell` is told of a
    synchronous standby that is waited for. Raises Refused where that is another one's, or nothing may be changed
    there."""
    there = arrive(project, environment, connection, identity, state_dir).environment
    if there.policy.protected and _word(there) != _word(environment):
        raise Refused(
            f"{environment.name} leads to the database of {there.name}, which is protected",
            now="Nothing was changed.",
            do=f"Do it there: its own word is asked for on {there.name}.",
        )
    admit(connection, identity, there.policy, tell)


def _word(environment: Environment) -> str | None:
    policy = environment.policy
    return (policy.confirm_word or environment.name) if policy.protected else None
