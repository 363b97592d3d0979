"""Checks parameters the way PVE::JSONSchema does, with its words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bridge.sandbox.proxmox.formats import check_format
from bridge.sandbox.proxmox.property_string import InvalidFormat, check_property_string

# How far the indexed parameters of the schema (`net[n]`) go; the published data do not say it.
_INDEX_LIMIT = {"net": 31, "scsi": 30, "virtio": 15, "sata": 5, "ide": 3, "ipconfig": 31, "unused": 255, "serial": 3}
_INDEX_LIMIT |= {"usb": 13, "hostpci": 15, "parallel": 2, "numa": 7, "virtiofs": 9, "link": 7, "mp": 255}

_UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
_MISSING = "property is missing and it is not optional"


@dataclass
class Checked:
    """Values of the known parameters (integers and booleans as int, the rest as text) and complaints by parameter."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def parameter_schema(parameters: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The schema of a parameter, also of an indexed one such as net0; None when there is no such parameter."""
    if "[n]" in name:
        return None
    if name in parameters:
        found: Mapping[str, Any] = parameters[name]
        return found
    indexed = re.fullmatch(r"([a-z_-]+)(0|[1-9]\d*)", name)
    if indexed and int(indexed[2]) <= _INDEX_LIMIT.get(indexed[1], 0):
        return parameters.get(f"{indexed[1]}[n]")
    return None


def check_parameters(parameters: Mapping[str, Any], given: Mapping[str, Any], *, extras: bool = False) -> Checked:
    """Check `given` (text, or the types of a JSON body) against a schema entry's parameters."""
    result = Checked()
    for name, value in given.items():
        schema = parameter_schema(parameters, name)
        if schema is None:
            if extras:
                result.values[name] = value
            else:
                result.errors[name] = _UNKNOWN
        elif value is not None:
            _check_one(result, schema, name, value)
            needed = schema.get("requires")
            if needed and given.get(needed) is None:
                result.errors[needed] = f"missing property - '{name}' requires this property"
    for name, schema in parameters.items():
        if "[n]" not in name and not schema.get("optional") and given.get(name) is None:
            result.errors[name] = _MISSING
    return result


def _check_one(result: Checked, schema: Mapping[str, Any], name: str, value: Any) -> None:
    kind = schema.get("type", "string")
    listed = kind == "string" and str(schema.get("format", "")).endswith("list")
    if isinstance(value, list) and listed:
        value = ",".join(str(item) for item in value)
    if kind == "array":
        result.values[name] = value if isinstance(value, list) else [value]
        return
    text = _as_text(kind, value)
    if text is None:
        reason: str | None = f"type check ('{kind}') failed - got {_got(value)}"
    else:
        reason = value_complaint(schema, name, text)
    if reason:
        result.errors[name] = reason
    else:
        result.values[name] = int(text or "0") if kind in ("integer", "boolean") else text


def _as_text(kind: str, value: Any) -> str | None:
    """The scalar as Perl sees it; None when its type is refused whatever it says."""
    if isinstance(value, bool):
        return str(int(value)) if kind == "boolean" else None
    if isinstance(value, dict | list):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _got(value: Any) -> str:
    if isinstance(value, dict):
        return "HASH"
    if isinstance(value, list):
        return "ARRAY"
    return "JSON::PP::Boolean" if isinstance(value, bool) else f"'{value}'"


_TYPES = {
    "integer": re.compile(r"[+-]?\d+"),
    "number": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"),
    "boolean": re.compile(r"[01]"),
}


def value_complaint(schema: Mapping[str, Any], path: str, text: str) -> str | None:
    """The first thing that is wrong with a scalar, in the order of PVE::JSONSchema::check_prop; None when nothing is."""
    kind = schema.get("type", "string")
    if kind in _TYPES and not _TYPES[kind].fullmatch(text):
        return f"type check ('{kind}') failed - got '{text}'"
    if "format" in schema:
        try:
            if isinstance(schema["format"], Mapping):
                check_property_string(schema["format"], text, path, value_complaint)
            else:
                check_format(schema["format"], text, path, value_complaint)
        except InvalidFormat as error:
            return f"invalid format - {error}"
    return _limit_complaint(schema, text)


def _limit_complaint(schema: Mapping[str, Any], text: str) -> str | None:
    if "pattern" in schema and not _perl_pattern(schema["pattern"]).fullmatch(text):
        return "value does not match the regex pattern"
    if "maxLength" in schema and len(text) > schema["maxLength"]:
        return f"value may only be {schema['maxLength']} characters long"
    if "minLength" in schema and len(text) < schema["minLength"]:
        return f"value must be at least {schema['minLength']} characters long"
    if _TYPES["number"].fullmatch(text):
        if "maximum" in schema and float(text) > schema["maximum"]:
            return f"value must have a maximum value of {schema['maximum']}"
        if "minimum" in schema and float(text) < schema["minimum"]:
            return f"value must have a minimum value of {schema['minimum']}"
    choices = schema.get("enum")
    if choices and text not in [str(choice) for choice in choices]:
        listed = ", ".join(str(choice) for choice in choices)
        return f"value '{text}' does not have a value in the enumeration '{listed}'"
    return None


@cache
def _perl_pattern(pattern: str) -> re.Pattern[str]:
    """A Perl pattern for Python: `(?^:` and `(?^u:` are Perl's way of printing a compiled pattern."""
    text = re.sub(r"\(\?\^[a-z]*:", "(?:", pattern)
    text = re.sub(r"\{,(\d+)\}", r"{0,\1}", text)
    return re.compile(text)
