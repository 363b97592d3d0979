"""Names for addresses in a VM's firewall, and what rules can refer to."""

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.firewall import (
    Entry,
    Firewall,
    assert_unmodified,
    list_digest,
    stored_comment,
    with_digest,
)
from bridge.sandbox.proxmox.firewall_addresses import stored_network
from bridge.sandbox.proxmox.routes.firewall_options import FIREWALL, firewall_of
from bridge.sandbox.proxmox.routing import route

ALIASES = FIREWALL + "/aliases"
ALIAS = ALIASES + "/{name}"


@route("GET", ALIASES)
def list_aliases(call: Call) -> list[Entry]:
    """All aliases, by name."""
    return with_digest(_sorted(firewall_of(call)))


@route("POST", ALIASES)
def create_alias(call: Call) -> None:
    """Give an address or network a name."""
    aliases, name = firewall_of(call).aliases, str(call.values["name"])
    if name.lower() in aliases:
        raise InvalidParameters({"name": f"alias '{name}' already exists"})
    aliases[name.lower()] = _alias(call, name)


@route("GET", ALIAS)
def read_alias(call: Call) -> Entry:
    """One alias, without digest."""
    return firewall_of(call).aliases[_known(call)]


@route("PUT", ALIAS)
def update_alias(call: Call) -> None:
    """Replace an alias, with `rename` under another name."""
    firewall = firewall_of(call)
    assert_unmodified(list_digest(_sorted(firewall)), call.get("digest"))
    old, new = _known(call), str(call.get("rename") or call.values["name"])
    if new.lower() != old and new.lower() in firewall.aliases:
        raise InvalidParameters({"name": f"alias '{new}' already exists"})
    if new.lower() == old:
        new = str(call.values["name"])
    del firewall.aliases[old]
    firewall.aliases[new.lower()] = _alias(call, new)


@route("DELETE", ALIAS)
def delete_alias(call: Call) -> None:
    """Remove an alias, if it is there; rules that use it are not looked at."""
    firewall = firewall_of(call)
    assert_unmodified(list_digest(_sorted(firewall)), call.get("digest"))
    firewall.aliases.pop(str(call.values["name"]).lower(), None)


@route("GET", FIREWALL + "/refs")
def list_references(call: Call) -> list[Entry]:
    """What `source` and `dest` of a rule may refer to."""
    firewall, kind = firewall_of(call), call.get("type")
    found: list[Entry] = []
    if kind in (None, "ipset"):
        for name in sorted(firewall.ipsets):
            comment = stored_comment(firewall.ipset_comments.get(name))
            found.append({"type": "ipset", "name": name, "ref": f"+{name}", "scope": "guest", **comment})
    if kind in (None, "alias"):
        for name in sorted(firewall.aliases):
            comment = stored_comment(firewall.aliases[name].get("comment"))
            found.append({"type": "alias", "name": name, "ref": name, "scope": "guest", **comment})
    return found


def _sorted(firewall: Firewall) -> list[Entry]:
    return [firewall.aliases[name] for name in sorted(firewall.aliases)]


def _known(call: Call) -> str:
    """The alias's key. Raises InvalidParameters when there is none."""
    name = str(call.values["name"]).lower()
    if name not in firewall_of(call).aliases:
        raise InvalidParameters({"name": "no such alias"})
    return name


def _alias(call: Call, name: str) -> Entry:
    network, version = stored_network(str(call.values["cidr"]))
    return {"name": name, "cidr": network, "ipversion": version, **stored_comment(call.get("comment"))}
