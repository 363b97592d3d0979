"""The client's page Firewall, through the protocol: policies, rules, their order, and two people at the same list."""

from typing import Any

import pytest

from bridge.lifecycle import firewall as sentences
from bridge.lifecycle.admission import BUSY
from bridge.lifecycle.rules import Operation
from tests.commands.browser import Browser
from tests.commands.conftest import Desk, Open
from tests.commands.test_looking import of_the_old_module

SSH = {"direction": "IN", "action": "ACCEPT", "protocol": "tcp", "destination_port": "22", "comment": "SSH"}


class Page:
    """The page in front of a client, who changes what it shows."""

    def __init__(self, rig: Desk, service: int) -> None:
        self.browser, self.service = Browser(rig), service
        self.shown: Any = None
        self.load()

    def load(self) -> Any:
        self.shown = self.browser.read(self.service, "firewall_read")
        return self.shown

    def add(self, **fields: str) -> Any:
        return self._send("firewall_rule_add", digest=self.shown["rules_digest"], **fields)

    def delete(self, position: int) -> Any:
        return self._send("firewall_rule_delete", digest=self.shown["rules_digest"], position=str(position))

    def move(self, position: int, to: int) -> Any:
        return self._send("firewall_rule_move", digest=self.shown["rules_digest"], position=str(position), to=str(to))

    def save(self, policy_in: str, policy_out: str) -> Any:
        digest = self.shown["policies_digest"]
        return self._send("firewall_policies_save", digest=digest, policy_in=policy_in, policy_out=policy_out)

    def ports(self) -> list[str]:
        return [rule["destination_port"] for rule in self.shown["rules"]]

    def _send(self, name: str, **fields: str) -> Any:
        """What comes back is what the page shows from then on, unless it is a refusal."""
        answer = self.browser.press(self.service, name, **fields)
        self.shown = answer if isinstance(answer, dict) else self.shown
        return answer


def ports_at_proxmox(rig: Desk, service: int) -> list[str]:
    """The rules that Proxmox has, by their destination ports."""
    return [str(rule.get("dport", "")) for rule in rig.firewall(service, "rules")]


def with_rules(rig: Desk, service: int, *ports: str) -> Page:
    page = Page(rig, service)
    for port in reversed(ports):
        page.add(**{**SSH, "destination_port": port})
    assert page.ports() == list(ports)
    return page


@pytest.mark.req("FW-02", "FW-25")
def test_saved_policies_hold_at_once(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    assert (page.shown["policy_in"], page.shown["policy_out"]) == ("ACCEPT", "ACCEPT")
    page.save("DROP", "ACCEPT")
    assert (page.shown["policy_in"], page.shown["policy_out"]) == ("DROP", "ACCEPT")
    options = rig.firewall(service, "options")
    assert (options["policy_in"], options["policy_out"], options["enable"]) == ("DROP", "ACCEPT", 1)


@pytest.mark.req("FW-25")
def test_an_admins_reject_is_shown_and_stays_until_it_is_changed(desk: Open) -> None:
    rig = desk(fw_policy_in="REJECT")
    service = rig.deploy()
    page = Page(rig, service)
    assert page.shown["policy_in"] == "REJECT"
    assert page.save("REJECT", "DROP")["policy_out"] == "DROP"
    assert rig.firewall(service, "options")["policy_in"] == "REJECT"
    page.save("ACCEPT", "DROP")
    assert page.save("REJECT", "DROP") == sentences.NO_POLICY
    assert rig.firewall(service, "options")["policy_in"] == "ACCEPT"


@pytest.mark.parametrize("policy", ["", "accept", "NONE", "REJECT"])
def test_another_policy_is_refused(desk: Open, policy: str) -> None:
    rig = desk()
    service = rig.deploy()
    before = rig.firewall(service, "options")
    assert Page(rig, service).save(policy, "ACCEPT") == sentences.NO_POLICY
    assert rig.firewall(service, "options") == before


@pytest.mark.req("FW-11", "FW-26")
def test_a_rule_that_was_added_is_the_first_and_works(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "80")
    page.add(**SSH, source="192.0.2.0/24", source_port="1024-65535", destination="198.51.100.7")
    assert page.shown["count"] == 2
    assert page.shown["rules"][0] == {
        "position": 0,
        "direction": "IN",
        "action": "ACCEPT",
        "group": "",
        "macro": "",
        "protocol": "tcp",
        "icmp_type": "",
        "source": "192.0.2.0/24",
        "source_port": "1024:65535",
        "destination": "198.51.100.7",
        "destination_port": "22",
        "comment": "SSH",
        "enabled": True,
        "broken": False,
    }
    first = rig.firewall(service, "rules")[0]
    assert (first["type"], first["action"], first["enable"], first["dport"]) == ("in", "ACCEPT", 1, "22")


@pytest.mark.req("FW-14")
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"direction": "SIDEWAYS"}, "Direction must be IN or OUT."),
        ({"action": "REJECT"}, "Action must be ACCEPT or DROP."),
        ({"source": "300.1.1.1"}, 'Source: "300.1.1.1" is not an IP address, a network or a range of addresses.'),
        (
            {"destination_port": "70000"},
            'Destination port: "70000" is not a port from 1 to 65535, nor a range like 8000:8010.',
        ),
        ({"comment": "x" * 300}, "Comment: at most 255 characters are possible."),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_before_proxmox_is_asked(
    desk: Open, fields: dict[str, str], sentence: str
) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    rig.sent.clear()
    assert page.add(**{**SSH, **fields}) == sentence
    assert rig.sent == []


