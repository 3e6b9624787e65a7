"""Deploys `template.yaml` to a local AWS as the README says, and takes the black-box suite to the deployed functions.

    python tests/deploy/run.py [step ...]      with the Python of target/local-aws, sam on the PATH (`.ci/run deploy` sets both up)

Steps: build deploy suite audit; all of them without a word. The local AWS runs the functions' binaries as processes, each under
the role that the template gives it (local_aws.py). `deploy` starts it and it ends with this program.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import boto3
import stack

ROOT = pathlib.Path(__file__).resolve().parents[2]
STACK = "latchkey"
# What is issued says so, whatever address the API gets.
ORIGIN = "https://id.latchkey.test"
SENDER = "no-reply@example.com"
PARAMETERS = {"Origin": ORIGIN, "SenderAddress": SENDER, "Architecture": "x86_64"}


def say(words):
    print(f"\n-- {words}", flush=True)


def run(*command, **named):
    print("$", " ".join(map(str, command)), flush=True)
    subprocess.run(command, check=True, cwd=ROOT, **named)


def sam(*words):
    overrides = [f"{name}={value}" for name, value in PARAMETERS.items()]
    run("sam", *words, "--parameter-overrides", *overrides, stdout=sys.stderr)


def build():
    say("sam build: every function's release binary")
    sam("build", "--beta-features", "--template", "template.yaml")


def deploy():
    say("sam deploy")
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    sam("deploy", "--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
        "--no-progressbar")
    latchkey("config", "apply", "--yes", "infra/local/latchkey.toml")
    latchkey("doctor", "--at", stack.Stack(STACK).api_url)


def latchkey(*words):
    run(target() / "debug" / "latchkey", *words[:2], "--stack", STACK, *words[2:])


def target():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def suite(clock):
    say("the black-box suite, over HTTP")
    deployed = stack.Stack(STACK)
    with stack.Dev(deployed, clock) as dev:
        environment = {**os.environ, "LATCHKEY_URL": deployed.api_url, "LATCHKEY_DEV": dev.url}
        # One after another: they share one clock.
        run("cargo", "test", "--locked", "--workspace", "--test", "black_box", "--", "--test-threads=1", env=environment)


def audit():
    """What must be so after all that."""
    say("what stands behind it")
    deployed = stack.Stack(STACK)
    records = deployed.count("Audit")
    assert records > 20, f"{records} audit records came through the stream"
    for queue in ("MailQueue", "MailDeadLetters", "RetentionDeadLetters"):
        assert deployed.depth(queue) == 0, f"{queue} is not empty"
    assert not deployed.objects("StreamFailures"), "a batch of the stream failed"
    lines = deployed.log_lines()
    refused = [line for line in lines if "AccessDenied" in line or "is not authorized" in line]
    assert not refused, f"a role lacks something: {refused[:3]}"
    failed = [line for line in lines if '"level":"ERROR"' in line or "panicked" in line]
    assert not failed, f"errors in the logs: {failed[:3]}"
    personal = [line for line in lines if re.search(r"@example\.com|green bicycles|Quillfeather", line)]
    assert not personal, f"personal data in the logs: {personal[:3]}"
    answered = [json.loads(line) for line in lines if '"answered"' in line]
    by_request = {}
    for line in answered:
        by_request.setdefault(line["span"]["request_id"], []).append(line)
    assert all(len(of_one) == 1 for of_one in by_request.values()), "more than one line for a request"
    print(f"{records} audit records, {len(answered)} requests in the logs, nothing refused, nothing left over")


def main(steps):
    build_only = steps == ["build"]
    if not steps or "build" in steps:
        build()
    if build_only:
        return
    with tempfile.TemporaryDirectory(prefix="latchkey-aws-") as folder:
        clock = pathlib.Path(folder) / "clock"
        with stack.local_aws(clock, pathlib.Path(folder)):
            deploy()
            suite(clock)
            audit()


if __name__ == "__main__":
    began = time.monotonic()
    main(sys.argv[1:])
    print(f"\ndeployed and tried in {time.monotonic() - began:.0f} s")
