"""Configurable options: which option name means which setting, and which of a client's choices count.

A choice that cannot be used (no number, negative, absurd) is treated as not assigned, so that the product's default
applies and the order goes on; the admin gets a line about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.package.fields import FIELDS, BadSetting
from bridge.package.kinds import quotable, text_of, whole_number

OPTION_FIELDS: Mapping[str, str] = {
    "CPU Cores": "cpu",
    "RAM": "ram",
    "Backups": "backups",
    "Snapshots": "snapshots",
    "System Disk": "sys_size",
    "Additional Disk": "add_size",
    "System Disk Read Bandwidth": "sys_mbps_rd",
    "System Disk Write Bandwidth": "sys_mbps_wr",
    "System Disk Read IOPS": "sys_iops_rd",
    "System Disk Write IOPS": "sys_iops_wr",
    "Additional Disk Read Bandwidth": "add_mbps_rd",
    "Additional Disk Write Bandwidth": "add_mbps_wr",
    "Additional Disk Read IOPS": "add_iops_rd",
    "Additional Disk Write IOPS": "add_iops_wr",
    "Network Bandwidth": "net_bandwidth",
    "IPv4 Addresses": "ipv4_count",
    "IPv6 Addresses": "ipv6_count",
    "Operating System": "os_template",
}

LEGACY_FIELDS: Mapping[str, str] = {
    "B": "backups",
    "S": "snapshots",
    "CPU": "cpu",
    "RAM": "ram",
    "ipv4": "ipv4_count",
    "ipv6": "ipv6_count",
    "OS": "os_template",
}


@dataclass(frozen=True)
class Assigned:
    """The choices that count, as setting name -> value, and a line for each that was passed over."""

    values: Mapping[str, int]
    warnings: tuple[str, ...]


def assigned(options: Mapping[str, object]) -> Assigned:
    """What `options` (option name -> chosen sub-option, as stored or as WHMCS passes them) assign.

    Names are matched exactly up to the `|` that starts the label; unknown ones are ignored. Values are read up to their
    `|`. Where a plain and a legacy name mean the same setting the plain one wins, else the first given.
    """
    values: dict[str, int] = {}
    warnings: list[str] = []
    for name, field, raw in _known(options):
        try:
            number = _number(field, raw)
        except ValueError as error:
            warnings.append(f'Configurable option "{quotable(name)}": {error}; the default of the product applies')
            continue
        values.setdefault(field, number)
    return Assigned(values, tuple(warnings))


def _known(options: Mapping[str, object]) -> list[tuple[str, str, object]]:
    """The recognised options as (name, setting, raw value), plain names first."""
    plain: list[tuple[str, str, object]] = []
    legacy: list[tuple[str, str, object]] = []
    for name, raw in options.items():
        key, label_follows, _ = name.partition("|")
        if key in OPTION_FIELDS and not (label_follows and key in LEGACY_FIELDS):
            plain.append((name, OPTION_FIELDS[key], raw))
        elif key in LEGACY_FIELDS:
            legacy.append((name, LEGACY_FIELDS[key], raw))
    return plain + legacy


def _number(field: str, raw: object) -> int:
    value = text_of(int(raw) if isinstance(raw, bool) else raw).partition("|")[0].strip()
    if not value:
        raise ValueError("the chosen value is empty")
    number = whole_number(value)
    if number is None:
        raise ValueError("the chosen value is not a whole number")
    try:
        FIELDS[field].read(number)
    except BadSetting:
        raise ValueError(f"{number} is not {FIELDS[field].kind.allowed}") from None
    return number
