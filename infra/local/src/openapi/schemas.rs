//! Schemas (JSON Schema 2020-12) that several operations share, and the words that all of them are written in.
//!
//! Objects are closed: the document says everything that this version takes and answers, so that a test finds what it does not say.

use latchkey::domain::sign_in::assurance::Acr;
use latchkey::web::problem::ProblemKind;
use serde_json::{Map, Value, json};

/// A reference to a component.
pub(super) fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

/// A reference to a schema.
pub(super) fn schema(name: &str) -> Value {
    reference("schemas", name)
}

/// A text.
pub(super) fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// A text that may be null.
pub(super) fn nullable(description: &str) -> Value {
    json!({ "type": ["string", "null"], "description": description })
}

/// One of these texts.
pub(super) fn one_of(values: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": description })
}

/// Yes or no.
pub(super) fn boolean(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

/// A whole number.
pub(super) fn integer(description: &str) -> Value {
    json!({ "type": "integer", "description": description })
}

/// A moment by RFC 3339.
pub(super) fn moment(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

/// A list.
pub(super) fn list(items: &Value, description: &str) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}

/// A value for each locale.
pub(super) fn by_locale(value: &Value, description: &str) -> Value {
    json!({ "type": "object", "additionalProperties": value, "description": description })
}

/// An object with these members and no others; a name that ends in `?` may be left out.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema.clone())).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

/// As [`object`], with any other members besides.
pub(super) fn open_object<const N: usize>(members: [(&str, Value); N], description: &str) -> Value {
    let mut object = object(members);
    object["additionalProperties"] = true.into();
    object["description"] = description.into();
    object
}

/// The fields of a page's form, each a text that may be left out, with the hidden anti-forgery value.
pub(super) fn page_form<const N: usize>(fields: [(&str, &str); N]) -> Value {
    let anti_forgery = text("The hidden value of the form. It is bound to the browser and to the page.");
    let mut properties: Map<String, Value> =
        fields.iter().map(|(name, description)| ((*name).to_owned(), text(description))).collect();
    properties.insert("anti_forgery".to_owned(), anti_forgery);
    json!({ "type": "object", "properties": properties, "required": ["anti_forgery"] })
}

/// A problem with one of these codes.
pub(super) fn problem_of(status: u16, codes: &[&str]) -> Value {
    let mut problem = schema("Problem");
    problem["properties"] = json!({ "status": { "const": status }, "code": { "enum": codes } });
    problem
}

/// An error of a protocol endpoint with one of these codes.
pub(super) fn oauth_error_of(codes: &[&str]) -> Value {
    let mut error = schema("OAuthError");
    error["properties"] = json!({ "error": { "enum": codes } });
    error
}

/// Every shared schema, by name.
pub(super) fn components() -> Map<String, Value> {
    [
        ("Problem", problem()),
        ("FieldProblem", field_problem()),
        ("OAuthError", oauth_error()),
        ("Claims", claims()),
        ("SessionId", session_id()),
        ("AuthenticationContext", one_of(&Acr::SUPPORTED, "How strongly the user signed in.")),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}

fn problem() -> Value {
    let codes: Vec<&str> = ProblemKind::ALL.into_iter().map(ProblemKind::code).collect();
    let mut problem = object([
        ("type", json!({ "type": "string", "format": "uri", "description": "The page that explains the code." })),
        ("title", text("The same for every problem of the code.")),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status." })),
        ("detail", text("What was wrong with this request, and what to do.")),
        ("code", one_of(&codes, "Stable: programs decide by it.")),
        ("request_id?", text("Finds the request in the log.")),
        ("errors?", json!({ "type": "array", "items": schema("FieldProblem"), "minItems": 1 })),
    ]);
    problem["description"] = "A problem (RFC 9457).".into();
    // An answer narrows status and code, and adds nothing.
    problem
}

fn field_problem() -> Value {
    let pattern = json!({
        "type": "string",
        "pattern": "^(/([^~]|~[01])*)?$",
        "description": "Which member of the body: a JSON pointer (RFC 6901).",
    });
    object([("pointer", pattern), ("code", text("Stable: programs decide by it.")), ("detail", text("In words."))])
}

fn oauth_error() -> Value {
    let printable = r"^[\x20-\x21\x23-\x5B\x5D-\x7E]+$";
    let mut error = object([
        ("error", text("The code.")),
        ("error_description?", json!({ "type": "string", "pattern": printable, "description": "For developers." })),
    ]);
    error["description"] = "An error of a protocol endpoint (RFC 6749, section 5.2).".into();
    error
}

fn claims() -> Value {
    let sub =
        json!({ "type": "string", "minLength": 1, "maxLength": 255, "description": "The subject identifier of the account." });
    open_object(
        [
            ("sub", sub),
            ("email?", json!({ "type": "string", "format": "email" })),
            ("email_verified?", boolean("Whether the address is proven.")),
            ("updated_at?", integer("When the claims last changed, in seconds since 1970 (UTC).")),
            ("locale?", text("The user's language.")),
        ],
        "Claims by their OpenID Connect names: these, and the fields of the tenant's registration form.",
    )
}

fn session_id() -> Value {
    json!({ "type": "string", "minLength": 1, "description": "The id of a session: the claim `sid` of an ID token." })
}
