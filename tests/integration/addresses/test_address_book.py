"""The address book on real tables: what is handed out, what is shown in WHMCS, and what is never handed out."""

import dataclasses

import pytest

from bridge.addresses.book import AddressBook
from bridge.addresses.errors import AddressHeldTwice, AddressProblem, AddressWithoutNetwork, NoFreeAddress
from bridge.database import Database
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import Server, Service
from statemachines.package import NetworkSpec
from tests.integration.addresses.shop import (
    HOST,
    HOSTING,
    OTHER_SERVER,
    SERVER,
    NoonClock,
    add_pool,
    add_service,
    open_shop,
    reservations,
    shown,
    static,
    texts,
    usage,
)

pytestmark = pytest.mark.usefixtures("shop_database")

LINES = "vmbr0|10|192.168.10.2|24|192.168.10.1|8.8.8.8,1.1.1.1\nvmbr0|30|192.168.20.2|25|192.168.20.1|8.8.8.8"
FULL_SIX = "2001:0db8:0000:0000:0000:0000:0000:000{}"


def small_pools() -> int:
    """One pool of each family; returns the ID of the IPv4 pool."""
    add_pool("2001:db8::2", "2001:db8::ff", "2001:db8::1", 64)
    return add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)


@pytest.mark.req("IPP-29", "IPP-30", "OPT-17", "OPT-18", "CFG-35", "CFG-36", "DEP-11")
def test_addresses_are_reserved_and_shown_in_whmcs_and_in_the_record() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(7)
    held = book.allocate(vm, static(2, 2), HOST)
    expected = ["10.0.0.2", "10.0.0.3", FULL_SIX.format(2), FULL_SIX.format(3)]
    assert texts(held) == expected
    assert reservations() == dict.fromkeys(expected, 7)
    assert (shown(7).dedicated, shown(7).assigned) == (expected[0], expected[1:])
    assert list(shown(7).names.items()) == [(text, HOST) for text in expected]
    assert vm.rev_dns == shown(7).names


@pytest.mark.req("IPP-31")
def test_a_service_without_ipv4_has_its_ipv6_address_as_the_dedicated_one() -> None:
    book = open_shop()
    small_pools()
    book.allocate(add_service(7), static(0, 2), HOST)
    assert shown(7).dedicated == FULL_SIX.format(2)
    assert shown(7).assigned == [FULL_SIX.format(3)]


@pytest.mark.req("CFG-37", "IPP-25")
@pytest.mark.parametrize(
    ("dns1", "dns2", "servers"),
    [
        ("8.8.8.8", "1.1.1.1", ("8.8.8.8", "1.1.1.1")),
        ("", "1.1.1.1", ("1.1.1.1",)),
        ("8.8.8.8", None, ("8.8.8.8",)),
        (None, None, ()),
    ],
)
def test_an_address_comes_with_everything_a_guest_needs(
    dns1: str | None, dns2: str | None, servers: tuple[str, ...]
) -> None:
    book = open_shop()
    add_pool("10.0.5.20", "10.0.5.30", "10.0.5.1", 26, bridge="vmbr1", vlan=30, dns1=dns1, dns2=dns2)
    vm = add_service(7)
    (address,) = book.allocate(vm, static(bridge="vmbr0", vlan=0, auto=True), HOST)
    assert (address.text, address.prefix, address.gateway) == ("10.0.5.20", 26, "10.0.5.1")
    assert (address.bridge, address.vlan, address.dns) == ("vmbr1", 30, servers)
    assert book.held(vm) == [address]


@pytest.mark.req("SRV-12", "SRV-13", "SRV-14", "SRV-17", "SRV-18")
def test_the_legacy_list_of_the_server_serves_beside_pools() -> None:
    book = open_shop("vmbr3|0|10.0.25.2|27|10.0.25.1|10.0.10.10,10.0.10.20\nbroken line\n" + LINES)
    add_pool("10.0.0.2", "10.0.0.2", "10.0.0.1", 24)
    assert texts(book.allocate(add_service(1), static(), HOST)) == ["10.0.0.2"]
    (listed,) = book.allocate(add_service(2), static(), HOST)
    assert (listed.text, listed.vlan, listed.prefix, listed.dns) == ("10.0.25.2", 0, 27, ("10.0.10.10", "10.0.10.20"))
    fixed = static(auto=False, bridge="vmbr0", vlan=30)
    assert texts(book.allocate(add_service(3), fixed, HOST)) == ["192.168.20.2"]


