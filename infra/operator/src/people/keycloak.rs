//! Keycloak: the export of a realm, or of its users, as JSON (`{"users": […]}`).
//!
//! 1. `id` is the `sub` of Keycloak's tokens. A file written by hand may have the user name only.
//! 2. Attributes are lists; a list of one value counts as that value. Claims are named as Keycloak's default mappers name them.
//! 3. A credential of type `password` has its hash in `secretData` and its cost parameters in `credentialData`, both JSON in a string.
//! 4. A credential of type `otp` has its secret in `secretData`, and the parameters of its codes in `credentialData`. The bytes of the text are
//!    the key, unless `secretEncoding` says base32.
//! 5. Service accounts are skipped.

use super::flaw::{Flaw, checked_hash};
use super::members::{Members, b64, base64};
use super::stream::{Shape, StreamError};
use super::{ForeignUser, OTHER_APP, OTHER_FACTOR, SecondFactors, UNREADABLE_APP, UserSink, read_each};
use latchkey::domain::totp::TotpSeed;
use serde_json::{Map, Value};
use std::io::BufRead;

/// Members to keep, and their claims.
const MEMBERS: [(&str, &str); 3] =
    [("username", "preferred_username"), ("firstName", "given_name"), ("lastName", "family_name")];
/// Attributes with a different claim name.
const RENAMED: [(&str, &str); 3] =
    [("middleName", "middle_name"), ("phoneNumber", "phone_number"), ("phoneNumberVerified", "phone_number_verified")];

/// Types of credentials that are second factors or replace the password, and are not imported.
const LOST_FACTORS: [&str; 3] = ["webauthn", "webauthn-passwordless", "recovery-authn-codes"];

/// Reads the users of an export.
pub(crate) fn read(source: impl BufRead, take: UserSink<'_>) -> Result<(), StreamError> {
    read_each(source, Shape::Users, parse_user, take)
}

fn parse_user(mut user: Members) -> Result<Option<ForeignUser>, Flaw> {
    if user.text("serviceAccountClientId")?.is_some() {
        return Ok(None);
    }
    let mut attributes = Map::new();
    let (password, second_factors) = parse_credentials(&mut user)?;
    let id = user.text("id")?;
    user.claims(&MEMBERS, &mut attributes);
    let username = attributes.get("preferred_username").and_then(Value::as_str).map(str::to_owned);
    for (name, value) in user.object("attributes")?.map(Members::into_rest).unwrap_or_default() {
        let claim = RENAMED.iter().find(|(own, _)| *own == name).map_or(name.as_str(), |(_, claim)| claim);
        let value = match value {
            Value::Array(mut values) if values.len() == 1 => values.remove(0),
            value => value,
        };
        // Keycloak stores a boolean as a string.
        let value = match value.as_str() {
            Some(flag @ ("true" | "false")) if claim == "phone_number_verified" => Value::Bool(flag == "true"),
            Some(_) | None => value,
        };
        attributes.insert(claim.to_owned(), value);
    }
    Ok(Some(ForeignUser {
        subject: id.or(username).ok_or(Flaw::NoSubject("id, username"))?,
        email: user.text("email")?,
        email_verified: user.flag("emailVerified")?.unwrap_or(false),
        enabled: user.flag("enabled")?.unwrap_or(false),
        created_at: user.millis("createdTimestamp")?,
        attributes,
        password,
        second_factors,
    }))
}

/// The password, and all other credentials.
fn parse_credentials(user: &mut Members) -> Result<(Option<String>, SecondFactors), Flaw> {
    let (mut password, mut second_factors) = (None, SecondFactors::default());
    for credential in user.list("credentials")?.unwrap_or_default() {
        let mut credential = Members::of(credential)?;
        match credential.text("type")?.as_deref() {
            Some("password") if password.is_none() => password = Some(hash(credential)?),
            // Keycloak keeps former passwords under another type.
            Some("password" | "password-history") | None => {}
            Some("otp") => second_factors.add_app(app(credential)),
            Some(other) => {
                second_factors.lost.push(LOST_FACTORS.into_iter().find(|known| *known == other).unwrap_or(OTHER_FACTOR));
            }
        }
    }
    Ok((password, second_factors))
}

