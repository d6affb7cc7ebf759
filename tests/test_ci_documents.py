"""The jobs of docs/ci: each of their commands is run, on a project with a good change and on one with a bad one.

What stands for the services: `gh` is a script that writes down what it is given, GitLab's interface is a server of ours
that curl reaches.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import parse

import pytest
import yaml

from pgmig_tui.report.comment import MOST
from tests.cli.program import Checkout, environment
from tests.script.test_dump_text import HEAD, TAIL

CI = Path(__file__).parents[1] / "docs" / "ci"
ORDERS = "CREATE TABLE shop.orders (id bigint PRIMARY KEY, code text NOT NULL);"
DUMP = "CREATE SCHEMA shop;\n" + ORDERS.replace(" PRIMARY KEY", " NOT NULL") + "\n"
GOOD = [
    "new", "add-column", "--table", "shop.orders", "--column", "total", "--type", "numeric", "--date", "2026-01-31",
    "-n", "Wanted",
]  # fmt: skip
BAD = {
    "deploy": "ALTER TABLE shop.orders ALTER id TYPE int; CREATE INDEX ON shop.orders (code); DROP TABLE shop.gone;",
    "revert": "SELECT 1;",
    "verify": "SELECT 1;",
}

GH = """#!/bin/sh
printf '%s ' "$@" | sed 's/ $//' >> gh.said
echo >> gh.said
case "$*" in
    *--paginate*) touch gh.comments; cat gh.comments ;;
    *--body-file*) cp "$5" gh.body ;;
