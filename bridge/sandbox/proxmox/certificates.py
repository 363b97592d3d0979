"""Certificates as a Proxmox VE cluster makes them for itself: an own CA, and one certificate per node signed by it."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_YEARS = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class Certificates:
    """Files of a cluster's CA and of one node. `fingerprint`: SHA-256 of the node's certificate, `AA:BB:…`."""

    ca: Path
    certificate: Path
    key: Path
    fingerprint: str


def make_certificates(folder: Path, names: list[str]) -> Certificates:
    """Make CA and node certificate in `folder`, or take those of an earlier run. May run twice.

    `names`: host names and addresses that the certificate is for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca, certificate, key = folder / "pve-root-ca.pem", folder / "pve-ssl.pem", folder / "pve-ssl.key"
    if not (ca.exists() and certificate.exists() and key.exists() and _is_for(certificate, names)):
        _make(ca, certificate, key, names)
    return Certificates(ca, certificate, key, _fingerprint(certificate))


def _make(ca: Path, certificate: Path, key: Path, names: list[str]) -> None:
    ca_key, node_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Proxmox Virtual Environment", "PVE Cluster Manager CA")
    ca_limits = x509.BasicConstraints(ca=True, path_length=None)
    ca_built = _builder(ca_name, ca_name, ca_key.public_key()).add_extension(ca_limits, critical=True)
    ca_signed = ca_built.sign(ca_key, hashes.SHA256())
    built = _builder(_name("Proxmox Virtual Environment", names[0]), ca_name, node_key.public_key())
    built = built.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    signed = built.sign(ca_key, hashes.SHA256())
    key.touch(mode=0o600)
    key.write_bytes(
        node_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    ca.write_bytes(ca_signed.public_bytes(serialization.Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_for(certificate: Path, names: list[str]) -> bool:
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    found = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return all(_alternative(name) in list(found) for name in names)


def _fingerprint(certificate: Path) -> str:
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)
