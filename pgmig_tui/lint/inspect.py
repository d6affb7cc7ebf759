"""Scripts in, findings out. Nothing is asked of a server, and nothing that a script holds raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from pgmig_tui.impact import nodes
from pgmig_tui.impact.advice import silenced
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.lint import table
from pgmig_tui.lint.effects import effects_of
from pgmig_tui.lint.finding import SEVERITIES, LintFinding
from pgmig_tui.lint.progress import advance, begun
from pgmig_tui.lint.rules import names, revert, script, verify
from pgmig_tui.lint.rules.script import Placed
from pgmig_tui.lint.silence import read_ignored, unused
from pgmig_tui.lint.state import Hit, Kind, LintState
from pgmig_tui.project.lint_settings import DEFAULT_NAME, LintSettings
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.batch import parse_together
from pgmig_tui.script.files import Allow, FileSource
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.shape import wraps
from pgmig_tui.script.statement import Statement

NEWEST = 180000
DEFAULTS = LintSettings()
_FACTS = ServerFacts(NEWEST, "dbname", "username")
_GRADES = {str(one): one for one in SEVERITIES}
_STAYS = frozenset({"savepoint", "release", "rollback to", "set transaction"})


@dataclass(frozen=True, slots=True)
class LintSource:
    """A script: its name relative to the project, and its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Scripts:
    """The scripts of a change, or one file alone (`change` is ""), of which only `deploy` is looked at. None = there is
    no such script."""

    change: str
    deploy: LintSource | None
    revert: LintSource | None = None
    verify: LintSource | None = None
    complete: bool = True
    """Whether a revert and a verify script belong to it."""


@dataclass(frozen=True, slots=True)
class LintReading:
    """What counts: the settings of pgmig.toml, and how scripts are read."""

    files: FileSource
    settings: LintSettings = DEFAULTS
    variables: Mapping[str, str] = field(default_factory=dict)
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)
    """What is known to be there before a deploy script runs, by its path; of others the text alone is."""
    version_num: int = NEWEST

    def preview(self, source: LintSource) -> Preview:
        """A script as it is read."""
        variables = {"registry": "sqitch", **self.variables}
        return preview(source.path, source.data, self.files, variables, Allow(), _FACTS, rows=True)


def lint_one(one: Scripts, rules: LintReading) -> list[LintFinding]:
    """The findings of one change."""
    deploy = _Look(one, one.deploy, "deploy", rules) if one.deploy is not None else None
    back = _Look(one, one.revert, "revert", rules) if one.revert is not None else None
    proof = _Look(one, one.verify, "verify", rules) if one.verify is not None else None
    looks = [look for look in (deploy, back, proof) if look is not None]
    for look in looks:
        look.by_itself()
    if deploy is not None:
        form = DEFAULT_NAME if rules.settings.name is None else rules.settings.name
        if one.change:
            deploy.place(script.name_of_change(one.change, form))
        _impacts(deploy, back, rules)
        if one.complete:
            _together(one, deploy, back, proof)
    return [finding for look in looks for finding in look.findings()]


def _impacts(deploy: _Look, back: _Look | None, rules: LintReading) -> None:
    known = rules.catalogs.get(deploy.source.path)
    catalog = Catalog(None) if known is None else known.clone()
    version = NEWEST if known is None else rules.version_num
    for look in (deploy, back):
        if look is None:
            continue
        if look is back:
            catalog.put_to_use()
        impact = predict_script(
            look.view.statements, None, version, wrapped=wraps(look.view), path=look.source.path, catalog=catalog,
            complete=look.view.complete, straight=look.view.straight,
        )  # fmt: skip
        catalog.settle()
        look.impact(silenced(impact, look.view)[0])


def _together(one: Scripts, deploy: _Look, back: _Look | None, proof: _Look | None) -> None:
    """What the scripts of a change have to do with each other."""
    effects = effects_of(deploy.view)
    if back is None:
        deploy.place([Placed("revert-missing", f"{one.change} has no revert script")])
    else:
        back.place(revert.revert_script(back.view, effects, effects_of(back.view)))
    if proof is None:
        deploy.place([Placed("verify-missing", f"{one.change} has no verify script")])
    else:
        text = proof.source.data.decode("utf-8", "replace")
        proof.place(verify.verify_script(proof.view, effects, text))


