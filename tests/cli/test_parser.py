"""The command line's grammar."""

from __future__ import annotations

import shlex

import pytest

from pgmig_tui.cli.parser import parse


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The message on stderr of a command line that can't be understood; its exit status must be 2."""
    with pytest.raises(SystemExit) as exit_:
        parse(argv)
    assert exit_.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_without_a_command_it_is_the_screen() -> None:
    arguments = parse([])
    assert arguments.command is None
    assert arguments.directory is None
    assert parse(["-C", "x"]).directory == "x"


@pytest.mark.parametrize(
    "argv",
    [
        ["-C", "dir", "--registry", "reg", "--plan-file", "p", "--top-dir", "t", "status"],
        ["status", "-C", "dir", "--registry", "reg", "--plan-file", "p", "--top-dir", "t"],
        ["--registry", "reg", "-C", "dir", "status", "--plan-file", "p", "--top-dir", "t"],
    ],
)
def test_global_options_may_stand_before_and_after_the_command(argv: list[str]) -> None:
    arguments = parse(argv)
    found = (arguments.directory, arguments.registry, arguments.plan_file, arguments.top_dir)
    assert found == ("dir", "reg", "p", "t")


def test_deploy_takes_every_option_that_it_promises() -> None:
    arguments = parse(
        shlex.split(
            "deploy staging --to @v1 -s a=1 --set b=x=y --mode change --no-verify --lock-timeout 1.5 --log-only -y "
            "--confirm prod --accept-data-loss --attest backup=done --override lag=known --json-lines"
        )
    )
    assert arguments.arguments == ["staging"]
    assert arguments.variables == [("a", "1"), ("b", "x=y")]
    assert arguments.verify is False
    assert arguments.lock_timeout == 1.5
    assert arguments.attest == [("backup", "done")]
    assert arguments.override == [("lag", "known")]
    assert (arguments.log_only, arguments.yes, arguments.json_lines, arguments.accept_data_loss) == (True,) * 4
    assert parse(["deploy"]).verify is None
    assert parse(["deploy", "--verify"]).verify is True


def test_nothing_is_shared_between_two_command_lines() -> None:
    parse(["deploy", "x", "-s", "a=1", "--attest", "b=c"])
    assert parse(["deploy", "x"]).variables == []
    assert parse(["deploy", "x"]).attest == []


def test_impact_and_status_take_what_they_promise() -> None:
    impact = parse(["impact", "a", "b@v1", "--target", "prod", "--revert", "--fail-on", "high", "--format", "markdown"])
    assert (impact.changes, impact.target, impact.revert) == (["a", "b@v1"], "prod", True)
    assert (impact.fail_on, impact.format) == ("high", "markdown")
    assert parse(["status", "a", "b", "--json", "--exit-code"]).targets == ["a", "b"]


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["deplyo"], "deplyo"),
        (["deploy", "--tto", "x"], "--tto"),
        (["deploy", "--se", "a=1"], "--se"),
        (["deploy", "-s", "a"], "NAME=VALUE"),
        (["deploy", "-s", "=a"], "NAME=VALUE"),
        (["deploy", "--attest", "backup"], "ITEM=TEXT"),
        (["deploy", "--attest", "backup= "], "ITEM=TEXT"),
        (["deploy", "--lock-timeout", "soon"], "number of seconds"),
        (["deploy", "--lock-timeout", "-1"], "number of seconds"),
        (["status", "--watch", "0"], "at least 0.1 seconds"),
        (["deploy", "--lock-timeout", "nan"], "number of seconds"),
        (["deploy", "--verify", "--no-verify"], "not allowed with"),
        (["impact", "--fail-on", "some"], "some"),
        (["impact", "--format", "xml"], "xml"),
        (["demo", "--reset", "--stop"], "not allowed with"),
        (["status", "-C"], "-C"),
    ],
)
def test_bad_usage_is_named_and_nothing_is_done(
    capsys: pytest.CaptureFixture[str], argv: list[str], named: str
) -> None:
    message = refused(capsys, *argv)
    assert named in message
    assert "Nothing was done." in message


def test_a_hostile_argument_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "deploy", "--x\x1b[31m")
    assert "\x1b" not in message
    assert "␛[31m" in message


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["demo", "status", "plan", "log", "impact", "check", "deploy", "revert", "verify", "runs", "attach"]
    for command in commands:
        with pytest.raises(SystemExit) as exit_:
            parse([command, "--help"])
        assert exit_.value.code == 0
        assert f"pgmig-tui {command}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        parse(["--help"])
    overview = capsys.readouterr().out
    assert all(f"    {command} " in overview for command in commands)
