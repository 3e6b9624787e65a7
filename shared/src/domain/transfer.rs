//! Transfer of accounts from one Latchkey to another, or back, with all their data (docs/people-file.md).
//!
//! 1. Unlike an imported user, a transferred account keeps the `sub` that applications know, and its internal account id: an
//!    account that exists here is found by its key, and no account is transferred twice.
//! 2. Linked identities are transferred as sentinels, so that no legacy directory imports the user again.
//! 3. A user erased here does not come back with a transfer file (security 111).
//! 4. Second factors are transferred with the account, in the same transaction: a protected account is protected here, or it is not
//!    transferred as such.

mod decisions;

mod factors;

pub use decisions::{
    ExistingState, TransferOutcome, TransferredConsent, TransferredPassword, TransferredUser, resolve_conflicts,
};
pub use factors::{TransferredCodes, TransferredFactors, TransferredPasskey, TransferredTotp};

use super::account::{AccountState, WrappedDataKey};
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::linked_identity::LinkedIdentity;
use super::passkey::Passkey;
use super::profile::Profile;
use super::recovery_codes::RecoveryCodes;
use super::totp::TotpCredential;

/// The most linked identities of one transferred account.
pub const MAX_IDENTITIES: usize = 10;
/// The most consents of one transferred account without passkeys: see [`max_consents`].
pub const MAX_CONSENTS: usize = 70;
/// Items of a transaction (DynamoDB: 100) that are left for linked identities, passkeys and consents: the other ones are the account, its
/// address, profile, data key, `sub`, terms, password, authenticator app and recovery codes.
const OTHER_ITEMS: usize = 91;

/// The most consents of one transferred account with these numbers of identities and passkeys. All fit one transaction; each identity and
/// each passkey takes two items.
#[must_use]
pub const fn max_consents(identities: usize, passkeys: usize) -> usize {
    let left = OTHER_ITEMS.saturating_sub(2 * identities + 2 * passkeys);
    if left < MAX_CONSENTS { left } else { MAX_CONSENTS }
}

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
    /// Version 1, if there is one.
    pub totp: Option<TotpCredential>,
    /// Version 1, if there are any.
    pub recovery_codes: Option<RecoveryCodes>,
    /// Version 1 each. Each credential id is claimed by absence.
    pub passkeys: Vec<Passkey>,
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
    use crate::domain::secret::{PasswordHash, hash_text};
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
            factors: TransferredFactors::default(),
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
            (ExistingState { is_passkey_claimed: true, ..new() }, TransferOutcome::PasskeyTaken),
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

    /// An account that exists gains nothing silently: the operator reads that it lacks the factors of the file.
    #[test]
    fn security_78_an_existing_account_without_the_factors_of_the_file_is_reported() {
        let codes = TransferredCodes { codes: vec![(hash_text("a"), false)], created_at: BEFORE, are_kept: false };
        let factors = TransferredFactors { protected: true, recovery_codes: Some(codes), ..TransferredFactors::default() };
        for (factors, is_protected, outcome) in [
            (factors.clone(), false, TransferOutcome::AlreadyHereUnprotected),
            (factors, true, TransferOutcome::AlreadyHere),
            (TransferredFactors::default(), false, TransferOutcome::AlreadyHere),
        ] {
            let existing = ExistingState { account: Some(AccountStatus::Active), is_protected, ..ExistingState::default() };
            let decision = resolve_conflicts(TransferredUser { factors, ..transferred_user() }, &existing);
            assert_eq!((decision.outcome, decision.changes.is_empty()), (outcome, true));
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
