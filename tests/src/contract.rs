//! Every answer that a test sees is one that the OpenAPI document describes: status, media type, required headers, body.
//!
//! [`Site`](crate::Site) calls [`violation`] for each answer. A request that no operation has must be answered by a problem.

use http::{HeaderMap, Method, Response, header};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

/// The document, ready to compare with.
struct Contract {
    /// By method and number of segments.
    operations: BTreeMap<(String, usize), Vec<Operation>>,
    /// What answers where there is no operation, by status.
    stray: BTreeMap<u16, Answer>,
}

struct Operation {
    /// As the document writes it.
    path: String,
    at_origin_only: bool,
    answers: BTreeMap<u16, Answer>,
}

#[derive(Clone)]
struct Answer {
    /// By media type; a media type without a schema takes any body.
    content: BTreeMap<String, Option<Arc<Schema>>>,
    required_headers: Vec<String>,
}

/// A schema, compiled when it is first needed: a test binary sees a part of the document.
struct Schema {
    source: Value,
    components: Arc<Value>,
    compiled: OnceLock<Validator>,
}

impl Schema {
    fn validator(&self) -> &Validator {
        self.compiled.get_or_init(|| compile(&self.source, &self.components))
    }
}

/// A validator of this schema. Its references point to the components of the document.
fn compile(schema: &Value, components: &Value) -> Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": components,
        "allOf": [schema],
    });
    // The document's own test checks the schemas themselves, once.
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema of the document")
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::read(&latchkey_local::openapi::document()));

/// What is wrong with an answer by the document; none when it describes the answer. The path has no query.
#[must_use]
pub fn violation(method: &Method, path: &str, response: &Response<impl AsRef<[u8]>>) -> Option<String> {
    let status = response.status().as_u16();
    let (operation, answer) = match CONTRACT.find(method, path) {
        Some(operation) => (operation.path.as_str(), operation.answers.get(&status)),
        None if method == Method::OPTIONS && status == 204 => return None,
        None => ("no operation", CONTRACT.stray.get(&status)),
    };
    let wrong = match answer {
        None => "its status".to_owned(),
        Some(_) if is_bare_challenge(response) => return None,
        Some(answer) => answer.refuse(method, response.headers(), response.body().as_ref())?,
    };
    let body = String::from_utf8_lossy(response.body().as_ref()).chars().take(600).collect::<String>();
    Some(format!("{method} {path} ({operation}) answered {status}, and docs/openapi.json does not describe {wrong}: {body}"))
}

/// The answer to a request without an access token, which no schema describes: the challenge alone.
fn is_bare_challenge(response: &Response<impl AsRef<[u8]>>) -> bool {
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).map(http::HeaderValue::as_bytes);
    response.status().as_u16() == 401 && challenge == Some(b"Bearer") && response.body().as_ref().is_empty()
}

impl Answer {
    /// What the document does not say about this answer.
    fn refuse(&self, method: &Method, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        if let Some(name) = self.required_headers.iter().find(|name| !headers.contains_key(name.as_str())) {
            return Some(format!("that the header {name} is missing"));
        }
        if self.content.is_empty() {
            return (!body.is_empty()).then(|| "a body".to_owned());
        }
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let Some(schema) = self.content.get(essence) else { return Some(format!("the media type {media_type:?}")) };
        let schema = schema.as_ref().filter(|_| method != Method::HEAD)?;
        // A schema of another media type describes its text.
        // DynamoDB's own type is JSON too.
        let is_json = essence == "application/json" || essence == "application/x-amz-json-1.0" || essence.ends_with("+json");
        let value = if is_json { serde_json::from_slice(body).ok() } else { std::str::from_utf8(body).ok().map(Value::from) };
        let Some(value) = value else { return Some("a body that is not JSON or text".to_owned()) };
        let errors: Vec<String> = schema
            .validator()
            .iter_errors(&value)
            .map(|error| format!("{} at {:?}", error.masked(), error.instance_path().as_str()))
            .collect();
        (!errors.is_empty()).then(|| format!("its body ({})", errors.join("; ")))
    }
}

impl Contract {
    fn read(document: &Value) -> Self {
        let mut reader = Reader { document, components: Arc::new(document["components"].clone()), known: BTreeMap::new() };
        let mut operations: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item).iter().filter(|(name, _)| *name != "servers") {
                let answers = members(&operation["responses"]).iter();
                let answers = answers.map(|(status, answer)| (status.parse().expect("a status"), reader.answer(answer)));
                let operation =
                    Operation { path: path.clone(), at_origin_only: item.get("servers").is_some(), answers: answers.collect() };
                operations.entry((method.to_uppercase(), path.split('/').count())).or_default().push(operation);
            }
        }
        // Words before parameters, as a router has it.
        for operations in operations.values_mut() {
            operations.sort_by_key(|operation| operation.path.matches('{').count());
        }
        let problem = reader.answer(&json!({ "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
            "text/html": {},
        } }));
        let mut stray: BTreeMap<u16, Answer> =
            [400, 403, 404, 413, 415, 429, 431, 500, 503].into_iter().map(|status| (status, problem.clone())).collect();
        stray.insert(405, Answer { required_headers: vec!["Allow".to_owned()], ..problem });
        Self { operations, stray }
    }

    fn find(&self, method: &Method, path: &str) -> Option<&Operation> {
        // A router answers HEAD as GET, without the body.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let at_origin = self.find_at(method, path, |_| true);
        let below = path.strip_prefix("/t/").map(|rest| rest.find('/').map_or("/", |at| &rest[at..]));
        at_origin.or_else(|| self.find_at(method, below?, |operation| !operation.at_origin_only))
    }

    fn find_at(&self, method: &Method, path: &str, admit: impl Fn(&Operation) -> bool) -> Option<&Operation> {
        let operations = self.operations.get(&(method.as_str().to_owned(), path.split('/').count()))?;
        operations.iter().find(|operation| admit(operation) && fits(&operation.path, path))
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    pattern
        .split('/')
        .zip(path.split('/'))
        .all(|(part, text)| if part.starts_with('{') { !text.is_empty() } else { part == text })
}

/// Reads answers out of the document; equal schemas are one.
struct Reader<'d> {
    document: &'d Value,
    components: Arc<Value>,
    known: BTreeMap<String, Arc<Schema>>,
}

impl Reader<'_> {
    fn answer(&mut self, answer: &Value) -> Answer {
        let reference = answer["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        let answer = reference.map_or(answer, |pointer| self.document.pointer(pointer).expect("a component"));
        let content = members(&answer["content"])
            .iter()
            .map(|(name, content)| (name.clone(), content.get("schema").map(|s| self.schema(s))));
        let headers = members(&answer["headers"]).iter().filter(|(_, header)| header["required"] == true);
        Answer { content: content.collect(), required_headers: headers.map(|(name, _)| name.clone()).collect() }
    }

    fn schema(&mut self, source: &Value) -> Arc<Schema> {
        let new = || {
            let components = Arc::clone(&self.components);
            Arc::new(Schema { source: source.clone(), components, compiled: OnceLock::new() })
        };
        Arc::clone(self.known.entry(source.to_string()).or_insert_with(new))
    }
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}
