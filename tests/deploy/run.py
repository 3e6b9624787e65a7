"""Deploys `template.yaml` to a local AWS, runs user journeys against the deployed functions, and checks the commands of an operator.

    python tests/deploy/run.py [--release [--built]] [PART ...]

Run it with the Python of target/local-aws and `sam` on the PATH; `.ci/run deploy` sets both up. Without `--release` it deploys the debug
functions that `cargo build --workspace --bins` made, stripped. With `--release` it runs `sam build` first; `--built` uses the
result of the last `sam build`.

Parts, in this order; the default is `journeys operator`:

    upgrade    The previous release (previous.py) is deployed and users register; the present version, a rollback and the present version
               again follow. All users keep their accounts, sessions and tokens.
    journeys   `latchkey doctor` finds nothing to fix, and the black-box suite passes over HTTP.
    user_pool  Users migrate from a Cognito user pool, by sign-in and by import. Then they migrate to another user pool.
    operator   A batch that failed every attempt is processed again. An independent library verifies a token.
    kms        A rotation replaces the signing keys by keys that never leave KMS.

At the end it checks the effects of the journeys: audit records, empty queues, log lines, refused permissions.

The local AWS runs the functions' binaries as processes, each under the role that the template gives it (local_aws.py).
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import expansion
import jwt
import previous
import stack
from user_pool import UserPool, person

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
STACK = "latchkey"
# The issuer of all tokens. It does not depend on the URL of the API.
ORIGIN = "https://id.latchkey.test"
# What the scope of demo-service belongs to in the document that the drill applies.
ORDERS = "https://orders.example.com"
SENDER = "no-reply@example.com"
# The log line for an event of a pool that is not in the document.
ANOTHER_POOL = "another user pool than the one of [handover] asks"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
# The architecture of this machine, because the binaries run here.
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
PARAMETERS = {"Origin": ORIGIN, "SenderAddress": SENDER, "Architecture": ARCHITECTURE}


def say(words):
    print(f"\n-- {words}", flush=True)


def run(*command, **named):
    print("$", " ".join(map(str, command)), flush=True)
    return subprocess.run(command, check=True, cwd=ROOT, **named)


def sam(verb, *words, **more):
    overrides = [f"{name}={value}" for name, value in (PARAMETERS | more).items()]
    log = TARGET / "sam.log"
    with open(log, "w") as written:
        try:
            run("sam", verb, *words, "--parameter-overrides", *overrides, stdout=written, stderr=subprocess.STDOUT)
        except subprocess.CalledProcessError:
            sys.exit(f"sam {verb} failed:\n{log.read_text()[-6000:]}")


def latchkey(*words, **named):
    return run(TARGET / "debug" / "latchkey", *words, "--stack", STACK, **named)


def test(area, module, deployed, *words, **environment):
    """Runs the tests of one module of an integration binary against the stack, and checks that there was at least one."""
    environment = {**os.environ, "LATCHKEY_URL": deployed.api_url, **environment}
    # The tests run one after another, because they share one clock.
    command = ("cargo", "test", "--quiet", "--locked", "--workspace", "--test", area, "--", "--test-threads=1", module, *words)
    print("$", " ".join(command), flush=True)
    outcome = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    print(outcome.stdout, flush=True)
    passed = re.findall(r"^test result: ok\. (\d+) passed", outcome.stdout, re.M)
    if outcome.returncode or sum(map(int, passed)) == 0:
        sys.exit(f"{area} {module}: failed, or no test ran")


class Drill:
    def __init__(self, clock, folder):
        self.clock, self.folder = clock, folder
        self.left = folder / "left.json"
        self.document = folder / "latchkey.toml"
        self.document.write_text((ROOT / "infra/local/latchkey.toml").read_text().replace("{origin}", ORIGIN))
        self.dev = None
        # Errors that a part causes on purpose. The logs must contain them.
        self.expected_errors = []

    def deploy(self, template, **more):
        before = stack.Stack(STACK).code() if stack.exists(STACK) else {}
        sam("deploy", "--template-file", template, "--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
            "--no-confirm-changeset", "--no-progressbar", "--no-fail-on-empty-changeset", **more)
        self.deployed = stack.Stack(STACK)
        if self.dev:
            self.dev.follow(self.deployed)
        else:
            self.dev = stack.Dev(self.deployed, self.clock)
        return [name for name, code in self.deployed.code().items() if before.get(name) != code]

    def start(self, template):
        """The first deployment, and the document of the demo."""
        boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
        assert len(self.deploy(template)) >= 7
        latchkey("config", "apply", "--yes", "-m", "the first version", self.document)

    def users_return(self, already):
        test("deployment", "upgrade::", self.deployed, LATCHKEY_DEV=self.dev.url, LATCHKEY_LEFT=str(self.left))
        users = json.loads(self.left.read_text())
        assert len(users) == already + 1, f"{len(users)} users are in the file"

    def upgrade(self, older, newer):
        say("users register with the previous release")
        self.users_return(0)
        for number, (words, template) in enumerate([("the present version", newer), ("rollback", older), ("again", newer)], 1):
            say(f"{words}: all users keep their accounts, sessions and tokens")
            stored = self.deployed.stored_resources()
            changed = self.deploy(template)
            # The previous release had seven functions.
            assert len(changed) >= 7, f"only {changed} have new code"
            assert self.deployed.stored_resources() == stored, "a table, key or queue was replaced"
            self.users_return(number)

    def doctor(self):
        say("doctor")
        latchkey("doctor", "--at", self.deployed.api_url)

    def suite(self):
        say("the black-box suite, over HTTP")
        test("deployment", "black_box::", self.deployed, LATCHKEY_DEV=self.dev.url)

    def migrate_users(self, template):
        """Migrates users from a user pool of the local AWS, by password and by mail. The role has access to the pool named by the stack."""
        say("users migrate from a Cognito user pool")
        pool = UserPool("former")
        pool.create_user("Cleo")
        pool.create_user("Dora")
        self.deploy(template, UserPoolArn=pool.arn)
        app = pool.app("shop")
        self.apply("users migrate from Cognito", f"""
