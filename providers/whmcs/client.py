"""The actions of WHMCS's external API that we use, each as a method.

The client never repeats a call. Writes that failed with `outcome_unknown` may have happened: look before repeating them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from providers.errors import Rejected
from providers.whmcs import phpserialize, transport
from providers.whmcs.errors import Nonsense

# WHMCS encodes what it takes in for HTML before anything else sees it (e.g. github.com/registrobr/whmcs-registrobr-epp
# issue 99), so a stored secret may come back encoded. Only the five entities of htmlspecialchars, each with its
# semicolon: a general decoder would damage a password such as "a&lt3b". The ampersand goes last.
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#039;", "'"), ("&amp;", "&"))

_READS = frozenset({"DecryptPassword", "EncryptPassword", "WhmcsDetails"})


@dataclass(frozen=True)
class Ticket:
    """A ticket that WHMCS opened: `id` of the row, `number` as staff and client see it."""

    id: int
    number: str


@dataclass(frozen=True)
class SentEmail:
    """A mail in the client's log; `date` as WHMCS wrote it, in the shop's own time zone."""

    id: int
    subject: str
    date: str


@dataclass(frozen=True)
class Template:
    """An e-mail template; `custom` True = made by the shop."""

    id: int
    name: str
    subject: str
    custom: bool


@dataclass(frozen=True)
class Department:
    """A support department."""

    id: int
    name: str


class WhmcsApi:
    """One shop's API. Safe to share between calls of one thread; every method raises ProviderError.

    `url` is the shop's System URL (or api.php itself), `identifier` and `secret` an API credential, `access_key` the
    `$api_access_key` of the shop's configuration.php where its address list does not know us. `verify` is requests' own:
    True, or the path of a CA bundle. `timeout` is (connect, read) in seconds. `adapter` stands in for the network.
    """

    def __init__(
        self,
        url: str,
        identifier: str,
        secret: str,
        *,
        access_key: str = "",
        verify: bool | str = True,
        timeout: tuple[float, float] = (5.0, 30.0),
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._url = _endpoint(url)
        self._login = {"identifier": identifier, "secret": secret}
        if access_key:
            self._login["accesskey"] = access_key
        self._timeout = timeout
        self._session = requests.Session()
        if adapter is not None:
            self._session.mount(self._url, adapter)
        self._session.verify = verify
        # A .netrc or a proxy of the surrounding shell must not decide where credentials go.
        self._session.trust_env = False

    def __repr__(self) -> str:
        return f"<WhmcsApi {self._url}>"

    def call(self, action: str, parameters: Mapping[str, Any] | None = None, about: str = "") -> dict[str, Any]:
        """Any action; the whole answer. `about` names the object in error texts, e.g. "service 5".

        Lists and maps among `parameters` are spelled `name[key]`, None is left out.
        """
        fields = dict(_flat(parameters or {}))
        fields |= {**self._login, "action": action, "responsetype": "json"}
        writes = not (action.startswith("Get") or action in _READS)
        subject = f"{action} {about}".strip()
        return transport.post(self._session, self._url, fields, subject=subject, writes=writes, timeout=self._timeout)

    def send_email(self, template: str, service_id: int, variables: Mapping[str, str] | None = None) -> None:
        """Send a product template to the client of a service; `variables` are further merge fields.

        WHMCS reads address, user name and password of the service at this moment. Not safe to repeat.
        Raises TemplateMissing, TemplateDisabled, SendingFailed besides the general errors.
        """
        parameters: dict[str, Any] = {"messagename": template, "id": service_id}
        if variables:
            parameters["customvars"] = phpserialize.to_parameter(variables)
        self.call("SendEmail", parameters, f'"{template}", service {service_id}')

    def decrypt(self, ciphertext: str) -> str:
        """The clear text of a password that WHMCS stored. An empty ciphertext is an empty password."""
        if not ciphertext:
            return ""
        text = self._password("DecryptPassword", ciphertext)
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
        return text

    def encrypt(self, plain: str) -> str:
        """`plain` as WHMCS stores it; another ciphertext each time."""
        return self._password("EncryptPassword", plain)

    def log_activity(self, description: str, client_id: int = 0) -> None:
        """Write a line into the Activity Log, visible in the client's log too when `client_id` is given. Not safe to repeat."""
        owner = {"clientid": client_id, "userid": client_id} if client_id else {}  # WHMCS < 8.0 knows userid only
        self.call("LogActivity", {"description": description, **owner}, f"client {client_id}" if client_id else "")

    def open_ticket(
        self,
        department_id: int,
        client_id: int,
        subject: str,
        message: str,
        *,
        service_id: int | None = None,
        priority: str = "Medium",
    ) -> Ticket:
        """Open a ticket in the client's name; `priority` Low, Medium or High. Never repeat it without looking."""
        parameters = {
            "deptid": department_id,
            "clientid": client_id,
            "subject": subject,
            "message": message,
            "serviceid": service_id,
            "priority": priority,
        }
        about = f"department {department_id}, client {client_id}"
        answer = self.call("OpenTicket", parameters, about)
        return Ticket(int(answer.get("id") or 0), str(answer.get("tid", "")))

    def emails(self, client_id: int, subject: str | None = None, limit: int = 25) -> list[SentEmail]:
        """Mails that went to a client; `subject` narrows them by WHMCS's approximate match."""
        parameters = {"clientid": client_id, "subject": subject, "limitnum": limit}
        answer = self.call("GetEmails", parameters, f"client {client_id}")
        rows = _rows(answer, "emails", "email")
        return [SentEmail(int(row["id"]), str(row.get("subject", "")), str(row.get("date", ""))) for row in rows]

    def support_departments(self) -> list[Department]:
        """All support departments, whatever the credential's admin is assigned to."""
        answer = self.call("GetSupportDepartments", {"ignore_dept_assignments": True})
        rows = _rows(answer, "departments", "department")
        return [Department(int(row["id"]), str(row.get("name", ""))) for row in rows]

    def email_templates(self, kind: str = "product") -> list[Template]:
        """E-mail templates of one type in the shop's default language."""
        rows = _rows(self.call("GetEmailTemplates", {"type": kind}), "emailtemplates", "emailtemplate")
        return [
            Template(int(row["id"]), str(row.get("name", "")), str(row.get("subject", "")), _flag(row.get("custom")))
            for row in rows
        ]

    def _password(self, action: str, value: str) -> str:
        answer = self.call(action, {"password2": value})
        if not isinstance(answer.get("password"), str):
            raise Nonsense(f"WHMCS API {action}: the answer holds no password")
        return str(answer["password"])


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Rejected("The address of the WHMCS API must be a plain http(s) URL without user name and query")
    path = parts.path.rstrip("/")
    if not path.endswith(".php"):
        path += "/includes/api.php"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _flat(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`parameters` as PHP form fields: `k[0]`, `k[x]` for arrays, 1 and empty for booleans."""
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _flat({f"{name}[{key}]": inner for key, inner in value.items()})
        elif isinstance(value, list | tuple):
            yield from _flat({f"{name}[{index}]": inner for index, inner in enumerate(value)})
        elif isinstance(value, bool):
            yield name, "1" if value else ""
        elif value is not None:
            yield name, str(value)


def _rows(answer: Mapping[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    """The rows of a list answer. PHP prints an empty map as `[]` and may print a list as a map of numbers."""
    box = answer.get(outer)
    found = box.get(inner, []) if isinstance(box, dict) else []
    if isinstance(found, dict):
        found = [found] if "id" in found else list(found.values())
    return [row for row in found if isinstance(row, dict) and "id" in row]


def _flag(value: object) -> bool:
    return str(value).lower() in ("1", "true", "on")
