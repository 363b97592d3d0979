"""`kvm-bridge install`: what an admin reads, and what is there afterwards."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.commands import cli
from bridge.database import connect
from bridge.models import whmcs
from bridge.models.whmcs import EmailTemplate
from emailtemplates import READY, WELCOME, catalog

ALL = [template.name for template in catalog()]


class Admin:
    """Types the command on a WHMCS that KVM Bridge has never seen."""

    def __init__(self, url: str) -> None:
        self.database = connect(url)
        self.database.create_tables(whmcs.TABLES)
        self.environment = {"KVM_BRIDGE_DATABASE_URL": url, "KVM_BRIDGE_SECRET": "a secret of the shop"}

    def install(self, *options: str) -> Result:
        return CliRunner().invoke(cli, ["install", *options], env=self.environment)

    def names(self) -> list[str]:
        return [row.name for row in EmailTemplate.select().order_by(EmailTemplate.id)]


@pytest.fixture
def admin(database_url: str) -> Admin:
    return Admin(database_url)


@pytest.mark.req("INS-29")
def test_one_command_makes_tables_and_templates(admin: Admin) -> None:
    result = admin.install()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "applied 0001 first tables"
    assert lines[-5:] == [f'- e-mail template "{name}": created' for name in ALL]
    assert admin.database.table_exists("puqProxmoxKVM_vm_info")
    assert admin.names() == ALL


@pytest.mark.req("INS-29")
def test_again_it_keeps_everything_and_says_what_is_edited_or_disabled(admin: Admin) -> None:
    admin.install()
    EmailTemplate.update(message="Ours").where(EmailTemplate.name == READY).execute()
    EmailTemplate.update(disabled=1).where(EmailTemplate.name == WELCOME).execute()
    lines = admin.install().stdout.splitlines()
    assert lines[0] == "up to date"
    assert lines[1].startswith(f'! e-mail template "{WELCOME}": kept, disabled')
    assert lines[2:4] == [f'- e-mail template "{READY}": kept, edited', f'- e-mail template "{ALL[2]}": kept']
    assert admin.names() == ALL
    assert EmailTemplate.get(EmailTemplate.name == READY).message == "Ours"


@pytest.mark.req("INS-29")
def test_a_dry_run_tells_and_does_nothing(admin: Admin, tmp_path: Path) -> None:
    lines = admin.install("--dry-run", "--shim", str(tmp_path)).stdout.splitlines()
    assert "would apply 0001 first tables" in lines
    assert f'- e-mail template "{READY}": would be created' in lines
    assert lines[-1] == f"would put the modules into {tmp_path}, which will call http://127.0.0.1:8787"
    assert admin.names() == []
    assert not admin.database.table_exists("kvm_bridge_vm")
    assert list(tmp_path.glob("modules/**")) == []


@pytest.mark.req("INS-29")
def test_the_modules_are_put_into_the_tree_on_request(admin: Admin, tmp_path: Path) -> None:
    for name in ("modules/servers", "modules/addons"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "init.php").write_text("<?php")
    result = admin.install("--shim", str(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / "modules/servers/puqProxmoxKVM/puqProxmoxKVM.php").exists()
    assert (tmp_path / "modules/addons/puq_proxmox_kvm/puq_proxmox_kvm.php").exists()
    assert admin.names() == ALL


def test_a_folder_that_is_no_whmcs_is_refused_after_the_database_is_up(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = admin.install("--shim", str(tmp_path / "empty"))
    assert result.exit_code == 1
    assert str(tmp_path / "empty") in result.stderr
    assert admin.names() == ALL


def test_without_whmcs_tables_one_line_says_what_is_wrong(sqlite_url: str) -> None:
    result = CliRunner().invoke(cli, ["install"], env={"KVM_BRIDGE_DATABASE_URL": sqlite_url})
    assert result.exit_code == 1
    assert "tblemailtemplates" in str(result.exception or result.stderr)
