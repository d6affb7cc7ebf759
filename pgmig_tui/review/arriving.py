"""What stands before a change that has no plan: the policy that counts on the server that answers, and its word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def arrived(
    project: Project, environment: Environment, state_dir: Path, warn: Callable[[str], None], *, writes: bool = True
) -> Environment:
    """The environment whose policy counts on the server that answers, whatever way it is written; what is to be known
    of that is told to `warn`. Raises Unreachable, and Refused where nothing may be written: without `writes`, whoever
    asks does that at the door."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.run.planning.door import arrive
    from pgmig_tui.run.planning.protection import located

    with connect(environment.target, application_name=application_name("plan", "look")) as connection:
        find = arrive if writes else located
        where = find(project, environment, connection, connection.identity(), state_dir)
    for told in where.told:
        warn(told)
    return where.environment


def require_word(environment: Environment, word: str) -> None:
    """The word that was typed for an environment has to be that of the server that answers, if that is protected.
    Raises Refused."""
    policy = environment.policy
    if policy.protected and word != policy.confirm_word:
        raise Refused(
            f"{environment.name} is protected, and its confirmation word was not typed",
            now="Nothing was changed.",
            do=f"Choose {environment.name}, or correct the target in pgmig.toml.",
        )