def test_html_entities_in_the_list_and_in_the_server_name_are_decoded() -> None:
    book = open_shop()
    Server.update(name="Waw &amp; Co", assignedips=LINES.replace("|", "&#124;")).where(Server.id == SERVER).execute()
    assert texts(book.allocate(add_service(1), static(), HOST)) == ["192.168.10.2"]
    with pytest.raises(NoFreeAddress, match="on server Waw & Co "):
        book.allocate(add_service(2), static(3), HOST)


@pytest.mark.req("IPP-17")
def test_a_pool_of_another_server_is_never_used() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24, server_id=OTHER_SERVER)
    with pytest.raises(NoFreeAddress, match="it has no IPv4 pool and no listed address"):
        book.allocate(add_service(7), static(), HOST)
    assert texts(book.allocate(add_service(8, server=OTHER_SERVER), static(), HOST)) == ["10.0.0.2"]


@pytest.mark.req("CFG-38", "CFG-39")
@pytest.mark.parametrize(
    ("dhcp_ipv4", "dhcp_ipv6", "expected"),
    [(True, True, []), (True, False, [FULL_SIX.format(2)]), (False, True, ["10.0.0.2"])],
)
def test_a_family_on_dhcp_gets_no_address(dhcp_ipv4: bool, dhcp_ipv6: bool, expected: list[str]) -> None:
    book = open_shop()
    small_pools()
    network = NetworkSpec(ipv4_count=1, ipv6_count=1, dhcp_ipv4=dhcp_ipv4, dhcp_ipv6=dhcp_ipv6)
    assert texts(book.allocate(add_service(7), network, HOST)) == expected
    assert list(reservations()) == expected


def test_a_lease_that_an_admin_noted_stays_and_is_not_ours() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(7, dedicated="172.16.0.77", assigned="see ticket 12")
    assert book.allocate(vm, NetworkSpec(), HOST) == []
    assert (shown(7).dedicated, shown(7).assigned) == ("172.16.0.77", ["see ticket 12"])
    assert book.held(vm) == []
    book.allocate(vm, NetworkSpec(ipv6_count=1, dhcp_ipv6=False), HOST)
    assert (shown(7).dedicated, shown(7).assigned) == ("172.16.0.77", [FULL_SIX.format(2)])
    assert texts(book.held(vm)) == [FULL_SIX.format(2)]


@pytest.mark.req("DEP-12")
def test_asking_again_gives_the_same_addresses() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(7)
    first = book.allocate(vm, static(2, 1), HOST)
    before = (reservations(), shown(7))
    assert book.allocate(vm, static(2, 1), "renamed.example.com") == first
    assert (reservations(), shown(7)) == before


def test_asking_for_more_adds_and_asking_for_less_takes_nothing_away() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(7)
    book.allocate(vm, static(1), HOST)
    book.allocate(add_service(8), static(1), HOST)
    assert texts(book.allocate(vm, static(2, 1), HOST)) == ["10.0.0.2", "10.0.0.4", FULL_SIX.format(2)]
    assert shown(7).dedicated == "10.0.0.2"
    assert len(book.allocate(vm, static(1, 1), HOST)) == 3


def test_further_addresses_stay_on_the_bridge_of_the_first() -> None:
    book = open_shop()
    add_pool("10.0.1.2", "10.0.1.2", "10.0.1.1", 24, bridge="vmbr1")
    add_pool("10.0.2.2", "10.0.2.9", "10.0.2.1", 24, bridge="vmbr2")
    vm = add_service(7)
    assert texts(book.allocate(vm, static(1), HOST)) == ["10.0.1.2"]
    with pytest.raises(NoFreeAddress, match=r"1 pool on bridge vmbr1, VLAN 0 is all in use"):
        book.allocate(vm, static(2), HOST)
    assert texts(book.held(vm)) == ["10.0.1.2"]


