"""Secrets in SQL, made unreadable before it is shown, logged or kept.

By patterns, not by parsing, so that it works on text cut off in the middle, on statements that no parser accepts, on
statements inside strings (there the quotes of a string are doubled, once for each level) and on libpq connection
strings inside them. It would rather hide too much than too little; it can't know a secret that nothing marks as one
(`INSERT INTO accounts VALUES ('…')`).
"""

from __future__ import annotations

import re

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
