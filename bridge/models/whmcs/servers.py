"""Where it runs: server entries and their groups."""

from peewee import AutoField, DecimalField, IntegerField, TextField

from bridge.models.base import SharedModel


class Server(SharedModel):
    """A server entry; `assignedips` is the legacy address list, `password` encrypted, `secure` 'on' or '', `port` NULL = default."""

    id = AutoField()
    name = TextField(default="")
    ipaddress = TextField(default="")
    assignedips = TextField(default="")
    hostname = TextField(default="")
    monthlycost = DecimalField(max_digits=16, decimal_places=2, default=0)
    noc = TextField(default="")
    statusaddress = TextField(default="")
    maxaccounts = IntegerField(default=0)
    type = TextField(default="")
    username = TextField(default="")
    password = TextField(default="")
    accesshash = TextField(default="")
    secure = TextField(default="")
    port = IntegerField(null=True)
    active = IntegerField(default=0)
    disabled = IntegerField(default=0)

    class Meta:
        table_name = "tblservers"


class ServerGroup(SharedModel):
    """A group of servers that products choose from."""

    id = AutoField()
    name = TextField(default="")
    filltype = IntegerField(default=0)

    class Meta:
        table_name = "tblservergroups"


class ServerGroupMember(SharedModel):
    """Which server is in which group."""

    id = AutoField()
    groupid = IntegerField(default=0)
    serverid = IntegerField(default=0)

    class Meta:
        table_name = "tblservergroupsrel"