IN_USE = [
    pytest.param({"dedicated": "10.0.0.2"}, id="dedicated IP of an active service"),
    pytest.param({"assigned": "192.0.2.1\r\n10.0.0.2\r\n"}, id="assigned IP"),
    pytest.param({"assigned": "10.0.0.2/24, 192.0.2.1"}, id="assigned IP with a mask"),
    pytest.param({"dedicated": "10.0.0.2", "vm_status": None}, id="service without a record"),
    pytest.param({"dedicated": "10.0.0.2", "vm_status": "remove"}, id="shown although removed"),
    pytest.param({"dedicated": "10.0.0.2", "vm_status": "error_terminate"}, id="termination failed"),
    pytest.param({"names": {"10.0.0.2": "a.example.com"}, "vm_status": "ready"}, id="reverse name of a record"),
    pytest.param({"names": {"10.0.0.2": "a.example.com"}, "vm_status": "terminate"}, id="termination queued"),
    pytest.param({"dedicated": "10.0.0.2", "server": 20}, id="service on another server"),
]


@pytest.mark.req("ENG-39")
@pytest.mark.parametrize("service", IN_USE)
def test_an_address_that_a_service_of_the_module_shows_is_not_handed_out(service: dict[str, object]) -> None:
    book = open_shop()
    small_pools()
    add_service(5, **service)  # type: ignore[arg-type]
    assert texts(book.allocate(add_service(7), static(), HOST)) == ["10.0.0.3"]


NOT_IN_USE = [
    pytest.param(
        {"names": {"10.0.0.2": "a.example.com"}, "vm_status": "remove"}, id="reverse name of a removed record"
    ),
    pytest.param({"dedicated": "10.0.0.2", "product": HOSTING, "vm_status": None}, id="service of another module"),
    pytest.param({"dedicated": "110.0.0.2", "assigned": "10.0.0.20\n10.0.0.222"}, id="addresses that look alike"),
    pytest.param({"assigned": "not 10.0.0.2.example"}, id="text that only contains it"),
]


@pytest.mark.parametrize("service", NOT_IN_USE)
def test_an_address_that_nobody_uses_is_handed_out(service: dict[str, object]) -> None:
    book = open_shop()
    small_pools()
    add_service(5, **service)  # type: ignore[arg-type]
    assert texts(book.allocate(add_service(7), static(), HOST)) == ["10.0.0.2"]


@pytest.mark.req("ENG-39")
@pytest.mark.parametrize(
    "notation",
    [
        "2001:db8::2",
        "2001:0db8:0000:0000:0000:0000:0000:0002",
        "2001:DB8:0:0:0:0:0:2",
        "2001:db8:0::0:2",
        "2001:0DB8::0002/64",
        "2001:db8::0.0.0.2",
    ],
)
@pytest.mark.parametrize("where", ["assigned", "names"])
def test_ipv6_is_recognised_in_every_notation(notation: str, where: str) -> None:
    book = open_shop()
    small_pools()
    if where == "assigned":
        add_service(5, assigned=notation)
    else:
        add_service(5, names={notation: "a.example.com"})
    assert texts(book.allocate(add_service(7), static(0, 1), HOST)) == [FULL_SIX.format(3)]


@pytest.mark.req("IPP-28")
@pytest.mark.parametrize(
    ("server", "line"),
    [
        (SERVER, "No free IPv4 address on server pve-waw1 (ID 19): 1 pool and 2 listed addresses are all in use"),
        (OTHER_SERVER, "No free IPv4 address on server pve-ber1 (ID 20): it has no IPv4 pool and no listed address"),
        (0, "No addresses: the service has no server assigned"),
        (99, "No addresses: server 99 does not exist in WHMCS"),
    ],
)
def test_when_nothing_is_free_the_admin_reads_why_and_nothing_is_written(server: int, line: str) -> None:
    book = open_shop(LINES)
    add_pool("10.0.0.2", "10.0.0.2", "10.0.0.1", 24)
    for number, address in enumerate(["10.0.0.2", "192.168.10.2", "192.168.20.2"]):
        add_service(100 + number, dedicated=address)
    vm = add_service(7, server=server)
    with pytest.raises(AddressProblem) as error:
        book.allocate(vm, static(), HOST)
    assert str(error.value) == line
    assert reservations() == {}
    assert (shown(7).dedicated, shown(7).names, vm.rev_dns) == ("", {}, {})


