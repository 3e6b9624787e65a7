//! The OpenAPI document and the code say the same: file, routes, problem codes, references. `tests::contract` checks the answers.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::{Method, Response};
use latchkey::web::problem::ProblemKind;
use latchkey_local::openapi::{LOCAL_GATEWAY, document, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::contract::violation;
use tests::routes::{SourceRoute, in_the_sources, root};

/// RFC 8414 puts the tenant last: the web layer takes it off before it looks for a route.
const METADATA_OF_TENANT: &str = "/.well-known/oauth-authorization-server/t/{tenant}";

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "servers");
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

fn walk<'v>(value: &'v Value, visit: &mut impl FnMut(&'v Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(elements) => elements.iter().for_each(|element| walk(element, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_file_is_what_the_command_writes() {
    let file = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    assert!(file == text(), "docs/openapi.json is old; run: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_route_of_the_code_is_an_operation_and_every_operation_a_route() {
    let document = document();
    let documented: BTreeSet<SourceRoute> = operations(&document)
        .filter(|(path, ..)| *path != METADATA_OF_TENANT)
        .map(|(path, method, operation)| {
            let function = operation["x-function"].as_str().filter(|name| *name != LOCAL_GATEWAY).map(str::to_owned);
            SourceRoute { function, method: method.to_uppercase(), path: path.clone() }
        })
        .collect();
    let routes = in_the_sources();
    assert!(routes.len() > 70, "only {} routes were found: the reader looks in the wrong place", routes.len());
    assert_eq!(documented.difference(&routes).collect::<Vec<_>>(), Vec::<&SourceRoute>::new(), "operations without a route");
    assert_eq!(routes.difference(&documented).collect::<Vec<_>>(), Vec::<&SourceRoute>::new(), "routes without an operation");
    assert_eq!(document["servers"][0]["url"], "/");
    assert_eq!(document["servers"][1]["url"], "/t/{tenant}");
}

#[test]
fn every_problem_code_is_answered_under_the_status_that_the_code_gives_it() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let codes: Vec<&str> = ProblemKind::ALL.into_iter().map(ProblemKind::code).collect();
    assert_eq!(schemas["Problem"]["properties"]["code"]["enum"], json!(codes));

    let mut answered: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let answer = resolve(&document, answer);
            let problem = resolve(&document, &answer["content"]["application/problem+json"]["schema"]);
            for code in problem["properties"]["code"]["enum"].as_array().into_iter().flatten() {
                let (code, status) = (code.as_str().unwrap(), status.parse().unwrap());
                assert_eq!(problem["properties"]["status"]["const"], status, "{method} {path}: {code}");
                answered.entry(code).or_default().insert(status);
            }
        }
    }
    let expected: BTreeMap<&str, BTreeSet<u16>> = ProblemKind::ALL
        .into_iter()
        // No operation answers it: it says that there is none.
        .filter(|kind| *kind != ProblemKind::MethodNotAllowed)
        .map(|kind| (kind.code(), BTreeSet::from([kind.status().as_u16()])))
        .collect();
    assert_eq!(answered, expected);
}

fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[test]
fn references_lead_somewhere_and_names_are_used_once() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
            used.insert(reference.to_owned());
        }
    });
    for section in ["schemas", "responses", "parameters"] {
        for name in document["components"][section].as_object().unwrap().keys() {
            assert!(used.contains(&format!("#/components/{section}/{name}")), "{section}/{name} is not used");
        }
    }
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}: its operationId is another's");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters =
            parameters.map(|parameter| resolve(&document, parameter)).filter(|parameter| parameter["in"] == "path");
        let declared: BTreeSet<_> = parameters.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let named: BTreeSet<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(declared, named, "{method} {path}");
    }
}

#[test]
fn every_schema_is_one() {
    let document = document();
    let mut count = 0;
    for section in ["schemas", "responses", "parameters"] {
        for (name, component) in document["components"][section].as_object().unwrap() {
            count += check_schemas(component, section == "schemas", name);
        }
    }
    for (path, method, operation) in operations(&document) {
        count += check_schemas(operation, false, &format!("{method} {path}"));
    }
    assert!(count > 100, "only {count} schemas were found");
}

