"""The form of a streamed answer: text lines, keep-alive records and one signed end record.

A record is a line that begins with the control character RS (0x1e). Text lines never contain RS: it is replaced by a blank
when they are written, so that no text can pass for a record.
"""

import hashlib
import re
from collections.abc import Generator, Iterable, Iterator

from bridge.protocol.signing import Signer

RECORD = "\x1e"
KEEP_ALIVE = f"{RECORD}alive\n".encode()
_END = re.compile(rb"\x1eend ([0-9]{1,3}) ([0-9a-f]{64})")
_NOT_IN_A_LINE = re.compile(r"[\x1e\r\n]")


class BrokenStream(Exception):
    """A stream ended early, or its end record does not fit; the message says which."""


def write_stream(lines: Generator[str | None, None, int], signer: Signer, nonce: str) -> Iterator[bytes]:
    """Turn a run into the bytes of a streamed answer, one piece per line.

    None in place of a line means "still at work" and becomes a keep-alive record. The generator's return value is the exit
    code (0 to 255).
    """
    digest = hashlib.sha256()
    while True:
        try:
            line = next(lines)
        except StopIteration as end:
            exit_code = int(end.value or 0)
            break
        piece = KEEP_ALIVE if line is None else _NOT_IN_A_LINE.sub(" ", line).encode("utf-8", "replace") + b"\n"
        digest.update(piece)
        yield piece
    signature = signer.sign_stream_end(nonce, exit_code, digest.hexdigest())
    yield f"{RECORD}end {exit_code} {signature}\n".encode()


def read_stream(raw_lines: Iterable[bytes], signer: Signer, nonce: str) -> Generator[str, None, int]:
    """Hand out the text lines of a streamed answer as they come; the return value is the run's exit code.

    `raw_lines` are lines without their line ends. Raises BrokenStream when the end record is missing or does not fit.
    """
    digest = hashlib.sha256()
    for raw in raw_lines:
        end = _END.fullmatch(raw)
        if end:
            exit_code = int(end[1])
            if not signer.stream_end_fits(end[2].decode(), nonce, exit_code, digest.hexdigest()):
                raise BrokenStream("The lines of this run are not signed with our secret; do not trust them.")
            return exit_code
        digest.update(raw + b"\n")
        if not raw.startswith(RECORD.encode()):
            yield raw.decode("utf-8", "replace")
    raise BrokenStream("The connection to the daemon ended in the middle of the run.")
