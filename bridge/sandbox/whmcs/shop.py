"""The state of the stand-in that is not in the database: time, the password key, the mails that left, the module."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bridge.sandbox.whmcs.passwords import Passwords


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Epoch seconds."""
        ...


@dataclass(frozen=True)
class Mail:
    """A mail that left: to whom, what the client reads, which template it was and which service it is about."""

    to: str
    subject: str
    body: str
    template: str
    service_id: int


@dataclass
class Shop:
    """`module` is called with a function's name and WHMCS's module parameters; it returns "success" or an error text."""

    clock: Clock
    passwords: Passwords
    module: Callable[[str, dict[str, Any]], str] | None = None
    mails: list[Mail] = field(default_factory=list)

    def now(self) -> datetime:
        """WHMCS's local time, naive as its columns are."""
        return datetime.fromtimestamp(self.clock.now(), UTC).replace(tzinfo=None, microsecond=0)
