"""How a script can be carried out: in one transaction together with its record, or step by step.

The two questions of a run: may a deploy or revert script share one transaction with its registry rows (`shape`), and
may a verify script look at it before that transaction ends (`verify_shape`)? Where the text alone can't tell, the
answer is the careful one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Literal

from pgmig_tui.script.preview import Preview
from pgmig_tui.script.statement import Statement

Mode = Literal["atomic", "stepwise", "refused"]


@dataclass(frozen=True, slots=True)
class Shape:
    """`wraps`: the script has no BEGIN of its own, we add one. `reason`: one sentence on why this mode.

    `verify_after`: why a verify script can't run inside this script's transaction (empty: it can).
    `needs_new_session`: settings, libraries or code outlive DISCARD ALL; the next script wants a new session.
    """

    mode: Mode
    wraps: bool
    reason: str
    verify_after: tuple[str, ...] = ()
    needs_new_session: bool = False


@dataclass(frozen=True, slots=True)
class VerifyShape:
    """`inside`: the verify script may run in the transaction that it verifies; `reason` says why not."""

    inside: bool
    reason: str


# Things about a script, not about one statement, that make a shared transaction unsafe; by finding code.
_STEPWISE_FINDINGS = {
    "gexec": "\\gexec runs statements that are not known before",
    "on_error_stop": "ON_ERROR_STOP is off, so it goes on after errors",
    "on_error_rollback": "ON_ERROR_ROLLBACK is on, so it goes on after errors",
    "autocommit": "AUTOCOMMIT is off, so transactions begin by themselves",
    "connect": "\\connect starts a new session",
    "branch in statement": "an \\if stands inside a statement",
}
_ALONE = re.compile(
    r"""(?: VACUUM\b
          | (?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE)\b
          | (?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b
          | REINDEX\s+(?:\([^)]*\)\s*)?(?:SCHEMA|DATABASE|SYSTEM)\b
          | REINDEX\s+(?:\([^)]*\)\s*)?(?:INDEX|TABLE)\s+CONCURRENTLY\b
          | REINDEX\s+\([^)]*\bCONCURRENTLY\b
          | ALTER\s+SYSTEM\b
          | ALTER\s+DATABASE\b.*\bSET\s+TABLESPACE\b
          | CLUSTER\s*(?:\([^)]*\)|VERBOSE)?\s*;?\s*$
          | DISCARD\s+ALL\b
          | (?:COMMIT|ROLLBACK)\s+PREPARED\b
          | (?:CREATE|DROP)\s+SUBSCRIPTION\b
          | ALTER\s+SUBSCRIPTION\b.*\b(?:REFRESH|(?:SET|ADD|DROP)\s+PUBLICATION|two_phase|failover)\b
        )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
).match
_DETACH = re.compile(r"\bDETACH\s+PARTITION\s.*\bCONCURRENTLY\b", re.IGNORECASE | re.DOTALL).search
_SAYS_DETACH = re.compile("DETACH", re.IGNORECASE).search
_BEGIN_OPTIONS = re.compile(r"\b(?:READ\s+ONLY|REPEATABLE\s+READ|SERIALIZABLE|DEFERRABLE)\b", re.IGNORECASE).search
_CHAIN = re.compile(r"\bAND\s+CHAIN\b", re.IGNORECASE).search
_NO_CHAIN = re.compile(r"\bAND\s+NO\s+CHAIN\b", re.IGNORECASE).search
_ENDS_INSIDE = re.compile(r"\b(?:COMMIT|ROLLBACK)\s*(?:AND\s+(?:NO\s+)?CHAIN\s*)?;", re.IGNORECASE).search
_PROGRAM = re.compile(r"\\\w+\s*\||\bprogram\s*'", re.IGNORECASE).search
_DBLINK = re.compile(r"\bdblink(?:_\w+)?\s*\(", re.IGNORECASE).search
_ENUM_VALUE = re.compile(r"ALTER\s+TYPE\b.*\bADD\s+VALUE\b", re.IGNORECASE | re.DOTALL).match
_TEMPORARY = re.compile(
    r"(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:GLOBAL\s+|LOCAL\s+)?TEMP(?:ORARY)?\b)|\bINTO\s+(?:LOCAL\s+)?TEMP(?:ORARY)?\b|\bpg_temp\.",
    re.IGNORECASE,
).search
_SAYS_TEMP = re.compile("TEMP", re.IGNORECASE).search
_ROLE_SETTING = re.compile(r"ALTER\s+(?:ROLE|USER|DATABASE)\b.*\b(?:RE)?SET\b", re.IGNORECASE | re.DOTALL).match
_ISOLATION_DEFAULT = re.compile(
    r"\b(?:default_transaction_(?:isolation|read_only|deferrable)|transaction_(?:isolation|read_only|deferrable))\b",
    re.IGNORECASE,
).search
_SETTINGS_OF = ("ALTER ROLE", "ALTER USER", "ALTER DATABASE")
_SESSION_KINDS = frozenset(
    ["SET", "SET ROLE", "SET SESSION AUTHORIZATION", "RESET", "SHOW", "EMPTY", "LISTEN", "DISCARD"]
)


