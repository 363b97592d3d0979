"""What is said about requests that are wrong before any VM is looked at."""

import json

import pytest

from bridge.sandbox.proxmox import Request
from tests.unit.sandbox_proxmox.api import Api

CONFIG = "/api2/json/nodes/pve1/qemu/9000/config"


def send(api: Api, method: str, path: str, body: bytes = b"", kind: str = "", query: str = "") -> tuple[int, str, str]:
    """Status, reason and body of a raw request."""
    headers = {"authorization": f"PVEAPIToken={api.token}", **({"Content-Type": kind} if kind else {})}
    answer = api.cluster.handle(Request(method, path, query, body, headers))
    return answer.status, answer.reason, answer.body.decode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            '{"memory": 128',
            ', or } expected while parsing object/hash, at character offset 14 (before "(end of string)")',
        ),
        ('{"tags": ["a"', ', or ] expected while parsing array, at character offset 13 (before "(end of string)")'),
        ("garbage", "malformed JSON string, neither tag, array, object, number, string or atom, at character offset 0"),
        ('{} {"a": 1}', 'garbage after JSON object, at character offset 3 (before "{"a": 1}")'),
        ('{"name": "x', "unexpected end of string while parsing JSON string, at character offset 11"),
        ("[1]", "Not a HASH reference"),
        ("5", 'Can\'t use string ("5") as a HASH ref'),
    ],
)
def test_a_body_that_is_no_object_is_refused_as_plain_text(api: Api, body: str, words: str) -> None:
    status, reason, text = send(api, "PUT", CONFIG, body.encode(), "application/json")
    assert (status, text) == (500, reason + "\n")
    assert reason.startswith(words)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (True, "type check ('integer') failed - got JSON::PP::Boolean"),
        ([1], "type check ('integer') failed - got ARRAY"),
        ({}, "type check ('integer') failed - got HASH"),
        (1.5, "type check ('integer') failed - got '1.5'"),
    ],
)
def test_json_keeps_its_types(api: Api, value: object, complaint: str) -> None:
    body = json.dumps({"cores": value}).encode()
    status, _, text = send(api, "PUT", CONFIG, body, "application/json")
    assert (status, json.loads(text)["errors"]) == (400, {"cores": complaint})


def test_a_whole_number_may_come_as_a_decimal_one(api: Api) -> None:
    assert send(api, "PUT", CONFIG, b'{"cores": 2.0}', "application/json")[0] == 200
    assert api.get("/nodes/pve1/qemu/9000/config")["cores"] == 2


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("PATCH", CONFIG, 501, "method 'PATCH' not available"),
        ("GET", "/index.html", 500, "no such file '/index.html'"),
        ("GET", "/api2/json/nosuch", 501, "Method 'GET /nosuch' not implemented"),
        ("POST", "/api2/json/version", 501, "Method 'POST /version' not implemented"),
    ],
)
def test_what_does_not_exist_is_not_there(api: Api, method: str, path: str, status: int, reason: str) -> None:
    assert send(api, method, path)[:2] == (status, reason)


def test_a_parameter_of_the_path_cannot_be_contradicted(api: Api) -> None:
    _, _, text = send(api, "GET", CONFIG, query="vmid=9001")
    assert json.loads(text)["errors"] == {
        "vmid": "duplicate parameter (already defined in URI) with conflicting values!"
    }
    assert send(api, "GET", CONFIG, query="vmid=9000")[0] == 200


def test_the_login_comes_before_everything_but_the_method(api: Api) -> None:
    api.token = "nobody"
    for method, path, body in (("GET", "/api2/json/nosuch", b""), ("DELETE", CONFIG, b"purge=1")):
        assert send(api, method, path, body)[:2] == (401, "no tokenid specified")
    assert send(api, "PATCH", CONFIG)[0] == 501


def test_only_the_first_line_of_a_message_becomes_the_reason(api: Api) -> None:
    api.cluster.guests[9000].config["name"] = "x"
    status, reason, text = send(api, "PUT", CONFIG, b"sshkeys=not%2520a%2520key", "application/x-www-form-urlencoded")
    assert (status, reason, json.loads(text)["message"]) == (
        500,
        "SSH public key validation error",
        "SSH public key validation error\n",
    )


def test_chunks_are_refused(api: Api) -> None:
    answer = api.cluster.handle(Request("PUT", CONFIG, headers={"Transfer-Encoding": "chunked"}))
    assert (answer.status, answer.reason) == (501, "chunked transfer encoding not supported")


def test_a_path_may_have_slashes_too_many_and_encoded_ones(api: Api) -> None:
    for path in ("/api2/json//nodes/pve1/qemu/9000//config/", "/api2/json/nodes%2Fpve1%2Fqemu%2F9000%2Fconfig"):
        assert send(api, "GET", path)[0] == 200
