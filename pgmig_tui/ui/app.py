"""The program with a screen: opens on a project, asks its environments by itself, leaves without stopping anything."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from pgmig_tui.display import hangup
from pgmig_tui.display.charset import Charset, charset_here
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import listing
from pgmig_tui.errors import Refused
from pgmig_tui.review import key_file
from pgmig_tui.ui import rebound
from pgmig_tui.ui.answers import POLL_SECONDS, Answers
from pgmig_tui.ui.backend.protocol import Backend, EnvironmentFacts, RunFacts, StatusFacts
from pgmig_tui.ui.background import light_by_environment
from pgmig_tui.ui.kept import KeptNotes
from pgmig_tui.ui.messages import DriftKnown, EnvironmentAnswered, ProjectRead, RunsListed, ScriptsChanged
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.sizes import NARROW, SHORT
from pgmig_tui.ui.themes import THEMES, theme_for
from pgmig_tui.ui.threads import Poller, finish, in_thread, words_of
from pgmig_tui.ui.typed import Typing
from pgmig_tui.ui.widgets.panes import borders, draw_scrollbars
from pgmig_tui.ui.widgets.plain import PlainCharacters

if TYPE_CHECKING:
    from argparse import Namespace

    from textual.driver import Driver

    from pgmig_tui.ui.background import BackgroundTold
    from pgmig_tui.ui.destinations import Destination

RUNS_SECONDS = 3.0
DRIFT_SECONDS = 10.0
PROJECT_SECONDS = 2.0
LOADING_SECONDS = 0.2
"""After the asking has begun: the first answers come before what is only loaded in case a change is opened."""
SWITCH_SECONDS = 0.001
TROUBLE_SECONDS = 20.0
HANGUP_STATUS = 129
FAULT_STATUS = 1


class PgmigApp(App[int]):
    """`clock` gives the time in UTC; `asks` is whether it asks the environments by itself (tests hand answers in);
    `charset` and `colors` what the terminal can draw, where that isn't left to the environment."""

    # The home screen is the first one and brings its sheet with the app; the others load theirs when they are opened.
    CSS_PATH: ClassVar[Any] = ["styles/app.tcss", "styles/home.tcss"]
    TITLE = "pgmig-tui"
    # Textual's own searches in background tasks, so that what a key does depends on how soon it follows another.
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (NARROW, "-narrow"), (96, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-low"), (SHORT, "-short"), (28, "-tall"), (44, "-high")]  # noqa: RUF012
    # ctrl-q would leave without a word about the run; q does.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+p", "command_palette", show=False),
    ]

    def __init__(
        self,
        session: Backend,
        *,
        clock: Callable[[], datetime] | None = None,
        asks: bool = True,
        chosen: str | None = None,
        attach: str | None = None,
        charset: Charset | None = None,
        colors: int | None = None,
    ) -> None:
        self.charset = charset or charset_here(os.environ)
        draw_scrollbars(self.charset)
        super().__init__()
        if self.charset is Charset.ASCII:
            self._filters.append(PlainCharacters())
        self.session = session
        self.answers = Answers(session.facts)
        self.clock = clock or (lambda: datetime.now(UTC))
        self.chosen = next((i for i, one in enumerate(session.facts.environments) if one.name == chosen), 0)
        self.unlocked: set[str] = set()
        """Protected environments whose word was given: from then on, in this session, they may be changed."""
        self.kept = KeptNotes()
        self.farewell: list[str] = []
        self.fault = ""
        self._asks = asks
        self._attach_to = attach
        self._pollers: list[Poller] = []
        self._asking: dict[str, Poller] = {}
        self._offered = False
        self._telling = False
        self.bound: Mapping[str, tuple[str, ...]] = {}
        self._key_troubles = self._bind_anew()
        self.typing = Typing(self, lambda: self.screen_stack[-1] if self.screen_stack else None)
        for theme in THEMES:
            self.register_theme(theme)
        self._colors = colors or (16 if self.console.color_system == "standard" else 256)
        self._theme_chosen = session.preferred("theme")
        said = light_by_environment(os.environ)
        self._light = session.preferred("background") == "light" if said is None else said
        self.drawn: Callable[[], None] = lambda: None
        """Called once, when the first frame stands."""
        self.theme = theme_for(self._theme_chosen, light=self._light, colors=self._colors)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return borders(self.charset)

    def _bind_anew(self) -> list[str]:
        """Binds what the configuration of this account says, before the first key; what is wrong with that."""
        given, troubles = key_file.read(key_file.file())
        if given:
            from pgmig_tui.ui.router import keys_of_screens

            self.bound, more = rebound.checked(given, keys_of_screens())
            troubles += more
            self.set_keymap(rebound.keymap(self.bound))
        return troubles

    def get_default_screen(self) -> Screen[Any]:
        return HomeScreen()

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.drawn())
        for trouble in self._key_troubles:
            self.notify(trouble, title="keys", severity="warning", timeout=TROUBLE_SECONDS)
        ignored = self.session.preferences_trouble()
        if ignored:
            self.notify(ignored, title="preferences", severity="warning", timeout=TROUBLE_SECONDS)
        if self._asks:
            # Not before the first frame: the driver alone takes as long to import as the screen takes to appear.
            self.set_timer(0.05, self._start_asking)

    async def on_event(self, event: events.Event) -> None:
        """As Textual's, but a key waits until the one before has done what it does."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif not self.screen_stack:
            return  # the program is on its way out, and what was typed ahead has no screen any more
        elif self.typing.takes_turn(event):
            to = self.focused or self.screen
            await super().on_event(event)
            self.typing.given(to)

    def _start_asking(self) -> None:
        self._ask_places()
        others = (
            Poller("runs", self._list_runs, self.post_message, RUNS_SECONDS),
            Poller("drift", self._read_drift, self.post_message, DRIFT_SECONDS),
            Poller("project", self._reread, self.post_message, PROJECT_SECONDS),
            Poller("scripts", self._changed_scripts, self.post_message, PROJECT_SECONDS),
        )
        for poller in others:
            self._pollers.append(poller)
            poller.start()
        self.set_timer(LOADING_SECONDS, self._load_parser)
        if self._attach_to is not None:
            self.open_run(self._attach_to)

    def _ask_places(self) -> None:
        """Asks the environments that there are, and no others any more."""
        names = [environment.name for environment in self.session.facts.environments]
        for name in [name for name in self._asking if name not in names]:
            self._asking.pop(name).stop()
        for name in names:
            if name in self._asking:
                self._asking[name].wake()
            else:
                self._asking[name] = Poller(name, partial(self._ask, name), self.post_message, POLL_SECONDS)
                self._asking[name].start()

    def _reread(self) -> ProjectRead | None:
        try:
            found = self.session.reread()
        except Exception as error:
            return ProjectRead(None, words_of(error))
        return ProjectRead(found) if found is not None else None

    def _changed_scripts(self) -> ScriptsChanged | None:
        changes = self.session.changed_scripts()
        return ScriptsChanged(changes) if changes else None

    def on_scripts_changed(self, message: ScriptsChanged) -> None:
        for change_id in message.changes:
            self.script_changed(change_id)
        names = [line.name for line in self.session.facts.plan if line.change_id in message.changes]
        if names and isinstance(self.screen, BaseScreen):
            self.screen.say(f"changed on disk, and read again: {listing(names, 3)}", "running")

    def on_project_read(self, message: ProjectRead) -> None:
        self.answers.problem = message.problem
        if message.reread is not None:
            before, chosen = self.session.facts.environments, self.chosen
            message.reread.take()
            facts = self.session.facts
            self.answers.change(facts)
            name = before[chosen].name if before else ""
            self.chosen = next((at for at, environment in enumerate(facts.environments) if environment.name == name), 0)
            self.unlocked &= {environment.name for environment in facts.environments if environment in before}
            for screen in self.screen_stack:
                if isinstance(screen, BaseScreen):
                    screen.project_changed()
            if self._asks:
                self._ask_places()
        self._tell()

    def _load_parser(self) -> None:
        from pgmig_tui.ui.backend.scripts import load_parser

        in_thread("parser", load_parser)

    def _ask(self, environment: str) -> EnvironmentAnswered:
        try:
            status = self.session.status(environment)
        except Exception as error:
            # One environment's trouble, of whatever kind, is said in its column; the others and the program go on.
            status = StatusFacts(environment, self.clock(), False, error=words_of(error))
        return EnvironmentAnswered(status)

    def _list_runs(self) -> RunsListed | None:
        try:
            return RunsListed(self.session.runs())
        except Exception as error:
            self.log.error(f"runs can't be listed: {error}")
            return None

    def _read_drift(self) -> DriftKnown | None:
        try:
            return DriftKnown(self.session.known_drift())
        except Exception as error:
            self.log.error(f"what is known of drift can't be read: {error}")
            return None

    def on_drift_known(self, message: DriftKnown) -> None:
        if message.known != self.answers.drift:
            self.answers.drift = message.known
            self._tell()

    def ask_again(self) -> None:
        for poller in (*self._asking.values(), *self._pollers):
            poller.wake()

    def on_environment_answered(self, message: EnvironmentAnswered) -> None:
        self.answers.take(message.status)
        self._tell()

    def on_runs_listed(self, message: RunsListed) -> None:
        if message.runs == self.answers.runs and self._offered:
            return
        for name in moved(self.answers.runs, message.runs):
            if name in self._asking:
                self._asking[name].wake()  # what is shown of it is older than what its journal says
        self.answers.runs = message.runs
        self._tell()
        if not self._offered and self._attach_to is None:
            self._offered = True
            alive = self.answers.alive()
            if alive and isinstance(self.screen, HomeScreen):
                from pgmig_tui.ui.screens.attach import AttachScreen

                environment = next(
                    (
                        environment
                        for environment in self.session.facts.environments
                        if environment.name == alive[0].environment
                    ),
                    None,
                )
                self.push_screen(AttachScreen(alive[0], protected=environment is not None and environment.protected))

    def _tell(self) -> None:
        """Of answers that come together screens are told once, when all have been taken."""
        if not self._telling:
            self._telling = True
            self.call_later(self._told)

    def _told(self) -> None:
        self._telling = False
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.answers_changed()

    def locked(self, environment: EnvironmentFacts) -> str | None:
        """Why nothing may be changed there yet; None when it may."""
        if self.session.read_only:
            return self.session.read_only
        if not environment.protected or environment.name in self.unlocked:
            return None
        return f"{environment.name} is read-only; u unlocks it for this session, by its word"

    def unlock(self, environment: EnvironmentFacts, done: Callable[[], None]) -> None:
        """Asks for the word of a protected environment."""
        if self.session.read_only:
            self.notify(self.session.read_only)
            return
        from pgmig_tui.ui.screens.confirm import unlock

        def confirmed(yes: bool | None) -> None:
            if yes:
                self.unlocked.add(environment.name)
                done()

        self.push_screen(unlock(environment), confirmed)

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from pgmig_tui.ui.background import AskingDriver

        return AskingDriver

    def on_background_told(self, message: BackgroundTold) -> None:
        """The terminal has said how light it is: the next start shows that from its first frame on."""
        if message.light != self._light or not self.session.preferred("background"):
            self.remember("background", "light" if message.light else "dark")
        self._light = message.light
        self.theme = theme_for(self._theme_chosen, light=self._light, colors=self._colors)

    def choose_theme(self, name: str) -> None:
        """Shows another theme, now and whenever the program is opened again; "" is that which the terminal asks for."""
        self._theme_chosen = name
        self.theme = theme_for(name, light=self._light, colors=self._colors)
        self.remember("theme", name)

    def remember(self, name: str, value: str) -> None:
        """Keeps what was chosen, for the next time that the program is opened."""

        def keep() -> None:
            try:
                self.session.prefer(name, value)
            except (OSError, Refused) as error:
                self.log.error(f"{name} can't be kept: {error}")

        in_thread("preferences", keep)

    def script_changed(self, change_id: str) -> None:
        """A script of a change was edited: what is known of it is old."""
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.script_changed(change_id)

    def go(self, destination: Destination, *, instead: bool = False) -> None:
        """Show it: over the screen that is in front, or in its stead. Home is always there."""
        from pgmig_tui.ui.router import screen_for

        screen = screen_for(destination)
        if instead and len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def open_run(self, run_id: str) -> None:
        """Shows a run, alive or ended."""
        from pgmig_tui.ui.destinations import ToRun

        self.go(ToRun(run_id))

    def show_environment(self, number: int) -> None:
        """Goes back to home, as Esc does screen by screen, and chooses that environment (1-based) there."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if isinstance(self.screen, HomeScreen):
            self.screen.choose_environment(number)

    def leave(self) -> None:
        """Leaves; says which runs go on."""
        self.farewell = [
            f"run {run.run_id} on {run.environment} {run.left_alone}; `pgmig-tui attach {run.run_id}` shows it"
            for run in self.answers.alive()
        ]
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.leaving()
        self._stop_asking()
        self.exit(0)

    def action_leave(self) -> None:
        self.leave()

    def action_help_quit(self) -> None:
        if isinstance(self.screen, BaseScreen):
            self.screen.do_explain()

    def _fatal_error(self) -> None:
        """A fault of our own: kept for a report. Textual's own drawing of it, with all values, takes minutes here."""
        self.fault = traceback.format_exc()
        self._stop_asking()
        self._close_messages_no_wait()

    def _stop_asking(self) -> None:
        for poller in (*self._asking.values(), *self._pollers):
            poller.stop()

    def action_command_palette(self) -> None:
        if isinstance(self.screen, BaseScreen):
            self.screen.do_palette()

    def notify(self, message: str, **options: Any) -> None:
        """As Textual's, but text is text: what looks like markup, or moves a terminal, is shown and not obeyed."""
        options["markup"] = False
        options["title"] = safe(options.get("title", ""))
        super().notify(safe(message, multiline=True), **options)

    def screen_text(self) -> str:
        """What the screen shows now, as plain text."""
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)


