"""Secrets in SQL, made unreadable before it is shown, logged or kept.

By patterns, not by parsing, so that it works on text cut off in the middle, on statements that no parser accepts and on
libpq connection strings inside them. It would rather hide too much than too little; it can't know a secret that nothing
marks as one (`INSERT INTO accounts VALUES ('…')`).
"""

from __future__ import annotations

import re

HIDDEN = "***"

_BLANK = r"(?>(?:\s|--[^\n]*\n|/\*(?>(?:[^*]|\*(?!/)){0,500})\*/)*)"
# a string constant of any kind, perhaps cut off, perhaps continued on the next line
_STRING = r"""
    (?: (?:[eE]|[uU]&)? ' (?>(?:[^'\\]|''|\\.)*) (?:'|\Z) (?: [ \t]*+\n\s*+ '(?>(?:[^'\\]|''|\\.)*)(?:'|\Z) )*
      | \$(?P<{tag}>\w*)\$ .*? (?: \$(?P={tag})\$ | \Z ) )
"""
_NAME = r"(?<!\w)(?=\w*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key))\w++"

# PASSWORD '…', OPTIONS (password '…'), SET password = '…', set_config('app.token', '…')
_MARKED = re.compile(
    rf"""(?P<before> {_NAME}"? {_BLANK} (?:=>?|:=|\bTO\b|',)? {_BLANK} ) {_STRING.format(tag="tag")}""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# password=… in a connection string, where a quoted value has its quotes doubled: CONNECTION 'password=''a b'' host=…'
_CONNINFO = re.compile(
    r"""(?P<before> \b(?:ssl|pg)?password \s*+=\s*+ )
        (?: ''(?:[^'\\]|\\.)+(?:''|\Z) | \\'.*?(?:\\'|\Z) | (?<==)[^\s'";,)&]+ )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_SPACED_CONNINFO = re.compile(
    r"""(?P<before> '[^']*?\bpassword\s*+=\s*+ ) (?! \*\*\* | '')[^\s'"]+""", re.IGNORECASE | re.VERBOSE
)
# scheme://user:secret@host
_URI = re.compile(r"(?P<before>\b[a-z][a-z0-9+.\-:]{0,30}://[^\s:/@'\"]{0,200}:)[^\s@'\"]{1,500}(?=@)", re.IGNORECASE)
# \set app_password hunter2
_META = re.compile(rf"(?P<before>^[ \t]*\\set\s+{_NAME}[ \t]+)[^\n]+", re.IGNORECASE | re.MULTILINE)

_ANY = re.compile(r"passw|passphrase|secret|token|key|://", re.IGNORECASE).search


def mask_secrets(sql: str) -> str:
    """`sql` with passwords and the like as `***`. Pure; masking twice changes nothing more."""
    if not _ANY(sql):
        return sql
    sql = _META.sub(rf"\g<before>{HIDDEN}", sql)
    sql = _CONNINFO.sub(rf"\g<before>{HIDDEN}", sql)
    sql = _MARKED.sub(rf"\g<before>'{HIDDEN}'", sql)
    sql = _SPACED_CONNINFO.sub(rf"\g<before>{HIDDEN}", sql)
    return _URI.sub(rf"\g<before>{HIDDEN}", sql)
