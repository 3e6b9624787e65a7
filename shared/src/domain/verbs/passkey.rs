//! Changes of passkeys.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::passkey::{ClaimedCredential, Passkey, REMOVED_KEPT};
use crate::domain::record::Keyed;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::session::Session;

impl Change {
    /// A passkey is added, and its credential id claimed: an id belongs to one account. The presented session keeps its account if the other
    /// ones end.
    pub fn add_passkey(authentication: AccountState, passkey: Passkey, session: Option<Session>) -> Self {
        let account = authentication.account;
        let claim = Keyed { key: passkey.hash(), state: ClaimedCredential { account, expires_at: None } };
        Self::audited(EventKind::PasskeyAdded, Subject::account(account), Put::next(authentication))
            .and(Put::next(passkey))
            .and(Put::new(claim))
            .and_all(session.map(Put::next))
    }
    /// A passkey is removed. Its credential id stays claimed as long as the removed passkey is kept: an undo can put it back. The epoch is
    /// raised, and the presented session gets the new one.
    pub fn remove_passkey(
        authentication: AccountState,
        passkey: Passkey,
        codes: Option<RecoveryCodes>,
        session: Option<Session>,
    ) -> Self {
        let account = authentication.account;
        let claim = claim_of(&passkey);
        Self::audited(EventKind::PasskeyRemoved, Subject::account(account), Put::next(authentication))
            .and(Put::next(passkey))
            .and(claim)
            .and_all(codes.map(Put::next))
            .and_all(session.map(Put::next))
    }
    /// A passkey gets another name. No event: nothing changes in how the account is opened.
    pub fn rename_passkey(passkey: Passkey) -> Self {
        Self::unaudited(Put::next(passkey))
    }
    /// A passkey was used. No event: the session that opens has it.
    pub fn use_passkey(passkey: Passkey) -> Self {
        Self::unaudited(Put::next(passkey))
    }
    /// A passkey was used, and the account changes with it: its windows are reset, or its device becomes known. One transaction: a challenge is
    /// never used up without the sign-in. No event, as in [`Self::use_passkey`].
    pub fn record_passkey_sign_in(authentication: AccountState, passkey: Passkey) -> Self {
        Self::unaudited(Put::next(authentication)).and(Put::next(passkey))
    }
    /// A passkey was refused since its counter did not rise: it may have been copied (WebAuthn 3 §6.1.1).
    pub fn refuse_passkey(passkey: Passkey) -> Self {
        Self::audited(EventKind::PasskeyRefused, Subject::account(passkey.account), Put::next(passkey))
    }
}

/// The claim of the credential id of a passkey that the account has, or had until now.
pub(super) fn claim_of(passkey: &Passkey) -> Put {
    let expires_at = passkey.removed_at.map(|removed_at| removed_at + REMOVED_KEPT);
    Put::claim(Keyed { key: passkey.hash(), state: ClaimedCredential { account: passkey.account, expires_at } })
}
