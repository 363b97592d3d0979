"""What a run of the cron prints: whole blocks, each line flushed at once, in the grammar of the product.

Several VMs are at work at a time, their blocks never interleave: one block is live, the others are held and follow
whole, the oldest next.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable

Emit = Callable[[str], None]


def to_stdout(line: str) -> None:
    """Print and flush one line; a reader that went away does not stop the work."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass


class Block:
    """The lines of one run. Implements `statemachines.run.Board`."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self.held: list[str] = []
        self.closed = False

    def line(self, text: str) -> None:
        """Print the line now if this block is live, else keep it."""
        self._console.write(self, text)

    def close(self) -> None:
        """No more lines come; the oldest held block becomes live. May be called twice."""
        self._console.close(self)


class Console:
    """Orders the blocks of many runs onto one stream. Thread-safe."""

    def __init__(self, emit: Emit = to_stdout) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._open: deque[Block] = deque()

    def block(self) -> Block:
        """A new block; it is live at once when no other is open."""
        block = Block(self)
        with self._lock:
            self._open.append(block)
        return block

    def line(self, text: str) -> None:
        """Print a line that belongs to no block. Call it only while no block is open."""
        with self._lock:
            self._emit(text)

    def write(self, block: Block, text: str) -> None:
        """Print or hold one line of `block`."""
        with self._lock:
            if self._open and self._open[0] is block:
                self._emit(text)
            else:
                block.held.append(text)

    def close(self, block: Block) -> None:
        """End `block`, then print whatever may be printed now."""
        with self._lock:
            block.closed = True
            while self._open and self._open[0].closed:
                self._open.popleft()
                self._release_live()

    def _release_live(self) -> None:
        if self._open:
            live = self._open[0]
            for text in live.held:
                self._emit(text)
            live.held.clear()
