"""`kvm-bridge sandbox proxmox`: the stand-in cluster as a program."""

import signal
import tempfile
from pathlib import Path
from types import FrameType

import click

from bridge.sandbox.proxmox.cluster import Cluster
from bridge.sandbox.proxmox.layouts import conformance_cluster, demo_cluster
from bridge.sandbox.proxmox.schema import VERSIONS
from bridge.sandbox.proxmox.server import serve


@click.command("proxmox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8006, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--layout", default="demo", show_default=True, type=click.Choice(["demo", "conformance"]))
@click.option("--pve-version", default="8.4", show_default=True, type=click.Choice(VERSIONS))
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(min=0.01), help="How many times faster.")
@click.option("--certdir", type=click.Path(path_type=Path), help="Where CA and certificate are kept between runs.")
def proxmox_command(host: str, port: int, layout: str, pve_version: str, speed: float, certdir: Path | None) -> None:
    """Stand in for a Proxmox VE cluster until interrupted."""
    make = demo_cluster if layout == "demo" else conformance_cluster
    cluster = make(version=pve_version, speed=speed)
    folder = certdir or Path(tempfile.mkdtemp(prefix="kvm-bridge-proxmox-"))
    try:
        server = serve(cluster, host, port, folder)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    for line in introduction(cluster, server.base_url, server.fingerprint, server.ca_path):
        print(line, flush=True)
    signal.signal(signal.SIGTERM, _interrupt)
    server.start()
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()


def introduction(cluster: Cluster, url: str, fingerprint: str, ca: Path) -> list[str]:
    """One line per fact that a client needs: URL, tokens, CA and fingerprint. The tokens open nothing real."""
    lines = [f"url {url}"]
    if cluster.demo_token:
        lines.append(f"token {cluster.demo_token}")
    lines += [f"token {role} {token}" for role, token in cluster.role_tokens.items()]
    return [*lines, f"fingerprint {fingerprint}", f"ca {ca}", f"faults {url}/sandbox/faults"]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
