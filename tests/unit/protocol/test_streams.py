"""Streamed answers: written, read back, and not believed when they are cut or changed."""

from collections.abc import Generator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.signing import Signer
from bridge.protocol.streams import BrokenStream, read_stream, write_stream

SIGNER = Signer("s" * 40)
NONCE = "n" * 32


def run(lines: Iterable[str | None], exit_code: int = 0) -> Generator[str | None, None, int]:
    yield from lines
    return exit_code


def written(lines: Iterable[str | None], exit_code: int = 0) -> list[bytes]:
    return b"".join(write_stream(run(lines, exit_code), SIGNER, NONCE)).splitlines()


def read(raw: Iterable[bytes], nonce: str = NONCE) -> tuple[list[str], int]:
    lines: list[str] = []
    reader = read_stream(raw, SIGNER, nonce)
    while True:
        try:
            lines.append(next(reader))
        except StopIteration as end:
            return lines, end.value


def test_lines_and_exit_code_come_back() -> None:
    assert read(written(["first", "", "zweite Zeile – ü"], 1)) == (["first", "", "zweite Zeile – ü"], 1)


def test_a_keep_alive_is_no_line() -> None:
    assert read(written([None, "line", None])) == (["line"], 0)


@given(st.lists(st.text(max_size=40), max_size=8), st.integers(min_value=0, max_value=255))
def test_whatever_a_line_contains_it_stays_one_line(lines: list[str], exit_code: int) -> None:
    got, code = read(written(lines, exit_code))
    assert (len(got), code) == (len(lines), exit_code)


def test_a_line_cannot_pass_for_the_end_of_the_run() -> None:
    forged = f"\x1eend 0 {'0' * 64}"
    assert read(written([forged, "after"])) == ([forged.replace("\x1e", " "), "after"], 0)


def test_each_line_is_a_piece_of_its_own() -> None:
    assert next(write_stream(run(["first", "second"]), SIGNER, NONCE)) == b"first\n"


def test_a_stream_without_its_end_is_reported() -> None:
    with pytest.raises(BrokenStream, match="ended in the middle"):
        read(written(["first", "second"])[:-1])


@pytest.mark.parametrize("change", [lambda raw: [b"other", *raw[1:]], lambda raw: raw[1:]])
def test_a_stream_with_other_lines_is_reported(change: object) -> None:
    raw = written(["first", "second"])
    with pytest.raises(BrokenStream, match="not signed"):
        read(change(raw))  # type: ignore[operator]


def test_the_stream_of_another_request_is_reported() -> None:
    with pytest.raises(BrokenStream, match="not signed"):
        read(written(["line"]), nonce="m" * 32)
