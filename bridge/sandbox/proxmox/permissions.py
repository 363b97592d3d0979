"""Evaluates the permission rules that the API schema publishes for each method."""

import re
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
    elif kind == "userid-param":
        _check_user(access, who, rest[0], str(values.get("userid")))
    elif kind == "userid-group":
        access.require(who, "/access/groups", *rest[0], any_of=True)
    elif kind == "perm-modify":
        require_modify(access, who, str(values.get("path")))


def _check_user(access: Access, who: Identity, right: str, userid: str) -> None:
    """`self`: the user itself; any other right is needed on the user's realm."""
    if right != "self":
        access.require(who, f"/access/realm/{userid.rpartition('@')[2]}", right)
    elif userid != who.user:
        raise Refused("Permission check failed")


# Who may allocate something may also hand it on.
_MAY_GRANT = {"/storage/": "Datastore.Allocate", "/vms/": "VM.Allocate", "/pool/": "Pool.Allocate"}


def require_modify(access: Access, who: Identity, path: str) -> None:
    """Raises Refused unless rights on the path may be given and taken by `who`."""
    more = [right for prefix, right in _MAY_GRANT.items() if path.startswith(prefix) and path != prefix]
    access.require(who, path, "Permissions.Modify", *more, any_of=True)


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
    # A parameter that is missing leaves its place empty: the check of parameters comes later.
    path = re.sub(r"\{\w+\}", "", path).rstrip("/") or "/"
    access.require(who, path, *privileges, any_of=bool(named.get("any")))
