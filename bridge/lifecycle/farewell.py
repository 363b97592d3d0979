"""Termination asked for: the VM begins to shut down at once, while the pipeline still waits for its turn."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.database import close_connection
from bridge.lifecycle.requests import SUCCESS, Requests
from bridge.lifecycle.rules import Operation
from bridge.runs import load
from bridge.vm_context import Shop, VmContext

log = logging.getLogger(__name__)


def in_background(work: Callable[[], None]) -> None:
    """Run `work` in a thread that nobody waits for; it does not keep the process alive."""
    threading.Thread(target=work, name="farewell", daemon=True).start()


@dataclass(frozen=True)
class PromptRequests:
    """Requests as the web role takes them: a termination also sends one shutdown, and forgets about it.

    Implements `bridge.web.vm_interfaces.Requests`. `shop` is asked for in the thread that uses it.
    """

    requests: Requests
    shop: Callable[[], Shop]
    start: Callable[[Callable[[], None]], None] = in_background

    def ask(self, service_id: int, operation: Operation, **facts: Any) -> str:
        """As `Requests.ask`. The state is committed before the VM is touched."""
        answer = self.requests.ask(service_id, operation, **facts)
        if operation is Operation.TERMINATE and answer == SUCCESS:
            self.start(lambda: self._say_goodbye(service_id))
        return answer

    def _say_goodbye(self, service_id: int) -> None:
        """One try; whatever goes wrong, the pipeline stops the VM."""
        try:
            self._shut_down(service_id)
        except Exception as error:  # noqa: BLE001 - nobody waits for this, and nothing depends on it
            log.info("service %s: its VM was not shut down ahead of its termination: %s", service_id, error)
        finally:
            close_connection()

    def _shut_down(self, service_id: int) -> None:
        found = load(service_id)
        if found is None or found[0].vm_id is None or not found[0].node:
            return
        ctx = VmContext(*found, self.shop())
        node, vmid = str(ctx.vm.node), int(ctx.vm.vm_id or 0)
        config = ctx.hypervisor.config(node, vmid)
        if config is not None and not config.lock and ctx.mark.is_ours(config):
            ctx.hypervisor.shutdown(node, vmid)
