//! The decision on a person who moves.

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

/// The password of a person who moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MovingPassword {
    /// Its hash as it was stored.
    Hash(PasswordHash, Timestamp),
    /// A former directory still has it.
    StaysThere,
    /// None: the person sets one by recovery.
    None,
}

/// What a person allowed an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovingConsent {
    /// Which.
    pub client_id: ClientId,
    /// For what.
    pub scope: ScopeSet,
    /// Since when.
    pub granted_at: Timestamp,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<Timestamp>,
}

/// A person who moves, hashed and sealed for the tenant that they come to.
#[derive(Debug, Clone)]
pub struct Mover {
    /// The account, as it was.
    pub account: AccountId,
    /// Its `sub`, as it was.
    pub sub: Sub,
    /// Since when it was disabled, if it was.
    pub disabled_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its roles.
    pub roles: Roles,
    /// Since when a legal hold is on it, if one is.
    pub legal_hold: Option<Timestamp>,
    /// The address, hashed.
    pub identifier: IdentifierHash,
    /// The claims, the address among them, sealed as a profile.
    pub claims: Sealed,
    /// When they last changed.
    pub updated_at: Timestamp,
    /// Their password.
    pub password: MovingPassword,
    /// Each identity elsewhere, hashed and sealed, since when; at most [`MAX_IDENTITIES`].
    pub identities: Vec<(SubjectHash, Sealed, Timestamp)>,
    /// The terms that were accepted.
    pub terms: Vec<AcceptedTerms>,
    /// What applications were allowed; at most [`MAX_CONSENTS`].
    pub consents: Vec<MovingConsent>,
    /// The fresh data key.
    pub data_key: WrappedDataKey,
}

/// What stands where somebody comes to. The owner of the address is read first: who comes in between is seen by the others, or met by
/// the write.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Whose the address is.
    pub owner: Option<AccountId>,
    /// The state of the account itself.
    pub account: Option<AccountStatus>,
    /// What claims the identities elsewhere.
    pub subjects: Vec<ClaimedSubject>,
    /// Whether a tombstone of the account was found.
    pub is_buried: bool,
    /// Another account that has the `sub`.
    pub sub_of: Option<AccountId>,
}

/// What came of moving somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moved {
    /// They have their account here from now on.
    Here,
    /// They had it before.
    AlreadyHere,
    /// They were erased here, and stay so.
    Erased,
    /// Somebody else has their address.
    AddressTaken,
    /// Another account has their `sub`.
    SubTaken,
}

/// Makes the account of somebody who moves, where nothing of it stands.
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
    Decision::one(Change::move_account(moved(mover)), Moved::Here)
}

fn moved(mover: Mover) -> MovedAccount {
    let account = mover.account;
    let (password, password_home) = match mover.password {
        MovingPassword::Hash(hash, changed_at) => {
            (Some(PasswordCredential { account, hash, changed_at, version: 1 }), PasswordHome::Here)
        }
        MovingPassword::StaysThere => (None, PasswordHome::Directory),
        MovingPassword::None => (None, PasswordHome::Here),
    };
    // A session of the user pool from before that has not opened this account so far, and does not from here on.
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
