//! Firebase Authentication: the JSON of `auth:export` (`{"users": […]}`).
//!
//! 1. `localId` is the `sub` of Firebase's tokens.
//! 2. Users with a password have a hash of Firebase's own scrypt variant. It can be verified only with the project's hash parameters, which
//!    the Firebase console shows.

use super::flaw::{Flaw, checked_hash};
use super::members::{Members, b64, base64};
use super::stream::{Shape, StreamError};
use super::{ForeignUser, OTHER_FACTOR, SecondFactors, UserSink, read_each};
use serde_json::{Map, Value};
use std::io::BufRead;

/// Members to keep, and their claims.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("displayName", "name"),
    ("photoUrl", "picture"),
    ("phoneNumber", "phone_number"),
    ("customAttributes", "customAttributes"),
];

/// The hash parameters of a project, by the names of the Firebase console.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HashParameters {
    /// `base64_signer_key`.
    pub(crate) signer_key: String,
    /// `base64_salt_separator`.
    pub(crate) salt_separator: String,
    /// `rounds`: scrypt's block size.
    pub(crate) rounds: u32,
    /// `mem_cost`: the logarithm of scrypt's cost.
    pub(crate) mem_cost: u32,
}

/// Reads the users of an export. Without parameters, users with a password hash cannot be read.
pub(crate) fn read(source: impl BufRead, parameters: Option<&HashParameters>, take: UserSink<'_>) -> Result<(), StreamError> {
    read_each(source, Shape::Users, |user| parse_user(user, parameters).map(Some), take)
}

fn parse_user(mut user: Members, parameters: Option<&HashParameters>) -> Result<ForeignUser, Flaw> {
    let mut attributes = Map::new();
    user.claims(&ATTRIBUTES, &mut attributes);
    // JSON in a text.
    if let Some(claims) = attributes.get_mut("customAttributes")
        && let Some(object @ Value::Object(_)) = claims.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *claims = object;
    }
    Ok(ForeignUser {
        subject: user.text("localId")?.ok_or(Flaw::NoSubject("localId"))?,
        email: user.text("email")?,
        email_verified: user.flag("emailVerified")?.unwrap_or(false),
        enabled: !user.flag("disabled")?.unwrap_or(false),
        created_at: user.millis("createdAt")?,
        attributes,
        password: parse_password(&mut user, parameters)?,
        second_factors: second_factors(&mut user)?,
    })
}

/// Firebase exports no seed: none of its factors can be imported.
fn second_factors(user: &mut Members) -> Result<SecondFactors, Flaw> {
    let enrolled = user.list("mfaInfo")?.unwrap_or_default();
    let kind = |factor: &Value| match () {
        () if factor.get("phoneInfo").is_some() => "phone",
        () if factor.get("totpInfo").is_some() => "totp",
        () => OTHER_FACTOR,
    };
    Ok(SecondFactors { totp: None, lost: enrolled.iter().map(kind).collect() })
}

fn parse_password(user: &mut Members, parameters: Option<&HashParameters>) -> Result<Option<String>, Flaw> {
    let (hash, salt) = (user.text("passwordHash")?, user.text("salt")?.unwrap_or_default());
    let Some(hash) = hash else { return Ok(None) };
    let HashParameters { signer_key, salt_separator, rounds, mem_cost } = parameters.ok_or(Flaw::MissingParameters)?;
    let part = |text: &str, member| base64(text, member).map(|bytes| b64(&bytes));
    let stored = format!(
        "$firescrypt$ln={mem_cost},r={rounds},p=1${}${}${}${}",
        part(&salt, "salt")?,
        part(&hash, "passwordHash")?,
        part(salt_separator, "salt separator")?,
        part(signer_key, "signer key")?
    );
    checked_hash(stored).map(Some)
}
