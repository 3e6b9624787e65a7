"""Passkeys against an independent implementation of WebAuthn: the Python library fido2.

    python tests/fido2/ceremonies.py [binary]    with a Python that has fido2

1. A gateway that keeps nothing; two users who register and sign in through the real pages.
2. Each adds a passkey and signs in with it. The client of the library reads the options of the page, its authenticator answers, and its server
   checks the same answer before Latchkey gets it.
3. Changed ceremonies, each with a right signature unless the signature is what changes: each is refused with 4xx, opens no session and leaves
   the passkeys of the account as they were.
4. After all of them the right ceremonies still work, so nothing was refused for another reason.
"""

import html.parser
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass, field

from device import AAGUID, FLAG, Device, Key, Passkey
from fido2 import cbor
from fido2.client import DefaultClientDataCollector, Fido2Client
from fido2.server import Fido2Server
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import CollectedClientData

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/openapi"))
import run as openapi  # noqa: E402

SECONDS = 60
GET, CREATE = CollectedClientData.TYPE.GET, CollectedClientData.TYPE.CREATE


class Options(html.parser.HTMLParser):
    """The options that a page has for its script."""

    def __init__(self, page):
        super().__init__()
        self.json = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.json = dict(attributes).get("data-passkey", self.json)


class Browser(openapi.User):
    """A user's browser, on the pages."""

    def __init__(self, origin, email=None):
        super().__init__(origin)
        self.email = email
        self.mails = 0

    def code(self):
        """The code of the next mail."""
        for _ in range(200):
            mails = json.loads(self.send("GET", f"/dev/mailbox.json?to={self.email}", 200)[0])
            if len(mails) > self.mails:
                self.mails += 1
                # The newest is first.
                return mails[len(mails) - self.mails]["codes"][0]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {self.email}")

    def register(self):
        registration = self.start_registration(self.email)
        self.send("POST", f"/v1/registrations/{registration}/verification", 201, {"code": self.code()})

    def sign_in_by_password(self, next_page):
        address = f"/login?{urllib.parse.urlencode({'return_to': next_page})}"
        page = self.send("GET", address, 200)[0]
        typed = openapi.Fields(page).found | {"identifier": self.email, "password": openapi.PASSWORD}
        assert self.form(address, 303, typed)[1] == next_page

    def prove_address(self):
        """Types the code from a mail, which a session by password needs before it adds a passkey."""
        address = self.send("GET", "/account/passkeys/new", 303)[1]
        page = self.send("GET", address, 200)[0]
        address = self.form(address, 303, openapi.Fields(page).found)[1]
        page = self.send("GET", address, 200)[0]
        self.form(address, 303, openapi.Fields(page).found | {"mail_code": self.code()})

    def options(self, address):
        """The options of a page for the browser, its sealed challenge, and the hidden fields of its forms."""
        page = self.send("GET", address, 200)[0]
        options = json.loads(Options(page).json)
        return options["publicKey"], openapi.Fields(page).found | {"state": options["state"]}

    def post(self, address, credential, hidden):
        """Posts a credential. The status, and whether the answer opened a session."""
        body = hidden | {"credential": credential if isinstance(credential, str) else json.dumps(credential)}
        status, _, headers = self.exchange("POST", address, body, "application/x-www-form-urlencoded")
        return status, any("session" in cookie for cookie in headers.get_all("Set-Cookie") or [])

    def passkeys(self):
        """What the page of passkeys shows, without values of its forms."""
        page = self.send("GET", "/account/passkeys", 200)[0]
        return re.sub(r'name="anti_forgery" value="[^"]*"|nonce[^ >]*', "", page)

    def has_session(self):
        return self.exchange("GET", "/account/passkeys")[0] == 200


def client(device, origin):
    return Fido2Client(device, DefaultClientDataCollector(origin))


def state_of(options):
    """What the server of the library keeps between the two halves of a ceremony."""
    return {"challenge": options["challenge"], "user_verification": "required"}


def add(browser, device):
    """Adds a passkey by a ceremony of the library alone."""
    options, hidden = browser.options("/account/passkeys/new")
    response = client(device, browser.origin).make_credential(options)
    server = Fido2Server(options["rp"], verify_origin=lambda origin: origin == browser.origin)
    server.register_complete(state_of(options), response)
    assert browser.post("/account/passkeys/new", dict(response), hidden)[0] == 303, "the creation is accepted"
    return device.passkeys[-1]


