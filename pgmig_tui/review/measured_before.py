"""What scripts took when they were deployed before: in this environment, and in the one that comes before it.

A time that was measured beats any estimate, and yet is another database's: it is told beside, never instead. The source
is `schema_migrations.execution_time` of the tracking schema, which holds the newest thousand runs' scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.tracking import read_durations
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.impacts import EarlierDuration, Inspected

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

ANSWER_S = 3
"""So many seconds the other environment has to answer: it is asked for good measure only."""


def measured_before(
    project: Project, environment: Environment, connection: Connection, found: Iterable[Inspected]
) -> list[Inspected]:
    """The same with what each change's newest deploys took. What can't be asked tells nothing; nothing is raised but
    the loss of this connection."""
    told = list(found)
    names = {one.change for one in told if one.change}
    if not names:
        return told
    here = [(environment.name, _durations(connection, environment))]
    below = _below(project, environment)
    if below is not None:
        here.append((below.name, _asked(below)))
    ids = {change.name: change.change_id[:8] for change in project.plan.changes if change.name in names}
    return [
        replace(
            one,
            measured=tuple(
                EarlierDuration(name, round(durations[key]))
                for name, durations in here
                if (key := ids.get(one.change, "")) in durations
            ),
        )
        for one in told
    ]


def durations_of(environment: Environment, connection: Connection) -> tuple[tuple[str, Mapping[str, float]], ...]:
    """What deploys took in this environment, where `connection` is. Nothing is raised but its loss."""
    return ((environment.name, _durations(connection, environment)),)


def _below(project: Project, environment: Environment) -> Environment | None:
    """Where a change is deployed before it comes here: `promote_from`, else the environment before it in order."""
    others = list(project.environments)
    wanted = environment.policy.promote_from
    if wanted is not None:
        return next((one for one in others if one.name == wanted), None)
    names = [one.name for one in others]
    position = names.index(environment.name) if environment.name in names else 0
    return others[position - 1] if position else None


def _asked(environment: Environment) -> dict[str, float]:
    try:
        with connect(
            environment.target, application_name=application_name("impact", environment.name), connect_timeout=ANSWER_S
        ) as connection:
            return _durations(connection, environment)
    except PgmigError:
        return {}


def _durations(connection: Connection, environment: Environment) -> dict[str, float]:
    schema = environment.policy.tracking
    try:
        return {} if schema is None else read_durations(connection, schema)
    except PgmigError:
        return {}