@pytest.mark.req("IPP-28")
def test_an_order_goes_on_when_the_admin_has_added_a_pool() -> None:
    book = open_shop()
    vm = add_service(7)
    with pytest.raises(NoFreeAddress):
        book.allocate(vm, static(1, 1), HOST)
    small_pools()
    assert len(book.allocate(vm, static(1, 1), HOST)) == 2


def test_when_one_family_is_missing_no_address_of_the_other_is_kept() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    with pytest.raises(NoFreeAddress, match=r"^No free IPv6 address"):
        book.allocate(add_service(7), static(1, 1), HOST)
    assert reservations() == {}


def test_addresses_of_the_old_module_stay_with_their_service_and_are_adopted() -> None:
    book = open_shop(LINES)
    small_pools()
    names = {"10.0.0.7": "mail.example.org", "2001:0db8:0000:0000:0000:0000:0000:0009": "old.example.com"}
    vm = add_service(5, dedicated="10.0.0.7", assigned="2001:0db8:0000:0000:0000:0000:0000:0009", names=names)
    assert texts(book.held(vm)) == list(names)
    assert texts(book.allocate(vm, static(1, 1), HOST)) == list(names)
    assert reservations() == dict.fromkeys(names, 5)
    assert shown(5).names == names


def test_an_address_without_network_is_the_admins_problem_and_not_overwritten() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(5, dedicated="172.16.0.77")
    with pytest.raises(AddressWithoutNetwork) as error:
        book.allocate(vm, static(), HOST)
    assert str(error.value) == (
        "Address 172.16.0.77 of service 5 is in no pool and no listed address of server pve-waw1 (ID 19): "
        "its mask and gateway are not known"
    )
    assert shown(5).dedicated == "172.16.0.77"


@pytest.mark.req("DEP-54")
def test_an_address_of_which_nobody_knows_the_network_is_reported_for_its_service_and_for_no_other() -> None:
    book = open_shop()
    doomed = add_pool("10.0.1.2", "10.0.1.2", "10.0.1.1", 24)
    add_pool("10.0.2.2", "10.0.2.9", "10.0.2.1", 24)
    first, second = add_service(5), add_service(6)
    book.allocate(first, static(), HOST)
    book.allocate(second, static(), HOST)
    IpPool.delete_by_id(doomed)
    AddressReservation.update(prefix=None).execute()  # as an earlier version of ours wrote it
    with pytest.raises(AddressWithoutNetwork, match=r"^Address 10\.0\.1\.2 of service 5 "):
        book.held(first)
    assert texts(book.held(second)) == ["10.0.2.2"]
    assert (shown(5).dedicated, reservations()["10.0.1.2"]) == ("10.0.1.2", 5)


@pytest.mark.req("IPP-13")
def test_a_shrunk_pool_leaves_its_services_their_addresses() -> None:
    book = open_shop()
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    vm = add_service(5)
    book.allocate(vm, static(), HOST)
    IpPool.update(address_start="10.0.0.6").where(IpPool.id == pool).execute()
    (address,) = book.held(vm)
    assert (address.text, address.prefix, address.gateway) == ("10.0.0.2", 24, "10.0.0.1")
    assert texts(book.allocate(add_service(6), static(), HOST)) == ["10.0.0.6"]


@pytest.mark.parametrize(
    "broken",
    [
        {"gateway": None},
        {"mask": 33},
        {"mask": None},
        {"first": "10.0.0.9", "last": "10.0.0.2"},
        {"last": "2001:db8::5"},
        {"type": "ipv6"},
        {"bridge": None},
        {"vlan": 4097},
        {"first": "somewhere"},
    ],
)
def test_a_broken_pool_is_left_out_and_the_others_serve(broken: dict[str, object]) -> None:
    book = open_shop()
    facts = {"first": "10.0.0.2", "last": "10.0.0.9", "gateway": "10.0.0.1", "mask": 24} | broken
    add_pool(**facts)  # type: ignore[arg-type]
    add_pool("10.0.2.2", "10.0.2.9", "10.0.2.1", 24)
    assert texts(book.allocate(add_service(5), static(), HOST)) == ["10.0.2.2"]


