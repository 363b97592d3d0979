"""The table of the module protocol: nonces that were already used, shared by all web processes."""

from peewee import CharField, IntegerField

from bridge.models.companion import CompanionModel


class Nonce(CompanionModel):
    """A nonce that was accepted. The primary key is what makes a second acceptance fail; `expires_at` in epoch seconds."""

    nonce = CharField(max_length=64, primary_key=True)
    expires_at = IntegerField(index=True)

    class Meta:
        table_name = "kvm_bridge_nonce"
