"""The body of a request: JSON of a fixed outer form, read into plain values or refused with one line."""

from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from bridge.web.callers import Actor, ServerDetails

MAX_ID = 2**31 - 1

Model = TypeVar("Model", bound=BaseModel)


class Malformed(Exception):
    """The request cannot be understood; the message is the one line that says what is wrong with it."""


def _empty_list_is_empty_map(value: Any) -> Any:
    # PHP has one kind of array: an empty map may arrive as an empty list.
    return {} if value == [] else value


def _whole_number(value: Any) -> Any:
    # PHP and its database drivers hand numbers over as text; anything but plain digits is no id.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        return int(value)
    return value


def _empty_is_none(value: Any) -> Any:
    return None if value in ("", 0, "0") else value


def _empty_is_zero(value: Any) -> Any:
    return 0 if value in ("", None) else value


Id = Annotated[int, BeforeValidator(_whole_number), Field(strict=True, ge=1, le=MAX_ID)]
OptionalId = Annotated[
    int, BeforeValidator(_whole_number), BeforeValidator(_empty_is_zero), Field(strict=True, ge=0, le=MAX_ID)
]
Position = Annotated[int, BeforeValidator(_whole_number), Field(strict=True, ge=0, le=MAX_ID)]
Line = Annotated[str, Field(max_length=255)]
Map = Annotated[dict[str, Any], BeforeValidator(_empty_list_is_empty_map)]


class ActorFields(BaseModel):
    """The actor as the shim sends it."""

    type: Literal["admin", "client", "system"]
    id: Id | None = None
    admin: Id | None = None
    session: Line = ""


class Envelope(BaseModel):
    """The outer form of every request."""

    params: Map = Field(default_factory=dict)
    actor: ActorFields
    language: Line = ""


class ServiceParams(BaseModel):
    """What every call about a service carries."""

    serviceid: Id
    userid: OptionalId = 0
    addon_id: OptionalId = Field(default=0, alias="addonId")


class CallerParams(BaseModel):
    """Where a request to a file of the shim itself came from."""

    remote_address: Line = ""


class MetricParams(BaseModel):
    """Whose usage: all tenants of a server (0 = of every server), or one tenant of it."""

    serverid: OptionalId = 0
    tenant: Line | None = None


class PasswordParams(BaseModel):
    """A new password. Errors never repeat it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    password: Annotated[str, Field(max_length=1024, repr=False)]


class ServerParams(BaseModel):
    """A server as WHMCS's server form sends it. Errors never repeat what was typed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    serverid: OptionalId = 0
    serverhostname: Line = ""
    serverip: Line = ""
    serverport: Annotated[int | None, BeforeValidator(_empty_is_none), BeforeValidator(_whole_number)] = Field(
        default=None, strict=True, ge=1, le=65535
    )
    serverusername: Line = ""
    serverpassword: Annotated[str, Field(max_length=4096)] = ""
    serversecure: bool | Literal["on", ""] = True

    def details(self) -> ServerDetails:
        """As the connection test takes it."""
        return ServerDetails(
            id=self.serverid,
            hostname=self.serverhostname.strip(),
            ip=self.serverip.strip(),
            port=self.serverport,
            username=self.serverusername.strip(),
            password=self.serverpassword,
            secure=bool(self.serversecure),
        )


class CronParams(BaseModel):
    """A cron run: the command line's arguments and who started it."""

    argv: Annotated[list[Line], Field(max_length=32)] = Field(default_factory=list)
    mode: Literal["standalone", "hook"] = "standalone"


class Call:
    """A request that has been let in: parameters, who asks, and in which language."""

    def __init__(self, envelope: Envelope) -> None:
        self.params: dict[str, Any] = envelope.params
        self.actor = Actor(**envelope.actor.model_dump())
        self.language = envelope.language

    def service_id(self) -> int:
        """The service that the call is about. Raises Malformed unless it is a service of its own, not an addon of one."""
        params = self.read(ServiceParams)
        if params.addon_id:
            raise Malformed(f"This module serves products, not product addons (addon {params.addon_id}).")
        return params.serviceid

    def read(self, model: type[Model]) -> Model:
        """The parameters in the form of `model`. Raises Malformed with one line about the first thing wrong."""
        return self.validated(model, self.params)

    @staticmethod
    def validated(model: type[Model], value: Any) -> Model:
        """Part of the parameters in the form of `model`. Raises Malformed as `read`."""
        return _validated(model, value)


def current_call() -> Call:
    """Parse the current request. Raises Malformed when it is not the JSON that the protocol wants."""
    try:
        body = from_json(request.get_data(cache=True), allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"The body of the request is not JSON in UTF-8: {_first_line(str(error))}.") from error
    return Call(_validated(Envelope, body))


def _validated(model: type[Model], value: Any) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        if first["type"] == "missing":
            raise Malformed(f"Parameter {place} is missing.") from None
        raise Malformed(f"Parameter {place} is not usable: {_first_line(first['msg'])}.") from None


def _first_line(text: str) -> str:
    return text.splitlines()[0].rstrip(".") if text else "no reason given"
