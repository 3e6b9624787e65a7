"""A local AWS with a stack, and the services that the black-box suite needs in addition to HTTP: mailbox, clock, jobs."""

import contextlib
import http.server
import json
import os
import pathlib
import platform
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import boto3

AWS = "http://localhost:4566"
ACCOUNT = "000000000000"
FAKETIME = f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketime.so.1"

os.environ |= {
    "AWS_ENDPOINT_URL": AWS,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "SAM_CLI_TELEMETRY": "0",
    # SAM finds `samconfig.toml` beside a template only, and does not read loops without this.
    "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS": "1",
}


@contextlib.contextmanager
def local_aws(clock, folder):
    """Runs a local AWS without storage until the block ends."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 4566)) == 0:
            sys.exit("port 4566 is in use: stop what uses it")
    if not pathlib.Path(FAKETIME).exists():
        sys.exit(f"{FAKETIME} is missing: install libfaketime")
    clock.write_text("+0")
    environment = {
        **os.environ,
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": os.environ["AWS_REGION"],
        "LOCAL_AWS_CLOCK": str(clock),
        "FUNCTIONS_PRELOAD": FAKETIME,
        "TMPDIR": str(folder),
    }
    program = pathlib.Path(__file__).with_name("local_aws.py")
    with open(folder / "local-aws.log", "w") as log:
        process = subprocess.Popen([sys.executable, program], env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            until(lambda: process.poll() is not None or answers(f"{AWS}/_ministack/health"), "the local AWS")
            if process.poll() is not None:
                sys.exit(f"the local AWS did not start: {(folder / 'local-aws.log').read_text()[-2000:]}")
            yield
        finally:
            process.terminate()
            process.wait(20)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s for {what}")
        time.sleep(0.25)
    return found


def exists(name):
    try:
        return bool(boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"])
    except boto3.client("cloudformation").exceptions.ClientError:
        return False


class Stack:
    """The deployed resources, by their names in the template."""

    def __init__(self, name):
        cloudformation = boto3.client("cloudformation")
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        resources = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [resource for page in resources for resource in page["StackResourceSummaries"]]
        self.ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        types = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources}
        self.functions = [name for name, kind in types.items() if kind == "AWS::Lambda::Function"]
        # The URL has a path, because the local AWS takes paths such as /oauth2/token of the API's own host for those of a Cognito domain.
        self.api_url = f"{AWS}/_aws/execute-api/{self.ids['Api']}/$default"

    def code(self):
        """The hash of each function's code."""
        client = boto3.client("lambda")
        configured = {name: client.get_function_configuration(FunctionName=self.ids[name]) for name in self.functions}
        return {name: found["CodeSha256"] for name, found in configured.items()}

    def stored_resources(self):
        """The resources with stored data, by id. An upgrade must not replace them."""
        names = ("Identities", "Keys", "Audit", "WrappingKey", "StreamFailures", "MailQueue", "MailDeadLetters", "Api")
        return {name: self.ids[name] for name in names}

    def count(self, table):
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self.ids[table], Select="COUNT")
        return sum(page["Count"] for page in pages)

    def depth(self, queue):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = boto3.client("sqs").get_queue_attributes(QueueUrl=self.ids[queue], AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def objects(self, bucket):
        return boto3.client("s3").list_objects_v2(Bucket=self.ids[bucket]).get("Contents", [])

    def invoke(self, function, event):
        answer = boto3.client("lambda").invoke(FunctionName=self.ids[function], Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def log_lines(self, function=""):
        logs = boto3.client("logs")
        groups = [self.ids[name] for name in self.ids if name.endswith("Logs") and name.startswith(function)]
        for group in groups:
            pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
            for stream in (stream for page in pages for stream in page["logStreams"]):
                token = {}
                while True:
                    page = logs.get_log_events(
                        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **token
                    )
                    yield from (event["message"].rstrip() for event in page["events"])
                    if not page["events"] or page["nextForwardToken"] == token.get("nextToken"):
                        break
                    token = {"nextToken": page["nextForwardToken"]}


class Dev:
    """`/dev` of the local gateway, for a deployed stack: `GET /dev/mailbox.json`, `POST /dev/clock`, `POST /dev/run`."""

    def __init__(self, stack, clock):
        self.stack, self.clock = stack, clock
        schedule = boto3.client("scheduler").get_schedule(Name=stack.ids["RetentionSchedule"].split("/")[-1])
        self.schedule = {name: schedule[name] for name in (
            "Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")}
        # The first run is computed from the current time. The schedule waits for `run`.
        time.sleep(11)
        self.set_schedule("DISABLED")
        self.start()

    def follow(self, stack):
        """Follows a new deployment of the stack. Its schedule waits for `run` again."""
        self.stack = stack
        self.set_schedule("DISABLED")

    def start(self):
        dev = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                self.answer(dev.mails(query["to"][0]))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.answer(dev.advance(body["advance"]) if self.path == "/dev/clock" else dev.run(body))

            def answer(self, value):
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.set_schedule("ENABLED")

    def set_schedule(self, state):
        boto3.client("scheduler").update_schedule(**self.schedule, State=state)

    def mails(self, to):
        """The mails that SES received for this address, newest first."""
        with urllib.request.urlopen(f"{AWS}/_ministack/ses/messages?account={ACCOUNT}") as answer:
            sent = json.load(answer)["messages"].get(ACCOUNT, [])
        return [self.mail(message) for message in reversed(sent) if message["To"] == [to]]

    @staticmethod
    def mail(message):
        text = message["BodyText"]
        return {
            "id": message["MessageId"],
            "from": message["Source"],
            "to": message["To"][0],
            "subject": message["Subject"],
            "text": text,
            "html": message["BodyHtml"],
            "sent_at": str(message["Timestamp"]),
            "links": re.findall(r"https?://\S+", text),
            "codes": re.findall(r": ([0-9]{6}|[0-9A-Z]{5}-[0-9A-Z]{5})$", text, re.M),
        }

    def advance(self, duration):
        """Moves the clock of the functions and of the local AWS when no mail is in flight. Both follow within a second. Returns how far it is
        ahead; `PT0S` moves nothing."""
        if duration == "PT0S":
            return {"ahead_seconds": int(float(self.clock.read_text()))}
        until(lambda: self.stack.depth("MailQueue") == 0, "the mail queue")
        days, hours = re.fullmatch(r"P(?:(\d+)D)?(?:T(\d+)H)?", duration).groups()
        ahead = float(self.clock.read_text()) + int(days or 0) * 86400 + int(hours or 0) * 3600
        self.clock.write_text(f"+{ahead:.0f}")
        time.sleep(2)
        return {"ahead_seconds": int(ahead)}

    def run(self, event):
        """A dry run uses the schedule's event. A real run uses the schedule and returns its summary."""
        planned = json.loads(self.schedule["Target"]["Input"])
        if event.get("dry_run"):
            return self.stack.invoke("Retention", {"job": planned["job"], "dry_run": True})
        before = len(self.runs())
        self.set_schedule("ENABLED")
        self.advance("PT1H")
        ran = until(lambda: self.runs()[before:], "the schedule")
        self.set_schedule("DISABLED")
        # The period is finished: another invocation returns its summary and does nothing.
        return self.stack.invoke("Retention", {"job": planned["job"], "time": ran[0]["period"]})

    def runs(self):
        """Finished runs, from the function's log."""
        lines = (json.loads(line) for line in self.stack.log_lines("Retention") if line.startswith("{"))
        summaries = [json.loads(line["summary"]) for line in lines if "summary" in line]
        return [summary for summary in summaries if summary["job"] == "retention" and not summary["dry_run"]]
