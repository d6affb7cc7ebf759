"""The command line's grammar. Options are spelled as in Sqitch where Sqitch has them.

Global options may stand before or after the command's name; their defaults are suppressed in both places, so that the
later one doesn't wipe the earlier one out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from pgmig_tui import __version__
from pgmig_tui.cli.options import (
    Parser,
    allow_shell_option,
    answer,
    answer_options,
    common_options,
    connection_options,
    json_option,
    milliseconds,
    port,
    positive,
    rows,
    schema_options,
    seconds,
    since,
    target_option,
    to_option,
    variables_option,
)
from pgmig_tui.cli.reading_options import Options, add_reading, take_letter
from pgmig_tui.cli.writing_options import add_writing

DESCRIPTION = "PostgreSQL schema migrations on Sqitch projects: status, lock impact, live runs."
EPILOG = """\
Without a command the screen opens on the project in the current folder.
TARGET is an environment of pgmig.toml, a target of sqitch.conf or a db:pg: URI.

exit status: 0 done; 1 a step failed; 2 bad usage, project or configuration; 3 refused by a gate or by the operator;
             4 in doubt; 5 the server can't be reached
"""
CHECK = """.

In Sqitch, `check` compares the deploy scripts with those that were deployed. That is a part of `pgmig-tui status`:
a change whose script differs is said to be diverged; `--exit-code` makes it exit 1."""
LINT = """.

No server is asked, and no project is needed for files and folders. With --schema a dump says what is there before. A
finding is silenced by a comment with a reason: -- pgmig: lint ignore CODE reason. Exit status 3: there is a finding of
severity error (or of the one of --fail-on)."""
TEST = """.

Each change on a database that has the changes before it: verify must fail, deploy, verify, fingerprint of the schema,
revert, the fingerprint must be as at first, verify must fail again, deploy again, the same fingerprint. What can't come
back is declared in the revert script: -- pgmig: lint ignore revert-incomplete REASON. Exit status 1: a step failed, or
a change wasn't tested."""
DRIFT = """.

With `plan` what is deployed on A is deployed once more, on an empty server of our own, and compared with A. Exit status
1 means that something differs which nobody has accepted (drift in pgmig.toml: ignore, accepted)."""
COMPARE = """.

By their registries alone: what is deployed on one and not on the other, other scripts (by hash), another order, other
tags, when and by whom. Exit status 1 when they differ, 5 when one of them doesn't answer. `drift A B` compares the
schemas."""
DOCUMENT = """.

The plan is deployed on an empty server of our own, and what is there then is described: no environment is needed. One
plan gives the same bytes on every version of PostgreSQL. Exit status 1 of --check: the file isn't up to date."""
WATCH = """.

Begin before the deploy with --baseline; what it keeps is compared with for a day. Exit status 0 is the verdict healthy,
1 any other: slower by this change, slower server-wide, errors, too little data. Ctrl-C ends it with what is known."""
MAINTAIN = """.

It reads, and changes nothing: each finding comes with the statement that finishes it, and its lock. What may stay is
said in pgmig.toml ([[maintain.accept]]), by name and with an end. Exit status 0 means that there is nothing to do, 1
that there is, or that something is unknown."""
SECTIONS = ("history", "leftovers", "retention", "old", "documents", "drill", "access")
OUTCOMES = (
    "done", "failed", "verify_failed", "partly", "in_doubt", "recorded_only", "adopted", "unverified",
)  # fmt: skip
OPERATIONS = ("deploy", "revert", "verify", "backfill", "undo", "adopt", "repair", "merge", "unknown")
ROLES = ("observer", "monitor", "deployer", "approver")
HOOKS = ("before", "after", "rolled_back", "ticket", "override")
LINT_FORMATS = ("text", "json", "sarif", "github", "gitlab", "markdown")
RISKS = ("none", "low", "medium", "high", "critical")


