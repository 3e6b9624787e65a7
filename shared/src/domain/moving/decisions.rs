//! The decision on a transferred account.

use crate::domain::account::{AccountStatus, Authentication, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use crate::domain::change::{Change, Decision};
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::{AccountId, ClientId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::moving::MovedAccount;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::profile::Profile;
use crate::domain::roles::Roles;
use crate::domain::secret::PasswordHash;
use crate::domain::time::Timestamp;

/// The password of a transferred account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MovingPassword {
    /// Its hash as stored.
    Hash(PasswordHash, Timestamp),
    /// A legacy directory still has it.
    StaysThere,
    /// None: the user sets one with a password reset.
    None,
}

/// Consent of a user to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovingConsent {
    /// The application.
    pub client_id: ClientId,
    /// The allowed scopes.
    pub scope: ScopeSet,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<Timestamp>,
}

/// An account to transfer, hashed and sealed for the receiving tenant.
#[derive(Debug, Clone)]
pub struct Mover {
    /// The account id, unchanged.
    pub account: AccountId,
    /// Its `sub`, unchanged.
    pub sub: Sub,
    /// When it was disabled, if it was.
    pub disabled_since: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its roles.
    pub roles: Roles,
    /// When a legal hold was placed, if one is in force.
    pub legal_hold: Option<Timestamp>,
    /// The address, hashed.
    pub identifier: IdentifierHash,
    /// The claims, the address among them, sealed as a profile.
    pub claims: Sealed,
    /// When they last changed.
    pub updated_at: Timestamp,
    /// Their password.
    pub password: MovingPassword,
    /// Each linked identity, hashed and sealed, with the time of the link; at most [`MAX_IDENTITIES`].
    pub identities: Vec<(SubjectHash, Sealed, Timestamp)>,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// Consents to applications; at most [`MAX_CONSENTS`].
    pub consents: Vec<MovingConsent>,
    /// The fresh data key.
    pub data_key: WrappedDataKey,
}

/// What is stored already in the receiving tenant. The owner of the address is read first: an account that is created in between
/// is seen by the other reads, or conflicts with the write.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The account that has the address.
    pub owner: Option<AccountId>,
    /// The state of the account itself.
    pub account: Option<AccountStatus>,
    /// The stored claims on the linked identities.
    pub subjects: Vec<ClaimedSubject>,
    /// Whether a tombstone of the account was found.
    pub is_buried: bool,
    /// Another account that has the `sub`.
    pub sub_of: Option<AccountId>,
}

/// The outcome of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moved {
    /// The account exists here now.
    Here,
    /// The account was transferred before.
    AlreadyHere,
    /// The user was erased here, and stays erased.
    Erased,
    /// Another account has the address.
    AddressTaken,
    /// Another account has the `sub`.
    SubTaken,
}

/// Creates the transferred account, if nothing of it is stored here.
pub fn settle(mover: Mover, standing: &Standing) -> Decision<Moved> {
    let was_erased = standing.is_buried
        || matches!(standing.account, Some(AccountStatus::Erased { .. }))
        || standing.subjects.iter().any(|subject| subject.account.is_none());
    if was_erased {
        return Decision::unchanged(Moved::Erased);
    }
    if standing.account.is_some() || !standing.subjects.is_empty() {
        return Decision::unchanged(Moved::AlreadyHere);
    }
    if standing.sub_of.is_some() {
        return Decision::unchanged(Moved::SubTaken);
    }
    if standing.owner.is_some() {
        return Decision::unchanged(Moved::AddressTaken);
    }
    Decision::one(Change::move_account(transferred_account(mover)), Moved::Here)
}

fn transferred_account(mover: Mover) -> MovedAccount {
    let account = mover.account;
    let (password, password_home) = match mover.password {
        MovingPassword::Hash(hash, changed_at) => {
            (Some(PasswordCredential { account, hash, changed_at, version: 1 }), PasswordHome::Here)
        }
        MovingPassword::StaysThere => (None, PasswordHome::Directory),
        MovingPassword::None => (None, PasswordHome::Here),
    };
    // An earlier session of the user pool has not opened this account so far, and must not open it from now on.
    let epoch_began_at = password.as_ref().map(|password| password.changed_at);
    let link = |(subject, named, linked_at)| LinkedIdentity { account, subject, named, linked_at };
    let consent = |consent: MovingConsent| Consent {
        account,
        client_id: consent.client_id,
        scope: consent.scope,
        granted_at: consent.granted_at,
        withdrawn_at: consent.withdrawn_at,
        version: 1,
    };
    MovedAccount {
        authentication: Authentication {
            account,
            sub: mover.sub,
            status: mover.disabled_since.map_or(AccountStatus::Active, |since| AccountStatus::Disabled { since }),
            epoch: 1,
            epoch_began_at,
            identifier: mover.identifier,
            created_at: mover.created_at,
            failures: FailureWindow::default(),
            devices: Vec::new(),
            password_home,
            roles: mover.roles,
            legal_hold: mover.legal_hold,
            version: 1,
        },
        password,
        profile: Profile {
            account,
            claims: mover.claims,
            updated_at: mover.updated_at,
            email_change: None,
            email_undos: Vec::new(),
            version: 1,
        },
        links: mover.identities.into_iter().map(link).collect(),
        terms: mover.terms,
        consents: mover.consents.into_iter().map(consent).collect(),
        data_key: WrappedDataKey { state: DataKeyState::Account, ..mover.data_key },
    }
}
