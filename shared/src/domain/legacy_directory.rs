//! Just-in-time migration of users from a legacy directory: what is imported, and by which
//! proof.
//!
//! 1. A user signs in with an identifier that has no account here. The failure is counted first, as for any sign-in. The legacy
//!    directory is asked only after that write has succeeded, so parallel guesses get no more evaluations there than here.
//! 2. The legacy directory accepts the password and returns its data of the user. [`admit`] decides whether the user can be
//!    imported.
//! 3. [`take_over`] creates the account, and a sentinel of the legacy subject: one user there is one account here, even with
//!    concurrent sign-ins. The next sign-in is local.
//! 4. An operator may have imported a user without a password: the account exists already. [`keep_password`] stores the password
//!    that the legacy directory accepts.
//! 5. An erased account leaves the sentinel of its subject behind, without an account: a user erased here is not imported again
//!    (security 111).

mod decisions;

pub(crate) use decisions::imported;
pub use decisions::{
    Completion, ImportConflicts, ImportOutcome, complete_import, import_legacy_user, keep_password, take_over, undo_failure,
    undo_unknown_failure,
};

use super::account::{AccountState, Sealed, WrappedDataKey};
use super::credential::PasswordCredential;
use super::flow::Flow;
use super::form::{self, FieldFlaw};
use super::id::{AccountId, Sub};
use super::identifier::{EmailAddress, IdentifierHash};
use super::linked_identity::{LinkedIdentity, SubjectHash};
use super::profile::{Claims, Profile};
use super::roles::Roles;
use super::secret::PasswordHash;
use super::tenant::{Field, LegacyDirectoryConfig};
use super::time::Timestamp;
use super::totp::TotpCredential;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[cfg(test)]
pub(crate) mod tests;

/// The data that a legacy directory has of a user. Personal data: it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyUser {
    /// The directory's own identifier of the user (`sub`).
    pub subject: String,
    /// The username in requests to the directory.
    pub username: String,
    /// Whether the account is enabled there.
    pub enabled: bool,
    /// Whether sign-in there requires a second factor.
    pub has_second_factor: bool,
    /// The user's groups there. Loaded only if groups become roles.
    pub groups: Vec<String>,
    /// All other attributes, by the directory's names: `email`, `email_verified`, `given_name`, `custom:tier`.
    pub attributes: BTreeMap<String, String>,
}

impl std::fmt::Debug for LegacyUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DirectoryUser({} attributes)", self.attributes.len())
    }
}

/// The directory's verdict on a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyPasswordVerdict {
    /// Wrong, or the user is unknown or disabled there. The verdict does not tell which.
    Wrong,
    /// Right.
    Right(Box<LegacyUser>),
    /// Right, but the user must set a new one before they can use it there.
    MustBeReplaced,
    /// Right, but a second factor is required there.
    SecondFactor,
}

/// Why a user is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefusal {
    /// The account is disabled in the directory.
    #[error("the account is disabled there")]
    Disabled,
    /// A second factor protects the account there, and would not protect it here (security 78).
    #[error("a second factor protects the account there")]
    SecondFactor,
    /// The directory never verified the address.
    #[error("the address was not proven there")]
    AddressNotProven,
    /// The directory has another address of the user than the typed one.
    #[error("the directory holds another address")]
    OtherAddress,
}

/// Whether a user can be imported with this address. The user has shown the directory their password, or has proven the address
/// to Latchkey.
///
/// An address that the directory never verified is not matched with an account there, whether it is proven here or not: it may be
/// a mistake or a trap of another user.
///
/// # Errors
/// The reason why not.
pub fn admit(user: &LegacyUser, address: &EmailAddress) -> Result<(), ImportRefusal> {
    if !user.enabled {
        return Err(ImportRefusal::Disabled);
    }
    if user.has_second_factor {
        return Err(ImportRefusal::SecondFactor);
    }
    match user.attributes.get("email").map(|email| EmailAddress::parse(email)) {
        Some(Ok(email)) if email == *address => {}
        Some(_) | None => return Err(ImportRefusal::OtherAddress),
    }
    match user.attributes.get("email_verified").map(String::as_str) {
        Some("true") => Ok(()),
        Some(_) | None => Err(ImportRefusal::AddressNotProven),
    }
}

