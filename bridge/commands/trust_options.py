"""The options that say which certificate is accepted, for every command that asks for one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bridge.trust import Trust


@dataclass(frozen=True)
class TrustChoice:
    """What was chosen: the value to store, `relearn` True = to look anew, neither = nothing; and how to tell what holds then."""

    value: dict[str, Any] | None
    relearn: bool
    as_json: bool = False

    def apply(self, trust: Trust, key: str) -> None:
        """Store the choice under `key`."""
        if self.relearn:
            trust.forget(key)
        elif self.value:
            try:
                trust.choose(key, self.value)
            except ValueError as error:
                raise click.BadParameter(str(error)) from error

    def tell(self, trust: Trust, key: str, place: str) -> None:
        """Print what is accepted from `place`, whose choice is kept under `key`."""
        stored = trust.version(key)
        if self.as_json:
            click.echo(json.dumps({"place": place, "accepted": json.loads(stored) if stored else None}))
        else:
            click.echo(f"{place}: {stored or 'nothing yet; the certificate is looked at with the next connection'}")


def trust_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and hand it the TrustChoice as `choice`."""

    @click.option("--fingerprint", help="Accept exactly the certificate with this SHA-256 fingerprint.")
    @click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Accept this CA.")
    @click.option("--system-ca", is_flag=True, help="Accept what the CAs of this system vouch for.")
    @click.option("--no-verify", is_flag=True, help="Accept anything. Whoever is in between can read along.")
    @click.option("--relearn", is_flag=True, help="Look at the certificate anew at the next connection and pin it.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @wraps(command)
    def with_options(
        *arguments: Any,
        fingerprint: str | None,
        ca_file: Path | None,
        system_ca: bool,
        no_verify: bool,
        relearn: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        choices = (
            {"fingerprint": fingerprint} if fingerprint else None,
            {"ca_file": str(ca_file.resolve())} if ca_file else None,
            {"verify": "system"} if system_ca else None,
            {"verify": "off"} if no_verify else None,
        )
        given = [choice for choice in choices if choice]
        if len(given) + relearn > 1:
            raise click.UsageError("give one of the options only")
        command(*arguments, choice=TrustChoice(given[0] if given else None, relearn, as_json), **options)

    return with_options
