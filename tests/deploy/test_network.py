"""Configure network: single keys of net0 change, the rest stays."""

import pytest

from bridge.models.companion import ProductSetting
from bridge.models.module import IpPool
from bridge.sandbox.proxmox.node import Bridge
from tests.deploy.conftest import Install
from tests.deploy.installation import failed_step

MODELS = {"virtio": "virtio", "e1000": "e1000", "rtl8139": "rtl8139", "vmxnet3": "vmxnet3"}


@pytest.mark.req("DEP-32", "NET-01", "NET-02", "NET-04", "CFG-32")
def test_the_card_has_all_that_the_product_says(install: Install) -> None:
    rig = install(net_auto="off", net_bridge="vmbr0", net_vlan="0", net_bandwidth="12")
    service = rig.deploy()
    mac = rig.record(service).vm_net0_mac
    assert rig.card(service) == {"virtio": mac, "bridge": "vmbr0", "firewall": "1", "rate": "12"}


@pytest.mark.req("NET-03", "CFG-32", "OPT-26")
def test_bandwidth_zero_leaves_the_rate_out(install: Install) -> None:
    rig = install(net_bandwidth="0")
    rig.cluster.guests[9000].config["net0"] = str(rig.cluster.guests[9000].config["net0"]) + ",rate=3"
    assert "rate" not in rig.card(rig.deploy())


@pytest.mark.req("OPT-16", "OPT-26", "NET-03", "NET-04")
@pytest.mark.parametrize(("choice", "rate"), [("10|10 MB/s", "10"), ("0|unlimited", None)])
def test_the_option_decides_about_the_bandwidth(install: Install, choice: str, rate: str | None) -> None:
    rig = install(net_bandwidth="12")
    service = rig.order_with({"Network Bandwidth": choice})
    rig.run()
    assert rig.card(service).get("rate") == rate


@pytest.mark.req("CFG-30")
@pytest.mark.parametrize("setting", MODELS)
def test_a_chosen_model_replaces_that_of_the_template_and_the_mac_stays(install: Install, setting: str) -> None:
    rig = install(net_model=setting)
    service = rig.deploy()
    assert rig.card(service)[MODELS[setting]] == rig.record(service).vm_net0_mac


@pytest.mark.req("CFG-31")
def test_as_in_template_keeps_the_model_of_the_template(install: Install) -> None:
    rig = install()
    template = rig.cluster.guests[9000].config
    template["net0"] = str(template["net0"]).replace("virtio=", "e1000=")
    service = rig.deploy()
    assert rig.card(service)["e1000"] == rig.record(service).vm_net0_mac


@pytest.mark.req("NET-05", "DEP-32")
def test_what_else_the_card_of_the_template_has_stays(install: Install) -> None:
    rig = install()
    template = rig.cluster.guests[9000].config
    template["net0"] = str(template["net0"]) + ",mtu=1400,queues=4"
    card = rig.card(rig.deploy())
    assert (card["mtu"], card["queues"]) == ("1400", "4")


@pytest.mark.req("CFG-37")
def test_bridge_and_vlan_of_the_pool_override_those_of_the_product(install: Install) -> None:
    rig = install(net_auto="on", net_bridge="vmbr0", net_vlan="0")
    IpPool.update(bridge="vmbr1", vlan=30).execute()
    card = rig.card(rig.deploy())
    assert (card["bridge"], card["tag"]) == ("vmbr1", "30")


@pytest.mark.req("CFG-33", "CFG-34", "CFG-37")
def test_with_auto_off_bridge_and_vlan_of_the_product_count(install: Install) -> None:
    rig = install(net_auto="off", net_bridge="vmbr1", net_vlan="4000")
    IpPool.update(bridge="vmbr1", vlan=4000).execute()
    card = rig.card(rig.deploy())
    assert (card["bridge"], card["tag"]) == ("vmbr1", "4000")


@pytest.mark.req("CFG-33")
def test_a_product_without_a_bridge_uses_vmbr0(install: Install) -> None:
    rig = install(dhcp_ipv4="on", dhcp_ipv6="on")
    ProductSetting.delete().where(ProductSetting.name == "net_bridge").execute()
    template = rig.cluster.guests[9000].config
    template["net0"] = str(template["net0"]).replace("vmbr0", "vmbr1")
    assert rig.card(rig.deploy())["bridge"] == "vmbr0"


@pytest.mark.req("CFG-41", "CFG-40")
def test_with_dhcp_bandwidth_bridge_and_vlan_are_all_that_is_managed(install: Install) -> None:
    rig = install(dhcp_ipv4="on", dhcp_ipv6="on", net_bridge="vmbr1", net_vlan="7", net_bandwidth="9")
    template = rig.cluster.guests[9000].config
    template["net0"] = str(template["net0"]).replace(",firewall=1", "")
    service = rig.deploy()
    mac = rig.record(service).vm_net0_mac
    assert rig.card(service) == {"virtio": mac, "bridge": "vmbr1", "tag": "7", "rate": "9"}


@pytest.mark.req("ENG-21", "CFG-33")
def test_a_bridge_that_the_node_does_not_have_is_found_before_the_start(install: Install) -> None:
    rig = install(net_auto="off", net_bridge="vmbr7", dhcp_ipv4="on", dhcp_ipv6="on")
    service = rig.order()
    line = failed_step(rig.tick())
    assert "Configure network                   bridge vmbr7 does not exist on node pve1 (" in line
    assert rig.calls("POST", "/status/start") == []
    for node in rig.cluster.nodes.values():
        node.bridges.append(Bridge("vmbr7"))
    rig.run()
    assert rig.card(service)["bridge"] == "vmbr7"


@pytest.mark.req("DEP-32", "ENG-07")
def test_a_template_without_a_card_gets_one(install: Install) -> None:
    rig = install()
    del rig.cluster.guests[9000].config["net0"]
    service = rig.deploy()
    assert rig.card(service)["virtio"] == rig.record(service).vm_net0_mac
