"""The kinds of value a product setting can have: how each is read from text, and what it says when the text is wrong.

A kind reads whatever a form, the command line, a JSON column or an old product field delivers and returns the one stored
form, so that nobody else has to know that a flag may arrive as "on", "1" or true.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Protocol, TypeAlias

Value: TypeAlias = int | bool | str | None

MAX_TEXT = 255
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_ON = frozenset({"on", "1", "yes", "true"})
_OFF = frozenset({"", "off", "0", "no", "false"})


class Kind(Protocol):
    """How one setting is read. `read` raises ValueError whose message completes the sentence "must be …"."""

    def read(self, raw: object) -> Value:
        """The stored form of `raw`; reading a stored value again gives the same value."""
        ...

    def show(self, value: Value) -> str:
        """The value as a person reads it; `read` understands it again."""
        ...

    @property
    def allowed(self) -> str:
        """What is allowed, in words for the error and the manual."""
        ...


def text_of(raw: object) -> str:
    """`raw` as trimmed text: None is empty, whole floats and booleans look as a person would type them."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "on" if raw else "off"
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, int) and raw.bit_length() > 64:
        return "a number beyond 64 bits"  # Python refuses to print some of these at all
    return str(raw).strip()


def quotable(raw: object) -> str:
    """`raw` fit to be quoted in a line for the admin: printable and at most 60 characters."""
    text = "".join(character if character.isprintable() else "?" for character in text_of(raw))
    return text if len(text) <= 60 else text[:57] + "..."


def whole_number(text: str) -> int | None:
    """The whole number that `text` spells in ASCII digits, or None: "4.5", "٤", "4_0" and 5,000 nines are none."""
    return int(text) if _WHOLE.fullmatch(text) else None


@dataclass(frozen=True)
class Whole:
    """A whole number within a range. With `blank` the setting may be left empty: stored None, shown as that word."""

    minimum: int
    maximum: int
    blank: str | None = None

    def read(self, raw: object) -> int | None:
        """The number; None for an empty optional one."""
        text = text_of(raw)
        if self.blank is not None and text.casefold() in {"", self.blank.casefold()}:
            return None
        number = whole_number(text)
        if number is None or not self.minimum <= number <= self.maximum:
            raise ValueError(self.allowed)
        return number

    def show(self, value: Value) -> str:
        """The digits, or the word for "left empty"."""
        return self.blank or "" if value is None else str(value)

    @property
    def allowed(self) -> str:
        """The range in words."""
        range_ = f"a whole number from {self.minimum} to {self.maximum}"
        return f"{range_}, or {self.blank}" if self.blank is not None else range_


@dataclass(frozen=True)
class Flag:
    """On or off; an empty text is off, as WHMCS stores an unticked box."""

    def read(self, raw: object) -> bool:
        """True for on."""
        text = text_of(raw).casefold()
        if text not in _ON | _OFF:
            raise ValueError(self.allowed)
        return text in _ON

    def show(self, value: Value) -> str:
        """`on` or `off`."""
        return "on" if value else "off"

    @property
    def allowed(self) -> str:
        """Both words."""
        return "on or off"


@dataclass(frozen=True)
class Choice:
    """One of a fixed list of `(stored value, label)`; value and label are both understood, in any case."""

    options: tuple[tuple[str | int, str], ...]

    def read(self, raw: object) -> str | int:
        """The stored value of the option that `raw` names."""
        text = text_of(raw).casefold()
        for value, label in self.options:
            if text in {str(value).casefold(), label.casefold()}:
                return value
        raise ValueError(self.allowed)

    def show(self, value: Value) -> str:
        """The option's label."""
        return next((label for stored, label in self.options if stored == value), str(value))

    @property
    def allowed(self) -> str:
        """All labels."""
        return "one of " + ", ".join(label for _, label in self.options)


@dataclass(frozen=True)
class Text:
    """One line of text. `accepts` narrows it, `what` says so in words; an empty text becomes `blank`.

    `blank` is the word that the product's page shows for "not chosen"; "" when empty means empty.
    """

    what: str = f"one line of at most {MAX_TEXT} characters"
    accepts: Callable[[str], bool] | None = None
    blank: str = ""

    def read(self, raw: object) -> str:
        """The trimmed text."""
        text = text_of(raw)
        if text.casefold() in {"", self.blank.casefold()}:
            return self.blank
        if len(text) > MAX_TEXT or not text.isprintable() or (self.accepts and not self.accepts(text)):
            raise ValueError(self.allowed)
        return text

    def show(self, value: Value) -> str:
        """The text itself."""
        return str(value)

    @property
    def allowed(self) -> str:
        """What the text has to be."""
        return f"{self.what}, or {self.blank}" if self.blank else self.what


@dataclass(frozen=True)
class Networks:
    """IP addresses and networks, separated by blanks or commas; stored with single blanks."""

    def read(self, raw: object) -> str:
        """The list as text; networks with host bits set are those that hold the address."""
        parts = text_of(raw).replace(",", " ").split()
        try:
            networks = [str(ip_network(part, strict=False)) for part in parts]
        except ValueError:
            raise ValueError(self.allowed) from None
        text = " ".join(networks)
        if len(text) > 4 * MAX_TEXT:
            raise ValueError(self.allowed)
        return text

    def show(self, value: Value) -> str:
        """The list."""
        return str(value)

    @property
    def allowed(self) -> str:
        """An example."""
        return "addresses and networks like 192.0.2.10 2001:db8::/64"


def matching(pattern: str) -> Callable[[str], bool]:
    """A test for `Text.accepts`: the whole text matches the regular expression."""
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None
