//! The API reference: the OpenAPI document, and the same as a page for people, without JavaScript.

use super::html;
use super::state::PageError;
use crate::openapi;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use minijinja::context;
use minijinja::value::{Serde, Value as View};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Objects inside one another that the page shows; the document has all of them.
const MAX_DEPTH: usize = 4;

/// What an operation lists under one heading.
#[derive(Serialize)]
struct Section {
    name: String,
    anchor: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    /// Who may call, in words.
    caller: String,
    parameters: Vec<Row>,
    body: Option<Body>,
    answers: Vec<Answer>,
    problems: Vec<Code>,
}

/// A parameter, or a member of an object.
#[derive(Serialize)]
struct Row {
    name: String,
    kind: String,
    is_required: bool,
    description: String,
}

#[derive(Serialize)]
struct Body {
    media_types: Vec<String>,
    description: String,
    rows: Vec<Row>,
    example: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    status: String,
    description: String,
    media_types: Vec<String>,
    headers: Vec<String>,
    rows: Vec<Row>,
    errors: Vec<String>,
}

/// A problem code with its status.
#[derive(Serialize)]
struct Code {
    status: String,
    code: String,
}

static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| sections(&openapi::document()));

/// `GET /openapi.json`.
pub(super) async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi::text()).into_response()
}

/// `GET /dev/api`.
pub(super) async fn page() -> Result<Response, PageError> {
    html::page("api.html", &context! { locale => "en", sections => View::from(Serde(&*SECTIONS)) })
}

fn sections(document: &Value) -> Vec<Section> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let section = |tag: &Value| Section {
        name: words(&tag["name"]),
        anchor: words(&tag["name"]).to_lowercase().replace(' ', "-"),
        description: words(&tag["description"]),
        operations: operations(document, &tag["name"]),
    };
    tags.map(section).collect()
}

fn operations(document: &Value, tag: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item).iter().filter(|(_, operation)| operation["tags"][0] == *tag) {
            found.push(self::operation(document, path, method, operation));
        }
    }
    found
}

fn operation(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let mut problems = Vec::new();
    let mut answers = Vec::new();
    for (status, answer) in members(&operation["responses"]) {
        let is_shared = answer.get("$ref").is_some();
        let answer = resolve(document, answer);
        let problem = resolve(document, &answer["content"]["application/problem+json"]["schema"]);
        let codes = &problem["properties"]["code"]["enum"];
        let codes = codes.as_array().into_iter().flatten().map(|code| Code { status: status.clone(), code: words(code) });
        problems.extend(codes);
        if !is_shared {
            answers.push(self::answer(document, status, answer));
        }
    }
    Operation {
        id: words(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: words(&operation["summary"]),
        description: words(&operation["description"]),
        caller: caller(operation),
        parameters: operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| parameter(resolve(document, one)))
            .collect(),
        body: operation.get("requestBody").map(|body| self::body(document, body)),
        answers,
        problems,
    }
}

fn caller(operation: &Value) -> String {
    let schemes = operation["security"].as_array().into_iter().flatten();
    let scheme = |scheme: &Value| match members(scheme).iter().next() {
        Some((name, scopes)) if name == "accessToken" => format!("an access token with scope {}", words(&scopes[0])),
        Some((name, _)) if name == "clientSecret" => "a client with its secret (HTTP Basic or form)".to_owned(),
        Some((name, _)) if name == "session" => "a browser with a session".to_owned(),
        Some(_) | None => "a public client by its client_id".to_owned(),
    };
    schemes.map(scheme).collect::<Vec<_>>().join(", or ")
}

fn parameter(parameter: &Value) -> Row {
    Row {
        name: words(&parameter["name"]),
        kind: words(&parameter["in"]),
        is_required: parameter["required"] == true,
        description: words(&parameter["description"]),
    }
}

fn body(document: &Value, body: &Value) -> Body {
    let content = members(&body["content"]).values().next().unwrap_or(&Value::Null);
    let schema = &content["schema"];
    Body {
        media_types: members(&body["content"]).keys().cloned().collect(),
        description: words(&resolve(document, schema)["description"]),
        rows: rows(document, schema),
        example: content.get("example").and_then(|example| serde_json::to_string_pretty(example).ok()),
    }
}

fn answer(document: &Value, status: &str, answer: &Value) -> Answer {
    let content = members(&answer["content"]);
    let is_error = status.starts_with(['4', '5']);
    let json = content.iter().find(|(media_type, _)| media_type.ends_with("json") && !media_type.contains("problem"));
    let schema = json.map_or(&Value::Null, |(_, content)| &content["schema"]);
    let errors = &schema["properties"]["error"]["enum"];
    Answer {
        status: status.to_owned(),
        description: words(&answer["description"]),
        media_types: content.keys().filter(|media_type| !media_type.contains("problem")).cloned().collect(),
        headers: members(&answer["headers"]).keys().cloned().collect(),
        rows: if is_error { Vec::new() } else { rows(document, schema) },
        errors: errors.as_array().into_iter().flatten().map(words).collect(),
    }
}

/// The members of an object, and of what lies in it, each by its path.
fn rows(document: &Value, schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    collect(document, schema, "", 0, &mut rows);
    rows
}

fn collect(document: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
    if depth > MAX_DEPTH {
        return;
    }
    let schema = resolve(document, schema);
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        collect(document, one, prefix, depth + 1, rows);
    }
    if schema["type"] == "array" {
        collect(document, &schema["items"], &format!("{prefix}[]"), depth + 1, rows);
    }
    if schema["additionalProperties"].is_object() && schema.get("properties").is_none() {
        collect(document, &schema["additionalProperties"], &format!("{prefix}.*"), depth + 1, rows);
    }
    let required = schema["required"].as_array();
    for (name, member) in members(&schema["properties"]) {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if rows.iter().any(|row| row.name == path) {
            continue;
        }
        let resolved = resolve(document, member);
        rows.push(Row {
            name: path.clone(),
            kind: kind(resolved),
            is_required: required.is_some_and(|required| required.iter().any(|known| known == name)),
            description: words(&resolved["description"]),
        });
        collect(document, resolved, &path, depth + 1, rows);
    }
}

/// What a value is, in words.
fn kind(schema: &Value) -> String {
    if let Some(value) = schema.get("const") {
        return value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| values.len() < 6) {
        return values.iter().map(words).collect::<Vec<_>>().join(" | ");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(words).collect::<Vec<_>>().join(" or "),
        one => words(one),
    };
    match schema["format"].as_str() {
        Some(format) => format!("{types} ({format})"),
        None => types,
    }
}

fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
