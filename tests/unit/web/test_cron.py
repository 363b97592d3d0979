"""Cron runs over the protocol: arguments in, lines out, signed at both ends."""

from collections.abc import Iterator, Sequence

import pytest

from bridge.protocol.signing import SIGNATURE_HEADER, Signer
from bridge.protocol.streams import read_stream
from tests.daemon import SECRET, RecordingServices
from tests.unit.web.conftest import Post

RUN = "/v1/cron/run"
SYSTEM = {"type": "system"}


def test_lines_and_exit_code_are_streamed(post: Post, services: RecordingServices) -> None:
    services.cron.script = lambda argv: iter([f"arguments: {' '.join(argv)}", None, "done"])
    services.cron.exit_code = 1
    response = post(RUN, {"argv": ["--force", "--task=x"], "mode": "standalone"}, actor=SYSTEM, nonce="n" * 32)
    reader = read_stream(response.data.splitlines(), Signer(SECRET), "n" * 32)
    assert [next(reader), next(reader)] == ["arguments: --force --task=x", "done"]
    with pytest.raises(StopIteration) as end:
        next(reader)
    assert end.value.value == 1
    assert services.cron.runs == [(["--force", "--task=x"], "standalone")]


def test_a_stream_is_signed_before_its_first_line(post: Post) -> None:
    response = post(RUN, {"argv": []}, actor=SYSTEM, nonce="n" * 32)
    assert Signer(SECRET).stream_start_fits(response.headers[SIGNATURE_HEADER], 200, "n" * 32)


def test_a_run_that_breaks_has_no_signed_end(post: Post, services: RecordingServices) -> None:
    def breaking(argv: Sequence[str]) -> Iterator[str | None]:
        yield "first"
        raise RuntimeError("our bug")

    services.cron.script = breaking
    response = post(RUN, {"argv": []}, actor=SYSTEM)
    received: list[bytes] = []
    with pytest.raises(RuntimeError, match="our bug"):
        received.extend(response.iter_encoded())
    assert b"\x1eend" not in b"".join(received)


@pytest.mark.req("PRT-06")
@pytest.mark.parametrize(
    "params",
    [{"argv": "--force"}, {"argv": [["x"]]}, {"argv": ["x" * 300]}, {"argv": ["x"] * 33}, {"mode": "sometimes"}],
)
def test_arguments_that_are_none_are_refused(post: Post, services: RecordingServices, params: object) -> None:
    assert post(RUN, params, actor=SYSTEM).status_code == 400
    assert services.cron.runs == []
