"""Takes the parameters out of a request: query, form, JSON or multipart body."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from bridge.sandbox.proxmox.failures import PlainError
from bridge.sandbox.proxmox.messages import Request

_SOURCE = "/usr/share/perl5/PVE/APIServer/AnyEvent.pm"


def request_parameters(request: Request) -> dict[str, Any]:
    """All parameters; a key that occurs twice has a list. Raises PlainError for a body that cannot be read."""
    params = _pairs(request.query)
    # Browsers send it to get around their cache.
    params.pop("_dc", None)
    if not request.body:
        return params
    kind = request.header("content-type")
    if "application/json" in kind:
        body = _json_object(request.body)
    elif "multipart/form-data" in kind:
        body = _multipart(kind, request.body)
    else:
        body = _pairs(request.body.decode("utf-8", "replace"))
    return {**body, **params}


def _pairs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if key in found:
            earlier = found[key]
            found[key] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            found[key] = value
    return found


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        place = getattr(error, "pos", 0)
        text = f', or }} expected while parsing object/hash, at character offset {place} (before "(end of string)")'
        raise _plain(f"{text} at {_SOURCE} line 917.") from error
    if not isinstance(value, dict):
        raise _plain(f"Not a HASH reference at {_SOURCE} line 957.")
    return value


def _plain(reason: str) -> PlainError:
    return PlainError(500, reason, reason + "\n")


def _multipart(kind: str, body: bytes) -> dict[str, Any]:
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    found: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True) or b""
        file_name = part.get_filename()
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = file_name if file_name else content.decode("utf-8", "replace")
            if file_name:
                found["tmpfilename-size"] = len(content)
    return found
