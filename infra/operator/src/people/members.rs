//! The members of a JSON object, taken by name and type. `null` counts as absent.

use super::flaw::Flaw;
use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::{Map, Value};
use std::str::FromStr;

/// The members that are left in an object.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn of(value: Value) -> Result<Self, Flaw> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Flaw::WrongType("an object")),
        }
    }
    fn take(&mut self, member: &str) -> Option<Value> {
        self.0.remove(member).filter(|value| !value.is_null())
    }
    /// A string. An empty string counts as absent.
    pub(super) fn text(&mut self, member: &'static str) -> Result<Option<String>, Flaw> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(Flaw::WrongMember { member, expected: "a text" }),
        }
    }
    pub(super) fn flag(&mut self, member: &'static str) -> Result<Option<bool>, Flaw> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Flaw::WrongMember { member, expected: "true or false" }),
        }
    }
    /// An integer, or a string that contains one.
    pub(super) fn number(&mut self, member: &'static str) -> Result<Option<i64>, Flaw> {
        let Some(value) = self.take(member) else { return Ok(None) };
        let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        number.map(Some).ok_or(Flaw::WrongMember { member, expected: "a whole number" })
    }
    pub(super) fn list(&mut self, member: &'static str) -> Result<Option<Vec<Value>>, Flaw> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(Flaw::WrongMember { member, expected: "a list" }),
        }
    }
    pub(super) fn object(&mut self, member: &'static str) -> Result<Option<Self>, Flaw> {
        let Some(value) = self.take(member) else { return Ok(None) };
        Self::of(value).map(Some).map_err(|_| Flaw::WrongMember { member, expected: "an object" })
    }
    /// A string that contains a JSON object.
    pub(super) fn object_in_text(&mut self, member: &'static str) -> Result<Option<Self>, Flaw> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        let object = serde_json::from_str(&text).ok().and_then(|value| Self::of(value).ok());
        object.map(Some).ok_or(Flaw::WrongMember { member, expected: "an object as JSON in a text" })
    }
    /// Milliseconds since 1970, as seconds.
    pub(super) fn millis(&mut self, member: &'static str) -> Result<Option<i64>, Flaw> {
        Ok(self.number(member)?.map(|millis| millis.div_euclid(1000)))
    }
    /// Moves members to the attributes under the names of their claims, unchanged.
    pub(super) fn claims(&mut self, names: &[(&str, &str)], attributes: &mut Map<String, Value>) {
        for (member, claim) in names {
            if let Some(value) = self.take(member).filter(|value| value.as_str() != Some("")) {
                attributes.insert((*claim).to_owned(), value);
            }
        }
    }
    pub(super) fn into_rest(self) -> Map<String, Value> {
        self.0
    }
}

/// Decodes base64: standard or URL-safe, padded or not.
pub(super) fn base64(text: &str, member: &'static str) -> Result<Vec<u8>, Flaw> {
    let standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    BASE64_NOPAD.decode(standard.as_bytes()).map_err(|_| Flaw::WrongMember { member, expected: "base64" })
}

/// Decodes hexadecimal digits.
pub(super) fn hex(text: &str, member: &'static str) -> Result<Vec<u8>, Flaw> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| Flaw::WrongMember { member, expected: "hexadecimal" })
}

/// Encodes bytes as PHC strings do.
pub(super) fn b64(bytes: &[u8]) -> String {
    BASE64_NOPAD.encode(bytes)
}

/// What a time is, in words.
pub(super) const TIME: &str = "a time (RFC 3339)";

/// A member that must be there.
pub(super) fn required<T>(found: Option<T>, member: &'static str) -> Result<T, Flaw> {
    found.ok_or(Flaw::WrongMember { member, expected: "given" })
}

/// A member that is parsed from a string.
pub(super) fn parse_member<T: FromStr>(
    from: &mut Members,
    member: &'static str,
    expected: &'static str,
) -> Result<Option<T>, Flaw> {
    let text = from.text(member)?;
    text.map(|text| text.parse()).transpose().map_err(|_| Flaw::WrongMember { member, expected })
}

/// A list of objects, each read in the same way.
pub(super) fn parse_each<T>(
    from: &mut Members,
    member: &'static str,
    at_most: usize,
    read: impl Fn(Members) -> Result<T, Flaw>,
) -> Result<Vec<T>, Flaw> {
    let list = from.list(member)?.unwrap_or_default();
    if list.len() > at_most {
        return Err(Flaw::TooMany { member, at_most });
    }
    list.into_iter().map(|value| Members::of(value).and_then(&read)).collect()
}

/// Refuses an object with members that are left: ignoring them would lose data.
pub(super) fn refuse_unknown(left: Members) -> Result<(), Flaw> {
    match left.into_rest().into_iter().next() {
        None => Ok(()),
        Some((name, _)) => Err(Flaw::UnknownMember(name.escape_debug().take(20).collect())),
    }
}
