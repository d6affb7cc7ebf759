"""What several commands' options share: their types, and the groups that stand in more than one command's help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from typing import Any, NoReturn

from pgmig_tui.display import words


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors name the help of the command at hand."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        keywords.setdefault("allow_abbrev", False)
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **keywords)

    swallows: frozenset[str] | None = None
    """Words at whose sight the rest need not be understood, since the command is refused; empty: all words are."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it, but for what is refused anyway: its words are kept as they are, in `words`."""
        words = list(args or ())
        first = next((word for word in words if not word.startswith("-")), "")
        if self.swallows is not None and (not self.swallows or first in self.swallows):
            found = namespace or argparse.Namespace()
            found.words = words
            return found, []
        found, left = super().parse_known_args(args, namespace)
        rest = next((action.dest for action in self._positionals._group_actions if action.nargs == "*"), "")
        if rest and left and not any(word.startswith("-") for word in left):
            # argparse takes the words before the first option only; as in Sqitch, those behind it belong to them.
            getattr(found, rest).extend(left)
            left = []
        return found, left

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As argparse does it; what isn't known is told with what may have been meant."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}{self._meant(getattr(found, 'command', None), left)}")
        return found

    def _meant(self, command: str | None, left: Sequence[str]) -> str:
        from pgmig_tui.display.closest import did_you_mean

        known = [self]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and command in action.choices:
                known.append(action.choices[command])
        options = [
            option
            for parser in known
            for action in parser._actions
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
        ]
        wrong = next((word.partition("=")[0] for word in left if word.startswith("--")), "")
        told = did_you_mean(wrong, options) if wrong else ""
        return f"\n{told}" if told else ""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if not isinstance(action, argparse._SubParsersAction) or value in action.choices:
            super()._check_value(action, value)
            return
        from pgmig_tui.display.closest import did_you_mean

        told = did_you_mean(str(value), [one.dest for one in action._choices_actions if one.help])
        raise argparse.ArgumentError(None, f"there is no command {value!r}{told and chr(10)}{told}")

    def error(self, message: str) -> NoReturn:
        from pgmig_tui.cli.output import note_lines
        from pgmig_tui.display.safe import safe

        told = (
            f"{self.prog}: {safe(message, multiline=True)}\nNothing was done. `{self.prog} --help` shows the options."
        )
        self.exit(2, "".join(f"{line}\n" for line in note_lines(told)))


def assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def answer(text: str) -> tuple[str, str]:
    item, equals, note = text.partition("=")
    if not equals or not item.strip() or not note.strip():
        raise argparse.ArgumentTypeError(f"expected ITEM=TEXT with a text that isn't empty, got {text!r}")
    return item.strip(), note.strip()


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return value


def between_looks(text: str) -> float:
    """Seconds from one look to the next: each opens a session an environment."""
    value = seconds(text)
    if value < 0.1:
        raise argparse.ArgumentTypeError(f"expected at least 0.1 seconds between two looks, got {text!r}")
    return value


def milliseconds(text: str) -> int:
    """A time such as 300ms, 5s, 15min or 15m, 2h."""
    from pgmig_tui.project.environments import duration_ms

    try:
        value = duration_ms(f"{text}in" if text.endswith("m") else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {error}, got {text!r}") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected more than nothing, got {text!r}")
    return value


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2026-01-31, got {text!r}") from None


def since(text: str) -> str:
    """A point in time as runs write it, 2026-11-30T12:00:00Z: so long ago (7d, 2h, 30min), or a date or time in UTC."""
    from datetime import UTC, datetime, timedelta

    try:
        if text[:4].isdigit() and "-" in text:
            found = datetime.fromisoformat(text)
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            days = text.removesuffix("d")
            ago = int(days) * 86_400_000 if text.endswith("d") else milliseconds(text)
            found = datetime.now(UTC) - timedelta(milliseconds=ago)
    except (ValueError, OverflowError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"expected a time such as 7d, 2h or 2026-11-30, got {text!r}") from None
    return words.iso(found)


