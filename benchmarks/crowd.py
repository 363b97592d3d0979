"""A hundred orders at once on ten nodes with shared storage, against one at a time."""

import statistics
import time
from collections.abc import Mapping

from benchmarks.case import Ground, Ratio, work_is_left
from bridge.protocol.client import BridgeClient
from bridge.sandbox.proxmox import demo_cluster
from bridge.settings import Settings
from tests.chaos.processes import Installation, wait_until
from tests.daemon import SECRET

ORDERS, ALONE, NODES, SPEED = 100, 2, 10, 1.0
PRODUCT = {"ipv4_count": "1", "add_size": "0"}
LIMITS: dict[str, Mapping[str, int]] = {
    "default limits": {},
    "limits of an all-flash cluster": {"heavy_per_node": 16, "heavy_per_storage": 16},
}


def run(ground: Ground) -> list[Ratio]:
    """Once with the default limits for heavy work, once with higher ones."""
    return [_with_limits(ground, name, limits) for name, limits in LIMITS.items()]


def _with_limits(ground: Ground, name: str, limits: Mapping[str, int]) -> Ratio:
    cluster = demo_cluster(speed=SPEED, nodes=NODES)
    with ground.installation(name.replace(" ", "_"), PRODUCT, cluster=cluster) as installation:
        Settings().change(limits)
        installation.start("serve")
        alone = statistics.median(_deploy(installation, 1) for _ in range(ALONE))
        together = _deploy(installation, ORDERS)
    return Ratio(
        f"{ORDERS} orders one at a time / at once, {NODES} nodes, {name}",
        ORDERS * alone / together,
        f"{ORDERS} × {alone:.1f} s",
        f"{together:.1f} s",
        "how many VMs are effectively deployed at a time; " + _limits_in_words(limits),
    )


def _limits_in_words(limits: Mapping[str, int]) -> str:
    now = {name: limits.get(name, getattr(Settings, name).default) for name in ("heavy_per_node", "heavy_per_storage")}
    return (
        f"at most {now['heavy_per_node']} clones and migrations per node, {now['heavy_per_storage']} clones per storage"
    )


def _deploy(installation: Installation, orders: int) -> float:
    """Seconds until the last of so many orders is ready."""
    client = BridgeClient(installation.daemon_url, SECRET)
    parameters = [installation.whmcs.module_parameters(installation.shop.order("bench")) for _ in range(orders)]
    began = time.monotonic()
    for order in parameters:
        client.call("/v1/module/CreateAccount", order)
    wait_until(lambda: not work_is_left(), 400, lambda: installation.describe(400))
    return time.monotonic() - began
