"""What psql can do in a script, done by a run: data, variables, branches, statements made by queries."""

from __future__ import annotations

import os

import pytest

from pgmig_tui.errors import PgmigError, ProjectError
from tests.run.conftest import Workshop

EVERYTHING = r"""BEGIN;
CREATE TABLE public.t (id int, word text);
COPY public.t FROM stdin;
1	one
2	zwei; -- not SQL
\.
\set third 'it''s three'
INSERT INTO public.t VALUES (3, :'third');
SELECT count(*) AS n FROM public.t \gset
\if :{?n}
INSERT INTO public.t VALUES (:n + 1, 'made by \\gset');
\else
SELECT 1/0;
\endif
SELECT format('INSERT INTO public.t VALUES (%s, %L)', g, 'made by gexec') FROM generate_series(5, 6) AS g \gexec
\echo the registry is :registry
\ir more.sql
COMMIT;
"""


def test_everything_that_psql_does_in_one_script(workshop: Workshop) -> None:
    workshop.change("one", EVERYTHING)
    (workshop.root / "deploy" / "more.sql").write_text("INSERT INTO public.t VALUES (7, 'included');\n")
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.query("SELECT id FROM public.t ORDER BY id") == [(n,) for n in range(1, 8)]
    assert workshop.query("SELECT word FROM public.t WHERE id IN (2, 3) ORDER BY id") == [
        ("zwei; -- not SQL",),
        ("it's three",),
    ]
    assert "the registry is sqitch" in [data["text"] for data in done.named("output")]


def test_rows_are_logged_up_to_a_hundred(workshop: Workshop) -> None:
    workshop.change("one", "SELECT g FROM generate_series(1, 250) AS g;\n")
    done = workshop.run()
    (output,) = done.named("output")
    lines = output["text"].splitlines()
    assert len(lines) == 101
    assert lines[-1] == "(250 rows; the first 100 are shown)"


def test_notices_come_as_events(workshop: Workshop) -> None:
    workshop.change("one", "DO $$ BEGIN RAISE WARNING 'look at this'; END $$;\n")
    done = workshop.run()
    assert ("WARNING", "look at this") in [
        (data["severity"], data["message"]) for data in done.named("notice_received")
    ]


def test_copy_from_a_file_of_the_project(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nCREATE TABLE public.t (id int);\n\\copy public.t from 'data/ids.csv'\nCOMMIT;\n")
    (workshop.root / "data").mkdir()
    (workshop.root / "data" / "ids.csv").write_text("1\n2\n")
    assert workshop.run().status == 0
    assert workshop.query("SELECT sum(id) FROM public.t") == [(3,)]


@pytest.mark.parametrize(
    "script",
    [
        "\\! touch escaped\n",
        "\\set x `id`\n",
        "SELECT 1 \\g |cat\n",
        "\\copy t from program 'id'\n",
        "\\setenv A b\n",
        "\\i /etc/passwd\n",
    ],
)
def test_what_leaves_the_database_is_refused_with_its_line(workshop18: Workshop, script: str) -> None:
    workshop18.change("one", "SELECT 1;\n" + script)
    with pytest.raises(ProjectError) as refused:
        workshop18.plan()
    assert "deploy/one.sql:2:" in "\n".join(refused.value.details)
    assert not (workshop18.root / "escaped").exists()
    assert not list((workshop18.state_dir / "runs").iterdir()), "a refused plan leaves no folder"


def test_variables_of_the_command_line_have_the_last_word(workshop: Workshop) -> None:
    workshop.change("one", 'CREATE TABLE public.:"name" ();\n')
    assert workshop.run(variables={"name": "chosen"}).status == 0
    assert workshop.relation("public.chosen")


def test_a_file_changed_after_the_review_does_not_change_the_run(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.reviewed ();\n")
    plan = workshop.plan()
    (workshop.root / "deploy" / "one.sql").write_text("CREATE TABLE public.changed ();\n")
    assert workshop.finish(plan).status == 0
    assert workshop.relation("public.reviewed")
    ((recorded,),) = workshop.query("SELECT script_hash FROM sqitch.changes")
    assert recorded == plan.steps[0].script_hash


def test_verify_counts_a_change_that_the_plan_does_not_hold(workshop18: Workshop) -> None:
    workshop18.change("one", "SELECT 1;\n", "", "SELECT 1;\n")
    assert workshop18.run().status == 0
    plan = workshop18.root / "sqitch.plan"
    plan.write_text(plan.read_text().replace("# one", "# another note"))
    done = workshop18.run("verify")
    assert done.status == 1
    assert done.named("step_verified")[0]["message"] == "not present in the plan"


def test_rows_go_to_files_of_the_project(workshop18: Workshop) -> None:
    script = (
        "SELECT 1, 2 \\g one.txt\n\\o two.txt\nSELECT 3;\nSELECT 4;\n\\o\nSELECT 5;\n\\copy (SELECT 6) to 'three.txt'\n"
    )
    workshop18.change("one", script)
    done = workshop18.run()
    assert done.status == 0, done.named("step_failed")
    texts = [(workshop18.root / name).read_text() for name in ("one.txt", "two.txt", "three.txt")]
    assert texts == ["1|2\n", "3\n4\n", "6\n"]
    assert [data["text"] for data in done.named("output")] == ["5"]


def test_a_fifo_that_nobody_reads_is_not_waited_for(workshop18: Workshop) -> None:
    os.mkfifo(workshop18.root / "fifo")
    workshop18.change("one", "SELECT 1 \\g fifo\n")
    done = workshop18.run()
    assert done.status == 1
    assert "fifo" in done.named("step_failed")[0]["message"]


@pytest.mark.parametrize(
    "name", [".git/config", ".git/hooks/pre-commit", "pgmig.toml", "sqitch.conf", "sub/../pgmig.toml", "a/.envrc"]
)
@pytest.mark.parametrize("writes", ["SELECT 1 \\g {}\n", "\\o {}\nSELECT 1;\n", "\\copy (SELECT 1) to '{}'\n"])
def test_no_script_writes_what_programs_obey(workshop18: Workshop, name: str, writes: str) -> None:
    """What it writes there would be allowed, or run, the next time."""
    workshop18.change("one", writes.replace("{}", name))
    with pytest.raises(ProjectError) as refused:
        workshop18.plan()
    assert "is obeyed by this program or by git" in str(refused.value)


def test_a_shell_runs_where_the_policy_allows_it(workshop18: Workshop) -> None:
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nallow_shell = true\n'
    script = "\\setenv WORD hello\n\\! echo $WORD\n\\set said `echo again`\nSELECT :'said';\n"
    script += "\\copy (SELECT 1) to program 'cat > out.txt'\n"
    workshop18.change("one", script)
    done = workshop18.run()
    assert done.status == 0, done.named("step_failed")
    assert [data["text"] for data in done.named("output")] == ["hello", "again"]
    assert (workshop18.root / "out.txt").read_text() == "1\n"


def test_dev_null_may_be_written_to_and_another_file_is_named_with_what_allows_it(workshop18: Workshop) -> None:
    workshop18.change("one", "\\o /dev/null\nSELECT 1;\n\\o\nSELECT 2 \\g /dev/null\nCREATE TABLE public.one ();\n")
    assert workshop18.run().status == 0
    workshop18.change("two", "SELECT 2 \\g /tmp/nowhere.txt\n")
    with pytest.raises(PgmigError) as refused:
        workshop18.run()
    assert "allow_files" in str(refused.value)
