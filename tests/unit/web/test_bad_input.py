"""Malformed requests: one clear line each, and nothing reaches a service."""

import json

import pytest

from tests.daemon import RecordingServices
from tests.unit.web.conftest import ADMIN, Post

CREATE = "/v1/module/CreateAccount"


def envelope(**parts: object) -> bytes:
    return json.dumps({"params": {"serviceid": 5}, "actor": ADMIN, **parts}).encode()


@pytest.mark.req("PRT-06")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"params": {"serviceid": 5}, "actor": {"type": "admin"',
        b'{"params": {"serviceid": 5}, "actor": {"type": "admin"}, "language": "\xff"}',
        b'{"params": {"serviceid": NaN}, "actor": {"type": "admin"}}',
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"[]",
        b'"text"',
        b"null",
        envelope(params=[1, 2]),
        envelope(params="text"),
        envelope(actor=None),
        envelope(actor={}),
        envelope(actor={"type": "god"}),
        envelope(actor={"type": "admin", "id": -1}),
        envelope(actor={"type": "admin", "id": "1 OR 1=1"}),
        envelope(language="x" * 300),
        envelope(language=["english"]),
    ],
)
def test_a_malformed_body_is_refused_with_one_line(post: Post, services: RecordingServices, body: bytes) -> None:
    response = post(CREATE, body=body)
    assert response.status_code == 400
    assert response.json["error"].count("\n") == 0
    assert 10 < len(response.json["error"]) < 200
    assert services.orders.created == []


@pytest.mark.req("PRT-06")
@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({}, "serviceid is missing"),
        ({"serviceid": None}, "serviceid"),
        ({"serviceid": ""}, "serviceid"),
        ({"serviceid": 0}, "serviceid"),
        ({"serviceid": -3}, "serviceid"),
        ({"serviceid": "-3"}, "serviceid"),
        ({"serviceid": "5; DROP TABLE"}, "serviceid"),
        ({"serviceid": "٥"}, "serviceid"),
        ({"serviceid": 5.5}, "serviceid"),
        ({"serviceid": True}, "serviceid"),
        ({"serviceid": [5]}, "serviceid"),
        ({"serviceid": 2**31}, "serviceid"),
        ({"serviceid": "9" * 5000}, "serviceid"),
        ({"serviceid": 5, "addonId": 9}, "product addons"),
        ({"serviceid": 5, "addonId": "9"}, "product addons"),
        ({"serviceid": 5, "userid": -1}, "userid"),
    ],
)
def test_parameters_that_name_no_service_are_refused(
    post: Post, services: RecordingServices, service: dict[str, object], said: str
) -> None:
    response = post(CREATE, service)
    assert response.status_code == 400
    assert said in response.json["error"]
    assert len(response.json["error"]) < 200
    assert services.orders.created == []


@pytest.mark.parametrize(
    "service",
    [
        {"serviceid": "5", "addonId": "0", "userid": "12"},
        {"serviceid": 5, "addonId": 0, "configoptions": [], "customfields": {"Wunsch": "Größe"}},
        {"serviceid": 5, "addonId": ""},
    ],
)
def test_numbers_may_come_as_text_and_empty_maps_as_lists(
    post: Post, services: RecordingServices, service: dict[str, object]
) -> None:
    assert post(CREATE, service).json == {"result": "success"}
    assert [service_id for service_id, _ in services.orders.created] == [5]


def test_php_sends_an_empty_map_as_a_list(post: Post, services: RecordingServices) -> None:
    assert post("/v1/addon/activate", body=envelope(params=[])).status_code == 200
    assert services.installation.calls == ["activate"]


@pytest.mark.req("PRT-17")
def test_a_password_that_is_refused_is_not_repeated(post: Post) -> None:
    response = post("/v1/module/TestConnection", {"serverpassword": "hunter2" * 1000})
    assert response.status_code == 400
    assert "hunter2" not in response.text
