//! People as other systems export them: read, named in OpenID Connect's claims, their password hashes put into the forms that are
//! verified here.
//!
//! 1. A reader takes a file apart ([`auth0`], [`keycloak`], [`firebase`]), one person at a time ([`stream`]); each stands for itself, so
//!    that one who can't be read stops no other.
//! 2. Members that have a claim (OpenID Connect Core §5.1) come by its name, others by the format's; what belongs to the old system
//!    (sessions, roles, second factors, identities elsewhere) is left out.
//! 3. A hash is put into its stored form, and refused when it can't be verified.
//! 4. [`import`] makes accounts of them.
//!
//! What is wrong is said by position. Nothing of a person is in it.

mod auth0;
mod export;
mod firebase;
mod import;
mod keycloak;
mod members;
mod own;
pub(crate) mod roles;
mod settle;
mod sort;
mod source;
mod stream;

pub(crate) use export::create;

pub(crate) use import::{Command, run};

use latchkey::keys::password::{UnusableHash, import as hash};
use members::Members;
use serde_json::{Map, Value};
use std::fmt;
use std::io::BufRead;
use stream::{Broken, Shape};

/// A person of another system.
#[derive(Clone, PartialEq)]
pub(crate) struct ForeignPerson {
    /// What identifies the person there.
    pub(crate) subject: String,
    /// The address.
    pub(crate) email: Option<String>,
    /// Whether the old system proved it.
    pub(crate) email_verified: bool,
    /// Whether the person may sign in.
    pub(crate) enabled: bool,
    /// When the account was made, in seconds since 1970.
    pub(crate) created_at: Option<i64>,
    /// Claims, and what has none by the format's own name.
    pub(crate) attributes: Map<String, Value>,
    /// The password's hash in its stored form.
    pub(crate) password: Option<String>,
}

impl fmt::Debug for ForeignPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignPerson(…)")
    }
}

/// A person of a file.
pub(crate) enum Anybody {
    /// Of another system.
    Foreign(ForeignPerson),
    /// Of another Latchkey, or of this one.
    Own(Box<own::Person>),
}

/// Where in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of it.
    File,
    /// A line.
    Line(usize),
    /// A user in the list.
    User(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// A person, or a file, that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {flaw}")]
pub(crate) struct Unreadable {
    /// Where.
    pub(crate) place: Place,
    /// What is wrong there.
    pub(crate) flaw: Flaw,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// Not JSON.
    #[error("it is not JSON: line {line}, column {column} of it")]
    NotJson {
        /// Within what was read as one, counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// More than anybody's data take.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// JSON, but not what the format has there.
    #[error("it is not {0}")]
    NotA(&'static str),
    /// A member that has the wrong type.
    #[error("its {member} is not {expected}")]
    Member {
        /// By the format's name.
        member: &'static str,
        /// In words.
        expected: &'static str,
    },
    /// Nothing identifies the person.
    #[error("it has none of {0}")]
    NoSubject(&'static str),
    /// Its hash is of a kind that is not verified here.
    #[error("its password hash is of {0}, which can't be verified: without it, the person sets a new password")]
    Algorithm(String),
    /// Its hash was made of more than the password, or of other bytes than UTF-8.
    #[error("its password hash is of {0}, not of the password alone: without it, the person sets a new password")]
    NotOfThePassword(&'static str),
    /// A password in clear.
    #[error("it holds a password in clear, not a hash")]
    Clear,
    /// The parameters of the project are not given.
    #[error("its password hash needs the project's hash parameters")]
    NoParameters,
    /// A member that its version of the format does not have: passing it over would lose something.
    #[error("it has a member that is not known here: {0}")]
    Unknown(String),
    /// More than one transaction takes.
    #[error("its {member} are more than {at_most}")]
    TooMany {
        /// By the format's name.
        member: &'static str,
        /// How many it may have.
        at_most: usize,
    },
    /// A `sub` that an earlier line has.
    #[error("its sub is that of an earlier line")]
    SubTwice,
    /// The last line is missing.
    #[error("it ends without its last line, so it was broken off: export again, or take what is there with --incomplete")]
    BrokenOff,
    /// Lines are missing, or too many.
    #[error("its last line says {said} people, and it has {people}: export again, or take what is there with --incomplete")]
    Count {
        /// By the last line.
        said: i64,
        /// By counting.
        people: usize,
    },
    /// Two files put together, or the like.
    #[error("it stands behind the line that ends the file")]
    BehindTheEnd,
    /// Its hash is out of form or bounds.
    #[error(transparent)]
    Hash(#[from] UnusableHash),
}

/// Whom people are given to as they are read, or why one can't be.
pub(crate) type Take<'a> = &'a mut dyn FnMut(Result<ForeignPerson, Unreadable>);

/// A text as JSON. The parser's own words can quote the text, so only the position is kept.
fn json(text: &str) -> Result<Value, Flaw> {
    serde_json::from_str(text).map_err(|error| Flaw::NotJson { line: error.line(), column: error.column() })
}

/// The people of a list, each read by `person`; `None` is nobody.
fn each(
    source: impl BufRead,
    shape: Shape,
    person: impl Fn(Members) -> Result<Option<ForeignPerson>, Flaw>,
    take: Take<'_>,
) -> Result<(), Broken> {
    stream::list(source, shape, &mut |number, value| {
        let read = Members::of(value).and_then(&person);
        let read = read.map_err(|flaw| Unreadable { place: Place::User(number), flaw });
        if let Some(read) = read.transpose() {
            take(read);
        }
    })
}

/// The stored form, once it is one that can be verified.
fn checked(stored: String) -> Result<String, Flaw> {
    hash(&stored)?;
    Ok(stored)
}

#[cfg(test)]
mod tests;
