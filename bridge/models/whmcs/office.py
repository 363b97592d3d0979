"""The rest of the office: staff, settings, mail, tickets and logs."""

from peewee import AutoField, IntegerField, TextField

from bridge.models.base import SharedModel, WhmcsDateTimeField


class Admin(SharedModel):
    """A member of staff."""

    id = AutoField()
    roleid = IntegerField(default=0)
    username = TextField(default="")
    firstname = TextField(default="")
    lastname = TextField(default="")
    email = TextField(default="")
    language = TextField(default="")
    disabled = IntegerField(default=0)

    class Meta:
        table_name = "tbladmins"


class Configuration(SharedModel):
    """A setting of WHMCS: SystemURL, CompanyName, Language …"""

    id = AutoField()
    setting = TextField(default="")
    value = TextField(default="")

    class Meta:
        table_name = "tblconfiguration"


class AddonSetting(SharedModel):
    """A setting of an addon: access, version and its own fields."""

    id = AutoField()
    module = TextField(default="")
    setting = TextField(default="")
    value = TextField(default="")

    class Meta:
        table_name = "tbladdonmodules"


class EmailTemplate(SharedModel):
    """An e-mail template; `type` product, `language` '' = default."""

    id = AutoField()
    type = TextField(default="")
    name = TextField(default="")
    subject = TextField(default="")
    message = TextField(default="")
    attachments = TextField(default="")
    fromname = TextField(default="")
    fromemail = TextField(default="")
    disabled = IntegerField(default=0)
    custom = IntegerField(default=0)
    language = TextField(default="")
    copyto = TextField(default="")
    plaintext = IntegerField(default=0)

    class Meta:
        table_name = "tblemailtemplates"


class Email(SharedModel):
    """An e-mail that WHMCS has sent to a client; `failed` 1 = it tried in vain (newer versions keep such rows)."""

    id = AutoField()
    userid = IntegerField(default=0, index=True)
    subject = TextField(default="")
    message = TextField(default="")
    date = WhmcsDateTimeField(null=True)
    to = TextField(default="")
    cc = TextField(default="")
    bcc = TextField(default="")
    attachments = TextField(default="")
    failed = IntegerField(default=0)

    class Meta:
        table_name = "tblemails"


class TicketDepartment(SharedModel):
    """A support department."""

    id = AutoField()
    name = TextField(default="")
    description = TextField(default="")
    email = TextField(default="")
    order = IntegerField(default=0)
    hidden = TextField(default="")
    clientsonly = TextField(default="")

    class Meta:
        table_name = "tblticketdepartments"


class Ticket(SharedModel):
    """A support ticket: `tid` the number people see, `did` the department, `title` the subject, `service` S and the id."""

    id = AutoField()
    tid = TextField(default="")
    did = IntegerField(default=0)
    userid = IntegerField(default=0, index=True)
    c = TextField(default="")
    date = WhmcsDateTimeField(null=True)
    title = TextField(default="")
    message = TextField(default="")
    status = TextField(default="Open")
    urgency = TextField(default="Medium")
    service = TextField(default="")

    class Meta:
        table_name = "tbltickets"


class ModuleLogEntry(SharedModel):
    """A module call in WHMCS's module log."""

    id = AutoField()
    date = WhmcsDateTimeField(null=True)
    module = TextField(default="")
    action = TextField(default="")
    request = TextField(default="")
    response = TextField(default="")
    arrdata = TextField(default="")

    class Meta:
        table_name = "tblmodulelog"


class ActivityLogEntry(SharedModel):
    """A line of the activity log; written through the API only."""

    id = AutoField()
    date = WhmcsDateTimeField(null=True)
    description = TextField(default="")
    user = TextField(default="")
    userid = IntegerField(default=0, index=True)
    ipaddr = TextField(default="")

    class Meta:
        table_name = "tblactivitylog"
