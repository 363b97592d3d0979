"""What the daemon has to know before it can read anything else: read once at start, from the environment and one file.

Every key can come from `KVM_BRIDGE_<KEY>`, from the file that `KVM_BRIDGE_<KEY>_FILE` names (its content, stripped), or
from the TOML file that `KVM_BRIDGE_CONFIG` names (key in lower case), in this order.
"""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bridge.database import parse_url
from bridge.protocol.signing import MIN_SECRET_LENGTH

PREFIX = "KVM_BRIDGE_"
TOML_VARIABLE = PREFIX + "CONFIG"


class ConfigError(Exception):
    """The daemon cannot start as it is configured; the message is one line naming the key and where it came from."""

    kind = "permanent"
    who = "admin"


def _database_url(value: SecretStr) -> SecretStr:
    parse_url(value.get_secret_value())
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters")
    return value


def _listen(value: str) -> str:
    if value.startswith("unix:/"):
        return value
    host, colon, port = value.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be host:port or unix:/path")
    return value


def _listen_port(value: str) -> str:
    if _listen(value).startswith("unix:"):
        raise ValueError("must be host:port")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL like https://whmcs.example.com/includes/api.php")
    if parts.username or parts.password:
        raise ValueError("must not hold credentials, they have keys of their own")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError) as error:
        raise ValueError(f"{value!r} is no time zone like Europe/Warsaw") from error
    return value


class Config(BaseModel):
    """The configuration. Secrets do not show in `repr`. A key that a role needs and that is not set stays None."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_database_url)]
    secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    encryption_key: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8787"
    whmcs_api_url: Annotated[str, AfterValidator(_http_url)] | None = None
    whmcs_api_identifier: SecretStr | None = None
    whmcs_api_secret: SecretStr | None = None
    metrics_listen: Annotated[str, AfterValidator(_listen_port)] | None = None
    workers: Annotated[int, Field(ge=1, le=256)] = 8
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None

    @property
    def key_at_rest(self) -> str | None:
        """What secrets in the database are encrypted with: a key of its own, else the secret shared with the shim."""
        key = self.encryption_key or self.secret
        return key.get_secret_value() if key else None

    @property
    def listen_address(self) -> tuple[str, int] | Path:
        """Host and port, or the path of a unix socket."""
        if self.listen.startswith("unix:"):
            return Path(self.listen.removeprefix("unix:"))
        return _host_and_port(self.listen)

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port where the scheduler shows its metrics; None = nowhere."""
        return _host_and_port(self.metrics_listen) if self.metrics_listen else None


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def load_config(environment: Mapping[str, str], need: Collection[str] = ()) -> Config:
    """Read the configuration; `need` names further keys without which the caller cannot work.

    Raises ConfigError for unknown TOML keys, unreadable files, bad values and missing keys.
    """
    found = _from_toml(environment)
    for key in Config.model_fields:
        found.update(_from_environment(environment, key))
    try:
        config = Config(**{key: value for key, (value, _) in found.items()})
    except ValidationError as error:
        raise ConfigError(_line(error, found)) from None
    for key in need:
        if not getattr(config, key):
            raise ConfigError(_missing(key))
    return config


def _from_environment(environment: Mapping[str, str], key: str) -> dict[str, tuple[Any, str]]:
    variable = PREFIX + key.upper()
    if environment.get(variable):
        return {key: (environment[variable], variable)}
    path = environment.get(f"{variable}_FILE")
    if not path:
        return {}
    return {key: (_text(Path(path), f"{variable}_FILE").strip(), f"{variable}_FILE ({path})")}


def _from_toml(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    path = environment.get(TOML_VARIABLE)
    if not path:
        return {}
    try:
        keys = tomllib.loads(_text(Path(path), TOML_VARIABLE))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{TOML_VARIABLE} ({path}): no valid TOML: {error}") from None
    for key in keys:
        if key not in Config.model_fields:
            raise ConfigError(f"{key} ({path}): unknown key, known are {', '.join(Config.model_fields)}")
    return {key: (value, path) for key, value in keys.items()}


def _text(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"{source} ({path}): {reason}") from None


def _line(error: ValidationError, found: Mapping[str, tuple[Any, str]]) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = str(first["loc"][0])
    if key not in found:
        return _missing(key)
    return f"{key} ({found[key][1]}): {first['msg'].removeprefix('Value error, ')}"


def _missing(key: str) -> str:
    return f"{key}: not set, give it as {PREFIX}{key.upper()}, {PREFIX}{key.upper()}_FILE or in the file of {TOML_VARIABLE}"