def _run_options(parser: argparse.ArgumentParser, command: str) -> None:
    what = "the first change as with --from, the last as with --to" if command == "verify" else "a change as with --to"
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help=f"the environment, and {what}")
    target_option(parser)
    if command == "verify":
        parser.add_argument("--from", "--from-change", metavar="CHANGE", dest="since", help="first change to verify")
        to_option(parser, "last change to verify")
    else:
        to_option(parser, {"deploy": "last change to deploy", "revert": "last change to keep"}[command], "--change")
    variables_option(parser)
    allow_shell_option(parser)
    parser.add_argument("--json-lines", action="store_true", help="the journal's events on stdout, one a line")
    if command == "verify":
        return
    if command == "deploy":
        parser.add_argument(
            "--mode", metavar="MODE", help="only `change`: what was committed is never reverted by itself"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="run the next change (with --to all up to there), then ROLLBACK"
        )
        parser.add_argument("--backup", action="store_true", help="make the backup of the checklist now, with pg_dump")
        verify = parser.add_mutually_exclusive_group()
        verify.add_argument("--verify", action="store_true", default=None, help="verify each change")
        verify.add_argument("--no-verify", action="store_false", dest="verify", help="do not verify")
    else:
        parser.add_argument("--all", action="store_true", dest="revert_all", help="revert every deployed change")
        parser.add_argument(
            "-m", "--modified", action="store_true", help="keep what stands before the first modified deploy script"
        )
        parser.add_argument(
            "--strict",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="take no --all ([revert] strict); a change is to be named always",
        )
    parser.add_argument("--log-only", action="store_true", help="write the registry without running scripts")
    if command == "deploy":
        parser.add_argument(
            "--emergency", metavar="REASON", help="go on past windows, freezes, promotion, soak and approvals"
        )
    answer_options(parser)


def _backfill_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "arguments", nargs="*", metavar="TARGET", help="the environment, and a change whose script declares batches"
    )
    target_option(parser)
    parser.set_defaults(to=None)
    what = parser.add_argument_group("instead of a change")
    what.add_argument("--statement", metavar="SQL", default="", help="an UPDATE, DELETE or INSERT … SELECT")
    what.add_argument("--table", metavar="TABLE", default="", help="the table whose rows are passed in batches")
    what.add_argument("--key", metavar="COLUMNS", default="", help="its key, e.g. id, or a,b: NOT NULL and indexed")
    parser.add_argument("--left", metavar="CONDITION", default="", help="true of rows still to do; counted at the end")
    parser.add_argument(
        "--batch", metavar="N", type=positive, default=0, help="rows of the first batch (declared, 1000)"
    )
    parser.add_argument("--aim", metavar="SECONDS", type=seconds, default=0.2, help="how long a batch may take (0.2)")
    parser.add_argument("--max-rate", metavar="ROWS", type=seconds, default=0.0, help="rows a second at most")
    parser.add_argument("--max-lag", metavar="SECONDS", type=seconds, default=5.0, help="hold while a replica lags")
    parser.add_argument("--max-lag-mb", metavar="MB", type=seconds, default=64.0, help="or is so much WAL behind (64)")
    parser.add_argument(
        "--batch-timeout", metavar="SECONDS", type=seconds, default=30.0, help="cancel and halve a batch after (30)"
    )
    parser.add_argument("--analyze", action="store_true", help="ANALYZE the table at the end")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", metavar="RUN", default="", help="go on where this run has stopped")
    again.add_argument("--from-start", action="store_true", help="once more over all rows, though begun or done before")
    variables_option(parser)
    parser.add_argument("--json-lines", action="store_true", help="the journal's events on stdout, one a line")
    answer_options(parser)


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment, and a change as with --to")
    target_option(parser)
    parser.add_argument(
        "--to", "--to-change", metavar="CHANGE", help="last change to keep (default: what the last run found)"
    )
    parser.add_argument("--all", action="store_true", help="keep nothing of what is deployed")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be reverted and lost, and stop; --json does, too"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why: stays with the changes, which must not be deployed then")
    parser.add_argument(
        "--lift",
        metavar="CHANGE=REASON",
        action="append",
        type=answer,
        default=[],
        help="let a change be deployed again that was rolled back; nothing else is done",
    )
    save = parser.add_mutually_exclusive_group()
    save.add_argument("--save", action="store_true", default=None, help="keep what the reverts destroy, in a schema")
    save.add_argument("--no-save", action="store_false", dest="save", help="don't, although pgmig.toml says so")
    variables_option(parser)
    allow_shell_option(parser)
    parser.add_argument("--json-lines", action="store_true", help="the journal's events on stdout, one a line")
    answer_options(parser)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--reset", action="store_true", help="start over with fresh databases")
    what.add_argument("--stop", action="store_true", help="stop the demonstration's server")
    what.add_argument("--path", action="store_true", help="print the folder of its project, to try commands in")


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", metavar="PORT", type=port, help="listen on this port (default: a free one)")
    parser.add_argument("--bind", metavar="ADDRESS", default="127.0.0.1", help="an address of this machine (127.0.0.1)")
    parser.add_argument("--allow-changes", action="store_true", help="let the browser do what the terminal can")