def test_two_services_that_show_one_address_are_reported() -> None:
    book = open_shop()
    small_pools()
    add_service(4, dedicated="10.0.0.5")
    vm = add_service(5, dedicated="10.0.0.5")
    with pytest.raises(
        AddressHeldTwice, match=r"^Address 10\.0\.0\.5 of service 5 is held by another service as well$"
    ):
        book.allocate(vm, static(), HOST)
    assert reservations() == {}


def test_an_address_that_an_admin_moved_to_another_service_goes_with_it() -> None:
    book = open_shop()
    small_pools()
    old, new = add_service(4), add_service(5)
    book.allocate(old, static(), HOST)
    Service.update(dedicatedip="").where(Service.id == 4).execute()
    VmInfo.update(vm_rev_dns="[]").where(VmInfo.service_id == 4).execute()
    Service.update(dedicatedip="10.0.0.2").where(Service.id == 5).execute()
    assert texts(book.allocate(new, static(), HOST)) == ["10.0.0.2"]
    assert reservations() == {"10.0.0.2": 5}


def test_reservations_that_the_old_module_ended_are_found_when_the_pool_is_full() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.3", "10.0.0.1", 24)
    for service_id in (4, 5):
        book.allocate(add_service(service_id), static(), HOST)
    Service.update(dedicatedip="", assignedips="").where(Service.id == 5).execute()
    VmInfo.update(vm_rev_dns=None, vm_status="remove").where(VmInfo.service_id == 5).execute()
    assert texts(book.allocate(add_service(6), static(), HOST)) == ["10.0.0.3"]
    assert reservations() == {"10.0.0.2": 4, "10.0.0.3": 6}


def test_a_reservation_survives_as_long_as_one_place_shows_it() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.2", "10.0.0.1", 24)
    vm = add_service(4)
    book.allocate(vm, static(), HOST)
    Service.update(dedicatedip="").where(Service.id == 4).execute()  # an admin saved a form that he opened before
    with pytest.raises(NoFreeAddress):
        book.allocate(add_service(5), static(), HOST)
    assert texts(book.held(vm)) == ["10.0.0.2"]


def test_an_address_that_an_admin_types_between_two_orders_is_not_handed_out() -> None:
    book = open_shop()
    small_pools()
    book.allocate(add_service(4), static(), HOST)
    add_service(5, dedicated="10.0.0.3")
    assert texts(book.allocate(add_service(6), static(), HOST)) == ["10.0.0.4"]


def test_a_reverse_name_that_the_old_module_leaves_later_is_noticed_after_minutes() -> None:
    clock = NoonClock()
    book = open_shop(clock=clock)
    small_pools()
    book.allocate(add_service(4), static(), HOST)
    add_service(5, names={"10.0.0.3": "old.example.com"}, vm_status="ready")
    clock.passed += 301
    assert texts(book.allocate(add_service(6), static(), HOST)) == ["10.0.0.4"]


def test_an_address_given_back_is_handed_out_again_at_once() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.3", "10.0.0.1", 24)
    book.allocate(add_service(4), static(), HOST)
    after_restart = AddressBook(NoonClock())
    after_restart.allocate(add_service(5), static(), HOST)
    after_restart.release(4)
    assert texts(after_restart.allocate(add_service(6), static(), HOST)) == ["10.0.0.2"]


@pytest.mark.parametrize(
    ("network", "second"), [(static(), "10.0.0.3"), (static(0, 1), FULL_SIX.format(3))], ids=["IPv4", "IPv6"]
)
def test_a_reservation_alone_is_respected_while_others_are_free(network: NetworkSpec, second: str) -> None:
    book = open_shop()
    small_pools()
    book.allocate(add_service(4), network, HOST)
    Service.update(dedicatedip="").where(Service.id == 4).execute()
    VmInfo.update(vm_rev_dns=None).where(VmInfo.service_id == 4).execute()
    assert texts(book.allocate(add_service(5), network, HOST)) == [second]


def test_a_removed_vm_holds_nothing_by_its_old_names() -> None:
    book = open_shop()
    small_pools()
    assert book.held(add_service(4, names={"10.0.0.7": "old.example.com"}, vm_status="remove")) == []


