//! Transfer of accounts from one Latchkey to another, or back, with all their data (docs/people-file.md).
//!
//! 1. Unlike an imported user, a transferred account keeps the `sub` that applications know, and its internal account id: an
//!    account that exists here is found by its key, and no account is transferred twice.
//! 2. Linked identities are transferred as sentinels, so that no legacy directory imports the user again.
//! 3. A user erased here does not come back with a transfer file (security 111).

mod decisions;

pub use decisions::{
    ExistingState, TransferOutcome, TransferredConsent, TransferredPassword, TransferredUser, resolve_conflicts,
};

use super::account::{AccountState, WrappedDataKey};
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::linked_identity::LinkedIdentity;
use super::profile::Profile;

/// The most linked identities of one transferred account.
pub const MAX_IDENTITIES: usize = 10;
/// The most consents of one transferred account. Together with all identities they fit one transaction (DynamoDB: 100 items).
pub const MAX_CONSENTS: usize = 70;

/// All items of a transferred account: each is new.
#[derive(Debug, Clone)]
pub struct TransferredAccount {
    /// Version 1; its identifier is claimed by absence.
    pub authentication: AccountState,
    /// Version 1, if there is a password.
    pub password: Option<PasswordCredential>,
    /// Version 1.
    pub profile: Profile,
    /// Linked identities: each sentinel is claimed by absence.
    pub links: Vec<LinkedIdentity>,
    /// Accepted terms, if any.
    pub terms: Vec<AcceptedTerms>,
    /// Version 1 each.
    pub consents: Vec<Consent>,
    /// Absent before.
    pub data_key: WrappedDataKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountStatus;
    use crate::domain::account::DataKeyState;
    use crate::domain::account::PasswordHome;
    use crate::domain::account::Sealed;
    use crate::domain::change::Change;
    use crate::domain::id::AccountId;
    use crate::domain::id::Sub;
    use crate::domain::identifier::IdentifierHash;
    use crate::domain::linked_identity::{ClaimedSubject, SubjectHash};
    use crate::domain::secret::PasswordHash;
    use crate::domain::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(2_000_000);
    const BEFORE: Timestamp = Timestamp::from_seconds(1_000_000);

    fn transferred_user() -> TransferredUser {
        let account = AccountId::from_bytes([1; 16]);
        TransferredUser {
            account,
            sub: Sub::from_bytes([3; 16]),
            disabled_since: None,
            created_at: BEFORE,
            roles: serde_json::from_str(r#"["gold"]"#).unwrap(),
            legal_hold: Some(BEFORE),
            identifier: IdentifierHash { key_version: 1, hash: [2; 32] },
            claims: Sealed(vec![4]),
            updated_at: BEFORE,
            password: TransferredPassword::Hash(PasswordHash::from_phc("hash".to_owned()), BEFORE),
            identities: vec![(SubjectHash(IdentifierHash { key_version: 1, hash: [5; 32] }), Sealed(vec![6]), BEFORE)],
            terms: vec![AcceptedTerms::of_earlier_release("terms", "1", BEFORE)],
            consents: vec![TransferredConsent {
                client_id: "shop".parse().unwrap(),
                scope: "openid".parse().unwrap(),
                granted_at: BEFORE,
                withdrawn_at: Some(NOW),
            }],
            data_key: WrappedDataKey { account, wrapped: vec![7], keyring_version: 1, state: DataKeyState::Account },
        }
    }

    /// security 111: an erased user stays erased, whichever trace of the account is left. An account exists at most once.
    #[test]
    fn a_transfer_needs_an_unused_account_id_subject_sub_and_address() {
        let at = |account| ClaimedSubject { account, at: NOW };
        let (own, other) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([78; 16]));
        let erased = Some(AccountStatus::Erased { at: NOW });
        let new = ExistingState::default;
        for (standing, outcome) in [
            (new(), TransferOutcome::Here),
            (ExistingState { owner: Some(other), ..new() }, TransferOutcome::AddressTaken),
            (ExistingState { sub_owner: Some(other), ..new() }, TransferOutcome::SubTaken),
            (ExistingState { is_sub_claimed: true, ..new() }, TransferOutcome::SubTaken),
            (ExistingState { account: Some(AccountStatus::Active), owner: Some(own), ..new() }, TransferOutcome::AlreadyHere),
            (ExistingState { account: Some(AccountStatus::Active), owner: Some(other), ..new() }, TransferOutcome::AlreadyHere),
            (ExistingState { subjects: vec![at(Some(other))], ..new() }, TransferOutcome::AlreadyHere),
            (
                ExistingState { subjects: vec![at(Some(own)), at(None)], account: Some(AccountStatus::Active), ..new() },
                TransferOutcome::Erased,
            ),
            (ExistingState { account: erased, ..new() }, TransferOutcome::Erased),
            (ExistingState { has_tombstone: true, ..new() }, TransferOutcome::Erased),
            (ExistingState { has_tombstone: true, owner: Some(other), ..new() }, TransferOutcome::Erased),
        ] {
            let decision = resolve_conflicts(transferred_user(), &standing);
            assert_eq!(
                (decision.outcome, decision.changes.is_empty()),
                (outcome, outcome != TransferOutcome::Here),
                "{standing:?}"
            );
        }
    }

    #[test]
    fn a_transfer_keeps_every_value_and_adds_nothing() {
        let made = |transferred_user| {
            resolve_conflicts(transferred_user, &ExistingState::default()).changes.only(Change::move_account)
        };
        let account = made(transferred_user());
        let state = &account.authentication;
        assert_eq!((state.account, state.sub, state.created_at), (transferred_user().account, transferred_user().sub, BEFORE));
        assert_eq!((state.status, state.legal_hold, state.epoch, state.version), (AccountStatus::Active, Some(BEFORE), 1, 1));
        assert_eq!(account.password.map(|password| (password.changed_at, password.version)), Some((BEFORE, 1)));
        assert_eq!(state.epoch_began_at, Some(BEFORE), "a sign-in at the legacy directory before that password opens nothing");
        assert_eq!((account.links.len(), account.links[0].linked_at, account.terms), (1, BEFORE, transferred_user().terms));
        let consent = &account.consents[0];
        assert_eq!((consent.granted_at, consent.withdrawn_at, consent.version), (BEFORE, Some(NOW), 1));

        let closed = made(TransferredUser {
            disabled_since: Some(BEFORE),
            password: TransferredPassword::StaysThere,
            ..transferred_user()
        });
        assert_eq!(closed.authentication.status, AccountStatus::Disabled { since: BEFORE });
        assert!(closed.password.is_none() && closed.authentication.password_home == PasswordHome::Directory);
        let bare = made(TransferredUser { password: TransferredPassword::None, ..transferred_user() });
        assert!(bare.password.is_none() && bare.authentication.password_home == PasswordHome::Here);
    }
}