[[clients]]
client_id = "shop"
first_party = true
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token", "{TOKEN_EXCHANGE}"]
redirect_uris = ["https://shop.example.com/callback"]
scope = "openid profile email offline_access"

[cognito]
user_pool_id = "{pool.id}"
client_id = "{pool.app("latchkey")}"
sub = "keep"
exchange = {{ {json.dumps(app)} = "shop" }}
""")
        self.doctor()
        self.import_keycloak_user("Emil")
        self.dev.advance("PT1H")
        test("aws", "cognito::deployed::users_are_imported", self.deployed, "--ignored", LATCHKEY_DEV=self.dev.url, LATCHKEY_COMES="Cleo,Dora,Emil")
        say("the import migrates a user who has not signed in, and the user signs in")
        pool.create_user("Fred")
        status, refusal = self.exchange(pool.access_token("Fred", app))
        assert (status, refusal["error"]) == (400, "invalid_request") and "was not migrated yet" in refusal["error_description"], refusal
        for came, known in ((1, 2), (0, 3)):
            report = json.loads(latchkey("cognito", "import", "--yes", "--json", capture_output=True, text=True).stdout)
            assert (report["came"], report["already_here"], report["failed"]) == (came, known, 0), report
        test("aws", "cognito::deployed::an_imported_user", self.deployed, "--ignored", LATCHKEY_DEV=self.dev.url, LATCHKEY_COMES="Fred")
        report = json.loads(latchkey("cognito", "status", "--json", capture_output=True, text=True).stdout)
        assert (report["in_the_pool"], report["moved"], report["active"], report["left"]) == (3, 3, 2, 0), report
        say("an application migrates: it exchanges its tokens of the pool")
        for name in ("Cleo", "Fred"):
            self.migrate_application(pool, app, name)
        latchkey("config", "rollback", "1", "--yes", "-m", "the migration is over")

    def migrate_application(self, pool, app, name):
        held = pool.access_token(name, app)
        status, tokens = self.exchange(held)
        assert status == 200 and tokens["scope"] == "email offline_access openid profile", tokens
        there, here = (jwt.decode(token, options={"verify_signature": False}) for token in (held, tokens["access_token"]))
        assert (here["iss"], here["client_id"], here["sub"]) == (ORIGIN, "shop", there["sub"]), here
        again = {"grant_type": "refresh_token", "client_id": "shop", "refresh_token": tokens["refresh_token"]}
        assert self.token(again)[0] == 200, "the refresh token of the exchange does not work"
        # A changed signature. The last but one character is changed, because another last character may decode to the same bytes.
        forged = held[:-2] + ("A" if held[-2] != "A" else "B") + held[-1]
        assert self.exchange(forged)[1].get("error") == "invalid_request", "a forged token is accepted"

    def exchange(self, token):
        return self.token({"grant_type": TOKEN_EXCHANGE, "client_id": "shop", "subject_token": token,
                           "scope": "openid profile email offline_access",
                           "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"})

    def token(self, fields):
        """The response of the token endpoint: status and JSON."""
        try:
            with urllib.request.urlopen(f"{self.deployed.api_url}/oauth2/token", urllib.parse.urlencode(fields).encode()) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def reverse_migrate(self, template):
        """Migrates users to another pool, which invokes the function for unknown users. The local AWS lacks this trigger, so this sends its event."""
        say("users migrate to another user pool")
        pool = UserPool("next")
        self.deploy(template, ReturnPoolArn=pool.arn)
        assert self.deployed.outputs["MigrationArn"].endswith(self.deployed.ids["Migration"]), "the output names another function"
        self.apply("users migrate back to Cognito", f"""
