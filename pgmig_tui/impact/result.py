"""What a statement and a script will do, as plain values; `to_json` is the shape of `impact --json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.rates import DEFAULT_RATES, Rates

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from pgmig_tui.script.values import value

CERTAINTIES = ("certain", "likely", "possible")
RISKS = ("none", "low", "medium", "high", "critical")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@value(frozen=True, slots=True)
class Lock:
    """The strongest lock that a statement takes on one relation; `new` relations were made by this very script."""

    schema: str
    relation: str
    relkind: str
    mode: LockMode
    certainty: str
    why: str
    new: bool = False

    @property
    def name(self) -> Name:
        return Name(self.schema, self.relation)


@value(frozen=True, slots=True)
class Blocks:
    """What other sessions can't do meanwhile with a relation that they can see."""

    reads: bool = False
    writes: bool = False
    ddl: bool = False


@value(frozen=True, slots=True)
class Estimate:
    """A range in milliseconds, from sizes and stated rates; waiting for locks is not in it."""

    low: int
    high: int


@value(frozen=True, slots=True)
class LostData:
    """What exactly goes, so that it can be counted and saved. `kind`: column (it is dropped), values (some of them
    change), table (with all its rows), rows (some or all of a table that stays), sequence (its state)."""

    kind: Literal["column", "values", "table", "rows", "sequence"]
    name: Name
    columns: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class DataLoss:
    """Classes: 0 none, 1 privileges and metadata, 2 derivable, 3 values, 4 rows (or unknown), 5 outside. `lost` is what
    can be counted of classes 3 and 4; `loose` says in words what of classes 3 to 5 can't. `possible`: none of `what` is
    lost on every way that there is, such as by a branch that may not run."""

    loss_class: int = 0
    what: tuple[str, ...] = ()
    lost: tuple[LostData, ...] = ()
    loose: tuple[str, ...] = ()
    possible: bool = False

    @property
    def final(self) -> bool:
        """Whether values or rows go, which no script brings back."""
        return self.loss_class >= 3

    @property
    def outside(self) -> bool:
        """Whether it is of what no ROLLBACK undoes."""
        return self.loss_class >= 5

    @property
    def word(self) -> str:
        return "MAY LOSE" if self.possible else "LOSES"


@value(frozen=True, slots=True)
class Advice:
    """A safer way; `rule` is its documented code, `safer_sql` is for this statement, "" when there is none."""

    rule: str
    message: str
    safer_sql: str = ""


@value(frozen=True, slots=True)
class StatementProblem:
    """Why a statement can't be trusted to run, or can't be read. `sqlstate` is what the server would answer, "" where
    nobody can tell; `inside`: it is a statement of the code that it runs which fails."""

    message: str
    line: int
    column: int = 0
    sqlstate: str = ""
    inside: bool = False


@value(frozen=True, slots=True)
class HeldLock:
    """A lock through the transaction: from the line that takes it to the line that gives it back."""

    schema: str
    relation: str
    mode: LockMode
    from_line: int
    to_line: int

    @property
    def name(self) -> Name:
        return Name(self.schema, self.relation)


NOT_RUN = "not run"
ROLLED_BACK = "rolled back"


@value(frozen=True, slots=True)
class StatementImpact:
    """One statement. Lines are 1-based lines of the script; `rows` and `bytes` are what it reads or rewrites.

    `unknown` says in words what could not be told, `hidden` of that what may destroy something, `breaks` what running
    code would notice, `notes` the rest; `needs_no_transaction` is True when PostgreSQL refuses it inside a transaction
    block. `silenced` are the rules whose advice the script silences, each with its reason. `held` are the locks from
    SHARE on that the transaction has from earlier statements, `blocks` counts them, too; `held_more`: so many more,
    none stronger, are in the script's `cumulative` alone. `times`: it stands for so many
    in a row that differ in their constants alone; lines, rows, bytes and time are those of all of them. `void` says why
    certainly nothing of what it does stays: NOT_RUN, or ROLLED_BACK by the script itself (but for losses of class 5).
    """

    line: int
    end_line: int
    sql: str
    kind: str
    transaction_control: str | None = None
    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    rebuilds: tuple[str, ...] = ()
    blocks: Blocks = Blocks()
    held_until_line: int = 0
    estimated_ms: Estimate | None = None
    rows: int = 0
    bytes: int = 0
    data_loss: DataLoss = DataLoss()
    risk: str = "none"
    advice: tuple[Advice, ...] = ()
    problem: StatementProblem | None = None
    unknown: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs_no_transaction: bool = False
    path: str = ""
    silenced: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    hidden: tuple[str, ...] = ()
    held: tuple[HeldLock, ...] = ()
    held_more: int = 0
    times: int = 1
    void: str = ""

    @property
    def accepted(self) -> bool:
        """Whether all that is advised against this statement was silenced, each with a reason."""
        return bool(self.advice) and self.problem is None and all(one.rule in self.silenced for one in self.advice)

    @property
    def trouble(self) -> str:
        """Its problem in words: it can't be read, or is expected to fail; "" without one."""
        if self.problem is None:
            return ""
        return f"{CANT_READ if self.kind == 'UNPARSED' else 'would fail'}: {self.problem.message}"

    @property
    def strongest(self) -> Lock | None:
        """The strongest lock on a relation that others can see."""
        seen = [lock for lock in self.locks if not lock.new]
        return max(seen, key=lambda lock: lock.mode) if seen else None


