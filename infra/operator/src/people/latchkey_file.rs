//! Latchkey's own user file (docs/people-file.md): JSON Lines.
//!
//! 1. The first line names the format, the source and the time. The last line has the number of users in between, so an incomplete file is
//!    detected.
//! 2. Each other line is a user. An unknown member is refused, never ignored, so that no data is lost silently.
//! 3. [`UserLine`] writes the members and [`parse_user`] reads them. A change to the members must raise [`VERSION`].

use super::flaw::{Flaw, Position, ReadError, checked_hash, parse_json};
use super::latchkey_factors::FileFactors;
use super::members::{Members, TIME, parse_each, parse_member, refuse_unknown, required};
use super::stream::{self, StreamError};
use latchkey::domain::account::AccountStatus;
use latchkey::domain::consent::{AcceptedTerms, Consent};
use latchkey::domain::id::{AccountId, Sub};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::roles::{Role, Roles};
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::time::Timestamp;
use latchkey::domain::transfer::{MAX_CONSENTS, MAX_IDENTITIES, TransferredConsent, TransferredPassword, max_consents};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::BufRead;

/// The format name in the first line.
const FORMAT: &str = "latchkey people";
/// The version of the format. An import accepts each version from 1 on.
const VERSION: i64 = 2;
/// What the file never contains.
const LEFT_OUT: [&str; 7] =
    ["sessions", "grants", "known devices", "failed sign-ins", "changes of address under way", "audit records", "signing keys"];

/// The flaw of a file of another format or version.
const NOT_OURS: Flaw = Flaw::WrongType("of `latchkey people export`, version 1 or 2");

/// The source of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// The issuer identifier of the source tenant. Together with a `sub` it identifies each user permanently.
    pub(super) issuer: String,
    /// The source tenant's name.
    pub(super) tenant: String,
    /// When the export began.
    pub(super) exported_at: Timestamp,
    /// Whether the file has the second factors of its users. Those of version 1 left them out.
    pub(super) has_factors: bool,
}

impl Heading {
    /// The first line.
    pub(super) fn line(&self) -> Value {
        serde_json::json!({
            "format": FORMAT, "version": VERSION, "issuer": self.issuer, "tenant": self.tenant,
            "exported_at": self.exported_at.to_string(), "left_out": LEFT_OUT,
        })
    }
    fn from_members(mut line: Members) -> Result<Self, Flaw> {
        let format = line.text("format")?;
        let version = line.number("version")?.filter(|version| (1..=VERSION).contains(version));
        let Some(version) = version.filter(|_| format.as_deref() == Some(FORMAT)) else { return Err(NOT_OURS) };
        line.list("left_out")?;
        let heading = Self {
            issuer: required(line.text("issuer")?, "issuer")?,
            tenant: required(line.text("tenant")?, "tenant")?,
            exported_at: required(parse_member(&mut line, "exported_at", TIME)?, "exported_at")?,
            has_factors: version > 1,
        };
        refuse_unknown(line).map(|()| heading)
    }
}

/// The last line: the number of users in the file, and the number of accounts left out, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Ending {
    /// Lines with users.
    pub(super) people: usize,
    /// Accounts that the user closed and that wait for erasure.
    pub(super) closed_by_their_person: usize,
    /// Erased accounts that are still stored.
    pub(super) erased: usize,
    /// Accounts that could not be read.
    pub(super) unreadable: usize,
}

/// A user's line, for writing.
#[derive(Serialize)]
pub(super) struct UserLine<'a> {
    pub(super) account: AccountId,
    pub(super) sub: Sub,
    pub(super) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disabled_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) legal_hold_since: Option<String>,
    #[serde(skip_serializing_if = "Roles::is_empty")]
    pub(super) roles: Roles,
    pub(super) email: &'a str,
    pub(super) claims: Map<String, Value>,
    pub(super) updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) protected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) totp: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recovery_codes: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) passkeys: Vec<Value>,
    pub(super) identities: Vec<Value>,
    pub(super) terms: Vec<Value>,
    pub(super) consents: Vec<Value>,
}

