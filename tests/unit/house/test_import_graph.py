"""The arrows of the house: who may import whom. See ARCHITECTURE.md."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.house.import_graph import PACKAGES, ROOT, SourceFile, find_cycle, names_used, read_files

FILES = read_files(ROOT)

ARROWS = {
    "bridge": {"statemachines", "providers", "emailtemplates", "vnc", "whmcs_shim"},
    "wsgi": {"bridge"},
    "conftest": {"tests"},
    **{package: set() for package in PACKAGES if package != "bridge"},
}
OUR_OWN = {*ARROWS, "tests", "benchmarks", "docs"}

FORBIDDEN_LIBRARIES = {
    "statemachines": {"flask", "peewee", "playhouse", "requests", "urllib3", "proxmoxer", "pymysql", "socket", "http"},
    "providers": {"flask", "peewee", "playhouse", "pymysql"},
    "vnc": {"peewee", "playhouse", "pymysql"},
}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
LONGEST_FILE = 400

# The client of our own protocol, and the wiring, which hands a session to the API client.
MAY_USE_REQUESTS = ("bridge.protocol.client", "bridge.wiring")

SANDBOX = "bridge.sandbox"
OPENS_THE_SANDBOX = ("bridge.commands.demo", "bridge.commands.demo_stage", "bridge.commands.sandbox")
SANDBOX_MAY_IMPORT = ("bridge.sandbox", "bridge.models", "bridge.database", "emailtemplates")


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Is the module one of these packages, or inside of one?"""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def wrong_arrows(files: Mapping[str, SourceFile]) -> list[str]:
    """Imports between top-level names of ours that no arrow allows."""
    return [
        f"{file.module} imports {target}"
        for file in files.values()
        for target in sorted(file.imports)
        if (top := target.partition(".")[0]) in OUR_OWN and top != file.package and top not in ARROWS[file.package]
    ]


def sandbox_leaks(files: Mapping[str, SourceFile]) -> list[str]:
    """Imports of the sandbox by product code that has no business there."""
    return [
        f"{file.module} imports {target}"
        for file in files.values()
        for target in sorted(file.imports)
        if within(target, (SANDBOX,)) and not within(file.module, (SANDBOX, *OPENS_THE_SANDBOX))
    ]


@pytest.mark.req("OPS-11")
def test_imports_between_packages_follow_the_arrows() -> None:
    assert wrong_arrows(FILES) == []


@pytest.mark.req("OPS-11")
def test_no_files_import_each_other_in_a_circle() -> None:
    assert find_cycle(FILES) == []


def test_the_sandbox_is_opened_by_its_two_commands_only() -> None:
    assert sandbox_leaks(FILES) == []


def test_the_sandbox_knows_only_itself_and_the_models() -> None:
    assert [
        f"{file.module} imports {target}"
        for file in FILES.values()
        if within(file.module, (SANDBOX,))
        for target in sorted(file.imports)
        if target.partition(".")[0] in OUR_OWN and not within(target, SANDBOX_MAY_IMPORT)
    ] == []


@pytest.mark.parametrize("package", FORBIDDEN_LIBRARIES)
def test_a_package_keeps_away_from_the_libraries_that_are_not_its_job(package: str) -> None:
    assert [
        f"{file.module} imports {target}"
        for file in FILES.values()
        if file.package == package
        for target in sorted(file.imports)
        if target.partition(".")[0] in FORBIDDEN_LIBRARIES[package]
    ] == []


def test_the_libraries_of_the_outside_world_and_their_exceptions_stay_in_the_providers() -> None:
    """`requests.adapters` may pass through: it is the type of a stand-in for the network, and raises nothing."""
    assert [
        f"{file.module} imports {target}"
        for file in FILES.values()
        if file.package != "providers" and not within(file.module, (SANDBOX, *MAY_USE_REQUESTS))
        for target in sorted(file.imports)
        if target in {"requests", "requests.exceptions"} or within(target, ("proxmoxer", "urllib3"))
    ] == []


def test_the_state_machines_never_sleep() -> None:
    assert [
        file.module for file in FILES.values() if file.package == "statemachines" and "sleep" in names_used(file.path)
    ] == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [name for name in FILES if name.rpartition(".")[2] in SAYS_NOTHING] == []


def test_no_product_file_is_too_long_to_answer_one_question() -> None:
    lengths = {name: len(file.path.read_text(encoding="utf-8").splitlines()) for name, file in FILES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_every_package_of_the_house_says_what_it_is_for() -> None:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    inits = {folder: folder / "__init__.py" for folder in folders}
    assert [str(folder) for folder, init in inits.items() if not init.is_file() or '"""' not in init.read_text()] == []


def test_every_folder_of_tests_is_a_package() -> None:
    """Else two test files of the same name would hide each other."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house to build faults into."""
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "source",
    [
        "import bridge.models",
        "from bridge.models import Vm",
        "def late():\n    from bridge import models",
        "if True:\n    import bridge",
    ],
)
def test_a_wrong_arrow_is_found_wherever_it_stands(house: Path, source: str) -> None:
    (house / "providers" / "dns.py").write_text(source)
    assert [line.partition(" imports ")[0] for line in wrong_arrows(read_files(house))] == ["providers.dns"]


def test_a_circle_of_imports_is_found_also_over_relative_imports(house: Path) -> None:
    (house / "bridge" / "first.py").write_text("from bridge import second")
    (house / "bridge" / "second.py").write_text("def late():\n    from .third import thing")
    (house / "bridge" / "third.py").write_text("from . import first\nthing = 1")
    assert find_cycle(read_files(house)) == ["bridge.first", "bridge.second", "bridge.third", "bridge.first"]


def test_an_import_for_the_type_checker_makes_no_circle_and_obeys_the_arrows(house: Path) -> None:
    (house / "bridge" / "first.py").write_text("from bridge import second")
    (house / "bridge" / "second.py").write_text("if TYPE_CHECKING:\n    from bridge import first")
    (house / "providers" / "dns.py").write_text("if TYPE_CHECKING:\n    import bridge.first")
    files = read_files(house)
    assert (find_cycle(files), wrong_arrows(files)) == ([], ["providers.dns imports bridge.first"])


def test_a_leak_of_the_sandbox_is_found(house: Path) -> None:
    (house / "bridge" / "sandbox.py").write_text("")
    (house / "bridge" / "worker.py").write_text("from bridge import sandbox")
    assert sandbox_leaks(read_files(house)) == ["bridge.worker imports bridge.sandbox"]
