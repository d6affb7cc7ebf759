"""What may stand where the cursor is: asked by the shells' completion functions at each Tab.

Read from the parser, so that a command, an option or a choice is completed as soon as it is there; what an argument
names is told by its metavar. Files of the project are read, as every command reads them: no server is asked, nothing is
written, nothing of the project is run. Whatever goes wrong, nothing is offered and nothing is said.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pgmig_tui.cli.names_here import Here
from pgmig_tui.cli.words import TypedLine, typed_in_bash
from pgmig_tui.display.safe import safe

_FILES = {"FILE": "files", "PATH": "files", "DIR": "folders"}
"""Metavars whose values the shell completes by itself."""
_NAMED = re.compile(r"[A-Z_]+(?:[=|][A-Z_]+)*")


@dataclass(frozen=True, slots=True)
class ShellWord:
    """One word that may stand there, and what it is."""

    word: str
    about: str = ""


@dataclass(slots=True)
class Spot:
    """Where the cursor is in the grammar: the command at hand, what was said before, and what is expected there."""

    parser: argparse.ArgumentParser
    used: set[str] = field(default_factory=set)
    positionals: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    awaits: argparse.Action | None = None
    options_ended: bool = False


def complete(shell: str) -> int:
    """Print what is offered to a shell: a line that says how (`words`, `nospace`, `files`, `folders`), then a line for
    each word. Always 0."""
    try:
        if shell == "bash":
            typed = typed_in_bash(os.environ.get("_PGMIG_LINE", ""), os.environ.get("_PGMIG_BREAKS", ""))
        else:
            words = os.environ.get("_PGMIG_WORDS", "").splitlines()
            typed = TypedLine(tuple(words), os.environ.get("_PGMIG_CURRENT", ""))
        how, offers = offered(typed.before, typed.current)
        lines = [how] if how in ("files", "folders") else []
        if not lines:
            fits = [one for one in offers if one.word.startswith(typed.current) and _can_be_typed(one.word)]
            open_ended = bool(fits) and all(one.word.endswith("=") for one in fits)
            told = (typed.inserted(one.word) if shell == "bash" else _with_about(one) for one in fits)
            lines = ["nospace" if open_ended else "words", *dict.fromkeys(one for one in told if one)]
        text = "".join(f"{line}\n" for line in lines).encode(errors="ignore")
    except (Exception, SystemExit):  # a traceback in the middle of a line that is being typed helps nobody
        text = b""
    with contextlib.suppress(OSError):  # a shell that has stopped reading is no failure either
        while text:
            text = text[os.write(1, text) :]
    return 0


def _with_about(one: ShellWord) -> str:
    return f"{one.word}\t{safe(one.about)}"


def _can_be_typed(word: str) -> bool:
    """No name with a control character or one that can't be seen is offered: nobody could tell what is inserted."""
    return bool(word) and word.isprintable() and safe(word) == word


def offered(before: Sequence[str], current: str) -> tuple[str, Iterable[ShellWord]]:
    """How the word at the cursor is completed, and by which words; `before` are those between the program's name and
    it."""
    from pgmig_tui.cli.parser import build_parser

    spot = _spot(build_parser(before), before)
    here = Here.of(spot.values)
    if spot.awaits is not None:
        return _values(spot, spot.awaits, here)
    if current.startswith("-") and not spot.options_ended:
        name, equals, _ = current.partition("=")
        if equals and (action := spot.parser._option_string_actions.get(name)) is not None:
            how, values = _values(spot, action, here)
            return ("words" if how != "words" else how), [replace(one, word=f"{name}={one.word}") for one in values]
        return "words", _options(spot)
    action = _positional(spot)
    if action is None:
        return "words", ()
    if isinstance(action, argparse._SubParsersAction):
        return "words", [ShellWord(one.dest, str(one.help or "")) for one in action._choices_actions if one.help]
    how, values = _values(spot, action, here)
    found = [one for one in values if not one.word.startswith("-")]
    return how, found


def _spot(parser: argparse.ArgumentParser, words: Sequence[str]) -> Spot:
    spot = Spot(parser)
    for word in words:
        _pass(spot, word)
    return spot


