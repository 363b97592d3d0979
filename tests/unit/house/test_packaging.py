"""What is installed with pip is whole: it is not the repository that runs at an operator's."""

import configparser
import glob
from pathlib import Path

import pytest

from tests.unit.house.import_graph import PACKAGES, ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")


def data_files(package: str) -> set[Path]:
    """Everything in a package that is not Python and is not made when it runs."""
    files = (path for path in (ROOT / package).rglob("*") if path.is_file())
    return {path for path in files if path.suffix not in {".py", ".pyc"}}


def installed_data(package: str) -> set[Path]:
    """What setuptools takes along; its patterns leave hidden files out like a shell's."""
    section = SETUP["options.package_data"]
    patterns = f"{section.get('*', '')}\n{section.get(package, '')}".split()
    found = (glob.glob(pattern, root_dir=ROOT / package, recursive=True) for pattern in patterns)
    return {ROOT / package / name for names in found for name in names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_data_file_of_a_package_is_installed(package: str) -> None:
    assert data_files(package) - installed_data(package) == set()


def test_the_shim_is_among_the_data() -> None:
    """Else the test above would pass on an empty folder."""
    assert {"puqProxmoxKVM.php", "puq_proxmox_kvm.php", ".htaccess"} <= {path.name for path in data_files("whmcs_shim")}


def test_gunicorns_entry_is_installed() -> None:
    assert "wsgi" in SETUP["options"]["py_modules"].split()
