"""Plays a recorded case against a fresh sandbox cluster: in process on a virtual clock, or over HTTPS in real time."""

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import requests

from bridge.sandbox.proxmox import VirtualClock, conformance_cluster
from bridge.sandbox.proxmox.adapter import InProcessAdapter
from tests.contract.sandbox_replay.comparison import Answer, Comparison
from tests.contract.sandbox_replay.placeholders import Bindings, Names

_NOBODY = "00000000-0000-0000-0000-000000000000"
# How long a task or a polled answer is waited for, in (virtual) seconds.
_PATIENCE = 240.0

Entry = Mapping[str, Any]


class Clock(Protocol):
    """Time that a player lets pass."""

    def now(self) -> float: ...
    def advance(self, seconds: float) -> None: ...


class RealTime:
    """Nobody can make it pass."""

    def now(self) -> float:
        return time.time()

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Place:
    """A fresh cluster of the layout `conformance`: where it is, and its tokens by role."""

    url: str
    session: requests.Session
    clock: Clock
    tokens: Mapping[str, str]


def in_process() -> Place:
    """A cluster of our own."""
    clock = VirtualClock()
    cluster = conformance_cluster(clock)
    session = requests.Session()
    session.mount("https://", InProcessAdapter(cluster))
    return Place("https://pve1:8006", session, clock, cluster.role_tokens)


def over_https(url: str, ca: Path, tokens: Mapping[str, str]) -> Place:
    """A cluster that somebody serves."""
    session = requests.Session()
    session.trust_env, session.verify = False, str(ca)
    return Place(url, session, RealTime(), tokens)


def play(case: Mapping[str, Any], place: Place | None = None) -> Iterator[tuple[str, list[str]]]:
    """The id and the differences of every counted entry of a case."""
    player = Player(place or in_process())
    if "{case_start}" in json.dumps(case["entries"]):
        player.clock.advance(1.1)
        player.variables["case_start"] = int(player.clock.now())
    broken = ""
    for entry in case["entries"]:
        try:
            differences = [broken] if broken else player.perform(entry)
        except (KeyError, TypeError) as error:
            differences = [f"needs {error} from an earlier answer"]
        if entry.get("setup") and differences and not broken:
            broken = f"the set-up {entry['id']} went wrong: {differences[0]}"
        if not entry.get("setup"):
            yield entry["id"], differences


