"""A VM's firewall file: options, aliases, IP sets and rules. It is there with or without the VM."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.proxmox.failures import ApiError

Entry = dict[str, Any]

RULE_OPTIONS = ("type", "action", "macro", "iface", "source", "dest", "proto", "dport", "sport", "log", "icmp-type")
# What is left of a rule that refers to a security group when the file is written.
_GROUP_OPTIONS = ("type", "action", "iface")


@dataclass
class Firewall:
    """One file below /etc/pve/firewall. `ipsets`: entries by name, sorted by address; `aliases` by name in lower case."""

    options: Entry = field(default_factory=dict)
    rules: list[Entry] = field(default_factory=list)
    ipsets: dict[str, list[Entry]] = field(default_factory=dict)
    ipset_comments: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, Entry] = field(default_factory=dict)


def stored_comment(text: str | None) -> Entry:
    """A comment as it comes back from the end of a line of the file: trimmed, and none when nothing is left."""
    line = (text or "").split("\n")[0].strip()
    return {"comment": line} if line not in ("", "0") else {}


def stored_rule(rule: Mapping[str, Any]) -> Entry:
    """A rule as it comes back from the file."""
    names = _GROUP_OPTIONS if rule["type"] == "group" else RULE_OPTIONS
    kept = {name: rule[name] for name in names if rule.get(name) not in (None, "")}
    return {**kept, "enable": int(bool(rule.get("enable", 1))), **stored_comment(rule.get("comment"))}


def options_digest(options: Mapping[str, Any]) -> str:
    """SHA-1 over the options that are set."""
    return _sha1(_lines(options))


def list_digest(entries: Iterable[Mapping[str, Any]]) -> str:
    """SHA-1 over a list of rules, aliases, sets or addresses; complaints (`errors`) do not count."""
    return _sha1("".join(_lines(entry) for entry in entries))


def _lines(entry: Mapping[str, Any]) -> str:
    return "".join(f"{name}:{entry[name]}\n" for name in sorted(entry) if not isinstance(entry[name], dict))


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def with_digest(entries: Iterable[Entry]) -> list[Entry]:
    """The elements of a list, each with the digest of the whole."""
    listed = list(entries)
    digest = list_digest(listed)
    return [{**entry, "digest": digest} for entry in listed]


def assert_unmodified(digest: str, expected: str | None) -> None:
    """Raises ApiError when the caller names the digest of another state of the file."""
    if expected and expected != digest:
        raise ApiError("detected modified configuration - file changed by other user? Try again.")