def common_options(*plan_file: str) -> Parser:
    """The options of every command. `plan_file`: by which names the plan file goes; -f is a format for some."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("project")
    group.add_argument("-C", "--chdir", "--cd", metavar="DIR", dest="directory", help="folder of the project")
    group.add_argument(*plan_file, metavar="FILE", dest="plan_file", help="plan file instead of the configured one")
    group.add_argument("--top-dir", metavar="DIR", help="folder that holds the script folders")
    group.add_argument("--registry", metavar="SCHEMA", help="schema of the Sqitch registry")
    group.add_argument("--engine", metavar="ENGINE", help=argparse.SUPPRESS)
    group.add_argument("--client", "--db-client", metavar="PATH", help=argparse.SUPPRESS)
    group.add_argument("--no-pager", action="store_true", help=argparse.SUPPRESS)
    group.add_argument("-q", "--quiet", action="store_true", help="of a run, print only what goes wrong")
    group.add_argument("-v", "-V", "--verbose", action="count", help="of a run, print each statement, too")
    return common


class _HostOrHelp(argparse.Action):
    """`-h HOST` is the server's host, as in Sqitch; `-h` alone shows the help."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if values is None:
            parser.print_help()
            parser.exit()
        setattr(namespace, self.dest, values)


def connection_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may change of a target's URI."""
    group = parser.add_argument_group("connection", "instead of what the target's URI says")
    group.add_argument("-d", "--db-name", metavar="NAME", help="database")
    group.add_argument("-u", "--db-user", "--db-username", metavar="USER", help="role")
    group.add_argument("-h", "--db-host", metavar="HOST", nargs="?", action=_HostOrHelp, help="host; alone: this help")
    group.add_argument("-p", "--db-port", metavar="PORT", type=port, help="port")
    group.add_argument("--help", action="help", help="show this help and exit")


def port(text: str) -> str:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return text


def target_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-t", "--target", metavar="TARGET", help="the environment; wins over a positional one")


def to_option(parser: argparse.ArgumentParser, text: str, *more: str) -> None:
    parser.add_argument("--to", "--to-change", *more, metavar="CHANGE", help=f"{text}: a name, @tag, ID, @HEAD^ …")


def allow_shell_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-shell", action="store_true", help="let the scripts run programs, as in backticks, \\! and \\setenv"
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def variables_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s",
        "--set",
        metavar="K=V",
        action="append",
        type=assignment,
        default=[],
        dest="variables",
        help="psql variable",
    )


def answer_options(parser: argparse.ArgumentParser) -> None:
    """What a run waits for, and what it is told beforehand."""
    parser.add_argument(
        "--lock-timeout", metavar="SECONDS", type=seconds, default=0.0, help="wait so long for another run to end (0)"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="answer yes for an environment that isn't protected")
    parser.add_argument("--confirm", metavar="WORD", help="the confirmation word of a protected environment")
    parser.add_argument("--accept-data-loss", action="store_true", help="go on although statements lose data")
    parser.add_argument(
        "--attest",
        metavar="ITEM=NOTE",
        action="append",
        type=answer,
        default=[],
        help="answer an item of the checklist",
    )
    parser.add_argument(
        "--override", metavar="ITEM=REASON", action="append", type=answer, default=[], help="go on past an item"
    )


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, got {text!r}")
    return int(text)


def rows(text: str) -> tuple[str, int]:
    """Type of `--rows`: the table, "" for every one, and how many."""
    table, _, number = text.rpartition("=")
    return table, count(number)


def positive(text: str) -> int:
    if not text.replace("_", "").isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def schema_options(parser: argparse.ArgumentParser) -> None:
    """The options that name a schema dump, and where the plan stood when it was made."""
    parser.add_argument(
        "--schema", metavar="FILE", help="by the schema in this dump (pg_dump --schema-only), on a server of our own"
    )
    parser.add_argument(
        "--from", metavar="CHANGE", dest="since", help="with --schema: the last change or @TAG that the dump has"
    )
