"""The grammar of the commands that write a project, spelled as in Sqitch."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pgmig_tui.cli.options import (
    Parser,
    allow_shell_option,
    answer_options,
    assignment,
    connection_options,
    day,
    target_option,
    variables_option,
)
from pgmig_tui.cli.reading_options import Add

if TYPE_CHECKING:
    from pgmig_tui.project.author.patterns.asked import Pattern, Question

ADD = """.

The line in the plan is the one that `sqitch add` writes, byte for byte, and the scripts are made of the same templates:
--use, [add "templates"] of sqitch.conf, --template-directory, ~/.sqitch/templates, then the system's. A script that is
there already stays as it is. Plan and scripts are written together, or not at all."""
REWORK = """.

Needs a tag since the change was added. Its scripts are copied to NAME@TAG, where the earlier instance has them from now
on; the revert script becomes a copy of the deploy script so far, so that a revert brings the earlier state back."""
TAG = """.

With a name it tags the last change of the plan, or CHANGE; without one it lists the tags."""

REFUSED = ("checkout",)
"""Commands of Sqitch's that say no, and why; they aren't listed."""
NEW = """.

Each pattern makes as many changes as it takes for no lock to be held while rows are read or written, with verify
scripts that fail where the change is absent and complete reverts. What they depend on is proposed: the changes that
made what the scripts name. On a terminal what isn't said is asked for, and nothing is written before a yes."""
INIT = """.

It writes what `sqitch init --engine pg` writes, in the current folder. What is there already stays."""
RENAME = """.

In the plan, in what depends on it, and in its scripts' names and first lines. Every environment of the plan is asked
first: where the change or a later one is deployed, it keeps its name, for their IDs are made of it. An environment that
can't be asked is told, and wants a yes."""
BUNDLE = """.

With changes, or --from and --to, the plan is cut: the first change has no parent then, so all have other IDs."""
REBASE = """.

The revert is shown, checked and confirmed as `revert` is, then the deploy as `deploy` is. Where the revert doesn't end
well, or is declined, nothing is deployed."""


def add_writing(add: Add) -> None:
    """Add the commands that write plan and scripts."""
    add("init", "begin a project: sqitch.conf, plan, script folders", _init_options, more=INIT)
    add("add", "add a change to the plan, with its scripts", _add_options, more=ADD)
    add("new", "changes from a pattern, safe by construction, by options or by questions", _new_options, more=NEW)
    add("tag", "tag a change of the plan, or list the tags", _tag_options, more=TAG)
    add("rework", "add another instance of a change, with copies of its scripts", _rework_options, more=REWORK)
    add("rename", "rename a change that no environment has", _rename_options, more=RENAME)
    add("bundle", "copy configuration, plan and scripts to a folder", _bundle_options, more=BUNDLE)
    both = "revert to a change, then deploy: two runs, each through its own gate"
    add("rebase", both, connection_options, _rebase_options, more=REBASE)
    for name in REFUSED:
        add(name, "", _swallow_all)


def _note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "-m", "--note", metavar="TEXT", action="append", default=[], help="what it is for; again: a new paragraph"
    )


def _note_and_all(parser: argparse.ArgumentParser) -> None:
    _note(parser)
    parser.add_argument(
        "-a", "--all", action="store_true", help="in the plans of all targets, not only in the default one"
    )


def _change_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "arguments", nargs="*", metavar="NAME", help="the change's name, and targets whose plans are meant"
    )
    parser.add_argument(
        "-c",
        "--change",
        "--change-name",
        metavar="NAME",
        dest="change",
        help="the name, where it is a target's as well",
    )
    parser.add_argument(
        "-r", "--requires", metavar="CHANGE", action="append", default=[], help="a change or @tag that must be there"
    )
    parser.add_argument(
        "-x", "--conflicts", metavar="CHANGE", action="append", default=[], help="a change that must not be there"
    )
    _note_and_all(parser)
    parser.add_argument(
        "-e",
        "--edit",
        "--open-editor",
        action=argparse.BooleanOptionalAction,
        default=None,
        dest="edit",
        help="open the scripts in your editor then ([add] open_editor)",
    )


def _add_options(parser: Parser) -> None:
    _change_options(parser)
    group = parser.add_argument_group("templates")
    group.add_argument(
        "-t", "--template", "--template-name", metavar="NAME", dest="template", help="their name (the engine: pg)"
    )
    group.add_argument("--template-directory", metavar="DIR", help="a folder with deploy/NAME.tmpl, revert/… in it")
    group.add_argument(
        "--use", metavar="SCRIPT=FILE", action="append", type=assignment, default=[], help="this template for a script"
    )
    group.add_argument("--with", metavar="SCRIPT", action="append", default=[], dest="with_scripts", help="make it")
    group.add_argument(
        "--without", metavar="SCRIPT", action="append", default=[], dest="without_scripts", help="don't make it"
    )
    group.add_argument(
        "-s",
        "--set",
        metavar="K=V",
        action="append",
        type=assignment,
        default=[],
        dest="template_variables",
        help="a variable of templates; again with the same name: a list",
    )


