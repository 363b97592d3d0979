"""PHP's serialize format, as far as WHMCS asks for it: one flat map of strings (`customvars`, `customfields`).

Own code because the packages for it are unmaintained, and because a parser that knows strings only cannot be talked into
building anything else.
"""

import base64
import binascii
from collections.abc import Mapping


def dumps(values: Mapping[str, str]) -> bytes:
    """`values` as PHP's `serialize(array(…))`. Lengths count bytes of UTF-8, as PHP does."""
    body = b"".join(_string(key) + _string(value) for key, value in values.items())
    return b"a:%d:{%s}" % (len(values), body)


def to_parameter(values: Mapping[str, str]) -> str:
    """`values` as the external API wants an array parameter: base64 of the serialized map."""
    return base64.b64encode(dumps(values)).decode("ascii")


def loads(data: bytes) -> dict[str, str]:
    """The map in `data`; integer keys (PHP turns "1" into 1) come back as strings. Raises ValueError for anything else."""
    try:
        head, rest = data.split(b"{", 1)
        kind, count, end = head.split(b":")
        if kind != b"a" or end != b"":
            raise ValueError("not an array")
        return _pairs(rest, int(count))
    except (IndexError, ValueError) as error:
        raise ValueError(f"no serialized map of strings: {error}") from None


def from_parameter(text: str) -> dict[str, str]:
    """The map in an array parameter of the external API. Raises ValueError when it is none."""
    try:
        return loads(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


def _string(value: str) -> bytes:
    raw = value.encode("utf-8")
    return b's:%d:"%s";' % (len(raw), raw)


def _pairs(data: bytes, count: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(count):
        key, data = _scalar(data)
        found[key], data = _scalar(data)
    if data != b"}":
        raise ValueError("the count does not fit the content")
    return found


def _scalar(data: bytes) -> tuple[str, bytes]:
    """The string or integer at the head of `data`, and what follows it."""
    if data.startswith(b"i:"):
        number, rest = data[2:].split(b";", 1)
        return str(int(number)), rest
    if not data.startswith(b"s:"):
        raise ValueError("a value is neither string nor integer")
    length, rest = data[2:].split(b":", 1)
    size = int(length)
    if size < 0 or rest[:1] != b'"' or rest[size + 1 : size + 3] != b'";':
        raise ValueError("a string's length is wrong")
    return rest[1 : size + 1].decode("utf-8"), rest[size + 3 :]
