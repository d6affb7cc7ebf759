"""The grammar of the commands that only read, and of those of Sqitch's that write a project, which aren't here yet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Protocol

from pgmig_tui.cli.options import Parser, connection_options, count, json_option, target_option

FORMATS = """\
formats: table (our own; the default), raw, full, long, medium, short, oneline, or format:TEXT with Sqitch's codes:
  %H %h ID · %n name · %o project · %e %l %L event · %c %p committer, planner (%{name}p, %{email}p, %{date:rfc}p)
  %t %T tags · %r %R requires · %x %X conflicts · %s %b %B note (%{prefix}B) · %{red}C %{:event}C color
  %{label}_ label · %{attribute}a · %v new line; a width may stand before the letter, as in %-20n
dates: iso, rfc, raw, full, long, medium, short, strftime:PATTERN, cldr:PATTERN; in this machine's time zone (TZ)
-f FORMAT is --format, unless FORMAT is no format and there is such a plan file"""
WRITING = ("init", "add", "rework", "rebase", "checkout", "bundle")
"""Sqitch's commands that write a project. `tag` without a name only lists."""


class Add(Protocol):
    """Adds a command: its name, what its help says, its options. `more` is said in its own help only."""

    def __call__(
        self, name: str, text: str, *options: Any, more: str = "", epilog: str = "", letter: bool = True
    ) -> Parser: ...


def add_reading(add: Add) -> None:
    """Add the commands that read a project and its registries."""
    status = add(
        "status", "what each environment has, lacks, and where it diverges from the plan", json_option,
        connection_options,
    )  # fmt: skip
    status.add_argument("targets", nargs="*", metavar="TARGET", help="only these environments")
    status.add_argument("-t", "--target", action="append", default=[], dest="more_targets", help=argparse.SUPPRESS)
    status.add_argument("--exit-code", action="store_true", help="exit 1 when changes are pending or diverged")
    status.add_argument("--show-changes", action="store_true", default=None, help="list what is deployed, too")
    status.add_argument("--show-tags", action="store_true", default=None, help="list the tags that are deployed, too")
    status.add_argument("--project", metavar="NAME", help="another project of the registry, of which no plan is here")
    _date_format(status)

    plan = add(
        "plan", "the plan: changes, IDs, tags, dependencies", target_option, json_option, epilog=FORMATS, letter=False
    )
    plan.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment whose plan it is")
    plan.add_argument("--event", choices=("deploy", "revert"), help="only changes with this operator in the plan")
    plan.add_argument(
        "--planner", "--planner-pattern", metavar="REGEX", help="only of these planners; of several such options one"
        " that matches is enough, as in Sqitch",
    )  # fmt: skip
    _listing(plan, "changes")

    log = add(
        "log", "events of an environment, newest first", target_option, json_option, connection_options,
        epilog=FORMATS, letter=False,
    )  # fmt: skip
    log.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    log.add_argument("--event", action="append", choices=("deploy", "revert", "fail", "merge"), help="only such events")
    log.add_argument("--project", "--project-pattern", metavar="REGEX", help="only of projects that match")
    log.add_argument("--committer", "--committer-pattern", metavar="REGEX", help="only of these committers")
    _listing(log, "events")

    show = add("show", "a change or tag as its ID is made of it, or the text of a script", target_option)
    show.add_argument("type", choices=("change", "tag", "deploy", "revert", "verify"), help="what to show")
    show.add_argument("object", metavar="OBJECT", help="a change or tag: a name, @tag, ID, @HEAD^ …")
    show.add_argument("-e", "--exists", action="store_true", help="print nothing; exit 0 when there is one, else 2")

    _settings(add)

    upgrade = add(
        "upgrade", "bring an old Sqitch registry to the version that both programs know", target_option,
        connection_options, more=" (a deploy does it by itself)",
    )  # fmt: skip
    upgrade.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    upgrade.add_argument("-y", "--yes", action="store_true", help=argparse.SUPPRESS)
    upgrade.add_argument("--confirm", metavar="WORD", help="the confirmation word of a protected environment")

    helping = add("help", "the help of a command, or how changes are named", letter=False)
    helping.add_argument("topic", nargs="?", metavar="TOPIC", help="a command, or `changes`")
    helping.add_argument("-g", "--guide", action="store_true", help="list the topics that aren't commands")

    tag = add("tag", "the tags of the plan", target_option)
    tag.add_argument("words", nargs="*", metavar="NAME", help=argparse.SUPPRESS)
    for option in ("-n", "-m", "--note", "--tag", "--tag-name", "-c", "--change", "--change-name"):
        tag.add_argument(option, dest="writes", action="append", default=[], help=argparse.SUPPRESS)
    tag.add_argument("-a", "--all", dest="writes", action="append_const", const="--all", help=argparse.SUPPRESS)
    for name in WRITING:
        add(name, "").swallows = frozenset()


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


def _settings(add: Add) -> None:
    config = add("config", "what sqitch.conf and the user's and system's files say", letter=False)
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
    for name, one in (("engine", "the engines"), ("target", "the targets")):
        settings = add(name, f"{one} that sqitch.conf configures", letter=False)
        settings.swallows = frozenset({"add", "alter", "rename", "remove", "rm"})
        settings.add_argument("words", nargs="*", metavar="WORD", help="nothing: the names; or: show NAME…")


def take_letter(arguments: argparse.Namespace, text: str) -> None:
    """-f of `log` and `plan`: a format, as in Sqitch, or (what it is for every other command) a plan file."""
    from pgmig_tui.display.item_format import is_format

    there = (Path(arguments.directory or ".").expanduser() / text).is_file()
    if there and not is_format(text):
        arguments.plan_file = text
    else:
        arguments.format = arguments.format or text
