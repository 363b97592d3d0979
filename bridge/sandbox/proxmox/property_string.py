"""Property strings such as `virtio=MAC,bridge=vmbr0`: reading them, checking them, putting them together again."""

from collections.abc import Callable, Mapping
from typing import Any


class InvalidFormat(Exception):
    """A value does not have its format; the text ends with a newline, as in Perl."""


Complaint = Callable[[Mapping[str, Any], str, str], str | None]


def split_properties(text: str, default_key: str | None = None) -> dict[str, str]:
    """The `key=value` pairs of a property string; a bare value goes to `default_key` (or becomes a key of its own)."""
    found: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if separator:
            found[key] = value
        elif part.strip():
            found[default_key or part] = part
    return found


def join_properties(properties: Mapping[str, str], first: str | None = None) -> str:
    """A property string with sorted keys; the value of `first` leads and stands bare."""
    rest = [f"{key}={properties[key]}" for key in sorted(properties) if key != first]
    return ",".join([properties[first], *rest] if first and first in properties else rest)


def check_property_string(fmt: Mapping[str, Any], text: str, path: str, complaint: Complaint) -> dict[str, str]:
    """Read a property string by its format. Raises InvalidFormat in the words of PVE::JSONSchema."""
    values = _read(fmt, text)
    errors: dict[str, str] = {}
    for key, value in values.items():
        if key not in fmt:
            errors[key] = "property is not defined in schema and the schema does not allow additional properties"
            continue
        reason = complaint(fmt[key], f"{path}.{key}", value)
        if reason:
            errors[key] = reason
        needed = fmt[key].get("requires")
        if needed and needed not in values:
            errors[needed] = f"missing property - '{path}.{key}' requires this property"
    for key, schema in fmt.items():
        if key not in values and not schema.get("optional") and "alias" not in schema:
            errors[key] = "property is missing and it is not optional"
    if errors:
        raise InvalidFormat("format error\n" + "".join(f"{path}.{k}: {errors[k]}\n" for k in sorted(errors)))
    return values


_TRUE, _FALSE = frozenset({"1", "on", "yes", "true"}), frozenset({"0", "off", "no", "false"})


def _read(fmt: Mapping[str, Any], text: str) -> dict[str, str]:
    default_key = next((key for key, schema in fmt.items() if schema.get("default_key")), None)
    values: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, separator, value = part.partition("=")
        if not separator:
            if default_key is None:
                raise InvalidFormat("value without key, but schema does not define a default key\n")
            key, value = default_key, part
        elif not key or not value:
            raise InvalidFormat("missing key in comma-separated list property\n")
        schema = fmt.get(key, {})
        if key in values:
            raise InvalidFormat(f"duplicate key in comma-separated list property: {key}\n")
        if "alias" in schema:
            if "keyAlias" in schema:
                values[schema["keyAlias"]] = key
            key = schema["alias"]
            schema = fmt.get(key, {})
        if schema.get("type") == "boolean":
            value = "1" if value.lower() in _TRUE else "0" if value.lower() in _FALSE else value
        values[key] = value
    return values