def _impact_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "changes", nargs="*", metavar="CHANGE", help="or files and folders of SQL; default: what is pending, or all"
    )
    target_option(parser)
    parser.add_argument("--revert", action="store_true", help="the revert scripts instead of the deploy scripts")
    parser.add_argument("--file", metavar="FILE", help="an SQL file instead of changes of the plan")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default=None, help="default: table")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--fail-on", choices=RISKS[1:], metavar="RISK", help="exit 3 from this risk on: low … critical")
    schema_options(parser)
    variables_option(parser)


def _lint_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="CHANGE", help="or files and folders of SQL; default: the whole plan"
    )
    parser.add_argument("--file", metavar="FILE", help="an SQL file instead of changes of the plan")
    parser.add_argument("--format", choices=LINT_FORMATS, default=None, help="default: text")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument(
        "--fail-on", choices=("info", "warning", "error"), default=None, metavar="SEVERITY", help="exit 3 from this on"
    )
    parser.add_argument(
        "--off", action="append", default=[], metavar="CODE", help="without this rule; may be said again"
    )
    parser.add_argument("--baseline", metavar="FILE", help="tell only what this file doesn't hold")
    parser.add_argument("--write-baseline", metavar="FILE", help="keep all findings there, and tell none")
    schema_options(parser)
    variables_option(parser)


def _rehearse_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment, and a change as with --to")
    target_option(parser)
    to_option(parser, "last change to rehearse")
    parser.add_argument(
        "--server", metavar="TARGET", help="make the copy on this server, of the same major version, not on our own"
    )
    variables_option(parser)


def _test_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("changes", nargs="*", metavar="CHANGE", help="changes to test; default: the whole plan")
    parser.add_argument(
        "--target", metavar="TARGET", help="what is pending there, on copies of it; pgmig.toml says test = true of it"
    )
    parser.add_argument(
        "--rows",
        metavar="[TABLE=]N",
        action="append",
        type=rows,
        default=[],
        help="before each deploy so many rows in every table, or in this one (with its schema); may be said again",
    )
    parser.add_argument(
        "--dump",
        metavar="FILE",
        help="what is pending in this archive of pg_dump, its rows masked by -- mask: rules",
    )
    parser.add_argument(
        "--queries", metavar="FILE", help="plans and times of these queries before and after each deploy"
    )
    parser.add_argument(
        "--command",
        metavar="COMMAND",
        dest="application",
        help="the application's own tests, run where the last change is deployed: PGHOST, DATABASE_URL lead there",
    )
    parser.add_argument("--junit", metavar="FILE", help="write the result there as JUnit's XML")
    parser.add_argument("--markdown", metavar="FILE", help="write the result there as Markdown")
    variables_option(parser)


def _drift_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("left", metavar="A", help="an environment")
    parser.add_argument("right", metavar="B", help="another one, or `plan`")
    variables_option(parser)


def _compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("left", metavar="A", help="an environment")
    parser.add_argument("right", metavar="OTHER", help="another one")


def _document_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", nargs="?", default="plan", metavar="TARGET", help="an environment, as it is; default: `plan`"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file isn't up to date")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there, or to stdout: - (docs/schema.md)")
    parser.add_argument("--force", action="store_true", help="overwrite a file that something else has written")
    variables_option(parser)
    log = parser.add_argument_group("instead of the schema")
    log.add_argument("--changelog", action="store_true", help="the plan's notes by their tags, newest first; to stdout")
    log.add_argument("--since", metavar="TAG", help="only what comes behind it, such as @v1.0")
    log.add_argument("--from", metavar="CHANGE", dest="first", help="first change")
    log.add_argument("--to", metavar="CHANGE", help="last change")


def _roles_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--print", action="store_true", required=True, help="print the SQL; nothing is asked or made")
    parser.add_argument(
        "--owner", metavar="ROLE", required=True, help="the role that owns the tables that changes alter"
    )
    parser.add_argument(
        "--prefix", metavar="NAME", help="how their names begin (the database); the same everywhere is no drift"
    )
    parser.add_argument("--role", action="append", choices=ROLES, help="only this one; may be said again")


