"""The IP sets of a VM's firewall and the addresses in them."""

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.firewall import (
    Entry,
    Firewall,
    assert_unmodified,
    list_digest,
    stored_comment,
    with_digest,
)
from bridge.sandbox.proxmox.firewall_addresses import alias_in, cut_host_bits, stored_network
from bridge.sandbox.proxmox.routes.firewall_options import FIREWALL, firewall_of
from bridge.sandbox.proxmox.routing import route

SETS = FIREWALL + "/ipset"
SET = SETS + "/{name}"
ENTRY = SET + "/{cidr}"


@route("GET", SETS)
def list_sets(call: Call) -> list[Entry]:
    """The names of all sets."""
    return with_digest(_listed(firewall_of(call)))


@route("POST", SETS)
def create_set(call: Call) -> None:
    """Make an empty set, or with `rename` give one another name. Names are stored in lower case."""
    firewall, name, old = firewall_of(call), str(call.values["name"]), call.get("rename")
    if old is not None:
        _rename(call, firewall, str(old), name)
    elif name in firewall.ipsets:
        raise InvalidParameters({"name": f"IPSet '{name}' already exists"})
    else:
        firewall.ipsets.setdefault(name.lower(), [])
    if call.get("comment"):
        firewall.ipset_comments[name.lower()] = str(call.values["comment"]).strip()


@route("GET", SET)
def read_set(call: Call) -> list[Entry]:
    """The addresses of a set."""
    return with_digest(_entries(call))


@route("DELETE", SET)
def delete_set(call: Call) -> None:
    """Remove a set; with `force` also one that is not empty."""
    firewall, name = firewall_of(call), str(call.values["name"])
    if _stored(firewall, name) and not call.flag("force"):
        raise ApiError(f"IPSet '{name}' is not empty")
    del firewall.ipsets[name]
    firewall.ipset_comments.pop(name, None)


@route("POST", SET)
def add_entry(call: Call) -> None:
    """Add an address, a network or an alias."""
    firewall, text = firewall_of(call), str(call.values["cidr"])
    entries, alias = _stored(firewall, str(call.values["name"])), alias_in(text)
    if alias:
        _require_alias(firewall, *alias)
    else:
        text, _ = stored_network(cut_host_bits(text))
    if any(entry["cidr"] == text for entry in entries):
        raise InvalidParameters({"cidr": f"address '{text}' already exists"})
    prefix = text.partition("/")[2]
    if prefix and not prefix.strip("0"):
        raise InvalidParameters({"cidr": "a zero prefix is not allowed in ipset entries"})
    entries.append({"cidr": text, **_facts(call)})
    entries.sort(key=lambda entry: str(entry["cidr"]))


@route("GET", ENTRY)
def read_entry(call: Call) -> Entry:
    """One address of a set, named exactly as it is stored."""
    for entry in with_digest(_entries(call)):
        if entry["cidr"] == call.values["cidr"]:
            return entry
    raise InvalidParameters({"cidr": "no such IP/Network"})


@route("PUT", ENTRY)
def update_entry(call: Call) -> None:
    """Replace what is said about an address; what is not given is gone."""
    entries = _stored(firewall_of(call), str(call.values["name"]))
    assert_unmodified(list_digest(_entries(call)), call.get("digest"))
    for number, entry in enumerate(entries):
        if entry["cidr"] == call.values["cidr"]:
            entries[number] = {"cidr": entry["cidr"], **_facts(call)}
            return
    raise InvalidParameters({"cidr": "no such IP/Network"})


@route("DELETE", ENTRY)
def delete_entry(call: Call) -> None:
    """Remove an address from a set, if it is there."""
    entries = _stored(firewall_of(call), str(call.values["name"]))
    assert_unmodified(list_digest(_entries(call)), call.get("digest"))
    entries[:] = [entry for entry in entries if entry["cidr"] != call.values["cidr"]]


def _listed(firewall: Firewall) -> list[Entry]:
    comments = firewall.ipset_comments
    return [
        {"name": name, **({"comment": comments[name]} if name in comments else {})} for name in sorted(firewall.ipsets)
    ]


def _stored(firewall: Firewall, name: str) -> list[Entry]:
    """The set of that name, in exactly this spelling."""
    if name not in firewall.ipsets:
        raise ApiError(f"no such IPSet '{name}'")
    return firewall.ipsets[name]


def _entries(call: Call) -> list[Entry]:
    """The set as it is read: entries whose alias is gone say so in `errors`."""
    firewall, found = firewall_of(call), []
    for entry in _stored(firewall, str(call.values["name"])):
        try:
            alias = alias_in(str(entry["cidr"]))
            if alias:
                _require_alias(firewall, *alias)
            found.append(entry)
        except ApiError as error:
            found.append({**entry, "errors": {"cidr": error.message}})
    return found


def _require_alias(firewall: Firewall, scope: str, name: str) -> None:
    if scope == "dc/" or name.lower() not in firewall.aliases:
        raise ApiError(f"no such alias '{name}'")


def _facts(call: Call) -> Entry:
    return {**stored_comment(call.get("comment")), **({"nomatch": 1} if call.flag("nomatch") else {})}


def _rename(call: Call, firewall: Firewall, old: str, new: str) -> None:
    assert_unmodified(list_digest(_listed(firewall)), call.get("digest"))
    if old not in firewall.ipsets:
        raise InvalidParameters({"name": f"IPSet '{old}' does not exist"})
    if new in firewall.ipsets and new != old:
        raise InvalidParameters({"name": f"IPSet '{new}' does already exist"})
    firewall.ipsets[new.lower()] = firewall.ipsets.pop(old)
    if old in firewall.ipset_comments:
        firewall.ipset_comments[new.lower()] = firewall.ipset_comments.pop(old)