impl UserLine<'_> {
    /// The members of a stored password.
    pub(super) fn hash(hash: &PasswordHash, changed_at: Timestamp) -> Value {
        serde_json::json!({ "hash": hash.as_phc(), "changed_at": changed_at.to_string() })
    }
    /// A password that is still in the legacy user pool.
    pub(super) fn password_in_pool() -> Value {
        serde_json::json!({ "stays_there": true })
    }
    /// An external identity.
    pub(super) fn identity(subject: &FederatedSubject, linked_at: Timestamp) -> Value {
        serde_json::json!({ "issuer": subject.issuer, "subject": subject.subject, "linked_at": linked_at.to_string() })
    }
    /// Accepted terms.
    pub(super) fn terms(terms: &AcceptedTerms) -> Value {
        let mut members = serde_json::json!({
            "document": terms.document, "version": terms.version, "accepted_at": terms.accepted_at.to_string(),
        });
        let more = [
            ("locale", terms.locale.clone()),
            ("sha256", terms.sha256.clone()),
            ("url", terms.url.clone()),
            ("withdrawn_at", terms.withdrawn_at.map(|at| at.to_string())),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                members[name] = value.into();
            }
        }
        members
    }
    /// A consent for an application.
    pub(super) fn consent(consent: &Consent) -> Value {
        let mut members = serde_json::json!({
            "client_id": consent.client_id, "scope": consent.scope.to_string(), "granted_at": consent.granted_at.to_string(),
        });
        if let Some(at) = consent.withdrawn_at {
            members["withdrawn_at"] = Value::String(at.to_string());
        }
        members
    }
    /// When the account was disabled, if it is.
    pub(super) fn disabled_since(status: AccountStatus) -> Option<String> {
        match status {
            AccountStatus::Disabled { since } => Some(since.to_string()),
            AccountStatus::Active | AccountStatus::ErasureDue { .. } | AccountStatus::Erased { .. } => None,
        }
    }
}

/// A user of a file. It contains personal data, so it has no `Debug`.
pub(crate) struct LatchkeyUser {
    pub(crate) account: AccountId,
    pub(crate) sub: Sub,
    pub(crate) created_at: Timestamp,
    pub(crate) disabled_since: Option<Timestamp>,
    pub(crate) legal_hold: Option<Timestamp>,
    pub(crate) roles: Roles,
    pub(crate) email: EmailAddress,
    pub(crate) claims: Map<String, Value>,
    pub(crate) updated_at: Timestamp,
    pub(crate) password: TransferredPassword,
    pub(crate) factors: FileFactors,
    pub(crate) identities: Vec<(FederatedSubject, Timestamp)>,
    pub(crate) terms: Vec<AcceptedTerms>,
    pub(crate) consents: Vec<TransferredConsent>,
}

/// Reads the first line of a file.
pub(super) fn read_heading(source: impl BufRead) -> Result<Heading, StreamError> {
    let mut heading = None;
    // Not more than the maximum length of a line.
    stream::lines(source.take(stream::MAX_BYTES as u64), 1, |number, line| {
        if heading.is_none() {
            let read = line.and_then(parse_json).and_then(Members::of).and_then(Heading::from_members);
            heading = Some(read.map_err(|flaw| ReadError { place: Position::Line(number), flaw }));
        }
    })?;
    let none = ReadError { place: Position::File, flaw: NOT_OURS };
    Ok(heading.unwrap_or(Err(none))?)
}

/// Reads the users of a file. Refuses a file without its last line, or with another number of users than that says, unless `incomplete` is
/// set.
pub(super) fn read(
    source: impl BufRead,
    incomplete: bool,
    take: &mut dyn FnMut(Result<LatchkeyUser, ReadError>),
) -> Result<(), StreamError> {
    let (mut is_first, mut people, mut said, mut behind) = (true, 0, None, None);
    stream::lines(source, 1, |number, line| {
        if std::mem::take(&mut is_first) {
            return;
        }
        if said.is_some() {
            behind.get_or_insert(number);
            return;
        }
        let line = line.and_then(parse_json).and_then(Members::of);
        let read = line.and_then(|mut line| match line.number("people")? {
            Some(count) => {
                said = Some(count);
                Ok(None)
            }
            None => parse_user(line).map(Some),
        });
        if let Some(read) = read.map_err(|flaw| ReadError { place: Position::Line(number), flaw }).transpose() {
            people += 1;
            take(read);
        }
    })?;
    let flaw = match (said, behind) {
        (_, Some(line)) => return Err(ReadError { place: Position::Line(line), flaw: Flaw::AfterEnd }.into()),
        (None, None) if !incomplete => Flaw::Incomplete,
        (Some(said), None) if !incomplete && usize::try_from(said) != Ok(people) => Flaw::WrongCount { said, people },
        (_, None) => return Ok(()),
    };
    Err(ReadError { place: Position::File, flaw }.into())
}

