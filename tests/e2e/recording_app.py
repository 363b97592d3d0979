"""What gunicorn serves in test_web_processes: the real application over recording services, nonces in a real database."""

import os
import time
from collections.abc import Iterator, Sequence

from bridge.database import connect
from bridge.protocol.nonces import DatabaseNonces
from bridge.web import create_app
from tests.daemon import SECRET, RecordingServices


def script(argv: Sequence[str]) -> Iterator[str | None]:
    """Two lines; the second when the file named by the argument is there."""
    yield f"first line from {os.getpid()}"
    while not os.path.exists(argv[0]):
        yield None
        time.sleep(0.02)
    yield "second line"


connect(os.environ["TEST_DATABASE"])
services = RecordingServices(nonces=DatabaseNonces())
services.cron.script = script
application = create_app(services, SECRET)
