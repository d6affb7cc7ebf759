"""Is the server that answers now the one that a run worked on?

Names, system identifiers, timelines and OIDs are copied with a cluster's files; what tells is a live probe
(`database.probe`). Everything that this account keeps about a run and matches with a database asks here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.probe import Address, Probed, address_of, probe
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.project.targets import Target


def relation_of(
    plan: RunPlan, project: Project, environment: Environment, connection: Connection, identity: ServerIdentity
) -> Probed:
    """Whether the server behind `connection`, which `environment` leads to, is the one that `plan` was made for."""
    server = plan.server
    if server.database != identity.database:
        return Probed("other")
    known = server.system_identifier, identity.system_identifier
    if all(known) and known[0] != known[1]:
        return Probed("other")
    own = plan.environment == environment.name
    there = address_of_run(plan, (environment.target, *(one.target for one in project.environments)))
    if there is None:
        if own and dict(server.conninfo) == environment.target.conninfo:
            return Probed("same")
        return Probed("unknown", "it is of an earlier version, which didn't note the address of its server")
    here = address_of(environment.target, identity.host, identity.port, identity.database)
    if there.key == here.key:
        # One address, and the same environment: where it leads is what the environment is. Of another environment
        # that is reached by the same address (a tunnel, a forwarded port) nobody knows where it led then.
        if own:
            return Probed("same")
        return Probed("unknown", f"both are reached at {here.conninfo['host']}:{here.conninfo['port']}")
    return probe(connection, there)


def address_of_run(plan: RunPlan, targets: Iterable[Target]) -> Address | None:
    """Where a run has worked, with the password of the target of `targets` that is written alike, if there is one: none
    is sent to an address that it wasn't given for. None where the plan doesn't tell."""
    server = plan.server
    host, port = server.host, server.port
    if not host:
        host, port = server.conninfo.get("host", ""), server.conninfo.get("port", "5432")
        if not host or "," in host:
            return None
    conninfo = dict(server.conninfo)
    alike = next((target for target in targets if target.conninfo == conninfo), None)
    secret = (alike.password, alike.secrets) if alike is not None else (None, {})
    return address_of(Endpoint(server.display, conninfo, *secret), host, port, server.database)


def worked_here(folder: Path, project: Project, environment: Environment) -> bool:
    """Whether the run of `folder` is known to have worked on the server that `environment` leads to: False, too, where
    that can't be told."""
    try:
        plan = RunPlan.load(folder)
        with connect(environment.target, application_name=application_name("rollback", "look")) as connection:
            return relation_of(plan, project, environment, connection, connection.identity()).relation == "same"
    except (OSError, ValueError, TypeError, KeyError, PgmigError):
        return False
