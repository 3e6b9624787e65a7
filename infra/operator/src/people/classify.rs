//! Classifies the users of a file: who can be imported and how, and why the others are skipped.

use super::flaw::{Flaw, ReadError};
use super::latchkey_file::{Heading, LatchkeyUser};
use super::{FileUser, ForeignUser, SecondFactors};
use crate::user_import::UserToImport;
use latchkey::digest::sha256;
use latchkey::domain::form;
use latchkey::domain::id::Sub;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::tenant::TenantConfig;
use latchkey::domain::time::Timestamp;
use latchkey::domain::transfer::TransferredPassword;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// The relying party id of the tenant's passkeys, if it has any.
    pub(super) rp_id: Option<String>,
    /// Whether users who would lose their second factor are skipped.
    pub(super) requires_factors: bool,
    /// The time of the check.
    pub(super) now: Timestamp,
    /// Who gets an address that several users of the file have.
    pub(super) owners: AddressOwners,
}

/// The users seen in one reading. Of each user it keeps the `sub` (17 bytes), or the hash of the id in the other system (16 bytes).
#[derive(Default)]
pub(super) struct SeenUsers {
    count: usize,
    subs: HashSet<Sub>,
    subjects: HashSet<[u8; 16]>,
}

impl SeenUsers {
    /// Whether this id of the other system was not seen before.
    fn is_new(&mut self, subject: &str) -> bool {
        self.subjects.insert(short_hash(subject))
    }
}

fn short_hash(text: &str) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(text.as_bytes())[..16]);
    half
}

/// Which user of the file gets each address, by a rule that does not depend on the order of the file: a verified address before an
/// unverified one, a password before none, the older account, and finally the smaller id. A user who cannot be imported gets none. About 60
/// bytes for each address.
#[derive(Default)]
pub(super) struct AddressOwners {
    owners: HashMap<[u8; 16], (Rank, usize)>,
}

/// The smaller one gets the address: unverified, without a password, created at, id.
type Rank = (bool, bool, i64, [u8; 16]);

impl AddressOwners {
    /// Adds the next user of the file. `classifier` has no owners yet.
    pub(super) fn add(&mut self, classifier: &Classifier, seen: &mut SeenUsers, person: Result<FileUser, ReadError>) {
        let ranked = match &person {
            Ok(FileUser::Foreign(person)) => importable_address(person).ok().map(|(email, is_verified)| {
                let created_at = person.created_at.unwrap_or(i64::MAX);
                (email, (!is_verified, person.password.is_none(), created_at, short_hash(&person.subject)))
            }),
            Ok(FileUser::Latchkey(person)) => {
                let has_password = person.password != TransferredPassword::None;
                let id = *person.sub.as_bytes();
                Some((person.email.clone(), (false, !has_password, person.created_at.seconds(), id)))
            }
            Err(_) => None,
        };
        let can_be_imported = classifier.classify(seen, person).is_ok();
        let Some((email, rank)) = ranked.filter(|_| can_be_imported) else { return };
        let number = seen.count;
        let owner = self.owners.entry(short_hash(email.as_str())).or_insert((rank, number));
        if rank < owner.0 {
            *owner = (rank, number);
        }
    }
    /// Whether another user of the file gets this address.
    fn is_other(&self, email: &EmailAddress, number: usize) -> bool {
        self.owners.get(&short_hash(email.as_str())).is_some_and(|(_, owner)| *owner != number)
    }
}

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
    /// Kinds of second factors that are not imported.
    lost_factors: Vec<String>,
    /// What a second factor does for the account.
    protection: Protection,
    /// Whether the user must prove the address before the first sign-in.
    must_prove: bool,
}

