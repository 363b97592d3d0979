"""Product settings that versions 1.x and 2.x left in `tblproducts.configoption1..24`.

Only three positions are documented: 1 = licence key, 4 = OS template, 12 = client permissions. Which group of settings sits at
2, 3 and 5 to 11 is inferred from the order of the old page, and nothing says how a group is written. So a group is read only where
it names its own settings (JSON object, or `name=value` entries); a bare list of values is not guessed at. What cannot be
read is reported and stays where it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bridge.package.fields import FIELDS, BadSetting
from bridge.package.kinds import Value, quotable, text_of

SINGLE: Mapping[int, str] = {
    1: "license_key",
    2: "clone_type",
    3: "node",
    4: "os_template",
    5: "backup_storage",
    6: "iso_storage",
}
"""Stock fields that hold one setting; 1 and 4 keep their position in every version."""

_GROUPS: Mapping[int, frozenset[str]] = {
    7: frozenset({"VM Configuration"}),
    8: frozenset({"System Disk"}),
    9: frozenset({"Additional Disk"}),
    10: frozenset({"Network", "Firewall"}),
    11: frozenset({"Integrations"}),
    12: frozenset({"Client Area Permissions"}),
}
_OTHER_NAMES: Mapping[int, Mapping[str, str]] = {
    7: {"cores": "cpu", "memory": "ram", "username": "os_username", "vmid": "first_vm_id"},
    10: {"rate": "net_bandwidth", "auto": "net_auto", "vlan": "net_vlan", "firewall": "fw_enable"},
}
_PREFIX_NAMES = frozenset({"prefix", "nameprefix", "vmprefix", "vmnameprefix"})
_HOME_PREFIX = re.compile(r"^(net|fw|sys|add|client)_")
_SEPARATORS = re.compile(r"[|;,\r\n]+")
_ENTRY = re.compile(r"\s*([^=:]+?)\s*[=:]\s*(.*?)\s*", re.DOTALL)


@dataclass
class LegacySettings:
    """What was found: validated settings, and a line for each field or entry that could not be read."""

    values: dict[str, Value] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def read_legacy(configoptions: Mapping[int, str]) -> LegacySettings:
    """The settings in the stock fields, number (1..24) -> text with HTML entities already decoded. Never raises."""
    found = LegacySettings()
    for number, text in sorted(configoptions.items()):
        if not text.strip():
            continue
        for name, raw in _settings(number, text, found.unread):
            try:
                found.values[name] = FIELDS[name].read(raw)
            except BadSetting as error:
                found.unread.append(f"configoption{number}: {error}")
    return found


def template_of(configoption4: str) -> str:
    """The template's VMID in `configoption4`, which may carry its name: "1012|Debian 12" is template 1012."""
    return configoption4.partition("|")[0].strip()


def _settings(number: int, text: str, unread: list[str]) -> Iterator[tuple[str, object]]:
    """(setting name, raw value) of everything in one stock field that names a setting."""
    pairs = _json_object(text)
    if pairs is None and number in SINGLE:
        yield SINGLE[number], template_of(text) if number == 4 else text
        return
    if pairs is None:
        pairs = _entries(text)
    if not pairs:
        unread.append(f"configoption{number} is in no known form and stays as it is")
        return
    names = _names(number)
    for key, raw in pairs.items():
        plain = _plain(key)
        if number == 7 and plain in _PREFIX_NAMES:
            yield "vm_name_rule", f"{text_of(raw)}-{{client_id}}-{{service_id}}" if text_of(raw) else ""
        elif plain in names:
            yield names[plain], raw
        else:
            unread.append(f'configoption{number}: "{quotable(key)}" is no known setting and stays as it is')


def _json_object(text: str) -> dict[str, object] | None:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return {str(key): value for key, value in parsed.items()} if isinstance(parsed, dict) else None


def _entries(text: str) -> dict[str, object]:
    """`name=value` entries of a list; empty unless every entry is one."""
    parts = [part for part in _SEPARATORS.split(text) if part.strip()]
    matches = [match for part in parts if (match := _ENTRY.fullmatch(part))]
    return {match[1]: match[2] for match in matches} if len(matches) == len(parts) else {}


def _names(number: int) -> dict[str, str]:
    """How settings may be called in stock field `number`: by their full name everywhere, by label or short name at home."""
    names: dict[str, str] = {}
    for setting in FIELDS.values():
        if _GROUPS.get(number, frozenset()) & {setting.section, setting.group}:
            names.setdefault(_plain(setting.label), setting.name)
            names.setdefault(_plain(_HOME_PREFIX.sub("", setting.name)), setting.name)
    names |= _OTHER_NAMES.get(number, {})
    return names | {_plain(name): name for name in FIELDS}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
