"""Who may do what: users, API tokens, roles and the access control list."""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from bridge.sandbox.proxmox.failures import LoginFailed, NotAuthenticated, Refused
from bridge.sandbox.proxmox.pool import Pool
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
    """A user with its tokens by name; `comment` and `expire` (epoch seconds, 0: never) only as they are shown."""

    password: str = ""
    enabled: bool = True
    comment: str = ""
    expire: int = 0
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

    @classmethod
    def parse(cls, text: str) -> "Identity":
        """The identity whose name is `user@realm` or `user@realm!token`."""
        user, _, token = text.partition("!")
        return cls(user, token)

    def __str__(self) -> str:
        return f"{self.user}!{self.token}" if self.token else self.user


class Access:
    """Users and rights of one cluster. Role names are those of the version."""

    def __init__(self, version: str) -> None:
        self.users: dict[str, User] = {ROOT: User()}
        self.roles: dict[str, frozenset[str]] = built_in_roles(version)
        self.grants: list[Grant] = []
        self.tickets: dict[str, tuple[str, str]] = {}
        self.pools: dict[str, Pool] = {}

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
        return frozenset(self.privileges(who, path))

    def privileges(self, who: Identity, path: str) -> dict[str, int]:
        """All privileges on a path, with 1 when they hold below it as well. A path that cannot exist has none."""
        everything = dict.fromkeys(self.roles["Administrator"], 1)
        token = self.users[who.user].tokens.get(who.token) if who.user in self.users else None
        if who.token and token is None:
            return {}
        separate = token is not None and token.privsep
        if who.user == ROOT and not separate:
            return everything
        if not _PATH.fullmatch(path):
            return {}
        own = everything if who.user == ROOT else self._granted(who.user, path)
        if not separate:
            return own
        apart = self._granted(str(who), path)
        return {privilege: own[privilege] & apart[privilege] for privilege in own if privilege in apart}

    def paths(self) -> list[str]:
        """The paths on which something was granted, and those of the members of pools."""
        members = {path for pool in self.pools.values() for path in pool.paths()}
        return sorted({grant.path for grant in self.grants} | members)

    def allows(self, who: Identity, path: str, privileges: Iterable[str], *, any_of: bool = False) -> bool:
        """Whether an identity has all (or any) of the privileges on a path."""
        wanted, had = set(privileges), self.rights(who, path)
        return bool(wanted & had) if any_of else wanted <= had

    def require(self, who: Identity, path: str, *privileges: str, any_of: bool = False) -> None:
        """Raises Refused unless `allows`; it names the path as a node does, and the first privilege that is missing."""
        had = self.rights(who, path)
        missing = [privilege for privilege in privileges if privilege not in had]
        if any_of and len(missing) == len(privileges):
            raise Refused.on(_shown(path), *privileges)
        if missing and not any_of:
            raise Refused.on(_shown(path), missing[0])

    def forget(self, path: str) -> None:
        """Remove all that was granted on a path."""
        self.grants = [grant for grant in self.grants if grant.path != path]

    def _granted(self, who: str, path: str) -> dict[str, int]:
        """Privileges from the roles on a path, and from those on the pools that it is in (which end there)."""
        roles = self._roles_on(who, path)
        lent = self._roles_of_pools(who, path)
        if "NoAccess" not in roles:
            roles = {"NoAccess": 0} if "NoAccess" in lent else {**dict.fromkeys(lent, 0), **roles}
        found: dict[str, int] = {}
        for role, propagate in roles.items():
            for privilege in self.roles.get(role, frozenset()):
                found[privilege] = found.get(privilege, 0) | propagate
        return found

    def _roles_of_pools(self, who: str, path: str) -> set[str]:
        names = [name for name, pool in self.pools.items() if path in pool.paths()]
        return {role for name in names for role in self._roles_on(who, f"/pool/{name}")}

    def _roles_on(self, who: str, path: str) -> dict[str, int]:
        """The roles of the nearest path that says anything about `who`, and whether they hold below it."""
        found: dict[str, int] = {}
        for ancestor in _ancestors(path):
            here = {
                grant.role: int(grant.propagate)
                for grant in self.grants
                if grant.who == who and grant.path == ancestor and (grant.propagate or ancestor == path)
            }
            found = here or found
        return {"NoAccess": found["NoAccess"]} if "NoAccess" in found else found


_PATH = re.compile(r"[A-Za-z0-9._/-]+")


def _shown(path: str) -> str:
    """A path in a refusal: a path with other characters than those of names comes out empty."""
    return path if _PATH.fullmatch(path) else ""


def _ancestors(path: str) -> list[str]:
    parts = path.strip("/").split("/") if path.strip("/") else []
    return ["/"] + ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
