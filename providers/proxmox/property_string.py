"""Proxmox's property strings: `value,key=value,key=value`, the form of net0, disks, ipconfigN and boot."""

Pairs = tuple[tuple[str, str], ...]


def parse(text: str) -> Pairs:
    """Split a property string into pairs in their order; a bare value gets the key "".

    Empty parts are dropped, as Proxmox does.
    """
    pairs = []
    for part in text.strip().split(","):
        if part:
            key, separator, value = part.partition("=")
            pairs.append((key, value) if separator else ("", part))
    return tuple(pairs)


def render(pairs: Pairs) -> str:
    """The opposite of `parse`."""
    return ",".join(f"{key}={value}" if key else value for key, value in pairs)


def number(value: float) -> str:
    """A number without a needless fraction: 12, 0.5. Never in exponent form, which Proxmox's integers refuse."""
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")
