"""psql variables whose value nobody knows before the script runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Name


def name_variables(out: Effect, variables: Sequence[str], sql: str) -> None:
    """What stands for a variable in the tree (`_name`) is told as the variable; that it doesn't exist says nothing."""
    named = re.compile(rf"(?<!\w)_({'|'.join(map(re.escape, variables))})(?!\w)")

    def told(text: str) -> str:
        return named.sub(r":\1", text)

    out.locks = {
        Name(name.schema, told(name.relation)): replace(lock, relation=told(lock.relation), why=told(lock.why))
        for name, lock in out.locks.items()
    }
    out.losses = {told(what): loss for what, loss in out.losses.items()}
    out.lost = {told(what): lost for what, lost in out.lost.items()}
    out.surely = {told(what) for what in out.surely}
    # what would be put in for the variable decides how it is quoted, and what names the server makes up
    out.advice = [replace(one, message=told(one.message), safer_sql="") for one in out.advice]
    out.unknown, out.hidden, out.breaks, out.notes = (
        [told(text) for text in texts] for texts in (out.unknown, out.hidden, out.breaks, out.notes)
    )
    if out.problem and named.search(out.problem):
        out.problem = ""
    values = f"the value of {', '.join(':' + name for name in variables)}"
    if all(_only_quoted(sql, name) for name in variables):
        out.unknown.append(values)
    else:
        out.hide(values)  # put in as it is, it may be any SQL; as a name, any object


def _only_quoted(sql: str, name: str) -> bool:
    """Whether a psql variable is put in as a literal wherever it stands."""
    found = re.findall(rf"(?<![:\w]):(['\"]?){re.escape(name)}(?!\w)", sql)
    return bool(found) and set(found) == {"'"}
