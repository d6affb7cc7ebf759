"""What all screens have in common: banner, body, notes, status line, footer, and one way that keys take."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from pgmig_tui.display.banner import banner, tier_role, tier_word
from pgmig_tui.display.cells import Line, Span, cut, sides, width, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.keys import Key, Keys, Unavailable, always, footer, with_item, without_changes
from pgmig_tui.ui.messages import WorkFinished
from pgmig_tui.ui.rebound import bound
from pgmig_tui.ui.sizes import NARROW, SHORT
from pgmig_tui.ui.threads import Poller, in_thread, post_quietly, words_of
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines, Movable
from pgmig_tui.ui.widgets.panes import mark

if TYPE_CHECKING:
    from pgmig_tui.ui.answers import Answers
    from pgmig_tui.ui.backend.protocol import Backend, EnvironmentFacts
    from pgmig_tui.ui.destinations import Destination
    from pgmig_tui.ui.shell import Shell

T = TypeVar("T")
S = TypeVar("S")

NUMBERS = "any.environment"


def bindings(keys: Iterable[Key[S]]) -> Iterator[BindingType]:
    """Bindings for keys. All lead to `action_do`, which says why one is off."""
    for key in keys:
        if key.id == NUMBERS:
            for digit in key.keys.split(","):
                yield Binding(digit, f"do('{key.id}', {digit})", key.does, show=False, id=f"{key.id}.{digit}")
        else:
            yield Binding(key.keys, f"do('{key.id}')", key.does, show=False, id=key.id, priority=key.keys == "ctrl+c")


class BaseScreen(Screen[None]):
    """One screen. Subclasses give `screen_id`, `body()`, `panes()`, `doing()` and `own_keys()`."""

    screen_id: ClassVar[str] = "any"
    footed: ClassVar[Collection[str]] = ("any.copy", "any.help", "any.back")
    """IDs of the keys that its footer shows of those that work everywhere."""
    least: ClassVar[tuple[int, int]] = (NARROW, SHORT)
    """Columns and rows below which it isn't drawn, and its keys do nothing. Where somebody looks from a phone it's
    less."""
    AUTO_FOCUS = ""

    def __init_subclass__(cls, **how: bool) -> None:
        if cls.screen_id != "any":
            cls.BINDINGS = list(bindings(cls.all_keys()))
        super().__init_subclass__(**how)

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self.poller: Poller | None = None
        self._said: Span | None = None
        self._last_said = ""
        self._pane = 0
        self._framed: Sequence[Lines] = ()
        self.banner = Bar(identity="banner")
        self.note = Lines(identity="note")
        self.status = Bar(identity="status")
        self.foot = Bar(identity="foot")
        self.small = Lines(identity="small")

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    @property
    def session(self) -> Backend:
        return self.shell.session

    @property
    def answers(self) -> Answers:
        return self.shell.answers

    def body(self) -> Iterable[Widget]:
        """The widgets between banner and notes."""
        return ()

    def compose(self) -> ComposeResult:
        yield self.banner
        yield Vertical(*self.body(), id="body")
        yield self.note
        yield self.status
        yield self.foot
        yield self.small

    def on_mount(self) -> None:
        self.set_up()

    def set_up(self) -> None:
        """What a screen does when it opens. Overridden instead of `on_mount`: of handlers Textual calls every class's
        own by itself, so that one that calls its base's would run that twice."""
        self.banner.make(self.banner_line)
        self.status.make(self.status_line)
        self.foot.make(self.footer_line)
        self.set_interval(1.0, self.tick)
        self.tick()

    def tick(self) -> None:
        """Once a second, and whenever something changed: redraws what says something else by now."""
        for bar in (self.banner, self.status, self.foot):
            bar.renew()
        self.note.styles.display = "block" if self.note.lines else "none"

    def go(self, destination: Destination, *, instead: bool = False) -> None:
        """Open it: over this screen, or in its stead."""
        self.shell.go(destination, instead=instead)

    def go_on_to(self, destination: Destination) -> None:
        """Open what comes next in this screen's stead; on top, where something else has been opened over it."""
        self.go(destination, instead=self.is_active)

    def on_resize(self) -> None:
        self.set_class(self.too_small, "-too-small")
        self.small.show([*self.small_line(), *self.small_lines()])
        self.mark_pane()
        self.tick()

    # What the lines say

    @property
    def where(self) -> EnvironmentFacts | None:
        """The environment that this screen is about; None where it is about all of them."""
        return None

    @property
    def protected(self) -> bool:
        return self.where is not None and self.where.protected

    def known_environment(self) -> EnvironmentFacts | Unavailable:
        return self.where or Unavailable("its environment is not in this project")

    def right_spans(self, text: str) -> tuple[Span, ...]:
        """The right end of a banner that is about all environments."""
        return ((text, "tier-none"),)

    def doing(self) -> str:
        """What is going on, at the right end of the banner."""
        return self.screen_id.upper()

    def access(self) -> str:
        environment = self.where
        status = self.answers.good.get(environment.name) if environment is not None else None
        if status is not None and status.standby:
            return "STANDBY"
        return "READ-ONLY" if environment is not None and self.shell.locked(environment) else "READ-WRITE"

    def banner_line(self, columns: int) -> Line:
        environment = self.where
        if environment is None:
            facts = self.session.facts
            only = "READ-ONLY  " if self.session.read_only else ""
            left, right = f" ALL ENVIRONMENTS  {safe(facts.project)}", f" {only}{self.doing()} "
            user = f" as {safe(facts.operator)}"
            left += user if width(left) + width(user) + width(right) <= columns else ""
            return sides(((left, "tier-none"),), self.right_spans(right), columns)
        status = self.answers.good.get(environment.name)
        return banner(
            tier=tier_word(environment.name, environment.protected, unproven=bool(status and status.unproven)),
            role=tier_role(environment.protected, environment.color),
            database=environment.database,
            host=environment.host,
            user=(status.user if status else "") or environment.user or "?",
            access=self.access(),
            doing=self.doing(),
            columns=columns,
        )

    def status_line(self, columns: int) -> Line:
        """The line above the footer: what was said last, until the next key."""
        if self._said is not None:
            text, role = self._said
            return ((f" {cut(text, columns - 2)}", role),)
        return self.quiet_line(columns)

    def quiet_line(self, columns: int) -> Line:
        return ()

    def footer_line(self, columns: int) -> Line:
        spans: list[Span] = []
        shown, gap = self._footed(columns)
        for key, label in shown:
            off = key.off(self) is not None
            spans += [(f" {key.shown}", "off" if off else "key"), (f" {label}{' ' * gap}", "off" if off else "plain")]
        return tuple(spans)

    def _footed(self, columns: int) -> tuple[list[tuple[Key[Self], str]], int]:
        """The keys that the footer has room for, with what they are called now, and the spaces behind each."""
        shown = [key for key in self.keys.values() if not (key.hidden and key.hidden(self))]
        labels = {key.id: key.label_on(self) for key in shown}
        cells = {key.id: width(key.shown) + width(labels[key.id]) + 2 for key in shown}
        found, gap = footer(shown, self.footed, cells, columns)
        return [(key, labels[key.id]) for key in found], gap

    def small_line(self) -> list[Line]:
        columns, rows = self.size
        least = f"needs {self.least[0]}x{self.least[1]}, has {columns}x{rows}"
        return wrap(f"{least}; `pgmig-tui status` works without a screen", columns, "waiting")

    def small_lines(self) -> list[Line]:
        """What stands below the one line when the terminal is too small."""
        return []

    @property
    def too_small(self) -> bool:
        return self.size.width < self.least[0] or self.size.height < self.least[1]

    def say(self, text: str, role: str = "waiting") -> None:
        """Says something in the status line until the next key."""
        self._said = (text, cast("Any", role))
        self.status.refresh()

    # The way of a key

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        """The keys that this screen alone has, or that do something else here than elsewhere."""
        return ()

    @classmethod
    def moves(cls, what: str, *, without: Collection[str] = ()) -> Keys[Self]:
        """The keys of movement, the same in every list; `what` is one of its lines."""
        ways: tuple[tuple[str, str, str, str, Callable[[Movable], None]], ...] = (
            ("down", "j,down", "j", "one {} down", lambda part: part.step(1)),
            ("up", "k,up", "k", "one {} up", lambda part: part.step(-1)),
            ("top", "g,home", "g", "the first {}", lambda part: part.first()),
            ("bottom", "G,end", "G", "the last {}", lambda part: part.last()),
            ("pagedown", "ctrl+d,pagedown", "ctrl-d", "half a page down", lambda part: part.page(1)),
            ("pageup", "ctrl+u,pageup", "ctrl-u", "half a page up", lambda part: part.page(-1)),
        )
        return tuple(
            Key(
                f"{cls.screen_id}.{name}",
                keys,
                shown,
                "",
                does.format(what),
                with_item(cls.movable, partial(cls.do_move, how=how)),
            )
            for name, keys, shown, does, how in ways
            if name not in without
        )

    @classmethod
    def all_keys(cls) -> Keys[Self]:
        """The keys that work here: its own, then those that work everywhere and aren't taken by its own."""
        own = cls.own_keys()
        taken = {name for key in own for name in key.names}
        return (*own, *(key for key in cls._keys_everywhere() if not taken & key.names))

    @classmethod
    def _keys_everywhere(cls) -> Keys[Self]:
        return (
            Key(
                NUMBERS, "1,2,3,4,5,6,7,8,9", "1-9", "", "choose an environment",
                with_item(cls._typed_number, cls.number_typed),
            ),
            Key(
                "any.pane", "tab", "tab", "", "the keys of movement go to the next list of this screen",
                always(cls.do_pane),
            ),
            Key("any.find", "slash", "/", "", "find a text in the list that the keys move in", always(cls.do_find)),
            Key("any.again", "n", "n", "", "the next line that holds the text", always(cls.do_again)),
            Key("any.back_again", "N", "N", "", "the line before that holds the text", always(cls.do_back_again)),
            Key(
                "any.whole", "equals_sign", "=", "",
                "the whole of what the cursor is on or the screen says, where it is cut", always(cls.do_whole),
            ),
            Key("any.ask", "r", "r", "", "ask the servers, and read the scripts, again now", always(cls.do_ask)),
            Key(
                "any.copy", "y", "y", "Copy",
                "copy what the cursor is on (a finding's safer SQL), or the summary (OSC 52, tmux, a file)",
                with_item(cls.copied, cls.do_copy),
            ),
            Key(
                "any.copy_screen", "Y", "Y", "", "copy the screen as text, and write it to a file",
                always(cls.do_copy_screen),
            ),
            Key(
                "any.palette", "colon", ":", "",
                "every action, environment, run and change by a part of its name (also ctrl-p)", always(cls.do_palette),
            ),
            Key("any.help", "question_mark", "?", "Help", "this list", always(cls.do_help)),
            Key("any.back", "escape", "esc", "Back", "one screen back; never cancels work", always(cls.do_back)),
            Key(
                "any.explain", "ctrl+c", "ctrl-c", "", "copy the marked text; otherwise says how to leave",
                always(cls.do_explain),
            ),
            Key("any.quit", "q", "q", "Quit", "leave; a run goes on by itself", always(cls.do_quit)),
        )  # fmt: skip

    @cached_property
    def keys(self) -> Mapping[str, Key[Self]]:
        """The keys that work here, by ID; on a session that only looks all that change something are off."""
        reason = self.session.read_only
        keys = [without_changes(key, reason) if reason else key for key in type(self).all_keys()]
        taken = self.shell.bound
        return {key.id: bound(key, taken) if taken else key for key in keys}

    def action_do(self, key_id: str, number: int = 0) -> None:
        """`number` is what was typed of a key that is nine."""
        if not self.is_active:
            # Typed ahead, before the screen that it was meant for stood there: better lost than done elsewhere.
            return
        key, self._number = self.keys[key_id], number
        before, self._said = self._said, None
        self._last_said = before[0] if before is not None else ""
        press = key.press(self)
        if not isinstance(press, Unavailable) and self.too_small and not key.id.startswith("any."):
            press = Unavailable("the terminal is too small to see what it would do")
        if isinstance(press, Unavailable):
            self.say(f"{key.shown} is off: {press.reason}")
            return
        press()
        self.tick()

    def _typed_number(self) -> int:
        return self._number

    def later(
        self,
        name: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Does work in a thread of its own; `done` gets its value on the event loop, if this screen still stands."""
        on_error = failed or self.work_failed

        def body() -> None:
            try:
                value: object = work()
                message = WorkFinished(done, on_error, value, None)
            except Exception as error:
                # Whatever went wrong is for the screen to say: a thread that dies silently looks like a wait.
                message = WorkFinished(done, on_error, None, error)
            post_quietly(self.post_message, message)

        in_thread(name, body)

    def keep_asking(self, name: str, ask: Callable[[], Message | None], seconds: float) -> None:
        """Asks in a thread of its own, and posts what it hears, until this screen is left."""
        self.poller = Poller(name, ask, self.post_message, seconds)
        self.poller.start()

    def ask_now(self) -> None:
        if self.poller is not None:
            self.poller.wake()

    def stop_asking(self) -> None:
        if self.poller is not None:
            self.poller.stop()

    def on_unmount(self) -> None:
        self.stop_asking()

    def meanwhile(self, value: T, done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """Called in a thread of `later`: hands a value to the event loop before the work has ended."""
        post_quietly(self.post_message, WorkFinished(done, failed, value, None))

    def on_work_finished(self, message: WorkFinished) -> None:
        message.stop()
        if message.error is not None:
            message.failed(message.error)
        else:
            message.done(message.value)
        self.tick()

    def work_failed(self, error: Exception) -> None:
        self.say(words_of(error), "failed")

    def run_told(self) -> None:
        """More is known of the run that this screen is about."""

    def script_changed(self, change_id: str) -> None:
        """A script of a change was edited."""

    def project_changed(self) -> None:
        """Plan or configuration on disk are others, and what `session.facts` says with them."""

    def again(self, environment: EnvironmentFacts) -> EnvironmentFacts | None:
        """An environment as the configuration states it now; None where it is there no more."""
        return next((one for one in self.session.facts.environments if one.name == environment.name), None)

    def leaving(self) -> None:
        """The program is left on purpose, by its key."""

    def answers_changed(self) -> None:
        """An environment answered, or the list of runs changed."""

    # Keys that work everywhere

    def number_typed(self, number: int) -> None:
        """A digit was typed, 1 to 9."""
        self.choose_environment(number)

    def choose_environment(self, number: int) -> None:
        self.say("environments are chosen on the home screen; Esc goes there")

    def do_ask(self) -> None:
        self.shell.ask_again()
        self.say("asking again", "muted")

    def copy_text(self) -> str:
        """What `y` copies here."""
        return ""

    def copied_what(self, text: str) -> str:
        """What is said of the text that `y` has copied."""
        return f"copied {count(len(text.splitlines()), 'line')}"

    def copied(self) -> Callable[[], str] | Unavailable:
        """What gives the text that `y` copies, which may take long to make."""
        return self.copy_text

    def do_copy(self, make: Callable[[], str]) -> None:
        text = make()
        if not text:
            self.say("nothing to copy here")
            return
        self.copy(text, self.copied_what(text), f"copied-{self.screen_id}.txt")

    def do_copy_screen(self) -> None:
        self.copy(self.shell.screen_text(), "screen copied", f"screen-{self.screen_id}.txt")

    def copy(self, text: str, told: str, name: str) -> None:
        """Hands text to the terminal, to the tmux around it, and to a file, whichever can be got at from where the
        person sits; says which."""
        self.shell.copy_to_clipboard(text)
        session = self.session
        if session.read_only:
            self.say(f"{told} (OSC 52); no file was written, the screen is read-only", "done")
            return
        self.say(f"{told} (OSC 52)", "done")

        def work() -> tuple[bool, Path]:
            from pgmig_tui.ui.clipboard import into_tmux

            return into_tmux(text, os.environ), session.write(name, text)

        def done(where: tuple[bool, Path]) -> None:
            path = str(where[1])
            home = str(Path.home())
            path = f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
            self.say(f"{told}: {path} (OSC 52{', tmux' if where[0] else ''})", "done")  # a narrow screen cuts the end

        self.later("copy", work, done)

    def write(self, name: str, text: str, told: str = "written to") -> None:
        """Writes a file into the state folder, and says where it is."""
        session = self.session
        self.later("write", lambda: session.write(name, text), lambda path: self.say(f"{told} {path}", "done"))

    def whole_text(self) -> Sequence[str]:
        """What `=` shows: all that was cut of what the cursor is on, and of what was said last."""
        return [text for text in (self.moved_in.whole(), self._last_said) if text.strip()]

    def do_whole(self) -> None:
        from pgmig_tui.ui.screens.dialog import Dialog, paragraph

        texts = self.whole_text()
        if not texts:
            self.say("the cursor is on nothing that could be cut", "muted")
            return
        lines: list[Line] = []
        for text in texts:
            lines += [*([()] if lines else []), *paragraph(text)]
        shown: Dialog[None] = Dialog(lines, typed=False)
        self.app.push_screen(shown)

    # The mouse

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        """A click on a key of the footer is that key."""
        if message.bar is not self.foot:
            return
        message.stop()
        at = 0
        shown, gap = self._footed(self.foot.size.width)
        for key, label in shown:
            at += width(key.shown) + width(label) + 2 + gap
            if message.x < at:
                self.action_do(key.id)
                return

    def on_choices_picked(self, message: Choices.Picked) -> None:
        """A second click on a line is Enter, which never changes anything by itself."""
        message.stop()
        found = next((key for key in self.keys.values() if "enter" in key.names), None)
        if found is not None:
            self.action_do(found.id)

    # Keys of movement: the same in every list of every screen

    def panes(self) -> Sequence[Lines]:
        """The lists of this screen; the first one has the keys of movement until another is chosen."""
        raise NotImplementedError

    @property
    def moved_in(self) -> Lines:
        """The list that the keys move in."""
        panes = self.panes()
        return panes[self._pane % len(panes)]

    def do_pane(self) -> None:
        panes = self.panes()
        if len(panes) < 2:
            self.say("there is one list here", "muted")
            return
        self._pane = (self._pane + 1) % len(panes)
        self.mark_pane()
        self.pane_chosen()

    def mark_pane(self) -> None:
        """Marks the pane that the keys move in; which panes there are may go by the size of the terminal."""
        panes = self.panes()
        mark(panes, self._pane, self._framed)
        self._framed = panes

    def side_pane(self) -> Lines:
        """The pane at the side, where there is one."""
        raise NotImplementedError

    def pane_chosen(self) -> None:
        """The keys move in another list now."""

    def movable(self) -> Movable | Unavailable:
        """What the keys of movement move."""
        return self.moved_in

    def do_move(self, part: Movable, how: Callable[[Movable], None]) -> None:
        how(part)

    def do_find(self) -> None:
        from pgmig_tui.ui.screens.dialog import AskScreen

        self.app.push_screen(AskScreen("Find in this list", "text"), self._find)

    def _find(self, needle: str | None) -> None:
        if needle and not self.moved_in.find(needle):
            self.say(f"{needle!r} does not stand here")

    def do_again(self) -> None:
        self._find_again(1)

    def do_back_again(self) -> None:
        self._find_again(-1)

    def _find_again(self, way: int) -> None:
        part = self.moved_in
        if not part.needle:
            self.say("nothing was looked for; / looks for a text")
        elif not part.find(part.needle, way):
            self.say(f"{part.needle!r} does not stand here")

    def do_palette(self) -> None:
        from pgmig_tui.ui.destinations import ToChange
        from pgmig_tui.ui.screens.palette import MOST, Action, PaletteScreen
        from pgmig_tui.ui.themes import THEMES

        actions = [
            Action(
                f"{key.label_on(self)} ({key.shown})", key.does, partial(self.action_do, key.id), key.off(self) or ""
            )
            for key in self.keys.values()
            if key.label
        ]
        actions += [
            Action(f"Theme {theme.name}", "change the colours", partial(self.shell.choose_theme, theme.name))
            for theme in THEMES
        ]
        actions.append(
            Action("Theme automatic", "light or dark, as the terminal is", partial(self.shell.choose_theme, ""))
        )

        environments = self.session.facts.environments
        actions += [
            Action(f"{number} {environment.name}", "environment", partial(self.shell.show_environment, number))
            for number, environment in enumerate(environments, 1)
        ]
        actions += [
            Action(run.run_id, f"run: {run.command} on {run.environment}", partial(self.shell.open_run, run.run_id))
            for run in self.answers.runs
        ]
        where = environments[self.shell.chosen] if environments else None
        # Newest first, as home has them.
        actions += [
            Action(change.name, "change", partial(self.go, ToChange(change, where)))
            for change in reversed(self.session.facts.plan)
        ]

        def chosen(action: Action | None) -> None:
            if action is not None:
                # Once the palette has gone: a key means this screen only while this screen is in front.
                self.call_later(action.do)

        self.app.push_screen(PaletteScreen(actions, most=MOST), chosen)

    def do_help(self) -> None:
        from pgmig_tui.ui.destinations import ToHelp

        self.go(ToHelp(self))

    def do_back(self) -> None:
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def do_explain(self) -> None:
        selected = self.get_selected_text()
        if selected:
            self.shell.copy_to_clipboard(selected)
            self.say("copied", "done")
        else:
            self.say("ctrl-c stops nothing here: q leaves the program, a run goes on by itself")

    def do_quit(self) -> None:
        self.shell.leave()

    def help_text(self) -> tuple[str, ...]:
        """What the help says about this screen besides its keys."""
        return ()
