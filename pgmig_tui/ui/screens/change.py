"""A change: its three scripts at the left, what they do to the server at the right; each follows the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Self

from textual.containers import Horizontal
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, Span
from pgmig_tui.display.safe import safe
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.ui import editor
from pgmig_tui.ui.backend.protocol import KINDS, EnvironmentFacts, ImpactFacts, PlanLine, ScriptKind, ScriptText
from pgmig_tui.ui.destinations import ToChange, ToReview
from pgmig_tui.ui.keys import Key, Keys, Unavailable, always, unless, with_item
from pgmig_tui.ui.screens import side
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.neighbours import neighbour
from pgmig_tui.ui.sizes import NARROW, SMALL
from pgmig_tui.ui.views import impact as impact_pane
from pgmig_tui.ui.views.findings import RISK_ROLES
from pgmig_tui.ui.widgets.lines import Bar, Choices, Groups, Lines, Movable
from pgmig_tui.ui.widgets.panes import framed, mark, retitle
from pgmig_tui.ui.widgets.sql_view import SqlView

if TYPE_CHECKING:
    from pgmig_tui.review.now import RightNow

NOW_SECONDS = 5.0
LONGEST_MARK = 500
LONGEST_LOOK = 0.5
"""Seconds that reading waits for its beginning to be shown."""
BROAD = 140
"""From so many columns on what its revert does stands beside."""


class ChangeScreen(BaseScreen):
    """Reads only. One statement is the current one: the line under the cursor and its finding go together, whichever of
    the two is moved. `tab` says which one the keys move."""

    screen_id: ClassVar[str] = "change"
    CSS_PATH = "../styles/change.tcss"
    least: ClassVar[tuple[int, int]] = SMALL

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
        self.back = Lines(identity="back")
        self._back: tuple[impact_pane.Pane, ScriptText] | None = None
        self._asking_back: object | None = None
        """What the answer is for that is waited for; of scripts that have changed since, none counts."""

    def body(self) -> Iterable[Widget]:
        yield self.tabs
        panes = framed(self.sql, "script"), framed(self.pane, "impact"), framed(self.back, "revert")
        yield Horizontal(*panes, id="columns")

    def on_resize(self) -> None:
        self.set_class(self.size.width >= BROAD, "-broad")
        self._load_back()

    def mark_pane(self) -> None:
        self.set_class(self._in_findings, "-findings")
        mark((self.sql, self.pane, self.back), 2 if self.moved_in is self.back else int(self._in_findings))

    def set_up(self) -> None:
        self.tabs.make(self._tabs_line)
        super().set_up()
        side.as_before(self)
        self._load()
        self.set_interval(NOW_SECONDS, self._ask_now)

    @property
    def where(self) -> EnvironmentFacts | None:
        return self._environment

    def doing(self) -> str:
        status = self.answers.good.get(self._environment.name) if self._environment else None
        if status is None:
            return "CHANGE"
        if self.change.change_id in status.pending:
            return f"change {status.pending.index(self.change.change_id) + 1}/{len(status.pending)} pending"
        return "change deployed" if self.change.change_id in status.deployed else "CHANGE"

    def _tabs_line(self, columns: int) -> Line:
        if self.size.width < NARROW:
            return ((f" {self.kind} ", "key"), (" tab: text or impact  ", "muted"), (safe(self.change.name), "strong"))
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

    def _load_back(self) -> None:
        """What its revert does after its deploy, where that has room and this script has been looked at."""
        pane = self._panes.get(self.kind)
        if (
            self._back is not None
            or self._asking_back is not None
            or self.size.width < BROAD
            or pane is None
            or pane.facts.upto
        ):
            return
        asking = self._asking_back = object()
        session, change_id, environment = self.session, self.change.change_id, self._environment
        name = environment.name if environment is not None else ""
        live, pending = self._stands()

        def read() -> tuple[impact_pane.Pane, ScriptText]:
            script = session.script(change_id, "revert")
            return impact_pane.Pane(session.impact(change_id, "revert", name, live=live, pending=pending)), script

        def done(found: tuple[impact_pane.Pane, ScriptText]) -> None:
            if asking is not self._asking_back:
                return
            self._asking_back, self._back = None, found
            retitle(self.back, "revert, after its deploy" if pending else "revert")
            self.back.fill(lambda columns: impact_pane.back_lines(*found, columns - 1))

        def failed(error: Exception) -> None:
            done((impact_pane.Pane(ImpactFacts(None, problem=str(error))), ScriptText(change_id, "revert", "")))

        self.back.show([((" ...", "muted"),)])
        self.later("back", read, done, failed)

    def _stands(self) -> tuple[bool, bool]:
        """Whether its environment answers, and whether the change is still to be deployed there."""
        name = self._environment.name if self._environment is not None else ""
        last, good = self.answers.last.get(name), self.answers.good.get(name)
        return last is not None and last.reachable, good is not None and self.change.change_id not in good.deployed

    def _load(self) -> None:
        session, change_id, kind = self.session, self.change.change_id, self.kind
        environment = self._environment.name if self._environment else ""
        self.formatted = self._in_findings = False
        self._pane = 0
        self._picked = None
        self.set_class(kind == "revert", "-reverting")
        self.mark_pane()
        if kind in self._scripts:
            self._show_script()
            return
        self.sql.load("...")
        self.later("script", lambda: session.script(change_id, kind), self._take_script)
        live, pending = self._stands()

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
            self._in_batches = "backfill" in script.text and declares(script.text.encode())
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
        self._load_back()

    def _ask_now(self) -> None:
        """Who is in the way on the server: asked again and again, as long as somebody looks and the server answers."""
        pane, kind, environment = self._panes.get(self.kind), self.kind, self._environment
        if pane is None or pane.facts.impact is None or not pane.facts.live or pane.facts.upto or environment is None:
            return
        if self._asking_now or not self.is_active:
            return
        self._asking_now = True
        session, impact, before = self.session, pane.facts.impact, self._now.get(kind)

        def done(now: RightNow | None) -> None:
            self._asking_now = False
            if now is not None:
                self._now[kind] = now
            if kind == self.kind:
                self._show_pane(reveal=before is None)

        self.later("now", lambda: session.now(environment.name, impact, before), done, lambda error: done(None))

    def _show_script(self) -> None:
        script = self._scripts[self.kind]
        retitle(self.sql, script.path)
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
        self.mark_pane()
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
        self._in_findings, self._pane = True, 0
        self._pick(message.group)

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        picked = self._findings[self._picked] if self._picked is not None else None
        if picked is not None and not (self._here(picked) and picked.line <= message.index + 1 <= picked.end_line):
            self._picked = None
        self._show_pane()

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "change.backfill", "b", "b", "Batches..", "review, then run the declared backfill in batches",
                with_item(cls._backfilled, cls.do_backfill), True, hidden=lambda screen: not screen._in_batches,
            ),
            Key(
                "change.previous", "left_square_bracket", "[", "", "the script before: deploy, verify, revert",
                always(cls.do_previous),
            ),
            Key(
                "change.next", "right_square_bracket", "]", "Script",
                "the next script: deploy, verify, revert", always(cls.do_next),
            ),
            Key(
                "change.later", "right_parenthesis", ")", "Next change", "the next pending change of the plan",
                with_item(lambda screen: screen._neighbour(1), cls.do_neighbour),
            ),
            Key(
                "change.earlier", "left_parenthesis", "(", "", "the pending change before this one",
                with_item(lambda screen: screen._neighbour(-1), cls.do_neighbour),
            ),
            Key(
                "change.impact", "i", "i", "Impact", "jump to the next statement that takes a lock",
                with_item(cls._shown_findings, cls.do_impact),
            ),
            Key(
                "change.findings", "tab", "tab", "Findings",
                "move in the findings, the text follows; again: in the revert beside, then in the text",
                cls._next_pane, called=lambda screen: screen._next_name,
            ),
            Key(
                "change.formatted", "f", "f", "Format", "the SQL set out by sqlparse, to read; never what is run",
                with_item(cls._script_with_text, cls.do_formatted),
            ),
            Key("change.find", "slash", "/", "Find", "find a text in the script", always(cls.do_find)),
            Key(
                "change.dry_run", "D", "D", "DRY RUN..", "run what is pending up to this change and roll it back",
                with_item(cls._tried, cls.go), True,
            ),
            Key(
                "change.edit", "e", "e", "Edit", "the script in $VISUAL or $EDITOR, at this line; then read again",
                with_item(cls._editable, cls.do_edit),
            ),
            Key("change.left", "left", "left", "", "long lines: to the left", always(cls.do_left)),
            Key("change.right", "right", "right", "", "long lines: to the right", always(cls.do_right)),
            *side.width_keys("change"),
            *cls.moves("line"),
        )  # fmt: skip

    def _script(self, otherwise: str) -> ScriptText | Unavailable:
        return self._scripts.get(self.kind) or Unavailable(otherwise)

    def _editable(self) -> ScriptText | Unavailable:
        return unless(self._script("the script is not here yet"), lambda script: editor.missing(os.environ))

    def _script_with_text(self) -> ScriptText | Unavailable:
        nothing = "there is no text to set out"
        return unless(self._script(nothing), lambda script: None if script.text else nothing)

    def _shown_findings(self) -> list[StatementImpact] | Unavailable:
        return self._findings or Unavailable(self._no_findings())

    def _to_run_on(self) -> EnvironmentFacts | Unavailable:
        """Its environment, if a run can be started there."""
        environment = self._environment or Unavailable("there is no environment")
        return unless(environment, lambda environment: self.answers.cannot(environment.name))

    def _backfilled(self) -> EnvironmentFacts | Unavailable:
        undeclared = "the deploy script declares no statement for batches (-- pgmig: backfill ...)"
        return self._to_run_on() if self._in_batches else Unavailable(undeclared)

    def _tried(self) -> ToReview | Unavailable:
        """The review of a dry run up to this change."""
        environment, change_id = self._to_run_on(), self.change.change_id
        if isinstance(environment, Unavailable):
            return environment
        status = self.answers.good.get(environment.name)
        if status is None:
            return Unavailable("no answer yet")
        if change_id not in status.pending:
            return Unavailable("this change is not pending there")
        # The first pending change needs no other to be tried with it.
        to = None if status.pending[0] == change_id else change_id
        return ToReview(environment, "deploy", to, how="try")

    def _neighbour(self, way: int) -> PlanLine | Unavailable:
        good = self.answers.good.get(self._environment.name) if self._environment is not None else None
        return neighbour(self.session.facts.plan, self.change.change_id, good.pending if good else (), way)

    def do_neighbour(self, change: PlanLine) -> None:
        self.go(ToChange(change, self._environment), instead=True)

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

    def do_impact(self, findings: list[StatementImpact]) -> None:
        here = self._picked if self._picked is not None else self._current()
        self._pick(self._below_cursor(0) if here is None else (here + 1) % len(findings))

    def _below_cursor(self, otherwise: int) -> int:
        return self._looked.below(self.sql.line_number, otherwise) if self._looked is not None else otherwise

    @property
    def _beside(self) -> bool:
        """Whether what the revert does stands beside."""
        return self._back is not None and self.size.width >= BROAD and self.kind != "revert"

    @property
    def _next_name(self) -> str:
        if self.moved_in is self.back or (self._in_findings and not self._beside):
            return "Text"
        return "Revert" if self._beside and (self._in_findings or not self._findings) else "Findings"

    def _next_pane(self) -> Callable[[], None] | Unavailable:
        match self._next_name:
            case "Text":
                return self._into_text
            case "Revert":
                return self._into_back
        found = self._shown_findings()
        return found if isinstance(found, Unavailable) else partial(self.do_findings, found)

    def do_findings(self, findings: list[StatementImpact]) -> None:
        self._in_findings = True
        current = self._current()
        self._pick(self._below_cursor(len(findings) - 1) if current is None else current)

    def _into_back(self) -> None:
        self._in_findings, self._pane = False, 1
        self._show_pane()

    def _into_text(self) -> None:
        self._in_findings, self._pane = False, 0
        self._show_pane()

    def do_edit(self, script: ScriptText) -> None:
        path = self.session.facts.root / script.path
        problem = editor.edit(self.shell, editor.command(os.environ, path, self.sql.line_number))
        self.shell.script_changed(self.change.change_id)
        self.say(problem or "read again", "failed" if problem else "done")

    def script_changed(self, change_id: str) -> None:
        if change_id == self.change.change_id:
            for known in (self._scripts, self._panes, self._now):
                known.clear()
            self._back = self._asking_back = None
            self._load()

    def do_ask(self) -> None:
        """The scripts as they lie on disk now, and what they do."""
        for known in (self._scripts, self._panes, self._now):
            known.clear()
        self._back = self._asking_back = None
        self._load()
        super().do_ask()
        self.say("read again", "muted")

    def project_changed(self) -> None:
        if self._environment is not None:
            self._environment = self.again(self._environment) or self._environment
        self.say("plan and configuration have changed on disk; r reads the scripts again", "running")

    def do_backfill(self, environment: EnvironmentFacts) -> None:
        self.go(ToReview(environment, "backfill", self.change.change_id))

    def do_formatted(self, script: ScriptText) -> None:
        from pgmig_tui.display.sql_format import formatted

        if self.formatted:
            self.formatted = False
            self._show_script()
            return
        text, kind = script.text, script.kind

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

    def side_pane(self) -> Lines:
        return self.pane

    def panes(self) -> Sequence[Lines]:
        return (self.sql, self.back) if self._beside else (self.sql,)

    def _find(self, needle: str | None) -> None:
        if needle:
            self._in_findings = False
        super()._find(needle)

    def do_move(self, part: Movable, how: Callable[[Movable], None]) -> None:
        if self._in_findings:
            how(self)
            return
        if part is self.back:
            how(part)
            return
        self._picked = None
        how(part)
        self._show_pane()

    # What the keys of movement do in the findings

    def step(self, by: int) -> None:
        self._pick((self._picked or 0) + by)

    def page(self, way: int) -> None:
        self.step(5 * way)

    def first(self) -> None:
        self._pick(0)

    def last(self) -> None:
        self._pick(len(self._findings) - 1)

    def do_left(self) -> None:
        self.sql.slide(-20)

    def do_right(self) -> None:
        self.sql.slide(20)

    def do_back(self) -> None:
        if self._in_findings or self.moved_in is self.back:
            self._into_text()
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
