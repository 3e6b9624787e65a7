//! Classifies the users of a file: who can be imported and how, and why the others are skipped.

use super::flaw::{Flaw, ReadError};
use super::latchkey_file::{Heading, LatchkeyUser};
use super::{FileUser, ForeignUser};
use crate::user_import::UserToImport;
use latchkey::domain::form;
use latchkey::domain::id::Sub;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::tenant::TenantConfig;
use latchkey::domain::time::Timestamp;
use latchkey::domain::transfer::TransferredPassword;
use serde_json::Map;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

/// How many skipped users are listed one by one.
pub(super) const MAX_LISTED: usize = 20;
/// How many names are counted separately. A file may have any number of them.
const MAX_COUNTED_NAMES: usize = 1_000;

/// The source of the users.
pub(super) enum Origin {
    /// Another system.
    OtherSystem {
        /// Its issuer identifier.
        issuer: String,
        /// Whether a UUID of that system becomes the `sub` here.
        keep_sub: bool,
    },
    /// Another Latchkey, or this one.
    Latchkey(Heading),
}

/// What decides about each user. It is the same in both readings.
pub(super) struct Classifier {
    /// The tenant's document.
    pub(super) config: TenantConfig,
    /// The tenant's issuer identifier.
    pub(super) issuer: String,
    /// The source of the users.
    pub(super) origin: Origin,
    /// The time of the check.
    pub(super) now: Timestamp,
}

/// The users seen in one reading: each `sub` of a Latchkey file, 17 bytes each.
#[derive(Default)]
pub(super) struct SeenUsers(usize, HashSet<Sub>);

/// How a user is imported.
pub(super) enum ImportKind {
    /// A new account.
    New(UserToImport),
    /// The transferred account.
    Transfer(Box<LatchkeyUser>),
}

/// A user who can be imported.
pub(super) struct ImportCandidate {
    /// The position in the file.
    pub(super) number: usize,
    /// How to import the user.
    pub(super) kind: ImportKind,
    /// Attributes without a matching form field.
    unmapped: Vec<String>,
    /// Fields with an unsuitable value.
    unfit: Vec<String>,
    /// Clients that the tenant does not have.
    unknown_clients: Vec<String>,
}

/// A user who is skipped.
pub(super) struct SkippedUser {
    /// The position in the file.
    position: String,
    /// The reason.
    reason: String,
}

impl Classifier {
    /// Classifies the next user.
    pub(super) fn classify(
        &self,
        seen: &mut SeenUsers,
        person: Result<FileUser, ReadError>,
    ) -> Result<ImportCandidate, SkippedUser> {
        seen.0 += 1;
        let number = seen.0;
        let skip = |why: String| SkippedUser { position: format!("user {number}"), reason: why };
        match person.map_err(SkippedUser::from)? {
            FileUser::Foreign(person) => self.classify_foreign(number, person).map_err(|why| skip(why.to_owned())),
            FileUser::Latchkey(person) if !seen.1.insert(person.sub) => Err(skip(Flaw::DuplicateSub.to_string())),
            FileUser::Latchkey(person) => self.classify_transfer(number, person).map_err(|why| skip(why.to_owned())),
        }
    }

    fn classify_foreign(&self, number: usize, person: ForeignUser) -> Result<ImportCandidate, &'static str> {
        let email = importable_address(&person)?;
        let (claims, unfit) = form::take_over(&self.config.registration.fields, &person.attributes, self.now);
        let unmapped = person.attributes.keys().filter(|name| !self.is_field(name)).cloned().collect();
        let password = person.password.map(PasswordHash::from_phc);
        let (issuer, keeps) = match &self.origin {
            Origin::OtherSystem { issuer, keep_sub } => (issuer, *keep_sub),
            Origin::Latchkey(Heading { issuer, .. }) => (issuer, false),
        };
        let coming = UserToImport {
            sub: keeps.then(|| Sub::from_imported(&person.subject)).flatten(),
            subject: FederatedSubject { issuer: issuer.clone(), subject: person.subject },
            email,
            claims,
            password: password.map_or(ImportedPassword::None, ImportedPassword::Hash),
        };
        let unfit = unfit.into_iter().map(|(field, _)| field).collect();
        Ok(ImportCandidate { number, kind: ImportKind::New(coming), unmapped, unfit, unknown_clients: Vec::new() })
    }

    /// Fields follow the tenant's form. A field that the form does not have is kept like that of a retired field, so that a transfer back
    /// and forth loses nothing. The user's `sub` of the source becomes an external identity, if the source is another issuer.
    fn classify_transfer(&self, number: usize, mut person: Box<LatchkeyUser>) -> Result<ImportCandidate, &'static str> {
        let pool = self.config.legacy_directory.as_ref().map(|cognito| cognito.issuer());
        let is_of_the_pool = |(subject, _): &(FederatedSubject, Timestamp)| pool.as_ref() == Some(&subject.issuer);
        if person.password == TransferredPassword::StaysThere && !person.identities.iter().any(is_of_the_pool) {
            return Err("the password is still in a user pool that the tenant's document does not name");
        }
        if let Origin::Latchkey(Heading { issuer, .. }) = &self.origin
            && *issuer != self.issuer
        {
            let there = FederatedSubject { issuer: issuer.clone(), subject: person.sub.to_string() };
            if person.identities.iter().all(|(subject, _)| *subject != there) {
                person.identities.push((there, self.now));
            }
        }
        let (of_fields, others): (Map<_, _>, Map<_, _>) =
            std::mem::take(&mut person.claims).into_iter().partition(|(name, _)| self.is_field(name));
        let (claims, unfit) = form::take_over(&self.config.registration.fields, &of_fields, self.now);
        person.claims = claims.0;
        person.claims.extend(others.into_iter().filter(|(name, _)| !DERIVED_CLAIMS.contains(&name.as_str())));
        let no_field = |name: &&String| !self.is_field(name) && !OWN_CLAIMS.contains(&name.as_str());
        let unmapped = person.claims.keys().filter(no_field).cloned().collect();
        let mut unknown_clients = Vec::new();
        person.consents.retain(|consent| {
            let is_known = self.config.clients.contains_key(&consent.client_id);
            if !is_known {
                unknown_clients.push(consent.client_id.to_string());
            }
            is_known
        });
        let unfit: Vec<String> = unfit.into_iter().map(|(field, _)| field).collect();
        if unfit.iter().any(|field| field == "phone_number") {
            person.claims.remove("phone_number_verified");
        }
        Ok(ImportCandidate { number, kind: ImportKind::Transfer(person), unmapped, unfit, unknown_clients })
    }

    fn is_field(&self, name: &str) -> bool {
        self.config.registration.fields.iter().any(|field| field.name == name)
    }
}