def _watch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument(
        "--for",
        type=milliseconds,
        default=900_000,
        dest="duration",
        metavar="TIME",
        help="how long, such as 15min (15min)",
    )
    parser.add_argument(
        "--interval", type=milliseconds, default=10_000, metavar="TIME", help="how often, such as 10s (10s)"
    )
    parser.add_argument("--run", metavar="RUN", help="the deploy run that is looked at (the last one)")
    parser.add_argument(
        "--baseline", action="store_true", help="before a deploy: keep what the database does, judge nothing"
    )
    parser.add_argument("--json-lines", action="store_true", help="an interval on each line, the verdict on the last")


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when a check fails or is unknown")
    parser.add_argument("--item", metavar="ITEM", help="all that is known of this item: its query, rows, server, times")


def _after_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its ID, as `pgmig-tui runs` lists it")
    parser.add_argument("--exit-code", action="store_true", help="exit 1 while something of it is open")
    parser.add_argument("--item", metavar="ITEM", help="all that is known of this item")


def _answer_options(parser: argparse.ArgumentParser) -> None:
    what = "the run that is over, or the environment that is to be deployed to"
    parser.add_argument("about", metavar="RUN|TARGET", help=what)
    said = "an item of `after RUN` or `check TARGET`, and what a person says of it; ITEM= withdraws it"
    parser.add_argument("answers", nargs="*", metavar="ITEM=NOTE", help=said)
    parser.add_argument("-y", "--yes", action="store_true", help="withdraw without a question")
    target_option(parser)


def _accept_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--sha256", metavar="HASH", help="the text with this hash is accepted, without a question")


def _review_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment, and a change as with --to")
    target_option(parser)
    to_option(parser, "last change to deploy")
    parser.add_argument("--format", choices=("markdown", "html", "json"), default=None, help="default: markdown")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there")


def _hooks_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--event", metavar="EVENT", choices=HOOKS, help=f"only this hook: {', '.join(HOOKS)}")
    parser.add_argument("--send-test", action="store_true", help="send it now, marked as a test")


def _approve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment, and a change as with --to")
    target_option(parser)
    to_option(parser, "last change to approve")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--role", metavar="ROLE", help="the role of pgmig.toml to speak for")
    what.add_argument("--list", action="store_true", help="who has approved, and why an approval doesn't count")
    what.add_argument("--revoke", metavar="NUMBER", type=positive, help="revoke the approval of that number")
    what.add_argument("--create", action="store_true", help="make the table of approvals, in the tracking schema")
    parser.add_argument("--ssh-key", metavar="FILE", help="sign with this key, instead of by the database role")
    parser.add_argument("--reject", action="store_true", help="reject it; --note says why")
    parser.add_argument("--note", metavar="TEXT", help="what is said with it")
    parser.add_argument("--packet", metavar="HASH", help="only if it is this packet that is up for approval")
    parser.add_argument("-y", "--yes", action="store_true", help="don't ask")


def _reconcile_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("-y", "--yes", action="store_true", help="end the sessions that a run left on the server")
    parser.add_argument("--confirm", metavar="WORD", help="the same for a protected environment: its confirmation word")
    parser.add_argument(
        "--same-server", action="store_true", help="the run worked on this server, where nothing else can tell"
    )
    settled = parser.add_mutually_exclusive_group()
    settled.add_argument("--record", action="store_true", help="record a change that is applied and has no record")
    settled.add_argument(
        "--leave", action="store_true", help="leave it without a record: the next deploy runs it again"
    )


def _undo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="the rollback; default: list what is kept")
    parser.add_argument("--overwrite", action="store_true", help="replace values that were written since, too")
    parser.add_argument("-y", "--yes", action="store_true", help="answer yes for an environment that isn't protected")
    parser.add_argument("--confirm", metavar="WORD", help="the confirmation word of a protected environment")
    parser.add_argument("--accept-data-loss", action="store_true", help="go on although --overwrite loses values")


