"""The lock tree as rows of a list: who blocks most comes first, and a crowd that waits for one session is one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, count, listing
from pgmig_tui.ui.backend.protocol import LockSession

SHOWN = 3
"""Of those who wait for one session these have a row each, the longest waits; the rest have one together."""
_LEAST = 3
"""So many at least are put together: fewer take hardly more room."""
_NAMED = 3


def rows_of(sessions: Sequence[LockSession], unfolded: Collection[int]) -> list[LockSession]:
    """A tree, depth first, as rows. `unfolded` are the pids behind whom everybody is shown.

    Put together are only those for whom nobody waits, at that point of the tree, and never a session of ours.
    """
    trees: list[list[LockSession]] = []
    for one in sessions:
        if one.session.depth == 0 or not trees:
            trees.append([])
        trees[-1].append(one)
    trees.sort(key=len, reverse=True)
    return [row for tree in trees for row in _folded(tree, unfolded)]


def _folded(tree: Sequence[LockSession], unfolded: Collection[int]) -> Iterator[LockSession]:
    crowds: dict[int, list[int]] = {}  # indexes into the tree, by that of the session that they wait for
    path: list[int] = []
    for index, one in enumerate(tree):
        depth = one.session.depth
        del path[depth:]
        last = index + 1 == len(tree) or tree[index + 1].session.depth <= depth
        if path and last and one.session.pid and not one.session.ours:
            crowds.setdefault(path[-1], []).append(index)
        path.append(index)
    gone: set[int] = set()
    behind: dict[int, LockSession] = {}
    for parent, indexes in crowds.items():
        pid = tree[parent].session.pid
        rest = sorted(indexes, key=lambda index: -(tree[index].wait_ms or 0))[SHOWN:]
        if len(rest) >= _LEAST and pid not in unfolded:
            gone.update(rest)
            first = tree[rest[0]]
            more = tuple(tree[index] for index in sorted(rest))
            behind[max(indexes)] = replace(first, wants="", holds="", more=more, behind=pid)
    for index, one in enumerate(tree):
        if index not in gone:
            yield one
        if index in behind:
            yield behind[index]


def whole_session(row: LockSession) -> str:
    """All that is known of a row, in one text."""
    if row.more:
        return " ".join((crowd_words(row), *crowd_lines(row)[1:]))
    session = row.session
    parts = (str(session.pid), session.user, session.application, session.state, session.query, row.wants, row.holds)
    return safe(" ".join(part for part in parts if part))


def crowd_words(row: LockSession) -> str:
    """Such as `+27 more wait for pid 777: web 20 and batch 7, the longest for 00:41`."""
    waits = [one.wait_ms for one in row.more if one.wait_ms is not None]
    longest = f", the longest for {clock(max(waits) / 1000)[3:]}" if waits else ""
    return f"+{len(row.more)} more wait for pid {row.behind}: {_counted(_who(one) for one in row.more)}{longest}"


def crowd_lines(row: LockSession) -> list[str]:
    """What they want, by how many, and which processes they are."""
    wants = _counted(one.wants or "hidden from this role" for one in row.more)
    pids = listing([str(one.session.pid) for one in row.more], 12)
    return [f"{count(len(row.more), 'session waits', 'sessions wait')} for pid {row.behind}", f"wants {wants}", pids]


def _who(one: LockSession) -> str:
    return safe(one.session.application or one.session.user or "?")


def _counted(names: Iterator[str]) -> str:
    return listing([f"{name} {number}" for name, number in Counter(names).most_common()], _NAMED)
