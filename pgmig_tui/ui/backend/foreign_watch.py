"""What works on one environment, asked over and over on a connection of its own, and stopped. Its methods block."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.display.activity import Activity
from pgmig_tui.errors import PgmigError
from pgmig_tui.ui.backend.one_at_a_time import OneAtATime
from pgmig_tui.ui.backend.protocol import Foreign, ForeignSession

if TYPE_CHECKING:
    from pgmig_tui.database.foreign import ForeignLookout, RunSession, Sighting
    from pgmig_tui.project.environments import Environment

_RECORDED = 50


class EnvironmentForeign(OneAtATime):
    """A ForeignWatch. It keeps to the run that its first answer told of."""

    def __init__(self, environment: Environment, state_dir: Path) -> None:
        super().__init__()
        self._environment = environment
        self._state_dir = state_dir
        self._looking: ForeignLookout | None = None
        self._seen: Sighting | None = None
        self._follows = ""

    def read(self) -> Foreign:
        at = datetime.now(UTC)
        with self.asking():
            try:
                seen = self._look()
            except PgmigError as error:
                return Foreign(at, problem=error.what)
        from pgmig_tui.run.clients.foreign import is_local

        return _facts(at, seen, local=is_local(seen.run_id, self._state_dir))

    def _look(self) -> Sighting:
        from pgmig_tui.database.foreign import OTHER
        from pgmig_tui.run.clients.foreign import first_look, lookout

        if self._looking is None:
            self._looking = lookout(self._environment)
        looking = self._looking
        seen = looking.look(self._follows) if self._follows else first_look(looking)
        if not self._follows and not seen.over:
            self._follows = seen.run_id or OTHER
        self._seen = seen
        return seen

    def cancel(self, pid: int, started: str) -> bool:
        from pgmig_tui.run.clients.stopping import cancel_statement

        return cancel_statement(self._environment, pid, started)

    def stop(self, told: Callable[[str], None]) -> None:
        from pgmig_tui.errors import Refused
        from pgmig_tui.run.clients.stopping import stop, under_way

        now = "What is left of it is shown here."
        seen = self._seen
        running = under_way(seen.holder, self._state_dir) if seen is not None else None
        if seen is None or running is None or running.run_id != seen.run_id:
            raise Refused("it holds the lock no longer", now="Nothing was done.")
        stop(running, self._environment, self._state_dir, told, now=now)

    def drop(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.close()


def _facts(at: datetime, seen: Sighting, *, local: bool) -> Foreign:
    from pgmig_tui.review.foreign import activity, doing_words, end_words, ended, registry_words, who_words

    row, end = seen.row, ended(seen)
    step = seen.step_session
    return Foreign(
        at,
        run_id=seen.run_id,
        who=who_words(row) if row is not None else "",
        holder=str(seen.holder) if seen.holder is not None else "",
        doing=doing_words(row) if row is not None else "",
        state=seen.row.state if seen.row is not None else "",
        heartbeat_ms=seen.row.heartbeat_ms if seen.row is not None and not seen.row.finished else None,
        step=_session(step) if step is not None else None,
        sessions=tuple(_session(one) for one in seen.sessions),
        activity=activity(seen.live) if seen.live is not None else Activity(),
        recorded=tuple((one.event, one.change, one.at) for one in seen.recorded[-_RECORDED:]),
        registry=registry_words(end),
        unseen=seen.unseen,
        over=end_words(end) if seen.over else "",
        local=local,
    )


def _session(one: RunSession) -> ForeignSession:
    from pgmig_tui.review.foreign import session_words

    return ForeignSession(one.pid, one.started or "", session_words(one), one.query, one.hidden)
