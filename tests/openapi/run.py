"""Sends generated requests to every operation of docs/openapi.json: no answer is a failure of ours, none is outside the document.

    python tests/openapi/run.py [binary]    with a Python that has schemathesis and openapi-spec-validator

1. The document is valid OpenAPI 3.1, and the gateway serves the same.
2. A gateway that keeps nothing; a user who registers and signs in through the real endpoints; tokens and cookies of theirs.
3. schemathesis with a fixed seed: boundary values for each operation, then random ones for a fixed time, with these credentials.
4. The operations that end session, consent and account: each with a sign-in of its own, last.

The gateway's own operations are left out: they move its clock and delete what is due.
"""

import base64
import hashlib
import html.parser
import http.cookiejar
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The whole stays within two minutes; what is not over by then has failed. Random requests have a part of it.
SECONDS, RANDOM_SECONDS = 120, 15
SEED = 20260301
EMAIL, PASSWORD = "grace@example.com", "Grace rides 7 green bicycles"
TENANT = "acme"
# Where they succeed, the token is worth nothing afterwards.
ENDINGS = ["endSession", "withdrawConsent", "deleteAccount"]
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_or_challenge",
        "response_headers_conformance",
        "body_or_challenge",
        "unsupported_method",
        "allow_header_conformance",
    ]
)


