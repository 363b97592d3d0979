"""The log of a VM's runs in `vm_last_action_log`: the last run on top, and the last 50 under `runs`, newest first."""

import json
from collections.abc import Mapping
from typing import Any

KEPT_RUNS = 50
LARGEST = 200_000  # bytes; the whole value is written with every step


def read(text: str | None) -> dict[str, Any]:
    """The log as a mapping; empty when there is none or somebody else wrote something unreadable."""
    try:
        log = json.loads(text or "{}")
    except ValueError:
        return {}
    return log if isinstance(log, dict) else {}


def append_run(text: str | None, run: Mapping[str, Any]) -> str:
    """The column's new value after a change in `run`. A run that is in it already is replaced."""
    runs = [old for old in read(text).get("runs", []) if isinstance(old, dict) and old.get("id") != run["id"]]
    kept = [dict(run), *runs][:KEPT_RUNS]
    while True:
        value = json.dumps({**run, "runs": kept}, ensure_ascii=False, separators=(",", ":"))
        if len(kept) <= 1 or len(value.encode()) <= LARGEST:
            return value
        kept = kept[: max(1, len(kept) * 3 // 4)]
