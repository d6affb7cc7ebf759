"""Sqitch's actions that write its configuration: said that they aren't here, and what to use."""

from __future__ import annotations

from pgmig_tui.errors import UsageError

_NOTHING = "Nothing was done."
_SQITCH = "Use `sqitch {command}`: pgmig-tui reads what it writes, and both can take turns."
_WHAT = {
    "config": "with a value writes sqitch.conf",
    "engine": "with this action writes sqitch.conf",
    "target": "with this action writes sqitch.conf",
}


def refuse(command: str) -> UsageError:
    """What is said to a command that writes."""
    return UsageError(
        f"`{command}` {_WHAT[command]}, which pgmig-tui doesn't do yet.",
        now=_NOTHING,
        do=_SQITCH.format(command=command),
    )
