"""A whole project: environments and their policies, foreign targets, scripts, variables, operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgmig_tui.errors import PgmigError, ProjectError, UsageError
from pgmig_tui.project.config import Config, read_files
from pgmig_tui.project.identity import Operator, OsUser, find_operator, os_user
from pgmig_tui.project.project import Project, load_project

WHO = "2024-01-01T00:00:00Z X <x@y>"
USER = OsUser("ada", "Ada Lovelace,,,", "host")
CONF = """\
[core]
	engine = pg
[target "dev"]
	uri = db:pg:docs_dev
[target "production"]
	uri = db:pg://u:s3cret@db.example/docs
"""


@dataclass(frozen=True)
class Row:
    """A change in the registry."""

    change_id: str
    name: str
    tags: tuple[str, ...] = ()


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def plan(*body: str, project: str = "p") -> str:
    return f"%project={project}\n\n" + "".join(f"{line} {WHO}\n" for line in body)


def load(folder: Path, env: Mapping[str, str] | None = None, **options: str) -> Project:
    isolated = {"SQITCH_SYSTEM_CONFIG": "/nonexistent", "HOME": "/nonexistent"}
    return load_project(folder, {**isolated, **(env or {})}, os_user=USER, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, {"sqitch.conf": CONF, "sqitch.plan": plan("a", "@t", "b", "@u", "a [a@t]")})
    return tmp_path


def test_without_pgmig_toml_targets_are_environments_in_file_order(folder: Path) -> None:
    project = load(folder)
    assert [(e.name, e.policy.protected, e.target.display) for e in project.environments] == [
        ("dev", False, "db:pg:docs_dev"),
        ("production", True, "db:pg://u@db.example/docs"),
    ]
    assert (project.root, project.plan.project, project.warnings, project.foreign) == (folder, "p", (), ())
    assert project.operator == Operator("Ada Lovelace,,,", "ada@host")
    assert "s3cret" not in repr(project)


@pytest.mark.parametrize(
    ("conf", "names"),
    [
        ("[core]\nengine=pg\n", ["db:pg:"]),
        ("[user]\nname=x\n", []),
        ('[core]\ntarget=db:pg:x\n[target "t"]\nuri=db:pg:t\n', ["db:pg:x", "t"]),
        ('[engine "pg"]\ntarget=b\n[core]\nengine=pg\n[target "a"]\nuri=db:pg:\n[target "b"]\nuri=db:pg:', ["a", "b"]),
    ],
)
def test_the_targets_of_sqitch_conf_are_the_environments(folder: Path, conf: str, names: list[str]) -> None:
    write(folder, {"sqitch.conf": conf})
    assert [environment.name for environment in load(folder).environments] == names


def test_environment_by_name_target_or_uri(folder: Path) -> None:
    text = '[[environment]]\nname = "live"\ntarget = "production"\nprotected = true\nconfirm_word = "yes"\n'
    write(folder, {"pgmig.toml": text + '[[environment]]\nname = "test"\ntarget = "db:pg:docs_test"\n'})
    project = load(folder)
    assert [environment.name for environment in project.environments] == ["live", "test"]
    assert project.environment("live").target.name == "production"
    for text in ("production", "db:pg://other@DB.example:5432/docs", "postgres://db.example/docs"):
        found = project.environment(text)
        assert (found.name, found.policy.confirm_word, found.policy.protected) == ("live", "yes", True)
    assert project.environment("db:postgres://other@db.example/docs").target.conninfo["user"] == "other"
    assert not project.environment("dev").policy.protected
    adhoc = project.environment("db:pg://h/PROD")
    assert (adhoc.name, adhoc.policy.protected, adhoc.policy.confirm_word) == ("db:pg://h/PROD", True, "PROD")
    assert not project.environment("db:pg://h/x").policy.protected


def test_of_two_environments_with_one_database_the_protected_one_wins(folder: Path) -> None:
    text = '[[environment]]\nname = "a"\ntarget = "db:pg:x"\n[[environment]]\nname = "b"\n'
    write(folder, {"pgmig.toml": text + 'target = "db:pg://localhost/x"\nprotected = true\n'})
    project = load(folder)
    for name in ("a", "b", "db:pg:x", "db:pg://127.0.0.1/x"):
        policy = project.environment(name).policy
        assert (policy.protected, policy.confirm_word) == (True, "b")
    assert project.warnings == ('"a" and "b" are the same database: the policy of "b" counts.',)


def test_the_policy_of_an_environment_with_a_plan_of_its_own_counts_too(folder: Path) -> None:
    more = '[target "wide"]\nuri=db:pg://h/w\ntop_dir=wide\n'
    text = '[[environment]]\nname = "far"\ntarget = "wide"\nprotected = true\n'
    write(folder, {"sqitch.conf": CONF + more, "pgmig.toml": text, "wide/sqitch.plan": plan("w", project="wide")})
    project = load(folder)
    assert (project.environments, [target.name for target in project.foreign]) == ((), ["far"])
    for name in ("far", "wide", "db:pg://h/w"):
        assert project.environment(name).policy == project.elsewhere[0].policy
    far = project.for_target(project.environment("far").target)
    assert [(environment.name, environment.policy.protected) for environment in far.environments] == [("far", True)]


@pytest.mark.parametrize(
    ("name", "message"),
    [("nope", "Known: dev, production."), ("db:sqlite:x", "PostgreSQL only"), ("postgre://h/d", "db:pg:")],
)
def test_an_unknown_environment_is_refused_with_what_to_do(folder: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(folder).environment(name)
    assert message in caught.value.do


def test_targets_with_a_plan_of_their_own_and_other_engines_are_foreign(folder: Path) -> None:
    more = (
        '[target "wide"]\nuri=db:pg:w\ntop_dir=wide\n[target "lite"]\nuri=db:sqlite:x\n'
        '[target "named"]\nuri=db:pg:n\nplan_file=other.plan\n[target "dirs"]\nuri=db:pg:m\ndeploy_dir=d2\n'
    )
    write(folder, {"sqitch.conf": CONF + more, "wide/sqitch.plan": plan("w", project="wide")})
    project = load(folder)
    assert [environment.name for environment in project.environments] == ["dev", "production"]
    assert [(target.name, target.reason, target.plan_file) for target in project.foreign] == [
        ("wide", "has a plan of its own: wide/sqitch.plan", folder / "wide/sqitch.plan"),
        ("lite", "engine sqlite: pgmig-tui works on PostgreSQL only", None),
        ("named", "has a plan of its own: other.plan", folder / "other.plan"),
        ("dirs", "has script folders of its own", folder / "sqitch.plan"),
    ]
    wide = project.for_target(project.environment("wide").target)
    assert (wide.plan.project, wide.root) == ("wide", folder)
    assert [environment.name for environment in wide.environments] == ["wide"]
    assert wide.relative(wide.script_path(wide.plan.changes[0], "deploy")) == "wide/deploy/w.sql"
    assert project.for_target(project.environment("dev").target) is project
    with pytest.raises(ProjectError, match=r"other\.plan does not exist"):
        project.for_target(project.environment("named").target)


TWO_PLANS = """\
[core]
	engine = pg
