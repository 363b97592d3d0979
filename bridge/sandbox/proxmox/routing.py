"""Which function answers which method and path.

A module below `routes/` declares its functions with `@route("GET", "/nodes/{node}/…")`. A function takes the `Call` and
returns the answer's `data`; a generator may wait for locks on the way (see `simulation`). Parameters, rights and texts
come from the API schema of the cluster's version; a path that the schema excerpts do not hold brings its own `entry`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.call import Call

Handler = Callable[["Call"], Any]


@dataclass(frozen=True)
class Route:
    """A function for a method on a path, and the schema entry when the published excerpts have none."""

    method: str
    path: str
    handler: Handler
    entry: Mapping[str, Any] | None


_ROUTES: dict[tuple[str, str], Route] = {}


def route(method: str, path: str, entry: Mapping[str, Any] | None = None) -> Callable[[Handler], Handler]:
    """Declare the function for `method` on `path` (with the placeholders of the schema).

    `entry` has the form of a schema entry (`parameters`, `permissions`), for paths that the schema files do not hold.
    Raises ValueError when the path has a function already.
    """

    def declare(handler: Handler) -> Handler:
        key = (method, path)
        if key in _ROUTES:
            raise ValueError(f"two functions for {method} {path}")
        _ROUTES[key] = Route(method, path, handler, entry)
        return handler

    return declare


def routes() -> Mapping[tuple[str, str], Route]:
    """All declared functions by method and path."""
    return _ROUTES