def unfit_terminal(env: Mapping[str, str], interactive: bool) -> str | None:
    """Why a screen can't be shown on this terminal; None when it can."""
    if not interactive:
        return "the screen needs a terminal as input, output and error; `pgmig-tui status` works without one"
    if env.get("TERM", "") in {"", "dumb", "unknown"}:
        return f"TERM={env.get('TERM', '')!s} can't move its cursor; `pgmig-tui status` works without a screen"
    return None


def run_screen(
    directory: Path,
    env: Mapping[str, str],
    *,
    plan_file: str | None = None,
    top_dir: str | None = None,
    registry: str | None = None,
    environment: str | None = None,
    attach: str | None = None,
) -> int:
    """Opens the screen on the project in `directory`; returns the exit status. Raises PgmigError for an unreadable one.

    `environment` is chosen first; `attach` opens that run at once.
    """
    trouble = unfit_terminal(env, all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)))
    if trouble is not None:
        print(f"pgmig-tui: {trouble}", file=sys.stderr)
        return 2
    from pgmig_tui.ui.backend.project import ProjectSession

    session = ProjectSession(directory, env, plan_file=plan_file, top_dir=top_dir, registry=registry)
    app = PgmigApp(session, chosen=environment, attach=attach)
    if env.get("SSH_TTY"):
        app.animation_level = "none"
    _leave_with_the_terminal()
    return show(app, sys.stdout)