[target "none"]
	uri = db:pg:none
[target "flip"]
	uri = db:pg:flip
	top_dir = flip
[target "flop"]
	uri = db:pg:flop
	top_dir = flop
"""


@pytest.fixture
def two_plans(tmp_path: Path) -> Path:
    """A project whose targets have plans of their own, and no plan at its root."""
    plans = {f"{name}/sqitch.plan": plan(f"{name}_a", project=name) for name in ("flip", "flop")}
    write(tmp_path, {"sqitch.conf": TWO_PLANS, **plans})
    return tmp_path


def test_without_a_plan_at_the_root_the_first_target_that_has_one_is_the_project(two_plans: Path) -> None:
    project = load(two_plans)
    assert (project.plan.project, [one.name for one in project.environments]) == ("flip", ["flip"])
    assert [(one.name, one.reason) for one in project.foreign] == [
        ("none", "has a plan of its own: sqitch.plan"),
        ("flop", "has a plan of its own: flop/sqitch.plan"),
    ]
    assert project.for_target(project.environment("flop").target).plan.project == "flop"


@pytest.mark.parametrize("named", ["none", "db:pg:"])
def test_a_target_without_a_plan_says_which_targets_have_one(two_plans: Path, named: str) -> None:
    project = load(two_plans)
    with pytest.raises(ProjectError, match=r"Plan file sqitch\.plan does not exist") as caught:
        project.for_target(project.environment(named).target)
    assert "flip, flop" in caught.value.do


@pytest.mark.parametrize(
    ("env", "conf"),
    [
        ({"SQITCH_TARGET": "none"}, ""),
        ({}, "[core]\ntarget = none\n"),
        ({}, '[engine "pg"]\ntarget = none\n'),
        ({}, "[core]\nplan_file = typo.plan\n"),
    ],
)
def test_a_chosen_target_without_a_plan_is_not_exchanged_for_another(
    two_plans: Path, env: dict[str, str], conf: str
) -> None:
    write(two_plans, {"sqitch.conf": TWO_PLANS + conf})
    with pytest.raises(ProjectError, match="does not exist"):
        load(two_plans, env)


@pytest.mark.parametrize("uri", ["postgres://h/x", "postgresql://h/x", "pg://h/x"])
def test_a_uri_needs_no_db_in_front_wherever_it_stands(folder: Path, uri: str) -> None:
    assert load(folder, {"SQITCH_TARGET": uri}).environments[0].name == "db:pg://h/x"
    write(folder, {"sqitch.conf": f'[core]\nengine = pg\n[engine "pg"]\ntarget = {uri}\n'})
    assert [environment.name for environment in load(folder).environments] == ["db:pg://h/x"]
    write(folder, {"sqitch.conf": f'[core]\nengine = pg\n[target "t"]\nuri = {uri}\n'})
    assert load(folder).environment("t").target.uri == load(folder).environment(uri).target.uri == "db:pg://h/x"


def test_options_win_over_the_configuration(folder: Path) -> None:
    write(folder, {"x/other.plan": plan("z", project="other")})
    project = load(folder, plan_file="x/other.plan", top_dir="x", registry="reg")
    assert project.plan.project == "other"
    assert {environment.target.registry for environment in project.environments} == {"reg"}
    assert project.script_path(project.plan.changes[0], "verify") == folder / "x/verify/z.sql"


def test_a_folder_without_a_project_says_where_one_lies(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectError) as caught:
        load(tmp_path / "empty")
    assert f"Paths in {tmp_path / 'sqitch.conf'} count from the current folder" in caught.value.what
    assert f"-C {tmp_path}" in caught.value.do
    (folder / "sqitch.plan").unlink()
    with pytest.raises(ProjectError, match=r"Plan file sqitch\.plan does not exist"):
        load(folder)
    (folder / "sqitch.conf").unlink()
    with pytest.raises(ProjectError, match="There is no Sqitch project in"):
        load(folder)
    with pytest.raises(UsageError, match="There is no folder"):
        load(tmp_path / "nope")


@pytest.mark.parametrize(("mode", "warned"), [("all", True), ("tag", True), ("change", False)])
def test_a_configured_mode_is_ignored_with_a_warning(folder: Path, mode: str, warned: bool) -> None:
    write(folder, {"sqitch.conf": CONF + f"[deploy]\nmode = {mode}\n"})
    assert [f"mode = {mode}" in warning for warning in load(folder).warnings] == [True] * warned


def test_a_target_that_cannot_be_read_is_left_out_with_a_warning(folder: Path) -> None:
    write(folder, {"sqitch.conf": CONF + '[target "bad"]\nuri = postgre://u:s3cret@h/d\n'})
    project = load(folder)
    assert len(project.environments) == 2
    assert [warning.startswith('Target "bad" is left out') for warning in project.warnings] == [True]
    assert "s3cret" not in str(project.warnings)


@pytest.mark.parametrize(
    ("toml", "conf", "option", "mode"),
    [
        ("", "", None, "inside"), ("", "", True, "inside"), ("", "", False, "off"),
        ("", "verify = false", None, "off"), ("", "verify = true", None, "inside"),
        ("", "verify = false", True, "inside"),
        ("after", "verify = false", None, "after"), ("off", "verify = true", None, "off"), ("off", "", True, "inside"),
        ("after", "", True, "after"), ("after", "", False, "off"), ("inside", "verify = false", None, "inside"),
    ],
)  # fmt: skip
def test_verify_is_decided_by_option_then_pgmig_toml_then_sqitch_conf(
    folder: Path, toml: str, conf: str, option: bool | None, mode: str
) -> None:
    line = f'verify = "{toml}"' if toml else ""
    write(
        folder,
        {
            "sqitch.conf": CONF + f"[deploy]\n{conf}\n",
            "pgmig.toml": f'[[environment]]\nname = "dev"\ntarget = "dev"\n{line}\n',
        },
    )
    project = load(folder)
    assert project.verify_mode(project.environment("dev"), option) == mode


# -- scripts -----------------------------------------------------------------------------------------------------------


def paths(project: Project, index: int) -> list[str]:
    change = project.plan.changes[index]
    return [project.relative(project.script_path(change, kind)) for kind in ("deploy", "revert", "verify")]


def test_script_names_of_reworked_changes(folder: Path) -> None:
    project = load(folder)
    assert paths(project, 0) == ["deploy/a@u.sql", "revert/a@u.sql", "verify/a@u.sql"]
    assert paths(project, 1) == ["deploy/b.sql", "revert/b.sql", "verify/b.sql"]
    assert paths(project, 2) == ["deploy/a.sql", "revert/a.sql", "verify/a.sql"]
    # The deploy file decides for all three; where several exist, the likeliest tag wins.
    write(folder, {"deploy/a@t.sql": "", "revert/a@u.sql": ""})
    assert paths(project, 0) == ["deploy/a@t.sql", "revert/a@t.sql", "verify/a@t.sql"]
    write(folder, {"deploy/a@u.sql": ""})
    assert paths(project, 0)[0] == "deploy/a@u.sql"


def test_a_reworked_change_has_its_scripts_in_the_folders_for_it(folder: Path) -> None:
    write(
        folder, {"sqitch.conf": CONF + "[core]\nreworked_dir = old\nreworked_verify_dir = old/check\nextension = ddl\n"}
    )
    project = load(folder)
    assert paths(project, 0) == ["old/deploy/a@u.ddl", "old/revert/a@u.ddl", "old/check/a@u.ddl"]
    assert paths(project, 2) == ["deploy/a.ddl", "revert/a.ddl", "verify/a.ddl"]


def test_names_with_slashes_are_folders(tmp_path: Path) -> None:
    write(tmp_path, {"sqitch.conf": CONF, "sqitch.plan": plan("x/y", "@t", "x/y")})
    project = load(tmp_path)
    assert paths(project, 0)[0] == "deploy/x/y@t.sql"
    assert paths(project, 1)[0] == "deploy/x/y.sql"


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"CREATE TABLE users(id int);\n", "fefa06b649ec4b47ad425c78f6ed53a1c8fc52b0"),
        (b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ],
)
def test_a_script_hash_is_the_sha1_of_its_bytes_and_none_without_a_file(folder: Path, data: bytes, digest: str) -> None:
    project = load(folder)
    change = project.plan.changes[1]
    assert project.script_hash(change) is None
    (folder / "deploy").mkdir()
    (folder / "deploy" / "b.sql").write_bytes(data)
    assert project.script_hash(change) == digest


def test_revert_script_of_a_deployed_change(folder: Path) -> None:
    project = load(folder)
    first, _, last = project.plan.changes
    assert project.relative(project.revert_path_for(Row(first.change_id, "a"))) == "revert/a@u.sql"
    assert project.relative(project.revert_path_for(Row(last.change_id, "a"))) == "revert/a.sql"
    assert project.relative(project.revert_path_for(Row("f" * 40, "b"))) == "revert/b.sql"


def test_the_wrong_revert_script_of_a_reworked_change_is_never_chosen(folder: Path) -> None:
    project = load(folder)
    with pytest.raises(ProjectError, match="which revert script belongs to it can't be told"):
        project.revert_path_for(Row("f" * 40, "a"))
    with pytest.raises(ProjectError):
        project.revert_path_for(Row("f" * 40, "gone"), [Row("e" * 40, "gone")])
    write(folder, {"revert/gone@t.sql": ""})
    with pytest.raises(ProjectError):
        project.revert_path_for(Row("f" * 40, "gone"))


# -- variables and operator --------------------------------------------------------------------------------------------


def test_variables_later_sections_win(folder: Path) -> None:
    sections = ["core", "deploy", "revert", "verify", "engine.pg", "target.dev"]
    text = "".join(
        f'[{section.partition(".")[0]} "{section.partition(".")[2] + "." if "." in section else ""}variables"]\n'
        + "".join(f"v{number} = {section}\n" for number in range(index, len(sections)))
        for index, section in enumerate(sections)
    )
    write(folder, {"sqitch.conf": CONF + text + "Mixed = 1\n"})
    project = load(folder)
    dev, other = project.environment("dev").target, project.environment("db:pg:x").target

    def of(kind: str) -> list[str]:
        found = project.variables(kind, dev, {"v5": "set"})  # type: ignore[arg-type]
        return [found[f"v{number}"] for number in range(6)]

    assert of("deploy") == ["core", "deploy", "deploy", "deploy", "engine.pg", "set"]
    assert of("revert") == ["core", "deploy", "revert", "revert", "engine.pg", "set"]
    assert of("verify") == ["core", "deploy", "deploy", "verify", "engine.pg", "set"]
    assert project.variables("deploy", dev)["Mixed"] == "1"
    assert "Mixed" not in project.variables("deploy", other)
    assert project.variables("deploy", other)["v5"] == "engine.pg"
    assert project.variables("deploy", dev, {"registry": "other"})["registry"] == dev.registry


@pytest.mark.parametrize(
    ("env", "conf", "expected"),
    [
        ({}, "", ("Ada Lovelace,,,", "ada@host")),
        ({"SQITCH_ORIG_FULLNAME": "O", "SQITCH_ORIG_EMAIL": "o@x"}, "", ("O", "o@x")),
        ({"SQITCH_ORIG_FULLNAME": "O"}, "[user]\nname=U\nemail=u@x\n", ("U", "u@x")),
        ({"SQITCH_FULLNAME": "F", "SQITCH_EMAIL": "f@x"}, "[user]\nname=U\nemail=u@x\n", ("F", "f@x")),
    ],
)
def test_the_operator_comes_from_environment_configuration_or_account(
    tmp_path: Path, env: dict[str, str], conf: str, expected: tuple[str, str]
) -> None:
    write(tmp_path, {"c": conf})
    assert find_operator(read_files([tmp_path / "c"]), env, USER) == Operator(*expected)


def test_operator_that_a_registry_cannot_hold() -> None:
    for env in ({"SQITCH_FULLNAME": "a<b"}, {"SQITCH_FULLNAME": "[a"}, {"SQITCH_EMAIL": "a>b"}):
        with pytest.raises(PgmigError, match="can't be used"):
            find_operator(Config(), env, USER)
    with pytest.raises(ProjectError, match="can't be found"):
        find_operator(Config(), {}, OsUser("", "", "host"))
    assert find_operator(Config(), {}, OsUser("ada", "", "h")) == Operator("ada", "ada@h")


def test_the_operating_system_knows_somebody() -> None:
    assert os_user({"SQITCH_ORIG_SYSUSER": "someone"}).login == "someone"
    assert os_user({"USER": "x"}).host
