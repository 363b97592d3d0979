"""Recorded texts as patterns: names and momentary values stand in them as `<placeholders>`.

`<mac:1>`, `<uuid:1>` and `<digest:1>` are numbered within a case: equal numbers were equal values and different numbers
different ones, which `Bindings` checks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_UPID = r"UPID:[^:\s]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:%s:%s:[^:\s]+:"

# What a placeholder stands for, as a pattern; those with a name in the world are filled in by `Names`.
_MOMENTARY = {
    "crypt:sha256": r"\$5\$[^$\s]+\$[A-Za-z0-9./]{43}",
    "stamp": r"\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d",
    "isotime": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*",
    "clock": r"\d\d:\d\d:\d\d",
    "epoch": r"\d{9,11}",
    "version": r"[\d.]+",
    "fingerprint": r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}",
    "secret": r".*",
    "pem": r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?",
    "hostport": r"(?:127\.0\.0\.1|\[localhost\]):\d+",
    "vncport": r"59\d\d",
    "pid": r"\d+",
}
_NUMBERED = {
    "mac": r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}",
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "digest": r"[0-9a-f]{40}",
}
_PLACEHOLDER = re.compile(r"<(upid|ticket):((?:[^<>]|<[^<>]*>)*)>|<(\w+(?::\w+)?)>")


@dataclass
class Bindings:
    """Which value stands for which numbered placeholder of a case, and the other way round."""

    there: dict[str, str] = field(default_factory=dict)
    back: dict[tuple[str, str], str] = field(default_factory=dict)

    def agree(self, name: str, value: str) -> bool:
        """Whether `value` may stand for the placeholder; remembers it."""
        kind, value = name.partition(":")[0], value.upper()
        same = self.there.setdefault(name, value) == value
        return same and self.back.setdefault((kind, value), name) == name


@dataclass
class Names:
    """The names of one endpoint, by placeholder: `node`, `vm1`, `t_agent`, `token`, …; several values where any may stand."""

    values: Mapping[str, tuple[str, ...]]

    def literal(self, text: str) -> str:
        """A text whose placeholders all have one fixed value."""
        return re.sub(r"<(\w+)>", lambda m: self.values[m[1]][0] if m[1] in self.values else m[0], text)

    def matches(self, recorded: str, found: str, bindings: Bindings) -> bool:
        """Whether a found text is what was recorded."""
        captured: list[str] = []
        pattern, last = "", 0
        for place in _PLACEHOLDER.finditer(recorded):
            pattern += re.escape(recorded[last : place.start()]) + self._pattern(place, captured)
            last = place.end()
        pattern += re.escape(recorded[last:])
        match = re.fullmatch(pattern, found)
        if not match:
            return False
        return all(bindings.agree(name, value) for name, value in zip(captured, match.groups(), strict=True))

    def _pattern(self, place: re.Match[str], captured: list[str]) -> str:
        if place[1] == "upid":
            kind, _, ident = place[2].partition(":")
            return _UPID % (re.escape(kind), re.escape(self.literal(ident)))
        if place[1] == "ticket":
            return re.escape(place[2]) + r":(?:[^:\s]+:)?[0-9A-F]{8}::[A-Za-z0-9+/=%]{20,}"
        name = place[3]
        if name.partition(":")[0] in _NUMBERED:
            captured.append(name)
            return f"({_NUMBERED[name.partition(':')[0]]})"
        if name in self.values:
            return "(?:" + "|".join(re.escape(value) for value in self.values[name]) + ")"
        return _MOMENTARY.get(name, re.escape(place[0]))