CANT_READ, NO_LOCK = "can't be read", "no lock that others could notice"


@value(frozen=True, slots=True)
class ScriptImpact:
    """A whole script. `transactional`: everything in it happens in one transaction or not at all. `unread`: part of it
    is refused as it stands, so that nobody knows what that part does."""

    path: str
    transactional: bool
    statements: tuple[StatementImpact, ...]
    cumulative: tuple[HeldLock, ...]
    server_version_num: int = 180000
    catalog: bool = False
    rates: Rates = DEFAULT_RATES
    unread: bool = False

    @property
    def strongest(self) -> tuple[LockMode, str] | None:
        """The strongest lock on a relation that others can see, and that relation's name."""
        seen = [lock for one in self.statements if (lock := one.strongest) is not None]
        if not seen:
            return None
        top = max(seen, key=lambda lock: lock.mode)
        return top.mode, str(top.name)

    @property
    def no_lock(self) -> str:
        """What there is to say of locks where `strongest` is None: that nobody notices any is only said of what could
        be told to its end."""
        known = all(one.problem is None and not one.unknown and not one.hidden for one in self.statements)
        return NO_LOCK if known and not self.unread else "which locks it takes is unknown"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with its statements, each with its line."""
        return tuple(f"line {one.line} {one.trouble}" for one in self.statements if one.problem is not None)

    @property
    def lock_word(self) -> str:
        """The strongest lock's SQL name; "" where it's known that there is none, ? where that can't be told."""
        strongest = self.strongest
        if strongest is not None:
            return strongest[0].sql_name
        return "" if self.no_lock == NO_LOCK else "?"

    @property
    def risk(self) -> str:
        return self._worst(one.risk for one in self.statements)

    @property
    def open_risk(self) -> str:
        """The risk without that of statements whose advice is all silenced."""
        return self._worst(one.risk for one in self.statements if not one.accepted)

    def _worst(self, risks: Iterable[str]) -> str:
        """As with a statement that nobody can read, what is `unread` is never called harmless."""
        return max(("high" if self.unread else "none", *set(risks)), key=RISKS.index)

    @property
    def data_loss(self) -> DataLoss:
        """The worst class, with everything that is lost in that class."""
        worst = max((one.data_loss.loss_class for one in self.statements), default=0)
        what = [w for one in self.statements if one.data_loss.loss_class == worst > 0 for w in one.data_loss.what]
        lost = tuple(dict.fromkeys(lost for one in self.statements for lost in one.data_loss.lost))
        loose = tuple(dict.fromkeys(text for one in self.statements for text in one.data_loss.loose))
        return DataLoss(worst, tuple(dict.fromkeys(what)), lost, loose)


def to_json(impact: ScriptImpact, change: str = "") -> dict[str, object]:
    """One element of "scripts" of `impact --json`."""
    return {
        "change": change,
        "path": impact.path,
        "transactional": impact.transactional,
        "risk": impact.risk,
        "statements": [_statement_json(one) for one in impact.statements],
        "cumulative": [
            {
                "schema": held.schema,
                "relation": held.relation,
                "mode": held.mode.pg_name,
                "from_line": held.from_line,
                "to_line": held.to_line,
            }
            for held in impact.cumulative
        ],
    }


def document(scripts: list[dict[str, object]], server_version_num: int, catalog: bool) -> dict[str, object]:
    """The whole document of `impact --json` around the scripts' own."""
    return {"server_version_num": server_version_num, "catalog": catalog, "scripts": scripts}


def _statement_json(one: StatementImpact) -> dict[str, object]:
    estimate = one.estimated_ms
    return {
        "line": one.line,
        "end_line": one.end_line,
        "sql": mask_secrets(one.sql),
        "kind": one.kind,
        "times": one.times,
        "void": one.void,
        "transaction_control": one.transaction_control,
        "locks": [
            {
                "schema": lock.schema,
                "relation": lock.relation,
                "relkind": lock.relkind,
                "mode": lock.mode.pg_name,
                "certainty": lock.certainty,
                "why": lock.why,
                "new": lock.new,
            }
            for lock in one.locks
        ],
        "rewrites": list(one.rewrites),
        "scans": list(one.scans),
        "rebuilds": list(one.rebuilds),
        "held": [
            {
                "schema": held.schema,
                "relation": held.relation,
                "mode": held.mode.pg_name,
                "from_line": held.from_line,
            }
            for held in one.held
        ],
        "held_more": one.held_more,
        "blocks": {"reads": one.blocks.reads, "writes": one.blocks.writes, "ddl": one.blocks.ddl},
        "held_until_line": one.held_until_line,
        "estimated_ms": None if estimate is None else {"low": estimate.low, "high": estimate.high},
        "rows": one.rows,
        "bytes": one.bytes,
        "data_loss": {"class": one.data_loss.loss_class, "what": list(one.data_loss.what)},
        "risk": one.risk,
        "advice": [{"rule": a.rule, "message": a.message, "safer_sql": a.safer_sql} for a in one.advice],
        "silenced": dict(one.silenced),
        "problem": None
        if one.problem is None
        else {
            "message": one.problem.message,
            "line": one.problem.line,
            "column": one.problem.column,
            "sqlstate": one.problem.sqlstate,
        },
        "unknown": list(one.unknown),
        "breaks": list(one.breaks),
        "notes": list(one.notes),
        "needs_no_transaction": one.needs_no_transaction,
    }