[handover]
user_pool_id = "{pool.id}"
sub = "custom:former_sub"
attributes = {{ customer_type = "custom:customer_type" }}
""")
        email, password = person("Cleo")
        self.dev.advance("PT1H")
        right = self.deployed.invoke("Migration", pool.migration_event("Authentication", email, password))
        migrated = right["response"]
        assert (migrated["finalUserStatus"], migrated["messageAction"]) == ("CONFIRMED", "SUPPRESS"), migrated
        sent = migrated["userAttributes"]
        assert (sent["email"], sent["email_verified"], sent["given_name"]) == (email, "true", "Cleo"), sent
        assert not right["request"]["password"], "the response contains the password"
        # The pool accepts the user, so it has every attribute.
        attributes = [{"Name": name, "Value": value} for name, value in sent.items()]
        pool.cognito.admin_create_user(UserPoolId=pool.id, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS")
        no_user = {"userAttributes": None, "finalUserStatus": None, "messageAction": None}
        for event in (pool.migration_event("Authentication", email, "not the 9 right one"),
                      pool.migration_event("Authentication", *person("Unknown")),
                      pool.migration_event("ForgotPassword", person("Unknown")[0])):
            answer = self.deployed.invoke("Migration", event)["response"]
            assert answer.items() >= no_user.items(), answer
        found = self.deployed.invoke("Migration", pool.migration_event("ForgotPassword", email))["response"]
        assert found["userAttributes"]["email"] == email and not found.get("finalUserStatus"), found
        refused = self.deployed.invoke("Migration", {**pool.migration_event("Authentication", email, password), "userPoolId": "eu-central-1_Other"})
        assert "try again later" in refused["errorMessage"] and ANOTHER_POOL not in refused["errorMessage"], refused
        self.expected_errors.append(ANOTHER_POOL)
        latchkey("config", "rollback", "1", "--yes", "-m", "the reverse migration is over")

    def apply(self, why, more):
        """Applies the document of the demo with an addition."""
        document = self.folder / "more.toml"
        document.write_text(f"{self.document.read_text()}\n{more}")
        latchkey("config", "apply", "--yes", "-m", why, document)

    def import_keycloak_user(self, name):
        """Imports a user of a Keycloak realm, with the password hash."""
        (email, password), salt = person(name), os.urandom(16)
        made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 27500, 64)
        secret = {"value": base64.b64encode(made).decode(), "salt": base64.b64encode(salt).decode()}
        costs = {"hashIterations": 27500, "algorithm": "pbkdf2-sha256"}
        credential = {"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(costs)}
        user = {"id": "00000000-0000-4000-8000-000000000001", "username": email, "email": email, "emailVerified": True,
                "enabled": True, "firstName": name, "lastName": "Quillfeather", "credentials": [credential]}
        realm = self.folder / "realm.json"
        realm.write_text(json.dumps({"users": [user]}))
        words = ("people", "import", realm, "--from", "keycloak", "--issuer", "https://login.example.com/realms/shop", "--yes")
        for label in ("newly imported: 1", "imported before: 1"):
            output = latchkey(*words, capture_output=True, text=True).stdout
            assert label in output, output

    def redrive(self):
        """Processes a failed batch of the stream again. The batch is in the bucket, as Lambda writes it."""
        say("a failed batch is processed again")
        batch = (ROOT / "events/events-stream.json").read_text()
        record = {"version": "1.0", "requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": batch}
        key = "aws/lambda/mapping/shardId-1/2026-11-25T11.00.00-abc"
        boto3.client("s3").put_object(Bucket=self.deployed.ids["StreamFailures"], Key=key, Body=json.dumps(record))
        latchkey("events", "redrive", "--yes")
        assert not self.deployed.objects("StreamFailures"), "the batch is still in the bucket"

    def signed_by_kms(self, template):
        """A rotation to keys that never leave KMS. An independent library verifies their signatures."""
        say("tokens signed by KMS, and back")
        self.deploy(template, RemoteSigning="true")
        before = self.service_token()
        self.apply("keys that never leave KMS", '[keys]\nsigner = "kms"\n')
        # The document is read again after a minute, and then the keys are published. They sign twenty minutes later.
        for _ in range(2):
            self.dev.advance("PT1H")
            self.keys()
        latchkey("keys", "list")
        signed = self.service_token()
        assert signed["kid"] != before["kid"], "the same key signs"
        listed = latchkey("keys", "list", capture_output=True, text=True).stdout
        line = next(line for line in listed.splitlines() if signed["kid"] in line)
        assert "KMS" in line, f"{line}: is not a key of KMS"
        latchkey("config", "rollback", "1", "--yes", "-m", "back")
        latchkey("config", "history")

    def keys(self):
        with urllib.request.urlopen(f"{self.deployed.api_url}/.well-known/jwks.json") as answer:
            return jwt.PyJWKSet.from_dict(json.load(answer))

    def service_token(self):
        """Verifies a token of client credentials, and returns its header."""
        credentials = base64.b64encode(b"demo-service:demo-service-secret").decode()
        request = urllib.request.Request(f"{self.deployed.api_url}/oauth2/token", b"grant_type=client_credentials")
        request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request) as answer:
            token = json.load(answer)["access_token"]
        header = jwt.get_unverified_header(token)
        # The clock of the service was moved.
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        jwt.decode(token, self.keys()[header["kid"]], [header["alg"]], audience=ORDERS, issuer=ORIGIN, options=options)
        return header

    def error_lines(self):
        """Lines of the functions' logs with errors or warnings."""
        error = re.compile(r'"level":"(ERROR|WARN)"|panicked|AccessDenied|not authorized')
        return filter(error.search, self.deployed.log_lines())

    def audit(self, parts):
        say("audit records, queues and logs")
        deployed = self.deployed
        records = deployed.count("Audit")
        expected = sum(AUDIT_RECORDS.get(part, 0) for part in parts)
        assert records >= expected, f"{records} audit records were written from the stream, at least {expected} were expected"
        for queue in ("MailQueue", "MailDeadLetters", "RetentionDeadLetters"):
            assert deployed.depth(queue) == 0, f"{queue} is not empty"
        assert not deployed.objects("StreamFailures"), "a batch of the stream failed"
        lines = list(deployed.log_lines())
        refused = [line for line in lines if "AccessDenied" in line or "is not authorized" in line]
        assert not refused, f"a role lacks a permission: {refused[:3]}"
        # The clock jumps during running work. Work that reaches its deadline for this reason is retried, as the empty queues show.
        lines = [line for line in lines if "no time was left for it" not in line]
        failed = [line for line in lines if '"level":"ERROR"' in line or "panicked" in line]
        # A part that causes an error names it. The cause is in the log, and is not disclosed to the pool.
        for words in self.expected_errors:
            assert any(words in line for line in failed), f"no line of the log has: {words}"
            failed = [line for line in failed if words not in line and '"message":"TryAgainLater"' not in line]
        assert not failed, f"errors in the logs: {failed[:3]}"
        personal = [line for line in lines if re.search(r"@example\.com|green bicycles|Quillfeather", line)]
        assert not personal, f"personal data in the logs: {personal[:3]}"
        answered = [json.loads(line) for line in lines if '"answered"' in line]
        assert answered, "the logs contain no request"
        by_request = {}
        for line in answered:
            by_request.setdefault(line["span"]["request_id"], []).append(line)
        assert all(len(of_one) == 1 for of_one in by_request.values()), "more than one line for a request"
        print(f"{records} audit records, {len(answered)} requests in the logs, nothing refused, nothing in a queue")


