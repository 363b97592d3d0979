"""`kvm-bridge pool` as an admin or a script sees it."""

import json

import pytest
from click.testing import CliRunner, Result

from bridge.addresses.book import AddressBook
from bridge.commands import cli
from bridge.models.companion import QuarantinedAddress, Setting
from bridge.models.module import IpPool
from bridge.models.whmcs import Service
from tests.factories import set_setting
from tests.integration.addresses.shop import HOST, SERVER, NoonClock, add_pool, add_service, open_shop, static

pytestmark = pytest.mark.usefixtures("shop_database")

FIELDS = [
    f"server_id={SERVER}",
    "type=ipv4",
    "bridge=vmbr0",
    "gateway=10.0.0.1",
    "mask=24",
    "dns1=9.9.9.9",
    "address_start=10.0.0.2",
    "address_stop=10.0.0.9",
]


class Runner:
    """Runs the command line on one database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, *arguments: str) -> Result:
        environment = {"KVM_BRIDGE_DATABASE_URL": self._url, "COLUMNS": "200"}
        return CliRunner().invoke(cli, ["pool", *arguments], env=environment)


@pytest.fixture
def run(shop_url: str) -> Runner:
    open_shop()
    Setting.delete().where(Setting.name == "address_quarantine").execute()
    return Runner(shop_url)


@pytest.mark.req("IPP-42")
def test_a_pool_is_added_changed_and_deleted(run: Runner) -> None:
    added = run("add", *FIELDS)
    (pool,) = IpPool.select()
    assert (added.exit_code, added.output) == (0, f"pool {pool.id}: added\n")
    assert (pool.vlan, pool.dns1, pool.dns2) == (0, "9.9.9.9", "")
    changed = run("set", str(pool.id), "dns1=", "address_stop=10.0.0.20")
    assert (changed.exit_code, changed.output) == (0, f"pool {pool.id}: changed\n")
    pool = IpPool.get_by_id(pool.id)
    assert (pool.dns1, pool.address_stop, pool.gateway) == ("", "10.0.0.20", "10.0.0.1")
    assert run("delete", str(pool.id), "--yes").output == f"pool {pool.id}: deleted\n"
    assert IpPool.select().count() == 0


@pytest.mark.req("IPP-42")
def test_the_list_is_lines_for_people_and_json_for_machines(run: Runner) -> None:
    book = AddressBook(NoonClock())
    pool = add_pool("192.168.130.2", "192.168.130.30", "192.168.130.1", 24)
    broken = add_pool("10.0.0.9", "10.0.0.2", "10.0.0.1", 24)
    book.allocate(add_service(1), static(8), HOST)
    set_setting("address_quarantine", 60)
    QuarantinedAddress.create(address="192.168.130.30", family=4, service_id=9, released_at=4e9)
    listed = run("list")
    assert (listed.exit_code, listed.stderr) == (0, "")
    assert listed.stdout.splitlines() == [
        f"{pool:>4}  pve-waw1 (ID: 19)  ipv4  vmbr0, VLAN 0  gateway 192.168.130.1/24",
        "      192.168.130.2 - 192.168.130.30  27.59% (8/29), 1 in quarantine",
        "      rDNS zone: 130.168.192.in-addr.arpa",
        f"{broken:>4}  pve-waw1 (ID: 19)  ipv4  vmbr0, VLAN 0  gateway 10.0.0.1/24",
        "      10.0.0.9 - 10.0.0.2  nothing is handed out of it: the range ends before it starts",
        "2 of 2 pools shown",
    ]
    found = json.loads(run("list", "--search", "192.168.130.77", "--json").stdout)
    assert (found["found"], found["total"], found["rows"]) == (0, 2, [])
    found = json.loads(run("list", "--search", "192.168.130.7", "--json").stdout)
    assert [(row["id"], row["usage"], row["quarantined"]) for row in found["rows"]] == [(pool, "27.59% (8/29)", 1)]


@pytest.mark.req("IPP-42")
@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["add", *FIELDS, "mask=33"], 1, 'Error: Mask (mask): "33" must be a whole number from 1 to 32'),
        (["add", *FIELDS, "server_id=99"], 1, "Error: Server (server_id): 99 is no server of this module"),
        (["add", "mask"], 2, 'Error: "mask" is not in the form name=value'),
        (["set", "404", "vlan=1"], 1, "Error: pool 404 does not exist"),
        (["set", "404"], 2, "Error: Missing argument 'NAME=VALUE …'."),
        (["delete", "404", "--yes"], 1, "Error: pool 404 does not exist"),
        (["list", "--sort", "colour"], 2, None),
    ],
)
def test_mistakes_are_answered_with_a_line_and_an_exit_code(
    run: Runner, arguments: list[str], code: int, line: str | None
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert line is None or result.stderr.splitlines()[-1] == line
    assert IpPool.select().count() == 0


@pytest.mark.req("IPP-37", "IPP-42")
def test_a_warning_does_not_keep_a_pool_from_being_stored(run: Runner) -> None:
    result = run("add", *FIELDS, "vlan=4096")
    assert result.exit_code == 0
    assert result.stderr == "warning: Vlan (vlan): Proxmox VE refuses VLAN 4096, the highest usable one is 4094\n"
    assert IpPool.get().vlan == 4096


@pytest.mark.req("IPP-38", "IPP-42")
def test_a_used_pool_is_deleted_only_by_force(run: Runner) -> None:
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    add_service(5, dedicated="10.0.0.7")
    refused = run("delete", str(pool), "--yes")
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"Error: pool {pool} (10.0.0.2 - 10.0.0.9) of server pve-waw1 (ID 19) is in use by service 5; "
        "--force deletes it, and they keep their addresses\n"
    )
    assert run("delete", str(pool), "--yes", "--force").exit_code == 0
    assert IpPool.select().count() == 0
    assert Service.get_by_id(5).dedicatedip == "10.0.0.7"


def test_a_pool_is_not_deleted_without_a_yes(run: Runner) -> None:
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    assert run("delete", str(pool)).exit_code == 1
    assert IpPool.select().count() == 1


@pytest.mark.req("IPP-39", "IPP-42")
def test_assigned_addresses_get_new_settings_on_request(run: Runner) -> None:
    book = AddressBook(NoonClock())
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    vm = add_service(5)
    book.allocate(vm, static(), HOST)
    run("set", str(pool), "gateway=10.0.0.254")
    assert book.held(vm)[0].gateway == "10.0.0.1"
    run("set", str(pool), "vlan=30", "--assigned")
    assert (book.held(vm)[0].gateway, book.held(vm)[0].vlan) == ("10.0.0.254", 30)
