"""The routes for machines that watch the daemon: open without a signature, and nothing else is."""

import json

import pytest
from werkzeug.test import TestResponse

from bridge.protocol.signing import SIGNATURE_HEADER
from bridge.web import create_app
from tests.daemon import SECRET, RecordingServices, ScriptedObservation

REFUSED = "The metrics are for this machine, and for those that the setting metrics_allow names."


def get(
    path: str, observation: ScriptedObservation | None = None, caller: str = "127.0.0.1", **headers: str
) -> TestResponse:
    services = RecordingServices(observation=observation or ScriptedObservation())
    client = create_app(services, SECRET).test_client()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=named, environ_base={"REMOTE_ADDR": caller})


class Broken(ScriptedObservation):
    """A process whose database is away."""

    def missing(self) -> dict[str, str]:
        raise AssertionError("asked for more than whether the process lives")


@pytest.mark.req("OBS-01")
def test_a_process_that_lives_says_so_without_looking_at_anything() -> None:
    answer = get("/healthz", Broken())
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert SIGNATURE_HEADER not in answer.headers


@pytest.mark.req("OBS-02")
def test_an_installation_that_works_is_ready() -> None:
    answer = get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "missing": {}})


@pytest.mark.req("OBS-02")
def test_what_is_missing_is_told_with_503() -> None:
    answer = get("/readyz", ScriptedObservation(lacks={"schema": "not up to date"}))
    assert (answer.status_code, answer.json) == (503, {"status": "not ready", "missing": {"schema": "not up to date"}})


@pytest.mark.req("OBS-03")
@pytest.mark.parametrize("caller", ["127.0.0.1", ""], ids=["loopback", "unix socket"])
def test_this_machine_reads_the_metrics(caller: str) -> None:
    answer = get("/metrics", caller=caller)
    assert (answer.status_code, answer.data) == (200, b"kvm_bridge_info 1\n")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.req("OBS-03")
@pytest.mark.parametrize(
    ("caller", "headers"),
    [
        ("192.0.2.7", {}),
        ("127.0.0.1", {"X_Forwarded_For": "192.0.2.7"}),
        ("127.0.0.1", {"X_Forwarded_For": "127.0.0.1, 192.0.2.7"}),
        ("127.0.0.1", {"X_Forwarded_For": "192.0.2.7, 127.0.0.1"}),
        ("", {"X_Forwarded_For": "192.0.2.7"}),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", {"X_Forwarded_For": "unknown"}),
    ],
)
def test_nobody_else_does_not_even_through_a_proxy_here(caller: str, headers: dict[str, str]) -> None:
    answer = get("/metrics", caller=caller, **headers)
    assert (answer.status_code, answer.json) == (403, {"error": REFUSED})


@pytest.mark.req("OBS-03")
def test_a_machine_that_is_allowed_reads_them_through_a_proxy_here() -> None:
    observation = ScriptedObservation(allowed={"127.0.0.1", "192.0.2.7"})
    assert get("/metrics", observation, X_Forwarded_For="192.0.2.7").status_code == 200


@pytest.mark.req("OBS-01", "PRT-01")
@pytest.mark.parametrize(
    "path", ["/healthz/", "/healthz/x", "/metrics/", "/readyz.json", "//healthz", "/v1/healthz", "/", "/v1/cron/run"]
)
def test_everything_else_stays_behind_the_gate(path: str) -> None:
    assert get(path).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_open_routes_take_nothing(path: str) -> None:
    client = create_app(RecordingServices(), SECRET).test_client()
    answer = client.post(path, data=json.dumps({"params": {}}))
    assert answer.status_code == 405
