"""Sizes as Proxmox VE writes them."""

import re

GIB = 1024**3
MIB = 1024**2

_UNITS = {"": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024 * GIB}


def parse_size(text: str) -> int:
    """Bytes of `10G`, `3500M`, `+0.5G` (the sign is ignored), `1073741824`. Raises ValueError for anything else."""
    match = re.fullmatch(r"\+?(\d+(?:\.\d+)?)([KMGT]?)", text)
    if not match:
        raise ValueError(f"no size: {text!r}")
    return int(float(match[1]) * _UNITS[match[2]]) if "." in match[1] else int(match[1]) * _UNITS[match[2]]


def print_size(size: int) -> str:
    """The shortest whole number with K, M, G or T; bytes when it is no multiple of 1024."""
    for unit in ("", "K", "M", "G"):
        if size % 1024 or not size:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}T"
