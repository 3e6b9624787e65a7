//! The writes of a decision: each change is one conditional write or one transaction, with at most one event.
//!
//! 1. A change has a guard: the put with the condition that covers what the decision relied on. The guard carries the event.
//! 2. Further writes join the guard in one transaction, each with a condition of its own.
//! 3. A failed condition is a conflict: load again and decide again.
//!
//! A versioned state carries the version that it *will* have. It is written only over the version before it (version 1: only if
//! nothing is stored). The constructors of changes are in [`super::verbs`]; each one sets an event or none.

mod live;

use super::account::WrappedDataKey;
use super::audit::EventKind;
use super::delivery::MailPurpose;
use super::erasure::DeletionRecord;
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::linked_identity::SubjectHash;
use super::mail_limit::Trigger;
use super::passkey::{ClaimedCredential, CredentialHash};
use super::record::{FromRecord, Keyed, Record, Versioned};
use super::time::Timestamp;

/// The writes of a decision, and the outcome to show after they succeed.
#[derive(Debug, Clone)]
#[must_use = "commit the changes before the outcome is shown"]
pub struct Decision<O> {
    /// Committed first.
    pub changes: Changes,
    /// Shown afterwards.
    pub outcome: O,
}

impl<O> Decision<O> {
    /// An outcome that changes nothing.
    pub fn unchanged(outcome: O) -> Self {
        Self { changes: Changes::default(), outcome }
    }
    /// One change and its outcome.
    pub fn one(change: Change, outcome: O) -> Self {
        Self { changes: Changes::one(change), outcome }
    }
}

/// Changes in commit order. Each change is atomic on its own (one conditional write or one transaction). The next one starts only
/// after it has succeeded.
#[derive(Debug, Clone, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// One change.
    pub fn one(change: Change) -> Self {
        Self(vec![change])
    }
    /// Appends a change.
    pub fn then(mut self, change: Change) -> Self {
        self.0.push(change);
        self
    }
    /// Inserts a change after the first one: it is written only if the first one was.
    pub fn second(mut self, change: Change) -> Self {
        self.0.insert(self.0.len().min(1), change);
        self
    }
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One change: its event, if it has one, and its writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    event: Option<EventDraft>,
    write: Write,
}

/// The writes of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// One conditional put.
    One(Put),
    /// All or none, in one transaction.
    All {
        /// The first put: it carries the event.
        guard: Put,
        /// The others, in order; at least one.
        rest: Vec<Step>,
    },
    /// Increments a counter that is below its limit. It has no event, and is never part of a transaction.
    Count(Counter),
}

/// A write of a transaction after the guard.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Writes a record.
    Put(Put),
    /// Removes a record.
    Remove(Remove),
    /// Writes nothing, but the transaction depends on this condition.
    Check {
        /// The record.
        key: RecordKey,
        /// What must be true of it.
        expect: KeyExpect,
    },
}

/// A record to write, and the precondition of the write.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub(super) record: Record,
    pub(super) expect: Expect,
}

/// The precondition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The version before the record's own; nothing is stored before version 1.
    Before(u64),
    /// Nothing.
    Absent,
    /// The pending data key with the same wrapped bytes. These are written once.
    PendingKey,
    /// Nothing, or an item of this account. The guard of the transaction orders the account's writes.
    OwnedOrAbsent(AccountId),
    /// A record of this account.
    OwnedBy(AccountId),
}

/// A record to remove, and the precondition of the removal.
#[derive(Debug, Clone, PartialEq)]
pub struct Remove {
    /// The record.
    pub key: RecordKey,
    /// What must be true of it.
    pub expect: KeyExpect,
}

/// A record by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKey {
    /// The account itself.
    Account(AccountId),
    /// Its password.
    Password(AccountId),
    /// The claim of an identifier.
    Identifier(IdentifierHash),
    /// The claim of a subject of another identity provider.
    FederatedSubject(SubjectHash),
    /// An account's identity at another identity provider.
    LinkedIdentity(AccountId, SubjectHash),
    /// The claim of a credential id.
    CredentialClaim(CredentialHash),
    /// The failures of an identifier without an account.
    UnknownFailures(IdentifierHash),
    /// The erasure of an account that is due at this time.
    DueErasure(AccountId, Timestamp),
    /// The record of a deletion request, or of a restoration, of the UTC day of this time.
    DeletionRecord(AccountId, Timestamp),
}

/// What must be true of a record under a given key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyExpect {
    /// It is stored.
    Present,
    /// It is not stored.
    Absent,
    /// It is stored in this version.
    Version(u64),
    /// It is stored and belongs to this account.
    OwnedBy(AccountId),
    /// It is not stored, or belongs to this account.
    OwnedOrAbsent(AccountId),
}

/// An increment of a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The counter.
    pub key: CounterKey,
    /// The time. Its UTC day is part of the counter's key, for a source its ten minutes.
    pub at: Timestamp,
    /// The limit.
    pub limit: u32,
}

/// The counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterKey {
    /// Registrations of an identifier with a code of 6 digits.
    ShortCodes(IdentifierHash),
    /// Mails of a purpose to an identifier that a trigger causes.
    MailStarts(MailPurpose, IdentifierHash, Trigger),
    /// Failures or mails of a source, by the hash of the source and the kind of event.
    Source([u8; 32]),
}