class Player:
    """One endpoint, the variables that answers have delivered, and the clock."""

    def __init__(self, place: Place) -> None:
        self.clock, self.session = place.clock, place.session
        self.base, self.role_tokens = f"{place.url}/api2/json", place.tokens
        self.bindings = Bindings()
        ids = {f"vm{n}": 7300 + n for n in range(1, 10)} | {"missing": 7319}
        ids |= {"t_agent": 9000, "t_empty": 9001, "t_raw": 9002}
        fixed = {"node": "pve1", "storage": "local", "storage2": "second", "bridge": "vmbr0", "iso": "replay.iso"}
        self.variables: dict[str, Any] = {**fixed, **ids}
        tokens = [token.partition("=")[0] for token in self.role_tokens.values()]
        users = sorted({token.partition("!")[0] for token in tokens} | {"ticket@pve"})
        names: dict[str, tuple[str, ...]] = {name: (str(value),) for name, value in self.variables.items()}
        names |= {"token": tuple(tokens), "user": tuple(users)}
        names |= {"tokenid": tuple({token.partition("!")[2] for token in tokens})}
        self.names = Names(names)

    def perform(self, entry: Entry) -> list[str]:
        """Send one entry's request, wait as it says, and compare."""
        self.clock.advance(entry.get("sleep", 0))
        until = entry.get("until")
        end = self.clock.now() + (until or {}).get("timeout", _PATIENCE)
        response = self.send(entry)
        while until and not _satisfied(until, response) and self.clock.now() < end:
            self.clock.advance(until.get("every", 0.5))
            response = self.send(entry)
        body = _json(response)
        answer = Answer(response.status_code, response.reason, body, "" if body is not None else response.text)
        data = body.get("data") if isinstance(body, dict) else None
        if entry.get("wait") and isinstance(data, str) and data.startswith("UPID:"):
            answer.exit_status, answer.last_line = self.wait(data)
        for name, place in (entry.get("save") or {}).items():
            self.variables[name] = _pick(body, place)
        return Comparison(entry, self.names, self.bindings).run(answer)

    def send(self, entry: Entry) -> requests.Response:
        """Send a request as its role, in its encoding."""
        method, params = entry["method"], self._filled(entry.get("params") or {})
        options: dict[str, Any] = {"headers": self._credentials(entry["as"])}
        encoding = entry.get("encoding", "auto")
        if encoding == "json":
            options["json"] = params
        elif encoding == "raw-json":
            options["data"] = params
            options["headers"]["Content-Type"] = "application/json"
        elif encoding == "multipart":
            image = (params.pop("filename"), b"CD001" * 1000, "application/octet-stream")
            options |= {"data": params, "files": {"filename": image}}
        elif params:
            pairs = [(k, str(x)) for k, v in params.items() for x in (v if isinstance(v, list) else [v])]
            in_query = encoding == "query" or (encoding == "auto" and method in ("GET", "DELETE"))
            options["params" if in_query else "data"] = pairs if in_query else urlencode(pairs)
            if not in_query:
                options["headers"]["Content-Type"] = "application/x-www-form-urlencoded"
        return self.session.request(method, self.base + self._filled(entry["path"]), allow_redirects=False, **options)

    def wait(self, upid: str) -> tuple[str | None, str]:
        """Exit status and last line of the log of a task."""
        url, headers = f"{self.base}/nodes/pve1/tasks/{quote(upid)}", self._credentials("full")
        end = self.clock.now() + _PATIENCE
        status = self.session.get(url + "/status", headers=headers).json()["data"]
        while status["status"] != "stopped" and self.clock.now() < end:
            self.clock.advance(0.3)
            status = self.session.get(url + "/status", headers=headers).json()["data"]
        lines = self.session.get(url + "/log", params={"limit": 400}, headers=headers).json()["data"]
        return status.get("exitstatus"), lines[-1]["t"]

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._filled(k): self._filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, str):
            return value
        whole = re.fullmatch(r"\{(\w+)\|int\}", value)
        if whole:
            return int(self.variables[whole[1]])
        return re.sub(r"(?<!\{)\{([a-z]\w*)(\|q)?\}(?!\})", self._variable, value)

    def _variable(self, match: re.Match[str]) -> str:
        special = {"login_user": "ticket@pve", "login_password": "ticket-secret"}
        text = str(special.get(match[1]) or self.variables[match[1]])
        return quote(text, safe="") if match[2] else text

    def _credentials(self, role: str) -> dict[str, str]:
        if role in self.role_tokens:
            return {"Authorization": f"PVEAPIToken={self.role_tokens[role]}"}
        if role.startswith("ticket"):
            return self._login(role)
        user, name = self.role_tokens["module"].partition("=")[0].split("!")
        header = {
            "bearer": f"Bearer {_NOBODY}",
            "garbage-token": "PVEAPIToken=garbage",
            "bad-secret": f"PVEAPIToken={user}!{name}={_NOBODY}",
            "no-such-token": f"PVEAPIToken={user}!nosuchtoken={_NOBODY}",
            "no-such-user": f"PVEAPIToken=nosuchuser@pve!x={_NOBODY}",
        }
        if role == "anonymous":
            return {}
        if role in header:
            return {"Authorization": header[role]}
        signature = base64.b64encode(b"\0" * 256).decode()
        cookie = {"bad-ticket": "PVE:root@pam:not-a-ticket", "expired-ticket": f"PVE:root@pam:5F000000::{signature}"}
        return {"Cookie": "PVEAuthCookie=" + quote(cookie[role], safe="")}

    def _login(self, role: str) -> dict[str, str]:
        credentials = {"username": "ticket@pve", "password": "ticket-secret"}
        data = self.session.post(self.base + "/access/ticket", data=credentials).json()["data"]
        csrf = {"ticket": data["CSRFPreventionToken"], "ticket-bad-csrf": "5F000000:AAAA"}.get(role)
        cookie = {"Cookie": "PVEAuthCookie=" + quote(data["ticket"], safe="")}
        return {**cookie, "CSRFPreventionToken": csrf} if csrf else cookie


def _json(response: requests.Response) -> Any:
    try:
        return json.loads(response.text)
    except ValueError:
        return None


def _pick(body: Any, place: str) -> Any:
    if place == "newest_backup":
        return max(body["data"], key=lambda volume: volume["ctime"])["volid"]
    for part in place.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def _satisfied(until: Mapping[str, Any], response: requests.Response) -> bool:
    if until["field"] == "status":
        return bool(response.status_code == until["value"])
    try:
        found = _pick(_json(response), until["field"])
    except (KeyError, TypeError, IndexError):
        found = None
    if until.get("op") == "absent":
        return found is None and response.status_code == 200
    return found is not None if until.get("op") == "present" else bool(found == until.get("value"))
