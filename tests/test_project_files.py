"""The files around the code agree with each other and with the code."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import rru_nb

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def pins():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    # Names and versions, and nothing else: no index, no host, no path, no option.
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = dict(line.split("==") for line in lines)
    return {canonicalize_name(name): version for name, version in pinned.items()}


def test_every_dependency_is_pinned_at_a_version_that_the_project_allows():
    extras = PROJECT["optional-dependencies"]
    wanted = PROJECT["dependencies"] + extras["book"] + extras["site"] + extras["test"]
    for requirement in map(Requirement, wanted):
        version = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} but pinned {version}"


def test_the_gpu_environment_has_the_pinned_tensorflow():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert f"tensorflow[and-cuda]=={pins()['tensorflow']}" in pip


def test_the_citation_names_this_version_and_puts_the_paper_first():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == rru_nb.__version__ == PROJECT["version"]
    assert "Gates are not what you need" in citation["preferred-citation"]["title"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_targets_that_exist_and_put_no_input_into_a_script(path):
    workflow = yaml.safe_load(path.read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    scripts = "\n".join(step.get("run", "") for step in steps)
    assert "${{" not in scripts
    assert set(re.findall(r"\bmake (\w+)", scripts)) <= TARGETS


def test_only_a_site_that_passed_everything_is_published():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    assert jobs["publish"]["needs"] == "build"
    runs = [step.get("run") or step.get("uses") for step in jobs["build"]["steps"]]
    uploads = next(i for i, run in enumerate(runs) if "upload-pages-artifact" in run)
    assert runs.index("bash .ci/run") < uploads
    checks = re.findall(r"^make (\w+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert {"test", "book", "check"} <= set(checks)


def test_each_target_says_what_it_does_how_long_and_where_the_result_lies():
    for target in TARGETS:
        (line,) = re.findall(rf"^{target}:.*$", MAKEFILE, re.MULTILINE)
        what, duration, result = re.search(r"## (.*) \| (.*) \| (.*)", line).groups()
        assert what and duration and result


def test_links_of_the_readme_point_to_files():
    text = (ROOT / "README.md").read_text()
    targets = re.findall(r"\]\((?!https?:|#)([^)]+)\)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "book/reproduce.md"])
def test_files_that_the_prose_names_exist(name):
    text = (ROOT / name).read_text()
    named = re.findall(r"`((?:src|params|book|scripts|tests|notebooks|sections)/[\w./-]+)`", text)
    missing = [n for n in named if not ((ROOT / n).exists() or (ROOT / "src/rru_nb" / n).exists())]
    assert missing == []


@pytest.mark.parametrize("name", ["README.md", "book/index.md", "book/reproduce.md"])
def test_commands_that_the_prose_shows_are_understood(name):
    import typer

    from rru_nb.cli import app

    text = (ROOT / name).read_text().replace("\\\n", " ")
    for line in re.findall(r"^rru-nb .*$", text, re.MULTILINE):
        command, words = typer.main.get_command(app), line.split("#")[0].split()[1:]
        if words[0] == "--backend":
            words = words[2:]
        while hasattr(command, "commands"):
            command, *words = command.commands[words[0]], *words[1:]
        command.make_context(line, words)


def test_the_example_of_the_readme_runs_and_its_check_holds():
    """The fused loop gives what the cell gives."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "import RRU" in block]
    assert "assert np.allclose(" in example
    names = {}
    exec(example, names)
    assert names["layer"].fused and names["outputs"].shape == (16, 100, 64)
