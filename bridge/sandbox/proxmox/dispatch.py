"""From a request to an answer: the order of checks of pveproxy and pvedaemon.

HTTP method, unexpected body, login, path, remote node, rights, parameters, and only then the effect. Each of these
steps has its own status, and clients rely on which one comes first.
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bridge.sandbox.proxmox import failures
from bridge.sandbox.proxmox.access import Identity
from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.messages import Answer, Request, answer_json, answer_plain
from bridge.sandbox.proxmox.parameters import request_parameters
from bridge.sandbox.proxmox.permissions import check_permissions
from bridge.sandbox.proxmox.routing import Route, routes
from bridge.sandbox.proxmox.schema import Match, PathTable
from bridge.sandbox.proxmox.schema_values import check_parameters
from bridge.sandbox.proxmox.simulation import LockTimeout, Process
from bridge.sandbox.proxmox.timing import REFUSED_LOGIN_SECONDS

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

_BASE = re.compile(r"/api2/(json|extjs)(?=/|$)")
_METHODS = ("GET", "POST", "PUT", "DELETE")

# Answers that may be asked for without login.
_PUBLIC = {("GET", "/access/ticket"), ("POST", "/access/ticket"), ("GET", "/access/domains")}


@dataclass
class Total:
    """An answer's `data` together with the `total` beside it (lists that are paged); a total of 0 is left out."""

    data: Any
    total: int


def handle(cluster: "Cluster", request: Request) -> Answer:
    """Answer one request. Raises CutConnection where a fault wants that."""
    fault = cluster.faults.meet(request)
    if fault.answer:
        return fault.answer
    answer = _answer(cluster, request)
    if fault.cut_after:
        raise failures.CutConnection(f"{request.method} {request.path} was done, its answer lost")
    answer.delay += fault.delay
    return answer


def _answer(cluster: "Cluster", request: Request) -> Answer:
    try:
        return _serve(cluster, request)
    except failures.NotAuthenticated as error:
        return answer_plain(401, str(error), delay=REFUSED_LOGIN_SECONDS)
    except failures.PlainError as error:
        return answer_plain(error.status, error.reason, error.text)
    except failures.Unreachable as error:
        return answer_plain(error.status, error.reason)
    except failures.ApiError as error:
        return error_answer(error)


def error_answer(error: failures.ApiError) -> Answer:
    """The JSON answer for an error: its text in `message`, the first line of it in the reason phrase."""
    text = error.message.rstrip("\n")
    end = "" if isinstance(error, failures.NotImplementedHere) else "\n"
    body: dict[str, Any] = {"data": None, "message": text + end}
    if isinstance(error, failures.InvalidParameters):
        body["errors"] = error.errors
    answer = answer_json(error.status, text.partition("\n")[0], body)
    if isinstance(error, failures.LoginFailed):
        answer.delay = REFUSED_LOGIN_SECONDS
    return answer


def _serve(cluster: "Cluster", request: Request) -> Answer:
    if request.method not in _METHODS:
        raise failures.PlainError(501, f"method '{request.method}' not available", "")
    if request.header("transfer-encoding"):
        raise _plain(501, "chunked transfer encoding not supported")
    base = _BASE.match(request.path)
    if not base:
        raise _plain(500, f"no such file '{request.path}'", end="\n")
    # The whole path is decoded before it is taken apart: an encoded slash separates, too.
    parts = unquote(request.path[base.end() :]).split("/")
    path = "/" + "/".join(part.replace("%", "%25") for part in parts if part)
    who = _login(cluster, request, path)
    if request.body and request.method in ("GET", "DELETE"):
        raise _plain(501, f"Unexpected content for method '{request.method}'")
    route, match, entry = _find(cluster, request.method, path)
    return _run(cluster, request, who, route, match, entry)


def _plain(status: int, text: str, end: str = "") -> failures.PlainError:
    return failures.PlainError(status, text, text + end)


