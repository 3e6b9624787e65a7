//! People who come from a former directory, a Cognito user pool for one: what is taken over, by which proof (just-in-time migration).
//!
//! 1. Somebody signs in with an identifier that nobody has here. The failure is counted first, as for anybody: the directory is asked
//!    only once that stands, so parallel guesses evaluate no more of them there than here.
//! 2. The directory says that the password is right, and what it knows of the person. [`admit`] says whether they can come.
//! 3. [`take_over`] makes the account out of it, and of the directory's subject a sentinel of its own: one person there is one account
//!    here, whatever races. The next sign-in is local.
//! 4. Who was brought over by an operator without a password has an account already; [`keep_password`] makes the password that the
//!    directory finds right the account's own.
//! 5. An erased account leaves its subject's sentinel behind, without a person: what was erased here does not come back from there
//!    (security 111).

use super::account::{AccountStatus, Authentication, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use super::authentication::{
    Amr, Authenticated, FailureWindow, KnownDevice, NewSignIn, UnknownIdentifierFailures, known_device, reset_window,
};
use super::change::{Change, Changes, Decision};
use super::credential::PasswordCredential;
use super::flow::Flow;
use super::form::{self, FieldFlaw};
use super::id::{AccountId, Sub};
use super::identifier::{EmailAddress, IdentifierHash};
use super::profile::{Claims, Profile};
use super::roles::Roles;
use super::secret::PasswordHash;
use super::session::Session;
use super::time::Timestamp;
use crate::config::{CognitoConfig, Field};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[cfg(test)]
pub(crate) mod tests;

/// The keyed hash of a subject of another identity provider: HMAC-SHA-256 of issuer ‖ subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectHash(pub IdentifierHash);

/// A subject of another identity provider, in clear: issuer and subject together name one person for ever (OpenID Connect Core §5.7).
/// Personal data: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedSubject {
    /// The provider's issuer identifier.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
}

impl std::fmt::Debug for FederatedSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FederatedSubject(…)")
    }
}

/// An account's identity elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedIdentity {
    /// Whose.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// Which, hashed: the sentinel that claims it.
    #[serde(rename = "sj")]
    pub subject: SubjectHash,
    /// The [`FederatedSubject`] as JSON, sealed under the account's data key.
    #[serde(rename = "nm")]
    pub named: Sealed,
    /// Since when.
    #[serde(rename = "at")]
    pub linked_at: Timestamp,
}

/// The sentinel of a subject: whose it is, or that it was somebody's who is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedSubject {
    /// Whose; nobody's once the account is erased.
    #[serde(rename = "acc", default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Since when.
    pub at: Timestamp,
}

/// What a directory knows of a person. Personal data: it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryUser {
    /// Its own identifier of the person (`sub`).
    pub subject: String,
    /// What it calls them when it is asked about them.
    pub username: String,
    /// Whether the account may be used there.
    pub enabled: bool,
    /// Whether sign-in there asks for a second factor.
    pub has_second_factor: bool,
    /// The groups that they are in there; asked for only where groups become roles.
    pub groups: Vec<String>,
    /// Everything else, by the directory's names: `email`, `email_verified`, `given_name`, `custom:tier`.
    pub attributes: BTreeMap<String, String>,
}

impl std::fmt::Debug for DirectoryUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DirectoryUser({} attributes)", self.attributes.len())
    }
}

/// What the directory says of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryVerdict {
    /// Wrong, or nobody's, or of an account that is closed there: nobody is told which.
    Wrong,
    /// Right.
    Right(Box<DirectoryUser>),
    /// Right, and another one has to be set before it is of use there.
    MustBeReplaced,
    /// Right, and a second factor is asked for there.
    SecondFactor,
}

/// Why a person stays where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The directory has closed the account.
    #[error("the account is disabled there")]
    Disabled,
    /// A second factor protects the account there, and would protect it no more here (security 78).
    #[error("a second factor protects the account there")]
    SecondFactor,
    /// The directory never had the address proven.
    #[error("the address was not proven there")]
    AddressNotProven,
    /// The directory knows the person by another address than the one that was typed.
    #[error("the directory holds another address")]
    OtherAddress,
}

