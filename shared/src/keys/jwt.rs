//! Strict parsing of compact JWSs and of the times in JWTs (RFC 7515, RFC 7519, RFC 8725; security 44–48).
//!
//! It reads our own tokens and those of a user pool. It refuses what neither writes: padding, whitespace, non-canonical tails,
//! duplicate member names (at any depth), and header parameters other than `alg`, `kid` and `typ`.

use crate::domain::time::{Span, Timestamp};
use crate::strict_json::{self, Limits};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

/// The maximum length of a token.
const MAX_TOKEN: usize = 16 * 1024;
/// The last second of the year 9999: later times are refused.
const LAST_SECOND: i64 = 253_402_300_799;

/// A compact JWS, split into its parts. Nothing in it is verified yet.
pub(super) struct Compact<'a> {
    pub(super) algorithm: String,
    pub(super) kid: String,
    pub(super) typ: Option<String>,
    /// `header.payload`, as it was signed.
    pub(super) signed: &'a str,
    payload: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// `None` for anything that we would not write.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let mut header = object(&decode(header)?)?;
        let typ = header.remove("typ").map(text);
        let (algorithm, kid) = (text(header.remove("alg")?)?, text(header.remove("kid")?)?);
        // Any other header parameter (`crit`, `b64`, `zip`, an embedded or linked key) is not ours (security 45).
        if !header.is_empty() {
            return None;
        }
        let typ = match typ {
            None => None,
            // A `typ` that is not a string is not the same as a missing one.
            Some(typ) => Some(typ?),
        };
        Some(Self { algorithm, kid, typ, signed, payload, signature: decode(signature)? })
    }
    /// The claims. Read them only after the signature is verified.
    pub(super) fn claims(&self) -> Option<Map<String, Value>> {
        object(&decode(self.payload)?)
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Strict base64url: no padding, no whitespace, no second encoding of the same value (security 47). A `.` is not in the alphabet,
/// so a fourth part fails here.
fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// A JSON object without duplicate names at any depth: two readers could take different values (security 47).
fn object(json: &[u8]) -> Option<Map<String, Value>> {
    strict_json::check(json, Limits::NONE).ok()?;
    serde_json::from_slice(json).ok()
}

/// The times of a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `exp`: from this moment on the token is refused.
    pub expires_at: Timestamp,
    /// `iat`, if present.
    pub issued_at: Option<Timestamp>,
}

/// Why a token is outside its lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// `exp` is missing: a token without an expiry is refused (RFC 8725 §3.10 leaves this to us).
    #[error("exp is missing")]
    Missing,
    /// The claim is not a whole number of seconds in the years 1970 to 9999.
    #[error("{0} is not a time")]
    Malformed(&'static str),
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("not yet valid")]
    NotYetValid,
}

/// Checks `exp` (required), `nbf` and `iat` (RFC 7519 §4.1.4–4.1.6) against our own clock. `leeway` is for the clocks of other
/// instances. Wrong types, fractions, negative and absurd numbers are refused, never skipped (security 46).
///
/// # Errors
/// Why the token is outside its lifetime.
pub fn check_times(claims: &Map<String, Value>, now: Timestamp, leeway: Span) -> Result<Times, TimesError> {
    let expires_at = time(claims, "exp")?.ok_or(TimesError::Missing)?;
    let not_before = time(claims, "nbf")?;
    let issued_at = time(claims, "iat")?;
    if now >= expires_at + leeway {
        return Err(TimesError::Expired);
    }
    if [not_before, issued_at].into_iter().flatten().any(|start| start > now + leeway) {
        return Err(TimesError::NotYetValid);
    }
    Ok(Times { expires_at, issued_at })
}

fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, TimesError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    match value.as_i64() {
        Some(seconds) if (0..=LAST_SECOND).contains(&seconds) => Ok(Some(Timestamp::from_seconds(seconds))),
        Some(_) | None => Err(TimesError::Malformed(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn security_47_a_duplicate_name_is_refused_at_any_depth() {
        let cases = [
            (r#"{}"#, true),
            (r#"{"a":1,"b":1}"#, true),
            (r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":2}"#, false),
            (r#"{"x":{"a":1,"a":2}}"#, false),
            (r#"{"x":[[{"a":1,"a":2}]]}"#, false),
            (r#"{"a":1} "#, true),
            (r#"{"a":1}x"#, false),
            (r#"{"a":1}{}"#, false),
            (r#"[]"#, false),
            (r#""a""#, false),
            (r#"{"a":1e400}"#, false),
            (r#"{"a":NaN}"#, false),
            (r#"{"a":01}"#, false),
            (r#"{'a':1}"#, false),
            (r#"{"a":"\ud800"}"#, false),
            ("{\"a\":\"\u{1}\"}", false),
        ];
        for (json, good) in cases {
            assert_eq!(object(json.as_bytes()).is_some(), good, "{json}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_none());
        assert!(object(format!("{}{}", "{\"a\":".repeat(100_000), "1").as_bytes()).is_none(), "the depth is limited");
    }

    #[test]
    fn security_46_malformed_times_are_refused() {
        let now = Timestamp::from_seconds(1_000);
        let check = |json: &str| check_times(&object(json.as_bytes()).unwrap(), now, Span::ZERO);
        let good = Times { expires_at: Timestamp::from_seconds(1_001), issued_at: None };
        let cases = [
            (r#"{"exp":1001}"#, Ok(good)),
            (r#"{"exp":1001,"nbf":1000,"iat":1000}"#, Ok(Times { issued_at: Some(now), ..good })),
            (r#"{}"#, Err(TimesError::Missing)),
            (r#"{"exp":1000}"#, Err(TimesError::Expired)),
            (r#"{"exp":0}"#, Err(TimesError::Expired)),
            (r#"{"exp":1001,"nbf":1001}"#, Err(TimesError::NotYetValid)),
            (r#"{"exp":1001,"iat":1001}"#, Err(TimesError::NotYetValid)),
            (r#"{"exp":"1001"}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":null}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":true}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":[1001]}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":{"a":1001}}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":1001.0}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":1001.5}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":1e4}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":1e300}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":-1}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":253402300800}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":9223372036854775807}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":18446744073709551615}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":99999999999999999999999}"#, Err(TimesError::Malformed("exp"))),
            (r#"{"exp":1001,"nbf":"0"}"#, Err(TimesError::Malformed("nbf"))),
            (r#"{"exp":1001,"nbf":-5}"#, Err(TimesError::Malformed("nbf"))),
            (r#"{"exp":1001,"iat":0.5}"#, Err(TimesError::Malformed("iat"))),
            (r#"{"exp":1001,"iat":null}"#, Err(TimesError::Malformed("iat"))),
        ];
        for (json, expected) in cases {
            assert_eq!(check(json), expected, "{json}");
        }
    }

    /// T9: the clocks of instances differ.
    #[test]
    fn leeway_extends_both_ends_by_exactly_its_length() {
        let claims = object(br#"{"exp":1000,"nbf":900}"#).unwrap();
        let leeway = Span::seconds(60);
        for (now, good) in [(839, false), (840, true), (1_059, true), (1_060, false)] {
            assert_eq!(check_times(&claims, Timestamp::from_seconds(now), leeway).is_ok(), good, "at {now}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(token in "[A-Za-z0-9_.=-]{0,120}", json in "\\PC{0,60}") {
            prop_assert!(Compact::parse(&token).is_none());
            let _ = object(json.as_bytes());
        }
    }
}
