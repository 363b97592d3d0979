"""Rules and options of a VM's firewall."""

from typing import Any

import pytest

from tests.unit.sandbox_proxmox.api import Api

FW = "/nodes/pve1/qemu/100/firewall"
RULES = FW + "/rules"


def add(api: Api, **rule: Any) -> None:
    reply = api.call("POST", RULES, **{"type": "in", "action": "ACCEPT", **rule})
    assert reply.status == 200, reply.errors


def comments(api: Api) -> list[str]:
    return [rule["comment"] for rule in api.get(RULES)]


def test_a_new_rule_comes_first_and_is_switched_off_unless_told_otherwise(api: Api) -> None:
    add(api, comment="old", enable=1)
    add(api, comment="new", pos=1)
    assert [(r["pos"], r["comment"], r["enable"]) for r in api.get(RULES)] == [(0, "new", 0), (1, "old", 1)]


@pytest.mark.parametrize(
    ("source", "target", "order"),
    [
        (0, 0, "cba"),
        (0, 1, "cba"),
        (0, 2, "bca"),
        (0, 3, "bac"),
        (0, 9, "bac"),
        (2, 0, "acb"),
        (2, 1, "cab"),
        (1, 0, "bca"),
    ],
)
def test_a_moved_rule_goes_before_the_one_that_is_at_the_target(api: Api, source: int, target: int, order: str) -> None:
    for comment in "abc":
        add(api, comment=comment)
    assert (
        api.call("PUT", f"{RULES}/{source}", moveto=target, comment="ignored" if source != target else "c").status
        == 200
    )
    assert "".join(comments(api)) == order


def test_a_single_rule_tells_its_position_as_text(api: Api) -> None:
    add(api)
    assert api.get(RULES + "/0")["pos"] == "0"
    assert api.call("GET", RULES + "/1").reason == "no rule at position 1"


def test_a_digest_guards_the_rules_against_another_editor(api: Api) -> None:
    add(api, comment="x")
    digest = api.get(RULES)[0]["digest"]
    add(api, comment="y")
    for method, params in (("PUT", {"comment": "z"}), ("DELETE", {})):
        reply = api.call(method, RULES + "/0", digest=digest, **params)
        assert reply.reason == "detected modified configuration - file changed by other user? Try again."
    assert comments(api) == ["y", "x"]
    assert api.call("DELETE", RULES + "/0", digest=api.get(RULES)[0]["digest"]).status == 200
    assert comments(api) == ["x"]


def test_changing_a_rule_leaves_the_rest_of_it_alone(api: Api) -> None:
    add(api, proto="tcp", dport="22", comment="ssh", log="info", enable=1)
    api.call("PUT", RULES + "/0", dport="2222", delete="log")
    api.call("PUT", RULES + "/0", comment="-")
    rule = api.get(RULES)[0]
    del rule["digest"]
    assert rule == {"pos": 0, "type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "2222", "enable": 1}


@pytest.mark.parametrize(
    ("rule", "errors"),
    [
        ({"dport": "22"}, {"proto": "missing property - 'dport' requires this property"}),
        ({"sport": "22", "proto": "icmp"}, {"sport": "protocol 'icmp' does not support ports"}),
        ({"dport": "22", "proto": "esp"}, {"dport": "protocol 'esp' does not support ports"}),
        ({"action": "LATER"}, {"action": "unknown action 'LATER'"}),
        ({"type": "forward"}, {"type": "invalid rule type 'forward' for rule_env 'vm'"}),
        ({"iface": "eth0"}, {"iface": "value does not match the regex pattern 'net\\d+'"}),
        ({"macro": "Nope"}, {"macro": "unknown macro 'Nope'"}),
        ({"macro": "HTTP", "proto": "udp"}, {"proto": "parameter 'proto' already define in macro (value = 'tcp')"}),
        ({"macro": "https", "dport": "8443", "proto": "tcp"}, {"dport": "parameter 'dport' already define in macro (value = '443')"}),
        ({"source": "+nosuch"}, {"source": "no such ipset 'nosuch'"}),
        ({"dest": "guest/nosuch"}, {"dest": "no such alias 'guest/nosuch'"}),
        ({"source": "10.0.0.1", "dest": "2001:db8::1"}, {"dest": "detected mixed ipv4/ipv6 addresses in rule"}),
        ({"proto": "icmp", "icmp-type": "no-route"}, {"icmp-type": "invalid icmp-type 'no-route' for proto 'icmp'"}),
        ({"icmp-type": "any"}, {"proto": "missing property - 'icmp-type' requires this property"}),
    ],
)  # fmt: skip
def test_a_bad_rule_is_refused_in_the_words_of_a_node_and_not_stored(
    api: Api, rule: dict[str, str], errors: dict[str, str]
) -> None:
    reply = api.call("POST", RULES, **{"type": "in", "action": "ACCEPT", **rule})
    assert (reply.status, reply.reason, reply.errors) == (400, "Parameter verification failed.", errors)
    assert api.get(RULES) == []


@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        ("http", None),
        ("22,80:90,443", None),
        ("65536", "invalid port '65536'"),
        ("90:80", "backwards range '90:80' not allowed, did you mean '80:90'?"),
        ("22,", "extraneous commas in list"),
        ("nosuchservice", "invalid port 'nosuchservice'"),
        (",".join(map(str, range(1, 16))), None),
        (",".join(map(str, range(1, 17))), "too many entries in port list (> 15 numbers)"),
        ("1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16", "too many entries in port list (> 15 numbers)"),
    ],
)
def test_ports_are_numbers_names_and_ranges_fifteen_at_most(api: Api, ports: str, reason: str | None) -> None:
    reply = api.call("POST", RULES, type="in", action="DROP", proto="tcp", sport=ports)
    assert reply.errors == ({} if reason is None else {"sport": f"invalid format - {reason}\n"})


