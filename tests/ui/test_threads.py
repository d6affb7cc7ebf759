"""What is done in threads when the screen is left."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pgmig_tui.report import conclusion
from pgmig_tui.ui import threads
from pgmig_tui.ui.backend.rolling import Followed

DEADLINE_S = 20.0


def test_the_record_of_a_rollback_is_written_although_the_screen_is_left_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, written, said = threading.Event(), threading.Event(), threading.Event(), threading.Event()

    def slowly(*about: Any) -> None:
        begun.set()
        assert released.wait(DEADLINE_S)
        written.set()

    monkeypatch.setattr(conclusion, "conclude", slowly)
    ended = SimpleNamespace(run_id="20260820-031500-ab12", finished=True, poll=lambda _=0: [], alive=lambda: False)
    found = SimpleNamespace(plan=None)
    followed = Followed(cast(Any, ended), cast(Any, None), cast(Any, None), cast(Any, found), tmp_path)
    followed.poll()
    followed.poll()
    assert begun.wait(DEADLINE_S)
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        said.set()

    leaving = threading.Thread(target=threads.finish, args=[say], daemon=True)
    leaving.start()
    assert said.wait(DEADLINE_S)
    assert not written.is_set()
    assert leaving.is_alive(), "it waits"
    released.set()
    leaving.join(DEADLINE_S)
    assert written.is_set()
    assert told == [
        "looking at what is true after run 20260820-031500-ab12, for the record ... (Ctrl-C leaves it undone)"
    ]
