"""Three schedulers against one, on the same orders, at a cluster whose every answer takes its time, as over a network."""

import time

from benchmarks.case import Ground, Ratio, work_is_left
from bridge.protocol.client import BridgeClient
from bridge.sandbox.proxmox import Fault, demo_cluster
from bridge.settings import Settings
from tests.chaos.processes import Installation, wait_until
from tests.daemon import SECRET

ORDERS, NODES, SPEED = 60, 6, 20.0
ANSWER = 0.2  # seconds until the cluster answers a call
PRODUCT = {"ipv4_count": "1", "ipv6_count": "0", "dhcp_ipv6": "off", "add_size": "0"}
THREADS = {"KVM_BRIDGE_WORKERS": "8"}  # of each scheduler


def run(ground: Ground) -> list[Ratio]:
    """The same orders twice, from the moment the schedulers have started."""
    one, three = (_seconds(ground, count) for count in (1, 3))
    return [
        Ratio(
            f"{ORDERS} orders with one scheduler / with three",
            one / three,
            f"{one:.1f} s",
            f"{three:.1f} s",
            "processes of 8 threads that share the VMs through the database; 3.00 = each adds its whole",
        )
    ]


def _seconds(ground: Ground, schedulers: int) -> float:
    cluster = demo_cluster(speed=SPEED, nodes=NODES)
    cluster.faults.add(Fault(kind="slow", times=0, seconds=ANSWER))
    with ground.installation(f"schedulers_{schedulers}", PRODUCT, cluster=cluster) as installation:
        Settings().change({"heavy_per_node": 16, "heavy_per_storage": 16})
        _order(installation)
        processes = [installation.start("scheduler", **THREADS) for _ in range(schedulers)]
        wait_until(lambda: installation.calls, 60, lambda: installation.describe(60))
        began = time.monotonic()
        wait_until(lambda: not work_is_left(), 400, lambda: installation.describe(400))
        took = time.monotonic() - began
        for process in processes:
            process.stop()
    return took


def _order(installation: Installation) -> None:
    web = installation.start("web")
    client = BridgeClient(installation.daemon_url, SECRET)
    for number in range(ORDERS):
        order = installation.whmcs.module_parameters(installation.shop.order(f"bench-{number}"))
        client.call("/v1/module/CreateAccount", order)
    web.stop()
    installation.calls.clear()
