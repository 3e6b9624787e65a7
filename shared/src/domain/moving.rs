//! People who move from one Latchkey to another, or back, with everything that is theirs (docs/people-file.md).
//!
//! 1. Unlike who comes from elsewhere, they keep the number that applications know them by, and the account's inner one: whoever is here
//!    already is found by its key, and nobody is here twice.
//! 2. Their identities elsewhere come along as sentinels, so that no former directory brings them over again.
//! 3. Who was erased here does not come back by a file (security 111).

mod decisions;

pub use decisions::{Moved, Mover, MovingConsent, MovingPassword, Standing, settle};

use super::account::{Authentication, WrappedDataKey};
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::linked_identity::LinkedIdentity;
use super::profile::Profile;

/// The most identities elsewhere that one person brings.
pub const MAX_IDENTITIES: usize = 10;
/// The most consents that one person brings: with all identities, one transaction takes them (DynamoDB: 100 items).
pub const MAX_CONSENTS: usize = 70;

/// Everything that an account that moved is made of: each item new.
#[derive(Debug, Clone)]
pub struct MovedAccount {
    /// Version 1; its identifier is claimed by absence.
    pub authentication: Authentication,
    /// Version 1, where there is one.
    pub password: Option<PasswordCredential>,
    /// Version 1.
    pub profile: Profile,
    /// Identities elsewhere: each sentinel is claimed by absence.
    pub links: Vec<LinkedIdentity>,
    /// What was accepted, if anything.
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

    fn mover() -> Mover {
        let account = AccountId::from_bytes([1; 16]);
        Mover {
            account,
            sub: Sub::from_bytes([3; 16]),
            disabled_since: None,
            created_at: BEFORE,
            roles: serde_json::from_str(r#"["gold"]"#).unwrap(),
            legal_hold: Some(BEFORE),
            identifier: IdentifierHash { key_version: 1, hash: [2; 32] },
            claims: Sealed(vec![4]),
            updated_at: BEFORE,
            password: MovingPassword::Hash(PasswordHash::from_phc("hash".to_owned()), BEFORE),
            identities: vec![(SubjectHash(IdentifierHash { key_version: 1, hash: [5; 32] }), Sealed(vec![6]), BEFORE)],
            terms: vec![AcceptedTerms { document: "terms".to_owned(), version: "1".to_owned(), accepted_at: BEFORE }],
            consents: vec![MovingConsent {
                client_id: "shop".parse().unwrap(),
                scope: "openid".parse().unwrap(),
                granted_at: BEFORE,
                withdrawn_at: Some(NOW),
            }],
            data_key: WrappedDataKey { account, wrapped: vec![7], keyring_version: 1, state: DataKeyState::Account },
        }
    }

    /// security 111: an erased person stays erased, by whatever is left of them; and one account is here once.
    #[test]
    fn who_moves_is_new_by_account_subject_sub_and_address_or_stays_away() {
        let at = |account| ClaimedSubject { account, at: NOW };
        let (own, other) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([78; 16]));
        let erased = Some(AccountStatus::Erased { at: NOW });
        let new = Standing::default;
        for (standing, outcome) in [
            (new(), Moved::Here),
            (Standing { owner: Some(other), ..new() }, Moved::AddressTaken),
            (Standing { sub_of: Some(other), ..new() }, Moved::SubTaken),
            (Standing { account: Some(AccountStatus::Active), owner: Some(own), ..new() }, Moved::AlreadyHere),
            (Standing { account: Some(AccountStatus::Active), owner: Some(other), ..new() }, Moved::AlreadyHere),
            (Standing { subjects: vec![at(Some(other))], ..new() }, Moved::AlreadyHere),
            (
                Standing { subjects: vec![at(Some(own)), at(None)], account: Some(AccountStatus::Active), ..new() },
                Moved::Erased,
            ),
            (Standing { account: erased, ..new() }, Moved::Erased),
            (Standing { is_buried: true, ..new() }, Moved::Erased),
            (Standing { is_buried: true, owner: Some(other), ..new() }, Moved::Erased),
        ] {
            let decision = settle(mover(), &standing);
            assert_eq!((decision.outcome, decision.changes.is_empty()), (outcome, outcome != Moved::Here), "{standing:?}");
        }
    }

    #[test]
    fn everything_comes_as_it_was_and_nothing_else() {
        let made = |mover| settle(mover, &Standing::default()).changes.only(Change::move_account);
        let account = made(mover());
        let state = &account.authentication;
        assert_eq!((state.account, state.sub, state.created_at), (mover().account, mover().sub, BEFORE));
        assert_eq!((state.status, state.legal_hold, state.epoch, state.version), (AccountStatus::Active, Some(BEFORE), 1, 1));
        assert_eq!(account.password.map(|password| (password.changed_at, password.version)), Some((BEFORE, 1)));
        assert_eq!(state.epoch_began_at, Some(BEFORE), "what was signed in elsewhere before that password opens nothing");
        assert_eq!((account.links.len(), account.links[0].linked_at, account.terms), (1, BEFORE, mover().terms));
        let consent = &account.consents[0];
        assert_eq!((consent.granted_at, consent.withdrawn_at, consent.version), (BEFORE, Some(NOW), 1));

        let closed = made(Mover { disabled_since: Some(BEFORE), password: MovingPassword::StaysThere, ..mover() });
        assert_eq!(closed.authentication.status, AccountStatus::Disabled { since: BEFORE });
        assert!(closed.password.is_none() && closed.authentication.password_home == PasswordHome::Directory);
        let bare = made(Mover { password: MovingPassword::None, ..mover() });
        assert!(bare.password.is_none() && bare.authentication.password_home == PasswordHome::Here);
    }
}
