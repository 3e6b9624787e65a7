//! One operation of the document: method, path, and what it takes and answers.
//!
//! The document is JSON, and so are its parts here: this file is the only place that knows how OpenAPI 3.1 spells an operation.
//! Problem codes come from [`ProblemKind`] and protocol errors from [`OAuthErrorCode`], each with the status that the code gives it.

use super::schemas::{self, reference};
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::web::OAuthError;
use latchkey::web::problem::ProblemKind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What every route may answer before it runs: the limits of a request, an origin behind a CDN, a failure on our side.
const EDGE: [ProblemKind; 7] = [
    ProblemKind::InvalidRequest,
    ProblemKind::Forbidden,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::HeadersTooLarge,
    ProblemKind::Internal,
    ProblemKind::Unavailable,
];
/// What every route of a tenant may answer besides: an unknown tenant, too much at once.
const TENANT: [ProblemKind; 2] = [ProblemKind::NotFound, ProblemKind::TooManyRequests];

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Where an operation is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Registration,
    SignIn,
    Tokens,
    Metadata,
    SelfService,
    Export,
    AccountPages,
    Service,
    LocalGateway,
}

impl Tag {
    pub(super) const ALL: [Self; 9] = [
        Self::Registration,
        Self::SignIn,
        Self::Tokens,
        Self::Metadata,
        Self::SelfService,
        Self::Export,
        Self::AccountPages,
        Self::Service,
        Self::LocalGateway,
    ];
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Registration => "Registration",
            Self::SignIn => "Sign-in",
            Self::Tokens => "Tokens",
            Self::Metadata => "Metadata",
            Self::SelfService => "Self-service",
            Self::Export => "Export",
            Self::AccountPages => "Account pages",
            Self::Service => "Service",
            Self::LocalGateway => "Local gateway",
        }
    }
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Registration => "From a form to an account with a proven address, as JSON and as pages.",
            Self::SignIn => "The authorization endpoint, the pages that it leads through, password reset, and sign-out.",
            Self::Tokens => "Tokens for applications: issue, refresh, revoke, introspect, and read the user's claims.",
            Self::Metadata => "What clients and resource servers read to configure themselves.",
            Self::SelfService => "What users see and change about their own account, as JSON.",
            Self::Export => "Everything that is held about a user, as one signed ZIP file.",
            Self::AccountPages => "The same as pages. They work without JavaScript.",
            Self::Service => "Liveness, and what each problem code means.",
            Self::LocalGateway => {
                "Only on the local gateway, and only from this machine: mailbox, clock, jobs, demo storefront. No deployed function \
                 has them."
            }
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// The bearer of an access token with this scope.
    Token(&'static str),
    /// A client: HTTP Basic, a secret in the form, or a public client by its `client_id` alone.
    Client,
    /// A browser with a session.
    Session,
}

/// What several operations share: the components of the document.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) schemas: Map<String, Value>,
    pub(super) responses: Map<String, Value>,
    pub(super) parameters: Map<String, Value>,
}

impl Shared {
    /// A reference to a parameter; the parameter itself, where its name already means another one.
    fn parameter(&mut self, parameter: Value) -> Value {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let known = self.parameters.entry(name.clone()).or_insert_with(|| parameter.clone());
        if *known == parameter { reference("parameters", &name) } else { parameter }
    }
}

/// One answer, by status.
#[derive(Default)]
struct Answer {
    description: Option<&'static str>,
    content: BTreeMap<&'static str, Value>,
    headers: Map<String, Value>,
    kinds: BTreeSet<&'static str>,
    titles: Vec<&'static str>,
    errors: BTreeSet<&'static str>,
}

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Served below the origin only, never below `/t/{tenant}`.
    pub(super) at_origin_only: bool,
    id: &'static str,
    summary: &'static str,
    tag: Tag,
    description: Option<&'static str>,
    caller: Option<Caller>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Answer>,
}

