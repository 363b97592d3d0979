"""What gunicorn calls at turns in the life of the web processes (docs.gunicorn.org/en/stable/settings.html#server-hooks)."""

import os
import shutil
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from bridge.observation.meters import SHARED_FOLDER


def child_exit(server: Any, worker: Any) -> None:
    """What a process has counted stays; only what it stood at goes."""
    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """The counters end with the role."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
