"""The functions of the addon's page IP Pools, for admins."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from bridge.addresses.errors import PoolRefused
from bridge.addresses.pool_list import MOST_ROWS, PoolQuery
from bridge.addresses.reverse_zone import typed_zone
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, Id, Line, Map, OptionalId
from bridge.web.functions import Table
from bridge.web.interfaces import Services

T = TypeVar("T")


class ListParams(BaseModel):
    """A page of the list; `sort` is the name of a column."""

    page: Id = 1
    size: Annotated[Id, Field(le=MOST_ROWS)] = 10
    search: Line = ""
    sort: Line = "id"
    descending: bool = False


class SaveParams(BaseModel):
    """A new pool (`id` 0), or fields of one to change; `carry_over` gives assigned addresses the new settings, too."""

    id: OptionalId = 0
    fields: Annotated[Map, Field(max_length=16)]
    carry_over: bool = False


class DeleteParams(BaseModel):
    """The pool; `confirmed` deletes it although services hold addresses of it."""

    id: Id
    confirmed: bool = False


class HintParams(BaseModel):
    """What is typed so far. The gateway stands for the pool as long as no address is typed."""

    address_start: Line = ""
    gateway: Line = ""
    mask: OptionalId = 0


def pools(services: Services, call: Call) -> dict[str, Any]:
    """One page of the list, and the servers that a pool may be of."""
    page = _unless_refused(lambda: services.pools.page(PoolQuery(**call.read(ListParams).model_dump())))
    return {
        "rows": [row.as_json() for row in page.rows],
        "found": page.found,
        "total": page.total,
        "servers": [{"id": id_, "name": name} for id_, name in services.pools.servers()],
    }


def pool_save(services: Services, call: Call) -> dict[str, Any]:
    """Add or change a pool; its ID, and what is worth a warning."""
    params = call.read(SaveParams)
    if params.id:
        saved = _unless_refused(lambda: services.pools.change(params.id, params.fields, params.carry_over))
    else:
        saved = _unless_refused(lambda: services.pools.add(params.fields))
    return {"id": saved.pool_id, "warnings": list(saved.warnings)}


def pool_delete(services: Services, call: Call) -> None:
    """Delete a pool."""
    params = call.read(DeleteParams)
    _unless_refused(lambda: services.pools.delete(params.id, params.confirmed))


def pool_hint(services: Services, call: Call) -> dict[str, str]:
    """The reverse zone of what is typed so far; empty texts while that is no prefix."""
    params = call.read(HintParams)
    zone = typed_zone(params.address_start, params.mask) or typed_zone(params.gateway, params.mask)
    return {"reverse_zone": zone.text if zone else "", "reverse_zone_delegated": zone.delegated if zone else ""}


def _unless_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except PoolRefused as error:
        raise Refusal(str(error)) from error


FUNCTIONS: Table = {"pools": pools, "pool_save": pool_save, "pool_delete": pool_delete, "pool_hint": pool_hint}