/// Claims that are derived from other members.
const DERIVED_CLAIMS: [&str; 4] = ["sub", "email", "email_verified", "updated_at"];
/// Claims that Latchkey sets, whatever the form.
const OWN_CLAIMS: [&str; 2] = ["locale", "phone_number_verified"];

impl From<ReadError> for SkippedUser {
    fn from(error: ReadError) -> Self {
        Self { position: error.place.to_string(), reason: error.flaw.to_string() }
    }
}

/// The user's address, if the user can be imported.
fn importable_address(person: &ForeignUser) -> Result<EmailAddress, &'static str> {
    if !person.enabled {
        return Err("the account is disabled there");
    }
    let Some(email) = &person.email else { return Err("there is no e-mail address") };
    let Ok(email) = EmailAddress::parse(email) else { return Err("the e-mail address is not usable") };
    if !person.email_verified {
        return Err("the e-mail address was not verified there");
    }
    Ok(email)
}

/// The users who can be imported and those who cannot: counts only.
#[derive(Default)]
pub(super) struct ImportSummary {
    /// How many can be imported.
    pub(super) ready: usize,
    with_password: usize,
    password_in_pool: usize,
    keep_sub: usize,
    disabled: usize,
    skipped: Counts,
    /// The first skipped users, by position.
    named: Vec<String>,
    unmapped: Counts,
    unfit: Counts,
    unknown_clients: Counts,
}

impl ImportSummary {
    /// Counts one user.
    pub(super) fn add(&mut self, looked: Result<ImportCandidate, SkippedUser>) {
        let ImportCandidate { kind, unmapped, unfit, unknown_clients, .. } = match looked {
            Ok(candidate) => candidate,
            Err(away) => return self.count_skipped(&away),
        };
        self.ready += 1;
        match kind {
            ImportKind::New(coming) => {
                self.with_password += usize::from(matches!(coming.password, ImportedPassword::Hash(_)));
                self.keep_sub += usize::from(coming.sub.is_some());
            }
            ImportKind::Transfer(person) => {
                self.with_password += usize::from(matches!(person.password, TransferredPassword::Hash(..)));
                self.password_in_pool += usize::from(person.password == TransferredPassword::StaysThere);
                self.keep_sub += 1;
                self.disabled += usize::from(person.disabled_since.is_some());
            }
        }
        unmapped.iter().for_each(|name| self.unmapped.add(name));
        unfit.iter().for_each(|name| self.unfit.add(name));
        unknown_clients.iter().for_each(|name| self.unknown_clients.add(name));
    }
    fn count_skipped(&mut self, skipped: &SkippedUser) {
        self.skipped.add(&skipped.reason);
        if self.named.len() < MAX_LISTED {
            self.named.push(format!("{}: {}", skipped.position, skipped.reason));
        }
    }
    /// The summary before the confirmation. `to`: the tenant and its target.
    pub(super) fn render(&self, to: &str, origin: &Origin) -> String {
        let Self { ready, with_password, password_in_pool, keep_sub, disabled, .. } = self;
        let mut text = format!(
            "{ready} users can be imported into {to}: {with_password} with their password, {} set a new one by mail",
            ready - with_password - password_in_pool,
        );
        for (count, what) in
            [(password_in_pool, "still have it in the user pool"), (disabled, "are disabled, and stay disabled")]
        {
            if *count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        let (keeps_sub, no_field) = match origin {
            Origin::OtherSystem { keep_sub, .. } => (*keep_sub, "left out, the form has no such field, "),
            Origin::Latchkey(_) => (true, "kept, but the form has no such field, "),
        };
        text.push_str(&if keeps_sub { format!("; {keep_sub} keep their sub\n") } else { "\n".to_owned() });
        self.skipped.list(&mut text, "skipped, ");
        self.named.iter().for_each(|named| text.push_str(&format!("  {named}\n")));
        self.unmapped.list(&mut text, no_field);
        self.unfit.list(&mut text, "left out, the value does not fit the field, ");
        self.unknown_clients.list(&mut text, "consents left out, the tenant has no such client, ");
        text
    }
}

/// Counts by name.
#[derive(Default)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn add(&mut self, name: &str) {
        let is_apart = self.0.contains_key(name) || self.0.len() < MAX_COUNTED_NAMES;
        *self.0.entry(if is_apart { name } else { "(others)" }.to_owned()).or_default() += 1;
    }
    fn list(&self, text: &mut String, title: &str) {
        for (what, count) in &self.0 {
            let _ = writeln!(text, "{title}{what}: {count}");
        }
    }
}
