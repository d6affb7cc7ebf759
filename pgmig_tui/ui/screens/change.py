"""A change: its three scripts at the left, what they do to the server at the right; each follows the other."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, Span
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.ui import editor
from pgmig_tui.ui.backend.protocol import KINDS, EnvironmentFacts, ImpactFacts, PlanLine, ScriptKind, ScriptText
from pgmig_tui.ui.destinations import ToReview
from pgmig_tui.ui.screens.base import BaseScreen, bindings
from pgmig_tui.ui.views import impact as impact_pane
from pgmig_tui.ui.views.findings import RISK_ROLES
from pgmig_tui.ui.widgets.lines import Bar, Choices, Groups, Lines
from pgmig_tui.ui.widgets.sql_view import SqlView

if TYPE_CHECKING:
    from pgmig_tui.review.now import RightNow

NOW_SECONDS = 5.0
LONGEST_MARK = 500
LONGEST_LOOK = 0.5
"""Seconds that reading waits for its beginning to be shown."""


class ChangeScreen(BaseScreen):
    """Reads only. One statement is the current one: the line under the cursor and its finding go together, whichever of
    the two is moved. `tab` says which one the keys move."""

    place: ClassVar[str] = "change"
    CSS_PATH = "../styles/change.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("change")

    def __init__(self, change: PlanLine, environment: EnvironmentFacts | None) -> None:
        super().__init__()
        self.change = change
        self._environment = environment
        self.kind: ScriptKind = "deploy"
        self.formatted = False
        self._scripts: dict[ScriptKind, ScriptText] = {}
        self._panes: dict[ScriptKind, impact_pane.Pane] = {}
        self._now: dict[ScriptKind, RightNow] = {}
        self._asking_now = False
        self._in_findings = False
        self._in_batches = False
        self._picked: int | None = None
        self.tabs = Bar(identity="tabs")
        self.sql = SqlView(identity="sql")
        self.pane = Groups(identity="pane")

    def body(self) -> Iterable[Widget]:
        yield self.tabs
        yield Horizontal(self.sql, self.pane, id="columns")

    def set_up(self) -> None:
        self.tabs.make(self._tabs_line)
        super().set_up()
        self._load()
        self.set_interval(NOW_SECONDS, self._ask_now)

    @property
    def where(self) -> EnvironmentFacts | None:
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
        self.formatted = self._in_findings = False
        self._picked = None
        if kind in self._scripts:
            self._show_script()
            return
        self.sql.load("...")
        self.later("script", lambda: session.script(change_id, kind), self._take_script)
        standing = self.pgmig.answers.last.get(environment)
        live = standing is not None and standing.reachable
        good = self.pgmig.answers.good.get(environment)
        pending = good is not None and change_id not in good.deployed

        def failed(error: Exception) -> None:
            self._take_impact(kind, impact_pane.Pane(ImpactFacts(None, problem=str(error))))

        def so_far(facts: ImpactFacts) -> None:
            """Goes on when it can be seen: two threads that both compute keep each other from it."""
            seen = Event()

            def take(pane: impact_pane.Pane) -> None:
                self._take_impact(kind, pane)
                self.call_after_refresh(seen.set)

            self.meanwhile(impact_pane.Pane(facts), take, failed)
            seen.wait(LONGEST_LOOK)

        def read() -> impact_pane.Pane:
            facts = session.impact(change_id, kind, environment, live=live, pending=pending, so_far=so_far)
            return impact_pane.Pane(facts)

        self.later(
            "impact",
            read,
            lambda pane: self._take_impact(kind, pane),
            failed,
        )

    def _take_script(self, script: ScriptText) -> None:
        from pgmig_tui.script.backfill import declares

        self._scripts[script.kind] = script
        if script.kind == "deploy":
            self._in_batches = declares(script.text.encode())
            self.foot.refresh()
        if script.kind == self.kind:
            self._show_script()

    def _take_impact(self, kind: ScriptKind, pane: impact_pane.Pane) -> None:
        before = self._panes.get(kind)
        self._panes[kind] = pane
        if kind != self.kind:
            return
        if self._picked is not None and before is not None:
            # more of the script is known: the finding that was chosen may have another number
            self._picked = pane.at(before.told[self._picked].line)
        self._mark()
        self._show_pane(reveal=before is None)
        self._ask_now()

    def _ask_now(self) -> None:
        """Who is in the way on the server: asked again and again, as long as somebody looks and the server answers."""
        pane, kind, environment = self._panes.get(self.kind), self.kind, self._environment
        if pane is None or pane.facts.impact is None or not pane.facts.live or pane.facts.upto or environment is None:
            return
        if self._asking_now or not self.is_current:
            return
        self._asking_now = True
        session, impact, before = self.pgmig.session, pane.facts.impact, self._now.get(kind)

        def done(now: RightNow | None) -> None:
            self._asking_now = False
            if now is not None:
                self._now[kind] = now
            if kind == self.kind:
                self._show_pane(reveal=before is None)

        self.later("now", lambda: session.now(environment.name, impact, before), done, lambda error: done(None))

    def _show_script(self) -> None:
        script = self._scripts[self.kind]
        self.sql.load(f"-- {script.problem}" if script.problem else script.text)
        self._mark()
        self._show_pane()
        self.tabs.refresh()

    def _mark(self) -> None:
        pane = self._panes.get(self.kind)
        if pane is None or pane.facts.impact is None or self.formatted or self.kind not in self._scripts:
            return
        self.sql.divide([one.line for one in pane.facts.impact.statements if pane.stands_here(one)])
        marks: dict[int, Role] = {}
        for one in pane.told:
            if pane.stands_here(one):
                last = min(one.end_line, one.line + LONGEST_MARK)
                marks.update(dict.fromkeys(range(one.line, last + 1), RISK_ROLES[one.risk]))
        self.sql.mark(marks, pane.held.span if pane.held else None)

    # The pane

    @property
    def _looked(self) -> impact_pane.Pane | None:
        """The impact of this script, unless the script is shown set out otherwise: lines are others then."""
        return None if self.formatted else self._panes.get(self.kind)

    @property
    def _findings(self) -> list[StatementImpact]:
        return self._looked.told if self._looked is not None else []

    def _here(self, one: StatementImpact) -> bool:
        return self._looked is not None and self._looked.stands_here(one)

    def _current(self) -> int | None:
        """The finding that was chosen last, or that of the line under the cursor."""
        if self._picked is not None or self._looked is None:
            return self._picked
        return self._looked.at(self.sql.line_number)

    def _show_pane(self, *, reveal: bool = True) -> None:
        self.pane.current, self.pane.bright = self._current(), self._in_findings
        self.pane.fill(lambda columns: self.pane.group(self._pane_rows(columns - 1)))
        if reveal:
            self.pane.reveal()

    def _pane_rows(self, columns: int) -> list[impact_pane.Row]:
        pane, script = self._panes.get(self.kind), self._scripts.get(self.kind)
        if pane is None:
            return [(((" Lock impact ...", "title"),), None)]
        problem = script.problem if script is not None else ""
        now = self._now.get(self.kind)
        return pane.rows(self._current(), now, columns, active=self._in_findings, problem=problem)

    def _pick(self, index: int) -> None:
        """Makes a finding the current one; the text goes to its line, where that stands in this file."""
        findings = self._findings
        if not findings:
            return
        self._picked = max(0, min(index, len(findings) - 1))
        one = findings[self._picked]
        if self._here(one):
            self.sql.move(one.line - 1)
        self._show_pane()

    def on_groups_picked(self, message: Groups.Picked) -> None:
        message.stop()
        self._in_findings = True
        self._pick(message.group)

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        picked = self._findings[self._picked] if self._picked is not None else None
        if picked is not None and not (self._here(picked) and picked.line <= message.index + 1 <= picked.end_line):
            self._picked = None
        self._show_pane()

    # Keys

    def label(self, key_id: str) -> str | None:
        return "Text" if key_id == "change.findings" and self._in_findings else None

    def off(self, key_id: str) -> str | None:
        script = self._scripts.get(self.kind)
        if key_id == "change.edit":
            return editor.missing(os.environ) if script is not None else "the script is not here yet"
        if key_id == "change.dry_run":
            return self._no_dry_run()
        if key_id == "change.backfill":
            return self._no_backfill()
        if key_id == "change.formatted" and (script is None or not script.text):
            return "there is no text to set out"
        if key_id in {"change.impact", "change.findings"} and not self._findings:
            return self._no_findings()
        if key_id in {"change.again", "change.back_again"} and not self.sql.needle:
            return "nothing was looked for yet; / does"
        return None

    def _no_findings(self) -> str:
        """Why there is nothing to go to; what isn't known yet is never said to be nothing."""
        if self.formatted:
            return "this is not the text that runs; f shows that"
        pane = self._panes.get(self.kind)
        if pane is None or pane.facts.upto:
            return "the lock impact is still being read"
        if pane.facts.impact is None:
            return "the lock impact is not known"
        return "no statement here takes a lock that others notice"

    def _walk(self, step: int) -> None:
        self.kind = KINDS[(KINDS.index(self.kind) + step) % len(KINDS)]
        self._load()

    def do_previous(self) -> None:
        self._walk(-1)

    def do_next(self) -> None:
        self._walk(1)

    def do_impact(self) -> None:
        here = self._picked if self._picked is not None else self._current()
        self._pick(self._below_cursor(0) if here is None else (here + 1) % len(self._findings))

    def _below_cursor(self, otherwise: int) -> int:
        return self._looked.below(self.sql.line_number, otherwise) if self._looked is not None else otherwise

    def do_findings(self) -> None:
        self._in_findings = not self._in_findings
        if self._in_findings:
            current = self._current()
            self._pick(self._below_cursor(len(self._findings) - 1) if current is None else current)
        else:
            self._show_pane()

    def do_edit(self) -> None:
        path = self.pgmig.session.facts.root / self._scripts[self.kind].path
        problem = editor.edit(self.pgmig, editor.command(os.environ, path, self.sql.line_number))
        for known in (self._scripts, self._panes, self._now):
            known.pop(self.kind, None)
        self.pgmig.script_changed(self.change.change_id)
        self._load()
        self.say(problem or "read again", "failed" if problem else "done")

    def do_ask(self) -> None:
        """The scripts as they lie on disk now, and what they do."""
        for known in (self._scripts, self._panes, self._now):
            known.clear()
        self._load()
        super().do_ask()
        self.say("read again", "muted")

    def project_changed(self) -> None:
        if self._environment is not None:
            self._environment = self.again(self._environment) or self._environment
        self.say("plan and configuration have changed on disk; r reads the scripts again", "running")

    def _no_dry_run(self) -> str | None:
        if self._environment is None:
            return "there is no environment"
        reason = self.pgmig.answers.cannot(self._environment.name)
        standing = self.pgmig.answers.good.get(self._environment.name)
        if reason is not None or standing is None:
            return reason or "no answer yet"
        return None if self.change.change_id in standing.pending else "this change is not pending there"

    def do_dry_run(self) -> None:
        assert self._environment is not None, "off() has seen to it"
        standing = self.pgmig.answers.good[self._environment.name]
        # The first pending change needs no other to be tried with it.
        to = None if standing.pending[0] == self.change.change_id else self.change.change_id
        self.go(ToReview(self._environment, "deploy", to, how="try"))

    def hidden_keys(self) -> Collection[str]:
        return () if self._in_batches else {"change.backfill"}

    def _no_backfill(self) -> str | None:
        if not self._in_batches:
            return "the deploy script declares no statement for batches (-- pgmig: backfill ...)"
        if self._environment is None:
            return "there is no environment"
        return self.pgmig.answers.cannot(self._environment.name)

    def do_backfill(self) -> None:
        assert self._environment is not None, "off() has seen to it"
        self.go(ToReview(self._environment, "backfill", self.change.change_id))

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
            self.formatted, self._picked = True, None  # its lines are no statement's
            self.sql.load(f"-- NOT what runs: set out by sqlparse (f goes back)\n\n{result}")
            self._show_pane()
            self.tabs.refresh()

        self.later("format", lambda: formatted(text), done)

    def panes(self) -> Sequence[Lines]:
        return (self.sql,)

    def _find(self, needle: str | None) -> None:
        if needle:
            self._in_findings = False
        super()._find(needle)

    def _go(self, line: int, finding: int) -> None:
        """Moves to a line of the text or, in the findings, to one of them."""
        if self._in_findings:
            self._pick(finding)
        else:
            self._picked = None
            self.sql.move(line)
            self._show_pane()

    def do_down(self) -> None:
        self._go(self.sql.cursor + 1, (self._picked or 0) + 1)

    def do_up(self) -> None:
        self._go(self.sql.cursor - 1, (self._picked or 0) - 1)

    def do_left(self) -> None:
        self.sql.slide(-20)

    def do_right(self) -> None:
        self.sql.slide(20)

    def do_top(self) -> None:
        self._go(0, 0)

    def do_bottom(self) -> None:
        self._go(self.sql.line_count - 1, len(self._findings) - 1)

    def do_pagedown(self) -> None:
        self._go(self.sql.cursor + max(1, self.sql.size.height // 2), (self._picked or 0) + 5)

    def do_pageup(self) -> None:
        self._go(self.sql.cursor - max(1, self.sql.size.height // 2), (self._picked or 0) - 5)

    def do_back(self) -> None:
        if self._in_findings:
            self.do_findings()
        else:
            super().do_back()

    def copy_text(self) -> str:
        """The safer SQL of the current finding, or that finding; without one, the pane, for a pull request."""
        current = self._current()
        return self.pane.text() if current is None else impact_pane.copied(self._findings[current])[0]

    def copied_what(self, text: str) -> str:
        current = self._current()
        return super().copied_what(text) if current is None else impact_pane.copied(self._findings[current])[1]

    def help_text(self) -> tuple[str, ...]:
        return (
            "A | beside a line number: the statement takes a lock, scans, rewrites or loses something.",
            "The bar beside the text is the strongest lock held there: # reads and writes wait, = writes wait,",
            ": other changes and vacuum wait, . nobody who only reads and writes rows does.",
            "The impact is read from the script, and from the server's catalog where it answers.",
            "f sets the SQL out for reading; what runs stays as it is. > at the edge: the line goes on (right, left).",
        )
