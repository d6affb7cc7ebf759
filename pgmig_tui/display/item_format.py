"""`--format`: an event of a registry, or a change of a plan, as text by Sqitch's % codes.

Sources: `sqitch-log` and `sqitch-plan` manual pages, "Formats"; App::Sqitch::ItemFormatter and String::Formatter as
they work in Sqitch 1.3.1. Labels are English: Sqitch's own are translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pgmig_tui.display.dates import written
from pgmig_tui.display.safe import safe

Value = str | tuple[str, ...]
Item = Mapping[str, Value]
"""What can be shown, under Sqitch's names: event, project, change_id, change, note, tags, requires, conflicts,
planned_at, planner_name, planner_email, and of an event committed_at, committer_name, committer_email. Times are UTC,
as 2024-01-02T03:04:05Z."""

_HEAD = "%{:event}C%L %h%{reset}C"
_NAMED = "%{name}_ %n\n"
LOG_FORMATS: Mapping[str, str] = {
    "raw": "%{:event}C%e %H%{reset}C%T\nname      %n\nproject   %o\n%{requires}a%{conflicts}a"
    "planner   %{name}p <%{email}p>\nplanned   %{date:raw}p\ncommitter %{name}c <%{email}c>\n"
    "committed %{date:raw}c\n\n%{    }B\n",
    "full": f"{_HEAD}%T\n{_NAMED}%{{project}}_ %o\n%R%X%{{planner}}_ %p\n%{{planned}}_ %{{date}}p\n"
    "%{committer}_ %c\n%{committed}_ %{date}c\n\n%{    }B\n",
    "long": f"{_HEAD}%T\n{_NAMED}%{{project}}_ %o\n%{{planner}}_ %p\n%{{committer}}_ %c\n\n%{{    }}B\n",
    "medium": f"{_HEAD}\n{_NAMED}%{{committer}}_ %c\n%{{date}}_ %{{date}}c\n\n%{{    }}B\n",
    "short": f"{_HEAD}\n{_NAMED}%{{committer}}_ %c\n\n%{{    }}s\n",
    "oneline": "%{:event}C%h %l%{reset}C %o:%n %s",
}
PLAN_FORMATS: Mapping[str, str] = {
    "raw": "%{:event}C%e %H%{reset}C%T\nname      %n\nproject   %o\n%{requires}a%{conflicts}a"
    "planner   %{name}p <%{email}p>\nplanned   %{date:raw}p\n\n%{    }B\n",
    "full": f"{_HEAD}%T\n{_NAMED}%{{project}}_ %o\n%R%X%{{planner}}_ %p\n%{{planned}}_ %{{date}}p\n\n%{{    }}B\n",
    "long": f"{_HEAD}%T\n{_NAMED}%{{project}}_ %o\n%{{planner}}_ %p\n\n%{{    }}B\n",
    "medium": f"{_HEAD}\n{_NAMED}%{{planner}}_ %p\n%{{date}}_ %{{date}}p\n\n%{{    }}B\n",
    "short": f"{_HEAD}\n{_NAMED}%{{planner}}_ %p\n\n%{{    }}s\n",
    "oneline": "%{:event}C%h %l%{reset}C %n%{cyan}C%t%{reset}C",
}
CUSTOM = "format:"
ABBREVIATED = 6
"""What --oneline leaves of an ID."""

_LABELS = {
    name: f"{name.capitalize()}:".ljust(10)
    for name in (
        "event",
        "change",
        "committer",
        "planner",
        "by",
        "date",
        "committed",
        "planned",
        "name",
        "project",
        "email",
        "requires",
        "conflicts",
    )
}
_CODE = re.compile(r"(%(-)?([0-9]+)?(?:\.([0-9]*))?(?:\{(.*?)\})?(\S))")
_VERTICAL = "\n\x0b\x0c\r\x85\u2028\u2029"
_EVENT_COLORS = {"deploy": "green", "revert": "blue"}
_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = {
    "clear": 0, "reset": 0, "bold": 1, "dark": 2, "faint": 2, "italic": 3, "underline": 4, "underscore": 4, "blink": 5,
    "reverse": 7, "concealed": 8,
}  # fmt: skip


class FormatError(ValueError):
    """A format that Sqitch refuses; the text is its message."""


@dataclass(frozen=True, slots=True)
class ItemFormat:
    """How items are written. `abbrev`: characters of an ID that `%h` shows, 0 = all; `date_format` as in
    `display.dates`; `color`: whether `%C` colours."""

    text: str
    abbrev: int = 0
    date_format: str = "iso"
    color: bool = False

    def of(self, item: Item) -> str:
        """The item as text: what comes from it is safe for a terminal, what the format itself holds stays as it is.

        Raises FormatError.
        """
        return _CODE.sub(lambda found: self._filled(found, item), self.text)

    def _filled(self, found: re.Match[str], item: Item) -> str:
        literal, left, least, most, argument, code = found.groups()
        if literal == "%%":
            return "%"
        fill = _CODES.get(code)
        if fill is None or (code == "F" and "deploy_file" not in item):
            raise FormatError(f'Unknown format code "{code}"')
        text = fill(self, item, argument)
        if most and int(most):
            text = text[: int(most)]
        width = int(least or 0)
        return text.ljust(width) if left else text.rjust(width)


def _clean(text: str, *, multiline: bool = False) -> str:
    """Safe for a terminal, and with its tabs, which change nothing there."""
    return "\t".join(safe(part, multiline=multiline) for part in text.split("\t"))


def _one(item: Item, name: str) -> str:
    value = item.get(name, "")
    return _clean(value if isinstance(value, str) else ", ".join(value))


def _many(item: Item, name: str) -> list[str]:
    value = item.get(name, ())
    return [_clean(one) for one in ((value,) if isinstance(value, str) else value)]


def _note(item: Item) -> str:
    value = item.get("note", "")
    return value if isinstance(value, str) else ""


def _event(form: ItemFormat, item: Item, argument: str | None) -> str:
    event = _one(item, "event")
    return event if event in ("deploy", "revert", "fail") else ""


def _label(form: ItemFormat, item: Item, argument: str | None) -> str:
    if argument is None:
        raise FormatError("No label passed to the _ format")
    if argument not in _LABELS:
        raise FormatError(f'Unknown label "{argument}" passed to the _ format')
    return _LABELS[argument]


def _id(form: ItemFormat, item: Item, argument: str | None) -> str:
    digits = re.match(r"\s*([0-9]+)", argument or "")
    length = int(digits[1]) if digits else 0
    return _one(item, "change_id")[: (length or form.abbrev) or None]


def _person(who: str) -> Callable[[ItemFormat, Item, str | None], str]:
    date = "committed_at" if who == "committer" else "planned_at"

    def fill(form: ItemFormat, item: Item, argument: str | None) -> str:
        name, email = _one(item, f"{who}_name"), _one(item, f"{who}_email")
        if argument is None:
            return f"{name} <{email}>"
        if argument in ("n", "name"):
            return name
        if argument in ("e", "email"):
            return email
        found = re.match(r"d(?:ate)?(?::|\Z)", argument)
        if not found:
            return ""
        stamp = item.get(date)
        if not isinstance(stamp, str) or not stamp:
            raise FormatError(f"There is no {date} in what this command shows")
        try:
            return written(stamp, argument[found.end() :] or form.date_format)
        except ValueError as error:
            raise FormatError(str(error)) from None

    return fill


def _list(name: str, before: str = " ", after: str = "") -> Callable[[ItemFormat, Item, str | None], str]:
    def fill(form: ItemFormat, item: Item, argument: str | None) -> str:
        found = _many(item, name)
        return f"{before}{(argument or ', ').join(found)}{after}" if found else ""

    return fill


def _color(form: ItemFormat, item: Item, argument: str | None) -> str:
    name = _EVENT_COLORS.get(_one(item, "event"), "red") if argument == ":event" else argument or ""
    codes = [_color_code(word) for word in name.lower().split()]
    if not codes or "" in codes:
        raise FormatError(f"{argument or ''} is not a valid ANSI color")
    return f"\x1b[{';'.join(codes)}m" if form.color else ""


def _color_code(word: str) -> str:
    """The parameters of a colour or attribute by its name, as in bold, on_red, bright_blue, rgb123; "" = none."""
    if word in _ATTRIBUTES:
        return str(_ATTRIBUTES[word])
    behind = word.startswith("on_")
    word = word.removeprefix("on_")
    bright = word.startswith("bright_")
    if (plain := word.removeprefix("bright_")) in _COLORS:
        return str((40 if behind else 30) + (60 if bright else 0) + _COLORS.index(plain))
    found = re.fullmatch(r"ansi([0-9]+)|gr[ea]y([0-9]+)|rgb([0-5])([0-5])([0-5])", word)
    if not found:
        return ""
    ansi, grey, *rgb = found.groups()
    if ansi is not None:
        number = int(ansi) if int(ansi) < 16 else -1
    elif grey is not None:
        number = 232 + int(grey) if int(grey) < 24 else -1
    else:
        number = 16 + 36 * int(rgb[0]) + 6 * int(rgb[1]) + int(rgb[2])
    return f"{48 if behind else 38};5;{number}" if number >= 0 else ""


def _subject(form: ItemFormat, item: Item, argument: str | None) -> str:
    return (argument or "") + _clean(re.split(f"[{_VERTICAL}]", _note(item), maxsplit=1)[0])


def _body(form: ItemFormat, item: Item, argument: str | None) -> str:
    note = _note(item)
    if not re.search(f"[{_VERTICAL}]", note):
        return ""
    body = _clean(re.sub(rf"\A.+[{_VERTICAL}]+", "", note), multiline=True)
    return _indented(body, argument) if argument is not None and body else body


def _whole(form: ItemFormat, item: Item, argument: str | None) -> str:
    note = _clean(_note(item), multiline=True)
    return note if argument is None else _indented(note, argument)


def _indented(text: str, prefix: str) -> str:
    return prefix + re.sub(r"\n(?!\Z)", lambda _: f"\n{prefix}", text)


def _attribute(form: ItemFormat, item: Item, argument: str | None) -> str:
    if not argument or argument not in item:
        raise FormatError(f"{argument or ''} is not a valid change attribute")
    value = item[argument]
    if not isinstance(value, str) and not value:
        return ""
    if argument == "note":
        text = _clean(_note(item), multiline=True)
    elif argument.endswith("_at") and isinstance(value, str):
        text = written(value, "raw")
    else:
        text = _one(item, argument)
    return f"{argument.ljust(9)} {text}\n"


_CODES: Mapping[str, Callable[[ItemFormat, Item, str | None], str]] = {
    "e": lambda form, item, argument: _one(item, "event"),
    "l": _event,
    "L": lambda form, item, argument: _event(form, item, argument).capitalize(),
    "_": _label,
    "H": lambda form, item, argument: _one(item, "change_id"),
    "h": _id,
    "n": lambda form, item, argument: _one(item, "change"),
    "o": lambda form, item, argument: _one(item, "project"),
    "F": lambda form, item, argument: _one(item, "deploy_file"),
    "c": _person("committer"),
    "p": _person("planner"),
    "t": _list("tags"),
    "T": _list("tags", " (", ")"),
    "v": lambda form, item, argument: "\n",
    "C": _color,
    "s": _subject,
    "b": _body,
    "B": _whole,
    "r": _list("requires"),
    "R": _list("requires", "Requires:  ", "\n"),
    "x": _list("conflicts"),
    "X": _list("conflicts", "Conflicts: ", "\n"),
    "a": _attribute,
}


def format_text(wanted: str, formats: Mapping[str, str], command: str) -> str:
    """The codes of a format by its name, or those of `format:…` itself. Raises FormatError."""
    if wanted.startswith(CUSTOM):
        return wanted.removeprefix(CUSTOM)
    if wanted not in formats:
        raise FormatError(f'Unknown {command} format "{wanted}"')
    return formats[wanted]


def is_format(text: str) -> bool:
    """Whether a text is a format rather than, say, the name of a file."""
    return text in LOG_FORMATS or text.startswith(CUSTOM)
