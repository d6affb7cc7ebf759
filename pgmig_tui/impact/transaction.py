"""What BEGIN, COMMIT, SAVEPOINT and the like do to a prediction."""

from __future__ import annotations

import re

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import StatementImpact, StatementProblem
from pgmig_tui.impact.session import READ_ONLY
from pgmig_tui.impact.statement_impact import SYNTAX_ERROR
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.walk import Savepoint, Walk

BEGINS = {"begin", "start", "start transaction"}
_ENDS = {"commit", "end", "rollback", "abort", "prepare", "prepare transaction"}


def control_transaction(walk: Walk, statement: StatementLike, control: str) -> None:
    """BEGIN, COMMIT, SAVEPOINT and the like."""
    line = statement.end_line
    trouble = statement.problem if statement.kind == "UNPARSED" else None
    walk.done.append(
        StatementImpact(
            statement.line,
            line,
            statement.text,
            statement.kind,
            control,
            held_until_line=line,
            path=statement.path,
            problem=None
            if trouble is None
            else StatementProblem(trouble.message, trouble.line, trouble.column, SYNTAX_ERROR),
            risk="none" if trouble is None else "high",
        )
    )
    if statement.possible:
        walk.straight = False
    if control in BEGINS:
        if not walk.in_transaction:
            walk.begin()
            read_only = _read_only(statement.node)
            for catalog in walk.catalogs:
                catalog.session = catalog.session.begun_as(read_only)
    elif control == "savepoint":
        name = _savepoint_name(statement)
        walk.savepoints.append(Savepoint(name, len(walk.locks), len(walk.unfinished)))
        for catalog in walk.catalogs:
            catalog.savepoint(name)
    elif control in {"rollback to", "rollback to savepoint"}:
        name = _savepoint_name(statement)
        for savepoint in reversed(walk.savepoints):
            if savepoint.name == name:
                walk.back_to(savepoint, line)
                break
    elif control in {"commit prepared", "rollback prepared"}:
        _end_prepared(walk, statement, control)
    elif control in _ENDS:
        if control in {"prepare", "prepare transaction"}:
            walk.prepared[_prepared_name(statement)] = [catalog.begun() for catalog in walk.catalogs]
        if control in {"rollback", "abort"}:
            walk.undo(0)
        for catalog in walk.catalogs:
            if control in {"rollback", "abort"}:
                catalog.rollback()
            else:
                catalog.commit()
        chain = re.search(r"\band\s+chain\b", statement.text, re.IGNORECASE)
        walk.finish(line)
        if chain:
            walk.begin()


def _read_only(tree: Node | None) -> bool | None:
    """Whether a BEGIN says READ ONLY (True) or READ WRITE; None for neither."""
    node = None if tree is None else nodes.statement(tree)
    if node is None or nodes.kind(node) != "TransactionStmt":
        return None
    option = nodes.options(node.options).get(READ_ONLY)
    return None if option is None else nodes.constant(option.arg) == "1"


def _prepared_name(statement: StatementLike) -> str:
    found = re.search(r"'((?:[^']|'')*)'", statement.text)
    return found[1] if found else ""


def _end_prepared(walk: Walk, statement: StatementLike, control: str) -> None:
    """What a prepared transaction did is so from PREPARE on here; ROLLBACK PREPARED withdraws it."""
    before = walk.prepared.pop(_prepared_name(statement), [])
    if control == "rollback prepared" and len(before) == len(walk.worlds):
        for catalog, snapshot in zip(walk.catalogs, before, strict=True):
            if snapshot is not None:
                catalog.restore(snapshot)


def _savepoint_name(statement: StatementLike) -> str:
    words = re.findall(r'"[^"]+"|[\w$]+', statement.text)
    last = words[-1] if words else ""
    return last.strip('"') if last.startswith('"') else last.lower()
