"""CreateAccount, as WHMCS feels it, against the least that a PHP request can do for an order: commit one row."""

import contextlib
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from benchmarks.case import Ground, Ratio, milliseconds
from tests.chaos.processes import Installation, wait_until
from tests.integration.shim.whmcs import PHP_FOLDER
from tests.services import free_port

REQUEST = Path(__file__).parent / "php" / "request.php"
ROUNDS, WARM_UP = 150, 20


def run(ground: Ground) -> list[Ratio]:
    """Both requests in turn, by one PHP process of the same kind, over one connection each."""
    with ground.installation("create_account") as installation:
        installation.start("web")
        parameters = [
            installation.whmcs.module_parameters(installation.shop.order("bench")) for _ in range(ROUNDS + WARM_UP)
        ]
        ground.execute(
            installation, "CREATE TABLE bench_row (id INT AUTO_INCREMENT PRIMARY KEY, text TEXT) ENGINE=InnoDB"
        )
        with php_server(installation) as url:
            took = [(timed(f"{url}/row", {}), timed(f"{url}/order", order)) for order in parameters][WARM_UP:]
    rows, orders = zip(*took, strict=True)
    return [
        Ratio(
            "CreateAccount / one PHP request that commits one row",
            statistics.median(orders) / statistics.median(rows),
            milliseconds(orders),
            milliseconds(rows),
            "what an order costs WHMCS, in units of the least that PHP could do instead",
        )
    ]


def timed(url: str, parameters: dict[str, Any]) -> float:
    """Seconds of one request, which must succeed."""
    began = time.perf_counter()
    answer = requests.post(url, json=parameters, timeout=30)
    took = time.perf_counter() - began
    if answer.text != "success":
        raise RuntimeError(f"{url} answered {answer.text[:300]!r}")
    return took


@contextlib.contextmanager
def php_server(installation: Installation) -> Iterator[str]:
    """PHP's web server with its opcode cache, as real ones have it; gives its URL."""
    database, port = urlsplit(installation.url), free_port()
    environment = {
        "BENCH_STANDIN": str(PHP_FOLDER / "whmcs.php"),
        "BENCH_TREE": str(installation.php.tree),
        "BENCH_DSN": f"mysql:host={database.hostname};port={database.port};dbname={database.path[1:]}",
        "BENCH_USER": database.username or "",
        "BENCH_PASSWORD": unquote(database.password or ""),
    }
    command = [installation.php.php, "-d", "opcache.enable=1", "-d", "opcache.enable_cli=1", "-S", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, str(REQUEST)], env=os.environ | environment, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _listens(url), 20, lambda: "PHP's web server does not start")
            yield url
        finally:
            server.kill()


def _listens(url: str) -> bool:
    try:
        requests.get(f"{url}/row", timeout=5)
    except requests.ConnectionError:
        return False
    return True
