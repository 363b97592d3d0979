"""A call to the API as it ended, for whoever keeps a log of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.errors import ProviderError


@dataclass(frozen=True)
class ApiCall:
    """`path` as in Proxmox's documentation, `params` with their secrets; `answer` is the data, None when there is an `error`."""

    method: str
    path: str
    params: Mapping[str, str | int | None]
    answer: Any = None
    error: ProviderError | None = None

    @property
    def changes(self) -> bool:
        """Whether it may have changed something."""
        return self.method != "GET"


Observer = Callable[[ApiCall], None]


def nobody(call: ApiCall) -> None:
    """Nobody keeps a log."""
