"""A change: its three scripts at the left, what they do to the server at the right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, Span, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.ui.findings import RISK_ROLES, headline, statement_lines, telling
from pgmig_tui.ui.screens.dialog import AskScreen
from pgmig_tui.ui.screens.place import PlaceScreen, bindings
from pgmig_tui.ui.session import KINDS, ImpactFacts, Place, PlanLine, ScriptKind, ScriptText
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.sql_view import SqlView


class ChangeScreen(PlaceScreen):
    """Reads only. The finding of the statement under the cursor stands first in the pane."""

    place: ClassVar[str] = "change"
    CSS_PATH = "../styles/change.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("change")

    def __init__(self, change: PlanLine, environment: Place | None) -> None:
        super().__init__()
        self.change = change
        self._environment = environment
        self.kind: ScriptKind = "deploy"
        self.formatted = False
        self._scripts: dict[ScriptKind, ScriptText] = {}
        self._impacts: dict[ScriptKind, ImpactFacts] = {}
        self.tabs = Bar(identity="tabs")
        self.sql = SqlView(identity="sql")
        self.pane = Lines(identity="pane")

    def body(self) -> Iterable[Widget]:
        yield self.tabs
        yield Horizontal(self.sql, self.pane, id="columns")

    def on_mount(self) -> None:
        self.tabs.make(self._tabs_line)
        super().on_mount()
        self._load()

    @property
    def where(self) -> Place | None:
        return self._environment

    def doing(self) -> str:
        standing = self.pgmig.answers.good.get(self._environment.name) if self._environment else None
        if standing is None:
            return "CHANGE"
        if self.change.change_id in standing.pending:
            return f"change {standing.pending.index(self.change.change_id) + 1}/{len(standing.pending)} pending"
        return "change deployed" if self.change.change_id in standing.deployed else "CHANGE"

    def _tabs_line(self, columns: int) -> Line:
        spans: list[Span] = [(" FORMATTED to read, NOT what runs ", "waiting")] if self.formatted else []
        spans.append((f" {self.change.name}  ", "strong"))
        for kind in KINDS:
            spans.append(
                (f" [{kind}] " if kind == self.kind else f"  {kind}  ", "key" if kind == self.kind else "muted")
            )
        script = self._scripts.get(self.kind)
        if script is not None and script.sha1:
            spans.append((f"  sha {script.sha1[:7]}", "muted"))
        return tuple(spans)

    # Reading

    def _load(self) -> None:
        session, change_id, kind = self.pgmig.session, self.change.change_id, self.kind
        environment = self._environment.name if self._environment else ""
        self.formatted = False
        if kind in self._scripts:
            self._show_script()
            return
        self.sql.load("...")
        self.later("script", lambda: session.script(change_id, kind), self._take_script)
        standing = self.pgmig.answers.last.get(environment)
        live = standing is not None and standing.reachable
        self.later(
            "impact",
            lambda: session.impact(change_id, kind, environment, live=live),
            lambda facts: self._take_impact(kind, facts),
            lambda error: self._take_impact(kind, ImpactFacts(None, problem=str(error))),
        )

    def _take_script(self, script: ScriptText) -> None:
        self._scripts[script.kind] = script
        if script.kind == self.kind:
            self._show_script()

    def _take_impact(self, kind: ScriptKind, facts: ImpactFacts) -> None:
        self._impacts[kind] = facts
        if kind == self.kind:
            self._mark()
            self._show_pane()

    def _show_script(self) -> None:
        script = self._scripts[self.kind]
        self.sql.load(f"-- {script.problem}" if script.problem else script.text)
        self._mark()
        self._show_pane()
        self.tabs.refresh()

    def _mark(self) -> None:
        facts = self._impacts.get(self.kind)
        if facts is None or facts.impact is None or self.formatted or self.kind not in self._scripts:
            return
        statements = [one for one in facts.impact.statements if not one.path or one.path == facts.impact.path]
        self.sql.divide([one.line for one in statements])
        marks: dict[int, Role] = {}
        for one in telling(facts.impact):
            if one in statements:
                marks.update(
                    dict.fromkeys(range(one.line, min(one.end_line, one.line + 500) + 1), RISK_ROLES[one.risk])
                )
        self.sql.mark(marks)

    # The pane

    def _current(self) -> StatementImpact | None:
        facts = self._impacts.get(self.kind)
        if facts is None or facts.impact is None or self.formatted:
            return None
        line = self.sql.line_number
        return next((one for one in telling(facts.impact) if one.line <= line <= one.end_line), None)

    def _show_pane(self) -> None:
        self.pane.fill(lambda columns: self._pane_lines(columns - 1))
        self.pane.scroll_home(animate=False)

    def _pane_lines(self, columns: int) -> list[Line]:
        facts = self._impacts.get(self.kind)
        if facts is None:
            return [((" Lock impact ...", "title"),)]
        source = facts.server if facts.live else "from the text alone"
        lines: list[Line] = [((" Lock impact  ", "title"), (safe(source), "muted"))]
        script = self._scripts.get(self.kind)
        if script is not None and script.problem:
            lines += wrap(safe(script.problem), columns, "stale", indent=" ")
        lines += headline(facts, columns)
        for text in facts.findings:
            lines += wrap(f"! {safe(text)}", columns, "waiting", indent=" ", hanging="   ")
        if facts.impact is not None:
            current, told = self._current(), telling(facts.impact)
            if current is not None:
                lines += [(), *statement_lines(current, columns, marked=True)]
            for one in [one for one in told if one is not current][:50]:
                lines += [(), *statement_lines(one, columns)]
            if len(told) > 50:
                lines += [(), ((f" and {count(len(told) - 50, 'statement')} more", "muted"),)]
        return lines

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self._show_pane()

    # Keys

    def off(self, key_id: str) -> str | None:
        script = self._scripts.get(self.kind)
        if key_id == "change.formatted" and (script is None or not script.text):
            return "there is no text to set out"
        if key_id == "change.impact" and (self.formatted or not self._told()):
            return "no statement here takes a lock that others notice"
        if key_id in {"change.again", "change.back_again"} and not self.sql.needle:
            return "nothing was looked for yet; / does"
        return None

    def _told(self) -> list[StatementImpact]:
        facts = self._impacts.get(self.kind)
        return telling(facts.impact) if facts is not None and facts.impact is not None else []

    def _walk(self, step: int) -> None:
        self.kind = KINDS[(KINDS.index(self.kind) + step) % len(KINDS)]
        self._load()

    def do_previous(self) -> None:
        self._walk(-1)

    def do_next(self) -> None:
        self._walk(1)

    def do_impact(self) -> None:
        lines = [one.line for one in self._told()]
        self.sql.move(next((line for line in lines if line > self.sql.line_number), lines[0]) - 1)

    def do_formatted(self) -> None:
        from pgmig_tui.display.sql_format import formatted

        if self.formatted:
            self.formatted = False
            self._show_script()
            return
        text, kind = self._scripts[self.kind].text, self.kind

        def done(result: str | None) -> None:
            if kind != self.kind:
                return
            if result is None:
                self.say("sqlparse can't set this script out (too long, or it fails on it)")
                return
            self.formatted = True
            self.sql.load(f"-- NOT what runs: set out by sqlparse (f goes back)\n\n{result}")
            self._show_pane()
            self.tabs.refresh()

        self.later("format", lambda: formatted(text), done)

    def do_find(self) -> None:
        self.app.push_screen(AskScreen("Find in this script", "text"), self._find)

    def _find(self, needle: str | None) -> None:
        if needle and not self.sql.find(needle):
            self.say(f"{needle!r} does not stand in this script")

    def do_again(self) -> None:
        self.sql.find(self.sql.needle)

    def do_back_again(self) -> None:
        self.sql.find(self.sql.needle, -1)

    def do_down(self) -> None:
        self.sql.move(self.sql.cursor + 1)

    def do_up(self) -> None:
        self.sql.move(self.sql.cursor - 1)

    def do_left(self) -> None:
        self.sql.slide(-20)

    def do_right(self) -> None:
        self.sql.slide(20)

    def do_top(self) -> None:
        self.sql.move(0)

    def do_bottom(self) -> None:
        self.sql.move(self.sql.line_count - 1)

    def do_pagedown(self) -> None:
        self.sql.move(self.sql.cursor + max(1, self.sql.size.height // 2))

    def do_pageup(self) -> None:
        self.sql.move(self.sql.cursor - max(1, self.sql.size.height // 2))

    def copy_text(self) -> str:
        """The findings, for a pull request."""
        return self.pane.text()

    def help_text(self) -> tuple[str, ...]:
        return (
            "A | beside a line number: the statement takes a lock, scans, rewrites or loses something.",
            "The impact is read from the script, and from the server's catalog where it answers.",
            "f sets the SQL out for reading; what runs stays as it is. > at the edge: the line goes on (right, left).",
        )
