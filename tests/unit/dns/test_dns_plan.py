"""What is done in which zone, and in which order it is told."""

from ipaddress import ip_address

import pytest

from bridge.dns.plan import Kind, Plan, ZoneId, plan
from providers.dns import RecordSet
from statemachines.ports import HostNames

NOTHING = HostNames()
HOST = "5546-1.puqcloud.com"
FORWARD, REVERSE4, REVERSE6 = (
    ZoneId(1, "puqcloud.com"),
    ZoneId(2, "130.168.192.in-addr.arpa"),
    ZoneId(3, "8.b.d.0.1.0.0.2.ip6.arpa"),
)
ZONES = (FORWARD, REVERSE4, REVERSE6)


def names(*ips: str, fqdns: tuple[str, ...] = (HOST,), **reverse: str) -> HostNames:
    return HostNames(fqdns, tuple(map(ip_address, ips)), reverse)


def lines(planned: Plan) -> list[str]:
    return [f"{each.kind} {each.zone.name} ← {each.subject}" for each in planned.operations]


VM = names("192.168.130.6", "192.168.130.7", "2001:db8::7", "2001:db8::8")


@pytest.mark.req("DNS-23")
def test_the_order_is_deletions_before_creations_and_forward_before_reverse_by_zone_and_address() -> None:
    full = "2001:0db8:0000:0000:0000:0000:0000:000"
    assert lines(plan(reversed(ZONES), VM, VM)) == [
        f"fwd-del puqcloud.com ← {HOST}",
        "rev-del 130.168.192.in-addr.arpa ← 192.168.130.6",
        "rev-del 130.168.192.in-addr.arpa ← 192.168.130.7",
        f"rev-del 8.b.d.0.1.0.0.2.ip6.arpa ← {full}7",
        f"rev-del 8.b.d.0.1.0.0.2.ip6.arpa ← {full}8",
        f"fwd puqcloud.com ← {HOST} (2 IPs)",
        f"rev 130.168.192.in-addr.arpa ← 192.168.130.6 → {HOST}",
        f"rev 130.168.192.in-addr.arpa ← 192.168.130.7 → {HOST}",
        f"rev 8.b.d.0.1.0.0.2.ip6.arpa ← {full}7 → {HOST}",
        f"rev 8.b.d.0.1.0.0.2.ip6.arpa ← {full}8 → {HOST}",
    ]


@pytest.mark.req("DNS-24", "DNS-15")
def test_forward_records_are_those_of_the_primary_addresses_only() -> None:
    assert plan([FORWARD], NOTHING, VM).sets() == {
        1: [RecordSet(HOST, "A", ("192.168.130.6",)), RecordSet(HOST, "AAAA", ("2001:db8::7",))]
    }


@pytest.mark.req("DNS-24")
def test_a_vm_without_ipv6_has_no_aaaa_record_and_loses_an_old_one() -> None:
    planned = plan([FORWARD], VM, names("192.168.130.6"))
    assert planned.sets() == {1: [RecordSet(HOST, "A", ("192.168.130.6",)), RecordSet(HOST, "AAAA")]}
    assert lines(planned)[-1].endswith("(1 IPs)")


@pytest.mark.req("DNS-15")
def test_every_address_has_one_pointer_with_its_own_name_or_the_vms() -> None:
    planned = plan(
        [REVERSE4], NOTHING, names("192.168.130.6", "192.168.130.7", **{"192.168.130.7": "mail.example.org"})
    )
    assert planned.sets() == {
        2: [
            RecordSet("6.130.168.192.in-addr.arpa", "PTR", (HOST,)),
            RecordSet("7.130.168.192.in-addr.arpa", "PTR", ("mail.example.org",)),
        ]
    }


def test_what_is_deleted_and_written_anew_is_sent_as_one_record_set() -> None:
    planned = plan([FORWARD, REVERSE4], VM, VM)
    assert all(record.values for record in planned.sets()[2])
    assert len(planned.sets()[2]) == 2
    assert [each.kind for each in planned.operations if not each.decides] == [
        Kind.FORWARD_DELETE,
        Kind.REVERSE_DELETE,
        Kind.REVERSE_DELETE,
    ]


@pytest.mark.req("DNS-25")
def test_addresses_that_are_given_up_lose_their_pointers_and_the_others_keep_theirs() -> None:
    planned = plan([REVERSE4], VM, names("192.168.130.6"))
    assert planned.sets() == {
        2: [RecordSet("6.130.168.192.in-addr.arpa", "PTR", (HOST,)), RecordSet("7.130.168.192.in-addr.arpa", "PTR")]
    }


def test_records_of_a_former_host_name_are_deleted() -> None:
    planned = plan([FORWARD], names("192.168.130.6", fqdns=(HOST, "old.puqcloud.com")), names("192.168.130.6"))
    assert RecordSet("old.puqcloud.com", "A") in planned.sets()[1]


@pytest.mark.req("DNS-15")
def test_a_reverse_zone_holds_no_addresses_whatever_the_host_name() -> None:
    odd = names("192.168.130.6", fqdns=("vm.130.168.192.in-addr.arpa",))
    assert [record.type for record in plan([REVERSE4], odd, odd).sets()[2]] == ["PTR"]


@pytest.mark.req("DNS-02", "DNS-44")
def test_zones_of_the_same_name_all_get_every_record() -> None:
    second = ZoneId(4, "puqcloud.com")
    sets = plan([FORWARD, second], NOTHING, VM).sets()
    assert sets[1] == sets[4]


@pytest.mark.req("DNS-20")
def test_zones_that_do_not_match_are_left_out_without_a_word() -> None:
    others = [ZoneId(7, "example.com"), ZoneId(8, "131.168.192.in-addr.arpa"), ZoneId(9, "9.b.d.0.1.0.0.2.ip6.arpa")]
    assert plan(others, VM, VM) == Plan(())


def test_a_name_without_addresses_has_no_records() -> None:
    assert plan(ZONES, NOTHING, names()).operations == ()


@pytest.mark.req("DNS-47")
def test_where_a_classless_zone_holds_the_pointer_the_zone_above_may_hold_an_alias() -> None:
    above, classless = ZoneId(1, "2.0.192.in-addr.arpa"), ZoneId(2, "0/26.2.0.192.in-addr.arpa")
    planned = plan([above, classless], NOTHING, names("192.0.2.5", "192.0.2.70"))
    assert [(each.zone.id, str(each.ip), each.may_be_alias) for each in planned.operations] == [
        (1, "192.0.2.5", True),
        (1, "192.0.2.70", False),
        (2, "192.0.2.5", False),
    ]
    assert planned.sets()[2] == [RecordSet("5.0/26.2.0.192.in-addr.arpa", "PTR", (HOST,))]