/// What second factors do for an imported account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// There was none.
    None,
    /// It asks for one here too.
    Kept,
    /// None of them can be used here.
    Lost,
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
        seen.count += 1;
        let number = seen.count;
        let skip = |why: String| SkippedUser { position: format!("user {number}"), reason: why };
        match person.map_err(SkippedUser::from)? {
            FileUser::Foreign(person) if !seen.is_new(&person.subject) => Err(skip(Flaw::DuplicateId.to_string())),
            FileUser::Foreign(person) => self.classify_foreign(number, person).map_err(|why| skip(why.to_owned())),
            FileUser::Latchkey(person) if !seen.subs.insert(person.sub) => Err(skip(Flaw::DuplicateSub.to_string())),
            FileUser::Latchkey(person) => self.classify_transfer(number, person).map_err(|why| skip(why.to_owned())),
        }
    }

    fn classify_foreign(&self, number: usize, person: ForeignUser) -> Result<ImportCandidate, &'static str> {
        let (email, is_verified) = importable_address(&person)?;
        if self.owners.is_other(&email, number) {
            return Err(SAME_ADDRESS);
        }
        let SecondFactors { mut totp, mut lost } = person.second_factors;
        // Another user may have set it up: its codes must not keep the owner of the mailbox out.
        if !is_verified && totp.take().is_some() {
            lost.push("authenticator app of an unverified address");
        }
        let protection = self.protection(totp.is_some(), !lost.is_empty())?;
        let mut attributes = self.by_path(person.attributes);
        let mut unmapped: Vec<String> = attributes.keys().filter(|name| !self.is_field(name)).cloned().collect();
        unmapped.retain(|path| !self.config.import.values().any(|used| used == path));
        for (field, path) in &self.config.import {
            if let Some(value) = attributes.get(path).cloned() {
                attributes.insert(field.clone(), value);
            }
        }
        let (claims, unfit) = form::take_over(&self.config.registration.fields, &attributes, self.now);
        // Without a password, only a password reset opens the account: its mail proves the address.
        let password = person.password.filter(|_| is_verified).map(PasswordHash::from_phc);
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
            totp,
        };
        let unfit = unfit.into_iter().map(|(field, _)| field).collect();
        Ok(ImportCandidate {
            number,
            kind: ImportKind::New(coming),
            unmapped,
            unfit,
            unknown_clients: Vec::new(),
            lost_factors: lost.into_iter().map(str::to_owned).collect(),
            protection,
            must_prove: !is_verified,
        })
    }

    /// What the second factors do, and why the user is skipped if they must not be lost.
    fn protection(&self, is_kept: bool, are_some_lost: bool) -> Result<Protection, &'static str> {
        match (is_kept, are_some_lost) {
            (true, _) => Ok(Protection::Kept),
            (false, false) => Ok(Protection::None),
            (false, true) if self.requires_factors => Err(LOST_FACTOR),
            (false, true) => Ok(Protection::Lost),
        }
    }

    /// Fields follow the tenant's form. A field that the form does not have is kept like that of a retired field, so that a transfer back
    /// and forth loses nothing. The user's `sub` of the source becomes an external identity, if the source is another issuer.
    fn classify_transfer(&self, number: usize, mut person: Box<LatchkeyUser>) -> Result<ImportCandidate, &'static str> {
        if self.owners.is_other(&person.email, number) {
            return Err(SAME_ADDRESS);
        }
        let lost = person.factors.leave_out_passkeys(self.rp_id.as_deref());
        let (was_protected, is_lost) = (person.factors.protected, person.factors.are_lost());
        let protection = self.protection(was_protected && !is_lost, is_lost)?;
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
        let lost_factors = lost.into_iter().map(|rp_id| format!("passkey of {rp_id}")).collect();
        let (kind, must_prove) = (ImportKind::Transfer(person), false);
        Ok(ImportCandidate { number, kind, unmapped, unfit, unknown_clients, lost_factors, protection, must_prove })
    }

    /// The attributes by their paths. The value of a field stays whole.
    fn by_path(&self, attributes: Map<String, Value>) -> Map<String, Value> {
        let (mut found, mut open) = (Map::new(), Vec::from_iter(attributes));
        while let Some((path, value)) = open.pop() {
            match value {
                Value::Object(members) if !self.is_field(&path) => {
                    open.extend(members.into_iter().map(|(name, value)| (format!("{path}.{name}"), value)));
                }
                value => {
                    found.insert(path, value);
                }
            }
        }
        found
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

/// Why a user is skipped if another user of the file gets the same address.
const SAME_ADDRESS: &str = "another user of the file has the same e-mail address and goes first (a verified address, then a password, then \
                            the older account)";

/// Why a user is skipped with `--require-factors`.
const LOST_FACTOR: &str = "their second factor cannot be used here (--require-factors)";

/// The user's address, and whether the other system verified it, if the user can be imported.
fn importable_address(person: &ForeignUser) -> Result<(EmailAddress, bool), &'static str> {
    if !person.enabled {
        return Err("the account is disabled there");
    }
    let Some(email) = &person.email else { return Err("there is no e-mail address") };
    let Ok(email) = EmailAddress::parse(email) else { return Err("the e-mail address is not usable") };
    Ok((email, person.email_verified))
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
    must_prove: usize,
    keep_protection: usize,
    lose_protection: usize,
    lost_factors: Counts,
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
        let ImportCandidate { kind, unmapped, unfit, unknown_clients, lost_factors, protection, must_prove, .. } = match looked
        {
            Ok(candidate) => candidate,
            Err(away) => return self.count_skipped(&away),
        };
        self.ready += 1;
        self.must_prove += usize::from(must_prove);
        self.keep_protection += usize::from(protection == Protection::Kept);
        self.lose_protection += usize::from(protection == Protection::Lost);
        lost_factors.iter().for_each(|kind| self.lost_factors.add(kind));
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
        let Self { ready, with_password, password_in_pool, keep_sub, disabled, must_prove, .. } = self;
        let Self { keep_protection, lose_protection, .. } = self;
        let mut text = format!(
            "{ready} users can be imported into {to}: {with_password} with their password, {} set a new one by mail",
            ready - with_password - password_in_pool,
        );
        for (count, what) in [
            (password_in_pool, "still have it in the user pool"),
            (disabled, "are disabled, and stay disabled"),
            (must_prove, "of them because their address was not verified there"),
            (keep_protection, "are protected by their second factor here too"),
            (lose_protection, "lose their second factor: one factor alone opens their account (--require-factors skips them)"),
        ] {
            if *count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        let (keeps_sub, no_field) = match origin {
            Origin::OtherSystem { keep_sub, .. } => (*keep_sub, "left out, the form has no such field, "),
            Origin::Latchkey(_) => (true, "kept, but the form has no such field, "),
        };
        text.push_str(&if keeps_sub { format!("; {keep_sub} keep their sub\n") } else { "\n".to_owned() });
        if matches!(origin, Origin::Latchkey(Heading { has_factors: false, .. })) {
            text.push_str("the file is of version 1: second factors of its users, if they have any, are not in it\n");
        }
        self.lost_factors.list(&mut text, "second factors that are not imported, ");
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