def show(app: PgmigApp, out: TextIO) -> int:
    """Show the screen until it is left; returns the exit status. `out` is told last which runs go on."""
    # Threads that read journals and answers give way to a key after a millisecond, not after five.
    sys.setswitchinterval(SWITCH_SECONDS)
    app.drawn = collect_garbage
    status = app.run()
    if app.fault:
        print(fault_words(app.session, app.fault), file=sys.stderr)
        return FAULT_STATUS
    for line in app.farewell:
        print(safe(line), file=out)
    finish(lambda text: print(safe(text), flush=True, file=out))
    return app.return_code or status or 0


def collect_garbage() -> None:
    """From now on, of what comes from now on: looking through all that was loaded, over and over, would make keys
    wait."""
    gc.freeze()
    gc.enable()


def _leave_with_the_terminal() -> None:
    """When the terminal is gone leave at once. The event loop can't be asked to: it may be waiting for a terminal that
    will never read again. Nothing is lost, since the run is another process and the screen keeps nothing."""
    signal.signal(signal.SIGHUP, lambda number, frame: os._exit(HANGUP_STATUS))
    fd = hangup.terminal()
    if fd is not None:
        in_thread("terminal", lambda: os._exit(HANGUP_STATUS) if hangup.wait_until_gone(fd) else None)


def moved(before: Sequence[RunFacts], now: Sequence[RunFacts]) -> set[str]:
    """The environments on which a run has begun, committed a step or ended since."""
    known = {run.run_id: (run.state, run.done) for run in before}
    return {run.environment for run in now if before and known.get(run.run_id) != (run.state, run.done)}


def fault_words(session: Backend, fault: str) -> str:
    """What a person hears when the screen ended by an internal error."""
    last = safe(fault.strip().splitlines()[-1])
    try:
        where = f"The report is in {session.write('fault.txt', fault)}."
    except (OSError, Refused) as error:
        why = error.what if isinstance(error, Refused) else error.strerror
        where = f"No report could be written ({why}):\n{safe(fault, multiline=True)}"
    return (
        f"pgmig-tui: the screen ended by an internal error: {last}\n"
        f"No run was stopped; `pgmig-tui runs` lists them. {where}"
    )


def run(arguments: Namespace) -> int:
    """Opens the screen as the command line asks for it; its `-C` has been followed already."""
    return run_screen(
        Path.cwd(),
        os.environ,
        plan_file=arguments.plan_file,
        top_dir=arguments.top_dir,
        registry=arguments.registry,
    )
