"""Users, their API tokens, roles, and what was granted to whom."""

from typing import Any

from bridge.sandbox.proxmox.access import Grant, Token, User
from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters, Refused
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.privileges import built_in_roles
from bridge.sandbox.proxmox.routing import route

USERS = "/access/users"
TOKENS = USERS + "/{userid}/token"

_USERID = {"type": "string", "format": "pve-userid", "maxLength": 64}
_TEXT = {"type": "string", "optional": 1}
_FLAG = {"type": "boolean", "optional": 1}
_MANAGE = {"check": ["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]]}
_LIST = {"permissions": {"user": "all"}, "parameters": {"enabled": _FLAG, "full": _FLAG}}
_READ = {
    "permissions": {"check": ["userid-group", ["User.Modify", "Sys.Audit"]]},
    "parameters": {"userid": _USERID},
}
_CREATE = {
    "permissions": _MANAGE,
    "parameters": {
        "userid": _USERID,
        "password": {"type": "string", "optional": 1, "minLength": 5, "maxLength": 64},
        "comment": _TEXT,
        "email": _TEXT,
        "firstname": _TEXT,
        "lastname": _TEXT,
        "enable": _FLAG,
        "expire": {"type": "integer", "minimum": 0, "optional": 1},
    },
}
_DELETE = {"permissions": _MANAGE, "parameters": {"userid": _USERID}}
_ACL = {
    "permissions": {"check": ["perm-modify", "{path}"]},
    "parameters": {
        "path": {"type": "string"},
        "roles": {"type": "string", "format": "pve-roleid-list"},
        "users": {"type": "string", "format": "pve-userid-list", "optional": 1},
        "groups": {"type": "string", "format": "pve-groupid-list", "optional": 1},
        "tokens": {"type": "string", "format": "pve-tokenid-list", "optional": 1},
        "propagate": _FLAG,
        "delete": _FLAG,
    },
}
_ANYBODY = {"permissions": {"user": "all"}, "parameters": {}}


@route("GET", USERS, _LIST)
def list_users(call: Call) -> list[dict[str, Any]]:
    """All users, or the sender alone."""
    everybody = call.may("/access/groups", "User.Modify", "Sys.Audit", any_of=True)
    users = sorted(call.cluster.access.users.items())
    found = [(name, user) for name, user in users if everybody or name == str(call.who)]
    if "enabled" in call.given:
        found = [(name, user) for name, user in found if user.enabled == call.flag("enabled")]
    return [{"userid": name, "realm-type": name.rpartition("@")[2], **_facts(user)} for name, user in found]


@route("GET", USERS + "/{userid}", _READ)
def read_user(call: Call) -> dict[str, Any]:
    """One user with the tokens."""
    user = _user(call)
    tokens = {name: _token_facts(token) for name, token in user.tokens.items()}
    return {**_facts(user), "groups": [], **({"tokens": tokens} if tokens else {})}


@route("POST", USERS, _CREATE)
def create_user(call: Call) -> None:
    """Add a user, without any right."""
    users, name = call.cluster.access.users, str(call.values["userid"])
    if name in users:
        raise ApiError(f"create user failed: user '{name}' already exists")
    users[name] = User(
        password=str(call.get("password", "")),
        enabled=bool(call.get("enable", 1)),
        comment=str(call.get("comment", "")),
        expire=call.get("expire", 0),
    )


@route("DELETE", USERS + "/{userid}", _DELETE)
def delete_user(call: Call) -> None:
    """Remove a user, tokens and rights included; nothing happens when there is none."""
    access, name = call.cluster.access, str(call.values["userid"])
    access.users.pop(name, None)
    access.grants = [grant for grant in access.grants if grant.who.partition("!")[0] != name]


@route("GET", TOKENS)
def list_tokens(call: Call) -> list[dict[str, Any]]:
    """The tokens of a user."""
    return [{"tokenid": name, **_token_facts(token)} for name, token in sorted(_user(call).tokens.items())]


@route("GET", TOKENS + "/{tokenid}")
def read_token(call: Call) -> dict[str, Any]:
    """One token, without its secret."""
    return _token_facts(_token(call))


@route("POST", TOKENS + "/{tokenid}")
def create_token(call: Call) -> dict[str, Any]:
    """Give a user a token; only this answer holds its secret."""
    user, name = _user(call), str(call.values["tokenid"])
    if name in user.tokens:
        raise InvalidParameters({"tokenid": "Token already exists."})
    token = Token(call.cluster.random_uuid(), privsep=bool(call.get("privsep", 1)))
    _describe(call, token)
    user.tokens[name] = token
    facts = {"privsep": int(token.privsep)}
    facts |= {key: call.values[key] for key in ("expire", "comment") if key in call.given}
    return {"info": facts, "value": token.secret, "full-tokenid": f"{call.values['userid']}!{name}"}


@route("PUT", TOKENS + "/{tokenid}")
def update_token(call: Call) -> dict[str, Any]:
    """Change what is said about a token."""
    token = _token(call)
    if "privsep" in call.given:
        token.privsep = call.flag("privsep")
    _describe(call, token)
    return _token_facts(token)


@route("DELETE", TOKENS + "/{tokenid}")
def delete_token(call: Call) -> None:
    """Remove a token and its rights."""
    _token(call)
    access, user, name = call.cluster.access, str(call.values["userid"]), str(call.values["tokenid"])
    del access.users[user].tokens[name]
    access.grants = [grant for grant in access.grants if grant.who != f"{user}!{name}"]


@route("GET", "/access/roles", _ANYBODY)
def list_roles(call: Call) -> list[dict[str, Any]]:
    """All roles with their privileges."""
    built_in = set(built_in_roles(call.cluster.version)) - {"HostingModule"}
    roles = sorted(call.cluster.access.roles.items())
    return [{"roleid": name, "privs": ",".join(sorted(p)), "special": int(name in built_in)} for name, p in roles]


@route("GET", "/access/acl", _ANYBODY)
def list_grants(call: Call) -> list[dict[str, Any]]:
    """What was granted on the paths whose rights the sender may change (all with Sys.Audit on /access)."""
    everything = call.may("/access", "Sys.Audit")
    return [
        {
            "path": grant.path,
            "type": "token" if "!" in grant.who else "user",
            "ugid": grant.who,
            "roleid": grant.role,
            "propagate": int(grant.propagate),
        }
        for grant in call.cluster.access.grants
        if everything or call.may(grant.path, "Permissions.Modify")
    ]


@route("PUT", "/access/acl", _ACL)
def change_grants(call: Call) -> None:
    """Give roles on a path to users and tokens, or take them."""
    names = [*split_list(str(call.get("users", ""))), *split_list(str(call.get("tokens", "")))]
    groups = split_list(str(call.get("groups", "")))
    if not names and not groups:
        missing = "either 'users', 'groups' or 'tokens' is required."
        raise InvalidParameters(dict.fromkeys(("users", "groups", "tokens"), missing))
    access, path = call.cluster.access, "/" + str(call.values["path"]).strip("/")
    grants = list(access.grants)
    for role in split_list(str(call.values["roles"])):
        _check_grant(call, role, names, groups)
        for name in names:
            grants = [g for g in grants if (g.path, g.who, g.role) != (path, name, role)]
            if not call.flag("delete"):
                grants.append(Grant(path, name, role, bool(call.get("propagate", 1))))
    access.grants = grants


def _check_grant(call: Call, role: str, names: list[str], groups: list[str]) -> None:
    access = call.cluster.access
    if role not in access.roles:
        raise ApiError(f"ACL update failed: role '{role}' does not exist")
    if groups:
        raise ApiError(f"ACL update failed: group '{groups[0]}' does not exist")
    for name in names:
        user, _, token = name.partition("!")
        if user not in access.users:
            raise ApiError(f"ACL update failed: user '{user}' does not exist")
        if token and token not in access.users[user].tokens:
            raise ApiError(f"ACL update failed: no such token '{token}' for user '{user}'")
    if not call.may(str(call.values["path"]), "Permissions.Modify") and not access.roles[role] <= access.rights(
        call.who, str(call.values["path"])
    ):
        raise Refused(f"Cannot add role '{role}' - requires 'Permissions.Modify' or superset of privileges.")


def _user(call: Call) -> User:
    name = str(call.values["userid"])
    if name not in call.cluster.access.users:
        raise ApiError(f"no such user ('{name}')")
    return call.cluster.access.users[name]


def _token(call: Call) -> Token:
    user, name = _user(call), str(call.values["tokenid"])
    if name not in user.tokens:
        raise ApiError(f"no such token '{name}' for user '{call.values['userid']}'")
    return user.tokens[name]


def _describe(call: Call, token: Token) -> None:
    token.comment = str(call.get("comment", token.comment))
    token.expire = call.get("expire", token.expire)


def _facts(user: User) -> dict[str, Any]:
    comment = {"comment": user.comment} if user.comment else {}
    return {"enable": int(user.enabled), "expire": user.expire, **comment}


def _token_facts(token: Token) -> dict[str, Any]:
    comment = {"comment": token.comment} if token.comment else {}
    return {"privsep": int(token.privsep), "expire": token.expire, **comment}
