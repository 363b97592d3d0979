"""Whether an answer's `data` has the shape that the API schema promises.

Real nodes are lax: numbers arrive as text and text as numbers, lists of log lines as an object for unknown tasks. Only
what a client would stumble over counts: a missing key, a list where an object should be, words where a number belongs.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def answer_complaints(schema: Mapping[str, Any], data: Any) -> list[str]:
    """All contradictions, as `place: reason`."""
    return list(_check(schema, data, "data"))


def _check(schema: Mapping[str, Any], data: Any, place: str) -> Iterator[str]:
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if kind == "null":
        if data is not None:
            yield f"{place}: {type(data).__name__} instead of null"
    elif kind == "array":
        yield from _check_list(schema, data, place)
    elif kind == "object":
        yield from _check_object(schema, data, place)
    elif not _is_scalar(kind, data):
        yield f"{place}: {data!r} is no {kind}"


def _check_list(schema: Mapping[str, Any], data: Any, place: str) -> Iterator[str]:
    if not isinstance(data, list):
        yield f"{place}: {type(data).__name__} instead of a list"
        return
    for number, item in enumerate(data):
        yield from _check(schema.get("items") or {}, item, f"{place}[{number}]")


def _check_object(schema: Mapping[str, Any], data: Any, place: str) -> Iterator[str]:
    if not isinstance(data, dict):
        yield f"{place}: {type(data).__name__} instead of an object"
        return
    properties: Mapping[str, Any] = schema.get("properties") or {}
    for name, sub in properties.items():
        if name.endswith("[n]"):
            pattern = re.compile(re.escape(name[:-3]) + r"\d+")
            for key in data:
                if pattern.fullmatch(key):
                    yield from _check(sub, data[key], f"{place}.{key}")
        elif data.get(name) is not None:
            yield from _check(sub, data[name], f"{place}.{name}")
        elif name not in data and not sub.get("optional"):
            yield f"{place}.{name}: missing"


def _is_scalar(kind: str, data: Any) -> bool:
    if isinstance(data, dict | list) or data is None:
        return False
    if kind in ("integer", "number"):
        return isinstance(data, bool | int | float) or bool(_NUMBER.fullmatch(data))
    if kind == "boolean":
        return data in (0, 1, "0", "1", "")
    return kind == "string"
