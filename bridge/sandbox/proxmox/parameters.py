"""Takes the parameters out of a request: query, form, JSON or multipart body."""

import json
import re
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
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise _plain(f"{_as_perl_says(error, text)} at {_SOURCE} line 917.") from error
    if isinstance(value, list):
        raise _plain(f"Not a HASH reference at {_SOURCE} line 957.")
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise _plain(f'Can\'t use string ("{value}") as a HASH ref while "strict refs" in use at {_SOURCE} line 957.')


def _as_perl_says(error: json.JSONDecodeError, text: str) -> str:
    """A syntax error in the words of JSON::XS."""
    place = len(text) if error.msg.startswith("Unterminated") else error.pos
    words = {
        "Expecting ',' delimiter": f", or {_closing(text[:place])} expected while parsing {_container(text[:place])}",
        "Extra data": "garbage after JSON object",
        "Unterminated string starting at": "unexpected end of string while parsing JSON string",
        "Expecting ':' delimiter": "':' expected",
        "Expecting property name enclosed in double quotes": "'\"' expected",
    }
    malformed = "malformed JSON string, neither tag, array, object, number, string or atom"
    rest = text[place : place + 20] or "(end of string)"
    return f'{words.get(error.msg, malformed)}, at character offset {place} (before "{rest}")'


def _container(text: str) -> str:
    return "array" if _closing(text) == "]" else "object/hash"


def _closing(text: str) -> str:
    """The bracket that would close the innermost one that is open."""
    closing = ""
    for char in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        if char in "{[":
            closing = {"{": "}", "[": "]"}[char] + closing
        elif char in "}]":
            closing = closing[1:]
    return closing[:1] or "}"


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
