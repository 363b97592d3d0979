"""The module log of WHMCS (Utilities > Logs > Module Log): what was asked and answered, with the secrets masked."""

import json
import logging
from collections.abc import Callable, Collection
from typing import Any

from peewee import Table

from bridge.clock import SystemClock
from bridge.masking import mask, mask_text
from bridge.models.base import demanding_columns, proxy
from bridge.models.whmcs import ModuleLogEntry

logger = logging.getLogger(__name__)

MODULE = "puqProxmoxKVM"
ADDON = "puq_proxmox_kvm"
MAX_BYTES = 60_000  # the columns may be TEXT, 64 KiB


class ModuleLog:
    """Writes rows as WHMCS's own logModuleCall does. The Journal of the state machines."""

    def __init__(
        self,
        clock: SystemClock,
        enabled: Callable[[], bool] = lambda: True,
        secrets: Collection[str] = (),
        module: str = MODULE,
    ) -> None:
        """`enabled` is asked before each row; `secrets` are values that must never appear, whoever logs; `module` is the name
        that the rows go under."""
        self._module = module
        self._clock = clock
        self._enabled = enabled
        self._secrets = tuple(secrets)

    def record(self, action: str, request: Any, response: Any, secrets: Collection[str] = ()) -> None:
        """Write one row; `secrets` are further values to mask in it. Never raises: a row that cannot be written is lost.

        Inside an open transaction the row shares its fate.
        """
        try:
            if self._enabled():
                self._write(action, request, response, (*self._secrets, *secrets))
        except Exception as error:  # noqa: BLE001 - a log must never stop the work that it tells about
            logger.warning(
                "Module log: the entry %s is lost (%s)", mask_text(action, self._secrets), type(error).__name__
            )

    def _write(self, action: str, request: Any, response: Any, secrets: Collection[str]) -> None:
        row = {
            "date": self._clock.local(self._clock.now()).replace(tzinfo=None, microsecond=0),
            "module": self._module,
            "action": mask_text(action, secrets)[:255],
            "request": _text(request, secrets),
            "response": _text(response, secrets),
            "arrdata": "",
        }
        present = _columns()
        known = {name: value for name, value in row.items() if name in present}
        if known:
            demanded = {field.column_name: neutral for field, neutral in demanding_columns(ModuleLogEntry).items()}
            values = {**demanded, **known}
            Table(ModuleLogEntry._meta.table_name, list(values)).bind(proxy.obj).insert(values).execute()


def _text(value: Any, secrets: Collection[str]) -> str:
    masked = mask(value, secrets)
    text = masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False, indent=2)
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_BYTES:
        return encoded.decode()
    return encoded[:MAX_BYTES].decode("utf-8", "ignore") + f"\n… {len(encoded) - MAX_BYTES} bytes more"


def _columns() -> set[str]:
    """The columns that the log of this WHMCS has; empty when it has no such table. Looked up once per database."""
    cache = proxy.obj.__dict__.setdefault("module_log_columns", set())
    if not cache:
        cache.update(column.name for column in proxy.obj.get_columns(ModuleLogEntry._meta.table_name))
    found: set[str] = cache
    return found
