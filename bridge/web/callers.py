"""Who calls, what a server's form holds, and how a service says no."""

from dataclasses import dataclass, field
from typing import Literal


class Refusal(Exception):
    """A service says no. The message is one line for whoever made the call: no secrets, no addresses of other clients."""


@dataclass(frozen=True)
class Actor:
    """Who made the call.

    `id` is the admin's or the client's id, None for "system" (cron jobs, the API of WHMCS). `admin` is set beside a client
    when an admin looks through the client's eyes. `session` fingerprints the login session, for form tokens.
    """

    type: Literal["admin", "client", "system"] = "system"
    id: int | None = None
    admin: int | None = None
    session: str = ""


@dataclass(frozen=True)
class ServerDetails:
    """A server as it is typed in WHMCS's server form, saved or not. `id` 0 = not saved; empty = not typed.

    `username` is a token id (or a user of the old kind), `password` the token's secret; its repr does not show it.
    """

    id: int = 0
    hostname: str = ""
    ip: str = ""
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    secure: bool = True
