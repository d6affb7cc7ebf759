"""The simple template format in which Sqitch writes scripts: `[% name %]`, IF, UNLESS, FOREACH … IN, ELSE, END.

Source: Perl's Template::Tiny 1.14, which Sqitch uses where no other Template Toolkit is installed; its results are
those observed on the program. What that leaves as it stands in a script (a directive that it doesn't know, an END that
is missing) is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import count

from pgmig_tui.errors import ProjectError

Value = str | None | Sequence[str]
TEMPLATE_BYTES = 64 << 10

_NAME = r"[a-z_][\w.]*"
_LEFT = r"(?:(?:(?:\A|\n)[ \t]*)?\[%-|\[%\+?)\s*"
_RIGHT = r"(?:\s*(?:\+?%\]|-%\](?:[ \t]*\n)?))"
_NO_OTHER = rf"(?!.*?{_LEFT}(?:IF|UNLESS|FOREACH)\b)"
_BLOCK = re.compile(
    rf"{_LEFT}(IF|UNLESS|FOREACH)\s+((?:\S+\s+IN\s+)?\S+){_RIGHT}{_NO_OTHER}(.*?)"
    rf"(?:{_LEFT}ELSE{_RIGHT}{_NO_OTHER}(.+?))?{_LEFT}END{_RIGHT}",
    re.S,
)
"""The last block that is opened, and so has none inside."""
_MARKED = re.compile(
    rf"\[%\s(([IUF])\d+)\s+(?:([a-z]\w*)\s+IN\s+)?({_NAME})\s%\](.*?)(?:\[%\s\1\s%\](.+?))?\[%\s\1\s%\]", re.S
)
_EXPRESSION = re.compile(rf"{_LEFT}({_NAME}){_RIGHT}", re.S)
_MARK = re.compile(rf"\[%\s[IUF]\d+(?:\s+(?:[a-z]\w*\s+IN\s+)?{_NAME})?\s%\]")
_DIRECTIVE = re.compile(r"\[%.*?(?:%\]|\Z)", re.S)


def render(template: str, values: Mapping[str, Value], name: str) -> str:
    """The script that a template makes of these values: texts, or lists of texts for FOREACH. `name` is what the error
    calls it. Raises ProjectError for a template that can't be read."""
    marked = _marked(template)
    left = _DIRECTIVE.search(_EXPRESSION.sub("", _MARK.sub("", marked)))
    if left:
        at = template.find(left[0].split("\n")[0])
        line = template.count("\n", 0, max(at, 0)) + 1
        raise ProjectError(
            f"The template {name} can't be read: line {line}, {' '.join(left[0].split())[:60]}",
            now="Nothing was changed.",
            do="Known are [% name %], IF, UNLESS, FOREACH name IN list, ELSE and END, each block with its END.",
        )
    return _process(marked, values, name)


def _marked(text: str) -> str:
    """Each block with marks of its own around it, from the innermost on, so that they can be told apart."""
    for number in count(1):
        found = _BLOCK.search(text)
        if found is None:
            break
        mark = f"{found[1][0]}{number}"
        otherwise = f"{found[4]}[% {mark} %]" if found[4] is not None else ""
        block = f"[% {mark} {found[2]} %]{found[3]}[% {mark} %]{otherwise}"
        text = text[: found.start()] + block + text[found.end() :]
    return text


def _process(text: str, values: Mapping[str, Value], name: str) -> str:
    def block(found: re.Match[str]) -> str:
        _, kind, item, wanted, then, otherwise = found.groups()
        value = _value(values, wanted)
        if kind == "F":
            if isinstance(value, str) or value is None or item is None:
                return ""
            return "".join(_process(then, {**values, item: one}, name) for one in value)
        holds = value not in (None, "", "0")  # what is true in Perl; a list always is
        return _process(then if holds != (kind == "U") else otherwise or "", values, name)

    def expression(found: re.Match[str]) -> str:
        value = _value(values, found[1])
        if value is None or isinstance(value, str):
            return value or ""
        raise ProjectError(
            f"The template {name} writes {found[1]}, which is a list.",
            now="Nothing was changed.",
            do=f"Write [% FOREACH item IN {found[1]} %] … [% END %].",
        )

    return _EXPRESSION.sub(expression, _MARKED.sub(block, text))


def _value(values: Mapping[str, Value], path: str) -> Value:
    """What a name such as `change` or `requires.0` means; None for what isn't there."""
    parts = path.rstrip(".").split(".")
    found: Value | Mapping[str, Value] = values
    for part in parts:
        if part.startswith("_"):
            return None
        if isinstance(found, Mapping):
            found = found.get(part)
        elif found is None or isinstance(found, str):
            return ""
        elif part.isascii() and part.isdecimal():
            found = found[int(part)] if int(part) < len(found) else None
        else:
            return ""
    assert not isinstance(found, Mapping)
    return found
