"""What is copied gets to the terminal, to a file of ours, and to the tmux around us, a real one."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pgmig_tui.run.journal import private
from pgmig_tui.ui.clipboard import into_tmux
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import opened

TEXT = "DROP INDEX CONCURRENTLY dms.i;\n-- Zürich $(id) `id` \\ '\"\n"


async def test_y_tells_the_file_that_it_has_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    session = FakeSession()
    monkeypatch.setattr(session, "write", lambda name, text: private.write_out(tmp_path / "state", name, text))
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("y")
        await robot.sees(f"copied 1 line: {tmp_path}")
        (file,) = (tmp_path / "state" / "written").iterdir()
        assert file.read_text() == robot.app.clipboard
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_tmux_has_it_in_its_buffer(tmp_path: Path) -> None:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("there is no tmux here")
    socket = tmp_path / "s"
    ours = [tmux, "-S", str(socket), "-f", "/dev/null"]
    subprocess.run([*ours, "new-session", "-d", "cat"], check=True, timeout=20)
    try:
        env = {**os.environ, "TMUX": f"{socket},1,0"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMUX", env["TMUX"])
            assert into_tmux(TEXT, os.environ)
        shown = subprocess.run([*ours, "show-buffer"], capture_output=True, text=True, check=True, timeout=20)
        assert shown.stdout == TEXT
    finally:
        subprocess.run([*ours, "kill-server"], check=False, timeout=20)


def test_outside_tmux_and_where_it_has_gone_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not into_tmux(TEXT, {})
    monkeypatch.setenv("TMUX", f"{tmp_path}/gone,1,0")
    assert not into_tmux(TEXT, os.environ)
