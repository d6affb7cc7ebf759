"""Where keys lead from an environment, for the screens that have one: home, and the screen of an environment.

Destinations are loaded when a key is pressed: home is drawn without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import EnvironmentFacts
    from pgmig_tui.ui.screens.base import BaseScreen


def to_locks(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToLocks

    screen.go(ToLocks(environment))


def to_foreign(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToForeign

    screen.go(ToForeign(environment))


def to_watch(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToWatch

    screen.go(ToWatch(environment))


def to_approvals(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToApprovals

    screen.go(ToApprovals(environment))


def to_drift(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToDrift

    screen.go(ToDrift(environment))


def to_maintain(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    from pgmig_tui.ui.destinations import ToMaintain

    screen.go(ToMaintain(environment))


def to_rollback(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    """The last deploy run that still stands, wherever the cursor is; a point further back is chosen over there."""
    from pgmig_tui.ui.destinations import ToRollback

    screen.go(ToRollback(environment))
