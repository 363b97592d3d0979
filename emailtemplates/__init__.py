"""What we say to clients: the five e-mail templates, one text file each, and how WHMCS knows them.

A file holds the unique name, the type and the subject as headers, then an empty line, then the body with WHMCS merge
fields. The texts are samples: the shop may change subject and body, never the unique name, by which WHMCS finds the
template.
"""

from emailtemplates.catalog import BACKUP_RESTORED, READY, RESET_PASSWORD, UPGRADE, WELCOME, EmailTemplate, catalog

__all__ = ["BACKUP_RESTORED", "READY", "RESET_PASSWORD", "UPGRADE", "WELCOME", "EmailTemplate", "catalog"]
