"""`pgmig-tui reconcile`: settle the runs that were cut off on an environment, from evidence."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change, located_environment
from pgmig_tui.cli.confirm import confirm
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.recovery.cut_off import CutOff
    from pgmig_tui.run.recovery.reconcile import Settlement


def reconcile(arguments: Namespace) -> int:
    """Exit status 0 when every run that was cut off is settled, or none was; 4 when one is still in doubt."""
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.review.settling import settle_all, settled_json, settled_lines
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.listing import list_runs

    project, environment, _ = environment_and_change(arguments)
    environment = located_environment(project, environment, writes=False)
    state_dir = default_state_dir(os.environ)
    wanted = (environment.name, project.plan.project)
    found = settle_all(project, environment, state_dir, _TypedAnswers(arguments))
    if arguments.json:
        output.document({"environment": environment.name, "runs": [settled_json(one) for one in found]})
    else:
        if not found:
            output.say(f"{safe(environment.name)}: no run was cut off; nothing is to settle.")
            for known in list_runs(state_dir):
                if known.state == "running" and (known.environment, known.project) == wanted:
                    output.say(f"The run {safe(known.run_id)} is under way: `pgmig-tui attach {safe(known.run_id)}`.")
        for one in found:
            for told in settled_lines(one, environment.name):
                output.say(told)
        if found and (exempt := exempt_told(environment, "reconcile")):
            output.note(line(("~ ", "muted"), safe(exempt)))
    return 0 if all(one.done for one in found) else 4


class _TypedAnswers:
    """Who typed the command is asked, where its options don't say it."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments = arguments

    def leaves(self, plan: RunPlan, settlement: Settlement | None) -> bool:
        return bool(self._arguments.leave)

    def same_server(self, environment: Environment, run: CutOff) -> bool:
        if self._arguments.same_server:
            return True
        if not somebody_is_there():
            return False
        output.note(f"The run {safe(run.plan.run_id)} worked on {safe(run.plan.server.where)}; {safe(run.why)}")
        return ask_yes(f"Is it the server that {environment.name} leads to now?")

    def confirm(self, environment: Environment, what: str) -> None:
        confirm(self._arguments, environment, what)

    def may_end(self, environment: Environment, settlement: Settlement) -> bool:
        from pgmig_tui.review.settling import session_questions

        for told in session_questions(settlement):
            output.note(told)
        if not (self._arguments.yes or self._arguments.confirm or somebody_is_there()):
            return False
        confirm(self._arguments, environment, "end these sessions")
        return True

    def record(self, settlement: Settlement) -> bool:
        if self._arguments.record or self._arguments.leave:
            return bool(self._arguments.record)
        if not somebody_is_there():
            return False
        from pgmig_tui.review.settling import open_questions

        for told in open_questions(settlement):
            output.note(told)
            if not ask_yes("Is it applied, and should it be recorded?"):
                return False
        return True

    def warn(self, text: str) -> None:
        output.warn(text)

    def tell(self, text: str) -> None:
        """On stderr."""
        output.note(line(("~ ", "muted"), safe(text)))
