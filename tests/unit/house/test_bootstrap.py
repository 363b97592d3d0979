"""`bootstrap.sh` on machines where this or that is missing: each is a folder of programs, real ones and made-up ones."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.house.import_graph import ROOT

REAL = ("sh", "cat", "cksum", "cut", "dirname", "env", "grep", "head", "mktemp", "rm", "sort", "tail")
ALL_EXTENSIONS = "curl\nmbstring\ndom\npdo_mysql"


@dataclass
class Machine:
    """A machine with a clone of the project."""

    folder: Path

    def has(self, name: str, script: str) -> None:
        """Install a program that is this shell script."""
        program = self.folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def has_all_services(self) -> None:
        """Install what the tests ask for."""
        self.has("php", f"echo '{ALL_EXTENSIONS}'")
        self.has("phpcs", "")
        self.has("mariadbd", "")
        self.has("mariadb-install-db", "")
        self.has("my_print_defaults", "")
        self.has("pdnsutil", "")

    def bootstrap(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it as an ordinary user of this machine, who has no terminal."""
        return subprocess.run(
            [str(self.folder / "clone" / "bootstrap.sh"), *arguments],
            env={"PATH": str(self.folder / "bin"), "TMPDIR": str(self.folder), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def installed_with_apt(self) -> list[str]:
        """The arguments of the last `apt-get install`."""
        return (self.folder / "apt.log").read_text().splitlines()[-1].partition(" install ")[2].split()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "clone").mkdir()
    for name in ("bootstrap.sh", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    for name in REAL:
        found = shutil.which(name)
        assert found
        os.symlink(found, tmp_path / "bin" / name)
    bare = Machine(tmp_path)
    bare.has("id", "echo 1000")
    return bare


@pytest.fixture
def machine_of_root(machine: Machine) -> Machine:
    """root, with an apt that writes down what it is asked for."""
    machine.has("id", "echo 0")
    machine.has("apt-get", f'echo "$@" >>{machine.folder}/apt.log')
    machine.has(
        "apt-cache",
        "case $* in policy*) echo '  Candidate: 3.7';; *client*) echo mariadb-client-core-10.6 - c;; *) echo mariadb-server-core-10.6 - s;; esac",
    )
    return machine


@pytest.mark.req("OPS-03")
def test_an_old_python_is_refused_and_named_with_what_to_install(machine: Machine) -> None:
    machine.has("python3", '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    result = machine.bootstrap("venv", "run")
    assert result.returncode == 1
    assert "needs Python 3.11 or newer and found Python 3.9.2" in result.stderr
    assert "apt-get install python3.11" in result.stderr


@pytest.mark.req("OPS-03")
def test_no_python_at_all_is_said_so(machine: Machine) -> None:
    assert "found no python3 at all" in machine.bootstrap("venv", "run").stderr


def test_a_python_without_venv_names_the_package_where_this_user_may_not_install_it(machine: Machine) -> None:
    machine.has("python3.12", 'case "$2" in *ensurepip*|pip|virtualenv) exit 1;; *print*) echo 3.12;; esac')
    result = machine.bootstrap("venv", "run")
    assert (result.returncode, "As root: apt-get install python3.12-venv" in result.stderr) == (1, True)
    assert not (machine.folder / "clone" / ".venv").exists()


def test_what_is_there_is_left_alone(machine_of_root: Machine) -> None:
    machine_of_root.has_all_services()
    result = machine_of_root.bootstrap("services")
    assert (result.returncode, result.stdout, (machine_of_root.folder / "apt.log").exists()) == (0, "", False)


@pytest.mark.parametrize(
    ("missing", "packages"),
    [
        ("curl", ["php-curl"]),
        ("dom", ["php-xml"]),
        ("pdo_mysql", ["php-mysql"]),
        ("mariadb-install-db", ["mariadb-server-core-10.6"]),
        ("phpcs", ["php-codesniffer"]),
        ("my_print_defaults", ["mariadb-client-core-10.6"]),
        ("pdnsutil", ["pdns-server", "pdns-backend-sqlite3"]),
        ("php", ["php-cli", "php-curl", "php-mbstring", "php-xml", "php-mysql"]),
    ],
)
def test_only_what_is_missing_is_installed(machine_of_root: Machine, missing: str, packages: list[str]) -> None:
    machine_of_root.has_all_services()
    machine_of_root.has("php", f"echo '{ALL_EXTENSIONS.replace(missing, '')}'")
    (machine_of_root.folder / "bin" / missing).unlink(missing_ok=True)
    assert machine_of_root.bootstrap("services").returncode == 0
    assert machine_of_root.installed_with_apt() == packages


def test_nothing_is_removed_to_make_room(machine_of_root: Machine) -> None:
    machine_of_root.bootstrap("services")
    assert "--no-remove" in (machine_of_root.folder / "apt.log").read_text().splitlines()[-1].split()


def test_needrestart_is_told_to_leave_services_alone(machine_of_root: Machine) -> None:
    machine_of_root.has("apt-get", f'echo "$NEEDRESTART_SUSPEND" >>{machine_of_root.folder}/apt.log')
    machine_of_root.bootstrap("services")
    assert (machine_of_root.folder / "apt.log").read_text().split() == ["1", "1"]


def test_the_service_of_powerdns_is_masked_before_its_package_comes(machine_of_root: Machine) -> None:
    machine_of_root.has("systemctl", f'echo "systemctl $@" >>{machine_of_root.folder}/apt.log')
    result = machine_of_root.bootstrap("services")
    *_, before, last = (machine_of_root.folder / "apt.log").read_text().splitlines()
    assert (before, "pdns-server" in last) == ("systemctl --quiet mask pdns.service", True)
    assert "systemctl unmask pdns" in result.stdout


def test_a_powerdns_that_is_there_is_not_masked(machine_of_root: Machine) -> None:
    machine_of_root.has_all_services()
    machine_of_root.has("systemctl", f'echo "systemctl $@" >>{machine_of_root.folder}/apt.log')
    (machine_of_root.folder / "bin" / "phpcs").unlink()
    machine_of_root.bootstrap("services")
    assert machine_of_root.installed_with_apt() == ["php-codesniffer"]
    assert "systemctl" not in (machine_of_root.folder / "apt.log").read_text()


def test_nothing_is_masked_where_there_is_no_apt(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has("systemctl", f": >{machine.folder}/called")
    machine.bootstrap("services")
    assert not (machine.folder / "called").exists()


def test_nothing_is_installed_when_the_service_of_powerdns_cannot_be_masked(machine_of_root: Machine) -> None:
    machine_of_root.has("systemctl", "exit 1")
    result = machine_of_root.bootstrap("services")
    assert "the tests that need them will be skipped" in result.stdout
    assert " install " not in (machine_of_root.folder / "apt.log").read_text()


def test_an_apt_that_fails_is_quoted(machine_of_root: Machine) -> None:
    machine_of_root.has("apt-get", "echo 'E: the mirror is gone' >&2; exit 100")
    assert "E: the mirror is gone" in machine_of_root.bootstrap("services").stderr


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({}, 0, "the tests that need them will be skipped"),
        ({"CI": "true"}, 1, "a missing service is a failure"),
    ],
    ids=["on a laptop", "in continuous integration"],
)
def test_services_that_cannot_be_installed_fail_in_continuous_integration_only(
    machine: Machine, environment: dict[str, str], code: int, says: str
) -> None:
    result = machine.bootstrap("services", **environment)
    assert (result.returncode, says in result.stdout + result.stderr) == (code, True)
    assert "as root: apt-get install php-cli" in result.stdout


def test_a_second_call_installs_nothing_until_the_configuration_changes(machine: Machine) -> None:
    install = f'echo "$@" >>{machine.folder}/pip.log; case "$*" in *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac'
    machine.has("python3", install)
    for name in ("mkdir", "cp"):
        os.symlink(shutil.which(name) or name, machine.folder / "bin" / name)

    def installations() -> int:
        assert machine.bootstrap("venv", "run").returncode == 0
        return (machine.folder / "pip.log").read_text().count("--editable")

    assert (installations(), installations()) == (1, 1)
    with (machine.folder / "clone" / "setup.cfg").open("a") as setup:
        setup.write("# a new requirement\n")
    assert installations() == 2


def test_a_package_that_the_release_does_not_offer_is_done_without(machine_of_root: Machine) -> None:
    machine_of_root.has("apt-cache", "[ $1 = policy ] && echo '  Candidate: (none)' || echo mariadb-server-core - s")
    assert machine_of_root.bootstrap("services").returncode == 0
    assert "php-cli" in machine_of_root.installed_with_apt()
    assert "php-codesniffer" not in machine_of_root.installed_with_apt()


def test_names_of_packages_are_looked_up_after_the_lists_were_brought_up_to_date(machine_of_root: Machine) -> None:
    lists = machine_of_root.folder / "lists"
    machine_of_root.has("apt-get", f'echo "$@" >>{machine_of_root.folder}/apt.log; : >{lists}')
    machine_of_root.has("apt-cache", f"[ -e {lists} ] && echo mariadb-server-core-10.6 - s")
    machine_of_root.bootstrap("services")
    assert "mariadb-server-core-10.6" in machine_of_root.installed_with_apt()
