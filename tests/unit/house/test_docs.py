"""The documentation tells what the tree does now: commands, variables, targets, words, links."""

import configparser
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import bridge
from bridge.commands import cli
from bridge.config import PREFIX, TOML_VARIABLE, Config
from providers.proxmox.access import NEEDED, NEEDED_SINCE_8
from statemachines import states
from tests.unit.house.import_graph import PACKAGES, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z][A-Z_]*[A-Z]\b")

FIELD_WORDS = [
    *("VMID", "node", "storage", "bridge", "UPID", "cloud-init", "template", "VLAN", "net0", "task"),
    *("service", "client", "product", "suspend", "unsuspend", "terminate"),
    *("shim", "role", "pool", "tick", "lease", "mark", "outbox", "state", "step", "pipeline"),
]

# Paths of the machines that this is written on, and addresses of package registries.
FOREIGN = re.compile(
    r"(^|[^A-Za-z0-9_.])/(work|farm)/|/tmp/[t]eam|index-url *[=:]|\"resolved\": *\"http|registry *= *http"
    r"|\b(files\.pythonhosted|pypi|registry\.npmjs|deb\.debian)\.org\b|\.[p]yenv/"
)


def commands_below(group: click.Group, name: str = "kvm-bridge") -> Iterator[str]:
    """Every command as one types it, without options."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands_below(command, f"{name} {command.name}")
        else:
            yield f"{name} {command.name}"


def variables_of_the_configuration() -> set[str]:
    """Those that the configuration is made of."""
    return {PREFIX + key.upper() for key in Config.model_fields} | {TOML_VARIABLE}


def variables_in_the_code() -> set[str]:
    """All that product code names, without the `_FILE` that each may have."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {name for path in files for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    return {name.removesuffix("_FILE") for name in found}


def committed_files() -> list[Path]:
    """What is in the repository, as far as it is text."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.req("OPS-04")
def test_every_command_is_in_the_readme() -> None:
    assert [name for name in commands_below(cli) if f"`{name}" not in README] == []


@pytest.mark.req("OPS-04")
def test_every_environment_variable_is_in_the_readme() -> None:
    known = variables_of_the_configuration() | variables_in_the_code()
    assert sorted(name for name in known if f"`{name}`" not in README) == []


def test_every_environment_variable_in_the_documentation_exists() -> None:
    pages = [*PAGES, *(ROOT / "docs" / "deployment").iterdir()]
    told = {name for page in pages for name in VARIABLE.findall(page.read_text(encoding="utf-8"))}
    known = variables_of_the_configuration() | variables_in_the_code()
    assert sorted(name for name in told if name.removesuffix("_FILE") not in known) == []


@pytest.mark.parametrize(
    "key", [key for key, field in Config.model_fields.items() if field.default and not field.is_required()]
)
def test_the_readme_tells_the_default_of_a_variable(key: str) -> None:
    line = next((line for line in README.splitlines() if line.startswith(f"| `{PREFIX}{key.upper()}`")), "")
    assert f"| `{Config.model_fields[key].default}` |" in line


@pytest.mark.req("OPS-04")
def test_every_make_target_is_in_the_readme() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)
    assert [name for name in targets if f"make {name}" not in README] == []
    assert {"demo", "test", "lint", "bench", "soak", "requirements", "format", "clean", "help"} <= set(targets)


@pytest.mark.parametrize("word", FIELD_WORDS)
def test_the_glossary_explains_the_words_of_the_field(word: str) -> None:
    explained = [line.split("|")[1] for line in GLOSSARY.splitlines() if line.startswith("| ")]
    assert any(re.search(rf"\b{re.escape(word)}\b", words) for words in explained)


@pytest.mark.parametrize("state", [*states.DEPLOY_STATES, *sorted(states.AT_REST)])
def test_the_glossary_explains_every_state(state: str) -> None:
    assert f"`{state}`" in GLOSSARY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_role_in_the_readme_has_every_right_that_the_connection_test_demands() -> None:
    role = README.partition("pveum role add")[2].partition("pveum user add")[0]
    demanded = {right for rights in (NEEDED | NEEDED_SINCE_8).values() for right in rights}
    assert sorted(right for right in demanded if right not in role.replace('"', " ").split()) == []


def test_every_kind_of_tests_is_explained_to_contributors() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    kinds = [folder.name for folder in (ROOT / "tests").iterdir() if list(folder.rglob("test_*.py"))]
    assert [kind for kind in kinds if f"`tests/{kind}`" not in contributing] == []


def test_the_version_is_the_same_everywhere() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    shim = (ROOT / "whmcs_shim/modules/servers/puqProxmoxKVM/lib/Version.php").read_text(encoding="utf-8")
    number = re.search(r"NUMBER = '([^']+)'", shim)
    assert number
    assert {setup["metadata"]["version"], number[1]} == {bridge.__version__}


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for path in committed_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if FOREIGN.search(line)]
    assert found == []


@pytest.mark.parametrize(
    "line", ["see /wor" + "k/notes", "index-u" + "rl = x", "https://py" + "pi.org/simple", "cd ~/.py" + "env/bin"]
)
def test_a_machine_or_registry_is_recognized(line: str) -> None:
    assert FOREIGN.search(line)


@pytest.mark.parametrize("line", ["the work / the farm", "network/work/x", "a registry of adapters"])
def test_ordinary_text_is_not_mistaken_for_a_machine(line: str) -> None:
    assert not FOREIGN.search(line)
