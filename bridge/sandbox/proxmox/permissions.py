"""Evaluates the permission rules that the API schema publishes for each method."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.sandbox.proxmox.access import Access, Identity
from bridge.sandbox.proxmox.failures import Refused


def check_permissions(
    access: Access, who: Identity, permissions: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """Raises Refused unless `who` may call a method with these permissions; `values` fill the rule's placeholders.

    A method without a rule is for root@pam only; `user: all` is for every login, `user: world` for everybody.
    """
    if permissions is None:
        if who.user != "root@pam":
            raise Refused("Permission check failed (user != root@pam)")
        return
    check = permissions.get("check")
    if check:
        _check(access, who, check, values)


def _check(access: Access, who: Identity, check: Sequence[Any], values: Mapping[str, Any]) -> None:
    kind, rest = check[0], check[1:]
    if kind == "and":
        for part in rest:
            _check(access, who, part, values)
    elif kind == "or":
        _check_any(access, who, rest, values)
    elif kind == "perm":
        _check_privileges(access, who, rest, values)
    elif kind == "userid-param" and rest[0] == "self":
        if values.get("userid") != who.user:
            raise Refused("Permission check failed")
    elif kind in ("userid-group", "userid-param"):
        access.require(who, "/access/groups", "User.Modify")


def _check_any(access: Access, who: Identity, parts: Sequence[Any], values: Mapping[str, Any]) -> None:
    """One of the rules must hold; the refusal is that of the first."""
    first: Refused | None = None
    for part in parts:
        try:
            _check(access, who, part, values)
        except Refused as refused:
            first = first or refused
        else:
            return
    raise first or Refused("Permission check failed")


def _check_privileges(access: Access, who: Identity, rule: Sequence[Any], values: Mapping[str, Any]) -> None:
    template, privileges, options = rule[0], rule[1], list(rule[2:])
    # One rule of 7.4 holds a bare name where all others hold a list.
    privileges = [privileges] if isinstance(privileges, str) else privileges
    named = dict(zip(options[::2], options[1::2], strict=False))
    needed = named.get("require_param")
    if needed and values.get(needed) is None:
        raise Refused("Permission check failed")
    path = str(template)
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", str(value))
    access.require(who, path, *privileges, any_of=bool(named.get("any")))
