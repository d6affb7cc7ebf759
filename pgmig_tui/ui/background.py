"""Whether the terminal is light or dark, by its own answer (OSC 11); until that comes, by COLORFGBG.

The question goes out with the first frame, which doesn't wait. The answer is taken out of what is typed before anybody
looks for keys in it; a terminal that gives none, or gives it late, loses no key.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

QUESTION = "\x1b]11;?\x07"
WAIT_SECONDS = 1.0
"""So long the beginning of an answer is waited for in what is typed; a whole answer is taken out whenever it comes."""
HOLD_SECONDS = 0.08
"""So long the two halves of an answer may be apart; an Escape waits no longer."""
_ANSWER = re.compile(r"\x1b\]11;(?P<color>[^\x07\x1b]{0,64})(?:\x07|\x1b\\)")
_BEGUN = re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]{0,64}\x1b?)?)?)?)?\Z")
_COLOR = re.compile(r"rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")


class BackgroundTold(Message):
    """The terminal has answered."""

    def __init__(self, light: bool) -> None:
        super().__init__()
        self.light = light


def is_light(answer: str) -> bool | None:
    """Of a colour as X11 writes it (`rgb:ffff/ffff/ffff`); None where it is none.

    >>> is_light("rgb:ffff/ffff/dddd"), is_light("rgb:00/2b/36"), is_light("blue")
    (True, False, None)
    """
    found = _COLOR.match(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)


def light_by_environment(env: Mapping[str, str]) -> bool | None:
    """By COLORFGBG, as rxvt and Konsole set it: `15;0` is white on black. None where it doesn't say.

    >>> [light_by_environment({"COLORFGBG": one}) for one in ("0;default;15", "7;0", "")]
    [True, False, None]
    """
    last = env.get("COLORFGBG", "").rpartition(";")[2]
    return int(last) in {7, *range(9, 16)} if last.isascii() and last.isdigit() else None


class AnswerParser(XTermParser):
    """What is typed, without the terminal's answer."""

    def __init__(self, debug: bool = False) -> None:
        self._held = ""
        self._held_at = 0.0
        self._since = time.monotonic()
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        given, self._held = self._held + data, ""
        if data and "\x1b" not in given:
            yield from super().feed(given)
            return
        if (found := _ANSWER.search(given)) is not None:
            if found.start():
                yield from super().feed(given[: found.start()])
            light = is_light(found["color"])
            if light is not None:
                yield BackgroundTold(light)
            if found.end() < len(given):
                yield from self.feed(given[found.end() :])
            return
        now = time.monotonic()
        begun = _BEGUN.search(given) if data and now - self._since < WAIT_SECONDS else None
        if begun is not None:
            given, self._held, self._held_at = given[: begun.start()], begun.group(), now
        if given:
            yield from super().feed(given)
        if not data:
            yield from super().feed(data)

    def tick(self) -> Iterable[Message]:
        """Called when nothing has come for a while: what has been held is no answer, but keys."""
        if self._held and time.monotonic() - self._held_at > HOLD_SECONDS:
            held, self._held = self._held, ""
            yield from super().feed(held)
        yield from super().tick()


class AskingDriver(linux_driver.LinuxDriver):
    """Asks for the colour of the ground as soon as the terminal is ours."""

    def start_application_mode(self) -> None:
        vars(linux_driver)["XTermParser"] = AnswerParser
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty and os.environ.get("TERM") != "linux" and not constants.DRIVER:
            self.write(QUESTION)
            self.flush()