fn parse_user(mut line: Members) -> Result<LatchkeyUser, Flaw> {
    let claims = line.object("claims")?.map(Members::into_rest).unwrap_or_default();
    let email = required(line.text("email")?, "email")?;
    let email =
        EmailAddress::parse(&email).map_err(|_| Flaw::WrongMember { member: "email", expected: "an e-mail address" })?;
    let person = LatchkeyUser {
        account: required(parse_member(&mut line, "account", "22 characters of base64url")?, "account")?,
        sub: required(parse_member(&mut line, "sub", "22 characters of base64url or a UUID")?, "sub")?,
        created_at: required(parse_member(&mut line, "created_at", TIME)?, "created_at")?,
        disabled_since: parse_member(&mut line, "disabled_since", TIME)?,
        legal_hold: parse_member(&mut line, "legal_hold_since", TIME)?,
        roles: roles(&mut line)?,
        email,
        claims,
        updated_at: required(parse_member(&mut line, "updated_at", TIME)?, "updated_at")?,
        password: line.object("password")?.map_or(Ok(TransferredPassword::None), parse_password)?,
        factors: FileFactors::parse(&mut line)?,
        // One entry less: the import adds the source `sub` as an identity.
        identities: parse_each(&mut line, "identities", MAX_IDENTITIES - 1, identity)?,
        terms: parse_each(&mut line, "terms", 1_000, terms)?,
        consents: parse_each(&mut line, "consents", MAX_CONSENTS, consent)?,
    };
    let subjects = |at: usize| person.identities[at + 1..].iter().any(|(subject, _)| *subject == person.identities[at].0);
    if (0..person.identities.len()).any(subjects) {
        return Err(Flaw::WrongMember { member: "identities", expected: "each different" });
    }
    // With the source `sub` as an identity, as above.
    let at_most = max_consents(person.identities.len() + 1, person.factors.passkeys.len());
    if person.consents.len() > at_most {
        return Err(Flaw::TooMany { member: "consents", at_most });
    }
    let clients = |at: usize| person.consents[at + 1..].iter().any(|other| other.client_id == person.consents[at].client_id);
    if (0..person.consents.len()).any(clients) {
        return Err(Flaw::WrongMember { member: "consents", expected: "each for another client" });
    }
    refuse_unknown(line).map(|()| person)
}

fn roles(line: &mut Members) -> Result<Roles, Flaw> {
    const FLAW: Flaw = Flaw::WrongMember { member: "roles", expected: "at most 8 names of roles" };
    let names = line.list("roles")?.unwrap_or_default().into_iter();
    let roles: Option<BTreeSet<Role>> = names.map(|name| name.as_str()?.parse().ok()).collect();
    roles.and_then(|roles| Roles::try_from(roles).ok()).ok_or(FLAW)
}

fn parse_password(mut password: Members) -> Result<TransferredPassword, Flaw> {
    let read = match (password.text("hash")?, password.flag("stays_there")?) {
        (Some(hash), None) => {
            let changed_at = required(parse_member(&mut password, "changed_at", TIME)?, "changed_at")?;
            TransferredPassword::Hash(PasswordHash::from_phc(checked_hash(hash)?), changed_at)
        }
        (None, Some(true)) => TransferredPassword::StaysThere,
        (_, _) => return Err(Flaw::WrongMember { member: "password", expected: "a hash, or said to stay there" }),
    };
    refuse_unknown(password).map(|()| read)
}

fn identity(mut identity: Members) -> Result<(FederatedSubject, Timestamp), Flaw> {
    let (issuer, subject) = (required(identity.text("issuer")?, "issuer")?, required(identity.text("subject")?, "subject")?);
    let linked_at = required(parse_member(&mut identity, "linked_at", TIME)?, "linked_at")?;
    refuse_unknown(identity).map(|()| (FederatedSubject { issuer, subject }, linked_at))
}

fn terms(mut terms: Members) -> Result<AcceptedTerms, Flaw> {
    let read = AcceptedTerms {
        document: required(terms.text("document")?, "document")?,
        version: required(terms.text("version")?, "version")?,
        accepted_at: required(parse_member(&mut terms, "accepted_at", TIME)?, "accepted_at")?,
        locale: terms.text("locale")?,
        sha256: terms.text("sha256")?,
        url: terms.text("url")?,
        withdrawn_at: parse_member(&mut terms, "withdrawn_at", TIME)?,
    };
    refuse_unknown(terms).map(|()| read)
}

fn consent(mut consent: Members) -> Result<TransferredConsent, Flaw> {
    let read = TransferredConsent {
        client_id: required(parse_member(&mut consent, "client_id", "a client id")?, "client_id")?,
        scope: required(parse_member(&mut consent, "scope", "a scope")?, "scope")?,
        granted_at: required(parse_member(&mut consent, "granted_at", TIME)?, "granted_at")?,
        withdrawn_at: parse_member(&mut consent, "withdrawn_at", TIME)?,
    };
    refuse_unknown(consent).map(|()| read)
}
