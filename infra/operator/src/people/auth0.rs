//! Auth0: the user export and the password hash export (one user a line), and the list for its bulk import.
//!
//! 1. A user export has `user_id`. A hash export has `_id` and sometimes `alt_id`, from which Auth0 makes `auth0|{alt_id or _id}`. Its
//!    address may be in `identifiers` only.
//! 2. A bulk import list has `user_id` without `auth0|`, or none: then the address identifies the user.
//! 3. `passwordHash` and `password_hash` are bcrypt. `custom_password_hash` names its algorithm.

use super::flaw::{Flaw, Position, ReadError, checked_hash, parse_json};
use super::members::{Members, b64, base64, hex};
use super::stream::{self, Shape, StreamError};
use super::{ForeignUser, OTHER_FACTOR, SecondFactors, UNREADABLE_APP, UserSink, read_each};
use latchkey::domain::time::Timestamp;
use latchkey::domain::totp::TotpSeed;
use serde_json::{Map, Value};
use std::io::{self, BufRead, Read as _};

/// Members to keep, and their claims.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("name", "name"),
    ("given_name", "given_name"),
    ("family_name", "family_name"),
    ("nickname", "nickname"),
    ("picture", "picture"),
    ("username", "preferred_username"),
    ("phone_number", "phone_number"),
    ("phone_verified", "phone_number_verified"),
    ("locale", "locale"),
    ("user_metadata", "user_metadata"),
    ("app_metadata", "app_metadata"),
];
/// Auth0's default for a PBKDF2 hash without iterations.
const ITERATIONS: &str = "i=100000";

/// Reads the users of an export (one a line) or of a bulk import (a list).
pub(crate) fn read(mut source: impl BufRead, take: UserSink<'_>) -> Result<(), StreamError> {
    let newlines = skip_blank(&mut source)?;
    if source.fill_buf()?.first() == Some(&b'[') {
        // Put the blank lines back in front of the list, so that error positions are right.
        let before = io::repeat(b'\n').take(newlines as u64);
        return read_each(io::BufReader::new(before.chain(source)), Shape::List, |user| parse_user(user).map(Some), take);
    }
    let read = |line: &str| parse_json(line).and_then(Members::of).and_then(parse_user);
    stream::lines(source, newlines + 1, |number, line| {
        take(line.and_then(read).map_err(|flaw| ReadError { place: Position::Line(number), flaw }));
    })?;
    Ok(())
}

/// Skips blank lines and returns their number.
fn skip_blank(source: &mut impl BufRead) -> io::Result<usize> {
    let mut newlines = 0;
    loop {
        let seen = source.fill_buf()?;
        let blank = seen.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        newlines += seen[..blank].iter().filter(|byte| **byte == b'\n').count();
        let is_over = blank < seen.len() || seen.is_empty();
        source.consume(blank);
        if is_over {
            return Ok(newlines);
        }
    }
}

fn parse_user(mut user: Members) -> Result<ForeignUser, Flaw> {
    let (mut email, mut email_verified) = (user.text("email")?, user.flag("email_verified")?);
    for identifier in user.list("identifiers")?.unwrap_or_default() {
        let mut identifier = Members::of(identifier)?;
        if email.is_none() && identifier.text("type")?.as_deref() == Some("email") {
            (email, email_verified) = (identifier.text("value")?, identifier.flag("verified")?);
        }
    }
    let subject = subject(&mut user)?.or_else(|| email.clone()).ok_or(Flaw::NoSubject("user_id, _id, email"))?;
    let created_at = created_at(&mut user)?;
    let enabled = !user.flag("blocked")?.unwrap_or(false);
    let password = parse_password(&mut user)?;
    let mut attributes = Map::new();
    user.claims(&ATTRIBUTES, &mut attributes);
    let email_verified = email_verified.unwrap_or(false);
    let second_factors = second_factors(&mut user)?;
    Ok(ForeignUser { subject, email, email_verified, enabled, created_at, attributes, password, second_factors })
}

/// Factors of a bulk import, and enrolments of an export. A member of another shape counts as one factor: it must not be overlooked. The
/// codes of `totp` are those of Google Authenticator, and its secret is base32.
fn second_factors(user: &mut Members) -> Result<SecondFactors, Flaw> {
    let mut found = SecondFactors::default();
    for factor in user.list("mfa_factors")?.unwrap_or_default() {
        if let Some(totp) = factor.get("totp") {
            let seed = totp.get("secret").and_then(Value::as_str).and_then(TotpSeed::from_base32);
            found.add_app(seed.ok_or(UNREADABLE_APP));
            continue;
        }
        let kind = ["phone", "email"].into_iter().find(|member| factor.get(member).is_some());
        found.lost.push(kind.unwrap_or(OTHER_FACTOR));
    }
    for member in ["multifactor", "guardian_authenticators", "guardian_enrollments"] {
        let enrolled = user.list(member)?.unwrap_or_default();
        found.lost.extend(enrolled.iter().map(|_| "guardian"));
    }
    Ok(found)
}

fn subject(user: &mut Members) -> Result<Option<String>, Flaw> {
    let full = |id: String| if id.contains('|') { id } else { format!("auth0|{id}") };
    let mut made = user.object("_id")?;
    let made = made.as_mut().map(|id| id.text("$oid")).transpose()?.flatten();
    let (user_id, alternative) = (user.text("user_id")?, user.text("alt_id")?);
    Ok(user_id.or(alternative).or(made).map(full))
}