/// An event as a decision describes it. The store adds id, time, request id and address hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// The kind of the event.
    pub kind: EventKind,
    /// The subject of the event.
    pub subject: Subject,
    /// Whether it is a sign-in on a device that the account did not know.
    pub is_new_device: bool,
}

/// The ids in an event. Each constructor lists them. They are not derived from the record: the event of a flow must not name its
/// account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The account, if known.
    pub account: Option<AccountId>,
    /// The flow.
    pub flow: Option<FlowId>,
    /// The client.
    pub client: Option<ClientId>,
}

impl Subject {
    /// Only an account.
    pub(super) fn account(account: AccountId) -> Self {
        Self { account: Some(account), ..Self::default() }
    }
}

/// Number of grants that one transaction ends (DynamoDB allows 100 items). Further grants are ended before it, in their own
/// transactions.
pub const MAX_ENDED_GRANTS: usize = 99;

impl Change {
    /// A change that is audited: the guard carries the event.
    pub(super) fn audited(kind: EventKind, subject: Subject, guard: Put) -> Self {
        Self { event: Some(EventDraft { kind, subject, is_new_device: false }), write: Write::One(guard) }
    }
    /// The same change, by a sign-in on a device that the account did not know.
    pub(super) fn on_new_device(self) -> Self {
        Self { event: self.event.map(|event| EventDraft { is_new_device: true, ..event }), ..self }
    }
    /// A change without an event: it is not part of the audit trail.
    pub(super) fn unaudited(guard: Put) -> Self {
        Self { event: None, write: Write::One(guard) }
    }
    /// Increments a counter.
    pub(super) fn count(counter: Counter) -> Self {
        Self { event: None, write: Write::Count(counter) }
    }
    /// Adds a put to the transaction.
    pub(super) fn and(self, put: Put) -> Self {
        self.with_step(Step::Put(put))
    }
    /// Adds puts to the transaction.
    pub(super) fn and_all(self, puts: impl IntoIterator<Item = Put>) -> Self {
        puts.into_iter().fold(self, Self::and)
    }
    /// Adds a removal to the transaction.
    pub(super) fn and_remove(self, remove: Remove) -> Self {
        self.with_step(Step::Remove(remove))
    }
    /// Adds a condition on a record that is not written to the transaction.
    pub(crate) fn and_check(self, key: RecordKey, expect: KeyExpect) -> Self {
        self.with_step(Step::Check { key, expect })
    }
    fn with_step(self, step: Step) -> Self {
        let write = match self.write {
            Write::One(guard) => Write::All { guard, rest: vec![step] },
            Write::All { guard, mut rest } => {
                rest.push(step);
                Write::All { guard, rest }
            }
            // Only the constructors in `verbs` reach this point, and the golden test calls each of them.
            #[expect(clippy::panic, reason = "a counter is never part of a transaction: a defect of the constructor")]
            Write::Count(counter) => panic!("{counter:?} is never part of a transaction"),
        };
        Self { write, ..self }
    }

    /// The event of this change.
    #[must_use]
    pub fn event(&self) -> Option<&EventDraft> {
        self.event.as_ref()
    }
    /// Its writes.
    #[must_use]
    pub fn write(&self) -> &Write {
        &self.write
    }
    /// Its puts, the guard first.
    pub fn puts(&self) -> impl Iterator<Item = &Put> {
        let (guard, rest): (Option<&Put>, &[Step]) = match &self.write {
            Write::One(put) => (Some(put), &[]),
            Write::All { guard, rest } => (Some(guard), rest),
            Write::Count(_) => (None, &[]),
        };
        let rest = rest.iter().filter_map(|step| match step {
            Step::Put(put) => Some(put),
            Step::Remove(_) | Step::Check { .. } => None,
        });
        guard.into_iter().chain(rest)
    }
    /// The written records of this type, in order.
    pub fn written<R: FromRecord + 'static>(&self) -> impl Iterator<Item = &R> {
        self.puts().filter_map(|put| R::from_record(&put.record))
    }
}

impl Put {
    /// The next version of a state: written over the version before it.
    pub(super) fn next(state: impl Versioned) -> Self {
        Self { expect: Expect::Before(state.version()), record: state.into() }
    }
    /// A new record: nothing may be stored under its key.
    pub(super) fn new(record: impl Into<Record>) -> Self {
        Self { record: record.into(), expect: Expect::Absent }
    }
    /// A record of an account's own deletion request or restoration.
    pub(super) fn own(record: DeletionRecord) -> Self {
        Self { expect: Expect::OwnedOrAbsent(record.account), record: record.into() }
    }
    /// The claim of a credential id that the account has, or had until now.
    pub(super) fn claim(claim: Keyed<CredentialHash, ClaimedCredential>) -> Self {
        Self { expect: Expect::OwnedOrAbsent(claim.state.account), record: claim.into() }
    }
    /// A data key of a pending registration that becomes the account's.
    pub(super) fn pending_key(key: WrappedDataKey) -> Self {
        Self { record: key.into(), expect: Expect::PendingKey }
    }
    /// A claim that another account has: it is taken from this account.
    pub(super) fn taken_from(account: AccountId, record: impl Into<Record>) -> Self {
        Self { record: record.into(), expect: Expect::OwnedBy(account) }
    }
    /// The record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// The precondition.
    #[must_use]
    pub fn expect(&self) -> Expect {
        self.expect
    }
}

#[cfg(test)]
pub(crate) mod tests;