_MAY_STAND_ALONE = frozenset(
    [
        "VACUUM", "REINDEX", "CLUSTER", "DISCARD", "COMMIT PREPARED", "ROLLBACK PREPARED", "ALTER SYSTEM",
        *(f"{verb} {what}" for verb in ("CREATE", "DROP", "ALTER")
          for what in ("DATABASE", "TABLESPACE", "INDEX", "SUBSCRIPTION")),
    ]
)  # fmt: skip


def must_stand_alone(statement: Statement) -> bool:
    """Whether PostgreSQL refuses the statement inside a transaction block (or may, for subscriptions)."""
    if statement.keywords == "ALTER TABLE":
        return bool(_SAYS_DETACH(statement.text)) and bool(_DETACH(statement.bare))
    return statement.keywords in _MAY_STAND_ALONE and bool(_ALONE(statement.bare))


# The state of a script's own transaction on one way through it.
_BEFORE, _OPEN, _DONE = "before", "open", "done"


def shape(preview: Preview) -> Shape:
    """How a deploy or revert script is to be carried out."""
    statements = [s for s in preview.statements if s.keywords != "EMPTY"]
    verify_after = _verify_after(statements)
    new_session = any(_outlives(s) for s in statements)

    def answer(mode: Mode, reason: str, *, wraps: bool = False) -> Shape:
        return Shape(mode, wraps, reason, verify_after, new_session)

    for finding in preview.findings:
        if finding.refuses:
            return answer("refused", f"line {finding.line}: {finding.message}")
    if not statements:
        return answer("atomic", "it has no statements", wraps=True)
    flow = _Flow(preview.complete)
    ends = flow.run(statements)
    if refusal := flow.refusal(ends):
        return answer("refused", refusal)
    for finding in preview.findings:
        if finding.code in _STEPWISE_FINDINGS or (
            finding.code == "quit" and any(m.branch for m in preview.metas if m.name in ("q", "quit"))
        ):
            return answer("stepwise", f"line {finding.line}: {_STEPWISE_FINDINGS.get(finding.code, finding.message)}")
    own = ends == {_DONE}
    for statement in statements:
        if reason := _stepwise_reason(statement, own):
            return answer("stepwise", f"line {statement.line}: {reason}")
    if flow.stepwise:
        return answer("stepwise", flow.stepwise)
    if ends == {_DONE}:
        if flow.loose:
            return answer("stepwise", f"line {flow.loose.line}: a statement before its BEGIN")
        return answer("atomic", "all its statements stand between one BEGIN and one COMMIT")
    if ends != {_BEFORE}:
        return answer("stepwise", "not every way through its \\if branches is one transaction")
    working = [s for s in statements if s.keywords not in _SESSION_KINDS]
    if len(working) <= 1 and not any(s.joined for s in statements):
        return answer("atomic", "a single statement, in a transaction that we open", wraps=True)
    return answer("stepwise", "it has several statements and no BEGIN: each commits by itself")


