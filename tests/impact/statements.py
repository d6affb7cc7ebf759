"""Statements for the impact tests, made without the script room."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.impact import nodes

_CONTROL = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "release",
    "TRANS_STMT_ROLLBACK_TO": "rollback to",
    "TRANS_STMT_PREPARE": "prepare",
}


@dataclass(frozen=True)
class Trouble:
    message: str
    line: int
    column: int


@dataclass(frozen=True)
class One:
    """One statement, on one line of its own."""

    text: str
    line: int = 1
    end_line: int = 1
    possible: bool = False
    then: str = "plain"
    variables: tuple[str, ...] = ()
    path: str = "deploy/x.sql"
    branch: tuple[tuple[int, int], ...] = ()
    times: int = 1

    @property
    def node(self) -> nodes.Node:
        try:
            return nodes.parse(self.text)[0]
        except nodes.ParseError:
            return None

    @property
    def problem(self) -> Trouble | None:
        try:
            nodes.parse(self.text)
        except nodes.ParseError as error:
            return Trouble(str(error), self.line, error.position)
        return None

    @property
    def kind(self) -> str:
        words = self.text.upper().split()
        if words[0] in {"INSERT", "UPDATE", "DELETE", "SELECT"}:
            return words[0]
        return "UNPARSED" if self.node is None else " ".join(words[:2])

    @property
    def control(self) -> str | None:
        node = self.node
        if node is None or nodes.kind(node) != "TransactionStmt":
            return None
        return _CONTROL[nodes.enum_name("TransactionStmtKind", node.kind)]


def script(*texts: str) -> list[One]:
    """One statement a line."""
    return [One(text, number, number) for number, text in enumerate(texts, 1)]
