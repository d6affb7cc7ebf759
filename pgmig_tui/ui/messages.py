"""What threads tell the screens. A thread posts one of these and touches nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from pgmig_tui.database.pulse import PulseBeat
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.watch_picture import WatchPicture
    from pgmig_tui.run.journal.entry import Entry
    from pgmig_tui.ui.backend.protocol import Foreign, LockTree, Reread, RunFacts, StatusFacts


class EnvironmentAnswered(Message):
    """An environment answered, or said why it can't."""

    def __init__(self, status: StatusFacts) -> None:
        super().__init__()
        self.status = status


class ProjectRead(Message):
    """Plan or configuration on disk are others: the project anew, or why it can't be read."""

    def __init__(self, reread: Reread | None, problem: str = "") -> None:
        super().__init__()
        self.reread = reread
        self.problem = problem


class ScriptsChanged(Message):
    """Scripts of these changes (IDs) are others on disk by now."""

    def __init__(self, changes: tuple[str, ...]) -> None:
        super().__init__()
        self.changes = changes


class RunsListed(Message):
    """The runs of this host were read."""

    def __init__(self, runs: tuple[RunFacts, ...]) -> None:
        super().__init__()
        self.runs = runs

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunsListed)


class DriftKnown(Message):
    """What the last looks at the drift of environments have found was read."""

    def __init__(self, known: Mapping[str, KnownDrift]) -> None:
        super().__init__()
        self.known = known


class WorkFinished(Message):
    """A piece of work ended: `done` gets its value, `failed` what went wrong, on the event loop."""

    def __init__(
        self, done: Callable[[Any], None], failed: Callable[[Exception], None], value: object, error: Exception | None
    ) -> None:
        super().__init__()
        self.done = done
        self.failed = failed
        self.value = value
        self.error = error


class JournalRead(Message):
    """New lines of a run's journal, many at once; `alive` is whether its process still is."""

    def __init__(self, run_id: str, events: Sequence[Entry], alive: bool) -> None:
        super().__init__()
        self.run_id = run_id
        self.events = events
        self.alive = alive


class PulseRead(Message):
    """How an environment does was asked; `problem`: why it couldn't be."""

    def __init__(self, beat: PulseBeat | None, problem: str = "") -> None:
        super().__init__()
        self.beat = beat
        self.problem = problem


class LocksRead(Message):
    """The lock tree of an environment was read."""

    def __init__(self, tree: LockTree) -> None:
        super().__init__()
        self.tree = tree

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LocksRead)


class ForeignRead(Message):
    """What works on an environment was asked."""

    def __init__(self, foreign: Foreign) -> None:
        super().__init__()
        self.foreign = foreign

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ForeignRead)


class WatchRead(Message):
    """What an environment does since its deploy was looked at; `problem`: why it couldn't be."""

    def __init__(self, picture: WatchPicture | None, problem: str = "") -> None:
        super().__init__()
        self.picture = picture
        self.problem = problem

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, WatchRead)
