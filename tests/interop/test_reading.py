"""What both programs print of one plan and one registry: `--format` character by character, `show`, `config`, `target`
and `engine`."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.programs import TIMEOUT_S, Program, Sqitch
from tests.interop.projects import reworked, unicode_text
from tests.servers import Server

pytestmark = pytest.mark.sqitch

WORDS = ("users", "add_orders", "a/b", "größe", "v1.2-x", "名前", "x~1y", "drop'it", "the", "naïve", "_a_")
NOTES = (
    "", "one line", r"first\n\nsecond paragraph\n  indented\n", r"\nbegins empty", r"ends\n", "tab\there", "100% %n %%",
    "日本語の\u3000覚え書き", r"back\\slash \x", "0", r"a\n\n\nb\n\n", "'quoted' \"text\" `cmd`",
)  # fmt: skip
PEOPLE = ("Åsa Öberg <asa@example.com>", "X <x@y>", "Two  Blanks <a b@c>", "[z <z>", "O'Hara, Zoë <z+o@example.com>")
STAMPS = ("2024-02-29T23:59:59Z", "1999-12-31T00:00:00Z", "2038-01-19T03:14:07Z", "2021-07-04T15:05:09Z")

CODES = (
    "%e|%l|%L|%H|%h|%{7}h|%{0}h|%n|%o|%p|%{name}p|%{n}p|%{email}p|%{e}p|%{date}p|%{d}p|%{date:rfc}p|%{d:raw}p|%{nope}p",
    "%t|%{;}t|%T|%{ + }T|%s|%{> }s|%r|%{, and }r|%R|%{/}R|%x|%X|%v|%%|%{event}_|%{conflicts}_|%{by}_|%{planned}_|",
    "%b|%{# }b|%B|%{    }B|%{}B|",
    "%20n|%-20n|%.3n|%20.3n|%-20.3n|%0n|%.0n|%.n|",
    "%{note}a%{tags}a%{requires}a%{conflicts}a%{planned_at}a%{event}a%{change_id}a%{planner_name}a%{project}a",
    "%{red}C%n%{reset}C%{:event}C%{bold on_blue}C%{bright_red}C%{rgb123}C%{on_ansi4}C%{grey7}C%{underline}C",
    "%{date:full}p|%{date:long}p|%{date:medium}p|%{date:short}p|%{date:iso8601}p|%{date:rfc2822}p",
    "%{date:strftime:%a %d %b %Y %j %U %W %V %G %g %u %w %s %H:%M:%S %I %p %P %z %Z %e %k %l %C %y}p",
    "%{date:strftime:%D %F %T %R %r %c %x %X %%}p",
    "%{date:cldr:G GGGG yyyy yy QQQ qqqq MMMM MMM MM L dd D F E EEEE ee c}p",
    "%{date:cldr:a hh H K k mm ss S A zzzz z Z ZZZZZ 'it''s'}p",
)


@dataclass(frozen=True)
class Both:
    """The two programs in one folder, as a person with a pipe behind them would start them."""

    folder: Path
    ours: Program
    sqitch: Program

    def outputs(self, *arguments: str, **more: str) -> tuple[tuple[int, str], tuple[int, str]]:
        """(status, stdout) of ours and of sqitch."""
        found = [self.bytes_of(program, *arguments, **more) for program in (self.ours, self.sqitch)]
        return (found[0][0], found[0][1].decode()), (found[1][0], found[1][1].decode())

    def of_ours(self, *arguments: str) -> tuple[int, str]:
        status, out = self.bytes_of(self.ours, *arguments)
        return status, out.decode()

    def bytes_of(self, program: Program, *arguments: str, **more: str) -> tuple[int, bytes]:
        command = ["sqitch"] if isinstance(program, Sqitch) else program.command("", "", ())[:4]
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env={**program.environment(), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout

    def same(self, *arguments: str, **more: str) -> str:
        """Both print the same, and it is something."""
        (status, ours), (expected, theirs) = self.outputs(*arguments, **more)
        assert ours == theirs, arguments
        assert (status, bool(ours)) == (expected, True), arguments
        return ours


@pytest.fixture
def both(tmp_path: Path, programs: tuple[Program, Program]) -> Both:
    folder = tmp_path / "project"
    folder.mkdir()
    return Both(folder, *programs)


def plan_of(seed: int) -> str:
    """A plan of about thirty changes, some of them reworked, with tags, dependencies and operators."""
    chance = random.Random(seed)
    lines: list[str] = []
    names: list[str] = []
    tagged: list[str] = []
    section: set[str] = set()
    for number in range(30):
        name = chance.choice(WORDS) + (str(number) if chance.random() < 0.6 else "")
        if name in section:
            continue
        section.add(name)
        needs = [chance.choice(tagged)] if tagged and chance.random() < 0.4 else []
        needs += chance.sample(sorted(set(names)), k=min(len(set(names)), chance.randrange(3)))
        needs += [f"!other:{chance.choice(WORDS)}"] if chance.random() < 0.2 else []
        dependencies = (
            f" [{' '.join(dict.fromkeys(need for need in needs if need != name))}]" if needs != [name] else ""
        )
        dependencies = dependencies if dependencies.strip() != "[]" else ""
        note = chance.choice(NOTES)
        operator = chance.choice(("", "", "", "- ", "+"))
        lines.append(
            f"{operator}{name}{dependencies} {chance.choice(STAMPS)} {chance.choice(PEOPLE)}"
            + (f" # {note}" if note else "")
        )
        names.append(name)
        if chance.random() < 0.25:
            for tag in range(chance.randrange(1, 3)):
                lines.append(
                    f"@t{number}.{tag}x {chance.choice(STAMPS)} {chance.choice(PEOPLE)} # {chance.choice(NOTES)}"
                )
                tagged.append(f"@t{number}.{tag}x")
            section.clear()
    return "%project=größe\n%uri=https://example.com/ö\n\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(4))
def test_plans_are_written_alike(both: Both, seed: int) -> None:
    (both.folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (both.folder / "sqitch.plan").write_text(plan_of(seed), encoding="utf-8")
    both.same("plan", "--format", "format:" + "%v".join(CODES), "--color", "always", TERM="xterm")
    for name in ("raw", "full", "long", "medium", "short", "oneline"):
        both.same("plan", "--format", name, "--reverse", "--skip", str(seed), "-n", "20")
    both.same("plan", "--oneline", "--no-headers", "--change", "^[a-n]", "--planner", "X$", "--event", "revert")
    both.same("plan", "-f", "format:%h %{date}p", "--abbrev", "9", "--date", "strftime:%d.%m.%Y", TZ="America/New_York")


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--format", "nope"),
        ("plan", "--format", "format:%y"),
        ("plan", "--format", "format:%{mauve}C"),
        ("plan", "--format", "format:%{nope}_"),
        ("plan", "--format", "format:%_"),
        ("plan", "--format", "format:%{nope}a"),
        ("plan", "--format", "format:%{date:nope}p"),
        ("plan", "--oneline", "--date", "nope"),
        ("show", "change", "nope"),
        ("show", "tag", "nope"),
        ("show", "deploy", "users"),
    ],
)
def test_what_the_one_refuses_the_other_refuses(both: Both, arguments: tuple[str, ...]) -> None:
    (both.folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (both.folder / "sqitch.plan").write_text("%project=p\n\nusers 2024-01-01T00:00:00Z X <x@y>\n", encoding="utf-8")
    (status, _), (expected, _) = both.outputs(*arguments)
    assert status == 2
    assert expected in (2, 255)


def test_objects_are_shown_byte_by_byte(both: Both) -> None:
    unicode_text(both.folder)
    for spec in ("größe", "emoji🚀x@HEAD", "@märke-1", "HEAD^^"):
        both.same("show", "change", spec)
    for tag in ("märke-0", "@märke-3"):
        both.same("show", "tag", tag)
    (both.folder / "deploy" / "quote's.sql").write_bytes(b"\xff\x00\x1b[31m not text\r\n")
    for kind in ("deploy", "revert", "verify"):
        ours, theirs = (both.bytes_of(program, "show", kind, "quote's") for program in (both.ours, both.sqitch))
        path = both.folder / kind / "quote's.sql"
        assert ours == (0, path.read_bytes())
        assert theirs == (0, path.read_bytes() + b"\n"), "sqitch adds a line end, which isn't the script's"
    for arguments, status in ((("change", "größe"), 0), (("change", "nope"), 2), (("verify", "größe"), 0)):
        (ours_ends, _), (theirs_ends, _) = both.outputs("show", "-e", *arguments)
        assert (ours_ends, theirs_ends) == (status, status)


CONF = """\
[core]
	engine = pg
	plan_file = web.plan
	extension = ddl
