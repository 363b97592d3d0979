"""What the addon's functions about VMs ask, and what they answer."""

from typing import Any

import pytest

from tests.daemon import UNKNOWN, RecordingServices
from tests.unit.web.conftest import Post


def test_redeploy_asks_for_the_operation(post: Post, services: RecordingServices) -> None:
    assert post("/v1/addon/redeploy", {"serviceid": 5}).json == {"result": "success"}
    assert services.lifecycle.asked == [("redeploy", 5)]


@pytest.mark.parametrize(
    ("name", "params", "facts"),
    [
        ("explain", {"serviceid": 5}, {"explained": 5}),
        ("log", {"serviceid": 5}, {"logged": 5}),
        ("status", {}, {"vms": {"ready": 3}}),
    ],
)
def test_what_is_known_is_the_answer(post: Post, name: str, params: dict[str, Any], facts: dict[str, Any]) -> None:
    assert post(f"/v1/addon/{name}", params).json == {"result": facts}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("explain", f"service {UNKNOWN} does not exist in WHMCS and has no VM record"),
        ("log", f"service {UNKNOWN} has no VM record"),
    ],
)
def test_a_service_that_nobody_knows_is_one_line(post: Post, name: str, said: str) -> None:
    response = post(f"/v1/addon/{name}", {"serviceid": UNKNOWN})
    assert (response.status_code, response.json) == (200, {"error": said})


@pytest.mark.parametrize("name", ["redeploy", "explain", "log"])
def test_without_a_service_nothing_is_asked(post: Post, services: RecordingServices, name: str) -> None:
    response = post(f"/v1/addon/{name}")
    assert (response.status_code, response.json) == (400, {"error": "Parameter serviceid is missing."})
    assert services.lifecycle.asked == []


@pytest.mark.parametrize("actor", [{"type": "client", "id": 7, "admin": 1}, {"type": "system"}])
def test_nobody_but_an_admin_redeploys(post: Post, services: RecordingServices, actor: dict[str, object]) -> None:
    response = post("/v1/addon/redeploy", {"serviceid": 5}, actor=actor)
    assert response.json == {"error": "This page is for admins only."}
    assert services.lifecycle.asked == []