def _login(cluster: "Cluster", request: Request, path: str) -> Identity:
    if (request.method, path) in _PUBLIC:
        return Identity("")
    header = request.header("authorization")
    if header.startswith("PVEAPIToken"):
        return cluster.access.by_token(header.removeprefix("PVEAPIToken").lstrip("= "))
    return cluster.access.by_cookie(
        request.header("cookie"),
        csrf=request.header("csrfpreventiontoken") if request.method != "GET" else None,
        now=cluster.simulation.now,
    )


def _find(cluster: "Cluster", method: str, path: str) -> tuple[Route, Match, Mapping[str, Any]]:
    for match in _table().find(path):
        route = routes().get((method, match.path))
        if route is None:
            continue
        entry = cluster.schema.entry(method, match.path) or route.entry
        if entry is not None:
            return route, match, entry
    known = cluster.schema.find(method, path)
    if known is None:
        raise failures.NotImplementedHere(f"Method '{method} {path}' not implemented")
    # Rights and parameters are checked all the same before the sandbox says that it has no more to offer.
    return Route(method, known[0].path, _beyond_the_sandbox, None), *known


def _beyond_the_sandbox(call: Call) -> None:
    raise failures.NotImplementedHere("this method exists, but is not part of the sandbox")


_tables: dict[int, PathTable] = {}


def _table() -> PathTable:
    """The paths of all routes; made anew when modules have declared more of them."""
    number = len(routes())
    if number not in _tables:
        _tables.clear()
        _tables[number] = PathTable(sorted({path for _, path in routes()}))
    return _tables[number]


def _run(
    cluster: "Cluster", request: Request, who: Identity, route: Route, match: Match, entry: Mapping[str, Any]
) -> Answer:
    given = request_parameters(request)
    _check_not_in_path(given, match)
    raw = {**given, **match.values}
    check_permissions(cluster.access, who, entry.get("permissions"), raw)
    _reach(cluster, match)
    checked = check_parameters(entry.get("parameters") or {}, raw, extras=bool(entry.get("additionalProperties")))
    if checked.errors:
        raise failures.InvalidParameters(checked.errors)
    call = Call(cluster, who, checked.values, frozenset(given))
    result = route.handler(call)
    if not isinstance(result, Generator):
        return _success(result)
    return _settled(cluster, cluster.simulation.spawn(result))


def _check_not_in_path(given: Mapping[str, Any], match: Match) -> None:
    """A parameter of the path may be given again, but only with the same value."""
    for name in sorted(set(given) & set(match.values)):
        if str(given[name]) != match.values[name]:
            text = "duplicate parameter (already defined in URI) with conflicting values!"
            raise failures.InvalidParameters({name: text})


def _reach(cluster: "Cluster", match: Match) -> None:
    """The node that has to answer must be there. Raises ApiError or Unreachable."""
    name = match.values.get("node")
    if name is None or match.path == "/nodes/{node}":
        return
    node = cluster.nodes.get(name)
    if node is None:
        text = f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
        raise failures.ApiError(text)
    if not node.online:
        raise failures.Unreachable(595, "No route to host")


def _success(result: Any) -> Answer:
    if not isinstance(result, Total):
        return answer_json(200, "OK", {"data": result})
    body = {"data": result.data, "total": result.total} if result.total else {"data": result.data}
    return answer_json(200, "OK", body)


def _settled(cluster: "Cluster", process: Process) -> Answer:
    """The answer of a call that may have to wait for a lock."""
    if not process.done:
        upcoming = cluster.simulation.next_event()
        wait = 0.05 if upcoming is None else min(max(upcoming - cluster.simulation.now, 0.001), 0.5)
        return Answer(0, "waiting", delay=wait, resume=lambda: _resume(cluster, process))
    if process.error is None:
        return _success(process.result)
    if isinstance(process.error, failures.ApiError):
        return error_answer(process.error)
    if isinstance(process.error, LockTimeout):
        return error_answer(failures.ApiError(str(process.error)))
    raise process.error


def _resume(cluster: "Cluster", process: Process) -> Answer:
    with cluster.mutex:
        cluster.catch_up()
        return _settled(cluster, process)