impl Operation {
    /// An operation that answers nothing but what the edge answers.
    fn bare(tag: Tag, method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        let operation = Self {
            method,
            path,
            at_origin_only: false,
            id,
            summary,
            tag,
            description: None,
            caller: None,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
        };
        operation.problems(&EDGE)
    }
    /// An operation of a tenant.
    pub(super) fn new(tag: Tag, method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::bare(tag, method, path, id, summary).problems(&TENANT)
    }
    /// An operation that loads no tenant.
    pub(super) fn without_tenant(tag: Tag, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::bare(tag, "GET", path, id, summary)
    }
    /// Served below the origin only.
    pub(super) fn at_origin_only(mut self) -> Self {
        self.at_origin_only = true;
        self
    }
    /// More than the summary says.
    pub(super) fn describe(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }
    /// Who may call.
    pub(super) fn caller(mut self, caller: Caller) -> Self {
        self.caller = Some(caller);
        self
    }
    /// A segment of the path.
    pub(super) fn path_parameter(self, name: &'static str, text: &'static str) -> Self {
        self.parameter("path", name, true, text, json!({ "type": "string", "minLength": 1 }))
    }
    /// A parameter of the query.
    pub(super) fn query(self, name: &'static str, text: &'static str) -> Self {
        self.parameter("query", name, false, text, json!({ "type": "string" }))
    }
    /// Any other parameter.
    pub(super) fn parameter(mut self, place: &str, name: &str, required: bool, text: &str, schema: Value) -> Self {
        self.parameters.push(json!({ "in": place, "name": name, "required": required, "description": text, "schema": schema }));
        self
    }
    /// A JSON body.
    pub(super) fn takes(self, schema: Value) -> Self {
        self.takes_as(&[JSON], schema, true)
    }
    /// A form.
    pub(super) fn takes_form(self, schema: Value) -> Self {
        self.takes_as(&[FORM], schema, true)
    }
    /// A body of any of these media types.
    pub(super) fn takes_as(mut self, media_types: &[&str], schema: Value, required: bool) -> Self {
        let content: Map<String, Value> =
            media_types.iter().map(|media_type| ((*media_type).to_owned(), json!({ "schema": schema }))).collect();
        self.body = Some(json!({ "required": required, "content": content }));
        self
    }
    /// A body that shows what is meant.
    pub(super) fn example(mut self, example: &Value) -> Self {
        for content in self.body.iter_mut().filter_map(|body| body["content"].as_object_mut()).flat_map(Map::values_mut) {
            content["example"] = example.clone();
        }
        self
    }
    /// A JSON answer.
    pub(super) fn answers(self, status: u16, text: &'static str, schema: Value) -> Self {
        self.answers_as(status, text, JSON, json!({ "schema": schema }))
    }
    /// A page.
    pub(super) fn page(self, status: u16, text: &'static str) -> Self {
        self.answers_as(status, text, HTML, json!({}))
    }
    /// An answer of another media type.
    pub(super) fn answers_as(mut self, status: u16, text: &'static str, media_type: &'static str, content: Value) -> Self {
        let answer = self.answers.entry(status).or_default();
        answer.description = Some(text);
        answer.content.insert(media_type, content);
        self
    }
    /// An answer without a body.
    pub(super) fn empty(mut self, status: u16, text: &'static str) -> Self {
        self.answers.entry(status).or_default().description = Some(text);
        self
    }
    /// 303: the browser continues with GET.
    pub(super) fn redirects(self, text: &'static str) -> Self {
        self.empty(303, text).header(303, "Location", true, "Where to continue.")
    }
    /// A header of an answer.
    pub(super) fn header(mut self, status: u16, name: &str, required: bool, text: &str) -> Self {
        let header = json!({ "required": required, "description": text, "schema": { "type": "string" } });
        self.answers.entry(status).or_default().headers.insert(name.to_owned(), header);
        self
    }
    /// Problems (RFC 9457), each under its own status; a browser that asks for a page gets one.
    pub(super) fn problems(mut self, kinds: &[ProblemKind]) -> Self {
        for kind in kinds {
            let answer = self.answers.entry(kind.status().as_u16()).or_default();
            if answer.kinds.insert(kind.code()) {
                answer.titles.push(kind.title());
            }
        }
        self
    }
    /// Errors of a protocol endpoint (RFC 6749, section 5.2), each under its own status.
    pub(super) fn errors(mut self, codes: &[OAuthErrorCode]) -> Self {
        for code in codes {
            let error = OAuthError::new(*code, "");
            self.answers.entry(error.status().as_u16()).or_default().errors.insert(code.as_str());
        }
        self
    }
    /// The errors of every protocol endpoint: too many at once, not available, a failure on our side.
    pub(super) fn protocol(mut self) -> Self {
        let busy = OAuthError { busy: true, ..OAuthError::new(OAuthErrorCode::TemporarilyUnavailable, "") };
        self.answers.entry(busy.status().as_u16()).or_default().errors.insert(busy.code.as_str());
        self.errors(&[OAuthErrorCode::InvalidRequest, OAuthErrorCode::TemporarilyUnavailable, OAuthErrorCode::ServerError])
    }

