"""The grammar of the commands that only read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pgmig_tui.cli.options import Parser, between_looks, connection_options, count, json_option, target_option

FORMATS = """\
formats: table (our own; the default), raw, full, long, medium, short, oneline, or format:TEXT with Sqitch's codes:
  %H %h ID · %n name · %o project · %e %l %L event · %c %p committer, planner (%{name}p, %{email}p, %{date:rfc}p)
  %t %T tags · %r %R requires · %x %X conflicts · %s %b %B note (%{prefix}B) · %{red}C %{:event}C color
  %{label}_ label · %{attribute}a · %v new line; a width may stand before the letter, as in %-20n
dates: iso, rfc, raw, full, long, medium, short, strftime:PATTERN, cldr:PATTERN; in this machine's time zone (TZ)
-f FORMAT is --format, unless FORMAT is no format and there is such a plan file"""
COMPLETION = """ of targets, changes, tags, runs, items and roles, by what stands in the project at that moment.

install it:
  bash   pgmig-tui completion bash > ~/.local/share/bash-completion/completions/pgmig-tui
         or in ~/.bashrc: source <(pgmig-tui completion bash)
  zsh    pgmig-tui completion zsh > ~/.zfunc/_pgmig-tui
         with, in ~/.zshrc before compinit: fpath+=(~/.zfunc)
  fish   pgmig-tui completion fish > ~/.config/fish/completions/pgmig-tui.fish

It reads files of the project alone: no server is asked, nothing is written, nothing of the project is run."""

Options = Callable[[Parser], None]
"""Gives a command options."""


class Add(Protocol):
    """Adds a command: its name, what its help says, its options. `more` is said in its own help only."""

    def __call__(
        self, name: str, text: str, *options: Options, more: str = "", epilog: str = "", letter: bool = True
    ) -> None: ...


def add_reading(add: Add) -> None:
    """Add the commands that read a project and its registries."""
    states = "what each environment has, lacks, and where it diverges from the plan"
    add("status", states, json_option, connection_options, _status_options)
    changes = "the plan: changes, IDs, tags, dependencies"
    add("plan", changes, target_option, json_option, _plan_options, epilog=FORMATS, letter=False)
    events = "events of an environment, newest first"
    add("log", events, target_option, json_option, connection_options, _log_options, epilog=FORMATS, letter=False)
    add("show", "a change or tag as its ID is made of it, or the text of a script", target_option, _show_options)
    add("config", "what sqitch.conf and the user's and system's files say", _config_options, letter=False)
    for name, one in (("engine", "the engines"), ("target", "the targets")):
        add(name, f"{one} that sqitch.conf configures", _names_options, letter=False)
    version = "bring an old Sqitch registry to the version that both programs know"
    add("upgrade", version, target_option, connection_options, _upgrade_options, more=" (a deploy does it by itself)")
    add("help", "the help of a command, or how changes are named", _help_options, letter=False)
    waits = "who waits for whom on an environment, and for which lock"
    add("locks", waits, target_option, json_option, connection_options, _locks_options)
    tab = "print the script that completes our command lines in a shell"
    add("completion", tab, _completion_options, more=COMPLETION)


def _status_options(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="only these environments")
    parser.add_argument(
        "-t", "--target", metavar="TARGET", action="append", default=[], dest="more_targets", help=argparse.SUPPRESS
    )
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when changes are pending or diverged")
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=between_looks,
        const=2.0,
        help="look again every 2 s, or so many; Ctrl-C ends it, with --exit-code by the last look",
    )
    parser.add_argument("--json-lines", action="store_true", help="with --watch: one JSON document a look, on a line")
    parser.add_argument("--show-changes", action="store_true", default=None, help="list what is deployed, too")
    parser.add_argument("--show-tags", action="store_true", default=None, help="list the tags that are deployed, too")
    parser.add_argument("--project", metavar="NAME", help="another project of the registry, of which no plan is here")
    _date_format(parser)


def _plan_options(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment whose plan it is")
    parser.add_argument("--event", choices=("deploy", "revert"), help="only changes with this operator in the plan")
    parser.add_argument(
        "--planner",
        "--planner-pattern",
        metavar="REGEX",
        help="only of these planners; of several such options one that matches is enough, as in Sqitch",
    )
    _listing(parser, "changes")


def _log_options(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    kinds = ("deploy", "revert", "fail", "merge")
    parser.add_argument("--event", action="append", choices=kinds, help="only such events")
    parser.add_argument("--project", "--project-pattern", metavar="REGEX", help="only of projects that match")
    parser.add_argument("--committer", "--committer-pattern", metavar="REGEX", help="only of these committers")
    _listing(parser, "events")


def _show_options(parser: Parser) -> None:
    parser.add_argument("type", choices=("change", "tag", "deploy", "revert", "verify"), help="what to show")
    parser.add_argument("object", metavar="OBJECT", help="a change or tag: a name, @tag, ID, @HEAD^ …")
    parser.add_argument("-e", "--exists", action="store_true", help="print nothing; exit 0 when there is one, else 2")


def _upgrade_options(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("-y", "--yes", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--confirm", metavar="WORD", help="the confirmation word of a protected environment")


def _help_options(parser: Parser) -> None:
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="a command, or `changes`")
    parser.add_argument("--man", action="store_true", help="the manual page, for `man -l -`")
    parser.add_argument("-g", "--guide", action="store_true", help="list the topics that aren't commands")


def _locks_options(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")


def _completion_options(parser: Parser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose script is printed")


def _date_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date-format", "--date", metavar="FORMAT", help="how times are written: iso, rfc, raw …")


def _listing(parser: argparse.ArgumentParser, what: str) -> None:
    """The options of Sqitch's two lists: which of them, in which order, and how written."""
    parser.add_argument("--change", "--change-pattern", metavar="REGEX", help="only changes whose name matches")
    parser.add_argument("-n", "--max-count", type=count, default=0, metavar="N", help=f"at most N {what}")
    parser.add_argument("--skip", type=count, default=0, metavar="N", help=f"pass over the first N {what}")
    parser.add_argument("--reverse", action=argparse.BooleanOptionalAction, default=False, help="the other way round")
    parser.add_argument("--format", metavar="FORMAT", help="how each is written; see below")
    parser.add_argument("-f", metavar="FORMAT", dest="letter_f", help=argparse.SUPPRESS)
    parser.add_argument("--oneline", action="store_true", help="short for --format oneline --abbrev 6")
    parser.add_argument("--abbrev", type=count, metavar="N", help="show N characters of IDs")
    _date_format(parser)
    parser.add_argument("--headers", action=argparse.BooleanOptionalAction, default=True, help="what stands above")
    parser.add_argument("--color", choices=("auto", "always", "never"), help="colors: auto is for terminals")
    parser.add_argument("--no-color", action="store_const", const="never", dest="color", help="--color never")