/// Whether a person can come with this address, who has shown the directory their password, or us that the address is theirs.
///
/// An address that the directory never had proven leads to nobody's account there, proven here or not: it may be a stranger's mistake,
/// or a stranger's trap.
///
/// # Errors
/// Why not.
pub fn admit(user: &DirectoryUser, address: &EmailAddress) -> Result<(), NotAdmitted> {
    if !user.enabled {
        return Err(NotAdmitted::Disabled);
    }
    if user.has_second_factor {
        return Err(NotAdmitted::SecondFactor);
    }
    match user.attributes.get("email").map(|email| EmailAddress::parse(email)) {
        Some(Ok(email)) if email == *address => {}
        Some(_) | None => return Err(NotAdmitted::OtherAddress),
    }
    match user.attributes.get("email_verified").map(String::as_str) {
        Some("true") => Ok(()),
        Some(_) | None => Err(NotAdmitted::AddressNotProven),
    }
}

/// Claims out of attributes, with what could not be taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Claims of the tenant's form.
    pub claims: Claims,
    /// Fields of the form whose attribute does not fit them. The person can fill them later.
    pub refused: Vec<(String, FieldFlaw)>,
    /// Attributes that belong to no field, by their names there.
    pub unmapped: Vec<String>,
}

/// Attributes that say something of their own: taken over by other ways, or the directory's own affair.
const NOT_MAPPED: [&str; 7] = ["sub", "email", "email_verified", "phone_number_verified", "identities", "updated_at", "locale"];

/// Maps attributes to the fields of the form, by the rules of the tenant's document.
#[must_use]
pub fn map(config: &CognitoConfig, fields: &[Field], attributes: &BTreeMap<String, String>, now: Timestamp) -> Mapped {
    let mut submitted = Map::new();
    let mut taken: Vec<&str> = NOT_MAPPED.to_vec();
    for field in fields {
        let attribute = config.attribute_of(&field.name);
        if let Some((name, value)) = attributes.get_key_value(&*attribute) {
            taken.push(name);
            submitted.insert(field.name.clone(), Value::String(value.clone()));
        }
    }
    let (claims, refused) = form::take_over(fields, &submitted, now);
    let unmapped = attributes.keys().filter(|name| !taken.contains(&name.as_str()) && !name.starts_with("cognito:"));
    Mapped { claims, refused, unmapped: unmapped.cloned().collect() }
}

/// What a person typed, and what the directory knows besides: typed values win, and what they rule out is not filled in.
#[must_use]
pub fn fill(
    config: &CognitoConfig,
    fields: &[Field],
    typed: &Claims,
    attributes: &BTreeMap<String, String>,
    now: Timestamp,
) -> Claims {
    let Claims(mut all) = map(config, fields, attributes, now).claims;
    all.extend(typed.0.clone());
    let (Claims(fitting), _) = form::take_over(fields, &all, now);
    let Claims(mut filled) = typed.clone();
    for (name, value) in fitting {
        filled.entry(name).or_insert(value);
    }
    Claims(filled)
}

/// Everything that an account that is taken over is made of.
#[derive(Debug, Clone)]
pub struct ImportedAccount {
    /// Version 1; its identifier is claimed by absence: uniqueness.
    pub authentication: Authentication,
    /// Version 1, where one came along.
    pub password: Option<PasswordCredential>,
    /// Version 1.
    pub profile: Profile,
    /// Its identity there: the sentinel is claimed by absence too.
    pub link: LinkedIdentity,
    /// Its data key: absent before, or the pending one of its flow.
    pub data_key: WrappedDataKey,
    /// The completed flow that proved the address, where one did.
    pub flow: Option<Flow>,
}

/// The password of a person who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComingPassword {
    /// The hash of the one that the directory found right, of a new one, or of the one that came along.
    Hash(PasswordHash),
    /// The directory keeps it, until it finds it right.
    StaysThere,
    /// None: the person sets one by recovery.
    None,
}

/// What is known of a person who comes, opened, hashed and sealed elsewhere.
#[derive(Debug, Clone)]
pub struct NewComer {
    /// Fresh.
    pub account: AccountId,
    /// Fresh, or the directory's own by the tenant's choice.
    pub sub: Sub,
    /// The address, hashed.
    pub identifier: IdentifierHash,
    /// Their password.
    pub password: ComingPassword,
    /// Their roles.
    pub roles: Roles,
    /// The claims, the address among them, sealed as a profile.
    pub claims: Sealed,
    /// Their identity there, hashed.
    pub subject: SubjectHash,
    /// Their identity there, sealed.
    pub named: Sealed,
    /// The fresh data key, or the pending one of the flow that proved the address.
    pub data_key: WrappedDataKey,
}

