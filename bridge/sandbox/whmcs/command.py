"""`kvm-bridge sandbox whmcs`: the stand-in WHMCS as a server."""

import time

import click

from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.schema import create_tables, open_database
from bridge.sandbox.whmcs.server import API_PATH, make_server


class _WallClock:
    def now(self) -> float:
        return time.time()


@click.command("whmcs")
@click.option(
    "--database", required=True, help="Where WHMCS's tables live or will live, e.g. sqlite:////tmp/whmcs.sqlite."
)
@click.option("--port", default=8090, show_default=True, help="TCP port on 127.0.0.1; 0 = any free one.")
@click.option("--identifier", default="sandbox-identifier", show_default=True, help="API credential: identifier.")
@click.option("--secret", default="sandbox-secret", show_default=True, help="API credential: secret.")
def whmcs_command(database: str, port: int, identifier: str, secret: str) -> None:
    """Serve a stand-in WHMCS: its tables and its external API. For trials only."""
    try:
        open_database(database)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--database") from error
    create_tables()
    server = make_server(WhmcsSandbox(_WallClock(), identifier=identifier, secret=secret), port)
    click.echo(f"WHMCS sandbox: API at http://127.0.0.1:{server.server_address[1]}{API_PATH}, Ctrl-C ends it")
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        click.echo("WHMCS sandbox: ended")
    finally:
        server.server_close()