def test_names_of_a_family_that_went_to_dhcp_are_kept() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(4, dedicated="10.0.0.7", names={"10.0.0.7": "mail.example.org"})
    book.allocate(vm, static(1, 1, dhcp_ipv4=True), HOST)
    assert shown(4).names == {FULL_SIX.format(2): HOST, "10.0.0.7": "mail.example.org"}
    assert (shown(4).dedicated, shown(4).assigned) == ("10.0.0.7", [FULL_SIX.format(2)])


@pytest.mark.req("OPT-28")
def test_releasing_gives_everything_back_and_may_run_twice() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(4)
    book.allocate(vm, static(2, 1), HOST)
    book.release(4)
    book.release(4)
    assert reservations() == {}
    assert (shown(4).dedicated, shown(4).assigned, shown(4).names) == ("", [], {})
    assert texts(book.allocate(add_service(5), static(), HOST)) == ["10.0.0.2"]


@pytest.mark.req("OPT-29")
def test_releasing_the_excess_keeps_the_primary_address() -> None:
    book = open_shop()
    pool = small_pools()
    vm = add_service(4)
    held = book.allocate(vm, static(4), HOST)
    book.release(4, keep=held[:2])
    assert texts(book.held(vm)) == ["10.0.0.2", "10.0.0.3"]
    assert (shown(4).dedicated, shown(4).assigned, list(shown(4).names)) == (
        "10.0.0.2",
        ["10.0.0.3"],
        ["10.0.0.2", "10.0.0.3"],
    )
    assert usage(pool).used == 2


def test_usage_counts_what_is_reserved_and_what_is_shown_once() -> None:
    book = open_shop()
    pool = add_pool("10.0.0.2", "10.0.0.30", "10.0.0.1", 24)
    book.allocate(add_service(4), static(2), HOST)
    add_service(5, dedicated="10.0.0.9", names={"10.0.0.9": "x.example.com"})
    add_service(6, dedicated="10.0.0.31")
    assert dataclasses.astuple(usage(pool)) == (3, 29, 0)


def test_a_pool_of_a_64_is_served_at_once() -> None:
    book = open_shop()
    pool = add_pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1", 64)
    vms = [add_service(number) for number in range(1, 30)]
    allocated = [book.allocate(vm, static(0, 1), HOST)[0].ip for vm in vms]
    assert len(set(allocated)) == 29
    assert usage(pool).total == 2**64 - 2


@pytest.mark.req("ENG-38")
def test_an_address_of_a_64_takes_as_many_questions_as_one_of_a_29(shop_database: Database) -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.6", "10.0.0.1", 29)
    add_pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:fffe", "2001:db8::1", 64)
    asked: dict[str, list[str]] = {}
    for number, (name, network) in enumerate((("29", static(1, 0)), ("64", static(0, 1))), 1):
        for used in range(3):
            book.allocate(add_service(10 * number + used), network, HOST)
        vm, questions = add_service(10 * number + 9), asked.setdefault(name, [])
        shop_database.query_hooks.append(lambda event, to=questions: to.append(event.sql))
        assert len(book.allocate(vm, network, HOST)) == 1
        shop_database.query_hooks.clear()
    assert len(asked["64"]) == len(asked["29"]) < 40


def test_a_service_that_is_gone_gets_a_clear_error() -> None:
    book = open_shop()
    small_pools()
    vm = add_service(4)
    Service.delete_by_id(4)
    with pytest.raises(AddressProblem, match=r"^Service 4 does not exist in WHMCS$"):
        book.allocate(vm, static(), HOST)


def test_reservations_say_where_they_come_from() -> None:
    book = open_shop(LINES)
    pool = add_pool("10.0.0.2", "10.0.0.2", "10.0.0.1", 24)
    book.allocate(add_service(4), static(), HOST)
    book.allocate(add_service(5), static(), HOST)
    rows = [(row.address, row.server_id, row.family, row.position, row.pool_id) for row in AddressReservation.select()]
    assert rows == [("10.0.0.2", SERVER, 4, 0, pool), ("192.168.10.2", SERVER, 4, 0, None)]
