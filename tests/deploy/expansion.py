"""Compares the expansion of the loops of `template.yaml` in our tests (`tests/src/loops.rs`) with the expansion by the local AWS.

    python tests/deploy/expansion.py STACK     queries the AWS at AWS_ENDPOINT_URL, and runs the test

The local AWS implements `AWS::LanguageExtensions` itself. Its processed template, its list of resources and the parameters of the stack
go into a file. A test reads the file, resolves both templates with these parameters, and compares every resource with every property.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST = "template::loops::the_local_aws_expands_the_loops_as_this_reader_does"


def deployed(name):
    """The expansion by the local AWS: processed template, parameters, and the type of each resource by logical id."""
    cloudformation = boto3.client("cloudformation")
    parameters = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    return {
        "processed": json.loads(processed) if isinstance(processed, str) else processed,
        "parameters": {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters},
        "resources": {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources},
    }


def compare(name):
    """Fails if the stack of this name differs from the expansion of the current template by our tests."""
    with tempfile.TemporaryDirectory(prefix="latchkey-expansion-") as folder:
        file = pathlib.Path(folder) / "expansion.json"
        file.write_text(json.dumps(deployed(name)))
        test = ["cargo", "test", "--locked", "--workspace", "--test", "deployment", "--", "--ignored", "--exact", TEST]
        outcome = subprocess.run(test, cwd=ROOT, env={**os.environ, "LATCHKEY_EXPANSION": str(file)}, capture_output=True, text=True)
    if outcome.returncode or "test result: ok. 1 passed" not in outcome.stdout:
        sys.exit(f"the two expansions of the loops differ:\n{outcome.stdout[-6000:]}\n{outcome.stderr[-2000:]}")


if __name__ == "__main__":
    compare(sys.argv[1])