def wraps(preview: Preview) -> bool:
    """As `shape(preview).wraps`, without a look at the rest of a long script: a BEGIN of ours is for one statement."""
    working = (s for s in preview.statements if s.keywords not in _SESSION_KINDS)
    return len(list(islice(working, 2))) < 2 and shape(preview).wraps


class _Flow:
    """Follows all ways through a script's branches at once: a set of states that each statement moves on."""

    def __init__(self, complete: frozenset[int]) -> None:
        self.complete = complete
        self.stepwise = ""
        self.rolled_back: Statement | None = None
        self.opened: Statement | None = None
        self.loose: Statement | None = None  # the first that commits by itself

    def run(self, statements: Sequence[Statement]) -> frozenset[str]:
        return self._walk(statements, 0, frozenset([_BEFORE]))

    def refusal(self, ends: frozenset[str]) -> str:
        if ends == {_OPEN} and self.opened:
            return f"line {self.opened.line}: it leaves the transaction open that it begins here"
        if self.rolled_back and ends == {_DONE}:
            return f"line {self.rolled_back.line}: it ends in ROLLBACK, so nothing of it would stay"
        return ""

    def _walk(self, statements: Sequence[Statement], depth: int, states: frozenset[str]) -> frozenset[str]:
        """`depth`: how many levels of `\\if` these statements have in common."""
        for number, group in groupby(statements, key=lambda s: s.branch[depth][0] if len(s.branch) > depth else 0):
            members = list(group)
            if number == 0:
                for statement in members:
                    states = self._step(statement, states)
                continue
            ends: frozenset[str] = frozenset()
            arms = {m.branch[depth][1] for m in members}
            for arm in sorted(arms):
                ends |= self._walk([m for m in members if m.branch[depth][1] == arm], depth + 1, states)
            # an arm without statements, or no arm at all, leaves things as they are
            full = number in self.complete and arms == set(range(max(arms) + 1))
            states = ends if full else ends | states
        return states

    def _step(self, statement: Statement, states: frozenset[str]) -> frozenset[str]:
        if statement.joined:
            for part in parts_of(statement):
                states = self._step(part, states)
            return states
        control = statement.control
        if control == "begin":
            if states != {_BEFORE}:
                self._because(statement, "a second BEGIN")
            self.opened = statement
            return frozenset([_OPEN])
        if control in ("commit", "rollback", "prepare"):
            if _OPEN not in states:
                if control == "rollback":
                    return states
                self._because(statement, f"{control.upper()} without a BEGIN")
                return states
            if states != {_OPEN}:
                self._because(statement, f"{control.upper()} where not every way has begun a transaction")
            if control == "rollback":
                self._because(statement, "ROLLBACK")
            chained = _CHAIN(statement.text) and not _NO_CHAIN(statement.text)
            self.rolled_back = statement if control == "rollback" else None
            return frozenset([_OPEN]) if chained else frozenset([_DONE])
        if statement.keywords not in _SESSION_KINDS and states != {_OPEN}:
            self.rolled_back = None
            if states != {_BEFORE}:
                self._because(statement, "a statement outside its transaction")
            self.loose = self.loose or statement
        return states

    def _because(self, statement: Statement, what: str) -> None:
        self.stepwise = self.stepwise or f"line {statement.line}: {what}"


def _spoken(statement: Statement) -> str:
    """The kind as a person says it: what makes an index statement stand alone is its CONCURRENTLY."""
    kind, text = statement.keywords, statement.bare.upper()
    return f"{kind} CONCURRENTLY" if "CONCURRENTLY" in text and "CONCURRENTLY" not in kind else kind


