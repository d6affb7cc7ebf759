"""The grammar of the commands that write a project, spelled as in Sqitch."""

from __future__ import annotations

import argparse

from pgmig_tui.cli.options import Parser, assignment
from pgmig_tui.cli.reading_options import Add

ADD = """.

The line in the plan is the one that `sqitch add` writes, byte for byte, and the scripts are made of the same templates:
--use, [add "templates"] of sqitch.conf, --template-directory, ~/.sqitch/templates, then the system's. A script that is
there already stays as it is. Plan and scripts are written together, or not at all."""
REWORK = """.

Needs a tag since the change was added. Its scripts are copied to NAME@TAG, where the earlier instance has them from now
on; the revert script becomes a copy of the deploy script so far, so that a revert brings the earlier state back."""
TAG = """.

With a name it tags the last change of the plan, or CHANGE; without one it lists the tags."""


def add_writing(add: Add) -> None:
    """Add the commands that write plan and scripts."""
    add("add", "add a change to the plan, with its scripts", _add_options, more=ADD)
    add("tag", "tag a change of the plan, or list the tags", _tag_options, more=TAG)
    add("rework", "add another instance of a change, with copies of its scripts", _rework_options, more=REWORK)


def _note_and_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "-m", "--note", metavar="TEXT", action="append", default=[], help="what it is for; again: a new paragraph"
    )
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
