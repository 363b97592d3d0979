"""The e-mail templates in WHMCS: what is missing is created, what is there is left alone and told about.

No action of WHMCS's API creates templates, so the rows are written into its table. Type and unique name are what WHMCS finds
a template by; everything else belongs to the shop once the row is there.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.database import Database, alone, retry_lost_connection
from bridge.models.whmcs import EmailTemplate as Row
from emailtemplates import WELCOME, EmailTemplate, catalog

MISSPELT = {WELCOME: WELCOME.replace("VKM", "KVM")}
"""The spelling that looks right and that WHMCS is never asked for."""


@dataclass(frozen=True)
class TemplateReport:
    """What became of one template. `created` it was missing; `attention` an admin has to do something about it."""

    name: str
    text: str
    created: bool = False
    attention: bool = False

    @property
    def line(self) -> str:
        """One line for the admin."""
        return f'"{self.name}": {self.text}'


def missing_templates() -> list[TemplateReport]:
    """What `create_missing` would say now; nothing is written."""
    return [_look(template) for template in catalog()]


@retry_lost_connection
def create_missing(database: Database) -> list[TemplateReport]:
    """Create the templates that WHMCS lacks, in its default language; a report for each of the five.

    May run any number of times and in several processes at once: they take turns. A row that is there, edited, disabled or of
    another type, stays as it is. Raises DatabaseUnavailable.
    """
    with alone(database):
        reports = missing_templates()
        for template, report in zip(catalog(), reports, strict=True):
            if report.created:
                _create(template)
    return reports


def _look(template: EmailTemplate) -> TemplateReport:
    rows = list(Row.select().where(Row.name == template.name))
    default = next((row for row in rows if row.language == "" and row.type == template.type), None)
    if default is not None:
        return TemplateReport(template.name, _kept(template, default), attention=bool(default.disabled))
    if rows and rows[0].type != template.type:
        text = f"not created: WHMCS has it as type {rows[0].type} and sends only type Product/Service; change its type"
        return TemplateReport(template.name, text, attention=True)
    wrong = MISSPELT.get(template.name)
    if wrong and Row.select().where(Row.name == wrong).exists():
        text = f'not created, as there is "{wrong}": only the spelling VKM is sent; rename it, or delete it and run this again'
        return TemplateReport(template.name, text, attention=True)
    return TemplateReport(template.name, "created", created=True)


def _kept(template: EmailTemplate, row: Row) -> str:
    if row.disabled:
        return "kept, disabled: WHMCS does not send it until it is enabled"
    same = row.subject == template.subject and _words(row.message) == _words(template.message)
    return "kept" if same else "kept, edited"


def _words(message: str) -> Sequence[str]:
    """What a reader of the mail reads, however it is broken into lines and marked up."""
    return html.unescape(re.sub(r"<[^>]*>", " ", message)).split()


def _create(template: EmailTemplate) -> None:
    """All texts are given: the columns of WHMCS have no defaults."""
    Row.create(
        type=template.type,
        name=template.name,
        subject=template.subject,
        message=template.message,
        attachments="",
        fromname="",
        fromemail="",
        copyto="",
        language="",
        plaintext=0,
        disabled=0,
        custom=1,
    )