def _config_options(config: Parser) -> None:
    where = config.add_mutually_exclusive_group()
    where.add_argument("-f", "--file", "--config-file", metavar="FILE", help=argparse.SUPPRESS)
    where.add_argument("--local", action="store_true", help="with --list: only the project's file")
    where.add_argument("--user", "--global", action="store_true", help="with --list: only the user's file")
    where.add_argument("--system", action="store_true", help="with --list: only the system's file")
    kind = config.add_mutually_exclusive_group()
    for name in ("bool", "int", "num", "bool-or-int"):
        kind.add_argument(f"--{name}", dest="type", action="store_const", const=name, help=f"as {name}")
    action = config.add_mutually_exclusive_group()
    action.add_argument("--get", dest="action", action="store_const", const="get", help="the value of KEY")
    action.add_argument("--get-all", dest="action", action="store_const", const="get-all", help="all values of KEY")
    action.add_argument(
        "--get-regex", "--get-regexp", dest="action", action="store_const", const="get-regex", help="keys that match"
    )
    action.add_argument("-l", "--list", dest="action", action="store_const", const="list", help="all that is set")
    for names in (
        ("--add",), ("--replace-all",), ("--unset",), ("--unset-all",), ("--rename-section",), ("--remove-section",),
        ("-e", "--edit"),
    ):  # fmt: skip
        action.add_argument(*names, dest="action", action="store_const", const="write", help=argparse.SUPPRESS)
    config.add_argument("words", nargs="*", metavar="KEY", help="a key, and a regex that its value must match")


def _names_options(parser: Parser) -> None:
    parser.swallows = frozenset({"add", "alter", "rename", "remove", "rm"})
    parser.add_argument("words", nargs="*", metavar="WORD", help="nothing: the names; or: show NAME…")


def take_letter(arguments: argparse.Namespace, text: str) -> None:
    """-f of `log` and `plan`: a format, as in Sqitch, or (what it is for every other command) a plan file."""
    from pgmig_tui.display.item_format import is_format

    there = (Path(arguments.directory or ".").expanduser() / text).is_file()
    if there and not is_format(text):
        arguments.plan_file = text
    else:
        arguments.format = arguments.format or text