def _stepwise_reason(statement: Statement, own: bool) -> str:
    """Why a statement makes its script stepwise; empty for most. `own`: the script has a transaction of its own, in
    which procedures and DO blocks can't end it."""
    kind = statement.keywords
    if kind in ("INSERT", "EMPTY"):
        return ""
    if must_stand_alone(statement):
        return f"{_spoken(statement)} can't run inside a transaction"
    if statement.joined and any(part.control for part in parts_of(statement)):
        return "transaction control among joined statements (\\;)"
    if statement.control == "begin" and _BEGIN_OPTIONS(statement.bare):
        return "its transaction is read-only, REPEATABLE READ or SERIALIZABLE"
    if statement.control == "set transaction" or (kind == "SET" and _ISOLATION_DEFAULT(statement.bare)):
        return "it sets the transaction's characteristics"
    if statement.control == "prepare":
        return "PREPARE TRANSACTION ends it in two phases"
    if statement.control in ("commit", "rollback") and _CHAIN(statement.bare) and not _NO_CHAIN(statement.bare):
        return "AND CHAIN opens the next transaction"
    if kind == "CALL" and not own:
        return "a procedure may commit"
    if kind == "DO" and not own and _ENDS_INSIDE(statement.text):
        return "its DO block ends transactions"
    return ""


def parts_of(statement: Statement) -> Iterator[Statement]:
    """The statements that `\\;` joins, roughly: cut at every semicolon, which is enough to find transaction control."""
    for text in statement.bare.split(";"):
        yield Statement(statement.path, statement.line, statement.end_line, text.strip())


def _verify_after(statements: Iterable[Statement]) -> tuple[str, ...]:
    reasons: dict[str, None] = {}
    for statement in statements:
        kind = statement.keywords
        if kind == "INSERT":
            continue
        if kind == "ALTER TYPE" and _ENUM_VALUE(statement.bare):
            reasons["it adds an enum value, which can't be used before COMMIT"] = None
        elif kind.startswith("ALTER ") and _outlives(statement):
            reasons["it changes settings that only a new session has"] = None
        if _SAYS_TEMP(statement.text) and _TEMPORARY(statement.bare):
            reasons["it makes temporary objects, which a new session doesn't see"] = None
    return tuple(reasons)


def _outlives(statement: Statement) -> bool:
    kind = statement.keywords
    return kind in ("LOAD", "DO", "CALL") or (kind.startswith(_SETTINGS_OF) and bool(_ROLE_SETTING(statement.bare)))


def verify_shape(preview: Preview) -> VerifyShape:
    """Whether a verify script may run inside the transaction of the change that it verifies."""
    for finding in preview.findings:
        if finding.code in ("on_error_stop", "on_error_rollback", "autocommit", "connect", "gexec"):
            return VerifyShape(False, f"line {finding.line}: {_STEPWISE_FINDINGS[finding.code]}")
    for meta in preview.metas:
        program = meta.name in ("copy", "g", "gx", "o", "out") and _PROGRAM(meta.text)
        if meta.name in ("!", "setenv") or program or "`" in meta.text:
            return VerifyShape(False, f"line {meta.line}: it runs a shell command")
    for statement in preview.statements:
        text = statement.bare
        where = f"line {statement.line}"
        if statement.control == "set transaction":
            return VerifyShape(False, f"{where}: it sets the transaction's characteristics")
        if statement.control == "begin" and (_BEGIN_OPTIONS(text) or "ISOLATION" in text.upper()):
            return VerifyShape(False, f"{where}: BEGIN with options")
        if statement.joined and any(part.control for part in parts_of(statement)):
            return VerifyShape(False, f"{where}: transaction control among joined statements (\\;)")
        if statement.control in ("prepare", "commit prepared", "rollback prepared"):
            return VerifyShape(False, f"{where}: two-phase commit")
        if must_stand_alone(statement):
            return VerifyShape(False, f"{where}: {_spoken(statement)} can't run inside a transaction")
        if statement.keywords in ("DO", "CALL") and _ENDS_INSIDE(statement.text):
            return VerifyShape(False, f"{where}: COMMIT or ROLLBACK in a {statement.keywords}")
        if _DBLINK(statement.text):
            return VerifyShape(False, f"{where}: dblink opens a session of its own, which doesn't see the change yet")
    return VerifyShape(True, "")
