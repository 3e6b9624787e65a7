"""An authenticator in software behind the client of the Python library fido2: CTAP2 with resident keys and user verification."""

import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor
from fido2.cose import ES256, RS256, EdDSA
from fido2.ctap import CtapDevice
from fido2.hid import CAPABILITY, CTAPHID
from fido2.utils import sha256
from fido2.webauthn import AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG
AAGUID = bytes(range(16))
# Commands of CTAP 2.0, section 6.
MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO = 1, 2, 4
OK, NO_CREDENTIALS, EXCLUDED = b"\x00", b"\x2e", b"\x19"


@dataclass
class Key:
    """A private key, with the COSE key of its public half."""

    private: object
    cose: dict

    @classmethod
    def es256(cls):
        private = ec.generate_private_key(ec.SECP256R1())
        return cls(private, ES256.from_cryptography_key(private.public_key()))

    @classmethod
    def rs256(cls):
        private = rsa.generate_private_key(65537, 2048)
        return cls(private, RS256.from_cryptography_key(private.public_key()))

    @classmethod
    def eddsa(cls):
        private = ed25519.Ed25519PrivateKey.generate()
        return cls(private, EdDSA.from_cryptography_key(private.public_key()))

    def sign(self, message):
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(message)


@dataclass
class Passkey:
    """A resident credential."""

    rp_id: str
    user: dict
    key: Key
    id: bytes = field(default_factory=lambda: os.urandom(32))
    counter: int = 0
    backup: int = 0

    @property
    def attested(self):
        return AttestedCredentialData.create(AAGUID, self.id, self.key.cose)

    def data(self, flags=FLAG.UP | FLAG.UV, attested=False):
        """Authenticator data. The counter rises with each."""
        self.counter += 1
        flags = FLAG(flags | self.backup | (FLAG.AT if attested else 0))
        credential = self.attested if attested else b""
        return AuthenticatorData.create(sha256(self.rp_id.encode()), flags, self.counter, credential)


class Device(CtapDevice):
    """The authenticator. It holds the passkeys that it made."""

    def __init__(self, algorithm=Key.es256, backup=0):
        self.algorithm, self.backup, self.passkeys = algorithm, backup, []

    @property
    def capabilities(self):
        return CAPABILITY.CBOR

    @classmethod
    def list_devices(cls):
        return iter(())

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        assert cmd == CTAPHID.CBOR, cmd
        parameters = cbor.decode(data[1:]) if len(data) > 1 else {}
        commands = {GET_INFO: self.info, MAKE_CREDENTIAL: self.make_credential, GET_ASSERTION: self.get_assertion}
        return commands[data[0]](parameters)

    def info(self, _):
        return OK + cbor.encode({1: ["FIDO_2_0"], 3: AAGUID, 4: {"rk": True, "up": True, "uv": True}, 6: [2]})

    def make_credential(self, parameters):
        rp, user, excluded, options = parameters[2], parameters[3], parameters.get(5, []), parameters.get(7, {})
        assert options == {"rk": True, "uv": True}, f"the options ask for a resident key and verification: {options}"
        if any(passkey.id == one["id"] for passkey in self.passkeys for one in excluded):
            return EXCLUDED
        passkey = Passkey(rp["id"], user, self.algorithm(), backup=self.backup)
        assert passkey.key.cose[3] in [one["alg"] for one in parameters[4]], "the algorithm was asked for"
        self.passkeys.append(passkey)
        return OK + cbor.encode({1: "none", 2: bytes(passkey.data(attested=True)), 3: {}})

    def get_assertion(self, parameters):
        allowed = [one["id"] for one in parameters.get(3, [])]
        found = [one for one in self.passkeys if one.rp_id == parameters[1] and (not allowed or one.id in allowed)]
        if not found:
            return NO_CREDENTIALS
        passkey = found[-1]
        is_present = parameters.get(5, {}).get("up", True)
        data = bytes(passkey.data(FLAG.UP | FLAG.UV if is_present else FLAG(0)))
        signature = passkey.key.sign(data + parameters[2])
        credential = {"type": "public-key", "id": passkey.id}
        return OK + cbor.encode({1: credential, 2: data, 3: signature, 4: passkey.user})
