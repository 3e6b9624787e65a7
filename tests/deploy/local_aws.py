"""A local AWS that evaluates roles: ministack plus the condition keys that it does not set.

With AUTH=true ministack evaluates each caller's policies and each key's policy, but it does not know `dynamodb:LeadingKeys`,
`dynamodb:ReturnValues`, `dynamodb:Select`, `dynamodb:Attributes`, `kms:EncryptionContext:*`, `kms:SigningAlgorithm`, `kms:MessageType` and `ses:FromAddress`. The conditions of the
template's roles need these keys. This module reads them from the requests, as AWS documents them.

Time: LOCAL_AWS_CLOCK names a file with an offset such as `+2678400` (seconds). This process uses this offset. The functions, which are real
processes, use it through libfaketime (FUNCTIONS_PRELOAD).
"""

import contextvars
import inspect
import json
import os
import pathlib
import re
import threading
import time

import time_machine

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import apigateway, dynamodb, eventbridge
from ministack.services.cloudformation import provisioners

# The request under evaluation, and the remaining items of a transaction.
_request = contextvars.ContextVar("request", default={})
_items = contextvars.ContextVar("items", default=None)


def _parsed(body):
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _partition(item):
    """The partition key in a part of a request."""
    key = item.get("Key") or item.get("Item") or {}
    if "pk" in key:
        return [key["pk"].get("S", "")]
    expression, values = item.get("KeyConditionExpression", ""), item.get("ExpressionAttributeValues", {})
    names = item.get("ExpressionAttributeNames", {})
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", expression):
        if names.get(name, name) == "pk" and value in values:
            return [values[value].get("S", "")]
    return []


def _dynamodb_keys(action, arn):
    request = _request.get()
    if action == "dynamodb:BatchGetItem":
        table = arn.rsplit("/", 1)[-1]
        keys = request.get("RequestItems", {}).get(table, {}).get("Keys", [])
        return {"dynamodb:LeadingKeys": sorted({key["pk"]["S"] for key in keys if "pk" in key})}
    items = _items.get()
    item = next(items) if items is not None else request
    context = {}
    if keys := _partition(item):
        context["dynamodb:LeadingKeys"] = keys
    if "ReturnValues" in item:
        context["dynamodb:ReturnValues"] = item["ReturnValues"]
    if "Select" in item:
        context["dynamodb:Select"] = item["Select"]
    # The store names each attribute of a query by a placeholder.
    if action == "dynamodb:Query":
        context["dynamodb:Attributes"] = sorted(item.get("ExpressionAttributeNames", {}).values())
    return context


def _keys(action, arn):
    request = _request.get()
    if action.startswith("dynamodb:"):
        return _dynamodb_keys(action, arn)
    if action.startswith("kms:"):
        context = request.get("EncryptionContext") or {}
        named = {f"kms:{name}": request[name] for name in ("SigningAlgorithm", "MessageType") if name in request}
        return named | {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    if action.startswith("ses:"):
        sender = re.search(r"<([^>]+)>\s*$", request.get("FromEmailAddress", ""))
        return {"ses:FromAddress": sender.group(1) if sender else request.get("FromEmailAddress", "")}
    return {}


def _before(module, name, note):
    """Passes the arguments of a function to `note` before it runs."""
    original = getattr(module, name)

    def noted(*arguments, **named):
        note(*arguments, **named)
        return original(*arguments, **named)

    setattr(module, name, noted)


def _note_request(service, action, body, _params):
    _request.set(_parsed(body))
    _items.set(None)


def _note_transaction(_action, body, _region, _account):
    parts = _parsed(body).get("TransactItems") or []
    members = [part[member] for part in parts for member in iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS if member in part]
    _items.set(iter(members) if members else None)


def _fill_in_scheduled_time(invoke):
    """EventBridge Scheduler replaces `<aws.scheduler.scheduled-time>`; ministack passes it on unchanged."""

    def filled_in(target, event, rule, view=None):
        if event.get("Source") == "aws.scheduler" and "Input" in target:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))
            target = {**target, "Input": target["Input"].replace("<aws.scheduler.scheduled-time>", now)}
        return invoke(target, event, rule, view)

    return filled_in


def _allow_preflights():
    """An HTTP API without CORS settings passes OPTIONS to its routes; ministack refuses it."""
    source = inspect.getsource(apigateway._handle_execute_in_scope)
    refusing, allowing = 'if method == "OPTIONS":', 'if method == "OPTIONS" and cors_cfg:'
    assert source.count(refusing) == 1, "ministack changed"
    exec(source.replace(refusing, allowing), vars(apigateway))  # noqa: S102


def _accept_metric_math(record):
    """Makes ministack accept alarms with an expression. There are no measurements here, so it is enough to create them."""

    def accepted(name, properties):
        if "Metrics" in properties:
            properties = {key: value for key, value in properties.items() if key != "Metrics"}
            properties |= {"Namespace": "Expression", "MetricName": name, "Period": 60, "Statistic": "Sum"}
        return record(name, properties)

    return accepted


def _keep_lifetimes_and_backups():
    """ministack ignores a table's TTL and point-in-time recovery in a template, but honours its API calls for them."""
    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create, update = table["create"], table["update"]

    def keep(name, properties):
        if lifetime := properties.get("TimeToLiveSpecification"):
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": lifetime})
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": recovery})

    def created(logical_id, properties, stack):
        made = create(logical_id, properties, stack)
        keep(made[0], properties)
        return made

    def updated(name, old, properties, stack, logical_id=None):
        made = update(name, old, properties, stack, logical_id)
        keep(name, properties)
        return made

    table |= {"create": created, "update": updated}


def _follow_clock(file):
    real, shown, traveller = time.time, None, None
    began = real() - time.monotonic()
    while True:
        offset = file.read_text().strip() or "+0"
        if offset != shown:
            if traveller:
                traveller.stop()
            traveller = time_machine.travel(began + time.monotonic() + float(offset), tick=True)
            traveller.start()
            shown = offset
        time.sleep(0.05)


def main():
    clock = pathlib.Path(os.environ["LOCAL_AWS_CLOCK"])
    threading.Thread(target=_follow_clock, args=(clock,), daemon=True).start()
    # Every process started from here on is a function. Its timers use the real clock.
    os.environ |= {"LD_PRELOAD": os.environ["FUNCTIONS_PRELOAD"], "FAKETIME_TIMESTAMP_FILE": str(clock),
                   "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    _before(iam_actions, "request_tag_context", _note_request)
    _before(iam_actions, "dynamodb_transaction_checks", _note_transaction)
    _before(app, "_enforce_ses_v2", lambda _m, _p, _h, body, _q, _r: _request.set(_parsed(body)))
    enforce = iam_evaluator.enforce

    def enforce_with_keys(access_key, action, service, region, resource_arn="*", service_context=None):
        # SQS batches are not separate actions.
        action = re.sub(r"^(sqs:\w+Message)Batch$", r"\1", action)
        context = {**(service_context or {}), **_keys(action, resource_arn)}
        if action == "ses:SendEmail":
            # Sending requires permission for the sender's identity.
            resource_arn = f"arn:aws:ses:{region}:{get_account_id()}:identity/{context['ses:FromAddress']}"
        return enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=context)

    iam_evaluator.enforce = enforce_with_keys
    _allow_preflights()
    _keep_lifetimes_and_backups()
    provisioners._cw_metric_alarm_record = _accept_metric_math(provisioners._cw_metric_alarm_record)
    eventbridge._invoke_target = _fill_in_scheduled_time(eventbridge._invoke_target)
    app.main()


if __name__ == "__main__":
    main()
