"""Secrets in SQL, made unreadable before it is shown, logged or kept.

By patterns, not by parsing, so that it works on text cut off in the middle, on statements that no parser accepts, on
statements inside strings (there the quotes of a string are doubled, once for each level) and on libpq connection
strings inside them. It would rather hide too much than too little; it can't know a secret that nothing marks as one
(`INSERT INTO accounts VALUES ('…')`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

HIDDEN = "***"

_BLANK = r"(?>(?:\s|--[^\n]*\n|/\*(?>(?:[^*]|\*(?!/)){0,500})\*/)*)"
# a string constant of any kind, perhaps cut off, perhaps continued on the next line; one inside other strings first
_STRING = r"""
    (?: (?P<eight>'{8}) (?>(?:'{16}|[^'])*) (?:'{8}|'*\Z)
      | (?P<four>'{4}) (?>(?:'{8}|[^'])*) (?:'{4}|'*\Z)
      | (?P<two>'') (?: (?>(?:'{4}|[^'])*) '' | (?=[^\s;,)']) (?>(?:'{4}|[^'])*) '*\Z )
      | (?P<escaped>\\') (?>(?:[^\\]|\\[^'])*) (?:\\'|\Z)
      | (?:[eE]|[uU]&)? ' (?>(?:[^'\\]|''|\\.)*) (?:'|\Z) (?: [ \t]*+\n\s*+ '(?>(?:[^'\\]|''|\\.)*)(?:'|\Z) )*
      | \$(?P<tag>\w*)\$ .*? (?: \$(?P=tag)\$ | \Z ) )
"""
_NAME = r"(?<!\w)(?=\w*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key))\w++"

# PASSWORD '…', password text := '…', OPTIONS (password '…'), SET password = '…', set_config('app.token', '…')
_MARKED = re.compile(
    rf"""(?P<before> {_NAME}"? {_BLANK}
        (?: (?: [\w.\[\]()\ ]{{1,60}}? (?: :=|\bDEFAULT\b) | =>?|:=|\bTO\b|',) {_BLANK} )? )
        (?! '{{1,8}}+\s*+\|\| ) {_STRING}""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# format('… PASSWORD %L', '…'), 'PASSWORD ' || quote_literal('…'): what is put together behind the word
_BUILT = re.compile(
    rf"""(?P<before> {_NAME} [ \t]*+
        (?: %(?:\d+\$)?+-?\d*+[LsI] [^';]{{0,500}}+ '{{1,8}}+ | '{{1,8}}+ \s*+ \|\| ))
        (?P<rest> [^;]{{0,2000}} )""",
    re.IGNORECASE | re.VERBOSE,
)
_LITERAL = re.compile(r"('+)[^']++('+|\Z)")
# password=… in a connection string, where a quoted value has its quotes doubled: CONNECTION 'password=''a b'' host=…'
_CONNINFO = re.compile(
    r"""(?P<before> \b(?:ssl|pg)?password \s*+=\s*+ )
        (?: ''(?:[^'\\]|\\.)+(?:''|\Z) | \\'.*?(?:\\'|\Z) | (?<==)[^\s'";,)&]+ )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_SPACED_CONNINFO = re.compile(
    r"""(?P<before> '[^']*?\bpassword\s*+=\s*+ ) (?! \*\*\* | '')[^\s'"]+""", re.IGNORECASE | re.VERBOSE
)
# "password": "…" of JSON, password: … of a log
_NAMED = re.compile(
    rf"""(?P<before> {_NAME} "?+ [ \t]*+ :(?![:=]) [ \t]*+ )
        (?: "(?>(?:[^"\\]|\\.)*)(?:"|\Z) | [^\s"'{{\[,;*]++ )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# scheme://user:secret@host
_URI = re.compile(r"(?P<before>\b[a-z][a-z0-9+.\-:]{0,30}://[^\s:/@'\"]{0,200}:)[^\s@'\"]{1,500}(?=@)", re.IGNORECASE)
# \set app_password hunter2
_META = re.compile(rf"(?P<before>^[ \t]*\\set\s+{_NAME}[ \t]+)[^\n]+", re.IGNORECASE | re.MULTILINE)

_ANY = re.compile(r"passw|passphrase|secret|token|(?:api|access|private)_?key|://", re.IGNORECASE).search


_NUMBER = 6
"""Digits of a number that is hidden."""

_LONG = 8
"""A value of so many characters is hidden wherever it stands, a shorter one as a word of its own."""


Hide = Callable[[str], str]


def hider(values: Mapping[str, str]) -> Hide | None:
    """What puts a variable where one of the `values` (by variable) stands in a text, as psql would have it (`:name`,
    `:'name'`, `:"name"`); None where nothing is to be hidden.

    Values of one or two characters and short numbers stay: lines and counts would be hidden with them.
    """
    return _replacer({form: label for name, form, label, _ in _all_forms(values)})


def put_away(values: Mapping[str, str]) -> Hide | None:
    """As `hider`, but `put_back` undoes it."""
    return _replacer({form: f"\0{number}{name}\0" for name, form, _, number in _all_forms(values)})


def put_back(text: str, values: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """A text as it was before `put_away`, and the variables whose values would be needed: they stand as in psql."""
    needed: set[str] = set()

    def back(match: re.Match[str]) -> str:
        number, name = int(match[1]), match[2]
        if name not in values:
            needed.add(name)
        form, label = _forms(name, values.get(name, ""))[number]
        return form if name in values else label

    return _AWAY.sub(back, text), frozenset(needed)


_AWAY = re.compile("\0([0-9])([^\0]+)\0")


def _replacer(labels: Mapping[str, str]) -> Hide | None:
    if not labels:
        return None
    forms = (
        re.escape(text) if len(text) >= _LONG else rf"(?<!\w){re.escape(text)}(?!\w)"
        for text in sorted(labels, key=len, reverse=True)
    )
    found = re.compile("|".join(forms))
    return lambda text: found.sub(lambda match: labels[match[0]], text)


def _all_forms(values: Mapping[str, str]) -> Iterator[tuple[str, str, str, int]]:
    """(variable, a form of its value, what psql makes that of, the form's number), for what is to be hidden."""
    seen: set[str] = set()
    for name, value in values.items():
        if len(value.strip()) > 2 and not (value.isdecimal() and len(value) < _NUMBER):
            for number, (form, label) in enumerate(_forms(name, value)):
                if form not in seen:
                    seen.add(form)
                    yield name, form, label, number


def _forms(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """How a value may stand in SQL, each with what psql makes that of."""
    literal, identifier = value.replace("'", "''"), value.replace('"', '""')
    escaped = literal.replace("\\", "\\\\")
    return (
        (f"'{literal}'", f":'{name}'"),
        (f"E'{escaped}'", f":'{name}'"),
        (f'"{identifier}"', f':"{name}"'),
        (value, f":{name}"),
        (literal, f":{name}"),
        (identifier, f":{name}"),
        (escaped, f":{name}"),
    )


_TEXTS = frozenset(
    {
        "message", "detail", "hint", "why", "text", "sql", "safer_sql", "summary", "now", "what", "halves", "note",
        "notes", "reason", "reasons", "query", "verify_reason", "mode_reason", "problem", "verify_problem",
        "problems", "unknown", "breaks", "findings", "warnings", "losses", "loses", "loose", "statements", "advice",
        "restore_problems",
    }
)  # fmt: skip
"""Fields of events and documents that hold what a server or a script has said. All others are words of ours, numbers
or names of objects: by those is found out what became of a statement that was cut off, and statements that put
something right (`repair`, `do`, what they speak of in `what_stays`) must run as they stand."""


def without_values(value: Any, hide: Callable[[str], str], *, told: bool = False) -> Any:
    """A value of JSON with `hide` applied to the texts that may hold the value of a variable; `told`: to this one."""
    if type(value) is dict:
        return {key: without_values(one, hide, told=key in _TEXTS) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_values(one, hide, told=told) for one in value]
    return hide(value) if told and isinstance(value, str) else value


def mask_secrets(sql: str) -> str:
    """`sql` with passwords and the like as `***`. Pure; masking twice changes nothing more."""
    if not _ANY(sql):
        return sql
    sql = _META.sub(rf"\g<before>{HIDDEN}", sql)
    sql = _CONNINFO.sub(rf"\g<before>{HIDDEN}", sql)
    sql = _BUILT.sub(_put_together, sql)
    sql = _MARKED.sub(_quoted, sql)
    sql = _SPACED_CONNINFO.sub(rf"\g<before>{HIDDEN}", sql)
    sql = _NAMED.sub(rf"\g<before>{HIDDEN}", sql)
    return _URI.sub(rf"\g<before>{HIDDEN}", sql)


def _quoted(found: re.Match[str]) -> str:
    """The string as `***` between the quotes that it had, so that what it stands in can still be read."""
    quotes = found["eight"] or found["four"] or found["two"] or found["escaped"] or "'"
    return f"{found['before']}{quotes}{HIDDEN}{quotes}"


def _put_together(found: re.Match[str]) -> str:
    return found["before"] + _LITERAL.sub(rf"\1{HIDDEN}\2", found["rest"])