@pytest.mark.req("FW-11", "FW-33")
@pytest.mark.parametrize(
    ("position", "to", "order"),
    [(3, 0, "dabc"), (0, 3, "bcda"), (1, 2, "acbd"), (2, 1, "acbd"), (0, 9, "bcda"), (2, 2, "abcd")],
)
def test_a_rule_is_moved_to_another_place(desk: Open, position: int, to: int, order: str) -> None:
    rig = desk()
    service = rig.deploy()
    names = {"a": "10", "b": "11", "c": "12", "d": "13"}
    page = with_rules(rig, service, *names.values())
    page.move(position, to)
    assert page.ports() == [names[letter] for letter in order]
    assert ports_at_proxmox(rig, service) == page.ports()
    assert [rule["position"] for rule in page.shown["rules"]] == [0, 1, 2, 3]


@pytest.mark.req("FW-11", "FW-33")
def test_a_deleted_rule_is_gone(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22", "80", "443")
    page.delete(1)
    assert (page.ports(), ports_at_proxmox(rig, service)) == (["22", "443"], ["22", "443"])


@pytest.mark.req("FW-27")
def test_a_change_on_a_stale_list_changes_nothing(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    mine = with_rules(rig, service, "22", "80")
    theirs = Page(rig, service)
    theirs.delete(0)
    before = rig.firewall(service, "rules")
    assert [mine.delete(1), mine.move(1, 0), mine.add(**SSH)] == [sentences.CHANGED] * 3
    assert rig.firewall(service, "rules") == before
    assert mine.load()["rules"] == theirs.shown["rules"]
    mine.save("DROP", "DROP")
    assert theirs.save("ACCEPT", "ACCEPT") == sentences.POLICIES_CHANGED
    assert rig.firewall(service, "options")["policy_in"] == "DROP"


@pytest.mark.req("FW-27")
def test_what_an_admin_changes_between_our_look_and_our_write_is_not_overwritten(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22", "80")
    rig.cluster.firewalls[100].rules.insert(0, {"type": "out", "action": "DROP", "enable": 1})
    assert page.delete(0) == sentences.CHANGED
    assert [rule["type"] for rule in rig.firewall(service, "rules")] == ["out", "in", "in"]


@pytest.mark.parametrize("digest", ["", "0" * 40, "nonsense", "0" * 200])
def test_nothing_is_changed_without_the_digest_of_the_list(desk: Open, digest: str) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22", "80")
    page.shown["rules_digest"] = digest
    assert [page.delete(0), page.move(0, 1), page.add(**SSH)] == [sentences.CHANGED] * 3
    assert ports_at_proxmox(rig, service) == ["22", "80"]


def test_a_form_that_is_sent_twice_makes_one_rule(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    fields = {**SSH, "digest": page.shown["rules_digest"]}
    answers = [page.browser.press(service, "firewall_rule_add", **fields) for _ in range(2)]
    assert answers[1] == sentences.CHANGED
    assert ports_at_proxmox(rig, service) == ["22"]


@pytest.mark.req("FW-28")
def test_rules_of_an_admin_are_shown_and_can_be_moved(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22")
    rig.cluster.firewalls[100].rules += [
        {"type": "group", "action": "webserver", "enable": 1},
        {"type": "in", "action": "ACCEPT", "macro": "Ping", "enable": 0},
        {"type": "in", "action": "REJECT", "proto": "icmp", "icmp-type": "echo-request", "enable": 1},
        {"type": "in", "action": "ACCEPT", "source": "nobody-knows", "enable": 1},
    ]
    rules = page.load()["rules"]
    assert page.shown["count"] == 5
    shown = [(rule["direction"], rule["action"], rule["group"], rule["macro"], rule["icmp_type"]) for rule in rules]
    assert shown == [
        ("IN", "ACCEPT", "", "", ""),
        ("", "", "webserver", "", ""),
        ("IN", "ACCEPT", "", "Ping", ""),
        ("IN", "REJECT", "", "", "echo-request"),
        ("IN", "ACCEPT", "", "", ""),
    ]
    assert [rule["enabled"] for rule in rules] == [True, True, False, True, True]
    assert [rule["broken"] for rule in rules] == [False, False, False, False, True]
    page.move(1, 0)
    page.delete(1)
    assert [rule["group"] for rule in page.shown["rules"]] == ["webserver", "", "", ""]


@pytest.mark.req("FW-29")
def test_a_firewall_that_filters_nothing_is_told(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    assert (page.shown["active"], page.shown["why"]) == (True, "")
    rig.cluster.firewall_options["enable"] = 0
    page.load()
    assert (page.shown["active"], page.shown["why"]) == (False, sentences.NOT_IN_EFFECT)
    rig.cluster.firewall_options["enable"] = 1
    rig.cluster.guests[100].config["net0"] = str(rig.cluster.guests[100].config["net0"]).replace(",firewall=1", "")
    page.load()
    assert (page.shown["active"], page.shown["why"]) == (False, sentences.SWITCHED_OFF)


@pytest.mark.req("FW-29")
@pytest.mark.parametrize("settings", [{"fw_enable": "off"}, {"dhcp_ipv4": "on"}])
def test_a_firewall_that_the_product_does_not_switch_on_is_told(desk: Open, settings: dict[str, str]) -> None:
    rig = desk(**settings)
    page = Page(rig, rig.deploy())
    assert (page.shown["active"], page.shown["why"]) == (False, sentences.SWITCHED_OFF)


def test_a_token_that_may_not_look_at_the_datacenter_judges_by_the_vm(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault("/cluster/firewall/options", status=403, times=0, text="Permission check failed (/, Sys.Audit)")
    assert Page(rig, service).shown["active"] is True


@pytest.mark.req("FW-30")
def test_a_policy_that_lets_nothing_in_is_warned_of(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    assert page.shown["warnings"] == []
    page.save("DROP", "ACCEPT")
    assert page.shown["warnings"] == [sentences.NOTHING_COMES_IN]
    page.add(**{**SSH, "direction": "OUT"})
    page.add(**{**SSH, "action": "DROP"})
    assert page.shown["warnings"] == [sentences.NOTHING_COMES_IN]
    page.add(**SSH)
    assert page.shown["warnings"] == []
    rig.cluster.firewalls[100].rules[0]["enable"] = 0
    assert page.load()["warnings"] == [sentences.NOTHING_COMES_IN]
    rig.cluster.firewalls[100].rules.append({"type": "group", "action": "webserver", "enable": 1})
    assert page.load()["warnings"] == []


def test_a_change_that_never_arrived_can_be_made_again(desk: Open) -> None:
    rig = desk()
    page = Page(rig, rig.deploy())
    rig.fault("^POST .*/firewall/rules", kind="cut-before")
    assert page.add(**SSH) == "Something went wrong"
    assert page.add(**SSH)["count"] == 1


def test_a_change_whose_answer_was_lost_is_not_made_twice(desk: Open) -> None:
    rig = desk()
    page = Page(rig, rig.deploy())
    rig.fault("^POST .*/firewall/rules", kind="cut-after")
    assert page.add(**SSH) == "Something went wrong"
    assert page.add(**SSH) == sentences.CHANGED
    assert page.load()["count"] == 1


@pytest.mark.req("FW-31")
def test_the_firewall_of_a_vmid_without_our_vm_is_not_touched(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22")
    rig.cluster.guests[100].config |= {"description": "kvm-bridge install=0a1b2c3d service=9", "tags": ""}
    rig.sent.clear()
    assert [page.add(**SSH), page.delete(0), page.save("DROP", "DROP")] == ["Something went wrong"] * 3
    assert page.load() == "Something went wrong"
    del rig.cluster.guests[100]
    page.shown = {"rules_digest": "0" * 40, "policies_digest": "0" * 40}
    assert [page.add(**SSH), page.delete(0), page.save("DROP", "DROP")] == ["Something went wrong"] * 3
    assert rig.writes() == []


def test_the_list_of_rules_has_an_end(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22")
    rules = rig.cluster.firewalls[100].rules
    rules += [dict(rules[0]) for _ in range(sentences.MOST_RULES - 1)]
    page.load()
    assert page.add(**SSH) == sentences.TOO_MANY
    page.delete(0)
    assert page.add(**SSH)["count"] == sentences.MOST_RULES


@pytest.mark.req("FW-23")
def test_rules_of_the_client_survive_a_package_change(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22", "80")
    page.save("DROP", "DROP")
    rig.set_product(cpu="3", ipv4_count="3")
    assert rig.house.requests.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.run()
    assert rig.states()[service] == "ready"
    assert len(rig.firewall(service, "ipset/ipfilter-net0")) == 4
    page.load()
    assert (page.ports(), ports_at_proxmox(rig, service)) == (["22", "80"], ["22", "80"])
    assert (page.shown["policy_in"], page.shown["policy_out"]) == ("ACCEPT", "ACCEPT")


def test_a_reinstalled_vm_begins_without_rules(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = with_rules(rig, service, "22", "80")
    page.browser.press(service, "reinstall_start", template="9000", confirmation="REINSTALL")
    rig.run()
    assert rig.states()[service] == "ready"
    assert page.load()["rules"] == []
    assert page.shown["active"]


@pytest.mark.req("FW-32")
def test_the_client_has_no_way_to_the_anti_spoofing_set(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    before = rig.firewall(service, "ipset/ipfilter-net0")
    assert len(before) == 3
    rig.sent.clear()
    page.add(**SSH)
    page.move(0, 1)
    page.delete(0)
    page.save("DROP", "DROP")
    assert page.add(**SSH, source="+ipfilter-net0").startswith("Source: ")
    assert rig.firewall(service, "ipset/ipfilter-net0") == before
    assert [call for call in rig.writes() if "ipset" in call] == []


def test_nothing_of_it_is_left_at_work(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    page.add(**SSH)
    page.delete(5)
    assert rig.is_at_rest(service)


def test_a_vm_of_the_old_module_gets_our_mark_before_its_firewall_is_changed(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    of_the_old_module(rig, service)
    page = Page(rig, service)
    assert rig.config(service)["description"] == ""
    page.add(**SSH)
    assert page.ports() == ["22"]
    assert f"service={service}" in rig.config(service)["description"]


def test_a_lock_that_appears_at_the_last_moment_is_busy(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    page = Page(rig, service)
    rig.fault("^POST .*/firewall/rules", status=500, text="can't lock file '/run/lock/x' - got timeout")
    assert page.add(**SSH) == BUSY
    assert rig.is_at_rest(service)
