"""Two checks of schemathesis with one exception that OpenAPI cannot express.

An answer to a request without a token has only the challenge, no body (RFC 6750 section 3.1). Every other answer with the same status
has a body, so the document describes that one.
"""

import schemathesis
from schemathesis.specs.openapi import checks


def is_challenge_alone(response):
    challenges = response.headers.get("www-authenticate", [])
    return response.status_code == 401 and not response.content and challenges and "error" not in challenges[0]


@schemathesis.check
def content_type_or_challenge(ctx, response, case):
    return None if is_challenge_alone(response) else checks.content_type_conformance(ctx, response, case)


@schemathesis.check
def body_or_challenge(ctx, response, case):
    return None if is_challenge_alone(response) else checks.response_schema_conformance(ctx, response, case)
