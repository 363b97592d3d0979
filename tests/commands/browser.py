"""People in front of WHMCS: what the shim sends for their clicks, and what they get to read."""

import json
from typing import Any
from uuid import uuid4

from bridge.models.whmcs import Service
from bridge.protocol.signing import Signer
from bridge.web.app import create_app
from bridge.web_role import WebServices
from tests.commands.conftest import Desk
from tests.daemon import SECRET

SESSION = "a" * 64
ADMIN = {"type": "admin", "id": 1, "admin": 1, "session": SESSION}


def ask(rig: Desk, path: str, params: dict[str, Any], actor: dict[str, Any] = ADMIN) -> Any:
    """One signed call; the `result`, or the line of the refusal."""
    http = create_app(WebServices(rig.house), SECRET, clock=lambda: 1000.0).test_client()
    body = json.dumps({"params": params, "actor": actor}).encode()
    headers = Signer(SECRET).sign_request("POST", path, 1000, uuid4().hex, body).headers()
    answer = http.post(path, data=body, headers=headers).get_json()
    return answer["error"] if "error" in answer else answer["result"]


class Browser:
    """A login session of a client. `client` None = the owner of the service that is looked at."""

    def __init__(self, rig: Desk, client: int | None = None) -> None:
        self._rig = rig
        self._client = client

    def read(self, service: int, name: str, **query: str) -> Any:
        """What a page loads: the `result`, or the sentence of the refusal."""
        return self._call(service, name, "GET", {}, query)

    def press(self, service: int, name: str, /, **fields: Any) -> Any:
        """Send a form of a page that is open, perhaps since long: the `result`, or the sentence of the refusal."""
        token = Signer(SECRET).sign_form(SESSION, "client", str(self._actor(service)), str(service))
        return self._call(service, name, "POST", {**fields, "form_token": token})

    def _actor(self, service: int) -> int:
        return self._client or int(Service.get_by_id(service).userid)

    def _call(
        self, service: int, name: str, method: str, fields: dict[str, Any], query: dict[str, str] | None = None
    ) -> Any:
        client = self._actor(service)
        request = {"method": method, "fields": fields, "query": query or {}}
        params = {"serviceid": service, "userid": client, "request": request}
        return ask(self._rig, f"/v1/client/{name}", params, {"type": "client", "id": client, "session": SESSION})
