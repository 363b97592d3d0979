"""What the functions do with a request that has been let in, and what they answer."""

import pytest

from bridge.connections import DatabaseUnavailable
from bridge.web import addon, client, hook, module
from bridge.web.callers import Actor, Refusal, ServerDetails
from tests.daemon import RecordingServices
from tests.unit.web.conftest import Post

TABLES = {
    "module": module.FUNCTIONS,
    "addon": addon.FUNCTIONS,
    "client": client.FUNCTIONS,
    "hook": hook.FUNCTIONS,
}
LATER = [f"/v1/{folder}/{name}" for folder, table in TABLES.items() for name, served in table.items() if served is None]


def test_create_account_records_the_order_for_whoever_asked(post: Post, services: RecordingServices) -> None:
    response = post("/v1/module/CreateAccount", {"serviceid": 5}, actor={"type": "client", "id": 7, "admin": 1})
    assert response.json == {"result": "success"}
    assert services.orders.created == [(5, Actor("client", 7, admin=1))]


def test_the_words_of_a_service_are_the_answer(post: Post, services: RecordingServices) -> None:
    services.orders.reply = "Service 5 has no server."
    assert post("/v1/module/CreateAccount", {"serviceid": 5}).json == {"result": "Service 5 has no server."}


def test_a_refusal_of_a_service_is_an_error_line(post: Post, services: RecordingServices) -> None:
    services.orders.failure = Refusal("Service 5 does not exist.")
    response = post("/v1/module/CreateAccount", {"serviceid": 5})
    assert (response.status_code, response.json) == (200, {"error": "Service 5 does not exist."})


def test_a_bug_of_ours_tells_no_detail(post: Post, services: RecordingServices) -> None:
    services.orders.failure = RuntimeError("token 1234-secret")
    response = post("/v1/module/CreateAccount", {"serviceid": 5})
    assert response.status_code == 500
    assert "1234-secret" not in response.text
    assert "unexpected error" in response.json["error"]


def test_a_database_that_is_gone_is_called_by_its_name(post: Post, services: RecordingServices) -> None:
    services.orders.failure = DatabaseUnavailable("Database whmcs@10.0.0.5: connection lost")
    response = post("/v1/module/CreateAccount", {"serviceid": 5})
    assert response.status_code == 503
    assert "database" in response.json["error"]
    assert "10.0.0.5" not in response.text


def test_the_connection_test_gets_what_was_typed(post: Post, services: RecordingServices) -> None:
    typed = {
        "serverhostname": " pve1.example ",
        "serverip": "192.0.2.1",
        "serverport": "8006",
        "serverusername": "root@pam!whmcs",
        "serverpassword": "token secret",
        "serversecure": True,
    }
    assert post("/v1/module/TestConnection", typed).json == {"result": {"success": True, "error": ""}}
    assert services.connections.tested == [
        ServerDetails(0, "pve1.example", "192.0.2.1", 8006, "root@pam!whmcs", "token secret", True)
    ]
    assert "token secret" not in repr(services.connections.tested)


@pytest.mark.parametrize("port", ["", 0, "0"])
def test_a_server_without_a_port_has_none(post: Post, services: RecordingServices, port: object) -> None:
    post("/v1/module/TestConnection", {"serverid": "3", "serverport": port, "serversecure": ""})
    assert services.connections.tested == [ServerDetails(id=3, secure=False)]


def test_a_failed_connection_test_keeps_its_reason(post: Post, services: RecordingServices) -> None:
    services.connections.reply = (False, "pve1.example refused the token.")
    answer = post("/v1/module/TestConnection", {"serverid": 3}).json
    assert answer == {"result": {"success": False, "error": "pve1.example refused the token."}}


def test_the_addon_lives_and_dies(post: Post, services: RecordingServices) -> None:
    assert post("/v1/addon/activate").json["result"]["status"] == "success"
    assert post("/v1/addon/upgrade", {"version": "3.3"}).json == {"result": None}
    assert post("/v1/addon/deactivate").json["result"]["description"] == "All data were kept."
    assert services.installation.calls == ["activate", "upgrade from 3.3", "deactivate"]


def test_the_cron_of_whmcs_wakes_the_scheduler(post: Post, services: RecordingServices) -> None:
    assert post("/v1/hook/AfterCronJob", actor={"type": "system"}).json == {"result": None}
    assert services.cron.woken == 1


@pytest.mark.req("PRT-15")
@pytest.mark.parametrize("path", LATER)
def test_a_function_of_a_later_version_says_so(post: Post, path: str) -> None:
    name = path.rpartition("/")[2]
    response = post(path, {"serviceid": 5, "userid": 7})
    assert response.json == {"error": f"{name} is not available yet in this version of KVM Bridge"}


@pytest.mark.parametrize("page", sorted(addon.PAGES))
@pytest.mark.parametrize("actor", [{"type": "client", "id": 7, "admin": 1}, {"type": "system"}, {"type": "admin"}])
def test_the_addon_s_pages_are_for_admins(post: Post, page: str, actor: dict[str, object]) -> None:
    assert post(f"/v1/addon/{page}", actor=actor).json == {"error": "This page is for admins only."}


@pytest.mark.parametrize("page", ["overview", "start"])
@pytest.mark.parametrize(
    "actor", [{"type": "client", "id": 8}, {"type": "client"}, {"type": "system"}, {"type": "admin"}]
)
def test_a_service_is_shown_to_its_owner_only(post: Post, page: str, actor: dict[str, object]) -> None:
    response = post(f"/v1/client/{page}", {"serviceid": 5, "userid": 7}, actor=actor)
    assert response.json == {"error": "Access Denied"}


@pytest.mark.parametrize(
    "actor", [{"type": "client", "id": 7}, {"type": "client", "id": 7, "admin": 1}, {"type": "admin", "id": 1}]
)
def test_owner_and_admins_get_past_the_door(post: Post, actor: dict[str, object]) -> None:
    response = post("/v1/client/overview", {"serviceid": 5, "userid": 7}, actor=actor)
    assert "not available yet" in response.json["error"]


@pytest.mark.parametrize("folder", TABLES)
def test_a_function_that_nobody_knows_is_refused_with_one_line(post: Post, folder: str) -> None:
    response = post(f"/v1/{folder}/Nothing")
    assert response.status_code == 404
    assert "'Nothing'" in response.json["error"]
