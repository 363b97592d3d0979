"""The rules of a VM's firewall, in their order."""

from collections.abc import Mapping
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.firewall import (
    RULE_OPTIONS,
    Entry,
    Firewall,
    assert_unmodified,
    list_digest,
    stored_rule,
    with_digest,
)
from bridge.sandbox.proxmox.firewall_addresses import InvalidAddress
from bridge.sandbox.proxmox.firewall_check import RuleCheck
from bridge.sandbox.proxmox.firewall_names import macro_name
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.routes.firewall_options import FIREWALL, firewall_of
from bridge.sandbox.proxmox.routing import route

RULES = FIREWALL + "/rules"
RULE = RULES + "/{pos}"

_SETTABLE = (*RULE_OPTIONS, "enable", "comment")
# Known, though they say nothing about the rule itself.
_ADDRESSING = ("pos", "digest")


@route("GET", RULES)
def list_rules(call: Call) -> list[Entry]:
    """All rules; those that refer to something that is gone say so in `errors`."""
    return [{**rule, "pos": position} for position, rule in enumerate(with_digest(_as_read(firewall_of(call))))]


@route("GET", RULE)
def read_rule(call: Call) -> Entry:
    """One rule; its position is text here."""
    rules = with_digest(_as_read(firewall_of(call)))
    return {**rules[_position(call, rules)], "pos": str(call.values["pos"])}


@route("POST", RULES)
def create_rule(call: Call) -> None:
    """Put a rule in the first place, switched off unless told otherwise; `pos` is ignored."""
    firewall = firewall_of(call)
    rule = _changed({}, call.options)
    firewall.rules.insert(0, _checked({**rule, "enable": rule.get("enable", 0)}, firewall))


@route("PUT", RULE)
def update_rule(call: Call) -> None:
    """Move a rule, or change it."""
    firewall = firewall_of(call)
    position = _checked_position(call, firewall)
    target = call.get("moveto")
    if target is not None and target != position:
        _move(firewall, position, target)
        return
    rule = _changed(firewall.rules[position], call.options)
    for name in split_list(str(call.get("delete", ""))):
        if name not in (*_SETTABLE, *_ADDRESSING):
            raise InvalidParameters({"delete": f"no such property ('{name}')"})
        if name in ("type", "action"):
            raise InvalidParameters({"delete": f"unable to delete required property '{name}'"})
        rule.pop(name, None)
    firewall.rules[position] = _checked(rule, firewall)


@route("DELETE", RULE)
def delete_rule(call: Call) -> None:
    """Remove a rule; those behind it move up."""
    firewall = firewall_of(call)
    del firewall.rules[_checked_position(call, firewall)]


def _as_read(firewall: Firewall) -> list[Entry]:
    found = []
    for rule in firewall.rules:
        try:
            check = RuleCheck(rule, firewall)
        except InvalidAddress:
            # Such a line is skipped with a warning in the node's log.
            continue
        extras: Entry = {"ipversion": check.ipversion} if check.ipversion else {}
        found.append({**rule, **extras, **({"errors": check.errors} if check.errors else {})})
    return found


def _position(call: Call, rules: list[Entry]) -> int:
    position = int(call.values["pos"])
    if position >= len(rules):
        raise ApiError(f"no rule at position {position}")
    return position


def _checked_position(call: Call, firewall: Firewall) -> int:
    assert_unmodified(list_digest(_as_read(firewall)), call.get("digest"))
    return _position(call, firewall.rules)


def _move(firewall: Firewall, position: int, target: int) -> None:
    """The rule goes before the one that is at `target` now, or to the end."""
    rule = firewall.rules[position]
    rest = firewall.rules[:position] + firewall.rules[position + 1 :]
    rest.insert(target - (target > position), rule)
    firewall.rules = rest


def _changed(rule: Mapping[str, Any], given: Mapping[str, Any]) -> Entry:
    """A rule with what was given; an empty text or `-` removes."""
    changed = {**rule, **{name: given[name] for name in _SETTABLE if name in given}}
    return {name: value for name, value in changed.items() if value not in ("", "-")}


def _checked(rule: Entry, firewall: Firewall) -> Entry:
    """The rule as the file will hold it. Raises InvalidParameters with the first complaint."""
    try:
        check = RuleCheck(rule, firewall)
    except InvalidAddress as error:
        raise ApiError(str(error)) from None
    for name, reason in check.errors.items():
        raise InvalidParameters({name: reason})
    if rule.get("macro"):
        rule = {**rule, "macro": macro_name(rule["macro"])}
    return stored_rule(rule)
