//! What decisions want written: each change is one conditional write or one transaction, with at most one event.
//!
//! 1. A change has a guard: the put whose condition covers what the decision relied on. The guard carries the event.
//! 2. Further writes join the guard in one transaction, each with a condition of its own.
//! 3. A failed condition is a conflict: load again, decide again.
//!
//! A versioned state carries the version it will *have*: it is written only over the version before it (version 1: only where nothing
//! is stored). The constructors of changes are in [`super::verbs`]; each chooses between an event and none.

use super::account::WrappedDataKey;
use super::audit::EventKind;
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::record::{FromRecord, Record, Versioned};
use super::time::Timestamp;

/// What a decision wants written, and what it answers once that stands.
#[derive(Debug, Clone)]
#[must_use = "commit the changes before the outcome is shown"]
pub struct Decision<O> {
    /// To be committed first.
    pub changes: Changes,
    /// To be shown after.
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

/// Changes in the order in which they are committed. Each change is atomic by itself (one conditional write or one
/// transaction); a later one starts only once the earlier stands.
#[derive(Debug, Clone, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// One change.
    pub fn one(change: Change) -> Self {
        Self(vec![change])
    }
    /// These, then another.
    pub fn then(mut self, change: Change) -> Self {
        self.0.push(change);
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
    /// One more on a counter that is below its limit. It has no event, and is never part of a transaction.
    Count(Counter),
}

/// A write of a transaction after the guard.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Writes a record.
    Put(Put),
    /// Removes a record.
    Remove(Remove),
    /// Writes nothing: the transaction depends on this.
    Check {
        /// Which record.
        key: RecordKey,
        /// What must be true of it.
        expect: KeyExpect,
    },
}

/// A record to write, and what must be stored before.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub(super) record: Record,
    pub(super) expect: Expect,
}

/// What must be stored where a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The version before this one, which is the record's own; nothing before version 1.
    Before(u64),
    /// Nothing.
    Absent,
    /// The pending data key with the same wrapped bytes, which are written once.
    PendingKey,
}

/// A record to remove, and what must be stored before.
#[derive(Debug, Clone, PartialEq)]
pub struct Remove {
    /// Which record.
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
    /// The erasure of an account that is due at this time.
    DueErasure(AccountId, Timestamp),
}

/// What must be true of a record that is named by its key.
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
}

/// One more on a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Which counter.
    pub key: CounterKey,
    /// The time: its UTC day names the counter.
    pub at: Timestamp,
    /// The most that it counts.
    pub limit: u32,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterKey {
    /// Typed codes of an identifier.
    IdentifierTries(IdentifierHash),
}

/// An event as a decision names it; the store adds id, time, request id and address hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// What happened.
    pub kind: EventKind,
    /// What it is about.
    pub subject: Subject,
}

/// What an event names. It is written out in each constructor, not derived from a record: the event of a flow must not name its account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The account, where one is known.
    pub account: Option<AccountId>,
    /// The flow.
    pub flow: Option<FlowId>,
    /// The client.
    pub client: Option<ClientId>,
}

impl Subject {
    /// An account alone.
    pub(super) fn account(account: AccountId) -> Self {
        Self { account: Some(account), ..Self::default() }
    }
}

/// Grants that one transaction ends (DynamoDB takes 100 items). More than these are ended before it, by transactions of their own.
pub const MAX_ENDED_GRANTS: usize = 99;

impl Change {
    /// A change that is audited: the guard carries the event.
    pub(super) fn audited(kind: EventKind, subject: Subject, guard: Put) -> Self {
        Self { event: Some(EventDraft { kind, subject }), write: Write::One(guard) }
    }
    /// A change without an event: nothing happened that the audit trail tells.
    pub(super) fn unaudited(guard: Put) -> Self {
        Self { event: None, write: Write::One(guard) }
    }
    /// One more on a counter.
    pub(super) fn count(counter: Counter) -> Self {
        Self { event: None, write: Write::Count(counter) }
    }
    /// With another put, in one transaction.
    pub(super) fn and(self, put: Put) -> Self {
        self.with(Step::Put(put))
    }
    /// With these puts, in one transaction.
    pub(super) fn and_all(self, puts: impl IntoIterator<Item = Put>) -> Self {
        puts.into_iter().fold(self, Self::and)
    }
    /// With a removal, in one transaction.
    pub(super) fn and_remove(self, remove: Remove) -> Self {
        self.with(Step::Remove(remove))
    }
    fn with(self, step: Step) -> Self {
        let write = match self.write {
            Write::One(guard) => Write::All { guard, rest: vec![step] },
            Write::All { guard, mut rest } => {
                rest.push(step);
                Write::All { guard, rest }
            }
            // Only the constructors in `verbs` come here, and the test of the golden calls each of them.
            #[expect(clippy::panic, reason = "a counter is never part of a transaction: a defect of the constructor")]
            Write::Count(counter) => panic!("{counter:?} is never part of a transaction"),
        };
        Self { write, ..self }
    }

    /// The event that this change implies.
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
    /// The records of this type that it writes, in order.
    pub fn written<R: FromRecord + 'static>(&self) -> impl Iterator<Item = &R> {
        self.puts().filter_map(|put| R::from_record(&put.record))
    }
}

impl Put {
    /// The next version of a state: written over the version before it.
    pub(super) fn next(state: impl Versioned) -> Self {
        Self { expect: Expect::Before(state.version()), record: state.into() }
    }
    /// A record that is new: nothing may be stored under its key.
    pub(super) fn new(record: impl Into<Record>) -> Self {
        Self { record: record.into(), expect: Expect::Absent }
    }
    /// A data key that a pending registration has: it becomes the account's.
    pub(super) fn pending_key(key: WrappedDataKey) -> Self {
        Self { record: key.into(), expect: Expect::PendingKey }
    }
    /// The record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// What must be stored before.
    #[must_use]
    pub fn expect(&self) -> Expect {
        self.expect
    }
}

#[cfg(test)]
pub(crate) mod tests;
