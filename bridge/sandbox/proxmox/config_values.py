"""How a value looks after it has been through the configuration file."""

import re
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.guest import Config
from bridge.sandbox.proxmox.schema_values import parameter_schema, value_complaint

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.schema import Schema

MASK = "**********"
CONFIG_PATH = "/nodes/{node}/qemu/{vmid}/config"

# Integers beyond this become floating point in Perl, which the file's parser refuses.
_BIGGEST = 2**64 - 1


def reread(schema: "Schema", key: str, value: Any) -> Any:
    """The value as the file's parser finds it, None when it refuses the line.

    An empty text is written as `key: ` and read back as one blank, if the option takes a blank at all.
    """
    if key == "description":
        return value or None
    if isinstance(value, int):
        return value if abs(value) <= _BIGGEST else None
    text = str(value)
    if text.strip():
        return text
    entry = schema.entry("PUT", CONFIG_PATH)
    known = parameter_schema(entry["parameters"], key) if entry else None
    return " " if known is not None and value_complaint(known, key, " ") is None else None


def masked(config: Config) -> Config:
    """A configuration as it may be shown."""
    return {**config, "cipassword": MASK} if "cipassword" in config else dict(config)


def typed(schema: "Schema", config: Config) -> Config:
    """Values with the JSON types of the version (`memory` is a number in 7.4 and text since 8.0)."""
    if "memory" in config and schema.version.startswith("7"):
        return {**config, "memory": int(config["memory"])}
    return config


def normal_tags(text: str) -> str:
    """Tags as they are stored: lower case, sorted, each once."""
    return ";".join(sorted({tag.lower() for tag in re.split(r"[,;\s]+", text) if tag}))