fn created_at(user: &mut Members) -> Result<Option<i64>, Flaw> {
    let Some(text) = user.text("created_at")? else { return Ok(None) };
    let moment: Result<Timestamp, _> = text.parse();
    moment
        .map(|moment| Some(moment.seconds()))
        .map_err(|_| Flaw::WrongMember { member: "created_at", expected: "a time (RFC 3339)" })
}

fn parse_password(user: &mut Members) -> Result<Option<String>, Flaw> {
    let (exported, bulk) = (user.text("passwordHash")?, user.text("password_hash")?);
    match (exported.or(bulk), user.object("custom_password_hash")?) {
        (Some(bcrypt), _) => checked_hash(bcrypt).map(Some),
        (None, Some(custom)) => custom_hash(custom).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads `custom_password_hash`: bcrypt, Argon2 and PBKDF2 as strings, scrypt as separate parts.
fn custom_hash(mut custom: Members) -> Result<String, Flaw> {
    const HASH: &str = "custom_password_hash.hash.value";
    let member = |member, expected| Flaw::WrongMember { member, expected };
    let algorithm = custom.text("algorithm")?.ok_or(member("custom_password_hash.algorithm", "given"))?;
    let mut hash = custom.object("hash")?.ok_or(member("custom_password_hash.hash", "given"))?;
    let value = hash.text("value")?.ok_or(member(HASH, "given"))?;
    let encoding = hash.text("encoding")?;
    if let Some(mut password) = custom.object("password")?
        && password.text("encoding")?.is_some_and(|encoding| encoding != "utf8" && encoding != "ascii")
    {
        return Err(Flaw::NotPasswordOnly("another encoding than UTF-8"));
    }
    let salt = custom.object("salt")?;
    match algorithm.as_str() {
        // Auth0 allows an extra salt before or after the password here.
        "bcrypt" if salt.is_some() => Err(Flaw::NotPasswordOnly("a salt and the password")),
        "bcrypt" | "argon2" => checked_hash(value),
        "pbkdf2" => checked_hash(pbkdf2(&value)),
        "scrypt" => {
            let hash = match encoding.as_deref() {
                Some("hex") => hex(&value, HASH)?,
                Some("base64") => base64(&value, HASH)?,
                Some(_) | None => return Err(member("custom_password_hash.hash.encoding", "hex or base64")),
            };
            scrypt(custom, salt, &hash)
        }
        _ => Err(Flaw::UnsupportedAlgorithm(algorithm.escape_debug().take(20).collect())),
    }
}

/// Converts a PBKDF2 string. Auth0 has several names for each digest, and 100,000 iterations by default.
fn pbkdf2(value: &str) -> String {
    let fields: Vec<&str> = value.split('$').collect();
    let (kind, costs, rest) = match fields.as_slice() {
        ["", kind, salt, hash] => (*kind, ITERATIONS.to_owned(), [*salt, *hash]),
        ["", kind, costs, salt, hash] if costs.split(',').any(|cost| cost.starts_with("i=")) => {
            (*kind, (*costs).to_owned(), [*salt, *hash])
        }
        ["", kind, costs, salt, hash] => (*kind, format!("{ITERATIONS},{costs}"), [*salt, *hash]),
        _ => return value.to_owned(),
    };
    let kind = match kind {
        "pbkdf2-RSA-SHA1" | "pbkdf2-RSA-SHA1-2" | "pbkdf2-sha1WithRSAEncryption" => "pbkdf2-sha1",
        "pbkdf2-RSA-SHA256" | "pbkdf2-sha256WithRSAEncryption" => "pbkdf2-sha256",
        "pbkdf2-RSA-SHA512" | "pbkdf2-sha512WithRSAEncryption" => "pbkdf2-sha512",
        kind => kind,
    };
    let [salt, hash] = rest;
    format!("${kind}${costs}${salt}${hash}")
}

fn scrypt(mut custom: Members, salt: Option<Members>, hash: &[u8]) -> Result<String, Flaw> {
    const SALT: &str = "custom_password_hash.salt.value";
    let mut salt = salt.ok_or(Flaw::WrongMember { member: "custom_password_hash.salt", expected: "given" })?;
    let value = salt.text("value")?.unwrap_or_default();
    let salt = match salt.text("encoding")?.as_deref() {
        None | Some("utf8") => value.into_bytes(),
        Some("hex") => hex(&value, SALT)?,
        Some("base64") => base64(&value, SALT)?,
        Some(_) => {
            return Err(Flaw::WrongMember { member: "custom_password_hash.salt.encoding", expected: "utf8, hex or base64" });
        }
    };
    let cost = custom.number("cost")?.unwrap_or(16384);
    let (r, p) = (custom.number("blockSize")?.unwrap_or(8), custom.number("parallelization")?.unwrap_or(1));
    if custom.number("keylen")?.is_none_or(|length| usize::try_from(length) != Ok(hash.len())) {
        return Err(Flaw::WrongMember { member: "custom_password_hash.keylen", expected: "the length of the hash" });
    }
    let cost = u64::try_from(cost).ok().filter(|cost| cost.is_power_of_two());
    let cost = cost.ok_or(Flaw::WrongMember { member: "custom_password_hash.cost", expected: "a power of two" })?;
    checked_hash(format!("$scrypt$ln={},r={r},p={p}${}${}", cost.ilog2(), b64(&salt), b64(hash)))
}
