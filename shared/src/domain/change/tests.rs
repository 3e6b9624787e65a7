//! Reads changes back in tests, and tests the guarantees of their types.

use super::*;
use crate::domain::consent::Consent;
use crate::domain::legacy_directory::ImportedAccount;
use crate::domain::linked_identity::LinkedIdentity;
use crate::domain::passkey::Passkey;
use crate::domain::record::{ClaimedIdentifier, Keyed, Terms};
use crate::domain::transfer::TransferredAccount;
use crate::domain::verbs::NewAccount;

/// A value that a constructor made a change from.
pub(crate) trait ReadBack: Sized + Clone {
    fn read_back(change: &Change) -> Option<Self>;
}

impl<R: FromRecord + Clone + 'static> ReadBack for R {
    fn read_back(change: &Change) -> Option<Self> {
        change.puts().next().and_then(|guard| R::from_record(&guard.record)).cloned()
    }
}

fn first<R: FromRecord + Clone + 'static>(change: &Change) -> Option<R> {
    change.written().next().cloned()
}

impl ReadBack for NewAccount {
    fn read_back(change: &Change) -> Option<Self> {
        Some(Self {
            identifier: first::<Keyed<IdentifierHash, ClaimedIdentifier>>(change)?.key,
            authentication: first(change)?,
            password: first(change),
            passkey: first(change),
            profile: first(change)?,
            terms: first::<Keyed<AccountId, Terms>>(change)?.state.accepted,
            link: first(change),
            flow: first(change)?,
            data_key: first(change)?,
        })
    }
}

impl ReadBack for ImportedAccount {
    fn read_back(change: &Change) -> Option<Self> {
        Some(Self {
            authentication: first(change)?,
            password: first(change),
            totp: first(change),
            profile: first(change)?,
            link: first(change)?,
            data_key: first(change)?,
            flow: first(change),
        })
    }
}

impl ReadBack for TransferredAccount {
    fn read_back(change: &Change) -> Option<Self> {
        let terms = first::<Keyed<AccountId, Terms>>(change).map(|terms| terms.state.accepted);
        Some(Self {
            authentication: first(change)?,
            password: first(change),
            profile: first(change)?,
            links: change.written::<LinkedIdentity>().cloned().collect(),
            terms: terms.unwrap_or_default(),
            consents: change.written::<Consent>().cloned().collect(),
            totp: first(change),
            recovery_codes: first(change),
            passkeys: change.written::<Passkey>().cloned().collect(),
            data_key: first(change)?,
        })
    }
}

impl Change {
    /// Whether this equals what the constructor makes.
    pub(crate) fn is<R: ReadBack>(&self, make: fn(R) -> Self) -> bool {
        R::read_back(self).is_some_and(|made_of| make(made_of) == *self)
    }
    /// The value from which the constructor makes exactly this change.
    pub(crate) fn made_by<R: ReadBack>(&self, make: fn(R) -> Self) -> R {
        assert!(self.is(make), "another change: {self:?}");
        R::read_back(self).expect("the same value as before")
    }
    /// The first record of this type.
    pub(crate) fn first<R: FromRecord + Clone + 'static>(&self) -> R {
        first(self).unwrap_or_else(|| panic!("no such record: {self:?}"))
    }
}

impl Changes {
    /// The value from which a constructor made the only change.
    pub(crate) fn only<R: ReadBack>(&self, make: fn(R) -> Change) -> R {
        let [change] = self.all();
        change.made_by(make)
    }
    /// The changes; there must be exactly this many.
    pub(crate) fn all<const N: usize>(&self) -> &[Change; N] {
        self.0.as_slice().try_into().unwrap_or_else(|_| panic!("not {N} changes: {:?}", self.0))
    }
}

#[test]
fn an_event_needs_a_guard_and_a_counter_has_no_event_and_no_further_write() {
    use crate::domain::oauth::fixture::session;
    let opened = Change::open_session(session());
    assert_eq!(opened.event().map(|event| event.kind), Some(EventKind::SignedIn));
    assert!(matches!(opened.write(), Write::One(put) if put.expect() == Expect::Before(session().version)));
    assert!(matches!(opened.clone().and_all([]).write(), Write::One(_)), "a single write needs no transaction");
    let account = session().account;
    let both = opened.and_check(RecordKey::Account(account), KeyExpect::Present);
    assert!(matches!(both.write(), Write::All { rest, .. } if rest.len() == 1) && both.puts().count() == 1);
    let counted = Change::count_source([9; 32], 1, Timestamp::from_seconds(1));
    assert!(counted.event().is_none() && counted.puts().next().is_none());
    let joined = std::panic::catch_unwind(|| counted.and_check(RecordKey::Account(account), KeyExpect::Present));
    assert!(joined.is_err(), "a counter is never part of a transaction");
}