class Fields(html.parser.HTMLParser):
    """The hidden fields of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "input" and named.get("type") == "hidden":
            self.found[named["name"]] = named.get("value", "")


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_):
        return None


class User:
    """A user with a browser and an application."""

    def __init__(self, origin):
        self.origin = origin
        self.jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(Stay, cookies, urllib.request.ProxyHandler({}))

    def exchange(self, method, path, body=None, media_type="application/json", headers=()):
        url = path if path.startswith("http") else self.origin + path
        if isinstance(body, dict):
            body = json.dumps(body) if media_type == "application/json" else urllib.parse.urlencode(body)
        request = urllib.request.Request(url, method=method, data=body.encode() if body is not None else None)
        for name, value in [("Accept", "*/*"), ("Origin", self.origin), *headers]:
            request.add_header(name, value)
        if body is not None:
            request.add_header("Content-Type", media_type)
        try:
            answer = self.opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.read().decode(), answer.headers

    def send(self, method, path, expected, body=None, media_type="application/json", headers=()):
        status, text, answered = self.exchange(method, path, body, media_type, headers)
        assert status == expected, f"{method} {path}: {status} {text}"
        return text, answered.get("Location", "")

    def form(self, path, expected, fields):
        return self.send("POST", path, expected, fields, "application/x-www-form-urlencoded")

    def start_registration(self, email):
        filled = {
            "email": email,
            "password": PASSWORD,
            "profile": {"given_name": "Grace", "family_name": "Hopper"},
            "terms": [{"document": "terms", "version": "1"}],
        }
        return json.loads(self.send("POST", "/v1/registrations", 202, filled)[0])["registration_id"]

    def register(self):
        registration = self.start_registration(EMAIL)
        for _ in range(200):
            mails = json.loads(self.send("GET", f"/dev/mailbox.json?to={EMAIL}", 200)[0])
            if mails:
                break
            time.sleep(0.1)
        path = f"/v1/registrations/{registration}/verification"
        self.send("POST", path, 201, {"code": mails[0]["codes"][0]})

    def sign_in(self):
        """The tokens of the demo storefront, with scope `account`."""
        verifier = "a-verifier-of-43-characters-or-more-0123456789"
        digest = hashlib.sha256(verifier.encode()).digest()
        callback = f"{self.origin}/demo/callback"
        query = {
            "response_type": "code",
            "client_id": "demo-app",
            "redirect_uri": callback,
            "scope": "openid profile email offline_access account",
            "state": "x",
            "nonce": "x",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        login = self.send("GET", f"/oauth2/authorize?{urllib.parse.urlencode(query)}", 303)[1]
        page = self.send("GET", login, 200)[0]
        typed = Fields(page).found | {"identifier": EMAIL, "password": PASSWORD}
        again = self.form(login, 303, typed)[1]
        back = self.send("GET", again, 303)[1]
        if back.startswith("/consent"):
            page = self.send("GET", back, 200)[0]
            again = self.form(back, 303, Fields(page).found | {"decision": "allow"})[1]
            back = self.send("GET", again, 303)[1]
        code = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["code"][0]
        presented = {
            "grant_type": "authorization_code",
            "client_id": "demo-app",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": verifier,
        }
        return json.loads(self.form("/oauth2/token", 200, presented)[0])

    def cookies(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)

    def export(self, access_token):
        bearer = [("Authorization", f"Bearer {access_token}")]
        return json.loads(self.send("POST", "/v1/me/exports", 202, headers=bearer)[0])["export_id"]


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def configuration(user, tokens):
    """What schemathesis presents, and ids that exist."""
    cookie, token = user.cookies(), tokens["access_token"]
    ids = {
        "/v1/me/exports/{id}": ("id", user.export(token)),
        "/v1/me/exports/{id}/document": ("id", user.export(token)),
        "/v1/me/consents/{client_id}": ("client_id", "demo-app"),
        "/v1/me/sessions/{sid}": ("sid", claims(tokens["id_token"])["sid"]),
        "/v1/registrations/{id}/verification": ("id", user.start_registration("bob@example.com")),
        "/v1/registrations/{id}/resend": ("id", user.start_registration("eve@example.com")),
        "/.well-known/oauth-authorization-server/t/{tenant}": ("tenant", TENANT),
        "/problems/{code}": ("code", "invalid_request"),
    }
    lines = [
        f'seed = {SEED}',
        f'auth.openapi.accessToken = {{ bearer = "{token}" }}',
        'auth.openapi.clientSecret = { username = "demo-web", password = "demo-web-secret" }',
        # The cookie has another name on http than in the document.
        "[[operations]]",
        'include-tag = "Account pages"',
        f'headers = {{ Cookie = "{cookie}" }}',
    ]
    for path, (name, value) in ids.items():
        lines += ["[[operations]]", f'include-path = "{path}"', f'parameters = {{ "path.{name}" = "{value}" }}']
    return "\n".join(lines) + "\n"


class Run:
    """One gateway, under schemathesis until the time is over."""

    def __init__(self, origin, folder):
        self.origin, self.folder, self.until = origin, folder, time.monotonic() + SECONDS

    def left(self):
        return self.until - time.monotonic()

    def schemathesis(self, user, tokens, *selection):
        (self.folder / "schemathesis.toml").write_text(configuration(user, tokens))
        command = [pathlib.Path(sys.executable).with_name("schemathesis")]
        command += ["--config-file", "schemathesis.toml", "run", f"{self.origin}/openapi.json", "--url", self.origin]
        command += ["--checks", CHECKS, "--max-redirects", "0", "--continue-on-failure", "--no-color", "--warnings", "off"]
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "checks", "PYTHONPATH": str(pathlib.Path(__file__).parent)}
        return subprocess.run([*command, *selection], cwd=self.folder, env=environment, timeout=self.left()).returncode

    def all(self):
        user = User(self.origin)
        user.register()
        tokens = user.sign_in()
        aside = ["--exclude-tag", "Local gateway"]
        for operation in ENDINGS:
            aside += ["--exclude-operation-id", operation]
        failed = self.schemathesis(user, tokens, "--phases", "examples,coverage", *aside)
        seconds = str(min(RANDOM_SECONDS, int(self.left() / 2)))
        failed += self.schemathesis(user, tokens, "--phases", "fuzzing", "--max-time", seconds, *aside)
        for operation in ENDINGS:
            user = User(self.origin)
            tokens = user.sign_in()
            bearer = [("Authorization", f"Bearer {tokens['access_token']}")]
            user.send("GET", "/v1/me", 200, headers=bearer)
            failed += self.schemathesis(user, tokens, "--phases", "coverage", "--include-operation-id", operation)
            # One of the requests succeeded.
            user.send("GET", "/v1/me", 401, headers=bearer)
        return failed


def main():
    began = time.monotonic()
    document = ROOT / "docs/openapi.json"
    subprocess.run([sys.executable, "-m", "openapi_spec_validator", document], check=True)
    binary = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET / "debug/latchkey-local"
    tenant = f"{TENANT}={ROOT / 'infra/local/latchkey.toml'}"
    command = [binary, "--ephemeral", "--no-source-limits", "--port", "0", "--tenant", tenant]
    gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        origin = gateway.stdout.readline().strip().removeprefix("Latchkey is running at ")
        served = User(origin).send("GET", "/openapi.json", 200)[0]
        assert served == document.read_text(), "the gateway serves another document than docs/openapi.json"
        with tempfile.TemporaryDirectory() as folder:
            failed = Run(origin, pathlib.Path(folder)).all()
        assert gateway.poll() is None, "the gateway has ended"
    finally:
        gateway.terminate()
        gateway.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - began:.0f} seconds, {used.ru_utime + used.ru_stime:.0f} of CPU")
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
