"""A change that is not in any plan yet, and the pieces that its scripts are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgmig_tui.script.given import LONGEST_NAME, QualifiedName
from pgmig_tui.script.quoting import quote, quote_literal


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """`words` are what its name describes, `what` it does in a few words, without an end. `deploy`, `revert` and
    `verify` are the scripts without their heads. `locks` and `back` complete "Locks: …" and "Way back: …" in the head;
    `before` says what a person has to do before it is deployed, "" = nothing. `rows`:
    it changes rows, and no more."""

    words: tuple[str, ...]
    what: str
    deploy: str
    revert: str
    verify: str
    locks: str
    back: str
    before: str = ""
    rows: bool = False


def transaction(*statements: str) -> str:
    """Statements, each without its semicolon, between BEGIN and COMMIT."""
    return "\n".join(("BEGIN;\n", *(f"{one};\n" for one in statements), "COMMIT;\n"))


def alone(statement: str) -> str:
    """A statement that can't run in a transaction."""
    return f"{statement};\n"


def checked(*looks: tuple[str, str], vacuous: str = "") -> str:
    """A verify script. Each look is a query, from its FROM on, and what is wrong where it finds no row. `vacuous` says
    when it can't but pass."""
    blocks = []
    for query, wrong in looks:
        body = (
            f"BEGIN\n    IF NOT EXISTS (\n        SELECT {query}\n    ) THEN\n"
            f"        RAISE EXCEPTION USING MESSAGE = {quote_literal(wrong)};\n    END IF;\nEND\n"
        )
        mark = dollar(body)
        blocks.append(f"DO {mark}\n{body}{mark};\n")
    declared = [f"-- pgmig: lint ignore verify-proves-nothing {vacuous}\n"] if vacuous else []
    return "\n".join((*declared, "BEGIN;\n", *blocks, "ROLLBACK;\n"))


def dollar(body: str) -> str:
    """Dollar quotes that don't stand in the text."""
    mark, number = "$$", 0
    while mark in body or body.endswith(mark[:-1]):
        number += 1
        mark = f"$body{number}$"
    return mark


def allowed(statement: str, *reasons: tuple[str, str], lint: Iterable[tuple[str, str]] = ()) -> str:
    """A statement under comments that silence advice of `impact`, and findings of `lint`, each with its reason."""
    lines = [f"-- pgmig: allow {rule} {in_comment(reason)}" for rule, reason in reasons]
    lines += [f"-- pgmig: lint ignore {code} {in_comment(reason)}" for code, reason in lint]
    return "\n".join((*lines, statement))


def in_comment(text: str) -> str:
    """A text on one line, in which no comment of ours can begin."""
    return re.sub(r"--(?=\s*pgmig:)", "- -", " ".join(text.split()), flags=re.IGNORECASE)


def literal_of(name: QualifiedName) -> str:
    """A relation's or type's name as a literal that is cast: 'shop.orders'."""
    return quote_literal(name.sql)


def columns(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))


def made_name(*parts: str) -> str:
    """A name made of others with `_` between, cut in its first part where it would be too long for the server."""
    rest = "_".join(parts[1:])
    room = LONGEST_NAME - len(rest.encode()) - 1
    first = parts[0].encode()[: max(room, 1)].decode("utf-8", "ignore")
    return f"{first}_{rest}".encode()[:LONGEST_NAME].decode("utf-8", "ignore")