def build():
    say("sam build: every function's release binary")
    # SAM builds the functions one after another, and most of the time is linking, on one core. Cargo builds them here two at a time, and
    # SAM finds the results. `events` is left out: its dependency on Lambda's events has more features, so all others would be built again.
    functions = sorted(folder.name for folder in (ROOT / "functions").iterdir() if folder.name != "events")
    run("cargo", "lambda", "build", "--release", *(f"--package={function}" for function in functions))
    # SAM's cache is off, because it does not notice a change in shared/.
    sam("build", "--beta-features", "--template-file", "template.yaml")


def stripped(template):
    """Returns a template for `sam deploy` with the stripped debug functions that cargo built."""
    folder = TARGET / "debug-functions"
    return previous.over_debug_functions(template, TARGET / "debug", folder)


# The fewest audit records that a part leaves. The other parts change no account.
AUDIT_RECORDS = {"upgrade": 8, "journeys": 21, "user_pool": 15}
PARTS = ("upgrade", "journeys", "user_pool", "operator", "kms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--release", action="store_true", help="deploy the result of `sam build`")
    parser.add_argument("--built", action="store_true", help="with --release: use the result of the last `sam build`")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    parts = arguments.parts or ["journeys", "operator"]
    if arguments.release:
        newer = ROOT / ".aws-sam/build/template.yaml"
        if not arguments.built:
            build()
    else:
        newer = stripped(ROOT / "template.yaml")
    older = None
    if "upgrade" in parts:
        older = previous.build(ROOT, TARGET)
        # The commands are those of the present version: the build before put others in their place.
        run("cargo", "build", "--quiet", "--locked", "--workspace", "--bins")
    with tempfile.TemporaryDirectory(prefix="latchkey-aws-") as folder:
        folder = pathlib.Path(folder)
        clock = folder / "clock"
        with stack.local_aws(clock, folder):
            drill = Drill(clock, folder)
            steps = {
                "upgrade": lambda: drill.upgrade(older, newer),
                "journeys": lambda: (expansion.compare(STACK), drill.doctor(), drill.suite()),
                "user_pool": lambda: (drill.migrate_users(newer), drill.reverse_migrate(newer)),
                "operator": lambda: (drill.redrive(), drill.service_token()),
                "kms": lambda: drill.signed_by_kms(newer),
            }
            try:
                say("the first deployment")
                drill.start(older or newer)
                for part in PARTS:
                    if part in parts:
                        began = time.monotonic()
                        steps[part]()
                        print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
                drill.audit(parts)
            except Exception:
                print("the last errors and warnings of the functions:", *list(drill.error_lines())[-20:], sep="\n  ", flush=True)
                raise
            finally:
                if drill.dev:
                    drill.dev.stop()


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"\ndeployed and tested in {time.monotonic() - began:.0f} s")
