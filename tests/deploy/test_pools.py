"""What pools, also those of the old addon, make of a VM."""

import pytest

from bridge.models.module import DnsZone, IpPool
from bridge.models.whmcs import ModuleLogEntry, Service
from bridge.web_role import WebServices
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation

OLD_POOLS = "puq_customization_module_puq_proxmox_kvm_ip_pools"


@pytest.mark.req("IPP-08")
def test_the_card_of_a_vm_from_an_untagged_pool_has_no_tag(install: Install) -> None:
    rig = install(net_auto="on", net_vlan="7")
    IpPool.update(vlan=0).execute()
    card = rig.card(rig.deploy())
    assert card["bridge"] == "vmbr0"
    assert "tag" not in card


@pytest.mark.req("IPP-24")
def test_a_pool_needs_no_dns_zone(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="1")
    assert DnsZone.select().count() == 0
    service = rig.deploy()
    assert Service.get_by_id(service).dedicatedip == "192.168.130.2"


@pytest.mark.req("IPP-06", "IPP-25")
def test_the_name_servers_of_a_pool_reach_the_guest_and_may_be_left_out(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    (pool,) = IpPool.select().where(IpPool.type == "ipv4")
    rig.house.pools.change(pool.id, {"dns1": "", "dns2": "9.9.9.9"})
    assert rig.config(rig.deploy())["nameserver"] == "9.9.9.9"
    rig.house.pools.change(pool.id, {"dns2": ""})
    assert "nameserver" not in rig.config(rig.deploy())


def with_the_old_addon(rig: Installation) -> str:
    """No pool of ours, one of the extension; what activating our addon says."""
    (pool,) = IpPool.select().where(IpPool.type == "ipv4")
    IpPool.delete().execute()
    database = rig.house.database
    database.execute_sql(
        f"CREATE TABLE {OLD_POOLS} (id INT, server INT, type TEXT, bridge TEXT, vlan INT, gateway TEXT, mask INT,"
        " dns1 TEXT, dns2 TEXT, address_start TEXT, address_stop TEXT)"
    )
    database.execute_sql(
        f"INSERT INTO {OLD_POOLS} VALUES (5, {pool.server_id}, 'ipv4', 'vmbr0', 0, '10.7.7.1', 24, '9.9.9.9', '',"
        " '10.7.7.7', '10.7.7.9')"
    )
    return WebServices(rig.house).installation.activate()


@pytest.mark.req("MIG-03")
def test_activation_tells_what_it_has_found_and_the_module_log_keeps_it(install: Install) -> None:
    rig = install()
    assert with_the_old_addon(rig) == f"The database is up to date (imported 1 IP pool from {OLD_POOLS})."
    rows = ModuleLogEntry.select().where(ModuleLogEntry.action == "take_over")
    assert [f"imported 1 IP pool from {OLD_POOLS}" in row.response for row in rows] == [True]


@pytest.mark.req("MIG-11", "MIG-12")
@pytest.mark.parametrize("removed", [False, True], ids=["both addons active", "old addon removed"])
def test_a_vm_is_deployed_beside_the_old_addon_and_without_it(install: Install, removed: bool) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    with_the_old_addon(rig)
    if removed:
        rig.house.database.execute_sql(f"DROP TABLE {OLD_POOLS}")
    service = rig.deploy()
    assert rig.cloudinit(service) == {"ip": "10.7.7.7/24", "gw": "10.7.7.1"}
