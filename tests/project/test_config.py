"""sqitch.conf: syntax, the three files, single and multiple values."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.config import Config, read_config, read_files


def read(tmp_path: Path, text: str | bytes) -> Config:
    path = tmp_path / "sqitch.conf"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_files([path], home=str(tmp_path))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("x", "x"), ("x#y", "x#y"), ("x #y", "x"), ("x;y", "x;y"), ("x ;y", "x"), ('"a;b" ;c', "a;b"), ('"x"#y', "x"),
        ("a   b\t", "a b "), ("'q r'", "'q r'"), ('"a  b "c', "a  b c"), (r"a\tb\nc\\d\"e", 'a\tb\nc\\d"e'),
        ('"a\\tb\\"c\\\\"', 'a\tb"c\\'), ("a\\\n  b", "a b"), ('"a\\\nb"', "ab"), ("db:pg://h/x?a=b&c=d", "db:pg://h/x?a=b&c=d"),
        ("ü", "ü"),
    ],
)  # fmt: skip
def test_a_value_is_read_with_its_quotes_escapes_and_comments_resolved(
    tmp_path: Path, written: str, value: str
) -> None:
    config = read(tmp_path, f"[core]\n\tkey = {written}\n[next]\nother = 1\n")
    assert config.get("core.key") == value
    assert config.get("next.other") == "1"


def test_sections_and_keys_are_read_whatever_their_case_and_quotes(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        '\ufeff; comment\r\n[Core] Engine = pg\r\n[target "Foo"] uri = db:pg:a\n[target.Foo]\nURI=db:pg:b\n'
        '[engine "pg.variables"]\nMixedCase = 1\n[target "a\\"b\\\\c"]\nuri=x\n# [core]\n',
    )
    assert config.get("CORE.engine") == "pg"
    assert config.get("target.Foo.uri") == "db:pg:a"
    assert config.get("target.foo.uri") == "db:pg:b"
    assert config.get('target.a"b\\c.uri') == "x"
    assert config.section("engine.pg.variables") == {"MixedCase": "1"}
    assert config.subsections("target") == ("Foo", "foo", 'a"b\\c')
    assert config.has_section("target.Foo")
    assert not config.has_section("target.FOO")


def test_empty_values_count_as_unset(tmp_path: Path) -> None:
    config = read(tmp_path, '[core]\na =\nb\nc = ""\n')
    assert (config.get("core.a"), config.get("core.b"), config.get("core.c"), config.get("core.d")) == (None,) * 4


@pytest.mark.parametrize(
    ("written", "value"),
    [("= true", True), ("= YES", True), ("= on", True), ("= 1", True), ("", True), ("= no", False), ("= 0", False),
     ("= off", False), ("=", False), ("= False", False)],
)  # fmt: skip
def test_a_boolean_is_read_in_each_of_its_spellings(tmp_path: Path, written: str, value: bool) -> None:
    assert read(tmp_path, f"[deploy]\nverify {written}\n").bool("deploy.verify") is value


def test_a_bad_boolean_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r'sqitch.conf:3: deploy.verify is "maybe"'):
        read(tmp_path, "[deploy]\n\nverify = maybe\n").bool("deploy.verify")
    assert Config().bool("deploy.verify") is None


def test_a_key_given_twice_is_an_error_only_when_one_is_wanted(tmp_path: Path) -> None:
    config = read(tmp_path, "[core]\na = 1\na = 2\nb = 3\n")
    assert config.get("core.b") == "3"
    with pytest.raises(ProjectError, match="lines 2 and 3"):
        config.get("core.a")


def test_later_files_replace_key_by_key(tmp_path: Path) -> None:
    files = {"system": "[core]\na=1\nb=1\nb=1\nc=1\n", "user": "[core]\nb=2\nc=2\n", "local": "[core]\nc=3\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    env = {"SQITCH_SYSTEM_CONFIG": str(tmp_path / "system"), "SQITCH_USER_CONFIG": str(tmp_path / "user")}
    config = read_config(tmp_path, {**env, "SQITCH_CONFIG": "local"})
    assert [config.get(f"core.{key}") for key in "abc"] == ["1", "2", "3"]
    assert config.local_file == tmp_path / "local"


def test_the_project_file_is_searched_upwards_and_the_first_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    env = {"HOME": str(tmp_path / "home"), "SQITCH_SYSTEM_CONFIG": "/nonexistent"}
    assert read_config(deep, env).local_file != tmp_path / "sqitch.conf"
    (tmp_path / "sqitch.conf").write_text("[core]\na=1\nb=1\n")
    assert read_config(deep, env).get("core.a") == "1"
    (tmp_path / "a" / "sqitch.conf").write_text("[core]\na=2\n")
    config = read_config(deep, env)
    assert (config.get("core.a"), config.get("core.b")) == ("2", None)
    (tmp_path / "home" / ".sqitch").mkdir(parents=True)
    (tmp_path / "home" / ".sqitch" / "sqitch.conf").write_text("[core]\na=3\nb=3\n")
    config = read_config(deep, env)
    assert (config.get("core.a"), config.get("core.b")) == ("2", "3")


def test_includes_are_relative_to_the_including_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more").write_text("[core]\na = 2\n[include]\npath = ../third\n")
    (tmp_path / "third").write_text("[core]\nb = 3\n")
    config = read(tmp_path, "[core]\na = 1\n[include]\npath = sub/more\npath = missing\n[core]\nc = 4\n")
    assert (config.get("core.a"), config.get("core.b"), config.get("core.c")) == ("2", "3", "4")


def test_files_that_include_each_other_end_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, "[include]\npath = sqitch.conf\n")
    assert "include each other" in caught.value.details[0]


def test_all_bad_lines_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, 'a = 1\n[core\n[core]\nb = "open\nc = \\x\nd = 1\n[x "a"b"]\n')
    path = tmp_path / "sqitch.conf"
    assert [detail.split(": expected")[0] for detail in caught.value.details] == [
        f"{path}:1:1",
        f"{path}:2:1",
        f"{path}:4:5",
        f"{path}:5:5",
        f"{path}:7:1",
    ]
    assert caught.value.exit_status == 2


def test_bad_utf8_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, b"[core]\na = \xff\n")
    assert caught.value.details == (f"{tmp_path / 'sqitch.conf'}:2: byte 0xFF is not valid UTF-8",)
