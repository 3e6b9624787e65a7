//! User exports of other systems: reads them, maps members to OpenID Connect claims, and converts password hashes to the formats that
//! Latchkey verifies.
//!
//! 1. A reader parses a file ([`auth0`], [`keycloak`], [`firebase`]) one user at a time ([`stream`]). A user that cannot be read does not
//!    stop the others.
//! 2. Members with a claim (OpenID Connect Core §5.1) get its name; others keep the format's name. What belongs to the old system
//!    (sessions, roles, second factors, linked identities) is left out.
//! 3. A hash is converted to its stored form, and refused if it cannot be verified.
//! 4. [`import`] creates the accounts.
//!
//! Errors name a position in the file. They contain no personal data.

mod auth0;
mod classify;
mod export;
mod firebase;
mod import;
mod keycloak;
mod latchkey_file;
mod members;
pub(crate) mod roles;
mod source;
mod stream;
mod transfer;

pub(crate) use export::create;

pub(crate) use import::{Command, run};

use latchkey::keys::password::{UnusableHash, import as hash};
use members::Members;
use serde_json::{Map, Value};
use std::fmt;
use std::io::BufRead;
use stream::{Shape, StreamError};

/// A user of another system.
#[derive(Clone, PartialEq)]
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
}

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

/// A position in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// The whole file.
    File,
    /// A line.
    Line(usize),
    /// A user in the list.
    User(usize),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// A user, or a file, that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {flaw}")]
pub(crate) struct ReadError {
    /// The position.
    pub(crate) place: Position,
    /// The error at that position.
    pub(crate) flaw: Flaw,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// Not JSON.
    #[error("it is not JSON: line {line}, column {column} of it")]
    NotJson {
        /// The line within the parsed text, counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Longer than any user's data.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// Invalid UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// JSON of another type than the format requires.
    #[error("it is not {0}")]
    WrongType(&'static str),
    /// A member of the wrong type.
    #[error("its {member} is not {expected}")]
    WrongMember {
        /// The member, by the format's name.
        member: &'static str,
        /// The expected type, in words.
        expected: &'static str,
    },
    /// No member identifies the user.
    #[error("it has none of {0}")]
    NoSubject(&'static str),
    /// The hash algorithm is not supported.
    #[error("its password hash uses {0}, which cannot be verified: without it, the user sets a new password")]
    UnsupportedAlgorithm(String),
    /// The hash was made of more than the password, or of bytes that are not UTF-8.
    #[error("its password hash was made of {0}, not of the password alone: without it, the user sets a new password")]
    NotPasswordOnly(&'static str),
    /// A password in plain text.
    #[error("it has a plain-text password, not a hash")]
    PlainText,
    /// The project's hash parameters are missing.
    #[error("its password hash needs the project's hash parameters")]
    MissingParameters,
    /// A member that this version of the format does not have. Ignoring it would lose data.
    #[error("it has an unknown member: {0}")]
    UnknownMember(String),
    /// More entries than one transaction can hold.
    #[error("its {member} are more than {at_most}")]
    TooMany {
        /// The member, by the format's name.
        member: &'static str,
        /// The limit.
        at_most: usize,
    },
    /// Another line has the same `sub`.
    #[error("its sub is also in an earlier line")]
    DuplicateSub,
    /// The last line is missing.
    #[error("it is incomplete, its last line is missing: export again, or import what is there with --incomplete")]
    Incomplete,
    /// Lines are missing, or there are too many.
    #[error("its last line says {said} users, but it has {people}: export again, or import what is there with --incomplete")]
    WrongCount {
        /// The number in the last line.
        said: i64,
        /// The number counted.
        people: usize,
    },
    /// A line after the last one, for example of two concatenated files.
    #[error("it comes after the line that ends the file")]
    AfterEnd,
    /// The hash is malformed or out of bounds.
    #[error(transparent)]
    InvalidHash(#[from] UnusableHash),
}

/// Receives each user as it is read, or the reason why it cannot be read.
pub(crate) type UserSink<'a> = &'a mut dyn FnMut(Result<ForeignUser, ReadError>);

/// Parses JSON. The parser's message can quote the text, so only the position is kept.
fn parse_json(text: &str) -> Result<Value, Flaw> {
    serde_json::from_str(text).map_err(|error| Flaw::NotJson { line: error.line(), column: error.column() })
}

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

/// Returns the stored form if it can be verified.
fn checked_hash(stored: String) -> Result<String, Flaw> {
    hash(&stored)?;
    Ok(stored)
}

#[cfg(test)]
mod tests;
