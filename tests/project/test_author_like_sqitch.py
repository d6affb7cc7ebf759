"""The real sqitch and we write the same bytes: plans and scripts, of whatever plan was there before."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.changes import Prepared, prepare_add, prepare_rework, prepare_tag
from pgmig_tui.project.author.edits import PlannedChange
from pgmig_tui.project.author.places import choose_places
from pgmig_tui.project.author.plan_file import given_note
from pgmig_tui.project.author.scripts import TemplateChoice
from pgmig_tui.project.plan import PlanErrors, parse_plan
from pgmig_tui.project.project import load_project

pytestmark = pytest.mark.sqitch

USER = "[user]\n\tname = Zoë O'Hara\n\temail = zoe@example.com\n"
CONF = b"[core]\n\tengine = pg\n"
Files = dict[str, bytes]


def environment(home: Path) -> dict[str, str]:
    """Nobody's own configuration but that of who writes. Not by SQITCH_FULLNAME: sqitch 1.3.1 reads that as Latin-1."""
    (home / ".sqitch").mkdir(parents=True, exist_ok=True)
    (home / ".sqitch" / "sqitch.conf").write_text(USER, encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "Asia/Kathmandu",
        "SQITCH_SYSTEM_CONFIG": os.devnull,
        "EDITOR": "/bin/false",
    }