def _runs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="report this run in Markdown")
    which = parser.add_argument_group("which ones", "in a project's folder those of the project, else all")
    whose = which.add_mutually_exclusive_group()
    whose.add_argument("--all", action="store_true", help="of all projects")
    whose.add_argument("--project", metavar="NAME", help="of this project")
    which.add_argument(
        "--env", metavar="TARGET", action="append", default=[], dest="environments", help="on this environment"
    )
    which.add_argument("--since", metavar="TIME", type=since, help="started since then: 7d, 2h, 2026-11-30 (UTC)")
    outcomes = ("running", "finished", "failed", "unknown")
    which.add_argument("--outcome", action="append", choices=outcomes, help="in this state; may be said again")
    orders = ("started", "ended", "environment", "project", "command", "state")
    which.add_argument("--sort", choices=orders, default="started", help="by what (started, the newest first)")
    which.add_argument("--reverse", action="store_true", help="the other way round")


def _history_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--change", metavar="CHANGE", help="only this change, by its name or its ID")
    parser.add_argument(
        "--since", metavar="TIME", type=since, help="only what was done since then: 7d, 2h, 2026-11-30 (UTC)"
    )
    parser.add_argument("--by", metavar="WHO", help="only by whoever's name, address or role has this in it")
    parser.add_argument("--outcome", action="append", choices=OUTCOMES, metavar="NAME", help=" · ".join(OUTCOMES))
    parser.add_argument("--operation", action="append", choices=OPERATIONS, metavar="NAME", help=" · ".join(OPERATIONS))
    parser.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    took = "how long --change took, each time, with bars; without TARGET in all environments"
    parser.add_argument("--durations", action="store_true", help=took)


def _maintain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument(
        "--section", action="append", choices=SECTIONS, metavar="NAME", help=f"only this one of {', '.join(SECTIONS)}"
    )
    parser.add_argument(
        "--reviewed", action="store_true", help="keep that you have gone through it: what comes later is new"
    )
    parser.add_argument(
        "--drill",
        action="store_true",
        help="restore a backup into a server of our own, and say how long that takes",
    )
    parser.add_argument("--backup", metavar="FILE", help="with --drill: this dump instead of the newest")


def _audit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verify", "trim"), help="what to do with the record")
    parser.add_argument("arguments", nargs="*", metavar="TARGET", help="the environment")
    parser.add_argument("--all", action="store_true", dest="everywhere", help="of all environments, against each other")
    parser.add_argument("--before", metavar="DATE", help="trim: rows older than that, 2026-01-31 (UTC), or a time")
    parser.add_argument(
        "--export", metavar="FILE", help="trim: the new file that they go into; without it: what would go"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="answer yes for an environment that isn't protected")
    parser.add_argument("--confirm", metavar="WORD", help="the confirmation word of a protected environment")


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its ID, as `pgmig-tui runs` lists it")
    parser.add_argument("--incident", action="store_true", help="with the run that it rolled back, losses and locks")
    pictures = "html: one page with pictures that needs no other file (default: markdown)"
    parser.add_argument("--format", choices=("markdown", "html", "json"), default=None, help=pictures)
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there")


def _attach_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resume", action="store_true", help="let a run go on that is paused")
    parser.add_argument(
        "run", nargs="?", metavar="TARGET_OR_RUN", help="an environment, or a run; default: the newest under way"
    )
    parser.add_argument("--json-lines", action="store_true", help="the journal's events on stdout, one a line")


