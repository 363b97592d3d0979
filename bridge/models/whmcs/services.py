"""What clients have: clients, services, the options they chose, orders and upgrades."""

from peewee import AutoField, CharField, DecimalField, IntegerField, TextField

from bridge.models.base import SharedModel, WhmcsDateField, WhmcsDateTimeField


class Client(SharedModel):
    """A client account; `status` is Active, Inactive or Closed."""

    id = AutoField()
    firstname = TextField(default="")
    lastname = TextField(default="")
    companyname = TextField(default="")
    email = TextField(default="")
    address1 = TextField(default="")
    address2 = TextField(default="")
    city = TextField(default="")
    state = TextField(default="")
    postcode = TextField(default="")
    country = TextField(default="")
    phonenumber = TextField(default="")
    language = TextField(default="")
    currency = IntegerField(default=0)
    groupid = IntegerField(default=0)
    status = CharField(max_length=16, default="Active")
    datecreated = WhmcsDateField(null=True)

    class Meta:
        table_name = "tblclients"


class Service(SharedModel):
    """A service: one product ordered by one client. `server` 0 = none; `password` is encrypted; `domainstatus` is
    Pending, Active, Suspended, Terminated, Cancelled, Fraud or Completed; `assignedips` one address per line.
    """

    id = AutoField()
    userid = IntegerField(default=0, index=True)
    orderid = IntegerField(default=0, index=True)
    packageid = IntegerField(default=0, index=True)
    server = IntegerField(default=0, index=True)
    regdate = WhmcsDateField(null=True)
    domain = TextField(default="")
    paymentmethod = TextField(default="")
    firstpaymentamount = DecimalField(max_digits=16, decimal_places=2, default=0)
    amount = DecimalField(max_digits=16, decimal_places=2, default=0)
    billingcycle = TextField(default="")
    nextduedate = WhmcsDateField(null=True)
    nextinvoicedate = WhmcsDateField(null=True)
    domainstatus = CharField(max_length=16, default="Pending")
    username = TextField(default="")
    password = TextField(default="")
    notes = TextField(default="")
    suspendreason = TextField(default="")
    dedicatedip = TextField(default="")
    assignedips = TextField(default="")
    ns1 = TextField(default="")
    ns2 = TextField(default="")
    diskusage = IntegerField(default=0)
    disklimit = IntegerField(default=0)
    bwusage = IntegerField(default=0)
    bwlimit = IntegerField(default=0)
    lastupdate = WhmcsDateTimeField(null=True)
    created_at = WhmcsDateTimeField(null=True)
    updated_at = WhmcsDateTimeField(null=True)

    class Meta:
        table_name = "tblhosting"


class ChosenOption(SharedModel):
    """What a service (`relid`) chose: the choice (`optionid`) for types 1 and 2, `qty` for types 3 and 4."""

    id = AutoField()
    relid = IntegerField(default=0, index=True)
    configid = IntegerField(default=0)
    optionid = IntegerField(default=0)
    qty = IntegerField(default=0)

    class Meta:
        table_name = "tblhostingconfigoptions"


class Order(SharedModel):
    """An order; `status` Pending, Active, Cancelled or Fraud."""

    id = AutoField()
    ordernum = TextField(default="")
    userid = IntegerField(default=0, index=True)
    date = WhmcsDateTimeField(null=True)
    amount = DecimalField(max_digits=16, decimal_places=2, default=0)
    paymentmethod = TextField(default="")
    invoiceid = IntegerField(default=0)
    status = TextField(default="")

    class Meta:
        table_name = "tblorders"


class Upgrade(SharedModel):
    """An upgrade order of a service (`relid`): `type` package or configoptions, `status` Pending or Completed, `paid` Y or N."""

    id = AutoField()
    userid = IntegerField(default=0)
    orderid = IntegerField(default=0)
    type = TextField(default="")
    date = WhmcsDateField(null=True)
    relid = IntegerField(default=0)
    originalvalue = TextField(default="")
    newvalue = TextField(default="")
    amount = DecimalField(max_digits=16, decimal_places=2, default=0)
    recurringchange = DecimalField(max_digits=16, decimal_places=2, default=0)
    status = CharField(max_length=16, default="Pending")
    paid = CharField(max_length=16, default="N")

    class Meta:
        table_name = "tblupgrades"


class CustomField(SharedModel):
    """A custom field of a product or client (`type`, `relid`); `adminonly`, `required` … are 'on' or ''."""

    id = AutoField()
    type = TextField(default="")
    relid = IntegerField(default=0)
    fieldname = TextField(default="")
    fieldtype = TextField(default="")
    description = TextField(default="")
    fieldoptions = TextField(default="")
    regexpr = TextField(default="")
    adminonly = TextField(default="")
    required = TextField(default="")
    showorder = TextField(default="")
    showinvoice = TextField(default="")
    sortorder = IntegerField(default=0)

    class Meta:
        table_name = "tblcustomfields"


class CustomFieldValue(SharedModel):
    """The value of a custom field for one service or client (`relid`)."""

    id = AutoField()
    fieldid = IntegerField(default=0, index=True)
    relid = IntegerField(default=0)
    value = TextField(default="")

    class Meta:
        table_name = "tblcustomfieldsvalues"