/// Claims from attributes, with what could not be imported.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedAttributes {
    /// Claims of the tenant's form.
    pub claims: Claims,
    /// Fields of the form with an invalid attribute value. The user can fill them later.
    pub refused: Vec<(String, FieldFlaw)>,
    /// Attributes without a field, by their names in the directory.
    pub unmapped: Vec<String>,
}

/// Attributes with a meaning of their own: imported in other ways, or internal to the directory.
const NOT_MAPPED: [&str; 7] = ["sub", "email", "email_verified", "phone_number_verified", "identities", "updated_at", "locale"];

/// Maps attributes to the fields of the form, by the rules of the tenant document.
#[must_use]
pub fn map_attributes(
    config: &LegacyDirectoryConfig,
    fields: &[Field],
    attributes: &BTreeMap<String, String>,
    now: Timestamp,
) -> MappedAttributes {
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
    let unmapped =
        attributes.keys().filter(|name| !taken.contains(&name.as_str()) && !LegacyDirectoryConfig::is_internal(name));
    MappedAttributes { claims, refused, unmapped: unmapped.cloned().collect() }
}

/// Merges typed values with the directory's attributes. Typed values win, and fields that they hide are not filled in.
#[must_use]
pub fn fill_claims(
    config: &LegacyDirectoryConfig,
    fields: &[Field],
    typed: &Claims,
    attributes: &BTreeMap<String, String>,
    now: Timestamp,
) -> Claims {
    let Claims(mut all) = map_attributes(config, fields, attributes, now).claims;
    all.extend(typed.0.clone());
    let (Claims(fitting), _) = form::take_over(fields, &all, now);
    let Claims(mut filled) = typed.clone();
    for (name, value) in fitting {
        filled.entry(name).or_insert(value);
    }
    Claims(filled)
}

/// All items of an imported account.
#[derive(Debug, Clone)]
pub struct ImportedAccount {
    /// Version 1; its identifier is claimed by absence: uniqueness.
    pub authentication: AccountState,
    /// Version 1, if the password was imported.
    pub password: Option<PasswordCredential>,
    /// Version 1, if an authenticator app was imported.
    pub totp: Option<TotpCredential>,
    /// Version 1.
    pub profile: Profile,
    /// Its legacy identity. Its sentinel is claimed by absence too.
    pub link: LinkedIdentity,
    /// Its data key: absent before, or the pending key of its flow.
    pub data_key: WrappedDataKey,
    /// The completed flow that proved the address, if there was one.
    pub flow: Option<Flow>,
}

/// The password of an imported user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedPassword {
    /// The hash of the password that the directory accepted, of a new one, or of the imported one.
    Hash(PasswordHash),
    /// The legacy directory keeps the password until the next successful sign-in there.
    StaysThere,
    /// None: the user sets one with a password reset.
    None,
}

/// The data of a user to import. The caller has opened, hashed and sealed it.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// Fresh.
    pub account: AccountId,
    /// Fresh, or the directory's own, by the tenant's choice.
    pub sub: Sub,
    /// The address, hashed.
    pub identifier: IdentifierHash,
    /// Their password.
    pub password: ImportedPassword,
    /// The seed of their authenticator app, sealed. With it the account is protected.
    pub totp: Option<Sealed>,
    /// Their roles.
    pub roles: Roles,
    /// The claims, the address among them, sealed as a profile.
    pub claims: Sealed,
    /// Their legacy identity, hashed.
    pub subject: SubjectHash,
    /// Their legacy identity, sealed.
    pub named: Sealed,
    /// The fresh data key, or the pending key of the flow that proved the address.
    pub data_key: WrappedDataKey,
}
