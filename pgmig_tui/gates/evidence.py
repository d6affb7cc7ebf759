"""What an item of a checklist hangs on, as it is kept and shown: what the program saw, and what a person said.

An item without it is an opinion. It goes into the run's journal, from there into its report, and opens on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgmig_tui import __version__
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Result

WORD = "a person's word: "
"""How it begins what is missing where nobody but a person can answer."""
ROWS_BYTES = 64 * 1024
"""So much of the rows is kept, as JSON."""
STATE_ROLES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """One item, when it was judged. `seen` and `saw`: the state that the program found itself and why, "" where it has
    not looked. `rows` as the server gave them, without secrets; `rows_left_out` didn't fit. Times are UTC by the
    server's or, where it wasn't asked, this host's clock."""

    item: str
    list: str
    title: str
    state: str
    summary: str
    blocks: bool = False
    seen: str = ""
    saw: str = ""
    check_name: str = ""
    sql: str = ""
    sql_hash: str = ""
    rows: tuple[Mapping[str, object], ...] = ()
    rows_left_out: int = 0
    started_at: str = ""
    finished_at: str = ""
    role: str = ""
    server: str = ""
    answered_how: str = ""
    note: str = ""
    answered_by: str = ""
    answered_at: str = ""
    missing: str = ""
    program_version: str = field(default=__version__)


def evidence_of(result: Result, server: str = "") -> ItemEvidence:
    """What is kept of an item. `server` is where its checks were asked."""
    item, answer = result.item, result.answer
    found = result.evidence or {}
    kept, left_out = _fitting(found.get("rows"))

    def text(name: str) -> str:
        return mask_secrets(str(found.get(name) or ""))

    return ItemEvidence(
        item.id,
        item.list,
        item.title,
        result.state,
        mask_secrets(result.summary),
        result.blocks,
        text("state"),
        text("summary"),
        text("name"),
        str(found.get("sql") or ""),
        text("sql_hash"),
        kept,
        left_out,
        text("started_at"),
        text("finished_at"),
        text("role"),
        server if found.get("role") else "",
        answer.how if answer is not None else "",
        answer.note if answer is not None else "",
        answer.by if answer is not None else "",
        answer.at if answer is not None else "",
        missing_words(result),
    )


def missing_words(result: Result) -> str:
    """What an item still lacks, in words; "" when nothing keeps it from being good."""
    item = result.item
    if result.uncounted:
        return f"the answer that was given does not count: {result.uncounted}"
    if result.overridden or result.state in ("PASS", "N-A"):
        return ""
    if result.attestable:
        return f"{WORD}{item.asks}"
    if result.state == "WARN":
        return "nothing, but look at it" if not result.blocks else "a reason to go on"
    if not item.overridable:
        return "it has to be put right, no answer opens it"
    return "it has to be put right, or a person gives a reason" if result.blocks else "an answer; nothing waits for it"


def columns_of(kept: ItemEvidence) -> tuple[str, str, str]:
    """The three columns of a list: seen by the program, said by whom, missing. Not safe to print."""
    seen = f"{kept.seen}: {kept.saw}" if kept.saw else kept.seen
    said = ""
    if kept.answered_how:
        how = {"override": "OVERRIDDEN: ", "emergency": "EMERGENCY: "}.get(kept.answered_how, "")
        said = f"{how}{kept.note} ({kept.answered_by}, {words.utc(kept.answered_at or None)})"
    return seen, said, kept.missing


def evidence_lines(kept: ItemEvidence) -> list[Line]:
    """All that is kept of an item, safe to draw."""
    seen, said, missing = columns_of(kept)
    told = [line((safe(kept.title), "strong"), (f"  {safe(kept.item)}", "muted")), ()]
    three: tuple[tuple[str, str, str, Role], ...] = (
        ("seen by the program", seen, "nothing: it can't know", STATE_ROLES.get(kept.seen, "muted")),
        ("said by whom", said, "nobody", "plain" if said else "muted"),
        ("missing", missing, "nothing", "waiting" if missing else "done"),
    )
    told += [line((f"{name:<20} ", "muted"), (safe(text) or none, role)) for name, text, none, role in three]
    facts = (
        ("server", kept.server),
        ("as", kept.role),
        ("asked", words.utc(kept.started_at or None) if kept.started_at else ""),
        ("answered", words.utc(kept.finished_at or None) if kept.finished_at else ""),
        ("SHA-256 of the query", kept.sql_hash),
    )
    if any(text for _, text in facts):
        told.append(())
    told += [line((f"{name}  ", "muted"), safe(text)) for name, text in facts if text]
    if kept.rows:
        told += [(), line((words.count(len(kept.rows) + kept.rows_left_out, "row"), "title"))]
        for row in kept.rows:
            told.append(line("  ", safe(", ".join(f"{name} = {_value(value)}" for name, value in row.items()))))
        if kept.rows_left_out:
            told.append(line((f"  and {kept.rows_left_out} more, which were not kept", "muted")))
    elif kept.sql:
        told += [(), line(("no rows", "muted"))]
    if kept.sql:
        told += [(), line(("query", "title")), *(line("  ", safe(text)) for text in kept.sql.splitlines())]
    return told


def _value(value: object) -> str:
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _fitting(rows: object) -> tuple[tuple[Mapping[str, object], ...], int]:
    """The first rows that fit, without secrets, and how many don't."""
    if not isinstance(rows, Iterable):
        return (), 0
    all_rows = [row for row in rows if isinstance(row, Mapping)]
    kept: list[Mapping[str, object]] = []
    room = ROWS_BYTES
    for row in all_rows:
        masked = {str(name): mask_secrets(one) if isinstance(one, str) else one for name, one in row.items()}
        room -= len(json.dumps(masked, ensure_ascii=False, default=str).encode())
        if room < 0:
            break
        kept.append(masked)
    return tuple(kept), len(all_rows) - len(kept)
