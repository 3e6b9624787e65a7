//! The OpenAPI 3.1 document of every endpoint: one file for each function, and one for what only the gateway has.
//!
//! `latchkey-local openapi` writes it; `docs/openapi.json` is its output. Three things tie it to the code (`tests`): the routes of
//! the sources and the operations of the document are the same set; codes and statuses come from [`ProblemKind`] and
//! [`OAuthError`]; and each answer that the test suite sees is checked against the document.
//!
//! It is written with `serde_json`, not derived: no function carries an attribute or a dependency for it.
//!
//! [`ProblemKind`]: latchkey::web::problem::ProblemKind
//! [`OAuthError`]: latchkey::web::OAuthError

mod builder;
mod export;
mod factors;
mod gateway;
mod login;
mod profile;
mod registration;
mod schemas;
mod token;

use builder::{Operation, Shared, Tag};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The function of the operations that belong to none: the local gateway's own.
pub const LOCAL_GATEWAY: &str = "local gateway";

static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n");

/// The document as `docs/openapi.json` has it.
#[must_use]
pub fn text() -> &'static str {
    &TEXT
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let functions: [(&str, Vec<Operation>); 6] = [
        ("registration", registration::operations()),
        ("login", login::operations()),
        ("token", token::operations()),
        ("profile", profile::operations().into_iter().chain(factors::operations()).collect()),
        ("export", export::operations()),
        (LOCAL_GATEWAY, gateway::operations()),
    ];
    let mut paths: Map<String, Value> = Map::new();
    let mut shared = Shared { schemas: schemas::components(), ..Shared::default() };
    for (function, operations) in functions {
        for operation in operations {
            let (method, path, at_origin_only) = (operation.method, operation.path, operation.at_origin_only);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if at_origin_only {
                item["servers"] = json!([{ "url": "/" }]);
            }
            item[method.to_lowercase()] = operation.render(function, &mut shared);
        }
    }
    let tags: Vec<Value> =
        Tag::ALL.into_iter().map(|tag| json!({ "name": tag.name(), "description": tag.description() })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Customer identity: registration, sign-in, tokens, self-service.",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "The default tenant." },
            {
                "url": "/t/{tenant}",
                "description": "Another tenant.",
                "variables": { "tenant": { "default": "acme", "description": "The tenant." } },
            },
        ],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": shared.schemas,
            "responses": shared.responses,
            "parameters": shared.parameters,
            "securitySchemes": security_schemes(),
        },
    })
}

const DESCRIPTION: &str = "Every endpoint of this version. The document is made from the code and compared with it by tests.\n\n\
    Limits of each request: request line and headers 9 KiB together, body 64 KiB, JSON depth 32. A body is not compressed. An \
    address that no operation has answers 404 `not_found`; a method that it does not have answers 405 `method_not_allowed` with \
    `Allow`. Problems are `application/problem+json` (RFC 9457); a browser that asks for `text/html` gets the same problem as a \
    page. `OPTIONS` answers the CORS preflight for the origins of the tenant's clients.\n\n\
    Clients ignore members that they do not know: a later version may add some.";

fn security_schemes() -> Value {
    json!({
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of this issuer with the scope that is named (RFC 6750).",
        },
        "clientSecret": {
            "type": "http",
            "scheme": "basic",
            "description": "`client_id` and secret, each form-encoded (RFC 6749, section 2.3.1). Other clients name themselves in the \
                            form.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-lk-session",
            "description": "The session cookie that the sign-in page sets; `lk-session` on http://localhost, with `-{tenant}` behind it \
                            for another tenant.",
        },
    })
}
