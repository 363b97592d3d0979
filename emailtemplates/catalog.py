"""The five templates as values, read from the text files beside this one."""

import html
from dataclasses import dataclass
from functools import cache
from importlib import resources

WELCOME = "puqProxmoxVKM Welcome Email"  # sic: shops have carried this spelling since version 1.0
READY = "puqProxmoxKVM VM is ready"
RESET_PASSWORD = "puqProxmoxKVM Reset password"
BACKUP_RESTORED = "puqProxmoxKVM Backup restored"
UPGRADE = "puqProxmoxKVM Upgrade Email"


@dataclass(frozen=True)
class EmailTemplate:
    """One template: `name` is WHMCS's unique name, `type` its template type, `body` plain text with merge fields.

    `when` says in one line when the client gets it; `selectable` whether a product may choose another template instead.
    """

    name: str
    type: str
    subject: str
    body: str
    when: str
    selectable: bool

    @property
    def message(self) -> str:
        """The body as WHMCS keeps it: HTML, as its editor writes it. Line breaks of plain text would be lost in the mail."""
        paragraphs = html.escape(self.body.strip(), quote=False).split("\n\n")
        return "\n".join(f"<p>{'<br />'.join(paragraph.splitlines())}</p>" for paragraph in paragraphs)


_SOURCES = (
    ("welcome.txt", "on order acceptance, before the VM is deployed", False),
    ("ready.txt", "when the VM is deployed and runs", True),
    ("reset_password.txt", "after a new password works in the VM", True),
    ("backup_restored.txt", "after a backup is restored and the VM runs", True),
    ("upgrade.txt", "after a changed package is applied and the VM runs", False),
)


@cache
def catalog() -> tuple[EmailTemplate, ...]:
    """All five templates in the order of a VM's life."""
    return tuple(_read(file, when, selectable) for file, when, selectable in _SOURCES)


def _read(file: str, when: str, selectable: bool) -> EmailTemplate:
    text = (resources.files("emailtemplates") / file).read_text(encoding="utf-8")
    head, body = text.split("\n\n", 1)
    headers = dict(line.split(": ", 1) for line in head.splitlines())
    return EmailTemplate(headers["Name"], headers["Type"], headers["Subject"], body.strip() + "\n", when, selectable)
