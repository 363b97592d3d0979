"""Network cards: the property strings of net0 and its kind."""

import re
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.failures import ApiError, Refused
from bridge.sandbox.proxmox.guest import NET_KEY, Config
from bridge.sandbox.proxmox.property_string import join_properties, split_properties

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

MODELS = frozenset(
    [
        "e1000",
        "e1000-82540em",
        "e1000-82544gc",
        "e1000-82545em",
        "e1000e",
        "i82551",
        "i82557b",
        "i82559er",
        "ne2k_isa",
        "ne2k_pci",
        "pcnet",
        "rtl8139",
        "virtio",
        "vmxnet3",
    ]
)


def parse_net(text: str) -> dict[str, str]:
    """The keys of a card, with `model` and (if there is one) `macaddr` apart."""
    values = split_properties(text, "model")
    for model in MODELS & set(values):
        values["model"], values["macaddr"] = model, values.pop(model)
    return values


def print_net(values: dict[str, str]) -> str:
    """A card's property string, `model=MAC` first."""
    rest = {key: value for key, value in values.items() if key not in ("model", "macaddr")}
    head = f"{values['model']}={values['macaddr']}"
    return ",".join([head, join_properties(rest)] if rest else [head])


def bridge_of(text: str) -> str:
    """The bridge that a card is plugged into, empty for none."""
    return parse_net(text).get("bridge", "")


def check_bridges(call: "Call", config: Config) -> None:
    """Whether the sender may use the bridges of all cards. Raises Refused, or ApiError for a card without one."""
    if str(call.who) == "root@pam":
        return
    for key in sorted(k for k in config if NET_KEY.fullmatch(k)):
        values = parse_net(str(config[key]))
        bridge = values.get("bridge")
        if not bridge:
            raise ApiError("no sdn vnet ID specified")
        path = f"/sdn/zones/localnetwork/{bridge}"
        tags = [values["tag"]] if "tag" in values else re.findall(r"\d+", values.get("trunks", ""))
        if call.may(path, "SDN.Use") or (tags and all(call.may(f"{path}/{tag}", "SDN.Use") for tag in tags)):
            continue
        raise Refused.on(f"{path}/{tags[0]}" if tags else path, "SDN.Use")
