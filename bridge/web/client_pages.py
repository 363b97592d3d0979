"""The functions of the client's pages Overview, Charts, ISO mount and Firewall, and what staff asks of the same subjects."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from bridge.web import forms
from bridge.web.envelope import Call, Line, Position
from bridge.web.functions import Table
from bridge.web.interfaces import Services

Typed = Annotated[str, Field(max_length=1024)]
Facts = dict[str, Any]


class TimeframeParams(BaseModel):
    """Which charts are asked for."""

    timeframe: Literal["hour", "day", "week", "month", "year"] = "hour"


class IsoFields(BaseModel):
    """The button Mount: the image's file name as the list has it."""

    file: Line


class Digest(BaseModel):
    """Which list, or which settings, the page shows."""

    digest: Line = ""


class PoliciesFields(Digest):
    """The form of the policies."""

    policy_in: Line
    policy_out: Line


class RuleFields(Digest):
    """The form of a new rule; what is missing is empty."""

    direction: Typed = ""
    action: Typed = ""
    protocol: Typed = ""
    source: Typed = ""
    source_port: Typed = ""
    destination: Typed = ""
    destination_port: Typed = ""
    comment: Typed = ""


class PositionFields(Digest):
    """A rule of the list."""

    position: Position


class MoveFields(PositionFields):
    """A rule of the list, and where it shall be."""

    to: Position


def information(services: Services, call: Call) -> Facts:
    """The overview, and the token that its buttons have to send."""
    return _with_token(call, services.client_pages.information.for_client(call.service_id(), call.actor))


def charts_data(services: Services, call: Call) -> Facts:
    """The series of the charts."""
    timeframe = forms.asked(call, TimeframeParams).timeframe
    return services.client_pages.charts.for_client(call.service_id(), call.actor, timeframe)


def iso_list(services: Services, call: Call) -> Facts:
    """The page ISO mount."""
    return _with_token(call, services.client_pages.iso.listed(call.service_id(), call.actor))


def iso_mount(services: Services, call: Call) -> Facts:
    """A button Mount was pressed."""
    fields = forms.posted(call, IsoFields)
    return services.client_pages.iso.mount(call.service_id(), call.actor, fields.file)


def iso_unmount(services: Services, call: Call) -> Facts:
    """The button Unmount was pressed."""
    forms.posted(call, forms.NoFields)
    return services.client_pages.iso.unmount(call.service_id(), call.actor)


def firewall_read(services: Services, call: Call) -> Facts:
    """The page Firewall."""
    return _with_token(call, services.client_pages.firewall.read(call.service_id(), call.actor))


def firewall_policies_save(services: Services, call: Call) -> Facts:
    """The policies were saved."""
    fields = forms.posted(call, PoliciesFields)
    policies = {"policy_in": fields.policy_in, "policy_out": fields.policy_out}
    return services.client_pages.firewall.save_policies(call.service_id(), call.actor, policies, fields.digest)


def firewall_rule_add(services: Services, call: Call) -> Facts:
    """The form of a new rule was sent."""
    fields = forms.posted(call, RuleFields)
    typed = fields.model_dump(exclude={"digest"})
    return services.client_pages.firewall.add_rule(call.service_id(), call.actor, typed, fields.digest)


def firewall_rule_delete(services: Services, call: Call) -> Facts:
    """The red button of a rule was pressed."""
    fields = forms.posted(call, PositionFields)
    return services.client_pages.firewall.delete_rule(call.service_id(), call.actor, fields.position, fields.digest)


def firewall_rule_move(services: Services, call: Call) -> Facts:
    """A rule was dragged to another place."""
    fields = forms.posted(call, MoveFields)
    return services.client_pages.firewall.move_rule(
        call.service_id(), call.actor, fields.position, fields.to, fields.digest
    )


def _with_token(call: Call, facts: Facts) -> Facts:
    return {**facts, forms.TOKEN_FIELD: forms.token(call)}


FUNCTIONS: Table = {
    "information": information,
    "charts_data": charts_data,
    "iso_list": iso_list,
    "iso_mount": iso_mount,
    "iso_unmount": iso_unmount,
    "firewall_read": firewall_read,
    "firewall_policies_save": firewall_policies_save,
    "firewall_rule_add": firewall_rule_add,
    "firewall_rule_delete": firewall_rule_delete,
    "firewall_rule_move": firewall_rule_move,
}


def staff_information(services: Services, call: Call) -> Facts:
    """The panel of the service page of staff."""
    return services.client_pages.information.for_staff(call.service_id())


def staff_charts_data(services: Services, call: Call) -> Facts:
    """The series of the charts of the service page of staff."""
    return services.client_pages.charts.for_staff(call.service_id(), call.read(TimeframeParams).timeframe)


STAFF_FUNCTIONS: Table = {"information": staff_information, "charts_data": staff_charts_data}
