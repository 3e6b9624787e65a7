//! User exports of other systems: reads them, maps members to OpenID Connect claims, and converts password hashes to the formats that
//! Latchkey verifies.
//!
//! 1. A reader parses a file ([`auth0`], [`keycloak`], [`firebase`]) one user at a time ([`stream`]). A user that cannot be read does not
//!    stop the others.
//! 2. Members with a claim (OpenID Connect Core §5.1) get its name; others keep the format's name. What belongs to the old system
//!    (sessions, roles, linked identities, and second factors that Latchkey cannot verify) is left out.
//! 3. A hash is converted to its stored form, and refused if it cannot be verified.
//! 4. [`import`] creates the accounts.
//!
//! Errors name a position in the file. They contain no personal data.

mod auth0;
mod classify;
mod export;
mod firebase;
mod flaw;
mod import;
mod keycloak;
mod latchkey_factors;
mod latchkey_file;
mod members;
pub(crate) mod roles;
mod second_step;
mod source;
mod stream;
mod transfer;

pub(crate) use export::create;

pub(crate) use import::{Command, run};

use crate::people::flaw::{Flaw, Position, ReadError};
use latchkey::domain::totp::TotpSeed;
use members::Members;
use serde_json::{Map, Value};
use std::fmt;
use std::io::BufRead;
use stream::{Shape, StreamError};

/// A user of another system.
#[derive(Clone)]
pub(crate) struct ForeignUser {
    /// The user's id in the other system.
    pub(crate) subject: String,
    /// The e-mail address.
    pub(crate) email: Option<String>,
    /// Whether the other system verified the address.
    pub(crate) email_verified: bool,
    /// Whether the user may sign in.
    pub(crate) enabled: bool,
    /// When the account was created, in seconds since 1970.
    pub(crate) created_at: Option<i64>,
    /// Claims; members without a claim by the format's own name.
    pub(crate) attributes: Map<String, Value>,
    /// The password hash in its stored form.
    pub(crate) password: Option<String>,
    /// The user's second factors.
    pub(crate) second_factors: SecondFactors,
}

/// The second factors of a user of another system.
#[derive(Clone, Default)]
pub(crate) struct SecondFactors {
    /// The seed of the authenticator app, if Latchkey can verify its codes: SHA-1, 6 digits, 30 seconds.
    pub(crate) totp: Option<TotpSeed>,
    /// The kinds of all other ones, which are not imported.
    pub(crate) lost: Vec<&'static str>,
}

impl SecondFactors {
    /// Adds an authenticator app, or the reason why it is not imported. An account has one app: the first one.
    fn add_app(&mut self, app: Result<TotpSeed, &'static str>) {
        match app {
            Ok(seed) if self.totp.is_none() => self.totp = Some(seed),
            Ok(_) => self.lost.push("another authenticator app"),
            Err(kind) => self.lost.push(kind),
        }
    }
}

/// The kind of a second factor that no table names.
const OTHER_FACTOR: &str = "of another kind";
/// The kind of an authenticator app without a usable seed.
const UNREADABLE_APP: &str = "authenticator app with an unreadable seed";
/// The kind of an authenticator app with other codes than Latchkey's.
const OTHER_APP: &str = "authenticator app with other codes than SHA-1, 6 digits, 30 seconds";

impl fmt::Debug for ForeignUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignPerson(…)")
    }
}

/// A user of a file.
pub(crate) enum FileUser {
    /// From another system.
    Foreign(ForeignUser),
    /// From another Latchkey, or this one.
    Latchkey(Box<latchkey_file::LatchkeyUser>),
}

/// Receives each user as it is read, or the reason why it cannot be read.
pub(crate) type UserSink<'a> = &'a mut dyn FnMut(Result<ForeignUser, ReadError>);

/// Reads each element of a list with `person`; `None` skips it.
fn read_each(
    source: impl BufRead,
    shape: Shape,
    person: impl Fn(Members) -> Result<Option<ForeignUser>, Flaw>,
    take: UserSink<'_>,
) -> Result<(), StreamError> {
    stream::list(source, shape, &mut |number, value| {
        let read = Members::of(value).and_then(&person);
        let read = read.map_err(|flaw| ReadError { place: Position::User(number), flaw });
        if let Some(read) = read.transpose() {
            take(read);
        }
    })
}

#[cfg(test)]
mod tests;