def sqitch(folder: Path, home: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sqitch", *words],
        cwd=folder,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def contents(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, files: Files) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def moment_of(plan: bytes) -> str:
    """When sqitch says that it has written its line."""
    stamps = re.findall(rb"(\S{20}) Zo\xc3\xab O'Hara", plan)
    return stamps[-1].decode() if stamps else "2024-01-01T00:00:00Z"


def ours(folder: Path, home: Path, words: Sequence[str], moment: str) -> Prepared:
    """The words of an add, tag or rework, carried out by us at that moment."""
    command, *rest = words
    names: list[str] = []
    said: dict[str, list[str]] = {"-n": [], "-r": [], "-x": [], "-c": []}
    while rest:
        word = rest.pop(0)
        if word in said:
            said[word].append(rest.pop(0))
        else:
            names.append(word)
    project = load_project(folder, environment(home))
    chosen = choose_places(project, names, command, every=False)
    note = given_note(said["-n"])
    name = chosen.words[0]
    wanted = PlannedChange(name, str(project.operator), moment, note, tuple(said["-r"]), tuple(said["-x"]))
    if command == "add":
        done = prepare_add(project, chosen.places, wanted, TemplateChoice())
    elif command == "rework":
        done = prepare_rework(project, chosen.places, wanted)
    else:
        change = said["-c"][0] if said["-c"] else None
        done = prepare_tag(project, chosen.places, name, note=note, planned_at=moment, change=change)
    done.write()
    return done


def compared(files: Files, words: Sequence[str]) -> bool:
    """Let both do the same to the same files; fails where they differ. Whether it was done."""
    with TemporaryDirectory() as made:
        home, theirs, mine = (Path(made) / name for name in ("home", "theirs", "mine"))
        for folder in (home, theirs, mine):
            folder.mkdir()
        write(theirs, files)
        write(mine, files)
        status, told = sqitch(theirs, home, *words)
        after = contents(theirs)
        refused = ""
        try:
            prepared = ours(mine, home, words, moment_of(after["sqitch.plan"]))
        except ProjectError as error:
            refused = str(error)
        if not refused:
            assert status == 0, (words, told)
            assert contents(mine) == after, (words, files["sqitch.plan"].decode())
            assert told.splitlines() == prepared.said
            return True
        assert contents(mine) == files, "something stays of what was refused"
        if status == 0:  # sqitch has written a plan that it can't read any more
            with pytest.raises(PlanErrors):
                parse_plan(after["sqitch.plan"], Path("sqitch.plan"))
            assert sqitch(theirs, home, "show", "change", "@HEAD")[0] != 0, (words, refused, told)
        return False


BLANKS = st.sampled_from(["", " ", "  ", "\t", "\u00a0", "\u2003 "])
SOME = st.sampled_from([" ", "  ", "\t", " \u3000"])
NOTES = st.sampled_from(
    [
        "",
        "# note",
        "#note",
        "#  two  words \t",
        "# back\\\\slash \\n line \\x \\r",
        "# 0",
        "#",
        "# #hash # more",
        "# ü—🚀 ",
    ]
)
NAMES = ("a", "b", "c", "d/e", "ü", "_x.y", "a~1x", "🚀f")
TAGS = ("v1", "v1.0", "r-2", "ü")


@st.composite
def headers(draw: st.DrawFn) -> list[str]:
    lines = []
    pragmas = ["%project=p"]
    pragmas += draw(
        st.lists(
            st.sampled_from(["%syntax-version=1.0.0", "%syntax-version", "%uri=HTTPS://X.org:443/%7ea"]), max_size=2
        )
    )
    pragmas += draw(st.lists(st.sampled_from(["%odd", "% more = a=b", "%ü=ö"]), max_size=2))
    for pragma in draw(st.permutations(pragmas)):
        name, equals, value = pragma.partition("=")
        if equals:
            name = f"{name}{draw(BLANKS)}={draw(BLANKS)}{value}"
        lines.append(f"{draw(BLANKS)}{name}{draw(BLANKS)}{draw(NOTES)}")
        if draw(st.booleans()) and draw(st.booleans()):
            lines.append(draw(st.sampled_from(["# a comment", "  #x \\n y", "\t# \\\\"])))
    lines.append(draw(st.sampled_from(["", "  ", "# ", "# 0"])))
    return lines


@st.composite
def plans(draw: st.DrawFn) -> str:
    lines = draw(headers())
    known: list[str] = []
    section: set[str] = set()
    tags: set[str] = set()
    for _ in range(draw(st.integers(0, 9))):
        kind = draw(st.sampled_from(["change", "change", "tag", "blank"]))
        when = f"20{draw(st.integers(10, 30))}-02-28T23:59:5{draw(st.integers(0, 9))}Z"
        who = draw(st.sampled_from(["X <x@y>", "Ada L.  <a b@c>", "[z <z>", "Zoë \u00a0 Ö <ö>"]))
        if who.startswith("[z"):
            who = "z [z <z>"
        end = f"{when}{draw(BLANKS)}{who}{draw(BLANKS)}{draw(NOTES)}"
        if kind == "blank":
            lines.append(draw(st.sampled_from(["", " ", "# note", "  #  \\n ", "#\t"])))
        elif kind == "tag" and known:
            name = draw(st.sampled_from(TAGS))
            if name in tags:
                continue
            tags.add(name)
            section = set()
            lines.append(f"{draw(BLANKS)}@{name}{draw(SOME)}{end}")
            known.append(f"@{name}")
        elif kind == "change":
            name = draw(st.sampled_from([*NAMES, *NAMES[:3]]))
            if name in section:
                continue
            section.add(name)
            wanted = draw(
                st.lists(
                    st.sampled_from([*known, "o:x", "!o:y@t", "!zz", *(f"p:{one}" for one in known)]),
                    max_size=3,
                    unique=True,
                )
            )
            listed = f"[{draw(SOME).join(wanted)}{draw(BLANKS)}]{draw(BLANKS)}" if wanted else ""
            operator = draw(st.sampled_from(["", "", "", "+", "-", "+ ", " -\t"]))
            lines.append(f"{draw(BLANKS)}{operator}{name}{draw(SOME)}{listed}{end}")
            known.append(name)
    eol = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return eol.join(lines) + draw(st.sampled_from([eol, eol, "", eol * 3]))


WORDS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from([*NAMES, "n", "n/m", "n@", "a b", "HEAD", "x~1", "f" * 40, "ü🚀"])),
    st.tuples(st.just("tag"), st.sampled_from([*TAGS, "@v3", "n", "n/m", "ROOT", "v^2", "@@v", "ö"])),
    st.tuples(st.just("rework"), st.sampled_from([*NAMES[:3], "n"])),
)
DEPENDENCIES: st.SearchStrategy[list[str]] = st.just([]) | st.lists(
    st.sampled_from(
        [*NAMES[:4], "p:a", "@v1", "a@v1", "o:x", "o:@t", "nope", "a b", "", "HEAD", "!b", "@HEAD", "b@HEAD"]
    ),
    max_size=2,
)
END = "2031-01-01T00:00:00Z X <x@y>"
GIVEN_NOTES = st.lists(
    st.sampled_from(["note", " two\nlines ", "back\\slash \\n", "0", "ü # x", "-"]), min_size=1, max_size=2
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(
    plans(),
    WORDS,
    DEPENDENCIES,
    DEPENDENCIES,
    GIVEN_NOTES,
    st.sampled_from(["", "HEAD^", "a", "@v1", "a@v1", "b~"]),
    st.booleans(),
)
def test_a_plan_is_written_as_sqitch_writes_it(
    plan: str, words: tuple[str, str], requires: list[str], conflicts: list[str], notes: list[str], of: str, ready: bool
) -> None:
    if words[0] == "rework" and ready:
        plan += f"\n{words[1]} {END}\n@r1 {END}\n @r2 {END} # two\nlast {END}\n"
        requires = [one for one in requires if one in ("", "@v1", "o:x", "nope")]
    files = {"sqitch.plan": plan.encode(), "sqitch.conf": CONF}
    for name in NAMES:
        for kind in ("deploy", "revert", "verify"):
            files[f"{kind}/{name}.sql"] = f"-- {kind} {name}\n".encode()
    more: list[str] = [word for note in notes for word in ("-n", note)]
    if words[0] == "tag":
        more += ["-c", of] if of else []
    else:
        more += [word for one in requires for word in ("-r", one)] + [word for one in conflicts for word in ("-x", one)]
    compared(files, [*words, *more])
