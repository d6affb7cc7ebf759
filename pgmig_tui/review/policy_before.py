"""Whether pgmig.toml asks less than at the last run here: asked of the database, which has what that was held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.evidence import PolicyBefore, read_policy_before
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.policy_text import policy_result
from pgmig_tui.project.environments import DEFAULT_TRACKING

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.project.environments import Environment


def policy_compared(environment: Environment, project: str) -> tuple[CheckResult, ...]:
    """The result of the item; none where no pgmig.toml says anything, and no run before was held to anything. Never
    raises for the server."""
    target = environment.target
    try:
        with connect(target, application_name=application_name("check", "policy"), kind="watch") as connection:
            # Where tracking is switched off, it is looked where it was.
            schema = environment.policy.tracking or DEFAULT_TRACKING
            before = read_policy_before(connection, schema, target.registry, project)
    except PgmigError as error:
        before = PolicyBefore(problem=error.what)
    if before.facts is None and not environment.line:
        return ()
    return (policy_result(environment, project, before.facts, by=before.run, problem=before.problem),)
