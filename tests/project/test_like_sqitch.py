"""The real sqitch reads the same plans and configuration, and reads them as we do."""

from __future__ import annotations

import os
import subprocess
from hashlib import sha1
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.config import read_files
from pgmig_tui.project.plan import parse_plan
from pgmig_tui.project.project import load_project

pytestmark = pytest.mark.sqitch

WHO = "2024-01-01T00:00:00Z X <x@y>"
PLANS = {
    "everything": """\
  % syntax-version = 9
# comment
%odd
%project = flip # note
%uri=HTTPS://Zoë@Exämple.COM:443/W/%7eada/ü?b=2

users 2024-01-02T03:04:05Z Zoë  Müller  <zoe @example.com> # Adds “users” — v1
  + flips\t[users !other:legacy o:@t]2024-01-02T03:05:00Z X <x>#line one\\n\\nline \\\\ three\\x\\n
- 阱/阪 [ flip:flips ] 2016-12-31T23:59:60ZX <x> # 0
\u3000@v1 2024-01-02T03:06:00Z Zoë Müller <zoe@example.com> # First
@v1.1 2024-01-02T03:06:00Z [z <z>

users [users@v1 flips @v1.1] 2024-01-03T00:00:00Z Zoë Müller <zoe@example.com>
a~1x [flips !users] 0000-02-29T00:00:00Z X <x> # \u2003 both ends \u2003
last [o:{id} o:x@HEAD] 2024-01-03T00:00:00Z X <x>
""".format(id="a" * 40).replace("[ flip", "[flip"),
    "dos": f"%project=dos\r\n\r\na {WHO}\r\n@t {WHO} # note\r\nb [a@t] {WHO}",
    "tags only at the end": f"%project=t\n# 0\na {WHO}\nb [a] {WHO}\n@t {WHO}\n@u {WHO}\n",
}
BAD_PLANS = {
    "no project": "\n%project=p\n",
    "lone hash": f"%project=p\n\na {WHO}\n#\n",
    "name 0": f"%project=p\n\n0 {WHO}\n",
    "word end": f"%project=p\n\na² {WHO}\n",
    "no month 13": "%project=p\n\na 2024-13-01T00:00:00Z X <x>\n",
    "own ID": f"%project=p\n\na [p:{'a' * 40}] {WHO}\n",
    "hidden by a rework": f"%project=p\n\na {WHO}\n@t {WHO}\na {WHO}\n@u {WHO}\nb [a@t] {WHO}\n",
    "blank after [": f"%project=p\n\na [ o:x] {WHO}\n",
    "byte order mark": "\ufeff%project=p\n\n",
}
CONF = """\
[core]
 engine = pg \t
 a = x#y ;z
 b = "a;b" 'c  d' \\"e\\" \\
   f
[target.Foo] uri = db:pg:a
[target "Foo"]
 URI = db:pg:b
 on
"""
LOOKUPS = ["HEAD^", "@v1~", "users@v1", "users@HEAD^^", "flips~2"]


def sqitch(folder: Path, *arguments: str) -> tuple[int, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SQITCH", "PG"))}
    env |= {"SQITCH_SYSTEM_CONFIG": "/nonexistent", "SQITCH_USER_CONFIG": "/nonexistent", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["sqitch", *arguments], cwd=folder, env=env, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode()


def write(folder: Path, text: str, conf: str = "[core]\nengine=pg\n") -> None:
    (folder / "sqitch.conf").write_text(conf)
    (folder / "sqitch.plan").write_bytes(text.encode())


@pytest.mark.parametrize("name", PLANS)
def test_change_ids_are_those_of_sqitch(tmp_path: Path, name: str) -> None:
    write(tmp_path, PLANS[name])
    status, printed = sqitch(tmp_path, "plan", "--format", "format:%H %n", "--no-headers")
    ours = parse_plan(PLANS[name].encode(), Path("sqitch.plan"))
    assert status == 0
    assert printed.splitlines() == [f"{change.change_id} {change.name}" for change in ours.changes]


def test_same_tag_ids_and_notes(tmp_path: Path) -> None:
    write(tmp_path, PLANS["everything"])
    for tag in parse_plan(PLANS["everything"].encode(), Path("sqitch.plan")).tags:
        _, text = sqitch(tmp_path, "show", "tag", f"@{tag.name}")
        body = text.removesuffix("\n").encode()
        assert sha1(b"tag %d\0%s" % (len(body), body)).hexdigest() == tag.tag_id


@pytest.mark.parametrize("name", BAD_PLANS)
def test_same_plans_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, BAD_PLANS[name])
    assert sqitch(tmp_path, "plan", "--no-headers")[0] not in (0, 1)
    with pytest.raises(ProjectError):
        parse_plan(BAD_PLANS[name].encode(), Path("sqitch.plan"))


@pytest.mark.parametrize("spec", LOOKUPS)
def test_a_change_is_looked_up_as_sqitch_does(tmp_path: Path, spec: str) -> None:
    write(tmp_path, PLANS["everything"])
    status, text = sqitch(tmp_path, "show", "change", spec)
    body = text.removesuffix("\n").encode()
    ours = parse_plan(PLANS["everything"].encode(), Path("sqitch.plan")).find(spec)
    assert status == 0
    assert sha1(b"change %d\0%s" % (len(body), body)).hexdigest() == ours.change_id


def test_the_configuration_is_read_as_sqitch_does(tmp_path: Path) -> None:
    write(tmp_path, "%project=p\n\n", CONF)
    _, printed = sqitch(tmp_path, "config", "--list")
    config = read_files([tmp_path / "sqitch.conf"])
    ours = {f"{section}.{key}": values[0].text for (section, key), values in config.values.items()}
    lines = [line.partition("=") for line in printed.splitlines() if line]
    theirs = {name: value if equals else None for name, equals, value in lines}
    assert ours == theirs


@pytest.mark.parametrize("present", ["a@t", "a@u"])
def test_same_script_of_a_reworked_change(tmp_path: Path, present: str) -> None:
    write(
        tmp_path,
        f"%project=p\n\na {WHO}\n@t {WHO}\nb {WHO}\n@u {WHO}\na {WHO}\n",
        "[core]\nengine=pg\nreworked_dir=old\n",
    )
    for path in (f"old/deploy/{present}.sql", f"old/revert/{present}.sql", "deploy/a.sql", "old/revert/a@u.sql"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    project = load_project(
        tmp_path, {"SQITCH_SYSTEM_CONFIG": "/nonexistent", "SQITCH_FULLNAME": "x", "SQITCH_EMAIL": "x"}
    )
    for kind in ("deploy", "revert"):
        _, text = sqitch(tmp_path, "show", kind, "a@t")
        script = project.script_path(project.plan.changes[0], "deploy" if kind == "deploy" else "revert")
        assert text.strip() == project.relative(script)
