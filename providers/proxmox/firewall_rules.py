"""The rules and the policies of one VM's firewall, as two people may edit them at the same time.

Every change names the digest of what its author has read. Proxmox compares it while it holds the lock of the file, so a change
made on a stale list is ChangedMeanwhile and nothing happens; only adding a rule is never compared (PVE::API2::Firewall::Rules).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.proxmox.firewall import Firewall

# What holds while nothing is set (PVE::Firewall, ruleset_generate_vm_rules).
DEFAULT_IN = "DROP"
DEFAULT_OUT = "ACCEPT"


@dataclass(frozen=True)
class Rule:
    """One rule; an empty text stands for "any".

    `kind` is "in", "out", "forward" (PVE 8.3) or "group"; the `action` of a group is the security group's name. `broken`
    True = Proxmox leaves the rule out because it refers to something that is gone.
    """

    position: int
    kind: str
    action: str
    enabled: bool
    macro: str = ""
    protocol: str = ""
    source: str = ""
    source_port: str = ""
    destination: str = ""
    destination_port: str = ""
    icmp_type: str = ""
    interface: str = ""
    comment: str = ""
    broken: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row of `GET firewall/rules`."""
        return cls(
            position=int(row["pos"]),
            kind=str(row["type"]).lower(),
            action=str(row["action"]),
            enabled=bool(int(row.get("enable") or 0)),
            macro=str(row.get("macro") or ""),
            protocol=str(row.get("proto") or ""),
            source=str(row.get("source") or ""),
            source_port=str(row.get("sport") or ""),
            destination=str(row.get("dest") or ""),
            destination_port=str(row.get("dport") or ""),
            icmp_type=str(row.get("icmp-type") or ""),
            interface=str(row.get("iface") or ""),
            comment=str(row.get("comment") or ""),
            broken=bool(row.get("errors")),
        )


@dataclass(frozen=True)
class RuleList:
    """The rules in the order in which they are tried. `digest` is empty when there are none: Proxmox tells it with each rule."""

    rules: tuple[Rule, ...]
    digest: str


@dataclass(frozen=True)
class Policies:
    """What happens to packets that no rule matches, defaults filled in; `enabled` is the VM's own switch."""

    inbound: str
    outbound: str
    enabled: bool
    digest: str


class FirewallRules(Firewall):
    """Calls about rules and policies. All of them succeed for a VM that does not exist: look at the VM first."""

    def firewall_policies(self, node: str, vmid: int) -> Policies:
        """The VM's policies and whether its firewall is switched on."""
        answer = self._api.get(f"read the firewall options of VM {vmid}", f"{self._firewall(node, vmid)}/options")
        return Policies(
            inbound=str(answer.get("policy_in") or DEFAULT_IN),
            outbound=str(answer.get("policy_out") or DEFAULT_OUT),
            enabled=bool(int(answer.get("enable") or 0)),
            digest=str(answer.get("digest") or ""),
        )

    def firewall_rules(self, node: str, vmid: int) -> RuleList:
        """All rules, whoever made them."""
        rows = self._api.get(f"list the firewall rules of VM {vmid}", f"{self._firewall(node, vmid)}/rules")
        rules = sorted((Rule.of(row) for row in rows), key=lambda rule: rule.position)
        return RuleList(tuple(rules), str(rows[0].get("digest") or "") if rows else "")

    def add_firewall_rule(self, node: str, vmid: int, values: Mapping[str, str | int]) -> None:
        """Put a rule in front of all others; `values` by Proxmox's names, `enable` 1 unless they say otherwise.

        Running it twice makes two rules.
        """
        path = f"{self._firewall(node, vmid)}/rules"
        self._api.post(f"add a firewall rule to VM {vmid}", path, {"enable": 1, **values})

    def move_firewall_rule(self, node: str, vmid: int, position: int, to: int, digest: str) -> None:
        """Make the rule at `position` the one at `to`. Sends nothing when it is there. NotFound when there is no such rule."""
        if to == position:
            return
        # Proxmox puts it before the rule that is at `moveto` while the moved one still counts.
        params: dict[str, str | int | None] = {"moveto": to + 1 if to > position else to, "digest": digest}
        path = f"{self._firewall(node, vmid)}/rules/{int(position)}"
        self._api.put(f"move firewall rule {position} to place {to} of VM {vmid}", path, params)

    def delete_firewall_rule(self, node: str, vmid: int, position: int, digest: str) -> None:
        """Remove the rule at `position`; those behind it move up. NotFound when there is no such rule."""
        path = f"{self._firewall(node, vmid)}/rules/{int(position)}"
        self._api.delete(f"remove firewall rule {position} of VM {vmid}", path, {"digest": digest})