def sign_in(origin, device):
    """Signs in by a ceremony of the library alone, in a new browser."""
    browser = Browser(origin)
    options, hidden = browser.options("/login")
    assert options["allowCredentials"] == [], "the page names no passkey"
    response = client(device, origin).get_assertion(options).get_response(0)
    server = Fido2Server({"id": options["rpId"], "name": "x"}, verify_origin=lambda asked: asked == origin)
    credentials = [passkey.attested for passkey in device.passkeys]
    server.authenticate_complete(state_of(options), credentials, response)
    status, opened = browser.post("/login/passkey", dict(response), hidden)
    assert (status, opened, browser.has_session()) == (303, True, True), f"the use is accepted: {status}"
    return browser


@dataclass
class Ceremony:
    """The parts of a posted credential. Each can be changed before it is signed and encoded."""

    kind: str
    passkey: Passkey
    origin: str
    challenge: str
    flags: int = FLAG.UP | FLAG.UV
    kind_in_client: str | None = None
    client: dict = field(default_factory=dict)
    raw_client: bytes | None = None
    rp_id: str | None = None
    counter: int | None = None
    attested: bytes | None = None
    extensions: bytes = b""
    raw_data: bytes | None = None
    tail: bytes = b""
    attestation: bytes | None = None
    statement: tuple = ("none", {})
    signature: bytes | None = None
    signer: Key | None = None
    handle: bytes | None = None
    has_handle: bool = True
    id: bytes | None = None
    raw_id: bytes | None = None
    type: str = "public-key"

    def client_data(self):
        if self.raw_client is not None:
            return self.raw_client
        members = {"type": self.kind_in_client or self.kind, "challenge": self.challenge, "origin": self.origin} | self.client
        return bytes(CollectedClientData.create(**members))

    def data(self):
        if self.raw_data is not None:
            return self.raw_data
        rp_id = self.passkey.rp_id if self.rp_id is None else self.rp_id
        self.passkey.counter += 1
        counter = self.passkey.counter if self.counter is None else self.counter
        is_creation = self.kind == CREATE
        attested = self.attested if self.attested is not None else bytes(self.passkey.attested) if is_creation else b""
        flags = self.flags | (FLAG.AT if attested else 0)
        head = sha256(rp_id.encode()) + bytes([flags]) + counter.to_bytes(4, "big")
        return head + attested + self.extensions + self.tail

    def json(self):
        client_data, data = self.client_data(), self.data()
        response = {"clientDataJSON": websafe_encode(client_data)}
        if self.kind == CREATE:
            name, statement = self.statement
            made = {"fmt": name, "attStmt": statement, "authData": data}
            made = cbor.encode(made) if self.attestation is None else self.attestation
            response["attestationObject"] = websafe_encode(made)
        else:
            signer = self.signer or self.passkey.key
            signature = signer.sign(data + sha256(client_data)) if self.signature is None else self.signature
            handle = self.passkey.user["id"] if self.handle is None else self.handle
            response |= {"authenticatorData": websafe_encode(data), "signature": websafe_encode(signature)}
            response |= {"userHandle": websafe_encode(handle)} if self.has_handle else {}
        own = self.passkey.id if self.id is None else self.id
        raw = own if self.raw_id is None else self.raw_id
        return {"id": websafe_encode(own), "rawId": websafe_encode(raw), "type": self.type, "response": response}


def change(**parts):
    """A change of these parts."""

    def apply(ceremony, _):
        for name, value in parts.items():
            setattr(ceremony, name, value)

    return apply


def client_with(**members):
    return change(client=members)


def edited(name, edit):
    """A change of the bytes of authenticator data or client data, after which they are signed again."""

    def apply(ceremony, _):
        bytes_of = ceremony.data() if name == "raw_data" else ceremony.client_data()
        setattr(ceremony, name, edit(bytes_of))

    return apply


def attested(edit):
    """A change of the attested credential: of AAGUID, length, id and key as they are on the wire."""

    def apply(ceremony, _):
        passkey = ceremony.passkey
        ceremony.attested = edit(AAGUID, passkey.id, cbor.encode(passkey.key.cose))

    return apply


def on_wire(aaguid, id, key):
    return aaguid + len(id).to_bytes(2, "big") + id + key


