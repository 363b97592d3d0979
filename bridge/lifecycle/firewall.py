"""The firewall of a VM in its client's hands: policies and rules. The anti-spoofing set is not among them; nobody edits it here.

A change is made under the VM's lease, so that neither a pipeline nor a second window of the client is at work on the same file, and
with the digest of what its author has seen, so that an admin at Proxmox's own pages is not overwritten either.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.claims import Claims
from bridge.lifecycle import admission
from bridge.lifecycle.firewall_form import ACTIONS, RuleRefused, read_rule
from bridge.lifecycle.page_sight import seen
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from providers.errors import AuthFailed, ChangedMeanwhile, NotFound
from providers.proxmox.firewall_rules import Policies, Rule, RuleList
from providers.proxmox.vmconfig import VmConfig
from statemachines.errors import LeaseLost, is_busy
from statemachines.steps.look import node_of, own_config, reserved_vmid

Facts = dict[str, Any]

MOST_RULES = 200  # a node compiles the rules of all its VMs every ten seconds

CHANGED = "The rules were changed meanwhile. Please look at them again; your change was not made."
POLICIES_CHANGED = "The firewall settings were changed meanwhile. Please look at them again; your change was not made."
NO_POLICY = "A policy must be ACCEPT or DROP."
TOO_MANY = f"At most {MOST_RULES} rules are possible."
SWITCHED_OFF = "The firewall of this virtual machine is switched off: policies and rules have no effect."
NOT_IN_EFFECT = "Filtering is not in effect at present: policies and rules have no effect."
NOTHING_COMES_IN = (
    "No incoming traffic is accepted: the input policy does not accept it, and no rule does. "
    "Add an ACCEPT rule for the way by which you administer the virtual machine, for instance SSH on port 22."
)

_DIGEST = re.compile(r"[0-9a-f]{40,64}")

Write = Callable[[VmContext, str, int], None]


@dataclass(frozen=True)
class ClientFirewall:
    """Implements `bridge.web.client_interfaces.Firewall`. Every refusal is a `Refusal` with a sentence for the client."""

    claims: Claims
    shop: Callable[[], Shop]

    def read(self, service_id: int, actor: Actor) -> Facts:
        """Policies, rules, whether any of it is in effect, and what is worth a warning; see `_state`."""
        admission.look_in(service_id, actor, "firewall")
        return seen(service_id, "firewall", self.shop(), lambda ctx, sight: _state(ctx, sight.config))

    def save_policies(self, service_id: int, actor: Actor, policies: Mapping[str, str], digest: str) -> Facts:
        """Set the policies `policy_in` and `policy_out`; one that an admin has set to REJECT stays as long as it is not changed."""

        def write(ctx: VmContext, node: str, vmid: int) -> None:
            now = ctx.hypervisor.firewall_policies(node, vmid)
            if now.digest != digest:
                raise Refusal(POLICIES_CHANGED)
            has = {"policy_in": now.inbound, "policy_out": now.outbound}
            changes = {name: value for name, value in policies.items() if value != has[name]}
            if set(changes.values()) - set(ACTIONS):
                raise Refusal(NO_POLICY)
            ctx.hypervisor.set_firewall_options(node, vmid, changes, digest=digest)

        return self._change(service_id, actor, write, POLICIES_CHANGED)

    def add_rule(self, service_id: int, actor: Actor, typed: Mapping[str, str], digest: str) -> Facts:
        """Put a rule, enabled, in front of all others, as Proxmox's own pages do; `typed` as in `firewall_form.read_rule`."""

        def write(ctx: VmContext, node: str, vmid: int) -> None:
            listed = ctx.hypervisor.firewall_rules(node, vmid)
            if listed.digest != digest:  # Proxmox does not compare it here; what is sent twice must not be there twice
                raise Refusal(CHANGED)
            if len(listed.rules) >= MOST_RULES:
                raise Refusal(TOO_MANY)
            ctx.hypervisor.add_firewall_rule(node, vmid, values)

        admission.enter(service_id, actor, "firewall")
        try:
            values = read_rule(typed)
        except RuleRefused as error:
            raise Refusal(str(error)) from error
        return self._change(service_id, actor, write)

    def delete_rule(self, service_id: int, actor: Actor, position: int, digest: str) -> Facts:
        """Remove the rule at `position` of the list with this digest."""

        def write(ctx: VmContext, node: str, vmid: int) -> None:
            ctx.hypervisor.delete_firewall_rule(node, vmid, position, _demanded(digest))

        return self._change(service_id, actor, write)

    def move_rule(self, service_id: int, actor: Actor, position: int, to: int, digest: str) -> Facts:
        """Make the rule at `position` of the list with this digest the one at `to`; one beyond the end goes to the end."""

        def write(ctx: VmContext, node: str, vmid: int) -> None:
            ctx.hypervisor.move_firewall_rule(node, vmid, position, to, _demanded(digest))

        return self._change(service_id, actor, write)

    def _change(self, service_id: int, actor: Actor, write: Write, stale: str = CHANGED) -> Facts:
        """Make a change under the VM's lease; the answer is what `read` answers from now on."""
        admission.enter(service_id, actor, "firewall")
        if not self.claims.take_one(service_id):
            raise Refusal(admission.BUSY)
        try:
            admission.enter(service_id, actor, "firewall")  # once more: something may have begun just before the lease
            found = load(service_id)
            if found is None:
                raise Refusal(admission.SOMETHING_WRONG)
            ctx = VmContext(*found, self.shop())
            return admission.calmly(service_id, "firewall", lambda: _changed(ctx, write, stale))
        except LeaseLost as error:
            raise Refusal(admission.BUSY) from error
        finally:
            self.claims.give_back(service_id)


