//! People who move from one Latchkey to another, or back, with everything that is theirs (docs/people-file.md).
//!
//! 1. Unlike who comes from elsewhere, they keep the number that applications know them by, and the account's inner one: whoever is here
//!    already is found by its key, and nobody is here twice.
//! 2. Their identities elsewhere come along as sentinels, so that no former directory brings them over again.
//! 3. Who was erased here does not come back by a file (security 111).

use super::account::{AccountStatus, Authentication, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use super::authentication::FailureWindow;
use super::change::{Change, Decision};
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::directory::{ClaimedSubject, LinkedIdentity, SubjectHash};
use super::id::{AccountId, ClientId, Sub};
use super::identifier::IdentifierHash;
use super::oauth::scope::ScopeSet;
use super::profile::Profile;
use super::roles::Roles;
use super::secret::PasswordHash;
use super::time::Timestamp;

/// The most identities elsewhere that one person brings.
pub const MAX_IDENTITIES: usize = 10;
/// The most consents that one person brings: with all identities, one transaction takes them (DynamoDB: 100 items).
pub const MAX_CONSENTS: usize = 70;

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

#[cfg(test)]
mod tests {
    use super::*;

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
