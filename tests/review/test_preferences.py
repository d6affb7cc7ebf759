"""What a person has chosen for the screen is there again, whatever its file has become."""

from __future__ import annotations

import os
from pathlib import Path

from pgmig_tui.review import key_file, preferences


def test_choices_are_kept_beside_each_other_and_what_can_not_be_read_is_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert preferences.read(state) == {}
    preferences.keep(state, "theme", "pgmig-light")
    preferences.keep(state, "other", "one")
    assert preferences.read(state) == {"theme": "pgmig-light", "other": "one"}
    for text in ("", "[]", '{"theme": 1}', "[" * 5000, '{"theme": "pg'):
        (state / "screen.json").write_text(text)
        assert preferences.read(state) == {}
        assert ("is ignored: " in preferences.trouble(state)) == (text != '{"theme": 1}')
    preferences.keep(state, "theme", "pgmig-dark")
    assert preferences.trouble(state) == ""
    assert preferences.read(state) == {"theme": "pgmig-dark"}
    assert [(path.name, path.stat().st_mode & 0o777) for path in state.iterdir()] == [("screen.json", 0o600)]


def test_a_file_that_others_can_write_is_ignored_and_that_is_told(tmp_path: Path) -> None:
    preferences.keep(tmp_path, "theme", "pgmig-light")
    (tmp_path / "screen.json").chmod(0o620)
    assert preferences.read(tmp_path) == {}
    assert "others than this account can write it" in preferences.trouble(tmp_path)


def test_a_pipe_is_told_and_never_waited_for(tmp_path: Path) -> None:
    for name in ("screen.json", key_file.NAME):
        os.mkfifo(tmp_path / name)
    assert "it is no regular file" in preferences.trouble(tmp_path)
    assert "it is no regular file" in str(key_file.read(tmp_path / key_file.NAME))
