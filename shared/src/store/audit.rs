//! The audit table: records projected from the stream, and records of requests that change nothing (an export).
use super::condition::Condition;
use super::failure::unavailable;
use super::item::{ItemKind, write};
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::context::RequestContext;
use crate::digest::sha256;
use crate::domain::audit::{Event, EventKind};
use crate::domain::id::{AccountId, ClientId};
use crate::domain::time::{Span, Timestamp};
use ulid::Ulid;

impl TenantStore {
    /// Writes an audit record once, with this retention period. A redelivered event changes nothing. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_audit(&self, event: &Event, keep: Span) -> Result<(), StoreError> {
        let key = self.key(ItemRef::Audit(event));
        let item = write(&key, ItemKind::Audit, event, Some(event.at + keep), &event.id)?;
        // The stored item under the event's own id is this record: the stream delivers at least once.
        self.put_or_existing(&key, item, Condition::Absent.expression()).await.map(|_| ())
    }
    /// Records an event of an account that changed no item, so that it is not in the stream. It has this retention period. 1 WRU.
    ///
    /// # Errors
    /// If the store fails, or too little time is left for a write.
    pub async fn record(&self, event: &Event, keep: Span, request: &RequestContext) -> Result<(), StoreError> {
        if !request.deadline.leaves_a_write() {
            return Err(unavailable("PutItem", "Deadline", "too little time is left for a write"));
        }
        self.put_audit(event, keep).await
    }
}

/// The event of a request that changes no item. Its id does not depend on the number of sends.
#[must_use]
pub fn event_of(kind: EventKind, account: AccountId, client_id: Option<ClientId>, request: &RequestContext) -> Event {
    Event {
        id: ulid(request.now, format!("event\n{}\n{account}\n{kind:?}", request.request_id).as_bytes()),
        kind,
        at: request.now,
        request_id: request.request_id.clone(),
        account: Some(account),
        flow: None,
        client_id,
        address_hash: request.address_hash.clone(),
        is_new_device: false,
    }
}

/// The event of a mail that was not sent, from the event that caused it. A repeated delivery makes the same event.
#[must_use]
pub fn event_of_mail(kind: EventKind, account: AccountId, caused_by: &str, at: Timestamp) -> Option<Event> {
    Some(Event {
        id: ulid(at, format!("event\n{caused_by}\n{kind:?}").as_bytes()),
        kind,
        at,
        request_id: caused_by.parse().ok()?,
        account: Some(account),
        flow: None,
        client_id: None,
        address_hash: None,
        is_new_device: false,
    })
}

/// The ULID of this moment and the digest of these bytes.
pub(super) fn ulid(now: Timestamp, seed: &[u8]) -> String {
    let digest = sha256(seed);
    let mut random = [0; 16];
    random[6..].copy_from_slice(&digest[..10]);
    Ulid::from_parts(u64::try_from(now.millis()).unwrap_or_default(), u128::from_be_bytes(random)).to_string()
}