def _pass(spot: Spot, word: str) -> None:
    """Go past one word of the line, as argparse would take it."""
    if spot.awaits is not None:
        spot.values[spot.awaits.dest] = word
        spot.awaits = None
    elif word == "--" and not spot.options_ended:
        spot.options_ended = True
    elif word.startswith("-") and len(word) > 1 and not spot.options_ended:
        name, equals, value = word.partition("=")
        action = spot.parser._option_string_actions.get(name)
        if action is None:
            return
        spot.used.update(action.option_strings)
        if equals:
            spot.values[action.dest] = value
        elif action.nargs is None:
            spot.awaits = action
    elif isinstance(action := _positional(spot), argparse._SubParsersAction):
        if word in action.choices:
            spot.parser = action.choices[word]
    else:
        spot.positionals.append(word)


def _positional(spot: Spot) -> argparse.Action | None:
    """The positional argument that the next word is."""
    actions = spot.parser._get_positional_actions()
    for number, action in enumerate(actions):
        if action.nargs in ("*", "+") or number == len(spot.positionals):
            return action
    return None


def _options(spot: Spot) -> Iterator[ShellWord]:
    """The options that can still be said: none twice that counts once, none that another one excludes."""
    excluded = {
        option
        for group in spot.parser._mutually_exclusive_groups
        if any(spot.used.intersection(action.option_strings) for action in group._group_actions)
        for action in group._group_actions
        for option in action.option_strings
    }
    for action in spot.parser._actions:
        again = isinstance(action, argparse._AppendAction | argparse._CountAction)
        if action.help == argparse.SUPPRESS or (not again and spot.used.intersection(action.option_strings)):
            continue
        if not excluded.intersection(action.option_strings):
            about = (action.help or "").replace("%%", "%")
            yield from (ShellWord(option, about) for option in action.option_strings)


def _values(spot: Spot, action: argparse.Action, here: Here) -> tuple[str, Iterable[ShellWord]]:
    if action.choices is not None:
        return "words", [ShellWord(str(choice)) for choice in action.choices]
    named = _NAMED.match(action.metavar if isinstance(action.metavar, str) else "")
    kind = named.group() if named else ""
    if kind in _FILES:
        return _FILES[kind], ()
    return "words", [ShellWord(word, about) for word, about in _of_kind(spot, action, kind, here)]


def _of_kind(spot: Spot, action: argparse.Action, kind: str, here: Here) -> Iterator[tuple[str, str]]:
    """The words, and what they are, of what a metavar names."""
    positional = not action.option_strings
    match kind:
        case "TARGET":
            yield from _targets(spot, action, here, positional)
        case "CHANGE":
            yield from here.changes(_target(spot, here))
        case "CHANGE=REASON":
            yield from ((f"{word}=", about) for word, about in here.changes(_target(spot, here)))
        case "RUN":
            yield from here.runs()
        case "TARGET_OR_RUN" | "RUN|TARGET":
            yield from here.targets()
            yield from here.runs()
        case "ITEM":
            yield from here.items(_target(spot, here))
        case "ITEM=NOTE" | "ITEM=REASON":
            yield from ((f"{word}=", about) for word, about in here.items(_target(spot, here)))
        case "ROLE":
            yield from here.roles()
        case "TOPIC" | "COMMAND":
            yield from _commands()
        case "A" | "B" | "OTHER":
            yield from here.targets()
            if kind == "B":
                yield "plan", "what the plan makes"
        case "KEY":
            yield from here.keys()


def _targets(spot: Spot, action: argparse.Action, here: Here, positional: bool) -> Iterator[tuple[str, str]]:
    """Environments; of a command that takes a change behind one, that, as soon as an environment is named."""
    told = action.help or ""
    takes_change = positional and "change" in told
    if positional and action.nargs == "*" and action.dest == "arguments":
        named = [word for word in spot.positionals if here.is_target(word)]
        if named or "target" in spot.values:
            if takes_change:
                yield from here.changes(_target(spot, here))
            return
    yield from here.targets()


def _target(spot: Spot, here: Here) -> str:
    """The environment that the line names; "" where it names none."""
    if said := spot.values.get("target"):
        return said
    return next((word for word in spot.positionals if here.is_target(word)), "")


def _commands() -> Iterator[tuple[str, str]]:
    from pgmig_tui.cli.help import topics

    for name in topics():
        yield name, "help on it"
