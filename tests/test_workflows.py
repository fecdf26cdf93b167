"""The workflows keep the rules that make them safe, and test what the project promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf8")) for path in FILES}
JOBS = {(name, job): body for name, workflow in WORKFLOWS.items() for job, body in workflow["jobs"].items()}
STEPS = [(*place, step) for place, job in JOBS.items() for step in job.get("steps", [])]
SCRIPTS = [step["run"] for *_, step in STEPS if "run" in step]
USES = sorted({line for path in FILES for line in re.findall(r"\buses: (.+)", path.read_text("utf8"))})
ACTIONS = [line for line in USES if not line.startswith("./")]

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)


@pytest.mark.parametrize("line", ACTIONS)
def test_an_action_is_pinned_by_a_hash_and_its_version_or_by_a_major_version(line):
    assert re.fullmatch(r"[\w.-]+/[\w./-]+@([0-9a-f]{40}  # v\d+\.\d+\.\d+|v\d+)", line)


def test_an_action_has_the_same_version_everywhere():
    names = [line.partition("@")[0] for line in ACTIONS]
    assert sorted(set(names)) == sorted(names)


@each_workflow
def test_a_workflow_may_only_read_unless_a_job_says_more(name):
    assert WORKFLOWS[name]["permissions"] in ({}, {"contents": "read"})


@each_workflow
def test_what_a_pull_request_starts_may_not_write(name):
    triggers = WORKFLOWS[name][True]  # YAML 1.1 reads the key `on` as the truth value
    assert "pull_request_target" not in triggers
    if "pull_request" in triggers:
        granted = [body.get("permissions", {}) for (workflow, _), body in JOBS.items() if workflow == name]
        assert all("write" not in permissions.values() for permissions in granted)


@pytest.mark.parametrize("place", JOBS, ids=":".join)
def test_a_job_has_a_timeout(place):
    job = JOBS[place]
    called = job.get("uses", "").removeprefix("./.github/workflows/")
    assert called in WORKFLOWS or 0 < job["timeout-minutes"] <= 120


def test_a_checkout_leaves_no_token_behind():
    checkouts = [step for *_, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_gets_its_values_from_the_environment(script):
    assert "${{" not in script, "what is pasted into a script can be a command"


def minor_versions(job):
    """Return the second numbers of the Pythons that a job of test.yml runs with."""
    pythons = JOBS["test.yml", job]["strategy"]["matrix"]["python"]
    assert all(re.fullmatch(r"3\.\d+", python) for python in pythons), "without quotes 3.10 is the number 3.1"
    return [int(python.removeprefix("3.")) for python in pythons]


def test_the_library_is_tested_with_each_python_from_the_oldest_that_it_takes():
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text("utf8"))[1]
    tested = minor_versions("library")
    assert tested == list(range(int(oldest), max(tested) + 1))


def test_the_book_is_tested_with_the_oldest_and_the_newest_python_that_it_takes():
    suitable = re.search(r"\(3, (\d+)\) <= .* <= \(3, (\d+)\)", (ROOT / "Makefile").read_text("utf8"))
    tested = minor_versions("book")
    assert (min(tested), max(tested)) == tuple(map(int, suitable.groups()))
    assert max(tested) <= max(minor_versions("library"))


def test_the_targets_that_a_workflow_makes_exist():
    makefile = (ROOT / "Makefile").read_text("utf8")
    targets = {target for script in SCRIPTS for target in re.findall(r"\bmake ([a-z-]+)", script)}
    assert targets
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.M))


def test_the_files_that_a_workflow_names_exist():
    named = {name for script in SCRIPTS for name in re.findall(r"(?:\.ci|tools)/\w+(?:\.py)?", script)}
    named |= {step["with"]["cache-dependency-path"] for *_, step in STEPS if "cache" in step.get("with", {})}
    named |= {line for line in USES if line.startswith("./")}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    assert os.name == "nt" or os.access(ROOT / ".ci" / "run", os.X_OK)


def validate(path, schema):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("path", [*FILES, DEPENDABOT], ids=lambda path: path.name)
def test_a_file_has_the_form_that_its_schema_asks_for(path):
    run = validate(path, "dependabot" if path == DEPENDABOT else "github-workflows")
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_misspelled_key_is_found(path, tmp_path):
    broken = tmp_path / path.name
    broken.write_text(path.read_text("utf8").replace("timeout-minutes:", "time-out-minutes:"), "utf8")
    run = validate(broken, "github-workflows")
    assert run.returncode != 0
    assert path.name in run.stdout
