"""The manual page, made of the parser: what a command takes is written once."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from pgmig_tui import __version__

ENVIRONMENT = (
    ("SQITCH_TARGET", "the target that is meant where none is named"),
    (
        "SQITCH_CONFIG, SQITCH_USER_CONFIG, SQITCH_SYSTEM_CONFIG",
        "other files than sqitch.conf, the user's, the system's",
    ),
    ("SQITCH_FULLNAME, SQITCH_EMAIL", "who is written down in the registry"),
    ("SQITCH_ORIG_FULLNAME, SQITCH_ORIG_EMAIL, SQITCH_ORIG_SYSUSER", "the same, where another account asks"),
    ("SQITCH_USERNAME, SQITCH_PASSWORD", "role and password of a target whose URI has none"),
    (
        "PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSERVICEFILE, PGSYSCONFDIR",
        "libpq's own",
    ),
    ("PGSSLMODE, PGSSLROOTCERT", "how a server proves who it is; an environment can demand it with sslmode"),
    ("PGCONNECT_TIMEOUT", "seconds after which a server that is silent counts as unreachable"),
    ("XDG_STATE_HOME", "where runs are kept (~/.local/state)"),
    ("SQITCH_EDITOR, VISUAL, EDITOR", "the editor that a note is written in, and that the screen opens"),
    ("TERM, COLUMNS, NO_COLOR, FORCE_COLOR", "what the terminal can, how wide it is, whether there are colors"),
    ("COLORFGBG, TMUX", "whether the terminal is light, where it doesn't answer itself; and whether tmux is between"),
    ("LANG, LC_ALL, LC_CTYPE", "whether the terminal shows more than ASCII"),
    ("TZ", "the time zone in which plan and log write times"),
    ("HOME, USER, LOGNAME, USERNAME, PATH, SSH_TTY", "as everywhere"),
)
FILES = (
    ("sqitch.conf, sqitch.plan, deploy/, revert/, verify/", "the project, as Sqitch has it"),
    ("pgmig.toml", "the environments, in their order, with their policies"),
    ("~/.sqitch/sqitch.conf, /etc/sqitch/sqitch.conf", "the user's configuration, and the system's"),
    ("~/.local/state/pgmig-tui/runs/RUN/", "a run: its plan, its scripts, and its journal, which says all that it did"),
    ("~/.local/state/pgmig-tui/errors/", "reports of internal errors"),
)
STATUSES = (
    (0, "done"),
    (1, "a step failed"),
    (2, "bad usage, project or configuration"),
    (3, "refused by a gate or by the operator"),
    (4, "in doubt: whether a step was applied isn't known"),
    (5, "the server can't be reached"),
)
_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)) + "|[^\x00-\x7f]")


def manual(parser: argparse.ArgumentParser) -> str:
    """The page in roff (man macros), in ASCII."""
    return "".join(f"{line}\n" for line in _lines(parser))


def _lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    name = parser.prog
    yield f'.TH {name.upper()} 1 "" "{name} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{roff(name)} \\- {roff((parser.description or '').rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {roff(name)}"
    yield roff("[OPTIONS] [COMMAND [ARGUMENTS]]")
    yield ".SH DESCRIPTION"
    yield roff("Without a command the screen opens on the project in the current folder.")
    yield roff("TARGET is an environment of pgmig.toml, a target of sqitch.conf or a db:pg: URI.")
    yield roff("Options of every command may stand before or after its name.")
    yield ".SH OPTIONS"
    yield from _options(parser, frozenset())
    yield ".SH COMMANDS"
    common = frozenset(action.dest for action in parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action._choices_actions:
                if one.help:
                    yield from _command(action.choices[one.dest], one.dest, common)
    yield ".SH EXIT STATUS"
    for status, meaning in STATUSES:
        yield from _item(str(status), meaning)
    yield ".SH ENVIRONMENT"
    for names, meaning in ENVIRONMENT:
        yield from _item(names, meaning)
    yield ".SH FILES"
    for names, meaning in FILES:
        yield from _item(names, meaning)
    yield ".SH SEE ALSO"
    yield ".BR sqitch (1),\n.BR psql (1),\n.BR pg_dump (1)"


def _command(parser: argparse.ArgumentParser, name: str, common: frozenset[str]) -> Iterator[str]:
    yield f".SS {roff(name)}"
    yield f".B {roff(name)}"
    yield roff(" ".join(["[OPTIONS]", *map(_operand, parser._get_positional_actions())]))
    yield ".PP"
    yield from _text(parser.description or "")
    for action in parser._get_positional_actions():
        if action.help != argparse.SUPPRESS:
            yield from _item(_named(action), _help(action))
    yield from _options(parser, common)
    if parser.epilog:
        yield ".PP"
        yield from _text(parser.epilog)


def _operand(action: argparse.Action) -> str:
    named = _named(action)
    return {"*": f"[{named}]...", "?": f"[{named}]", "+": f"{named}..."}.get(str(action.nargs), named)


def _named(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _options(parser: argparse.ArgumentParser, left_out: Iterable[str]) -> Iterator[str]:
    for action in parser._actions:
        if not action.option_strings or action.help == argparse.SUPPRESS or action.dest in left_out:
            continue
        value = f" {_named(action)}" if action.nargs != 0 else ""
        yield from _item(", ".join(action.option_strings) + value, _help(action))


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


def _item(named: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {roff(named)}"
    yield roff(text) or "\\&"


def _text(text: str) -> Iterator[str]:
    """Sentences as a paragraph; lines that are indented or stand in a table as they are."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        as_it_is = any(line.startswith("  ") for line in lines)
        yield ".PP"
        if as_it_is:
            yield ".nf"
        yield from (roff(line) or "\\&" for line in lines)
        if as_it_is:
            yield ".fi"


def roff(text: str) -> str:
    """Text that groff prints as it stands: no hyphen is a dash, nothing at the start of a line is a request."""
    told = _SPECIAL.sub(lambda one: _ESCAPES.get(one[0]) or f"\\[u{ord(one[0]):04X}]", text)
    return f"\\&{told}" if told.startswith((".", "\\(aq")) else told
