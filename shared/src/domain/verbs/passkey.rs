//! Changes of passkeys.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::passkey::{ClaimedCredential, Passkey};
use crate::domain::record::Keyed;
use crate::domain::session::Session;

impl Change {
    /// A passkey is added, and its credential id claimed: an id belongs to one account. The presented session keeps its account if the other
    /// ones end.
    pub fn add_passkey(authentication: AccountState, passkey: Passkey, session: Option<Session>) -> Self {
        let account = authentication.account;
        let claim = Keyed { key: passkey.hash(), state: ClaimedCredential { account } };
        Self::audited(EventKind::PasskeyAdded, Subject::account(account), Put::next(authentication))
            .and(Put::next(passkey))
            .and(Put::new(claim))
            .and_all(session.map(Put::next))
    }
    /// A passkey is removed, and its credential id freed. The epoch is raised, and the presented session gets the new one.
    pub fn remove_passkey(authentication: AccountState, passkey: Passkey, session: Option<Session>) -> Self {
        let account = authentication.account;
        let claim = Remove { key: RecordKey::CredentialClaim(passkey.hash()), expect: KeyExpect::OwnedBy(account) };
        Self::audited(EventKind::PasskeyRemoved, Subject::account(account), Put::next(authentication))
            .and(Put::next(passkey))
            .and_remove(claim)
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
    /// A passkey was refused since its counter did not rise: it may have been copied (WebAuthn 3 §6.1.1).
    pub fn refuse_passkey(passkey: Passkey) -> Self {
        Self::audited(EventKind::PasskeyRefused, Subject::account(passkey.account), Put::next(passkey))
    }
}
