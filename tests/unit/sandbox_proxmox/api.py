"""The cluster as a program without any library sees it: requests in, answers out, time that is told to pass."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from bridge.sandbox.proxmox import Answer, Cluster, Request, VirtualClock, demo_cluster


@dataclass
class Reply:
    """An answer: `data` of its body, and the seconds that it took."""

    status: int
    reason: str
    data: Any
    errors: dict[str, str]
    seconds: float


class Api:
    """A demo cluster, its clock, and calls with the demo's token unless another is given."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.clock = VirtualClock()
        self.cluster = cluster or demo_cluster(self.clock)
        if cluster is not None:
            assert isinstance(cluster.clock, VirtualClock)
            self.clock = cluster.clock
        self.token = self.cluster.demo_token

    def call(self, method: str, path: str, /, **params: Any) -> Reply:
        """Send one request and wait for its answer."""
        began = self.clock.now()
        answer = self.start(method, path, **params)
        while answer.resume or answer.delay:
            self.clock.advance(answer.delay)
            answer.delay = 0.0
            if answer.resume:
                answer = answer.resume()
        body = json.loads(answer.body) if answer.body else {}
        return Reply(answer.status, answer.reason, body.get("data"), body.get("errors", {}), self.clock.now() - began)

    def start(self, method: str, path: str, /, **params: Any) -> Answer:
        """Send one request and do not wait."""
        text = urlencode({name.replace("__", "-"): value for name, value in params.items()})
        in_body = method in ("POST", "PUT")
        headers = {"Authorization": f"PVEAPIToken={self.token}"}
        if in_body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.cluster.handle(
            Request(method, "/api2/json" + path, "" if in_body else text, text.encode() if in_body else b"", headers)
        )

    def get(self, path: str, /, **params: Any) -> Any:
        """The data of a GET that must succeed."""
        reply = self.call("GET", path, **params)
        assert reply.status == 200, reply.reason
        return reply.data

    def task(self, method: str, path: str, /, **params: Any) -> str:
        """Start a task and return its exit status."""
        reply = self.call(method, path, **params)
        assert reply.status == 200, f"{reply.reason} {reply.errors}"
        return self.end_of(str(reply.data))

    def end_of(self, upid: str) -> str:
        """Let a task come to its end and return its exit status."""
        path = f"/nodes/{upid.split(':')[1]}/tasks/{quote(upid)}/status"
        for _ in range(5000):
            status = self.get(path)
            if status["status"] == "stopped":
                return str(status["exitstatus"])
            self.clock.advance(0.1)
        raise AssertionError(f"{upid} never ends")

    def log(self, upid: str) -> list[str]:
        """The lines of a task's log."""
        return [line["t"] for line in self.get(f"/nodes/{upid.split(':')[1]}/tasks/{quote(upid)}/log", limit=0)]

    def clone(self, newid: int, template: int = 9000, **params: Any) -> str:
        """Clone a template; returns the UPID."""
        node = self.cluster.guests[template].node
        reply = self.call("POST", f"/nodes/{node}/qemu/{template}/clone", newid=newid, **params)
        assert reply.status == 200, reply.reason
        return str(reply.data)

    def vm(self, newid: int, template: int = 9000, **params: Any) -> str:
        """Clone a template and wait; returns the new VM's path."""
        assert self.end_of(self.clone(newid, template, **params)) == "OK"
        return f"/nodes/{self.cluster.guests[newid].node}/qemu/{newid}"
