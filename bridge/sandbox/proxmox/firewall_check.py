"""What is wrong with a rule of a VM's firewall.

Proxmox VE checks a rule when it is written, and again whenever the file is read: what a rule refers to may have gone.
"""

import re
from collections.abc import Mapping
from typing import Any

from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.firewall_addresses import InvalidAddress, address_list_version, alias_in
from bridge.sandbox.proxmox.firewall_formats import ports_complaint
from bridge.sandbox.proxmox.firewall_names import (
    ICMP_PROTOCOLS,
    ICMP_TYPES,
    ICMPV6_TYPES,
    PROTOCOLS_WITH_PORTS,
    macro_name,
    macro_rules,
)

_ACTIONS = ("ACCEPT", "DROP", "REJECT")
_TYPES = ("in", "out", "group")
_IPSET = re.compile(r"\+(?:guest/|dc/|sdn/)?([A-Za-z][A-Za-z0-9_-]+)")


class RuleCheck:
    """The complaints about a rule, and the IP version that it is for.

    `errors`: by parameter, in the order in which a node finds them (it reports the first when a rule is written, all
    when it is read). `ipversion`: 4, 6, or None when nothing tells.
    """

    def __init__(self, rule: Mapping[str, Any], firewall: Firewall) -> None:
        self.errors: dict[str, str] = {}
        self.ipversion: int | None = None
        self._rule, self._firewall = rule, firewall
        self._check_type()
        self._check_iface()
        self._check_macro_name()
        self._check_protocol()
        self._check_destination_ports()
        self._check_icmp_type()
        self._check_source_ports()
        self._check_addresses("source")
        self._check_addresses("dest")
        if not self.errors:
            self._check_macro()

    def _add(self, name: str, reason: str) -> None:
        self.errors.setdefault(name, reason)

    def _check_type(self) -> None:
        kind, action = self._rule["type"], self._rule["action"]
        if kind not in _TYPES:
            self._add("type", f"invalid rule type '{kind}' for rule_env 'vm'")
        if kind == "forward" and action == "REJECT":
            self._add("action", "cannot define REJECT rules on forward chain")
        if kind != "group" and action not in _ACTIONS:
            self._add("action", f"unknown action '{action}'")

    def _check_iface(self) -> None:
        iface = self._rule.get("iface")
        if iface and not re.match(r"net\d+$", iface):
            self._add("iface", "value does not match the regex pattern 'net\\d+'")

    def _check_macro_name(self) -> None:
        macro = self._rule.get("macro")
        if macro and macro_name(macro) is None:
            self._add("macro", f"unknown macro '{macro}'")

    def _check_protocol(self) -> None:
        protocol = self._rule.get("proto")
        if protocol in ICMP_PROTOCOLS:
            self._set_version(4 if protocol == "icmp" else 6)

    @property
    def _is_icmp(self) -> bool:
        return self._rule.get("proto") in ICMP_PROTOCOLS

    def _check_destination_ports(self) -> None:
        self._check_ports("dport", icmp=self._is_icmp)

    def _check_source_ports(self) -> None:
        self._check_ports("sport", icmp=False)

    def _check_ports(self, name: str, *, icmp: bool) -> None:
        ports, protocol = self._rule.get(name), self._rule.get("proto")
        if not ports:
            return
        reason = ports_complaint(ports, icmp=icmp)
        if reason:
            self._add(name, reason)
        if not protocol:
            self._add("proto", f"missing property - '{name}' requires this property")
        if protocol not in PROTOCOLS_WITH_PORTS and not icmp:
            self._add(name, f"protocol '{protocol or ''}' does not support ports")

    def _check_icmp_type(self) -> None:
        wanted, protocol = self._rule.get("icmp-type"), self._rule.get("proto")
        if not wanted:
            return
        if not self._is_icmp:
            self._add("proto", "missing property - 'icmp-type' requires this property")
        if self._rule.get("dport"):
            self._add("icmp-type", "'icmp-type' cannot be specified together with 'dport'")
        if self._is_icmp and wanted not in (ICMP_TYPES if protocol == "icmp" else ICMPV6_TYPES):
            self._add("icmp-type", f"invalid icmp-type '{wanted}' for proto '{protocol}'")

    def _check_addresses(self, name: str) -> None:
        text = self._rule.get(name)
        if not text:
            return
        try:
            self._set_version(address_list_version(text))
        except InvalidAddress as error:
            self._add(name, str(error))
        if text.startswith("+"):
            self._check_ipset(name, text)
        else:
            self._check_alias(name, text)

    def _check_ipset(self, name: str, text: str) -> None:
        found = _IPSET.fullmatch(text)
        if not found:
            self._add(name, f"invalid ipset name '{text}'")
        elif found[1] not in self._firewall.ipsets:
            self._add(name, f"no such ipset '{found[1]}'")

    def _check_alias(self, name: str, text: str) -> None:
        alias = alias_in(text)
        if not alias:
            return
        scope, known = alias[0], self._firewall.aliases.get(alias[1].lower())
        if known is None:
            self._add(name, f"no such alias '{text}'")
        elif scope != "dc/":
            self._set_version(known["ipversion"], name)

    def _set_version(self, version: int | None, name: str | None = None) -> None:
        """Raises InvalidAddress when the rule mixes IPv4 and IPv6, unless `name` takes the complaint."""
        if version and self.ipversion and version != self.ipversion:
            if name is None:
                raise InvalidAddress("detected mixed ipv4/ipv6 addresses in rule")
            self._add(name, "detected mixed ipv4/ipv6 addresses in rule")
        self.ipversion = self.ipversion or version

    def _check_macro(self) -> None:
        """What a macro stands for must not contradict the rule."""
        macro = macro_name(self._rule.get("macro") or "")
        for template in macro_rules(macro, self.ipversion) if macro else ():
            for name, value in template.items():
                if self._rule.get(name) not in (None, value):
                    self._add(name, f"parameter '{name}' already define in macro (value = '{value}')")
                    return