class _Look:
    """One script while it is looked at."""

    def __init__(self, scripts: Scripts, source: LintSource, kind: Kind, rules: LintReading) -> None:
        self.change = scripts.change
        self.source = source
        self.kind = kind
        self.settings = rules.settings
        self.view = rules.preview(source)
        parse_together([one for one in self.view.statements if one.control is None])
        self._of_all: set[str] = set()
        """What was found of the script as a whole: its fingerprint isn't made of the first line."""
        self._found: list[tuple[int, int, str, str, str, str]] = []
        self.ignored, wrong = read_ignored(source.path, source.data, self.view.statements, table.known)
        self.place(wrong)

    def by_itself(self) -> None:
        """What the script's own text and statements say."""
        self.place(script.readable(self.view))
        self.place(script.transactions(self.view, self.kind))
        if self.change:
            self.place(script.head(self.source.data))
        state = begun(self.kind, self.view)
        for one in self.view.statements:
            if one.skipped or one.keywords == "EMPTY":
                continue
            if one.control is not None:
                state.in_transaction = one.control == "begin" or (state.in_transaction and one.control in _STAYS)
                if not state.in_transaction:
                    state.ended()
                continue
            self._statement(one, state)

    def _statement(self, one: Statement, state: LintState) -> None:
        problem = one.problem
        if problem is not None:
            told = "too deep to be looked at" if problem.message.startswith("too ") else problem.message
            self._add("unreadable", told, one.path, problem.line, problem.column)
            return
        state.statement = one
        for tree in one.nodes:
            node = nodes.statement(tree)
            for hit in self._hits(node, state):
                self._hit(hit, one)
            advance(state, node)
        for hit in names.long_names(one.text):
            self._hit(hit, one)

    def _hits(self, node: Node, state: LintState) -> Iterator[Hit]:
        if self.kind == "verify":
            yield from names.every_statement(node, state)
            return
        for check in table.CHECKS.get(nodes.kind(node), ()):
            yield from check(node, state)
        yield from names.every_statement(node, state)

    def impact(self, impact: ScriptImpact) -> None:
        """The advice of the impact that nobody has silenced, and what is expected to fail."""
        for one, told in zip(self.view.statements, impact.statements, strict=True):
            for advice in told.advice:
                if advice.rule not in told.silenced:
                    self._add(advice.rule, advice.message, one.path, *self._where(one, -1), fix=advice.safer_sql)
            if told.problem is not None and one.problem is None and told.problem.sqlstate:
                self._add("will-fail", told.problem.message, one.path, *self._where(one, -1))

    def place(self, found: Iterable[Placed]) -> None:
        for one in found:
            if not one.line and one.statement is None:
                self._of_all.add(one.code)
            if one.line or one.statement is None:
                self._add(one.code, one.reason, self.source.path, one.line or 1, one.column, fix=one.fix)
            else:
                self._add(one.code, one.reason, one.statement.path, *self._where(one.statement, -1), fix=one.fix)

    def _hit(self, hit: Hit, statement: Statement) -> None:
        self._add(hit.code, hit.reason, statement.path, *self._where(statement, hit.at), fix=hit.fix)

    def _add(self, code: str, reason: str, path: str, line: int, column: int, *, fix: str = "") -> None:
        if self.settings.severity.get(code) != "off":
            self._found.append((line, column, code, reason, path, fix))

    def _where(self, one: Statement, at: int) -> tuple[int, int]:
        """Line and column of a position in a statement's tree. Where the statement isn't in this file as it stands,
        it is where the statement begins."""
        data = self.source.data
        place = one.start
        if one.path != self.source.path:
            return one.line, 1
        if at >= 0 and not one.variables and data.startswith(one.text[:40].encode("utf-8", "surrogateescape"), place):
            place = min(place + at - one.origin, len(data))
        line_start = data.rfind(b"\n", 0, place) + 1
        line = one.line + data.count(b"\n", one.start, place)
        return line, len(data[line_start:place].decode("utf-8", "replace")) + 1

    def findings(self) -> list[LintFinding]:
        """Sorted by place, without what comments silence, and with what is wrong with these."""
        told: list[tuple[int, int, str, str, str, str]] = []
        for one in self._found:
            silencers = [two for two in self.ignored if two.takes(one[2], one[0]) and one[4] == self.source.path]
            for silencer in silencers:
                silencer.used.add(one[2])
            if not silencers:
                told.append(one)
        self._found = []
        self.place(unused(self.ignored, self.kind))
        lines = self.source.data.split(b"\n")
        seen: dict[tuple[str, str, str], int] = {}
        found = []
        for line, column, code, reason, path, fix in sorted({*told, *self._found}):
            text = (
                ""
                if code in self._of_all
                else lines[line - 1].strip().decode("utf-8", "replace")
                if line <= len(lines)
                else ""
            )
            number = seen[path, code, text] = seen.get((path, code, text), 0) + 1
            print_ = sha256("\0".join((path, code, text, str(number))).encode("utf-8", "surrogatepass")).hexdigest()
            own = table.RULES.get(code)
            severity = _GRADES.get(self.settings.severity.get(code, "")) or table.severity_of(code)
            found.append(
                LintFinding(
                    path, line, column, code, severity, reason, fix or (own.fix if own else ""), self.change, print_
                )
            )
        return found
