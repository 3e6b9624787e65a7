//! What is wrong with a user of a file, and where.

use latchkey::keys::password::{UnusableHash, import as hash};
use serde_json::Value;
use std::fmt;

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
    /// An earlier user of the file has the same id.
    #[error("an earlier user of the file has the same id: which of them is right is for you to decide")]
    DuplicateId,
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

/// Parses JSON. The parser's message can quote the text, so only the position is kept.
pub(super) fn parse_json(text: &str) -> Result<Value, Flaw> {
    serde_json::from_str(text).map_err(|error| Flaw::NotJson { line: error.line(), column: error.column() })
}

/// Returns the stored form if it can be verified.
pub(super) fn checked_hash(stored: String) -> Result<String, Flaw> {
    hash(&stored)?;
    Ok(stored)
}