def build_parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The grammar. The parsed namespace carries `command` (None = the screen). With the `words` of a command line, only
    a command that is among them gets its options: all of them take longer than what most commands do."""
    common = common_options("-f", "--plan-file")
    parser = Parser(prog="pgmig-tui", description=DESCRIPTION, epilog=EPILOG, parents=[common])
    parser.add_argument("--version", action="version", version=f"pgmig-tui {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, title="commands")

    def add(name: str, text: str, *options: Options, more: str = "", epilog: str = "", letter: bool = True) -> None:
        """`more` and `epilog` are said in the command's own help; without `letter` -f isn't the plan file there;
        without a `text` the command isn't listed."""
        told: dict[str, Any] = {"help": text} if text else {}
        if words is not None and name not in words:
            commands.add_parser(name, add_help=False, **told)
            return
        command: Parser = commands.add_parser(
            name,
            description=f"{text}{more}",
            epilog=epilog or None,
            parents=[common if letter else common_options("--plan-file")],
            add_help=connection_options not in options,
            **told,
        )
        for option in options:
            option(command)

    add("demo", "try it out on PostgreSQL servers of its own", _demo_options)
    add("serve", "the screen in a browser of this machine, by an address that works once", _serve_options)
    add_reading(add)
    add_writing(add)
    add("impact", "locks, rewrites and data loss of changes", _impact_options)
    guide = "what a reviewer would say of scripts: names, transactions, verify and revert scripts, traps"
    add("lint", guide, _lint_options, more=LINT)
    copy = "the pending changes on a scratch copy: measured locks, reverts, a second deploy"
    add("rehearse", copy, json_option, connection_options, _rehearse_options)
    eight = "changes through verify, deploy, revert and deploy again, in databases of our own, for CI"
    add("test", eight, json_option, _test_options, more=TEST)
    same = "whether two environments, or one and its plan, have the same schema"
    add("drift", same, json_option, _drift_options, more=DRIFT)
    beside = "what two environments have deployed, side by side: changes, scripts, order and tags"
    add("compare", beside, json_option, _compare_options, more=COMPARE)
    schema = "the documentation of the schema, from the plan or an environment, as Markdown"
    add("document", schema, json_option, _document_options, more=DOCUMENT)
    look = "statements after a deploy, those on what was changed against all others"
    add("watch", look, target_option, json_option, connection_options, _watch_options, more=WATCH)
    add("roles", "the roles of an environment as SQL, for whoever makes them", target_option, _roles_options)
    checks = "the whole checklist of a deploy: seen by the program, said by whom, missing"
    add("check", checks, target_option, json_option, connection_options, _check_options, more=CHECK)
    add("after", "what comes after a run: what it did, what people must say", json_option, _after_options)
    add("answer", "answer items of a checklist by a person's word", json_option, _answer_options)
    runs = "let pgmig.toml's commands and webhooks (backup, checks, hooks) run, after reading them"
    add("accept", runs, target_option, _accept_options)
    tells = "whom runs there tell what, by [hooks] of pgmig.toml; nobody is told by this"
    add("hooks", tells, target_option, json_option, connection_options, _hooks_options)
    for name, text in (
        ("deploy", "deploy changes"),
        ("revert", "revert changes, newest first; needs --to or --all"),
        ("verify", "run the verify scripts of deployed changes"),
    ):
        add(name, text, connection_options, partial(_run_options, command=name))
    packet = "the packet of what is pending: scripts, impact, way back, approvals"
    add("review", packet, json_option, connection_options, _review_options)
    said = "approve or reject what is pending, revoke that, or list it"
    add("approve", said, json_option, connection_options, _approve_options)
    settle = "settle a run that was cut off, from what server and journal say"
    add("reconcile", settle, target_option, json_option, connection_options, _reconcile_options)
    batches = "a data migration in batches that give way to others and can be resumed"
    add("backfill", batches, connection_options, _backfill_options)
    back = "roll back the last deploy run, or to a point that is named, in an emergency"
    add("rollback", back, json_option, connection_options, _rollback_options)
    add("undo", "bring back what a rollback has saved, after a redeploy", json_option, target_option, _undo_options)
    add("runs", "list the runs of this host, or report one of them", json_option, _runs_options)
    add("report", "a run in Markdown, or the record of an incident", json_option, _report_options)
    past = "what was done to an environment: the registry's events and the tracking tables, as one"
    add("history", past, target_option, json_option, connection_options, _history_options)
    tasks = "the regular tasks: history, leftovers, retention, old migrations, documents, recovery drill, access"
    add("maintain", tasks, target_option, json_option, connection_options, _maintain_options, more=MAINTAIN)
    chain = "is the record of an environment whole, by its chain and by others' witness; or export and trim it"
    add("audit", chain, target_option, json_option, connection_options, _audit_options)
    add("attach", "join a run that is under way, or watch one of another account on its server", _attach_options)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with status 2 and a message on stderr when it can't be understood."""
    parser = build_parser(argv)
    arguments = parser.parse_args(argv)
    for name in ("directory", "plan_file", "top_dir", "registry", "engine", "client"):
        if not hasattr(arguments, name):
            setattr(arguments, name, None)
    arguments.quiet = getattr(arguments, "quiet", False)
    arguments.verbose = 0 if arguments.quiet else getattr(arguments, "verbose", None) or 0
    if (letter := getattr(arguments, "letter_f", None)) is not None:
        take_letter(arguments, letter)
    if arguments.engine not in (None, "pg"):
        parser.error(f"--engine {arguments.engine}: pgmig-tui works on PostgreSQL only")
    return arguments
