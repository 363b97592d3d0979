"""The Python client of the module protocol, against the real web application on loopback."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from bridge.protocol.client import BridgeClient, BridgeRefused, BridgeUnavailable
from bridge.protocol.streams import BrokenStream
from bridge.web.callers import Actor
from tests.daemon import SECRET, RecordingServices, served
from tests.integration.shim.broken_daemons import answers, broken_daemon, says, says_nothing, signs
from tests.services import free_port

CREATE = "/v1/module/CreateAccount"


@pytest.fixture
def services() -> RecordingServices:
    return RecordingServices()


@pytest.fixture
def client(services: RecordingServices) -> Iterator[BridgeClient]:
    with served(services) as url:
        yield BridgeClient(url, SECRET)


def test_a_call_returns_the_daemon_s_result(client: BridgeClient, services: RecordingServices) -> None:
    assert client.call(CREATE, {"serviceid": 5}, actor={"type": "admin", "id": 1}) == "success"
    assert services.orders.created == [(5, Actor("admin", 1))]


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        (CREATE, {"serviceid": -5}, 400, "serviceid"),
        ("/v1/module/Nothing", {}, 404, "Nothing"),
        ("/v1/module/AdminServicesTabFields", {"serviceid": 5}, 501, "not available yet"),
        (CREATE, {"serviceid": 5, "notes": "x" * 1_100_000}, 413, "larger"),
    ],
)
def test_a_refusal_is_an_exception_with_the_daemon_s_line(
    client: BridgeClient, path: str, params: dict[str, object], status: int, said: str
) -> None:
    with pytest.raises(BridgeRefused, match=said) as refused:
        client.call(path, params)
    assert refused.value.status == status


@pytest.mark.req("PRT-03")
def test_a_client_whose_clock_is_off_is_told_so(services: RecordingServices) -> None:
    with served(services) as url, pytest.raises(BridgeRefused, match="expired"):
        BridgeClient(url, SECRET, clock=lambda: 1_000_000_000).call(CREATE, {"serviceid": 5})


def test_a_client_with_another_secret_does_not_believe_the_refusal(services: RecordingServices) -> None:
    with served(services) as url, pytest.raises(BridgeUnavailable, match="another secret"):
        BridgeClient(url, SECRET[::-1]).call(CREATE, {"serviceid": 5})
    assert services.orders.created == []


@pytest.mark.parametrize(
    "behaviour",
    [answers(b'{"result":"success"}'), says(b""), says_nothing, signs(b'{"result":1}', nonce="n" * 32)],
    ids=["unsigned", "hang-up", "silence", "replayed"],
)
def test_what_is_not_the_daemon_is_not_believed(behaviour: object) -> None:
    with broken_daemon(behaviour) as url, pytest.raises(BridgeUnavailable):  # type: ignore[arg-type]
        BridgeClient(url, SECRET, timeout=0.5).call(CREATE, {"serviceid": 5})


def test_a_daemon_that_is_down_is_unavailable() -> None:
    with pytest.raises(BridgeUnavailable, match="cannot be reached"):
        BridgeClient(f"http://127.0.0.1:{free_port()}", SECRET).call(CREATE, {"serviceid": 5})


@pytest.mark.req("PRT-19")
def test_the_lines_of_a_run_arrive_while_it_is_at_work(client: BridgeClient, services: RecordingServices) -> None:
    go_on = threading.Event()

    def script(argv: Sequence[str]) -> Iterator[str | None]:
        yield "first"
        assert go_on.wait(30), "the first line never arrived"
        yield "zażółć"

    services.cron.script = script
    services.cron.exit_code = 1
    lines = client.stream("/v1/cron/run", {"argv": ["--force"]})
    assert next(lines) == "first"
    go_on.set()
    assert next(lines) == "zażółć"
    with pytest.raises(StopIteration) as end:
        next(lines)
    assert end.value.value == 1


def test_a_run_that_breaks_off_is_an_exception(client: BridgeClient, services: RecordingServices) -> None:
    def script(argv: Sequence[str]) -> Iterator[str | None]:
        yield "first"
        raise RuntimeError("our bug")

    services.cron.script = script
    lines = client.stream("/v1/cron/run", {"argv": []})
    assert next(lines) == "first"
    with pytest.raises(BrokenStream, match="in the middle of the run"):
        next(lines)


def test_a_reader_that_goes_away_ends_the_run(client: BridgeClient, services: RecordingServices) -> None:
    closed = threading.Event()

    def script(argv: Sequence[str]) -> Iterator[str | None]:
        try:
            while True:
                yield "line " * 1000
        finally:
            closed.set()

    services.cron.script = script
    lines = client.stream("/v1/cron/run", {"argv": []})
    next(lines)
    lines.close()
    assert closed.wait(30)


def test_a_refused_run_says_why(client: BridgeClient) -> None:
    with pytest.raises(BridgeRefused, match="mode"):
        next(client.stream("/v1/cron/run", {"mode": "sometimes"}))


@pytest.mark.parametrize("url", ["unix:/run/kvm.sock", "127.0.0.1:80", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        BridgeClient(url, SECRET)
