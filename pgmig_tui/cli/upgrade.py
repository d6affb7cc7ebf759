"""`pgmig-tui upgrade`: brings an old Sqitch registry to the version that both programs know."""

from __future__ import annotations

import os
from argparse import Namespace

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import choose
from pgmig_tui.display import words
from pgmig_tui.display.safe import safe


def upgrade(arguments: Namespace) -> int:
    """The registry is changed at once, as Sqitch's `upgrade` does it; a protected environment wants its word first.

    Raises ProjectError without a registry, Refused for one that is newer or while a run is under way, NotPermitted.
    """
    from pgmig_tui.cli.confirm import confirm
    from pgmig_tui.database import registry
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.database.identity import admit
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.planning.door import arrive

    found = choose(arguments, changes=0)
    environment, target = found.environment, found.environment.target
    name = application_name("upgrade", "control")
    with connect(target, application_name=name, lock_timeout_ms=environment.policy.lock_timeout_ms) as connection:
        info = registry.read_registry(connection, target.registry)
        registry.refuse_absent(info, target)
        registry.refuse_newer(info)
        where = f"{safe(target.registry)} in {safe(target.display)}"
        if not info.old:
            output.say(f"Registry {where} is up-to-date at version {safe(info.version or '?')}")
            return 0
        identity = connection.identity()
        arrived = arrive(found.project, environment, connection, identity, default_state_dir(os.environ))
        for told in arrived.told:
            output.warn(told)
        if arrived.environment.policy.protected:
            confirm(arguments, arrived.environment, "upgrade the registry")
        admit(connection, identity, arrived.environment.policy, output.warn)
        registry.take_lock(connection)
        info = registry.read_registry(connection, target.registry)
        passed = registry.upgrade_registry(connection, info, found.project.operator)
    output.say(f"Registry {where} is upgraded from version {safe(info.version or '0')} to {words.listing(passed[-1:])}")
    return 0
