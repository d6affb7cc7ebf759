"""Sqitch's commands that write a project: said that they aren't here, and what to use."""

from __future__ import annotations

from argparse import Namespace

from pgmig_tui.errors import UsageError

_NOTHING = "Nothing was done."
_SQITCH = "Use `sqitch {command}`: pgmig-tui reads what it writes, and both can take turns."
_INSTEAD = {
    "rebase": "Run `pgmig-tui revert TARGET --to CHANGE`, then `pgmig-tui deploy TARGET`; each is reviewed by itself.",
    "checkout": "Run `pgmig-tui revert TARGET --to CHANGE` with the last change that both branches have, then"
    " `git checkout BRANCH`, then `pgmig-tui deploy TARGET`.",
}
_WHAT = {
    "init": "begins a project",
    "bundle": "copies a project",
    "rebase": "reverts and deploys in one",
    "checkout": "reverts, checks out a branch and deploys in one",
    "config": "with a value writes sqitch.conf",
    "engine": "with this action writes sqitch.conf",
    "target": "with this action writes sqitch.conf",
}


def refuse(command: str) -> UsageError:
    """What is said to a command that writes."""
    return UsageError(
        f"`{command}` {_WHAT[command]}, which pgmig-tui doesn't do yet.",
        now=_NOTHING,
        do=_INSTEAD.get(command, _SQITCH.format(command=command)),
    )


def _refused(arguments: Namespace) -> int:
    raise refuse(arguments.command)


init = rebase = checkout = bundle = _refused
