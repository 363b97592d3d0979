"""The forms of the client's pages: posted, from one of our pages, in this session, about this service."""

from typing import Any

import pytest

from bridge.web import client
from bridge.web.callers import Actor
from tests.daemon import RecordingServices
from tests.unit.web.conftest import Post

OWNER = {"type": "client", "id": 7, "session": "a" * 64}
STALE = {"error": "This page has expired. Please reload it."}
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "start": ({}, "start"),
    "stop": ({}, "stop"),
    "reboot": ({}, "reboot"),
    "reset": ({}, "reset"),
    "reinstall_start": ({"template": "9000", "confirmation": "REINSTALL"}, "reinstall 9000 REINSTALL"),
    "reset_password_start": ({}, "reset_password"),
    "backup_now": ({"note": "before the update"}, "backup before the update"),
    "backup_remove": ({"backup": "0f3a"}, "remove 0f3a"),
    "backup_restore": ({"backup": "0f3a"}, "restore 0f3a"),
    "backup_schedule_save": ({"days": {"0": "07:00", "3": ""}}, "schedule {'0': '07:00', '3': ''}"),
    "reverse_names_save": ({"names": {"192.0.2.5": "mail.example.org"}}, "names {'192.0.2.5': 'mail.example.org'}"),
    "snapshot_take": ({"description": "before the update", "ram": "0"}, "take 'before the update' False"),
    "snapshot_rollback": ({"name": "s20260410-035839"}, "roll back s20260410-035839"),
    "snapshot_remove": ({"name": "s20260410-035839"}, "remove s20260410-035839"),
    "snapshot_schedule_save": ({"days": {"0": "07:00", "3": ""}}, "schedule {'0': '07:00', '3': ''}"),
    "iso_mount": ({"file": "a.iso"}, "mount a.iso"),
    "iso_unmount": ({}, "unmount"),
    "firewall_policies_save": (
        {"policy_in": "DROP", "policy_out": "ACCEPT", "digest": "ab"},
        "policies {'policy_in': 'DROP', 'policy_out': 'ACCEPT'} ab",
    ),
    "firewall_rule_add": (
        {"direction": "IN", "action": "DROP", "comment": "x", "digest": "ab"},
        "add ['DROP', 'IN', 'x'] ab",
    ),
    "firewall_rule_delete": ({"position": "0", "digest": "ab"}, "delete 0 ab"),
    "firewall_rule_move": ({"position": "3", "to": "0", "digest": "ab"}, "move 3 to 0 ab"),
}
"""Function -> the fields of its form, and what it asks the daemon for."""

READS = {
    **{"status": "status", "reverse_names": "names", "information": "information", "charts_data": "week"},
    **{"templates": "templates", "backups_list": "backups", "iso_list": "images", "firewall_read": "firewall"},
    **{"snapshots_list": "snapshots"},
}
"""Function that is only read -> what it asks the daemon for."""

ACTS = sorted({name for name, function in client.FUNCTIONS.items() if function is not None} - set(READS))


def token_of(post: Post, service: int = 5, actor: Any = OWNER) -> str:
    """What the page got together with the status of its VM."""
    answer = post("/v1/client/status", {"serviceid": service, "userid": 7}, actor=actor).json
    token = answer["result"]["form_token"]
    assert isinstance(token, str)
    return token


def send(post: Post, name: str, fields: dict[str, Any], method: str = "POST", actor: Any = OWNER) -> Any:
    """The browser sends the form."""
    request = {"method": method, "query": {}, "fields": fields}
    return post(f"/v1/client/{name}", {"serviceid": 5, "userid": 7, "request": request}, actor=actor)


@pytest.mark.req("CLI-26")
@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_ours_is_done(post: Post, services: RecordingServices, name: str) -> None:
    fields, asked = FORMS[name]
    token = token_of(post)
    services.clients.asked.clear()
    assert send(post, name, {**fields, "form_token": token}).json == {"result": {"done": True}}
    assert services.clients.asked == [(asked, 5, Actor("client", 7, session="a" * 64))]


@pytest.mark.req("CLI-26")
@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", ""])
def test_what_is_not_posted_does_nothing(post: Post, services: RecordingServices, name: str, method: str) -> None:
    fields = {**FORMS.get(name, ({}, ""))[0], "form_token": token_of(post)}
    services.clients.asked.clear()
    assert send(post, name, fields, method=method).json == STALE
    assert services.clients.asked == []


