"""sqitch.plan: grammar, IDs, order, and all errors at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.plan import Plan, PlanErrors, PlanProblem, parse_plan, read_plan
from tests.effort import calls

PATH = Path("sqitch.plan")
WHO = "2024-01-01T00:00:00Z X <x@y>"
FLIP = """\
%syntax-version=1.0.0
%project=flip
%uri=https://Example.com/flip

users 2024-01-02T03:04:05Z Zoë Müller <zoe@example.com> # Adds “users” — v1
flips [users !other:legacy] 2024-01-02T03:05:00Z Zoë Müller <zoe@example.com> # line one\\n\\nline \\\\ three
@v1 2024-01-02T03:06:00Z Zoë Müller <zoe@example.com> # First
users [users@v1 flips] 2024-01-03T00:00:00Z Zoë Müller <zoe@example.com>
"""


def plan(*body: str, header: str = "%project=p\n\n") -> Plan:
    return parse_plan((header + "\n".join(body) + "\n").encode(), PATH)


def problems(data: str | bytes) -> list[str]:
    with pytest.raises(PlanErrors) as caught:
        parse_plan(data.encode() if isinstance(data, str) else data, PATH)
    return [f"{p.line}:{p.column} {p.message}" for p in caught.value.problems]


def body_problems(*body: str) -> list[str]:
    return problems("%project=p\n\n" + "\n".join(body) + "\n")


# -- what is read ------------------------------------------------------------------------------------------------------


def test_worked_example_has_the_ids_that_sqitch_gives() -> None:
    flip = parse_plan(FLIP.encode(), PATH)
    assert [(change.name, change.change_id) for change in flip.changes] == [
        ("users", "1b50b4205a81e3d5d2f703ab0ff44ab8bfe3ed0a"),
        ("flips", "7754571b41afd1e668135e65b18f61361e94b576"),
        ("users", "3828311719a07e739baa870a5404bdec210ec91f"),
    ]
    assert flip.tags[0].tag_id == "413b9ebcad297d4db4ded520f1ab91fa98309da0"
    assert flip.uri == "https://Example.com/flip"
    first, flips, rework = flip.changes
    assert flips.note == "line one\n\nline \\ three"
    assert [dependency.text for dependency in flips.requires] == ["users"]
    assert [dependency.text for dependency in flips.conflicts] == ["other:legacy"]
    assert (first.parent_id, flips.parent_id) == (None, first.change_id)
    assert (first.superseded_by, rework.superseded_by) == (2, None)
    assert [change.line for change in flip.changes] == [5, 6, 8]
    assert flip.by_id[rework.change_id] is rework


def test_crlf_and_a_missing_final_newline_change_nothing() -> None:
    crlf = parse_plan(FLIP.rstrip("\n").replace("\n", "\r\n").encode(), PATH)
    assert crlf == parse_plan(FLIP.encode(), PATH)


def test_pragmas_are_read_whatever_surrounds_them() -> None:
    read = plan(
        header="  % syntax-version = 9\n# comment\n%project=a # note\n%odd\n%project = p  \n%uri=http://h/p#f\n\n"
    )
    assert dict(read.pragmas) == {"syntax-version": "1.0.0", "project": "p", "odd": "1", "uri": "http://h/p"}
    assert (read.project, read.uri, read.changes) == ("p", "http://h/p", ())


@pytest.mark.parametrize("line", ["", "   ", "\u3000", "# ", "#  \t", "# 0"])
def test_the_first_empty_line_or_comment_ends_the_header(line: str) -> None:
    assert len(parse_plan(f"%project=p\n{line}\na {WHO}\n".encode(), PATH).changes) == 1


@pytest.mark.parametrize(
    ("line", "operator", "name"),
    [(f"a {WHO}", "", "a"), (f"  + a {WHO}", "+", "a"), (f"-a {WHO}", "-", "a"), (f"a/b.c-1 {WHO}", "", "a/b.c-1")],
)
def test_a_line_has_an_operator_and_a_name(line: str, operator: str, name: str) -> None:
    change = plan(line).changes[0]
    assert (change.operator, change.name) == (operator, name)


@pytest.mark.parametrize(
    "name", ["阱阪阬", "v1.2-1", "🚀foo", "a/12x", "a[1]b", "_", "foo_", "_foo", "Ⓐ", "a~1x", "हिन्दी"]
)
def test_a_name_that_sqitch_allows_is_read(name: str) -> None:
    assert plan(f"{name} {WHO}", f"@{name.replace('/', '')} {WHO}").changes[0].name == name


@pytest.mark.parametrize(
    "name",
    ["^foo", "foo^", "foo^6", "foo~1", "a/12", "a=1", "v%2", "foo🚀", "foo—", "a²", "foo:bar", "a\\b", "-", "+", "a@b"],
)
def test_a_name_that_sqitch_refuses_is_one_problem(name: str) -> None:
    assert len(body_problems(f"{name} {WHO}")) == 1


@pytest.mark.parametrize("name", ["HEAD", "ROOT", "0", "f5e1b2f0a9" * 4, "f5e1b2f0a9" * 4 + "x"])
def test_names_that_mean_something_else(name: str) -> None:
    assert len(body_problems(f"{name} {WHO}")) == 1


def test_planner_keeps_inner_blanks_and_one_trailing_blank() -> None:
    change = plan("a 2024-01-01T00:00:00Z   Ada  King  <a b@x>").changes[0]
    assert (change.planner_name, change.planner_email) == ("Ada  King ", "a b@x")


@pytest.mark.parametrize(
    ("written", "note"),
    [
        ("", ""),
        (" # ", ""),
        ("# plain", "plain"),
        (" #  both ends \u2003", "both ends"),
        (r" # a\nb\\n\r\x", "a\nb\\n\r\\x"),
        (r" # ends in\n", "ends in\n"),
        (" # 0", "0"),
        (" # a # b", "a # b"),
        (" # [x] <y>", "[x] <y>"),
    ],
)
def test_a_note_is_read_with_its_escapes(written: str, note: str) -> None:
    assert plan(f"a {WHO}{written}").changes[0].note == note


def test_note_zero_does_not_enter_the_id() -> None:
    assert plan(f"a {WHO} # 0").changes[0].change_id == plan(f"a {WHO}").changes[0].change_id


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("b", (False, None, "b", None, None, "b")),
        ("!b", (True, None, "b", None, None, "b")),
        ("p:b", (False, None, "b", None, None, "b")),
        ("@t", (False, None, None, "t", None, "@t")),
        ("b@t", (False, None, "b", "t", None, "b@t")),
        ("o:b", (False, "o", "b", None, None, "o:b")),
        ("!o:b@t", (True, "o", "b", "t", None, "o:b@t")),
        ("o:@t", (False, "o", None, "t", None, "o:@t")),
        ("o:x@HEAD", (False, "o", "x", "HEAD", None, "o:x@HEAD")),
        ("o:" + "a" * 40, (False, "o", None, None, "a" * 40, "o:" + "a" * 40)),
    ],
)
def test_a_dependency_is_read_with_its_project_change_tag_and_id(token: str, expected: tuple[object, ...]) -> None:
    change = plan(f"b {WHO}", f"@t {WHO}", f"a [{token}] {WHO}").changes[1]
    (found,) = change.requires + change.conflicts
    assert (found.conflict, found.project, found.change, found.tag, found.change_id, found.text) == expected


@pytest.mark.parametrize("date", ["2024-02-29T00:00:00Z", "2016-12-31T23:59:60Z", "0000-02-29T23:59:59Z"])
def test_unusual_dates_are_fine(date: str) -> None:
    assert plan(f"a {date} X <x>").changes[0].planned_at == date


def test_what_fails_only_at_deploy_is_a_warning() -> None:
    read = plan(f"a {WHO}", f"b [a p:a] {WHO}", f"c [a !a] {WHO}", f"d [!nope] {WHO}", f"e [a !o:x] {WHO}")
    assert [(warning.line, warning.column) for warning in read.warnings] == [(4, 4), (5, 4), (6, 5)]


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("#", 1, "Invalid name; a lone # is no comment"),
        ("a", 2, "Missing timestamp and planner name and email"),
        ("a X <x>", 3, "Missing timestamp"),
        ("a 2024-01-01T00:00:00Z", 23, "Missing planner name and email"),
        ("a 2024-01-01T00:00:00Z X", 25, "Missing e-mail address of the planner"),
        ("a 2024-01-01T00:00:00Z X<x>", 25, "A blank must stand before <"),
        ("a 2024-01-01T00:00:00Z <x>", 24, "Missing name of the planner"),
        ("a 2024-01-01T00:00:00Z X <x", 28, "The e-mail address is not closed"),
        ("a 2024-01-01T00:00:00Z X <>", 27, "The e-mail address is empty"),
        ("a 2024-01-01T00:00:00Z X <x> y", 29, "There is text after the planner"),
        ("a 2024-01-01 X <x>", 3, 'Invalid timestamp "2024-01-01"'),
        ("a 2024-13-01T00:00:00Z X <x>", 3, "Invalid timestamp 2024-13-01T00:00:00Z: there is no month 13"),
        ("a 2023-02-29T00:00:00Z X <x>", 3, "Invalid timestamp 2023-02-29T00:00:00Z: 2023-02 has no day 29"),
        ("a 2024-01-01T24:00:00Z X <x>", 3, "Invalid timestamp 2024-01-01T24:00:00Z: there is no hour 24"),
        ("a 2024-01-01T00:60:00Z X <x>", 3, "Invalid timestamp 2024-01-01T00:60:00Z: there is no minute 60"),
        ("a 2016-12-30T23:59:60Z X <x>", 3, "Invalid timestamp 2016-12-30T23:59:60Z: there is no second 60"),
        (f"a b {WHO}", 3, "Invalid name; names must not contain blanks"),
        (f"a[b] {WHO}", 2, "Invalid name; a blank must stand before ["),
        (f"a [] {WHO}", 3, "Invalid name; the list of dependencies is empty"),
        (f"a [b {WHO}", 34, "Invalid name; the list of dependencies is not closed"),
        (f"a [ o:b] {WHO}", 4, '"" is not a valid dependency specification; it names no change, tag or ID'),
        (f"a [!] {WHO}", 4, '"!" is not a valid dependency specification; it names no change, tag or ID'),
        (f"a [o:x o:x] {WHO}", 8, 'Duplicate dependency "o:x"'),
        (f"a [a^] {WHO}", 4, '"a^" is not a valid dependency specification'),
        (f"a [o:x  b~1] {WHO}", 9, '"b~1" is not a valid dependency specification'),
        (f"a [{'a' * 40}] {WHO}", 4, f'"{"a" * 40}" is not a valid dependency specification; '
         "an ID needs the name of another project"),
        (f"a [a] {WHO}", 4, 'Change "a" cannot require itself'),
        (f"a [b] {WHO}", 4, 'Unknown change "b" required by change "a"'),
        (f"a [@b] {WHO}", 4, 'Unknown change "@b" required by change "a"'),
        (f"a [HEAD] {WHO}", 4, 'Unknown change "HEAD" required by change "a"'),
        (f"@t {WHO}", 1, 'Tag "t" declared without a preceding change'),
        (f"@a/b {WHO}", 3, 'Tag "a/b" contains illegal character /'),
        (f"@HEAD {WHO}", 2, '"@HEAD" is a reserved name'),
        (f"HEAD {WHO}", 1, '"HEAD" is a reserved name'),
        ("%uri=x", 1, "Invalid name; pragmas end at the first empty line"),
        (f"a\0 {WHO}", 2, 'Invalid name "a\0"; names must not contain a NUL character'),
    ],
)  # fmt: skip
def test_a_bad_line_is_a_problem_with_its_line_and_column(line: str, column: int, message: str) -> None:
    assert body_problems(line) == [f"3:{column} {message}"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([f"a {WHO}", f"a {WHO}"], '4:1 Change "a" duplicates earlier declaration on line 3'),
        ([f"a {WHO}", f"@t {WHO}", f"@t {WHO}"], '5:1 Tag "t" duplicates earlier declaration on line 4'),
        ([f"a {WHO}", f"@t [a] {WHO}"], "4:4 Tags may not specify dependencies"),
        ([f"a [b] {WHO}", f"b {WHO}"], '3:4 Change "a" planned 1 change before required change "b"'),
        ([f"a [c] {WHO}", f"b {WHO}", f"c {WHO}"], '3:4 Change "a" planned 2 changes before required change "c"'),
        # A rework hides the earlier instance from `name@tag`, but only once its own section is finished.
        (
            [f"a {WHO}", f"@t {WHO}", f"a {WHO}", f"@u {WHO}", f"b [a@t] {WHO}"],
            '7:4 Unknown change "a@t" required by change "b"',
        ),
        ([f"a {WHO}", f"b [a@t] {WHO}", f"@t {WHO}"], '4:4 Unknown change "a@t" required by change "b"'),
    ],
)
def test_a_duplicate_or_a_dependency_out_of_order_is_one_problem(lines: list[str], message: str) -> None:
    assert body_problems(*lines) == [message]


def test_a_rework_may_name_the_instance_before_it() -> None:
    read = plan(f"a {WHO}", f"@t {WHO}", f"a [a@t] {WHO}", f"b [a@t a] {WHO}")
    assert [change.superseded_by for change in read.changes] == [1, None, None]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", ["1:1 Missing %project pragma in sqitch.plan"]),
        (f"\n%project=p\n\na {WHO}\n", ["1:1 Missing %project pragma in sqitch.plan",
         "2:1 Invalid name; pragmas end at the first empty line"]),
        ("%project\n\n", ['1:9 invalid project name "": Invalid name; it is empty']),
        ("%project=\n\n", ["1:1 Invalid pragma; a blank line must come between pragmas and changes"]),
        ("%project=0\n\n", ["2:1 Missing %project pragma in sqitch.plan"]),
        ("%project=a b\n\n", ['1:11 invalid project name "a b": Invalid name "a b"; names must not contain a blank']),
        (f"%project=p\na {WHO}\nb\n", ["2:1 Invalid pragma; a blank line must come between pragmas and changes",
         "3:2 Missing timestamp and planner name and email"]),
        (b"\xef\xbb\xbf%project=p\n\n", ["1:1 The file begins with a byte order mark, which Sqitch refuses"]),
        (b"%project=p\n\n# \xc3\xa9\xff\n# ok\n# \x80\n", ["3:4 Byte 0xFF is not valid UTF-8",
         "5:3 Byte 0x80 is not valid UTF-8"]),
    ],
)  # fmt: skip
def test_the_file_as_a_whole(data: str | bytes, expected: list[str]) -> None:
    assert problems(data) == expected


def test_all_errors_are_told_at_once_and_none_follows_from_another() -> None:
    found = body_problems(
        f"a+ {WHO}",
        "b 2024-01-01T00:00:00Z",
        f"c [a+ b zz] {WHO}",
        "",
        "#",
        f"@t [b] {WHO}",
        f"d [b@t c] {WHO}",
    )
    assert [line.split(" ")[0] for line in found] == ["3:2", "4:23", "5:4", "5:9", "7:1", "8:4"]


def test_errors_name_file_line_column_and_what_was_expected() -> None:
    with pytest.raises(PlanErrors) as caught:
        parse_plan(b"%project=p\n\na [] x\nb\n", Path("db/sqitch.plan"))
    assert caught.value.exit_status == 2
    assert caught.value.details[0].startswith("db/sqitch.plan:3:3: ")
    assert "expected: a dependency between [ and ]" in caught.value.details[0]
    assert "2 errors" in str(caught.value)


@pytest.mark.parametrize(("make", "message"), [(False, "does not exist"), (True, "is not a regular file")])
def test_a_plan_that_is_not_there_or_a_folder_is_an_error(tmp_path: Path, make: bool, message: str) -> None:
    path = tmp_path / "sqitch.plan"
    if make:
        path.mkdir()
    with pytest.raises(ProjectError, match=message):
        read_plan(path)


# -- properties --------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(categories=["L", "Nd"], include_characters="_"), min_size=1, max_size=8).filter(
    lambda name: name not in ("0", "HEAD", "ROOT")
)
NOTES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PLANNERS = st.text(st.characters(categories=["L", "P", "Nd"], exclude_characters="<>#[]"), min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, NOTES, PLANNERS), max_size=6, unique_by=lambda row: row[0]), st.booleans())
def test_what_is_written_is_read_again(rows: list[tuple[str, str, str]], crlf: bool) -> None:
    def escape(note: str) -> str:
        return note.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")

    lines = ["%project=p", ""]
    previous = ""
    for name, note, planner in rows:
        lines.append(
            f"{name}{f' [{previous}]' if previous else ''} 2024-01-01T00:00:00Z {planner} <x> # a{escape(note)}z"
        )
        previous = name
    read = parse_plan(("\r\n" if crlf else "\n").join(lines).encode(), PATH)
    assert [(c.name, c.note, c.planner_name) for c in read.changes] == [(n, f"a{note}z", p) for n, note, p in rows]
    assert [[d.text for d in c.requires] for c in read.changes[1:]] == [[row[0]] for row in rows[:-1]]
    assert len({c.change_id for c in read.changes}) == len(rows)


@given(st.text(st.sampled_from("ab @#[]<>%+-!:\\^~\t\u2003=0Z") | st.characters(), max_size=60))
def test_no_line_makes_the_reader_stumble(line: str) -> None:
    text = line.encode(errors="surrogatepass").replace(b"\n", b" ")
    found: tuple[PlanProblem, ...] = ()
    try:
        parse_plan(b"%project=p\n\n" + text + b"\n", PATH)
    except PlanErrors as error:
        found = error.problems
    assert all(problem.line == 3 and 1 <= problem.column <= len(text) + 1 for problem in found)


def test_a_change_of_a_plan_of_20000_takes_as_many_calls_as_one_of_a_small_plan() -> None:
    def written(changes: int) -> list[str]:
        lines = []
        for number in range(changes):
            lines.append(f"change_{number}{f' [change_{number - 7}]' if number > 7 else ''} {WHO} # change {number}")
            lines += [f"@v{number} {WHO} # tag"] if number % 40 == 39 else []
        return lines

    def took(changes: int) -> int:
        return calls(partial(plan, *written(changes)))

    took(50)
    assert took(20_000) < took(1_000) * 20.2
