"""What an installation does about the e-mail templates in WHMCS, on SQLite and on MariaDB."""

import multiprocessing
from typing import Any

import pytest

from bridge.database import Database, close_connection, connect
from bridge.mail_templates import create_missing, missing_templates
from bridge.models.whmcs import EmailTemplate
from bridge.sandbox.whmcs import WhmcsAdapter, WhmcsSandbox
from emailtemplates import READY, WELCOME, catalog
from providers.whmcs import WhmcsApi
from tests.factories import make_client, make_service
from tests.shop import VirtualClock

NAMES = [template.name for template in catalog()]
KVM = "puqProxmoxKVM Welcome Email"


def rows() -> list[dict[str, Any]]:
    return list(EmailTemplate.select().order_by(EmailTemplate.id).dicts())


def texts(database: Database) -> dict[str, str]:
    return {report.name: report.text for report in create_missing(database)}


def stored(name: str, **columns: Any) -> None:
    """A template as an admin has made it."""
    EmailTemplate.create(**{"type": "product", "name": name, "subject": "S", "message": "M", **columns})


@pytest.mark.req("EML-18")
def test_all_five_are_created_as_whmcs_finds_and_shows_them(database: Database) -> None:
    assert texts(database) == dict.fromkeys(NAMES, "created")
    assert [(row["name"], row["subject"]) for row in rows()] == [(each.name, each.subject) for each in catalog()]
    shape = {"type": "product", "language": "", "custom": 1, "disabled": 0, "plaintext": 0}
    shape |= dict.fromkeys(("attachments", "fromname", "fromemail", "copyto"), "")
    assert [{key: row[key] for key in shape} for row in rows()] == [shape] * 5


@pytest.mark.req("EML-18")
def test_the_table_of_a_newer_whmcs_with_columns_without_defaults_takes_them(database: Database) -> None:
    database.execute_sql("DROP TABLE tblemailtemplates")
    key = "INTEGER PRIMARY KEY" if database.dialect == "sqlite" else "INT AUTO_INCREMENT PRIMARY KEY"
    needed = ("type", "name", "subject", "message", "attachments", "fromname", "fromemail", "language", "copyto")
    columns = [f"{name} TEXT NOT NULL" for name in (*needed, "blind_copy_to")]
    columns += ["disabled INT NOT NULL", "custom INT NOT NULL", "plaintext INT NOT NULL", "created_at TIMESTAMP NULL"]
    database.execute_sql(f"CREATE TABLE tblemailtemplates (id {key}, {', '.join(columns)})")
    create_missing(database)
    found = database.execute_sql("SELECT name, blind_copy_to FROM tblemailtemplates ORDER BY id").fetchall()
    assert list(found) == [(name, "") for name in NAMES]


@pytest.mark.req("EML-18")
def test_a_created_template_arrives_line_by_line_at_the_client(database: Database) -> None:
    create_missing(database)
    sandbox = WhmcsSandbox(VirtualClock())
    whmcs = WhmcsApi("https://whmcs.sandbox", sandbox.identifier, sandbox.secret, adapter=WhmcsAdapter(sandbox))
    service = make_service(userid=make_client(firstname="Jan", lastname="Nowak").id, dedicatedip="192.0.2.5")
    whmcs.send_email(READY, service.id)
    assert sandbox.mails[0].subject == "Virtual Machine is ready"
    assert sandbox.mails[0].body.startswith(
        "Dear Jan Nowak,\n\nYour virtual machine is already ready.\nYou can connect"
    )


@pytest.mark.req("EML-19")
def test_a_second_run_changes_nothing(database: Database) -> None:
    create_missing(database)
    before = rows()
    assert texts(database) == dict.fromkeys(NAMES, "kept")
    assert rows() == before


@pytest.mark.req("EML-19")
@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"message": "Our own words"}, "kept, edited"),
        ({"subject": "Hello"}, "kept, edited"),
        ({"disabled": 1}, "kept, disabled: WHMCS does not send it until it is enabled"),
        ({"message": catalog()[1].message.replace("<br />", "<br>\r\n")}, "kept"),
        ({"message": catalog()[1].body}, "kept"),
    ],
    ids=["edited body", "edited subject", "disabled", "saved by the editor", "typed in from the manual"],
)
def test_what_an_admin_has_done_to_a_template_stays(database: Database, columns: dict[str, Any], text: str) -> None:
    create_missing(database)
    EmailTemplate.update(columns).where(EmailTemplate.name == READY).execute()
    before = rows()
    assert texts(database)[READY] == text
    assert rows() == before


@pytest.mark.req("EML-19")
def test_only_what_is_missing_is_created(database: Database) -> None:
    stored(READY)
    assert texts(database) == {**dict.fromkeys(NAMES, "created"), READY: "kept, edited"}
    assert sorted(row["name"] for row in rows()) == sorted(NAMES)


@pytest.mark.req("EML-18")
def test_a_template_that_is_there_in_one_language_only_gets_its_default_row(database: Database) -> None:
    stored(READY, language="polish")
    assert texts(database)[READY] == "created"
    assert sorted(row["language"] for row in rows() if row["name"] == READY) == ["", "polish"]


@pytest.mark.req("EML-20")
def test_a_template_of_another_type_is_told_and_not_doubled(database: Database) -> None:
    stored(READY, type="general")
    assert texts(database)[READY].startswith("not created: WHMCS has it as type general")
    assert [row["type"] for row in rows() if row["name"] == READY] == ["general"]


@pytest.mark.req("EML-20")
def test_the_welcome_mail_under_the_other_spelling_is_told_and_not_doubled(database: Database) -> None:
    stored(KVM)
    text = texts(database)[WELCOME]
    assert text.startswith(f'not created, as there is "{KVM}": only the spelling VKM is sent')
    assert sorted(row["name"] for row in rows()) == sorted([KVM, *(name for name in NAMES if name != WELCOME)])
    EmailTemplate.update(name=WELCOME).where(EmailTemplate.name == KVM).execute()
    assert texts(database)[WELCOME] == "kept, edited"


@pytest.mark.req("EML-20")
def test_both_spellings_side_by_side_are_no_trouble(database: Database) -> None:
    stored(KVM)
    stored(WELCOME)
    assert texts(database)[WELCOME] == "kept, edited"


@pytest.mark.req("EML-19")
def test_a_look_tells_the_same_and_writes_nothing(database: Database) -> None:
    stored(READY, disabled=1)
    before = rows()
    looked = missing_templates()
    assert rows() == before
    assert create_missing(database) == looked


def _create(url: str) -> None:
    create_missing(connect(url))
    close_connection()


@pytest.mark.req("EML-19")
def test_four_at_once_create_each_template_once(database: Database, database_url: str) -> None:
    close_connection()
    processes = [multiprocessing.Process(target=_create, args=(database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert [row["name"] for row in rows()] == NAMES
