"""The functions of the addon's page DNS Zones, and of the reverse names on an admin's service page."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from bridge.dns.reverse import NameRefused
from bridge.dns.zone_form import ZoneRefused
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, Id, Line, Map, OptionalId
from bridge.web.functions import Table
from bridge.web.interfaces import Services

T = TypeVar("T")


class PageParams(BaseModel):
    """A page of the list; `sort` is id, zone or type."""

    page: Id = 1
    size: Annotated[Id, Field(le=500)] = 10
    search: Line = ""
    sort: Line = "id"
    descending: bool = False


class SaveParams(BaseModel):
    """A new zone (`id` 0), or fields of one to change. Errors never repeat what was typed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: OptionalId = 0
    fields: Annotated[Map, Field(max_length=16, repr=False)]


class ZoneParams(BaseModel):
    """The zone."""

    id: Id


class NamesParams(BaseModel):
    """Reverse names by address; an empty one gives the VM's own host name back."""

    names: Annotated[Map, Field(max_length=1024)]


def zones(services: Services, call: Call) -> dict[str, Any]:
    """One page of the list, without secrets."""
    params = call.read(PageParams)
    return services.zones.page(params.page, params.size, params.search, params.sort, params.descending)


def zone_save(services: Services, call: Call) -> int:
    """Add or change a zone; its ID."""
    params = call.read(SaveParams)
    fields = {name: "" if value is None else str(value) for name, value in params.fields.items()}
    return unless_refused(lambda: services.zones.save(fields, params.id or None))


def zone_delete(services: Services, call: Call) -> None:
    """Forget a zone; its records stay at the provider."""
    unless_refused(lambda: services.zones.delete(call.read(ZoneParams).id))


def zone_test(services: Services, call: Call) -> dict[str, Any]:
    """Whether the provider answers and has the zone; `error` is its own."""
    error = unless_refused(lambda: services.zones.test(call.read(ZoneParams).id))
    return {"success": not error, "error": error}


def reverse_names(services: Services, call: Call) -> list[dict[str, Any]]:
    """Every address of a service with its reverse name."""
    return [asdict(each) for each in unless_refused(lambda: services.reverse_names.of_service(call.service_id()))]


def reverse_names_save(services: Services, call: Call) -> dict[str, Any]:
    """Change reverse names; those that differ now, each with what is worth a warning."""
    names = {ip: str(name) for ip, name in call.read(NamesParams).names.items()}
    saved = unless_refused(lambda: services.reverse_names.set(call.service_id(), names, by_client=False))
    return asdict(saved)


def unless_refused(work: Callable[[], T]) -> T:
    """The result of `work`; a refusal becomes the answer."""
    try:
        return work()
    except (ZoneRefused, NameRefused) as error:
        raise Refusal(str(error)) from error


FUNCTIONS: Table = {
    "zones": zones,
    "zone_save": zone_save,
    "zone_delete": zone_delete,
    "zone_test": zone_test,
    "reverse_names": reverse_names,
    "reverse_names_save": reverse_names_save,
}