@pytest.mark.req("CLI-26")
@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("token", ["", "0" * 64, None])
def test_a_form_of_another_site_does_nothing(
    post: Post, services: RecordingServices, name: str, token: str | None
) -> None:
    fields = FORMS.get(name, ({}, ""))[0] | ({} if token is None else {"form_token": token})
    assert send(post, name, fields).json == STALE
    assert services.clients.asked == []


@pytest.mark.req("CLI-26")
@pytest.mark.parametrize(
    "other",
    [
        {"service": 6},
        {"actor": {**OWNER, "session": "b" * 64}},
        {"actor": {"type": "admin", "id": 7, "session": "a" * 64}},
    ],
)
def test_a_token_is_good_for_one_session_one_actor_and_one_service(post: Post, other: dict[str, Any]) -> None:
    assert send(post, "stop", {"form_token": token_of(post, **other)}).json == STALE


@pytest.mark.req("CLI-26")
def test_without_a_login_session_nothing_can_be_pressed(post: Post, services: RecordingServices) -> None:
    nobody = {"type": "client", "id": 7}
    assert token_of(post, actor=nobody) == ""
    services.clients.asked.clear()
    assert send(post, "stop", {"form_token": ""}, actor=nobody).json == STALE
    assert services.clients.asked == []


@pytest.mark.parametrize("name", READS)
def test_what_is_only_read_needs_no_token(post: Post, services: RecordingServices, name: str) -> None:
    params = {"serviceid": 5, "userid": 7, "request": {"method": "GET", "query": {"timeframe": "week", "id": "5"}}}
    answer = post(f"/v1/client/{name}", params, actor=OWNER)
    assert answer.status_code == 200
    assert services.clients.asked == [(READS[name], 5, Actor("client", 7, session="a" * 64))]


@pytest.mark.parametrize("fields", [{}, {"position": ""}, {"position": "-1"}, {"position": "x"}, {"position": ["0"]}])
@pytest.mark.parametrize("name", ["firewall_rule_delete", "firewall_rule_move"])
def test_a_position_that_is_none_is_not_the_first(
    post: Post, services: RecordingServices, name: str, fields: dict[str, Any]
) -> None:
    response = send(post, name, {"to": "0", "digest": "ab", **fields, "form_token": token_of(post)})
    assert response.status_code == 400
    assert "position" in response.json["error"]
    assert [what for what, _, _ in services.clients.asked] == ["status"]


def test_a_snapshot_is_with_memory_unless_the_form_says_otherwise(post: Post, services: RecordingServices) -> None:
    token = token_of(post)
    services.clients.asked.clear()
    send(post, "snapshot_take", {"form_token": token})
    assert [what for what, _, _ in services.clients.asked] == ["take '' True"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("snapshot_take", {"description": "x" * 256}),
        ("snapshot_take", {"ram": "perhaps"}),
        ("snapshot_rollback", {}),
        ("snapshot_remove", {"name": ["s1"]}),
        ("snapshot_schedule_save", {"days": "07:00"}),
        ("snapshot_schedule_save", {"days": {str(day): "07:00" for day in range(8)}}),
    ],
)
def test_snapshot_fields_that_make_no_sense_are_refused(
    post: Post, services: RecordingServices, name: str, fields: dict[str, Any]
) -> None:
    response = send(post, name, {**fields, "form_token": token_of(post)})
    assert response.status_code == 400
    assert [what for what, _, _ in services.clients.asked] == ["status"]


@pytest.mark.parametrize("fields", [{}, {"template": "x"}, {"template": "-1"}, {"template": ["9000"]}])
def test_a_template_that_is_none_is_refused_with_one_line(
    post: Post, services: RecordingServices, fields: dict[str, Any]
) -> None:
    response = send(post, "reinstall_start", {**fields, "form_token": token_of(post)})
    assert response.status_code == 400
    assert "template" in response.json["error"]
    assert [what for what, _, _ in services.clients.asked] == ["status"]


@pytest.mark.parametrize("request_", [None, "x", {"fields": "x"}, {"method": ["POST"]}])
def test_a_browser_request_that_is_none_is_refused(post: Post, request_: object) -> None:
    response = post("/v1/client/stop", {"serviceid": 5, "userid": 7, "request": request_}, actor=OWNER)
    assert response.status_code == 400
