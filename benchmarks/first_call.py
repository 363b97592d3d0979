"""How soon an order is taken up by an idle daemon."""

import statistics
import time

from benchmarks.case import Ground, Ratio, milliseconds
from bridge.protocol.client import BridgeClient
from bridge.scheduler import LOOK
from tests.chaos.processes import wait_until
from tests.daemon import SECRET

ORDERS = 10


def run(ground: Ground) -> list[Ratio]:
    """From the answer to CreateAccount to the first request that reaches Proxmox."""
    delays = []
    with ground.installation("first_call", speed=20.0) as installation:
        installation.start("serve")
        client = BridgeClient(installation.daemon_url, SECRET)
        for _ in range(ORDERS + 1):
            parameters = installation.whmcs.module_parameters(installation.shop.order("bench"))
            seen = len(installation.calls)
            client.call("/v1/module/CreateAccount", parameters)
            ordered_at = time.time()
            wait_until(lambda seen=seen: len(installation.calls) > seen, 30, lambda: "the order is not taken up")
            delays.append(installation.calls[seen].at - ordered_at)
            installation.wait_until_ready(list(installation.states()))
            time.sleep(2 * LOOK)  # the daemon is idle again
    delays = delays[1:]  # the first order of a daemon finds no connection to anybody
    return [
        Ratio(
            "order to first Proxmox call / the scheduler's look",
            statistics.median(delays) / LOOK,
            milliseconds(delays),
            f"{1000 * LOOK:.0f} ms",
            f"the longest of {ORDERS} took {1000 * max(delays):.0f} ms; half a look is the mean wait, the rest is work",
        )
    ]
