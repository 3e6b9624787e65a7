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

mod decisions;

pub(crate) use decisions::imported;
pub use decisions::{Brought, bring, keep_password, take_back, take_back_of, take_over};

use super::account::{Authentication, Sealed, WrappedDataKey};
use super::credential::PasswordCredential;
use super::flow::Flow;
use super::form::{self, FieldFlaw};
use super::id::{AccountId, Sub};
use super::identifier::{EmailAddress, IdentifierHash};
use super::linked_identity::{LinkedIdentity, SubjectHash};
use super::profile::{Claims, Profile};
use super::roles::Roles;
use super::secret::PasswordHash;
use super::tenant::{CognitoConfig, Field};
use super::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[cfg(test)]
pub(crate) mod tests;

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
