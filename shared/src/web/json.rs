//! Strict JSON. A body that two readers could understand differently, or that is too expensive to process, is refused before use.

use super::problem::{FieldProblem, Problem, ProblemKind};
use crate::strict_json::{self, Limits};
use serde::de::DeserializeOwned;

/// The limits of a body (security 122).
const LIMITS: Limits = Limits { depth: 32, members: 64, elements: 100, nul: false };

/// Reads a body as `T`: first checks the limits of the whole document, then the type. Every error has its JSON pointer.
///
/// # Errors
/// A 400 problem. It never repeats a value, which may be a password.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("The body is not valid UTF-8."))?;
    strict_json::check(body, LIMITS).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => malformed(&sentence(&error)),
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            malformed(&format!("The body is not valid JSON (line {}, column {}).", error.line(), error.column()))
        }
    })?;
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| wrong_field(&error))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail)
}

/// The message of [`strict_json`]'s own errors, without the position that `serde_json` appends.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn wrong_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let mut pointer = pointer(error.path());
    let message = error.inner().to_string();
    let named = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
    let (code, detail) = if let Some(name) = named("missing field `") {
        pointer = format!("{pointer}/{}", escape(name));
        ("required", "This member is required.")
    } else if named("unknown field `").is_some() {
        ("unknown", "There is no such member here.")
    } else if message.starts_with("unknown variant") {
        ("invalid", "This is not one of the values that are allowed.")
    } else if message.starts_with("invalid type") {
        ("invalid_type", "This value is of another type than it must be.")
    } else {
        ("invalid", "This value is not valid.")
    };
    Problem::new(ProblemKind::InvalidRequest, "A member of the body is not valid.").with_errors(vec![FieldProblem {
        pointer,
        code,
        detail: detail.to_owned(),
    }])
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// RFC 6901 §3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq, Eq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        email: String,
        #[serde(default)]
        terms: Vec<Term>,
        #[serde(default)]
        profile: serde_json::Map<String, serde_json::Value>,
    }
    #[derive(Debug, serde::Deserialize, PartialEq, Eq)]
    #[serde(deny_unknown_fields)]
    struct Term {
        version: u8,
    }

    fn refused(body: &[u8]) -> Problem {
        let problem = read::<Body>(body).expect_err(&String::from_utf8_lossy(body));
        assert_eq!(problem.kind, ProblemKind::InvalidRequest);
        problem
    }

    #[test]
    fn a_wrong_member_is_named_by_its_pointer_without_its_value() {
        let cases: [(&str, &str, &str); 9] = [
            (r#"{}"#, "/email", "required"),
            (r#"{"email":["hunter2@x"]}"#, "/email", "invalid_type"),
            (r#"{"email":{"hunter2":1}}"#, "/email", "invalid_type"),
            (r#"{"email":null}"#, "/email", "invalid_type"),
            // security 108
            (r#"{"email":"a","roles":"hunter2"}"#, "/roles", "unknown"),
            (r#"{"email":"a","a/b~":1}"#, "/a~1b~0", "unknown"),
            (r#"{"email":"a","terms":[{"version":1},{"version":"hunter2"}]}"#, "/terms/1/version", "invalid_type"),
            (r#"{"email":"a","terms":[{"version":1},{}]}"#, "/terms/1/version", "required"),
            (r#"{"email":"a","terms":[{"version":999}]}"#, "/terms/0/version", "invalid"),
        ];
        for (body, pointer, code) in cases {
            let problem = refused(body.as_bytes());
            assert_eq!((problem.errors[0].pointer.as_str(), problem.errors[0].code), (pointer, code), "{body}");
            assert!(!format!("{problem:?}").contains("hunter2"), "{body}");
        }
    }

    #[test]
    fn ambiguous_documents_are_refused() {
        // security 122
        let bodies: [&[u8]; 12] = [
            br#"{"email":"a","email":"b"}"#,
            br#"{"email":"a","profile":{"x":{"y":1,"y":1}}}"#,
            br#"{"email":"a","\u0065mail":"b"}"#,
            br#"{"email":"\ud800"}"#,
            br#"{"email":"\udc00x"}"#,
            br#"{"email":"a","profile":{"x":"\udead"}}"#,
            br#"{"email":"a\u0000"}"#,
            b"{\"email\":\"\xff\"}",
            br#"{"email":"a"} x"#,
            br#"{"email":"a",}"#,
            br#"{"email":"a","profile":{"x":1e999}}"#,
            b"",
        ];
        for body in bodies {
            refused(body);
        }
    }

    #[test]
    fn a_document_has_limits_in_depth_and_breadth() {
        let nested = |depth: usize| format!(r#"{{"email":"a","profile":{{"x":{}{}}}}}"#, "[".repeat(depth), "]".repeat(depth));
        // The document and the profile are two of the 32 levels.
        assert!(read::<Body>(nested(30).as_bytes()).is_ok());
        assert!(refused(nested(31).as_bytes()).detail.contains("32"));
        refused(nested(30_000).as_bytes());
        let array = |count: usize| format!(r#"{{"email":"a","profile":{{"x":[{}0]}}}}"#, "0,".repeat(count - 1));
        assert!(read::<Body>(array(100).as_bytes()).is_ok());
        assert!(refused(array(101).as_bytes()).detail.contains("100"));
        let members = |count: usize| {
            let all: Vec<_> = (0..count).map(|n| format!(r#""m{n}":0"#)).collect();
            format!(r#"{{"email":"a","profile":{{{}}}}}"#, all.join(","))
        };
        assert!(read::<Body>(members(64).as_bytes()).is_ok());
        assert!(refused(members(65).as_bytes()).detail.contains("64"));
    }
}