def _changed(ctx: VmContext, write: Write, stale: str) -> Facts:
    service_id = ctx.vm.service_id
    try:
        config = own_config(ctx)
        write(ctx, node_of(ctx), reserved_vmid(ctx))
    except (ChangedMeanwhile, NotFound) as error:
        raise admission.refusal(service_id, "firewall", stale, str(error)) from error
    except Exception as error:
        if not is_busy(error):
            raise
        raise admission.refusal(service_id, "firewall", admission.BUSY, str(error)) from error
    return _state(ctx, config)


def _demanded(digest: str) -> str:
    """The digest, which Proxmox compares only when there is one."""
    if not _DIGEST.fullmatch(digest):
        raise Refusal(CHANGED)
    return digest


def _state(ctx: VmContext, config: VmConfig) -> Facts:
    """`policy_in`, `policy_out`, `policies_digest`; `rules` in their order (see `_rule`), how many they are (`count`), and
    `rules_digest`; `active` False = none of it is in effect, `why` says so; `warnings` are sentences.
    """
    node, vmid = str(ctx.vm.node), int(ctx.vm.vm_id or 0)
    policies, listed = ctx.hypervisor.firewall_policies(node, vmid), ctx.hypervisor.firewall_rules(node, vmid)
    why = _ineffective(ctx, policies, config)
    return {
        "policy_in": policies.inbound,
        "policy_out": policies.outbound,
        "policies_digest": policies.digest,
        "rules": [_rule(rule) for rule in listed.rules],
        "count": len(listed.rules),
        "rules_digest": listed.digest,
        "active": not why,
        "why": why,
        "warnings": _warnings(policies, listed),
    }


def _ineffective(ctx: VmContext, policies: Policies, config: VmConfig) -> str:
    """Why nothing is filtered; empty when it is. It takes the switches of the VM, of its card, and of the datacenter."""
    card = config.net(0)
    if not policies.enabled or card is None or not card.firewall:
        return SWITCHED_OFF
    try:
        return "" if ctx.hypervisor.cluster_firewall_enabled() else NOT_IN_EFFECT
    except AuthFailed:  # a token that may not look at the datacenter: what can be seen is switched on
        return ""


def _rule(rule: Rule) -> Facts:
    """Empty texts are "any". A rule that an admin made may be a `group` of rules or use a `macro`, both by their names."""
    is_group = rule.kind == "group"
    return {
        "position": rule.position,
        "direction": "" if is_group else rule.kind.upper(),
        "action": "" if is_group else rule.action,
        "group": rule.action if is_group else "",
        "macro": rule.macro,
        "protocol": rule.protocol,
        "icmp_type": rule.icmp_type,
        "source": rule.source,
        "source_port": rule.source_port,
        "destination": rule.destination,
        "destination_port": rule.destination_port,
        "comment": rule.comment,
        "enabled": rule.enabled,
        "broken": rule.broken,
    }


def _warnings(policies: Policies, listed: RuleList) -> list[str]:
    """What a group lets in is not known here."""
    works = [rule for rule in listed.rules if rule.enabled and not rule.broken]
    accepts = any(rule.kind == "group" or (rule.kind, rule.action) == ("in", "ACCEPT") for rule in works)
    return [] if policies.inbound == "ACCEPT" or accepts else [NOTHING_COMES_IN]