/// Compares the schemas in a part of the document with JSON Schema's own schema; how many there are.
fn check_schemas(part: &Value, is_schema: bool, place: &str) -> usize {
    if is_schema {
        let error = jsonschema::draft202012::meta::validate(part).err().map(|error| error.to_string());
        assert_eq!(error, None, "{place}");
        return 1;
    }
    let members = part.as_object().into_iter().flatten();
    let elements = part.as_array().into_iter().flatten();
    members.map(|(name, member)| check_schemas(member, name == "schema", place)).sum::<usize>()
        + elements.map(|element| check_schemas(element, false, place)).sum::<usize>()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Response<Vec<u8>> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }).unwrap()
}

#[test]
fn an_answer_outside_the_document_is_found() {
    const JSON: (&str, &str) = ("content-type", "application/json");
    const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");
    let problem = |status: u16, code: &str| json!({ "type": "https://id.example.com/problems/x", "title": "x", "status": status, "detail": "x", "code": code });
    let me = json!({ "sub": "ada", "nickname": "ada" });
    let password = "/v1/me/password";
    let good = [
        ("GET", "/v1/me", answer(200, &[JSON, ("etag", "\"x\"")], &me)),
        ("HEAD", "/v1/me", answer(200, &[JSON, ("etag", "\"x\"")], &Value::Null)),
        ("GET", "/t/acme/v1/me", answer(200, &[("content-type", "application/json; charset=utf-8"), ("etag", "x")], &me)),
        ("POST", password, answer(204, &[], &Value::Null)),
        ("POST", password, answer(429, &[PROBLEM, ("retry-after", "1")], &problem(429, "too_many_requests"))),
        ("GET", "/v1/me/sessions", answer(401, &[("content-type", "text/html"), ("www-authenticate", "Bearer")], &Value::Null)),
        ("DELETE", password, answer(405, &[PROBLEM, ("allow", "POST")], &problem(405, "method_not_allowed"))),
        ("GET", "/nowhere", answer(404, &[PROBLEM], &problem(404, "not_found"))),
        ("OPTIONS", "/v1/me", answer(204, &[], &Value::Null)),
        ("GET", "/t/acme/healthz", answer(200, &[JSON], &json!({ "status": "ok" }))),
    ];
    for (method, path, answer) in &good {
        assert_eq!(violation(&method.parse::<Method>().unwrap(), path, answer), None, "{method} {path}");
    }
    let bad = [
        ("a status", "POST", password, answer(201, &[], &Value::Null)),
        ("a media type", "GET", "/v1/me", answer(200, &[("content-type", "text/plain"), ("etag", "x")], &me)),
        ("no media type", "GET", "/v1/me", answer(200, &[("etag", "x")], &me)),
        ("no ETag", "GET", "/v1/me", answer(200, &[JSON], &me)),
        ("a member that is missing", "GET", "/v1/me", answer(200, &[JSON, ("etag", "x")], &json!({}))),
        ("a member that it does not have", "GET", "/healthz", answer(200, &[JSON], &json!({ "status": "ok", "up": 1 }))),
        ("another value", "GET", "/healthz", answer(200, &[JSON], &json!({ "status": "down" }))),
        ("a body where there is none", "POST", password, answer(204, &[JSON], &json!({}))),
        ("a body that is not JSON or text", "GET", "/healthz", answer(200, &[JSON], &Value::Null)),
        ("a code of another status", "POST", password, answer(400, &[PROBLEM], &problem(400, "not_found"))),
        ("another status in the body", "POST", password, answer(400, &[PROBLEM], &problem(401, "invalid_request"))),
        ("a code of another operation", "POST", password, answer(400, &[PROBLEM], &problem(400, "invalid_code"))),
        ("no Retry-After", "POST", password, answer(503, &[PROBLEM], &problem(503, "unavailable"))),
        ("no challenge", "GET", "/v1/me", answer(401, &[PROBLEM], &problem(401, "invalid_token"))),
        ("no Allow", "DELETE", password, answer(405, &[PROBLEM], &problem(405, "method_not_allowed"))),
        ("a path that there is not", "GET", "/nowhere", answer(200, &[JSON], &json!({}))),
        ("a page of the gateway at a tenant", "GET", "/t/acme/openapi.json", answer(200, &[JSON], &document())),
    ];
    for (what, method, path, answer) in &bad {
        assert!(violation(&method.parse::<Method>().unwrap(), path, answer).is_some(), "{what}");
    }
}
