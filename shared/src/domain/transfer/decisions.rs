//! The decision on a transferred account.

use crate::domain::account::{AccountState, AccountStatus, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use crate::domain::change::{Change, Decision};
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::{AccountId, ClientId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::profile::Profile;
use crate::domain::roles::Roles;
use crate::domain::secret::PasswordHash;
use crate::domain::time::Timestamp;
use crate::domain::transfer::{TransferredAccount, TransferredFactors};

/// The password of a transferred account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferredPassword {
    /// Its hash as stored.
    Hash(PasswordHash, Timestamp),
    /// A legacy directory still has it.
    StaysThere,
    /// None: the user sets one with a password reset.
    None,
}

/// Consent of a user to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferredConsent {
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
pub struct TransferredUser {
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
    pub password: TransferredPassword,
    /// Each linked identity, hashed and sealed, with the time of the link; at most [`MAX_IDENTITIES`].
    pub identities: Vec<(SubjectHash, Sealed, Timestamp)>,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// Consents to applications; at most [`MAX_CONSENTS`].
    pub consents: Vec<TransferredConsent>,
    /// Their second factors and passkeys.
    pub factors: TransferredFactors,
    /// The fresh data key.
    pub data_key: WrappedDataKey,
}

/// What is stored already in the receiving tenant. The owner of the address is read first: an account that is created in between
/// is seen by the other reads, or conflicts with the write.
#[derive(Debug, Clone, Default)]
pub struct ExistingState {
    /// The account that has the address.
    pub owner: Option<AccountId>,
    /// The state of the account itself.
    pub account: Option<AccountStatus>,
    /// Whether the account itself is protected by a second factor.
    pub is_protected: bool,
    /// The stored claims on the linked identities.
    pub subjects: Vec<ClaimedSubject>,
    /// Whether a tombstone of the account was found.
    pub has_tombstone: bool,
    /// Another account that has the `sub`. Accounts from before the claims have none of them.
    pub sub_owner: Option<AccountId>,
    /// Whether the `sub` is claimed.
    pub is_sub_claimed: bool,
    /// Whether the credential id of one of the passkeys is claimed.
    pub is_passkey_claimed: bool,
}

/// The outcome of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferOutcome {
    /// The account exists here now.
    Here,
    /// The account was transferred before.
    AlreadyHere,
    /// The account was transferred before. The file has second factors that it lacks here, and does not get now.
    AlreadyHereUnprotected,
    /// The user was erased here, and stays erased.
    Erased,
    /// Another account has the address.
    AddressTaken,
    /// Another account has the `sub`.
    SubTaken,
    /// Another account has one of the passkeys.
    PasskeyTaken,
}

/// Creates the transferred account, if nothing of it is stored here.
pub fn resolve_conflicts(transferred_user: TransferredUser, existing_state: &ExistingState) -> Decision<TransferOutcome> {
    let was_erased = existing_state.has_tombstone
        || matches!(existing_state.account, Some(AccountStatus::Erased { .. }))
        || existing_state.subjects.iter().any(|subject| subject.account.is_none());
    if was_erased {
        return Decision::unchanged(TransferOutcome::Erased);
    }
    if existing_state.account.is_some() && transferred_user.factors.protects() && !existing_state.is_protected {
        return Decision::unchanged(TransferOutcome::AlreadyHereUnprotected);
    }
    if existing_state.account.is_some() || !existing_state.subjects.is_empty() {
        return Decision::unchanged(TransferOutcome::AlreadyHere);
    }
    if existing_state.sub_owner.is_some() || existing_state.is_sub_claimed {
        return Decision::unchanged(TransferOutcome::SubTaken);
    }
    if existing_state.owner.is_some() {
        return Decision::unchanged(TransferOutcome::AddressTaken);
    }
    if existing_state.is_passkey_claimed {
        return Decision::unchanged(TransferOutcome::PasskeyTaken);
    }
    Decision::one(Change::move_account(transferred_account(transferred_user)), TransferOutcome::Here)
}

fn transferred_account(transferred_user: TransferredUser) -> TransferredAccount {
    let account = transferred_user.account;
    let (password, password_home) = match transferred_user.password {
        TransferredPassword::Hash(hash, changed_at) => {
            (Some(PasswordCredential { account, hash, changed_at, version: 1 }), PasswordHome::Here)
        }
        TransferredPassword::StaysThere => (None, PasswordHome::Directory),
        TransferredPassword::None => (None, PasswordHome::Here),
    };
    // An earlier session of the user pool has not opened this account so far, and must not open it from now on.
    let epoch_began_at = password.as_ref().map(|password| password.changed_at);
    let factors = transferred_user.factors.stored(account);
    let link = |(subject, named, linked_at)| LinkedIdentity { account, subject, named, linked_at };
    let consent = |consent: TransferredConsent| Consent {
        account,
        client_id: consent.client_id,
        scope: consent.scope,
        granted_at: consent.granted_at,
        withdrawn_at: consent.withdrawn_at,
        version: 1,
    };
    TransferredAccount {
        authentication: AccountState {
            account,
            sub: transferred_user.sub,
            status: transferred_user.disabled_since.map_or(AccountStatus::Active, |since| AccountStatus::Disabled { since }),
            epoch: 1,
            epoch_began_at,
            identifier_since: None,
            identifier: transferred_user.identifier,
            created_at: transferred_user.created_at,
            failures: FailureWindow::default(),
            devices: Vec::new(),
            password_home,
            roles: transferred_user.roles,
            legal_hold: transferred_user.legal_hold,
            protected: factors.protected,
            factors: factors.state,
            satisfied: None,
            version: 1,
        },
        password,
        profile: Profile {
            account,
            claims: transferred_user.claims,
            updated_at: transferred_user.updated_at,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 1,
        },
        links: transferred_user.identities.into_iter().map(link).collect(),
        terms: transferred_user.terms,
        consents: transferred_user.consents.into_iter().map(consent).collect(),
        totp: factors.totp,
        recovery_codes: factors.recovery_codes,
        passkeys: factors.passkeys,
        data_key: WrappedDataKey { state: DataKeyState::Account, ..transferred_user.data_key },
    }
}
