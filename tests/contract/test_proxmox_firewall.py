"""A VM's firewall against the stand-in cluster: sets become what is wanted, left-overs go."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.proxmox.firewall import canonical

from .proxmox_world import World

ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda ip: ip.exploded.upper()),
    st.tuples(st.ip_addresses(v=4), st.integers(1, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(st.ip_addresses(v=6), st.integers(1, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)
SETS = st.lists(ADDRESSES, max_size=5)


@settings(max_examples=60, deadline=None)
@given(before=SETS, wanted=SETS)
def test_an_ip_set_becomes_what_is_wanted_whatever_it_held(before: list[str], wanted: list[str]) -> None:
    world = World()
    proxmox, name = world.proxmox, "ipfilter-net0"
    proxmox.ensure_ipset("pve1", 100, name, before)
    proxmox.ensure_ipset("pve1", 100, name, wanted)
    assert proxmox.ipset("pve1", 100, name) == {canonical(cidr) for cidr in wanted}
    assert proxmox.ensure_ipset("pve1", 100, name, reversed(wanted)) is False
    assert world.wire.complaints == []


def test_a_new_address_is_added_before_the_old_one_is_removed(any_world: World) -> None:
    proxmox, name = any_world.proxmox, "ipfilter-net0"
    assert proxmox.ensure_ipset("pve1", 100, name, ["192.0.2.5"])
    any_world.wire.calls.clear()
    assert proxmox.ensure_ipset("pve1", 100, name, ["192.0.2.6"])
    assert [method for method, _ in any_world.wire.calls] == ["GET", "POST", "DELETE"]


def test_a_set_without_networks_is_kept_empty(any_world: World) -> None:
    proxmox, name = any_world.proxmox, "ipfilter-net0"
    assert proxmox.ensure_ipset("pve1", 100, name, []) is True
    assert proxmox.ipset("pve1", 100, name) == set()
    assert proxmox.ensure_ipset("pve1", 100, name, []) is False
    proxmox.ensure_ipset("pve1", 100, name, ["192.0.2.5"])
    assert proxmox.ensure_ipset("pve1", 100, name, []) is True
    assert proxmox.ipset("pve1", 100, name) == set()
    assert any_world.wire.complaints == []


def test_an_exception_in_the_set_does_not_pass_for_an_entry(world: World) -> None:
    proxmox, name = world.proxmox, "ipfilter-net0"
    proxmox.ensure_ipset("pve1", 100, name, [])
    raw = world.proxmox._api
    raw.post("add an exception", f"nodes/pve1/qemu/100/firewall/ipset/{name}", {"cidr": "192.0.2.5", "nomatch": 1})
    assert proxmox.ipset("pve1", 100, name) == set()
    assert proxmox.ensure_ipset("pve1", 100, name, ["192.0.2.5"])
    assert proxmox.ipset("pve1", 100, name) == {"192.0.2.5"}


def test_a_set_that_is_not_there_is_none_and_can_be_dropped(any_world: World) -> None:
    proxmox = any_world.proxmox
    assert proxmox.ipset("pve1", 100, "ipfilter-net0") is None
    proxmox.drop_ipset("pve1", 100, "ipfilter-net0")
    proxmox.ensure_ipset("pve1", 100, "ipfilter-net0", ["192.0.2.5"])
    proxmox.drop_ipset("pve1", 100, "ipfilter-net0")
    assert proxmox.ipset("pve1", 100, "ipfilter-net0") is None


def test_firewall_options_are_written_and_put_back(any_world: World) -> None:
    proxmox = any_world.proxmox
    proxmox.set_firewall_options("pve1", 100, {"enable": True, "policy_in": "DROP", "macfilter": 0})
    assert {key: str(value) for key, value in proxmox.firewall_options("pve1", 100).items()} == {
        "enable": "1",
        "policy_in": "DROP",
        "macfilter": "0",
    }
    proxmox.set_firewall_options("pve1", 100, {}, delete=["policy_in", "macfilter"])
    assert set(proxmox.firewall_options("pve1", 100)) == {"enable"}


def test_what_an_earlier_vm_left_in_the_firewall_is_cleared(any_world: World) -> None:
    proxmox, base = any_world.proxmox, "nodes/pve1/qemu/100/firewall"
    leave: Callable[..., object] = proxmox._api.post
    proxmox.set_firewall_options("pve1", 100, {"enable": 1, "policy_in": "DROP"})
    proxmox.ensure_ipset("pve1", 100, "office-net", ["192.0.2.5", "2001:db8::/64"])
    leave("leave an alias", f"{base}/aliases", {"name": "office", "cidr": "192.0.2.9"})
    for source in ("+office-net", "office", "198.51.100.1"):
        leave("leave a rule", f"{base}/rules", {"type": "in", "action": "ACCEPT", "source": source, "enable": 1})
    proxmox.clear_firewall("pve1", 100)
    proxmox.clear_firewall("pve1", 100)
    read = proxmox._api.get
    assert [read("look", f"{base}/{part}") for part in ("rules", "ipset", "aliases")] == [[], [], []]
    assert proxmox.firewall_options("pve1", 100) == {}
