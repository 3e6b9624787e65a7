//! Translates changes to conditional writes: items, conditions, stamps. It is pure, so its tests need no store.

use super::StoreError;
use super::audit::ulid;
use super::condition::Condition;
use super::failure::refused;
use super::item::{self, Item, ItemKind, KIND, OP, TTL, VERSION, attach};
use super::key::{ItemKey, ItemRef};
use super::records::{named, stored};
use crate::context::RequestContext;
use crate::digest::sha256;
use crate::domain::audit::Event;
use crate::domain::change::{self, Change, Counter, CounterKey, EventDraft, Expect, KeyExpect, RecordKey, Step, Subject};
use crate::domain::id::TenantId;
use crate::domain::record::Record;
use crate::domain::source::{WINDOW, window_of};
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use std::collections::{HashMap, HashSet};

/// The write of one change.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// One conditional put.
    Put(Box<Put>),
    /// One conditional removal.
    Delete(Box<Delete>),
    /// All or none. The token makes it one transaction, however often it is sent.
    Transaction { writes: Vec<Write>, token: String },
    /// An increment of a counter that is below its limit.
    Count(Box<Count>),
}

/// A whole item and the condition of its write.
#[derive(Debug, Clone)]
pub(super) struct Put {
    pub(super) key: ItemKey,
    pub(super) item: Item,
    pub(super) condition: Condition,
}

/// The removal of an item, and its condition.
#[derive(Debug, Clone)]
pub(super) struct Delete {
    pub(super) key: ItemKey,
    pub(super) condition: Condition,
}

/// An item that a transaction depends on but does not write.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) key: ItemKey,
    pub(super) condition: Condition,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Put(Put),
    Delete(Delete),
    Check(Check),
}

impl Write {
    pub(super) fn key(&self) -> &ItemKey {
        match self {
            Self::Put(put) => &put.key,
            Self::Delete(delete) => &delete.key,
            Self::Check(check) => &check.key,
        }
    }
    /// The version that it writes, as text. Empty for a state without versions, a removal or a check.
    fn version(&self) -> &str {
        match self {
            Self::Put(put) => version_of(&put.item),
            Self::Delete(_) | Self::Check(_) => "",
        }
    }
    /// Whether the stored item was written by this very write. A removal or a check leaves no trace.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        match self {
            Self::Put(put) => put.is_applied(standing),
            Self::Delete(_) | Self::Check(_) => false,
        }
    }
}

/// A counter.
#[derive(Debug, Clone)]
pub(super) struct Count {
    pub(super) kind: ItemKind,
    pub(super) key: ItemKey,
    pub(super) limit: u32,
    pub(super) ttl: AttributeValue,
    pub(super) op: String,
}

impl Put {
    /// Whether the stored item was written by this very write: it was applied, and its reply was lost. The version is compared
    /// too, so that a second write of the same request to the same item is not taken for the first.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        standing.contains_key(OP) && [OP, VERSION].iter().all(|name| standing.get(*name) == self.item.get(*name))
    }
}

/// The stamp of a write: request id, attempt, index of the change (no request id contains `.`).
#[must_use]
fn op(request: &RequestContext, attempt: u32, index: usize) -> String {
    format!("{}.{attempt}.{index}", request.request_id)
}

/// Plans this change.
///
/// # Errors
/// If a state cannot be represented as an item: a defect of ours.
pub(super) fn plan(tenant: &TenantId, change: &Change, request: &RequestContext, index: usize) -> Result<Plan, StoreError> {
    let writer = Writer { tenant, op: op(request, request.attempt, index) };
    let mut plan = match change.write() {
        change::Write::One(put) => Plan::Put(Box::new(writer.put(put)?)),
        change::Write::All { guard, rest } => {
            let guard = std::iter::once(writer.put(guard).map(Write::Put));
            let writes = guard.chain(rest.iter().map(|step| writer.step(step)));
            writer.transaction(writes.collect::<Result<_, _>>()?)?
        }
        // Always stamped with the first attempt: a request takes one try, however often it decides.
        change::Write::Count(counter) => writer.count(counter, op(request, 1, index)),
    };
    if let Some(draft) = change.event() {
        carry_event(&mut plan, draft, request, &writer.op)?;
    }
    Ok(plan)
}

/// Completes the change's event and puts it on the guard: the only item, or the first item of a transaction.
fn carry_event(plan: &mut Plan, draft: &EventDraft, request: &RequestContext, op: &str) -> Result<(), StoreError> {
    let carrier = match plan {
        Plan::Put(put) => put.as_mut(),
        Plan::Transaction { writes, .. } => match writes.first_mut() {
            Some(Write::Put(put)) => put,
            Some(Write::Delete(_) | Write::Check(_)) | None => return Ok(()),
        },
        // A removal carries no event.
        Plan::Delete(_) => return Ok(()),
        // A counter has no event of its own. The change that follows has one.
        Plan::Count(_) => return Ok(()),
    };
    let EventDraft { kind, subject: Subject { account, flow, client }, is_new_device } = draft.clone();
    let event = Event {
        id: event_id(request.now, op, carrier),
        kind,
        at: request.now,
        request_id: request.request_id.clone(),
        account,
        flow,
        client_id: client,
        address_hash: request.address_hash.clone(),
        is_new_device,
    };
    attach(&mut carrier.item, &event)
}

fn version_of(item: &Item) -> &str {
    item.get(VERSION).and_then(|version| version.as_n().ok()).map_or("", String::as_str)
}

/// A ULID that stays the same however often the write is sent: the time of the request, and 80 bits from its stamp, its item and
/// the item's version (one request may commit twice).
fn event_id(now: Timestamp, op: &str, carrier: &Put) -> String {
    let version = version_of(&carrier.item);
    ulid(now, format!("event\n{op}\n{}\n{}\n{version}", carrier.key.pk, carrier.key.sk).as_bytes())
}

