"""A request to a DNS provider as it ended, for whoever keeps a log of them. Nothing in it holds a credential."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from providers.errors import ProviderError


@dataclass(frozen=True)
class DnsCall:
    """`where` host and port, `path` below the API's address, `request` what was sent beside the headers.

    `looks` True = it can have changed nothing. `status` is HTTP's, None when there was no answer but the `error`; `answer` makes
    the text of the answer, which may be long, when somebody wants it.
    """

    method: str
    where: str
    path: str
    request: Any
    looks: bool
    status: int | None = None
    answer: Callable[[], str] = str
    error: ProviderError | None = None

    @property
    def failed(self) -> bool:
        """Whether there was no answer, or one that HTTP calls an error."""
        return self.status is None or self.status >= 400


DnsObserver = Callable[[DnsCall], None]


def nobody(call: DnsCall) -> None:
    """Nobody keeps a log."""