esac
"""


def load(name: str) -> Any:
    """The YAML as a program of such a service reads it: `on` is no boolean there."""
    return yaml.load((CI / name).read_text(encoding="utf-8").replace("\non:", '\n"on":'), yaml.SafeLoader)


@dataclass
class Job:
    """Commands by the names of their steps, in order, and what is set for all of them."""

    steps: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)


def github() -> Job:
    document = load("github.yml")
    (job,) = document["jobs"].values()
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    return Job(steps, dict(document["env"]))


def gitlab() -> Job:
    document = load("gitlab.yml")
    steps = {
        f"{name} {part}".removeprefix("migrations:"): "\n".join(job[part])
        for name, job in document.items()
        if name.startswith("migrations:")
        for part in ("script", "after_script")
        if part in job
    }
    steps["Install"] = "\n".join(document[".migrations"]["before_script"])
    return Job(steps, dict(document["variables"]))


@pytest.fixture(scope="module", params=["good", "bad"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, bool]:
    """A project as `init`, `add` and `new` make it, and a dump that has its tag."""
    root = tmp_path_factory.mktemp(request.param)
    made = Checkout(root / "project", root / "home")
    made.root.mkdir()
    made.home.mkdir()
    first = "20260130_0001_add_orders"
    for words in (["init", "shop"], ["add", first, "-n", "Orders"], ["tag", "v1.0", "-n", "Released"]):
        assert made.run(*words).status == 0, words
    why = "-- Why: orders are kept.\n"
    made.write(f"deploy/{first}.sql", f"{why}BEGIN;\nCREATE SCHEMA shop;\n{ORDERS}\nCOMMIT;\n")
    made.write(f"revert/{first}.sql", f"{why}BEGIN;\nDROP TABLE shop.orders;\nDROP SCHEMA shop;\nCOMMIT;\n")
    made.write(f"verify/{first}.sql", f"{why}SELECT id, code FROM shop.orders WHERE FALSE;\n")
    made.write("schema.sql", HEAD + DUMP + TAIL)
    if request.param == "good":
        done = made.run(*GOOD)
    else:
        done = made.run("add", "20260131_0001_worse", "-n", "Worse")
        for kind, text in BAD.items():
            made.write(f"{kind}/20260131_0001_worse.sql", f"{why}BEGIN;\n{text}\nCOMMIT;\n")
    assert done.status == 0, done
    return made, request.param == "good"


@dataclass
class Service:
    """What GitLab's interface was sent: (path, token, text)."""

    address: str
    sent: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    sent: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent.append((self.path, self.headers["PRIVATE-TOKEN"], parse_qs(text)["body"][0]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """It has nothing to say."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Service(f"http://127.0.0.1:{server.server_port}/api/v4", sent)
        server.shutdown()
        thread.join()


def run(made: Checkout, command: str, shell: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    """A step as its service runs it."""
    env = {**environment(made.home, **more), "PATH": f"{made.home}/bin:{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run([*shell, command], cwd=made.root, env=env, capture_output=True, text=True, timeout=300)


def comment_of(text: str, *, good: bool) -> None:
    assert text.startswith("<!-- pgmig-tui impact -->\n# Lock impact\n")
    assert len(text) <= MOST
    assert "by the schema dump schema.sql of PostgreSQL 15.4; size unknown" in text
    assert ("**high**" in text) is not good
    assert "20260130" not in text, "what the dump has is no longer pending"


def test_the_workflow_of_github_ends_as_it_should(project: tuple[Checkout, bool]) -> None:
    made, good = project
    job = github()
    made.write("../home/bin/gh", GH).chmod(0o755)
    wanted = dict.fromkeys(job.steps, 0) | ({} if good else {"Lint": 3, "Impact": 3, "Test": 1})
    assert job.steps.pop("Install") == "pip install 'pgmig-tui[demo]'"
    more = {**job.variables, "GITHUB_STEP_SUMMARY": "summary.md", "NUMBER": "7", "GITHUB_REPOSITORY": "me/shop"}
    for name, command in job.steps.items():
        done = run(made, command, ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], **more)
        assert done.returncode == wanted[name], (name, done)
    sarif = json.loads((made.root / "lint.sarif").read_text())
    levels = {one["level"] for one in sarif["runs"][0]["results"]}
    assert (sarif["version"], "error" in levels) == ("2.1.0", not good)
    comment_of((made.root / "gh.body").read_text(), good=good)
    (made.root / "gh.comments").write_text("41\n42\n")
    done = run(made, job.steps["Comment"], ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], **more)
    said = [line for line in (made.root / "gh.said").read_text().splitlines() if "--paginate" not in line]
    assert (done.returncode, said) == (
        0,
        [
            "pr comment 7 --body-file impact.md",
            "api --silent --method PATCH repos/me/shop/issues/comments/42 --field body=@impact.md",
        ],
    )
    summary = (made.root / "summary.md").read_text()
    assert (summary.count("# Lock impact"), f"# Test of shop: {'passed' if good else '**FAILED**'}" in summary) == (
        1,
        True,
    )


def test_the_jobs_of_gitlab_end_as_they_should(project: tuple[Checkout, bool], service: Service) -> None:
    made, good = project
    job = gitlab()
    for file in ("impact.md", "test.md", "test.xml"):
        (made.root / file).unlink(missing_ok=True)
    bad = {"lint script": 3, "impact script": 3, "test script": 1}
    wanted = dict.fromkeys(job.steps, 0) | ({} if good else bad)
    assert job.steps.pop("Install") == "pip install 'pgmig-tui[demo]'"
    more = {
        **job.variables, "COMMENT_TOKEN": "secret", "CI_API_V4_URL": service.address, "CI_PROJECT_ID": "12",
        "CI_MERGE_REQUEST_IID": "3",
    }  # fmt: skip
    for name, command in job.steps.items():
        done = run(made, command, ["sh", "-e", "-c"], **more)
        assert done.returncode == wanted[name], (name, done)
    found = json.loads((made.root / "lint.json").read_text())
    assert any(one["severity"] == "major" for one in found) is not good
    assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(*found[:1]) or good
    cases = parse(made.root / "test.xml").getroot()
    assert (cases.tag, cases.get("failures") == "0") == ("testsuites", good)
    path, token, text = service.sent.pop()
    assert (path, token) == ("/api/v4/projects/12/merge_requests/3/notes", "secret")
    comment_of(text, good=good)
    without = run(made, job.steps["impact after_script"], ["sh", "-e", "-c"], **{**more, "COMMENT_TOKEN": ""})
    assert (without.returncode, service.sent) == (0, [])


def test_what_others_wrote_is_pinned_and_may_do_no_more_than_it_must() -> None:
    document = load("github.yml")
    (job,) = document["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"(?:actions|github)/[\w/-]+@v\d+\.\d+\.\d+", one)] == []
    assert document["permissions"] == {
        "contents": "read", "pull-requests": "write", "security-events": "write",
    }  # fmt: skip
    assert list(document["on"]) == ["pull_request"], "never with the rights of the repository on a stranger's scripts"
    kept = job["steps"][-1]["with"]["path"].split()
    assert sorted(kept) == ["impact.md", "lint.sarif", "test.md", "test.xml"]
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), "what a request says would become a part of the command"
    reports = {
        name.removeprefix("migrations:"): one["artifacts"] for name, one in load("gitlab.yml").items() if ":" in name
    }
    assert reports["lint"]["reports"] == {"codequality": "lint.json"}
    assert reports["test"]["reports"] == {"junit": "test.xml"}
    hosts = {found for path in CI.iterdir() for found in re.findall(r"https?://[\w.-]+", path.read_text())}
    assert hosts == set()
