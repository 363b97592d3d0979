"""The network card of a VM: `net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,rate=12,tag=5`."""

import re
from dataclasses import dataclass, replace
from typing import Self

from providers.proxmox import property_string

# `virtio=BC:24:11:00:00:01`: the key is the model, whichever there will be.
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


@dataclass(frozen=True)
class NetDevice:
    """One network card.

    `mac` upper case, None = Proxmox makes one up; writing a card back without its MAC changes it, so parse, change one
    field, print. `tag` VLAN, None = untagged. `rate` is megabytes per second, None = unlimited (the key is left out:
    0 does not mean unlimited everywhere). `extra` keeps mtu, queues, link_down, trunks and whatever comes, in order.
    """

    model: str = "virtio"
    mac: str | None = None
    bridge: str | None = None
    tag: int | None = None
    rate: float | None = None
    firewall: bool = False
    extra: property_string.Pairs = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a netN value. Raises ValueError when it names no model or holds a tag or rate that is no number."""
        found: dict[str, str] = {}
        extra = []
        for key, value in property_string.parse(text):
            if key == "":
                found["model"] = value
            elif key == "macaddr":
                found["mac"] = value
            elif key in ("model", "bridge", "tag", "rate", "firewall"):
                found[key] = value
            elif _MAC.fullmatch(value):
                found["model"], found["mac"] = key, value
            else:
                extra.append((key, value))
        if "model" not in found:
            raise ValueError(f"network card without a model: {text!r}")
        return cls(
            model=found["model"],
            mac=found["mac"].upper() if found.get("mac") else None,
            bridge=found.get("bridge"),
            tag=int(found["tag"]) if found.get("tag") else None,
            rate=float(found["rate"]) if found.get("rate") else None,
            firewall=found.get("firewall") == "1",
            extra=tuple(extra),
        )

    def with_(
        self,
        *,
        bridge: str,
        tag: int | None,
        rate: float | None,
        firewall: bool,
        model: str | None = None,
        mac: str | None = None,
    ) -> Self:
        """The same card with bridge, VLAN, rate and firewall as given; model and MAC stay unless named.

        `tag` and `rate` None or 0 leave the key out.
        """
        return replace(
            self,
            model=model or self.model,
            mac=mac.upper() if mac else self.mac,
            bridge=bridge,
            tag=tag or None,
            rate=rate or None,
            firewall=firewall,
        )

    def __str__(self) -> str:
        pairs: list[tuple[str, str]] = [(self.model, self.mac) if self.mac else ("", self.model)]
        if self.bridge is not None:
            pairs.append(("bridge", self.bridge))
        if self.firewall:
            pairs.append(("firewall", "1"))
        if self.rate is not None:
            pairs.append(("rate", property_string.number(self.rate)))
        if self.tag is not None:
            pairs.append(("tag", str(self.tag)))
        return property_string.render((*pairs, *self.extra))