    /// The operation as the document has it; answers that several operations share go to `shared`.
    pub(super) fn render(self, function: &str, shared: &mut Shared) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag.name()],
            "x-function": function,
        });
        let responses: Map<String, Value> =
            self.answers.into_iter().map(|(status, answer)| (status.to_string(), answer.render(status, shared))).collect();
        operation["responses"] = responses.into();
        if let Some(text) = self.description {
            operation["description"] = text.into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.into_iter().map(|parameter| shared.parameter(parameter)).collect();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        if let Some(caller) = self.caller {
            operation["security"] = match caller {
                Caller::Token(scope) => json!([{ "accessToken": [scope] }]),
                Caller::Client => json!([{ "clientSecret": [] }, {}]),
                Caller::Session => json!([{ "session": [] }]),
            };
        }
        operation
    }
}

impl Answer {
    /// Nothing but problems: the answer is named after them and shared.
    fn is_shared(&self) -> bool {
        self.description.is_none() && self.content.is_empty() && self.errors.is_empty() && self.headers.is_empty()
    }

    fn render(mut self, status: u16, shared: &mut Shared) -> Value {
        let (is_shared, has_challenge) = (self.is_shared(), self.errors.is_empty());
        let name = self.kinds.iter().map(|code| pascal_case(code)).collect::<Vec<_>>().join("Or");
        let description = self.description.map_or_else(|| self.titles.join(". Or: ") + ".", str::to_owned);
        if !self.kinds.is_empty() {
            let codes: Vec<&str> = self.kinds.into_iter().collect();
            let schema = format!("{name}Problem");
            self.content.insert(PROBLEM, json!({ "schema": reference("schemas", &schema) }));
            self.content.entry(HTML).or_insert_with(|| json!({}));
            shared.schemas.insert(schema, schemas::problem_of(status, &codes));
        }
        if !self.errors.is_empty() {
            let codes: Vec<&str> = self.errors.into_iter().collect();
            self.content.insert(JSON, json!({ "schema": schemas::oauth_error_of(&codes) }));
        }
        if status == 401 {
            // A client that sent no HTTP Basic gets no challenge (RFC 6749, section 5.2).
            let text = "The challenge (RFC 6750, section 3). An endpoint for access tokens answers a request without one by `Bearer` \
                        alone, without a body (section 3.1).";
            let schema = json!({ "type": "string" });
            self.headers.insert(
                "WWW-Authenticate".to_owned(),
                json!({ "required": has_challenge, "description": text, "schema": schema }),
            );
        }
        if matches!(status, 429 | 503) {
            let text = "Seconds to wait before the next try.";
            let schema = json!({ "type": "integer", "minimum": 0 });
            self.headers.insert("Retry-After".to_owned(), json!({ "required": true, "description": text, "schema": schema }));
        }
        let mut response = json!({ "description": description });
        if !self.content.is_empty() {
            response["content"] = self.content.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        }
        if !self.headers.is_empty() {
            response["headers"] = self.headers.into();
        }
        if !is_shared {
            return response;
        }
        shared.responses.insert(name.clone(), response);
        reference("responses", &name)
    }
}

/// `not_found` as `NotFound`.
fn pascal_case(code: &str) -> String {
    let capital = |word: &str| word.get(..1).map(str::to_uppercase).unwrap_or_default() + word.get(1..).unwrap_or_default();
    code.split('_').map(capital).collect()
}
