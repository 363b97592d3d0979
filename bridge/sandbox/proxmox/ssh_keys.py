"""The list of SSH keys in a VM's configuration: percent-encoded, one key per line."""

import re
from urllib.parse import unquote

from bridge.sandbox.proxmox.failures import ApiError

_KEY = re.compile(r"(?:[^\s]+\s+)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+)\s+[A-Za-z0-9+/]+={0,2}(?:\s+.*)?")


def ssh_key_lines(encoded: str) -> list[str]:
    """The keys, decoded, without empty lines."""
    return [line for line in unquote(encoded).split("\n") if line.strip()]


def check_ssh_keys(encoded: str) -> None:
    """Raises ApiError when a line is no public key."""
    if not all(_KEY.fullmatch(line.strip()) for line in ssh_key_lines(encoded)):
        raise ApiError("SSH public key validation error")
