"""Which screen shows a destination. A screen is imported when it is first gone to: the first frame waits for none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from pgmig_tui.ui import destinations as to

if TYPE_CHECKING:
    from textual.screen import Screen

    from pgmig_tui.ui.keys import Key


def keys_of_screens() -> dict[str, tuple[Key[Any], ...]]:
    """The keys of every screen, by its ID. All of them are imported for that."""
    from importlib import import_module
    from pkgutil import iter_modules

    from pgmig_tui.ui import screens
    from pgmig_tui.ui.screens.base import BaseScreen

    for module in iter_modules(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)
    found: dict[str, tuple[Key[Any], ...]] = {}
    waiting: list[type[BaseScreen]] = [BaseScreen]
    while waiting:
        waiting += (screen := waiting.pop(0)).__subclasses__()
        if screen.screen_id != "any":
            found.setdefault(screen.screen_id, screen.all_keys())
    return found


def screen_for(destination: to.Destination) -> Screen[None]:
    """A new screen that shows it."""
    match destination:
        case to.ToChange():
            from pgmig_tui.ui.screens.change import ChangeScreen

            return ChangeScreen(destination.change, destination.environment)
        case to.ToReview(environment, command, end, how, evidence):
            from pgmig_tui.ui.screens.review import ReviewScreen

            return ReviewScreen(environment, command, end, how=how, evidence=evidence)
        case to.ToRollback():
            from pgmig_tui.ui.screens.rollback import RollbackScreen

            return RollbackScreen(destination.environment, came_from=destination.came_from)
        case to.ToLocks():
            from pgmig_tui.ui.screens.locks import LocksScreen

            return LocksScreen(destination.environment, controlling=destination.controlling)
        case to.ToForeign():
            from pgmig_tui.ui.screens.foreign import ForeignScreen

            return ForeignScreen(destination.environment)
        case to.ToWatch():
            from pgmig_tui.ui.screens.watch import WatchScreen

            return WatchScreen(destination.environment, destination.run)
        case to.ToApprovals():
            from pgmig_tui.ui.screens.approvals import ApprovalsScreen

            return ApprovalsScreen(destination.environment)
        case to.ToDrift():
            from pgmig_tui.ui.screens.drift import DriftScreen

            return DriftScreen(destination.environment)
        case to.ToMaintain():
            from pgmig_tui.ui.screens.maintain import MaintainScreen

            return MaintainScreen(destination.environment)
        case to.ToEnvironment():
            from pgmig_tui.ui.screens.environment import EnvironmentScreen

            return EnvironmentScreen(destination.environment)
        case to.ToCompare(here, there):
            from pgmig_tui.ui.screens.compare import CompareScreen

            return CompareScreen(here, there)
        case to.ToRuns():
            from pgmig_tui.ui.screens.runs import RunsScreen

            return RunsScreen()
        case to.ToHelp():
            from pgmig_tui.ui.screens.help import HelpScreen

            return HelpScreen(destination.about)
        case _:
            return _of_run(destination)


def _of_run(destination: to.OfRun) -> Screen[None]:
    match destination:
        case to.ToRun(run_id, environment, watch, controls):
            from pgmig_tui.ui.screens.run import RunScreen

            return RunScreen(run_id, environment, watch, controls=controls)
        case to.ToBackfillRun():
            from pgmig_tui.ui.screens.backfill import BackfillScreen

            return BackfillScreen(destination.run_id, destination.environment, controls=destination.controls)
        case to.ToRollbackRun():
            from pgmig_tui.ui.screens.incident import RollbackRunScreen

            return RollbackRunScreen(destination.run_id, destination.environment, destination.watch)
        case to.ToFailed():
            from pgmig_tui.ui.screens.failed import FailedScreen

            return FailedScreen(destination.run, destination.step)
        case to.ToBlockers():
            from pgmig_tui.ui.screens.blockers import BlockersScreen

            return BlockersScreen(destination.run)
        case to.ToAfter(run_id, environment, picture, events):
            from pgmig_tui.ui.screens.after import AfterScreen

            return AfterScreen(run_id, environment, picture, events)
        case to.ToIncident(run_id, environment, picture, events):
            from pgmig_tui.ui.screens.incident import IncidentScreen

            return IncidentScreen(run_id, environment, picture, events)
    assert_never(destination)