/// The seed of an authenticator app, or why it is not imported. An unreadable one must not stop the user.
fn app(mut credential: Members) -> Result<TotpSeed, &'static str> {
    let mut members = |member| credential.object_in_text(member).ok().flatten().ok_or(UNREADABLE_APP);
    let (mut secret, mut codes) = (members("secretData")?, members("credentialData")?);
    let mut text = |member| codes.text(member).map_err(|_| UNREADABLE_APP);
    let (kind, algorithm, encoding) = (text("subType")?, text("algorithm")?, text("secretEncoding")?);
    let mut number = |member| codes.number(member).map_err(|_| UNREADABLE_APP);
    let (digits, period) = (number("digits")?, number("period")?);
    let secret = secret.text("value").ok().flatten().ok_or(UNREADABLE_APP)?;
    let is_ours = kind.as_deref() == Some("totp") && algorithm.as_deref() == Some("HmacSHA1");
    if !is_ours || (digits, period) != (Some(6), Some(30)) {
        return Err(OTHER_APP);
    }
    let seed = match encoding.as_deref() {
        None => TotpSeed::from_slice(secret.as_bytes()),
        Some(base32) if base32.eq_ignore_ascii_case("base32") => TotpSeed::from_base32(&secret),
        Some(_) => None,
    };
    seed.ok_or(UNREADABLE_APP)
}

fn hash(mut credential: Members) -> Result<String, Flaw> {
    const VALUE: &str = "secretData.value";
    let (secret, costs) = (credential.object_in_text("secretData")?, credential.object_in_text("credentialData")?);
    let (Some(mut secret), Some(mut costs)) = (secret, costs) else {
        let is_clear = credential.text("value")?.is_some();
        let member = "secretData or credentialData";
        return Err(if is_clear { Flaw::PlainText } else { Flaw::WrongMember { member, expected: "given" } });
    };
    let given = |member| Flaw::WrongMember { member, expected: "given" };
    let algorithm = costs.text("algorithm")?.ok_or(given("credentialData.algorithm"))?;
    let value = secret.text("value")?.ok_or(given(VALUE))?;
    // A common extension; `value` is the complete hash.
    if algorithm == "bcrypt" {
        return checked_hash(value);
    }
    let value = b64(&base64(&value, VALUE)?);
    let salt = b64(&base64(&secret.text("salt")?.unwrap_or_default(), "secretData.salt")?);
    let iterations = costs.number("hashIterations")?.ok_or(given("credentialData.hashIterations"))?;
    match algorithm.as_str() {
        "pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512" => {
            checked_hash(format!("${algorithm}$i={iterations}${salt}${value}"))
        }
        "argon2" => {
            let mut parameters = costs.object("additionalParameters")?.ok_or(given("credentialData.additionalParameters"))?;
            let kind = match first(&mut parameters, "type")?.as_str() {
                "id" => "argon2id",
                "i" => "argon2i",
                "d" => "argon2d",
                _ => return Err(Flaw::WrongMember { member: "type", expected: "id, i or d" }),
            };
            let version = match first(&mut parameters, "version")?.as_str() {
                "1.3" => 19,
                "1.0" => 16,
                _ => return Err(Flaw::WrongMember { member: "version", expected: "1.3 or 1.0" }),
            };
            let (m, p) = (first(&mut parameters, "memory")?, first(&mut parameters, "parallelism")?);
            checked_hash(format!("${kind}$v={version}$m={m},t={iterations},p={p}${salt}${value}"))
        }
        _ => Err(Flaw::UnsupportedAlgorithm(algorithm.escape_debug().take(20).collect())),
    }
}

/// The only value of an additional parameter.
fn first(parameters: &mut Members, member: &'static str) -> Result<String, Flaw> {
    match parameters.list(member)?.as_deref() {
        Some([Value::String(value)]) => Ok(value.clone()),
        Some(_) | None => Err(Flaw::WrongMember { member, expected: "a list of one text" }),
    }
}