/// Takes a person over who has just shown the password, and signs them in. `standing` is what stands under their subject.
pub fn take_over(
    comer: NewComer,
    standing: Option<ClaimedSubject>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    // Somebody's already, under another address by now; or of a person who was erased. Neither comes in by an old password.
    if standing.is_some() {
        return Decision::unchanged(Authenticated::Refused);
    }
    let account = imported(comer, Some(sign_in.device), now);
    let session = Session::open(sign_in.session, &account.authentication, vec![Amr::Pwd], sign_in.policy, now);
    let mut changes = Changes::one(Change::import_account(account));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: true } }
}

pub(super) fn imported(comer: NewComer, device: Option<u64>, now: Timestamp) -> ImportedAccount {
    let account = comer.account;
    let (password, password_home) = match comer.password {
        ComingPassword::Hash(hash) => {
            (Some(PasswordCredential { account, hash, changed_at: now, version: 1 }), PasswordHome::Here)
        }
        ComingPassword::StaysThere => (None, PasswordHome::Directory),
        ComingPassword::None => (None, PasswordHome::Here),
    };
    ImportedAccount {
        authentication: Authentication {
            account,
            sub: comer.sub,
            status: AccountStatus::Active,
            epoch: 1,
            epoch_began_at: None,
            identifier: comer.identifier,
            created_at: now,
            failures: FailureWindow::default(),
            devices: device.map(|id| KnownDevice { id, failures: FailureWindow::default() }).into_iter().collect(),
            password_home,
            roles: comer.roles,
            legal_hold: None,
            version: 1,
        },
        password,
        profile: Profile {
            account,
            claims: comer.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            version: 1,
        },
        link: LinkedIdentity { account, subject: comer.subject, named: comer.named, linked_at: now },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..comer.data_key },
        flow: None,
    }
}

/// What came of bringing somebody over by an operator's hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brought {
    /// They have an account from now on.
    Imported,
    /// They came before.
    AlreadyHere,
    /// They were erased here, and stay so.
    Erased,
    /// Somebody else has their address.
    AddressTaken,
}

/// Brings a person over whom another system exported. `standing` is what stands under their subject, read before `owner`, who has
/// their address.
pub fn bring(comer: NewComer, standing: Option<ClaimedSubject>, owner: Option<AccountId>, now: Timestamp) -> Decision<Brought> {
    match (standing, owner) {
        (Some(ClaimedSubject { account: Some(_), .. }), _) => Decision::unchanged(Brought::AlreadyHere),
        (Some(ClaimedSubject { account: None, .. }), _) => Decision::unchanged(Brought::Erased),
        (None, Some(_)) => Decision::unchanged(Brought::AddressTaken),
        (None, None) => Decision::one(Change::import_account(imported(comer, None, now)), Brought::Imported),
    }
}

/// Signs somebody in whose password the directory has just found right, and keeps its hash; roles of theirs there are given.
/// `standing` is what stands under the subject that the directory named: another's password opens nothing, whatever address it is
/// used with.
pub fn keep_password(
    authentication: &Authentication,
    standing: Option<ClaimedSubject>,
    (hash, roles): (PasswordHash, &Roles),
    device: Option<u64>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let account = authentication.account;
    let is_theirs = standing.is_some_and(|standing| standing.account == Some(account));
    if !is_theirs || !authentication.is_active() || authentication.password_home != PasswordHome::Directory {
        return Decision::unchanged(Authenticated::Refused);
    }
    let known = known_device(authentication, device).map(|known| known.id);
    let reset = reset_window(authentication, known, sign_in.device);
    let roles = reset.roles.with(roles);
    let state = Authentication { password_home: PasswordHome::Here, roles, ..reset };
    let session = Session::open(sign_in.session, &state, vec![Amr::Pwd], sign_in.policy, now);
    let password = PasswordCredential { account, hash, changed_at: now, version: 1 };
    let mut changes = Changes::one(Change::keep_password(state, password));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: known.is_none() } }
}

/// Takes a counted failure of an account back, as [`take_back`] does of nobody's.
pub fn take_back_of(counted: &Authentication, before: &Authentication) -> Decision<()> {
    Decision::one(Change::uncount_failed_sign_in(Authentication { version: counted.version + 1, ..before.clone() }), ())
}

/// Takes a counted failure back: the directory gave no verdict, so nothing was evaluated. A failure that came meanwhile stands, and
/// this one with it.
pub fn take_back(counted: &UnknownIdentifierFailures, before: Option<&UnknownIdentifierFailures>) -> Decision<()> {
    let failures = before.map_or(FailureWindow::default(), |before| before.failures);
    let restored = UnknownIdentifierFailures { failures, version: counted.version + 1, ..counted.clone() };
    Decision::one(Change::uncount_unknown_sign_in(restored), ())
}