def _new_options(parser: Parser) -> None:
    from pgmig_tui.cli.new import ANSWER
    from pgmig_tui.project.author.patterns.every import BY_NAME, PATTERNS

    parser.add_argument("pattern", nargs="?", choices=tuple(BY_NAME), metavar="PATTERN", help="one of those below")
    _note(parser)
    parser.add_argument(
        "--name", metavar="DESCRIPTION", help="what stands behind day and number in the name (made of the answers)"
    )
    parser.add_argument("--date", metavar="DAY", type=day, help="the day in the name, such as 2026-01-31 (today)")
    parser.add_argument(
        "-r", "--requires", metavar="CHANGE", action="append", default=[],
        help="a change or @tag that must be there, instead of what is proposed",
    )  # fmt: skip
    parser.add_argument("--no-requires", action="store_true", help="propose no dependencies")
    parser.add_argument(
        "-x", "--conflicts", metavar="CHANGE", action="append", default=[], help="a change that must not be there"
    )
    parser.add_argument("--dry-run", action="store_true", help="show scripts and impact, and write nothing")
    group = parser.add_argument_group("answers, by pattern")
    by_field: dict[str, list[Question]] = {}
    for question in (question for pattern in PATTERNS for question in pattern.questions):
        by_field.setdefault(question.field, []).append(question)
    for field, questions in by_field.items():
        question = questions[0]
        dest, text = f"{ANSWER}{field}", " / ".join(dict.fromkeys(one.asked.text for one in questions))
        text += f" [{', '.join(question.asked.choices)}]" if question.asked.choices else ""
        if question.asked.kind == "flag":
            group.add_argument(question.option, dest=dest, action="store_true", help=text)
        else:
            group.add_argument(
                question.option, dest=dest, action="append", metavar=question.metavar, help=text,
                choices=question.asked.choices or None,
            )  # fmt: skip
    listed = [f"  {one.name:<16} {one.title}\n{'':<18} {_options_of(one)}" for one in PATTERNS]
    parser.epilog = "\n".join(("patterns:", *listed))


def _options_of(pattern: Pattern) -> str:
    return " ".join(one.option if one.needed else f"[{one.option}]" for one in pattern.questions)


def _rework_options(parser: Parser) -> None:
    _change_options(parser)


def _tag_options(parser: Parser) -> None:
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="NAME",
        help="the tag's name, then the change, and targets whose plans are meant",
    )
    parser.add_argument("-t", "--tag", "--tag-name", metavar="NAME", dest="tag", help="the tag's name")
    parser.add_argument(
        "-c", "--change", "--change-name", metavar="CHANGE", dest="change", help="the change: a name, @tag, @HEAD^ …"
    )
    parser.add_argument("--target", metavar="TARGET", help="the environment whose plan is meant")
    _note_and_all(parser)


def _init_options(parser: Parser) -> None:
    parser.add_argument("project", metavar="NAME", help="the project's name")
    parser.add_argument("--uri", metavar="URI", help="a URI that is the project's own: it enters all IDs")
    parser.add_argument("--target", metavar="URI", help="the default target: a db:pg: URI, or a name for it")
    parser.add_argument("--extension", metavar="EXT", help="what the names of scripts end in (sql)")
    parser.add_argument(
        "-d", "--dir", metavar="NAME=DIR", action="append", type=assignment, default=[], dest="folders",
        help="the folder of deploy, revert, verify, reworked, reworked_deploy …",
    )  # fmt: skip
    parser.add_argument(
        "-s", "--set", metavar="K=V", action="append", type=assignment, default=[], dest="template_variables",
        help="a psql variable, for sqitch.conf",
    )  # fmt: skip


def _rename_options(parser: Parser) -> None:
    parser.add_argument("old", metavar="CHANGE", help="the change: a name, @tag, ID, @HEAD^ …")
    parser.add_argument("new", metavar="NAME", help="its new name")
    parser.add_argument("-y", "--yes", action="store_true", help="also where an environment can't be asked")


def _bundle_options(parser: Parser) -> None:
    parser.add_argument(
        "arguments", nargs="*", metavar="TARGET", help="targets with their plans, and a first and a last change"
    )
    parser.add_argument("--dest-dir", "--dir", metavar="DIR", help="the folder ([bundle] dest_dir, bundle)")
    parser.add_argument("--from", metavar="CHANGE", dest="since", help="first change")
    parser.add_argument("--to", metavar="CHANGE", help="last change")
    parser.add_argument("-a", "--all", action="store_true", help="the plans of all targets")


def _rebase_options(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment, then a change as with --onto")
    target_option(parser)
    parser.add_argument("--onto", "--onto-change", metavar="CHANGE", help="last change to keep (default: none)")
    parser.add_argument("--upto", "--upto-change", metavar="CHANGE", help="last change to deploy (default: the last)")
    parser.add_argument(
        "-m", "--modified", action="store_true", help="keep what stands before the first modified deploy script"
    )
    parser.add_argument(
        "--strict", action=argparse.BooleanOptionalAction, default=None, help="a change is to be named always"
    )
    parser.add_argument("--mode", metavar="MODE", help="only `change`: what was committed is never reverted by itself")
    verify = parser.add_mutually_exclusive_group()
    verify.add_argument("--verify", action="store_true", default=None, help="verify each change")
    verify.add_argument("--no-verify", action="store_false", dest="verify", help="do not verify")
    variables_option(parser)
    for letter, name in (("e", "deploy"), ("r", "revert")):
        parser.add_argument(
            f"-{letter}", f"--set-{name}", metavar="K=V", action="append", type=assignment, default=[],
            dest=f"{name}_variables", help=f"psql variable of the {name} alone",
        )  # fmt: skip
    allow_shell_option(parser)
    parser.add_argument("--json-lines", action="store_true", help="the journals' events on stdout, one a line")
    parser.add_argument("--log-only", action="store_true", help="write the registry without running scripts")
    parser.add_argument("--backup", action="store_true", help="make the backup of the checklist now, with pg_dump")
    answer_options(parser)


def _swallow_all(parser: Parser) -> None:
    parser.swallows = frozenset()
