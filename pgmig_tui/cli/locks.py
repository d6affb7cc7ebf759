"""`pgmig-tui locks`: who waits for whom on an environment, as the screen shows it, in sentences."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.activity import mode_words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.database.activity import ServerSession
    from pgmig_tui.database.locks import TreeLock

QUERY = 200
"""So many characters of a query are told to a person; `--json` has it as the server does."""


def locks(arguments: Namespace) -> int:
    """One look, without taking a lock. Exit status 5 when the server can't be reached."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.database.locks import tree_here, tree_locks

    _, environment, _ = environment_and_change(arguments)
    with connect(environment.target, application_name=application_name("locks", "look"), kind="watch") as connection:
        tree = tree_here(connection)
        held = tree_locks(connection, {one.pid for one in tree if one.pid})
        rows = [
            _row(one, behind, held, connection.mask(one.query) if one.query else "") for one, behind in _behind(tree)
        ]
    if arguments.json:
        output.document({"environment": environment.name, "sessions": rows})
        return 0
    if not rows:
        output.say(line(("+ ", "done"), f"nobody waits for a lock on {safe(environment.name)}"))
    for row in rows:
        for told in _sentences(row):
            output.say(told)
    return 0


def _behind(tree: Sequence[ServerSession]) -> Iterator[tuple[ServerSession, int | None]]:
    """Each session, and the pid for which it waits; None at the root. 0 is a prepared transaction."""
    path: list[int] = []
    for one in tree:
        del path[one.depth :]
        yield one, path[-1] if path else None
        path.append(one.pid)


def _row(one: ServerSession, behind: int | None, held: Iterable[TreeLock], query: str) -> dict[str, object]:
    mine = [lock for lock in held if lock.pid == one.pid]
    return {
        "pid": one.pid,
        "waits_for": behind,
        "user": one.user,
        "application": one.application,
        "state": one.state,
        "transaction_s": one.xact_s,
        "wants": [_lock(lock) for lock in mine if not lock.granted],
        "holds": [_lock(lock) for lock in mine if lock.granted],
        "query": query,
    }


def _lock(lock: TreeLock) -> dict[str, object]:
    return {"mode": lock.mode, "kind": lock.kind, "relation": lock.relation, "waited_s": lock.waited_s}


def _sentences(row: dict[str, object]) -> Iterator[Line]:
    pid, behind = row["pid"], row["waits_for"]
    who = f"pid {pid}" if pid else "a prepared transaction"
    names = ", ".join(safe(str(one)) for one in (row["application"], row["user"]) if one)
    since = row["transaction_s"]
    open_for = f", in a transaction for {words.duration(since * 1000)}" if isinstance(since, float | int) else ""
    waits = "" if behind is None else f" waits for {f'pid {behind}' if behind else 'a prepared transaction'}"
    role: Role = "waiting" if waits else "strong"
    head = f"{who}{f' ({names})' if names else ''}: {safe(str(row['state'] or 'state hidden'))}{open_for}"
    yield line(
        ("~ " if waits else "! ", "waiting"), (head, "strong"), (f";{waits}" if waits else "; is in the way", role)
    )
    for label in ("wants", "holds"):
        found = row[label]
        told = [_told(lock) for lock in found] if isinstance(found, list) else []
        if told:
            yield line(f"    {label} {words.listing(told, 5)}")
    if query := " ".join(safe(str(row["query"]), multiline=True).split()):
        yield line("    query: ", (query[:QUERY] + ("…" if len(query) > QUERY else ""), "muted"))


def _told(lock: dict[str, object]) -> str:
    on = f" on {safe(str(lock['relation']))}" if lock["relation"] else f" ({safe(str(lock['kind']))})"
    waited = lock["waited_s"]
    since = f" for {words.duration(waited * 1000)}" if isinstance(waited, float | int) else ""
    return f"{mode_words(str(lock['mode']))}{on}{since}"