/// Maximum number of items of a transaction in DynamoDB (security 136).
const MAX_WRITES: usize = 100;

struct Writer<'a> {
    tenant: &'a TenantId,
    op: String,
}

impl Writer<'_> {
    fn put(&self, put: &change::Put) -> Result<Put, StoreError> {
        let record = stored(put.record());
        let key = ItemKey::new(self.tenant, record.key());
        let condition = match (put.expect(), put.record()) {
            (Expect::Before(version), _) if record.version() == Some(version) => Condition::before(version),
            (Expect::Absent, _) => Condition::Absent,
            (Expect::OwnedOrAbsent(account), _) => Condition::AbsentOrOfAccount(account),
            (Expect::PendingKey, Record::DataKey(data_key)) => Condition::Pending { wrapped: data_key.wrapped.clone() },
            (Expect::OwnedBy(account), Record::Identifier(_)) => Condition::OfAccount(account),
            (Expect::Before(_) | Expect::PendingKey | Expect::OwnedBy(_), _) => {
                return Err(refused(
                    "PutItem",
                    "",
                    &format!("{:?} is not a condition of {}", put.expect(), record.kind().as_str()),
                ));
            }
        };
        let item = item::stamped(&key, record.kind(), record.item()?, record.end(), &self.op);
        Ok(Put { key, item, condition })
    }
    fn step(&self, step: &Step) -> Result<Write, StoreError> {
        Ok(match step {
            Step::Put(put) => Write::Put(self.put(put)?),
            Step::Remove(remove) => {
                Write::Delete(Delete { key: self.key(&remove.key), condition: condition_of(remove.expect) })
            }
            Step::Check { key, expect } => Write::Check(Check { key: self.key(key), condition: condition_of(*expect) }),
        })
    }
    fn key(&self, key: &RecordKey) -> ItemKey {
        ItemKey::new(self.tenant, named(key))
    }
    /// The first write carries the event, so it must be a put.
    fn transaction(&self, writes: Vec<Write>) -> Result<Plan, StoreError> {
        if writes.len() > MAX_WRITES {
            let detail = format!("{} items in one transaction, which takes {MAX_WRITES}", writes.len());
            return Err(refused("TransactWriteItems", "", &detail));
        }
        let mut keys = HashSet::new();
        if let Some(twice) = writes.iter().map(Write::key).find(|key| !keys.insert(*key)) {
            let detail = format!("an item {} appears twice in one transaction", twice.sk);
            return Err(refused("TransactWriteItems", "", &detail));
        }
        // At most 36 characters, and different for another transaction of the same request: a request may end several sessions.
        let mut named = format!("transaction\n{}", self.op);
        for write in &writes {
            let ItemKey { pk, sk, .. } = write.key();
            named.push_str(&format!("\n{pk}\n{sk}\n{}", write.version()));
        }
        let digest = sha256(named.as_bytes());
        Ok(Plan::Transaction { writes, token: BASE64URL_NOPAD.encode(&digest[..27]) })
    }
    fn count(&self, counter: &Counter, op: String) -> Plan {
        let Counter { key, at, limit } = counter;
        let a_day_later = *at + Span::days(1);
        let (kind, item, end) = match key {
            CounterKey::ShortCodes(identifier) => (ItemKind::ShortCodes, ItemRef::ShortCodes(identifier, *at), a_day_later),
            CounterKey::MailStarts(purpose, identifier, trigger) => {
                (ItemKind::MailStarts, ItemRef::MailStarts(*purpose, identifier, trigger, *at), a_day_later)
            }
            CounterKey::Source(source) => (ItemKind::Source, ItemRef::Source(source, *at), window_of(*at) + WINDOW),
        };
        let key = ItemKey::new(self.tenant, item);
        Plan::Count(Box::new(Count { kind, key, limit: *limit, ttl: item::ttl(end), op }))
    }
}

fn condition_of(expect: KeyExpect) -> Condition {
    match expect {
        KeyExpect::Present => Condition::Present,
        KeyExpect::Absent => Condition::Absent,
        KeyExpect::Version(version) => Condition::Version(version),
        KeyExpect::OwnedBy(account) => Condition::OfAccount(account),
        KeyExpect::OwnedOrAbsent(account) => Condition::AbsentOrOfAccount(account),
    }
}

impl Count {
    /// Increments the counter, if the limit is not reached and this very write did not count before.
    pub(super) const UPDATE: &str = "SET #n = if_not_exists(#n, :zero) + :one, #kind = :kind, #ttl = :ttl, #op = :op";
    /// See [`Self::UPDATE`].
    pub(super) const CONDITION: &str =
        "(attribute_not_exists(#n) OR #n < :limit) AND (attribute_not_exists(#op) OR #op <> :op)";

    /// The names of both expressions.
    pub(super) fn names() -> HashMap<String, String> {
        [("#n", "n"), ("#kind", KIND), ("#ttl", TTL), ("#op", OP)].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    }
    /// The values of both expressions.
    pub(super) fn values(&self) -> HashMap<String, AttributeValue> {
        let number = |n: u32| AttributeValue::N(n.to_string());
        HashMap::from([
            (":zero".to_owned(), number(0)),
            (":one".to_owned(), number(1)),
            (":limit".to_owned(), number(self.limit)),
            (":kind".to_owned(), AttributeValue::S(self.kind.as_str().to_owned())),
            (":ttl".to_owned(), self.ttl.clone()),
            (":op".to_owned(), AttributeValue::S(self.op.clone())),
        ])
    }
    /// Whether this very write was the last to increment the stored counter.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        standing.get(OP) == Some(&AttributeValue::S(self.op.clone()))
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
