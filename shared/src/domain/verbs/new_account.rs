//! New accounts: all items of an account in one transaction.

use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::consent::AcceptedTerms;
use crate::domain::credential::PasswordCredential;
use crate::domain::flow::Flow;
use crate::domain::id::{AccountId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::legacy_directory::ImportedAccount;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::passkey::{ClaimedCredential, Passkey};
use crate::domain::profile::Profile;
use crate::domain::record::{ClaimedIdentifier, Keyed, Terms};
use crate::domain::time::Timestamp;
use crate::domain::totp::TotpCredential;
use crate::domain::transfer::TransferredAccount;

/// The items of a new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Claimed by absence: uniqueness.
    pub identifier: IdentifierHash,
    /// Version 1.
    pub authentication: AccountState,
    /// Version 1, if the user chose one.
    pub password: Option<PasswordCredential>,
    /// Version 1, if the user created one. Its credential id is claimed by absence too.
    pub passkey: Option<Passkey>,
    /// Version 1.
    pub profile: Profile,
    /// The terms accepted at registration.
    pub terms: Vec<AcceptedTerms>,
    /// Their legacy identity, if the legacy directory knows them. Its sentinel is claimed by absence too.
    pub link: Option<LinkedIdentity>,
    /// The completed flow.
    pub flow: Flow,
    /// The data key: the pending key becomes the account's, and its TTL is removed.
    pub data_key: WrappedDataKey,
}

impl Change {
    /// A registration was proven: seven items in one transaction (one more with a passkey in place of a password), nine with a legacy identity, ten
    /// if its `sub` is kept. Each item has a uniqueness or
    /// version condition. Two users with one address, two proofs of one flow, or a data key of another registration make the
    /// whole transaction fail.
    pub fn create_account(new: NewAccount) -> Self {
        let account = new.authentication.account;
        let subject = Subject { account: Some(account), flow: Some(new.flow.id), client: Some(new.flow.client_id.clone()) };
        let kept_sub = claim_imported_sub(&new.authentication);
        Self::audited(EventKind::AccountCreated, subject, Put::next(new.authentication))
            .and(claim_identifier(new.identifier, account))
            .and_all(new.password.map(Put::next))
            .and(Put::next(new.profile))
            .and(accept_terms(account, new.terms))
            .and(Put::next(new.flow))
            .and(Put::pending_key(new.data_key))
            .and_all(new.link.into_iter().flat_map(|link| claim_and_link(account, link)))
            .and_all(kept_sub)
            .and_all(new.passkey.into_iter().flat_map(claim_passkey))
    }
    /// A user is imported from a legacy directory: identifier and subject are claimed, account, profile and link are new, the
    /// data key is new or its flow's, and the flow is completed. Two accounts with the same address, the same subject or the
    /// same `sub` are impossible.
    pub fn import_account(new: ImportedAccount) -> Self {
        let account = new.authentication.account;
        let flow = new.flow.as_ref();
        let subject =
            Subject { account: Some(account), flow: flow.map(|flow| flow.id), client: flow.map(|flow| flow.client_id.clone()) };
        let data_key = if new.flow.is_some() { Put::pending_key(new.data_key) } else { Put::new(new.data_key) };
        let identifier = new.authentication.identifier;
        let kept_sub = claim_imported_sub(&new.authentication);
        Self::audited(EventKind::AccountImported, subject, Put::next(new.authentication))
            .and(claim_identifier(identifier, account))
            .and(Put::next(new.profile))
            .and(data_key)
            .and_all(claim_and_link(account, new.link))
            .and_all(new.flow.map(Put::next))
            .and_all(new.password.map(Put::next))
            .and_all(kept_sub)
            .and_all(new.totp.map(Put::next))
    }
    /// An imported account gets what an earlier import left empty. It has no event of its own: the user was imported before.
    pub fn complete_import(
        state: AccountState,
        password: Option<PasswordCredential>,
        profile: Option<Profile>,
        totp: Option<TotpCredential>,
    ) -> Self {
        let change = Self::unaudited(Put::next(state)).and_all(password.map(Put::next)).and_all(profile.map(Put::next));
        change.and_all(totp.map(Put::next))
    }
    /// A user is transferred from another Latchkey. Every item is claimed by absence: a user who already has an account here,
    /// under any of its keys, is not transferred again.
    pub fn move_account(new: TransferredAccount) -> Self {
        let account = new.authentication.account;
        let identifier = new.authentication.identifier;
        let accepted = (!new.terms.is_empty()).then(|| accept_terms(account, new.terms));
        // Also a `sub` that was made by the other Latchkey: two files, or two lines, may have it under two account ids.
        let sub = claim_sub(new.authentication.sub, new.authentication.created_at);
        Self::audited(EventKind::AccountImported, Subject::account(account), Put::next(new.authentication))
            .and(claim_identifier(identifier, account))
            .and(Put::next(new.profile))
            .and(Put::new(new.data_key))
            .and_all(new.links.into_iter().flat_map(|link| claim_and_link(account, link)))
            .and_all(accepted)
            .and_all(new.consents.into_iter().map(Put::next))
            .and_all(new.password.map(Put::next))
            .and(sub)
            .and_all(new.totp.map(Put::next))
            .and_all(new.recovery_codes.map(Put::next))
            .and_all(new.passkeys.into_iter().flat_map(claim_passkey))
    }
}

fn claim_identifier(identifier: IdentifierHash, account: AccountId) -> Put {
    Put::new(Keyed { key: identifier, state: ClaimedIdentifier { account } })
}

/// The claim of an imported `sub`. One that was made here is random, so only a claim of it could exist.
fn claim_imported_sub(state: &AccountState) -> Option<Put> {
    state.sub.is_imported().then(|| claim_sub(state.sub, state.created_at))
}

fn claim_sub(sub: Sub, at: Timestamp) -> Put {
    Put::new(Keyed { key: SubjectHash::of_sub(sub), state: ClaimedSubject { account: None, at } })
}

fn accept_terms(account: AccountId, accepted: Vec<AcceptedTerms>) -> Put {
    Put::new(Keyed { key: account, state: Terms { accepted, version: 1 } })
}

/// The claim of a credential id, and its passkey: an id belongs to one account.
fn claim_passkey(passkey: Passkey) -> [Put; 2] {
    let claim = Keyed { key: passkey.hash(), state: ClaimedCredential { account: passkey.account, expires_at: None } };
    [Put::new(claim), Put::next(passkey)]
}

/// The claim of a subject, and the link to it.
fn claim_and_link(account: AccountId, link: LinkedIdentity) -> [Put; 2] {
    let claimed = ClaimedSubject { account: Some(account), at: link.linked_at };
    [Put::new(Keyed { key: link.subject, state: claimed }), Put::new(link)]
}
