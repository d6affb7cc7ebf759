"""The last word before anything is done: yes, the confirmation word of a protected environment, a loss accepted.

With a terminal it is asked for; without one it is refused, naming the option that would have answered.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.journal.run_plan import RunPlan

_NOTHING = "Nothing was changed."


def confirm(arguments: Namespace, environment: Environment, what: str) -> None:
    """The last word on what is no run, or not planned yet: `end these sessions`. Raises Refused."""
    policy = environment.policy
    _last_word(arguments, environment.name, policy.confirm_word if policy.protected else None, what)


def confirm_run(arguments: Namespace, plan: RunPlan) -> None:
    """The last word on a run. Raises Refused."""
    _last_word(arguments, plan.environment, plan.confirm_word if plan.protected else None, plan.told)


def _last_word(arguments: Namespace, environment: str, word: str | None, what: str) -> None:
    """Yes for an unprotected environment (`word` None), its confirmation word for a protected one."""
    if word is None:
        if arguments.yes:
            return
        if not somebody_is_there():
            raise Refused("Nobody is there to be asked.", now=_NOTHING, do="Say --yes to answer for yourself.")
        if not ask_yes(f"{what.capitalize()} on {environment}?"):
            raise Refused("You said no.", now=_NOTHING)
        return
    said = arguments.confirm
    if said is None:
        if not somebody_is_there():
            raise Refused(
                f"{environment} is protected, and nobody is there to confirm.",
                now=_NOTHING,
                do="Say --confirm WORD with the environment's confirmation word; --yes isn't enough.",
            )
        said = ask(f"{environment} is protected. Type {word} to {what}:")
    if said != word:
        raise Refused(
            f"That isn't the confirmation word of {environment}.",
            now=_NOTHING,
            do="The word is confirm_word in pgmig.toml, or else the environment's name.",
        )


def accept_loss(arguments: Namespace, plan: RunPlan, loses: Sequence[str]) -> list[Answer]:
    """What may lose data on a protected environment wants a word of its own, whatever it is. The answer that the run
    records, of who has accepted what and when; [] where nothing was to accept. Raises Refused."""
    from pgmig_tui.gates.gate import loss_accepted

    instead = "" if plan.rolls_back is None else ", or --save to keep it"
    if not (plan.protected and loses):
        return []
    accept(arguments, f"The {plan.gate} loses data on {plan.environment}, or may do so.", loses, instead)
    return [loss_accepted(loses, str(plan.operator))]


def accept(arguments: Namespace, told: str, loses: Sequence[str], instead: str = "") -> None:
    """The acceptance of a loss, which is `told` where it is refused. Raises Refused."""
    if not loses or arguments.accept_data_loss:
        return
    if not somebody_is_there():
        raise Refused(
            told,
            details=loses,
            now=_NOTHING,
            do=f"Say --accept-data-loss if that is meant{instead}.",
        )
    if not ask_yes("Accept the loss of this data?"):
        raise Refused("You didn't accept the loss of data.", now=_NOTHING)
