"""Who may do what: users, API tokens, roles and the access control list."""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from bridge.sandbox.proxmox.failures import LoginFailed, NotAuthenticated, Refused
from bridge.sandbox.proxmox.privileges import built_in_roles

ROOT = "root@pam"
TICKET_SECONDS = 7200


@dataclass
class Token:
    """An API token; with `privsep` it has only the rights that it was given itself (and its user has, too)."""

    secret: str
    privsep: bool = True
    comment: str = ""
    expire: int = 0

    def __repr__(self) -> str:
        return f"Token(privsep={self.privsep})"


@dataclass
class User:
    """A user with its tokens by name."""

    password: str = ""
    enabled: bool = True
    tokens: dict[str, Token] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"User(tokens={list(self.tokens)})"


@dataclass(frozen=True)
class Grant:
    """One line of the access control list: `who` (`user@realm` or `user@realm!token`) has `role` on `path`."""

    path: str
    who: str
    role: str
    propagate: bool = True


@dataclass(frozen=True)
class Identity:
    """Who sent a request: `user@realm`, and the token's name when it was one."""

    user: str
    token: str = ""

    def __str__(self) -> str:
        return f"{self.user}!{self.token}" if self.token else self.user


class Access:
    """Users and rights of one cluster. Role names are those of the version."""

    def __init__(self, version: str) -> None:
        self.users: dict[str, User] = {ROOT: User()}
        self.roles: dict[str, frozenset[str]] = built_in_roles(version)
        self.grants: list[Grant] = []
        self.tickets: dict[str, tuple[str, str]] = {}

    def add_token(self, user: str, name: str, *, secret: str = "", privsep: bool = False) -> str:
        """Give a user (made when missing) a token; returns `user@realm!name=secret`."""
        token = Token(secret or secrets.token_hex(16), privsep)
        self.users.setdefault(user, User()).tokens[name] = token
        return f"{user}!{name}={token.secret}"

    def grant(self, who: str, role: str, *paths: str) -> None:
        """Give a role on paths."""
        self.grants += [Grant(path, who, role) for path in paths or ("/",)]

    def by_token(self, text: str) -> Identity:
        """Who `user@realm!name=secret` is. Raises NotAuthenticated in Proxmox VE's words."""
        ident, _, secret = text.partition("=")
        user, separator, name = ident.partition("!")
        if not separator:
            raise NotAuthenticated("no tokenid specified")
        if user not in self.users:
            raise NotAuthenticated(f"'{ident}' is not a valid token ID - not able to split into user and token parts")
        token = self.users[user].tokens.get(name)
        if token is None:
            raise NotAuthenticated(f"no such token '{name}' for user '{user}'")
        if not secrets.compare_digest(token.secret.encode(), secret.encode()):
            raise NotAuthenticated("invalid token value!")
        return Identity(user, name)

    def by_cookie(self, cookie: str, *, csrf: str | None, now: float) -> Identity:
        """Who a `PVEAuthCookie` belongs to; `csrf` is the header's value, None when none is needed.

        Raises NotAuthenticated.
        """
        found = re.search(r"PVEAuthCookie=([^;\s]+)", cookie)
        if not found:
            raise NotAuthenticated("No ticket")
        ticket = unquote(found[1])
        if ticket not in self.tickets:
            raise NotAuthenticated("permission denied - invalid PVE ticket")
        user, token = self.tickets[ticket]
        issued = int(ticket.split(":")[2] or "0", 16)
        if now - issued > TICKET_SECONDS:
            raise NotAuthenticated("permission denied - invalid PVE ticket")
        if csrf is not None and csrf != token:
            raise NotAuthenticated("Permission denied - invalid csrf token")
        return Identity(user)

    def issue_ticket(self, user: str, password: str, now: float) -> tuple[str, str]:
        """Log in: ticket and CSRF token. Raises LoginFailed."""
        known = self.users.get(user)
        if known is None or not known.password or not secrets.compare_digest(known.password, password):
            raise LoginFailed("authentication failure")
        stamp = f"{int(now):08X}"
        ticket = f"PVE:{user}:{stamp}::{base64.b64encode(secrets.token_bytes(256)).decode()}"
        csrf = f"{stamp}:{base64.b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"
        self.tickets[ticket] = (user, csrf)
        return ticket, csrf

    def rights(self, who: Identity, path: str) -> frozenset[str]:
        """All privileges of an identity on a path."""
        if who.user == ROOT and not (who.token and self.users[ROOT].tokens[who.token].privsep):
            return self.roles["Administrator"]
        own = self._granted(who.user, path)
        if who.user == ROOT:
            own = self.roles["Administrator"]
        if who.token and self.users[who.user].tokens[who.token].privsep:
            return own & self._granted(str(who), path)
        return own

    def allows(self, who: Identity, path: str, privileges: Iterable[str], *, any_of: bool = False) -> bool:
        """Whether an identity has all (or any) of the privileges on a path."""
        wanted, had = set(privileges), self.rights(who, path)
        return bool(wanted & had) if any_of else wanted <= had

    def require(self, who: Identity, path: str, *privileges: str, any_of: bool = False) -> None:
        """Raises Refused unless `allows`."""
        if not self.allows(who, path, privileges, any_of=any_of):
            raise Refused.on(path, *privileges)

    def _granted(self, who: str, path: str) -> frozenset[str]:
        """The roles of the nearest path that says anything about `who`."""
        found: frozenset[str] = frozenset()
        for ancestor in _ancestors(path):
            here = [g for g in self.grants if g.who == who and g.path == ancestor and (g.propagate or ancestor == path)]
            if here:
                found = frozenset().union(*(self.roles.get(g.role, frozenset()) for g in here))
        return found


def _ancestors(path: str) -> list[str]:
    parts = path.strip("/").split("/") if path.strip("/") else []
    return ["/"] + ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
