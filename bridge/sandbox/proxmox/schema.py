"""The published API of Proxmox VE 7.4, 8.4 and 9.2: which method exists on which path, with which parameters and answer.

The data are facts of the API viewer (apidoc.js) of 7.4-16, 8.4.5 and 9.2.3, cut down to what a KVM module needs.
`check_request` and `check_answer` are for tests: they say what a real node of that version would object to.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

from bridge.sandbox.proxmox.schema_answers import answer_complaints
from bridge.sandbox.proxmox.schema_values import check_parameters

VERSIONS = ("7.4", "8.4", "9.2")

# These placeholders hold slashes, percent-encoded or not, and take the rest of the path.
_TAKE_THE_REST = frozenset({"{cidr}", "{volume}"})


@dataclass(frozen=True)
class Match:
    """A path that the API knows: its template and the values of the placeholders."""

    path: str
    values: Mapping[str, str]


class PathTable:
    """Finds the template of a path; a literal segment goes before a placeholder."""

    def __init__(self, paths: list[str]) -> None:
        ordered = sorted(paths, key=lambda p: [(s.startswith("{"), s) for s in p.split("/")])
        self._patterns = [(path, _pattern(path)) for path in ordered]

    def find(self, path: str) -> list[Match]:
        """All templates that fit, the most literal first. `path` starts with a slash and is still percent-encoded."""
        fits = ((template, pattern.fullmatch(path)) for template, pattern in self._patterns)
        return [Match(t, {k: unquote(v) for k, v in m.groupdict().items()}) for t, m in fits if m]


def _pattern(path: str) -> re.Pattern[str]:
    parts = []
    for segment in path.strip("/").split("/"):
        if segment in _TAKE_THE_REST:
            parts.append(f"(?P<{segment[1:-1]}>.+)")
        elif segment.startswith("{"):
            parts.append(f"(?P<{segment[1:-1]}>[^/]+)")
        else:
            parts.append(re.escape(segment))
    return re.compile("/" + "/".join(parts))


@dataclass(frozen=True)
class Schema:
    """The API of one version."""

    version: str
    endpoints: Mapping[str, Mapping[str, Mapping[str, Any]]]
    table: PathTable

    def entry(self, method: str, template: str) -> Mapping[str, Any] | None:
        """The entry of a method on a path template, None when this version has none."""
        return self.endpoints.get(template, {}).get(method)

    def find(self, method: str, path: str) -> tuple[Match, Mapping[str, Any]] | None:
        """The entry for a concrete path, with the values of its placeholders."""
        for match in self.table.find(path):
            entry = self.entry(method, match.path)
            if entry is not None:
                return match, entry
        return None


@cache
def load(version: str) -> Schema:
    """The schema of a version of VERSIONS. Raises ValueError for any other."""
    if version not in VERSIONS:
        raise ValueError(f"no API schema of Proxmox VE {version}, only of {', '.join(VERSIONS)}")
    text = resources.files("bridge.sandbox.proxmox").joinpath(f"schema/{version}.json").read_text(encoding="utf-8")
    endpoints = json.loads(text)["endpoints"]
    return Schema(version, endpoints, PathTable(list(endpoints)))


def check_request(version: str, method: str, path: str, params: Mapping[str, Any]) -> list[str]:
    """What a node of that version would refuse about a request; empty when it would accept it.

    `path` is that of the API (without /api2/json); `params` those of the query or body, as sent.
    """
    found = load(version).find(method, path)
    if found is None:
        return [f"{version} has no {method} {path}"]
    match, entry = found
    checked = check_parameters(entry["parameters"], {**match.values, **params})
    return [f"{name}: {reason.strip()}" for name, reason in checked.errors.items()]


def check_answer(version: str, method: str, path: str, data: Any) -> list[str]:
    """In which places `data` of an answer contradicts the schema of that version; empty when nowhere."""
    found = load(version).find(method, path)
    if found is None:
        return [f"{version} has no {method} {path}"]
    return answer_complaints(found[1].get("returns") or {}, data)
