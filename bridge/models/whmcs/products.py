"""What is sold: products, their configurable options and prices."""

from peewee import AutoField, DecimalField, IntegerField, TextField

from bridge.models.base import SharedModel


class ProductGroup(SharedModel):
    """A group of products in the order form."""

    id = AutoField()
    name = TextField(default="")
    slug = TextField(default="")
    hidden = IntegerField(default=0)
    order = IntegerField(default=0)

    class Meta:
        table_name = "tblproductgroups"


class Product(SharedModel):
    """A product; `servertype` is the module's name, `autosetup` '', on, payment or order."""

    id = AutoField()
    type = TextField(default="")
    gid = IntegerField(default=0, index=True)
    name = TextField(default="")
    description = TextField(default="")
    hidden = IntegerField(default=0)
    retired = IntegerField(default=0)
    paytype = TextField(default="")
    servertype = TextField(default="")
    servergroup = IntegerField(default=0)
    welcomeemail = IntegerField(default=0)
    upgradeemail = IntegerField(default=0)
    autosetup = TextField(default="")
    configoptionsupgrade = IntegerField(default=0)
    order = IntegerField(default=0)
    configoption1 = TextField(default="")
    configoption2 = TextField(default="")
    configoption3 = TextField(default="")
    configoption4 = TextField(default="")
    configoption5 = TextField(default="")
    configoption6 = TextField(default="")
    configoption7 = TextField(default="")
    configoption8 = TextField(default="")
    configoption9 = TextField(default="")
    configoption10 = TextField(default="")
    configoption11 = TextField(default="")
    configoption12 = TextField(default="")
    configoption13 = TextField(default="")
    configoption14 = TextField(default="")
    configoption15 = TextField(default="")
    configoption16 = TextField(default="")
    configoption17 = TextField(default="")
    configoption18 = TextField(default="")
    configoption19 = TextField(default="")
    configoption20 = TextField(default="")
    configoption21 = TextField(default="")
    configoption22 = TextField(default="")
    configoption23 = TextField(default="")
    configoption24 = TextField(default="")

    class Meta:
        table_name = "tblproducts"


class ProductUpgradePath(SharedModel):
    """A product that another product may be upgraded to."""

    id = AutoField()
    product_id = IntegerField(default=0)
    upgrade_product_id = IntegerField(default=0)

    class Meta:
        table_name = "tblproduct_upgrade_products"


class OptionGroup(SharedModel):
    """A group of configurable options."""

    id = AutoField()
    name = TextField(default="")
    description = TextField(default="")

    class Meta:
        table_name = "tblproductconfiggroups"


class OptionGroupLink(SharedModel):
    """Which option group (`gid`) belongs to which product (`pid`)."""

    id = AutoField()
    gid = IntegerField(default=0)
    pid = IntegerField(default=0)

    class Meta:
        table_name = "tblproductconfiglinks"


class ConfigurableOption(SharedModel):
    """A configurable option: `optiontype` 1 dropdown, 2 radio, 3 yes/no, 4 quantity; `optionname` may be `key|Label`."""

    id = AutoField()
    gid = IntegerField(default=0)
    optionname = TextField(default="")
    optiontype = TextField(default="1")
    qtyminimum = IntegerField(default=0)
    qtymaximum = IntegerField(default=0)
    order = IntegerField(default=0)
    hidden = IntegerField(default=0)

    class Meta:
        table_name = "tblproductconfigoptions"


class OptionChoice(SharedModel):
    """A choice of a configurable option, `value|Label`."""

    id = AutoField()
    configid = IntegerField(default=0, index=True)
    optionname = TextField(default="")
    sortorder = IntegerField(default=0)
    hidden = IntegerField(default=0)

    class Meta:
        table_name = "tblproductconfigoptionssub"


class Currency(SharedModel):
    """A currency; prices exist once per currency."""

    id = AutoField()
    code = TextField(default="")
    prefix = TextField(default="")
    suffix = TextField(default="")
    format = IntegerField(default=0)
    rate = DecimalField(max_digits=16, decimal_places=2, default=0)
    default = IntegerField(default=0)

    class Meta:
        table_name = "tblcurrencies"


class Pricing(SharedModel):
    """Prices of a product or option choice (`type`, `relid`) in one currency; -1 = cycle not offered."""

    id = AutoField()
    type = TextField(default="")
    currency = IntegerField(default=0)
    relid = IntegerField(default=0)
    msetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    qsetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    ssetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    asetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    bsetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    tsetupfee = DecimalField(max_digits=16, decimal_places=2, default=0)
    monthly = DecimalField(max_digits=16, decimal_places=2, default=0)
    quarterly = DecimalField(max_digits=16, decimal_places=2, default=0)
    semiannually = DecimalField(max_digits=16, decimal_places=2, default=0)
    annually = DecimalField(max_digits=16, decimal_places=2, default=0)
    biennially = DecimalField(max_digits=16, decimal_places=2, default=0)
    triennially = DecimalField(max_digits=16, decimal_places=2, default=0)

    class Meta:
        table_name = "tblpricing"