def cose(edit):
    """A change of the COSE key, as a map."""

    def apply(ceremony, _):
        key = edit(dict(ceremony.passkey.key.cose))
        ceremony.attested = on_wire(AAGUID, ceremony.passkey.id, cbor.encode(key))

    return apply


def same_id(length):
    def apply(ceremony, _):
        ceremony.id = bytes(range(256)) * (length // 256) + bytes(length % 256)
        if ceremony.kind == CREATE:
            ceremony.attested = on_wire(AAGUID, ceremony.id, cbor.encode(ceremony.passkey.key.cose))

    return apply


EVIL = "https://evil.example"
BOTH = {
    "another origin": change(origin=EVIL),
    "the origin with a slash": lambda c, _: change(origin=c.origin + "/")(c, _),
    "the host without its port": change(origin="http://localhost"),
    "the origin in upper case": lambda c, _: change(origin=c.origin.upper())(c, _),
    "a challenge that was not issued": change(challenge=websafe_encode(bytes(32))),
    "no challenge": change(challenge=""),
    "a padded challenge": lambda c, _: change(challenge=c.challenge + "=")(c, _),
    "crossOrigin": client_with(crossOrigin=True),
    "topOrigin": client_with(topOrigin=EVIL),
    "topOrigin of our own": lambda c, _: client_with(topOrigin=c.origin)(c, _),
    "client data that is no JSON": change(raw_client=b"\xff\xfe"),
    "client data that is a list": change(raw_client=b"[]"),
    "client data with a member twice": edited("raw_client", lambda data: data[:-1] + b',"type":"webauthn.get"}'),
    "client data of 5,000 bytes": client_with(pad="x" * 5000),
    "another relying party": change(rp_id="evil.example"),
    "the relying party with a dot": lambda c, _: change(rp_id=c.passkey.rp_id + ".")(c, _),
    "no user presence": change(flags=FLAG.UV),
    "no user verification": change(flags=FLAG.UP),
    "a backup state without eligibility": change(flags=FLAG.UP | FLAG.UV | FLAG.BS),
    "a reserved flag": change(flags=FLAG.UP | FLAG.UV | 0x02),
    "announced extensions that are missing": change(flags=FLAG.UP | FLAG.UV | FLAG.ED),
    "extensions that are not announced": change(extensions=cbor.encode({"x": 1})),
    "truncated authenticator data": change(raw_data=bytes(36)),
    "no authenticator data": change(raw_data=b""),
    "a byte too many": change(tail=b"\x00"),
    "rawId that differs": change(raw_id=bytes(16)),
    "an empty id": change(id=b""),
    "an id of 1,024 bytes": same_id(1024),
    "another type of credential": change(type="password"),
}
USES = {
    "the type of a creation": change(kind_in_client=CREATE),
    "eligible for backup all at once": change(flags=FLAG.UP | FLAG.UV | FLAG.BE),
    "eligible and backed up all at once": change(flags=FLAG.UP | FLAG.UV | FLAG.BE | FLAG.BS),
    "an attested credential": lambda c, _: change(attested=bytes(c.passkey.attested))(c, _),
    "a signature by another key": lambda c, other: change(signer=other.key)(c, other),
    "a signature by a new key": lambda c, _: change(signer=Key.es256())(c, _),
    "a signature of nothing": lambda c, _: change(signature=c.passkey.key.sign(b""))(c, _),
    "no signature": change(signature=b""),
    "a truncated signature": lambda c, _: change(signature=bytes([0x30, 0x45]))(c, _),
    "no user handle": change(has_handle=False),
    "the user handle of another account": lambda c, other: change(handle=other.user["id"])(c, other),
    "a user handle without an account": change(handle=bytes(16)),
    "a user handle of 64 bytes": change(handle=bytes(64)),
    "the id of another account's passkey": lambda c, other: change(id=other.id)(c, other),
    "another account's passkey with this account's handle": lambda c, other: change(id=other.id, signer=other.key)(c, other),
    "an id that no account has": change(id=bytes(32)),
}
CREATIONS = {
    "the type of a use": change(kind_in_client=GET),
    "an attestation that ends too early": lambda c, _: change(attestation=cbor.encode(
        {"fmt": "none", "attStmt": {}, "authData": c.data()})[:-1])(c, _),
    "an attestation with a byte too many": lambda c, _: change(attestation=cbor.encode(
        {"fmt": "none", "attStmt": {}, "authData": c.data()}) + b"\x00")(c, _),
    "an attestation of 13,000 bytes": lambda c, _: change(attestation=cbor.encode(
        {"fmt": "none", "attStmt": {}, "authData": c.data(), "pad": bytes(13000)}))(c, _),
    "an attestation without data": change(attestation=cbor.encode({"fmt": "none", "attStmt": {}})),
    "an attestation of indefinite length": lambda c, _: change(attestation=b"\xbf" + cbor.encode(
        {"fmt": "none", "attStmt": {}, "authData": c.data()})[1:] + b"\xff")(c, _),
    "an attestation that is a list": change(attestation=cbor.encode([1, 2])),
    "deeply nested CBOR": change(attestation=b"\x81" * 5000 + b"\x00"),
    "a length of four billion": change(attestation=b"\xa1\x63fmt\x7a\xff\xff\xff\xff"),
    "a statement in the format none": change(statement=("none", {"x": 1})),
    "no attested credential": lambda c, _: change(raw_data=sha256(c.passkey.rp_id.encode()) + bytes([5, 0, 0, 0, 1]))(c, _),
    "an id that ends too early": attested(lambda aaguid, id, key: aaguid + b"\xff\xff" + id),
    "an id that is not the posted one": attested(lambda aaguid, id, key: on_wire(aaguid, bytes(32), key)),
    "a key that ends too early": attested(lambda aaguid, id, key: on_wire(aaguid, id, key[:-5])),
    "the algorithm EdDSA": lambda c, _: change(attested=on_wire(AAGUID, c.passkey.id, cbor.encode(Key.eddsa().cose)))(c, _),
    "the algorithm none": cose(lambda key: key | {3: 0}),
    "the algorithm RS256 with a key for ES256": cose(lambda key: key | {3: -257}),
    "a point that is not on the curve": cose(lambda key: key | {-2: bytes(32), -3: bytes(32)}),
    "a coordinate of 33 bytes": cose(lambda key: key | {-2: b"\x00" + key[-2]}),
    "another curve": cose(lambda key: key | {-1: 2}),
    "a key with its private half": cose(lambda key: key | {-4: bytes(32)}),
    "the id of another account's passkey": lambda c, other: change(
        id=other.id, attested=on_wire(AAGUID, other.id, cbor.encode(c.passkey.key.cose)))(c, other),
}
TEXTS = ["", "null", "{}", "[]", "not JSON", '{"id":1}', "{" * 2000, json.dumps({"id": "A" * 30000})]


class Suite:
    """The two users, and what was refused."""

    def __init__(self, origin):
        self.origin, self.refused = origin, 0
        self.ada, self.bob = (Browser(origin, f"{name}@example.com") for name in ["ada", "bob"])

    def prepare(self):
        # A counter above zero, and one synchronized passkey with the other algorithm.
        self.devices = [Device(), Device(Key.rs256, FLAG.BE | FLAG.BS)]
        for browser, device in zip([self.ada, self.bob], self.devices):
            browser.register()
            browser.sign_in_by_password("/account/passkeys/new")
            browser.prove_address()
            add(browser, device)
            self.moment()
            sign_in(self.origin, device)
        self.moment()
        self.passkey, self.other = (device.passkeys[0] for device in self.devices)
        self.before = self.ada.passkeys()

    @staticmethod
    def moment():
        """A challenge counts only if it is newer than the last one, to the millisecond."""
        time.sleep(0.005)

    def refuse(self, name, browser, address, credential, hidden):
        status, opened = browser.post(address, credential, hidden)
        assert 400 <= status < 500 and not opened, f"{name}: {status}, a session: {opened}"
        if address == "/login/passkey":
            assert not browser.has_session(), f"{name}: a session"
        assert self.ada.passkeys() == self.before, f"{name}: the passkeys changed"
        self.refused += 1

    def changed(self, kind, name, apply, passkey):
        is_use = kind == GET
        browser = Browser(self.origin) if is_use else self.ada
        options, hidden = browser.options("/login" if is_use else "/account/passkeys/new")
        ceremony = Ceremony(kind, passkey, self.origin, options["challenge"])
        apply(ceremony, self.other)
        self.refuse(f"{kind}: {name}", browser, "/login/passkey" if is_use else "/account/passkeys/new", ceremony.json(), hidden)

    def new_passkey(self):
        options, _ = self.ada.options("/account/passkeys/new")
        user = {"id": websafe_decode(options["user"]["id"])}
        return Passkey(options["rp"]["id"], user, Key.es256())

    def changed_ceremonies(self):
        for name, apply in (BOTH | USES).items():
            self.changed(GET, name, apply, self.passkey)
        for name, apply in (BOTH | CREATIONS).items():
            self.changed(CREATE, name, apply, self.new_passkey())
        for text in TEXTS:
            browser = Browser(self.origin)
            _, hidden = browser.options("/login")
            self.refuse(f"use: {text[:20]}", browser, "/login/passkey", text, hidden)
            _, hidden = self.ada.options("/account/passkeys/new")
            self.refuse(f"creation: {text[:20]}", self.ada, "/account/passkeys/new", text, hidden)

    def use(self, passkey, options):
        return Ceremony(GET, passkey, self.origin, options["challenge"]).json()

    def challenges(self):
        """A challenge counts once, in its browser, for its purpose and request, for five minutes."""
        first, second = Browser(self.origin), Browser(self.origin)
        older, hidden_of_older = first.options("/login")
        self.moment()
        newer, hidden_of_newer = second.options("/login")
        used = self.use(self.passkey, newer)
        self.refuse("the challenge of another browser", first, "/login/passkey", used, hidden_of_older | {"state": hidden_of_newer["state"]})
        self.refuse("the challenge without its seal", second, "/login/passkey", used, hidden_of_newer | {"state": ""})
        assert second.post("/login/passkey", used, hidden_of_newer) == (303, True), "the right one"
        accepted = self.passkey.counter
        # The page names the time of the last use, to the minute.
        self.before = self.ada.passkeys()
        replay = Browser(self.origin)
        _, hidden = replay.options("/login")
        self.refuse("a use that was accepted, in another browser", replay, "/login/passkey", used, hidden)
        status, opened = second.post("/login/passkey", used, hidden_of_newer)
        assert 400 <= status < 500 and not opened, f"the same use twice: {status}"
        self.refused += 1
        self.refuse("an older challenge", first, "/login/passkey", self.use(self.passkey, older), hidden_of_older)
        creation, hidden_of_creation = self.ada.options("/account/passkeys/new")
        fourth = Browser(self.origin)
        _, hidden = fourth.options("/login")
        mixed = hidden | {"state": hidden_of_creation["state"]}
        self.refuse("the challenge of a creation", fourth, "/login/passkey", self.use(self.passkey, creation), mixed)
        # A counter that does not rise. It is noted in the history, and the passkey stays.
        for counter in [accepted, accepted - 1, 0]:
            self.moment()
            fifth = Browser(self.origin)
            options, hidden = fifth.options("/login")
            credential = Ceremony(GET, self.passkey, self.origin, options["challenge"], counter=counter).json()
            self.refuse(f"the counter {counter}", fifth, "/login/passkey", credential, hidden)

    def expired(self):
        browser = Browser(self.origin)
        options, hidden = browser.options("/login")
        browser.send("POST", "/dev/clock", 200, {"advance": "PT301S"})
        self.refuse("an expired challenge", browser, "/login/passkey", self.use(self.passkey, options), hidden)

    def all(self):
        self.prepare()
        self.changed_ceremonies()
        self.challenges()
        # The right ceremonies: nothing above was refused for another reason.
        for device in self.devices:
            self.moment()
            sign_in(self.origin, device)
        self.before = self.ada.passkeys()
        self.moment()
        browser = sign_in(self.origin, self.devices[0])
        # A session that has just shown a passkey needs no code from a mail.
        add(browser, Device())
        assert self.before.count('id="remove-') == 1 and browser.passkeys().count('id="remove-') == 2
        self.ada, self.before = browser, browser.passkeys()
        self.expired()
        return self.refused


def main():
    began = time.monotonic()
    binary = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else openapi.TARGET / "debug/latchkey-local"
    command = [binary, "--ephemeral", "--no-source-limits", "--port", "0"]
    gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        origin = gateway.stdout.readline().strip().removeprefix("Latchkey is running at ")
        refused = Suite(origin).all()
        assert gateway.poll() is None, "the gateway has ended"
    finally:
        gateway.terminate()
        gateway.wait()
    seconds = time.monotonic() - began
    print(f"{refused} changed ceremonies refused, in {seconds:.0f} seconds")
    assert refused >= 60 and seconds < SECONDS


if __name__ == "__main__":
    main()
