//! The operations that only the local gateway has.

use super::builder::{Operation, Tag};
use super::schemas::{integer, list, moment, object, open_object, text};
use serde_json::{Value, json};

pub(super) fn operations() -> Vec<Operation> {
    let operations = vec![
        own("GET", "/", "openStart", "Leads to the demo storefront.").redirects("To `/demo/`."),
        document(),
        own("GET", "/dev/api", "showApiPage", "Shows this document as a page.").page(200, "The page."),
        own("GET", "/dev/mailbox", "showMailbox", "Shows the mails that would have been sent.")
            .query("to", "Only mails to this address.")
            .query("id", "The mail to show.")
            .page(200, "The page."),
        own("GET", "/dev/mailbox/{id}", "showMail", "Shows the HTML of one mail.")
            .path_parameter("id", "The id of the mail.")
            .page(200, "The mail."),
        mails(),
        clock(),
        run(),
        tables(),
        own("GET", "/demo", "openDemo", "Leads to the demo storefront.").redirects("To `/demo/`."),
        own("GET", "/demo/", "showDemo", "Shows the demo storefront.").page(200, "The page."),
        own("POST", "/demo/sign-in", "signInToDemo", "Starts a sign-in.").redirects("To the authorization endpoint."),
        own("GET", "/demo/callback", "finishDemoSignIn", "Takes the authorization response.")
            .query("code", "The code.")
            .query("state", "The state of the request.")
            .query("iss", "The issuer (RFC 9207).")
            .query("error", "The error.")
            .redirects("To `/demo/`."),
        own("POST", "/demo/refresh", "refreshDemo", "Refreshes the tokens.").redirects("To `/demo/`."),
        own("POST", "/demo/sign-out", "signOutOfDemo", "Signs out.").redirects("To the sign-out of Latchkey, or to `/demo/`."),
    ];
    operations.into_iter().map(Operation::at_origin_only).collect()
}

fn own(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::LocalGateway, method, path, id, summary)
}

fn document() -> Operation {
    let document = open_object([("openapi", text("The version of OpenAPI."))], "This document.");
    own("GET", "/openapi.json", "readApiDocument", "This document.").answers(200, "The document.", document)
}

fn mails() -> Operation {
    let mail = object([
        ("id", text("The id of the mail.")),
        ("to", text("The address.")),
        ("from", text("The sender.")),
        ("subject", text("The subject.")),
        ("text", text("The mail as plain text.")),
        ("html", text("The mail as HTML.")),
        ("sent_at", moment("When it would have been sent.")),
        ("links", list(&text("An address."), "The links in it.")),
        ("codes", list(&text("A code."), "The codes in it.")),
    ]);
    own("GET", "/dev/mailbox.json", "listMails", "Lists the mails that would have been sent.")
        .query("to", "Only mails to this address.")
        .answers(200, "The newest first.", list(&mail, "The mails."))
}

fn clock() -> Operation {
    let answer = object([
        ("now", moment("The time that decisions read.")),
        ("ahead_seconds", integer("How far it is ahead of the system's clock.")),
    ]);
    own("POST", "/dev/clock", "moveClock", "Moves the clock forward that every decision reads.")
        .takes(object([("advance", text("A duration of fixed length by ISO 8601, such as `P30D` or `PT15M`."))]))
        .example(&json!({ "advance": "P30D" }))
        .answers(200, "Moved; also over a restart.", answer)
}

fn run() -> Operation {
    let event = open_object([("job", text("`retention`."))], "The event that the schedule sends.");
    own("POST", "/dev/run", "runJob", "Runs a scheduled job now, to its end.")
        .takes(event)
        .example(&json!({ "job": "retention" }))
        .answers(200, "Its summary.", json!({ "type": "object" }))
}

fn tables() -> Operation {
    const AMZ: &str = "application/x-amz-json-1.0";
    let body: Value = json!({ "schema": { "type": "object" } });
    own("POST", "/dev/tables/", "callTables", "The tables, for the `latchkey` command.")
        .describe("DynamoDB's own protocol. It needs the operator token that the gateway writes into its data folder.")
        .takes_as(&[AMZ], json!({ "type": "object" }), true)
        .answers_as(200, "What DynamoDB answers.", AMZ, body.clone())
        .answers_as(400, "What DynamoDB refuses.", AMZ, body.clone())
        .answers_as(403, "The caller is not this machine, or is a page.", AMZ, body.clone())
        .answers_as(500, "A failure of the engine.", AMZ, body)
}
