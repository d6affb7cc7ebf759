"""The items that a project adds to the lists (`[[check]]`): what answers them, bounded whatever they do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult, State, utc
from pgmig_tui.database.connect import ConnectionLost, ServerError, application_name, connect
from pgmig_tui.database.own_sql import MOST_ROWS, ServerAnswer, ask, end_session
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.accepted import digest, is_accepted
from pgmig_tui.gates.program import run
from pgmig_tui.script.question import NoQuestion, question_in

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.own_checks import OwnCheck

BEFORE = ("pre", "deploy")
"""The lists that are asked before a deploy."""
AFTER = {"deploy": ("post",), "backfill": ("post",), "revert": ("emergency",), "rollback": ("emergency",)}
"""The list that comes after a run of a command."""
MOST_LINES = 50
_BY_STATUS: Mapping[int | None, State] = {0: "PASS", 1: "FAIL"}
_CONNECT_S = 5


def own_results(
    environment: Environment, lists: Collection[str], root: Path, state_dir: Path, env: Mapping[str, str]
) -> list[CheckResult]:
    """What answers them now. Never raises: what can't be found out is UNKNOWN."""
    wanted = [one for one in environment.checks if one.list in lists]
    found = [_command(one, environment, root, state_dir, env) for one in wanted if one.command]
    questions = [one for one in wanted if one.sql]
    return [*found, *_questions(questions, environment)] if questions else found


def _questions(checks: Sequence[OwnCheck], environment: Environment) -> list[CheckResult]:
    """What the server answers. One that costs the session doesn't cost the next its answer: it is asked in another."""
    results: list[CheckResult] = []
    lost = 0
    name = application_name("check", "own")
    while lost or len(results) < len(checks):
        try:
            with connect(
                environment.target, application_name=name, connect_timeout=_CONNECT_S, kind="watch"
            ) as session:
                if lost:
                    with contextlib.suppress(ServerError):
                        end_session(session, lost)
                lost = _asked(checks[len(results) :], session, results)
        except PgmigError as error:
            lost = 0
            results += [_result(one, "UNKNOWN", error.what, ServerAnswer()) for one in checks[len(results) :]]
    return results


def _asked(checks: Sequence[OwnCheck], session: Connection, results: list[CheckResult]) -> int:
    """Asks them in turn, up to one that loses the session: the pid of that, else 0."""
    for one in checks:
        try:
            results.append(_question(one, session))
        except ConnectionLost as error:
            results.append(_result(one, "UNKNOWN", f"{error.what}; its session was given up", ServerAnswer()))
            return session.pid
    return 0


def _question(one: OwnCheck, connection: Connection) -> CheckResult:
    try:
        kind, sql = question_in(one.sql)
    except NoQuestion as error:
        return _result(one, "UNKNOWN", f"not asked: {error}", ServerAnswer())
    answer = ask(connection, kind, sql, one.timeout_ms)
    if answer.problem:
        return _result(one, "UNKNOWN", f"{answer.problem} (as {answer.role})", answer)
    good, told = _judged(one, answer)
    return _result(one, "PASS" if good else "FAIL", f"{told} (as {answer.role})", answer)


def _judged(one: OwnCheck, answer: ServerAnswer) -> tuple[bool, str]:
    many = f"more than {words.count(MOST_ROWS, 'row')}" if answer.more else words.count(len(answer.rows), "row")
    if one.expect == "equals":
        if answer.value is None:
            return False, f"{many} of other form than one value, {one.equals} was expected"
        return answer.value == one.equals, f"{answer.value[:200]}, {one.equals} was expected"
    if one.expect == "rows":
        return bool(answer.rows), many if answer.rows else "no rows, some were expected"
    return not answer.rows, f"{many}, none was expected" if answer.rows else "no rows, as expected"


def _result(one: OwnCheck, state: State, summary: str, answer: ServerAnswer) -> CheckResult:
    digest = sha256(one.sql.encode()).hexdigest()
    times = (answer.started_at or utc(time.time()), answer.finished_at or utc(time.time()))
    return CheckResult(one.item_id, one.title, state, summary, answer.rows, digest, *times, answer.role, one.sql)


def program_name(one: OwnCheck) -> str:
    """What is accepted when its program is."""
    return f"check {one.name}"


def _command(
    one: OwnCheck, environment: Environment, root: Path, state_dir: Path, env: Mapping[str, str]
) -> CheckResult:
    """A program's answer, once a person of this account has accepted its text."""
    started = utc(time.time())
    shown = " ".join(one.command)
    what = program_name(one)
    told = digest(root, what, one.command)
    if not is_accepted(state_dir, root, what, one.command):
        summary = f"not run until somebody of this account accepts it: `pgmig-tui accept {environment.name}` ({shown})"
        return _ran(one, "UNKNOWN", summary, told, started)
    more = {"PGMIG_ENVIRONMENT": environment.name, "PGMIG_CHECK": one.name}
    ended = run(one.command, root, one.timeout_ms / 1000, env, more)
    lines = ended.output.splitlines()
    first = lines[0][:200] if lines else "it printed nothing"
    if ended.problem:
        return _ran(one, "UNKNOWN", ended.problem, told, started, lines)
    state = _BY_STATUS.get(ended.status, "UNKNOWN")
    return _ran(one, state, f"exit status {ended.status}: {first}", told, started, lines)


def _ran(
    one: OwnCheck, state: State, summary: str, digest: str, started: str, lines: Sequence[str] = ()
) -> CheckResult:
    rows = tuple({"line": text[:2000]} for text in lines[:MOST_LINES])
    return CheckResult(one.item_id, one.title, state, summary, rows, digest, started, utc(time.time()))
