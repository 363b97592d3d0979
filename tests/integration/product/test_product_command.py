"""`kvm-bridge product`: what an admin or a script sees."""

import json

import pytest
from click.testing import CliRunner, Result

from bridge.commands import cli
from bridge.models.companion import ProductSetting
from bridge.models.whmcs import Product
from bridge.package.fields import FIELDS


@pytest.fixture
def run(sqlite_url: str, sqlite_db: object) -> "Runner":
    Product.create(id=3, servertype="puqProxmoxKVM", configoption4="9000")
    return Runner(sqlite_url)


class Runner:
    """Runs the command line on one database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, *arguments: str) -> Result:
        environment = {"KVM_BRIDGE_DATABASE_URL": self._url, "COLUMNS": "120"}
        return CliRunner().invoke(cli, ["product", *arguments], env=environment)


@pytest.mark.req("OPS-07")
def test_show_lists_every_setting_with_its_value(run: Runner) -> None:
    run("set", "3", "cpu=4", "sys_storage=local-lvm")
    result = run("show", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert all(any(name in line for line in lines) for name in FIELDS)
    row = next(line for line in lines if " cpu " in line)
    assert "4 cores" in row
    assert "yes" in row
    assert "1 GB" in next(line for line in lines if " ram " in line)


def test_show_as_json_gives_typed_values(run: Runner) -> None:
    run("set", "3", "dhcp_ipv4=off", "main_domain=größe.example")
    values = json.loads(run("show", "3", "--json").stdout)
    assert list(values) == list(FIELDS)
    assert (values["dhcp_ipv4"], values["os_template"], values["cpu"]) == (False, 9000, 1)
    assert values["main_domain"] == "größe.example"


@pytest.mark.req("OPS-07")
def test_set_stores_and_prints_what_was_understood(run: Runner) -> None:
    result = run("set", "3", "clone_type=full clone", "ram=8", "os_template=9001", "vm_name_rule=a={service_id}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "clone_type = Full Clone",
        "ram = 8 GB",
        "os_template = 9001",
        "vm_name_rule = a={service_id}",
    ]
    assert Product.get_by_id(3).configoption4 == "9001"


@pytest.mark.req("OPS-07")
def test_one_wrong_value_refuses_the_whole_command_with_one_line(run: Runner) -> None:
    result = run("set", "3", "cpu=4", "ram=-1", "colour=red")
    assert result.exit_code == 1
    assert result.stderr == (
        'Error: RAM (ram): "-1" must be a whole number from 1 to 4096; "colour" is not a product setting\n'
    )
    assert ProductSetting.select().count() == 0


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["set", "3", "cpu"], 2, 'Error: "cpu" is not in the form name=value'),
        (["set", "99", "cpu=1"], 1, "Error: Product 99 does not exist in WHMCS"),
        (["show", "99"], 1, "Error: Product 99 does not exist in WHMCS"),
    ],
)
def test_mistakes_are_answered_with_a_line_and_an_exit_code(
    run: Runner, arguments: list[str], code: int, line: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stderr.splitlines()[-1] == line


def test_secrets_are_never_printed(run: Runner) -> None:
    outputs = [run("set", "3", "novnc_key=hunter2"), run("show", "3"), run("show", "3", "--json")]
    assert all(result.exit_code == 0 for result in outputs)
    assert not any("hunter2" in result.output for result in outputs)
    assert all("********" in result.output for result in outputs)


@pytest.mark.req("CFG-34")
def test_a_vlan_that_proxmox_refuses_is_stored_with_a_warning(run: Runner) -> None:
    line = "warning: VLAN tag (net_vlan): Proxmox VE refuses VLAN 4096, the highest usable one is 4094"
    result = run("set", "3", "net_vlan=4096")
    assert (result.exit_code, result.stderr.strip()) == (0, line)
    assert run("show", "3").stderr.strip() == line


def test_a_broken_stored_value_is_shown_with_its_error_and_can_be_mended(run: Runner) -> None:
    run("set", "3", "cpu=4")
    ProductSetting.update(value="lots").execute()
    shown = run("show", "3")
    assert shown.exit_code == 0
    assert "lots" in shown.stdout
    assert shown.stderr.startswith('warning: CPU (cpu): "lots" must be')
    assert run("set", "3", "cpu=4").exit_code == 0
    assert run("show", "3").stderr == ""