[engine "pg"]
	target = web
	registry = reg
	client = /opt/psql
[target "web"]
	uri = db:pg://me@db.example:5433/web
	top_dir = sql
	reworked_dir = old
[target "plain"]
	uri = db:pg:plain
[target "web.variables"]
	schema = app
	Name = x y
[core "variables"]
	a = 1
[deploy]
	verify = yes
	size = 4k
	twice = one
	twice = two
"""


def test_settings_are_shown_alike(both: Both) -> None:
    (both.folder / "sqitch.conf").write_text(CONF)
    (both.folder / "web.plan").write_text("%project=p\n\n")
    both.same("target")
    both.same("target", "list")
    both.same("-v", "target")
    both.same("target", "show", "web", "plain")
    both.same("engine")
    both.same("engine", "show", "pg")
    for where in ((), ("--local",)):
        (_, ours), (_, theirs) = both.outputs("config", "--list", *where)
        assert f"{ours}\n" == theirs, "but for an empty line at the end"
    for words in (
        ("core.engine",), ("CORE.plan_file",), ("--get", "target.web.uri"), ("--get", "--bool", "deploy.verify"),
        ("--get", "--int", "deploy.size"), ("--get-all", "deploy.twice"),
        ("--get-all", "deploy.twice", "^t"), ("--get-regex", "web"), ("--get-regexp", "twice"),
        ("--get-regex", "core", "pg|web"),
    ):  # fmt: skip
        both.same("config", *words)
    for words in (("core.nope",), ("--get", "deploy.twice"), ("--get", "core.engine", "nope")):
        (status, _), (expected, _) = both.outputs("config", *words)
        assert status == expected != 0


def test_passwords_in_settings_are_not_shown(both: Both) -> None:
    uri = "db:pg://me:s3cret@h/d?sslpassword=s3cret&sslmode=require"
    (both.folder / "sqitch.conf").write_text(f'[core]\n\tengine = pg\n[target "t"]\n\turi = {uri}\n')
    (both.folder / "sqitch.plan").write_text("%project=p\n\n")
    for arguments in (("config", "-l"), ("config", "target.t.uri"), ("target", "show", "t"), ("-v", "target")):
        status, out = both.of_ours(*arguments)
        assert status == 0
        assert "s3cret" not in out
        assert "me@h/d" in out


@pytest.fixture
def history(both: Both, pg18: Server, database_on: Callable[..., str]) -> tuple[Both, str]:
    """A registry with deploys, reverts and a failure of two projects."""
    uri = pg18.uri(database_on(pg18))
    ours, sqitch = both.ours, both.sqitch
    reworked(both.folder)
    ours.run(both.folder, "deploy", uri, "--to", "@v1")
    sqitch.run(both.folder, "deploy", uri)
    sqitch.run(both.folder, "revert", uri, "--to", "spheres")
    script = both.folder / "deploy" / "area.sql"
    script.write_text(f"{script.read_text()}SELECT 1/0;\n")
    sqitch.run(both.folder, "deploy", uri, expect=2)
    other = both.folder.parent / "other"
    unicode_text(other)
    ours.run(other, "deploy", uri, "--to", "ελληνικά-2")
    return both, uri


def test_histories_are_written_alike(history: tuple[Both, str]) -> None:
    both, uri = history
    codes = "%v".join(CODES).replace("p|", "c|").replace("planned_at", "committed_at")
    both.same("log", uri, "--format", "format:" + codes, "--color", "always", TERM="xterm")
    for name in ("raw", "full", "long", "medium", "short", "oneline"):
        both.same("log", uri, "--format", name)
    both.same("log", "--target", uri, "--oneline", "--reverse", "--skip", "2", "-n", "5")
    both.same("log", uri, "--oneline", "--event", "fail", "--event", "revert")
    for option, form in (("--change", "^s.*s$"), ("--project", "^rew"), ("--committer", "^Zo.* O'")):
        both.same("log", uri, "--oneline", option, form)
    # With two filters sqitch 1.3.1 sends SQL that isn't any.
    status, out = both.of_ours(
        "log", uri, "--format", "format:%n", "--no-headers", "--change", "^s", "--project", "^rew"
    )
    assert (status, set(out.split())) == (0, {"shapes", "spheres"})
    both.same("log", uri, "-f", "format:%{date}c %n", "--date", "cldr:d.M.y HH:mm:ss ZZZZZ", "--no-headers")
    both.same("log", uri, "--oneline", "--change", "^nothing$")


def test_formats_come_from_the_configuration_too(both: Both) -> None:
    conf = "[core]\n\tengine = pg\n[plan]\n\tformat = short\n\tdate_format = rfc\n"
    (both.folder / "sqitch.conf").write_text(conf)
    (both.folder / "sqitch.plan").write_text("%project=p\n\na 2024-01-01T00:00:00Z X <x@y> # why\n")
    both.same("plan")
    both.same("plan", "--format", "medium")
    both.same("plan", "--oneline")


def test_nothing_in_a_registry_steers_the_terminal(history: tuple[Both, str], pg18: Server) -> None:
    both, uri = history
    dbname = uri.rpartition("/")[2].partition("?")[0]
    hostile = "note = E'\\x1b[31mred\\nline two \\u009b', change = E'a\\nb\\x07', tags = ARRAY[E'@\\x1b]']"
    pg18.execute(f"UPDATE sqitch.events SET {hostile}", dbname)
    status, out = both.of_ours("log", uri, "--format", "format:%n %B %t %{note}a")
    assert (status, "line two" in out) == (0, True)
    assert not set(out) & {"\x1b", "\x07", "\x9b"}