def test_the_version_of_a_rule_is_that_of_its_addresses(api: Api) -> None:
    api.call("POST", FW + "/aliases", name="office", cidr="2001:db8::1")
    for rule in ({"source": "10.0.0.0/8"}, {"dest": "2001:db8::/32"}, {"proto": "ipv6-icmp"}, {"source": "Office"}, {}):
        add(api, **rule)
    assert [rule.get("ipversion") for rule in reversed(api.get(RULES))] == [4, 6, 6, 6, None]


def test_a_rule_whose_set_or_alias_went_away_says_so(api: Api) -> None:
    api.call("POST", FW + "/aliases", name="office", cidr="10.0.0.1")
    api.call("POST", FW + "/ipset", name="admins")
    add(api, source="office")
    add(api, source="+admins")
    digest = api.get(RULES)[0]["digest"]
    api.call("DELETE", FW + "/aliases/office")
    api.call("DELETE", FW + "/ipset/admins")
    gone = [rule["errors"] for rule in api.get(RULES)]
    assert gone == [{"source": "no such ipset 'admins'"}, {"source": "no such alias 'office'"}]
    assert api.get(RULES)[0]["digest"] != digest, "the version that the alias gave is gone from the rule, too"


def test_options_show_what_was_set_and_never_a_default(api: Api) -> None:
    empty = api.get(FW + "/options")
    assert set(empty) == {"digest"}
    api.call("PUT", FW + "/options", enable=1, policy_in="DROP", macfilter=0)
    shown = api.get(FW + "/options")
    assert {k: v for k, v in shown.items() if k != "digest"} == {"enable": 1, "policy_in": "DROP", "macfilter": 0}
    assert api.call("PUT", FW + "/options", enable=0, digest=empty["digest"]).status == 500
    api.call("PUT", FW + "/options", delete="enable,policy_in,macfilter", digest=shown["digest"])
    assert api.get(FW + "/options") == empty


def test_deleting_an_unknown_option_changes_nothing(api: Api) -> None:
    api.call("PUT", FW + "/options", enable=1)
    reply = api.call("PUT", FW + "/options", delete="enable,bogus", ndp=1)
    assert (reply.status, reply.errors) == (400, {"delete": "no such option 'bogus'"})
    assert set(api.get(FW + "/options")) == {"enable", "digest"}


def test_the_datacenter_is_unprotected_again_when_a_trial_was_not_confirmed(api: Api) -> None:
    options = "/cluster/firewall/options"
    api.cluster.access.grant("bridge@pve", "Administrator", "/")
    assert api.call("PUT", options, enable=2).status == 200
    assert api.get(options)["enable"] > 1
    api.clock.advance(61)
    assert api.get(options)["enable"] == 0


def test_the_firewall_is_there_without_the_vm_and_a_new_vm_finds_it(api: Api) -> None:
    assert api.call("PUT", FW + "/options", enable=1).status == 200
    api.call("POST", FW + "/ipset", name="early")
    assert api.task("POST", "/nodes/pve1/qemu", vmid=100, name="made") == "OK"
    assert api.get(FW + "/options")["enable"] == 1
    assert [item["name"] for item in api.get(FW + "/ipset")] == ["early"]


def test_a_clone_has_its_sources_firewall_and_only_that(api: Api) -> None:
    api.call("PUT", FW + "/options", enable=1)
    api.call("POST", FW + "/ipset", name="early")
    api.call("PUT", "/nodes/pve1/qemu/9000/firewall/options", policy_in="DROP")
    api.vm(100)
    assert {k: v for k, v in api.get(FW + "/options").items() if k != "digest"} == {"policy_in": "DROP"}
    assert api.get(FW + "/ipset") == []
    api.call("PUT", FW + "/options", policy_in="REJECT")
    assert api.get("/nodes/pve1/qemu/9000/firewall/options")["policy_in"] == "DROP"


def test_the_firewall_goes_with_the_vm(api: Api) -> None:
    path = api.vm(100)
    api.call("PUT", FW + "/options", enable=1)
    assert api.task("DELETE", path) == "OK"
    assert set(api.get(FW + "/options")) == {"digest"}


def test_firewall_writes_go_through_while_a_clone_is_made_and_survive_it(api: Api) -> None:
    upid = api.clone(100)
    api.clock.advance(0.5)
    assert api.get("/nodes/pve1/qemu/100/config")["lock"] == "clone"
    reply = api.call("PUT", FW + "/options", enable=1)
    assert (reply.status, reply.seconds) == (200, 0)
    assert api.end_of(upid) == "OK"
    assert api.get(FW + "/options")["enable"] == 1
