"""What a client may type into the form of a firewall rule, and what he reads when he may not."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.lifecycle.firewall_form import LONGEST_COMMENT, PROTOCOLS, WITH_PORTS, RuleRefused, read_rule
from tests.contract.proxmox_world import World

RULE = {"direction": "IN", "action": "ACCEPT"}


def written(**typed: str) -> dict[str, Any]:
    """What is sent to Proxmox besides direction and action."""
    values = read_rule({**RULE, **typed})
    return {name: value for name, value in values.items() if name not in ("type", "action")}


def refusal(**typed: str) -> str:
    with pytest.raises(RuleRefused) as caught:
        read_rule({**RULE, **typed})
    return str(caught.value)


@pytest.mark.req("FW-14")
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"direction": "FORWARD"}, "Direction must be IN or OUT."),
        ({"direction": ""}, "Direction must be IN or OUT."),
        ({"action": "REJECT"}, "Action must be ACCEPT or DROP."),
        ({"action": "office"}, "Action must be ACCEPT or DROP."),
        ({"protocol": "tpc"}, r'Protocol: "tpc" is not one of ah, dccp, esp, .*\.'),
        ({"source": "300.1.1.1"}, 'Source: "300.1.1.1" is not an IP address, a network or a range of addresses.'),
        ({"source": "+ipfilter-net0"}, 'Source: "\\+ipfilter-net0" is not an IP address, .*'),
        ({"source": "office"}, 'Source: "office" is not an IP address, .*'),
        ({"source": "10.1"}, 'Source: "10.1" is not .*'),
        ({"source": "fe80::1%eth0"}, 'Source: "fe80::1%eth0" is not .*'),
        ({"destination": "192.0.2.5/24"}, ".*is not the beginning of a network, 192.0.2.0/24 is."),
        ({"destination": "192.0.2.0/33"}, 'Destination: "192.0.2.0/33" has no network size from 0 to 32.'),
        ({"destination": "192.0.2.0/255.255.255.0"}, ".* has no network size from 0 to 32."),
        ({"destination": "2001:db8::/129"}, ".* has no network size from 0 to 128."),
        ({"source": "192.0.2.9-192.0.2.5"}, ".* does not go from a lower to a higher address of one kind."),
        ({"source": "192.0.2.9-2001:db8::1"}, ".* does not go from a lower to a higher address of one kind."),
        ({"source": "192.0.2.9-"}, 'Source: "192.0.2.9-" is not .*'),
        ({"source": "192.0.2.1", "destination": "2001:db8::1"}, "Source, destination and protocol mix IPv4 and IPv6."),
        ({"protocol": "icmp", "source": "2001:db8::1"}, "Source, destination and protocol mix IPv4 and IPv6."),
        ({"protocol": "icmpv6", "source": "192.0.2.1"}, "Source, destination and protocol mix IPv4 and IPv6."),
        ({"destination_port": "22"}, "Destination port: only rules for dccp, sctp, tcp, udp, udplite can have ports."),
        ({"protocol": "icmp", "source_port": "8"}, "Source port: only rules for .*"),
        (
            {"protocol": "tcp", "destination_port": "65536"},
            'Destination port: "65536" is not a port from 1 to 65535, .*',
        ),
        ({"protocol": "tcp", "destination_port": "0"}, '.*"0" is not a port.*'),
        ({"protocol": "tcp", "destination_port": "90:80"}, '.*"90:80" is not a port.*'),
        ({"protocol": "tcp", "destination_port": "80,"}, '.*"" is not a port.*'),
        ({"protocol": "tcp", "destination_port": "ssh"}, '.*"ssh" is not a port.*'),
        ({"protocol": "tcp", "destination_port": "٢٢"}, ".* is not a port.*"),
        (
            {"protocol": "tcp", "destination_port": ",".join(str(port) for port in range(1, 17))},
            "Destination port: at most 15 numbers are possible, a range counts as two.",
        ),
        ({"comment": "x" * (LONGEST_COMMENT + 1)}, "Comment: at most 255 characters are possible."),
        ({"comment": "two\nlines"}, "Comment: only printable characters in one line are possible."),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(typed: dict[str, str], sentence: str) -> None:
    assert re.fullmatch(sentence, refusal(**typed))


def test_a_refusal_quotes_no_more_than_a_line_of_what_was_typed() -> None:
    assert len(refusal(source="9" * 1000)) < 150


@pytest.mark.req("FW-14")
@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ({}, {}),
        ({"source": "any", "destination": " ANY ", "protocol": "any", "source_port": "Any"}, {}),
        ({"protocol": "TCP", "destination_port": "22"}, {"proto": "tcp", "dport": "22"}),
        ({"protocol": "udp", "source_port": "8000-8010"}, {"proto": "udp", "sport": "8000:8010"}),
        ({"protocol": "tcp", "destination_port": "080, 443 ,5 : 7"}, {"proto": "tcp", "dport": "80,443,5:7"}),
        ({"protocol": "icmpv6"}, {"proto": "ipv6-icmp"}),
        ({"source": " 192.0.2.0/24 "}, {"source": "192.0.2.0/24"}),
        ({"source": "192.0.2.5 - 192.0.2.9"}, {"source": "192.0.2.5-192.0.2.9"}),
        ({"destination": "2001:0DB8:0::/48"}, {"dest": "2001:db8::/48"}),
        ({"comment": " my office #1 "}, {"comment": "my office #1"}),
    ],
)
def test_what_is_typed_is_brought_into_the_form_of_proxmox(typed: dict[str, str], values: dict[str, str]) -> None:
    assert written(**typed) == values


PORTS = st.integers(1, 65535)
RANGES = st.tuples(PORTS, PORTS).map(lambda pair: f"{min(pair)}-{max(pair)}")
PORT_LISTS = st.lists(st.one_of(PORTS.map(str), RANGES), min_size=1, max_size=7).map(",".join)


def places(version: int) -> st.SearchStrategy[str]:
    ip = st.ip_addresses(v=version)  # type: ignore[arg-type]
    longest = 32 if version == 4 else 128
    networks = st.tuples(ip, st.integers(0, longest)).map(
        lambda pair: f"{type(pair[0])(int(pair[0]) >> longest - pair[1] << longest - pair[1])}/{pair[1]}"
    )
    return st.one_of(ip.map(str), networks, st.tuples(ip, ip).map(lambda pair: f"{min(pair)}-{max(pair)}"), st.just(""))


OTHERS = sorted(PROTOCOLS - {"icmp", "ipv6-icmp"})
FORMS = st.sampled_from([4, 6]).flatmap(
    lambda version: st.fixed_dictionaries(
        {
            "direction": st.sampled_from(["in", "OUT"]),
            "action": st.sampled_from(["accept", "DROP"]),
            "protocol": st.sampled_from([*OTHERS, "icmp" if version == 4 else "icmpv6"]),
            "source": places(version),
            "destination": places(version),
            "source_port": st.one_of(st.just(""), PORT_LISTS),
            "destination_port": st.one_of(st.just(""), PORT_LISTS),
            "comment": st.text(st.characters(categories=("L", "N", "P", "S")), max_size=40),
        }
    )
)


@settings(max_examples=200, deadline=None)
@given(FORMS)
def test_what_is_accepted_is_accepted_by_proxmox_too(form: dict[str, str]) -> None:
    if form["protocol"] not in WITH_PORTS:
        form |= {"source_port": "", "destination_port": ""}
    world = World("9.2")
    world.proxmox.add_firewall_rule("pve1", 100, read_rule(form))
    (rule,) = world.proxmox.firewall_rules("pve1", 100).rules
    assert (rule.enabled, rule.broken) == (True, False)
    assert world.wire.complaints == []
