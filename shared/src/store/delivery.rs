//! Reads and counters of the stream consumer: changed items from the stream, and mails by recipient.

use super::failure::store_error;
use super::item::{EVENT, Item, ItemKind, KIND, OP, TTL, malformed, read, ttl};
use super::key::{ItemKey, ItemRef, PK, tenant_of};
use super::{StoreError, TenantStore};
use crate::domain::audit::Event;
use crate::domain::delivery::{Carrier, MailPurpose};
use crate::domain::flow::Flow;
use crate::domain::id::{FlowId, TenantId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::mail_limit::{self, MailLimit, NOTICES_A_DAY, NOTICES_AN_HOUR};
use crate::domain::session::Session;
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use ulid::Ulid;

/// Name of the attribute with the ids of the counted events.
const COUNTED_EVENTS: &str = "ev";
/// Name of the attribute with the number of mails of the day.
const OF_DAY: &str = "n";
/// Name of the attribute with the id of the event of the deferred notice, if there is one.
const DEFERRED: &str = "df";
/// Name of the attribute with the ids of counted events with a sent mail.
const SENT_EVENTS: &str = "sent";

/// A change from the stream.
#[derive(Debug, Clone)]
pub struct StreamChange {
    /// The tenant.
    pub tenant: TenantId,
    /// The event.
    pub event: Event,
    /// What its mails need of the item.
    pub carrier: Carrier,
}

/// The result of counting a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Send it.
    ToSend,
    /// It was sent already: this is a duplicate.
    Sent,
    /// The limit of the hour or the day is reached: not before this time.
    LimitReached {
        /// The start of the next hour or day.
        until: Timestamp,
    },
}

/// The result of deferring a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferral {
    /// It waits.
    Waits,
    /// Another notice of its kind waits already, and this one is merged into it.
    Merged,
}

/// Reads the new image of a stream record. `None` for an image without `event`: there is nothing to project.
///
/// # Errors
/// [`StoreError::Malformed`] if the image has an event and is malformed.
pub fn read_change(image: serde_dynamo::Item) -> Result<Option<StreamChange>, StoreError> {
    let image = Item::from(image);
    let Some(event) = image.get(EVENT) else { return Ok(None) };
    let event: Event = serde_dynamo::from_attribute_value(event.clone()).map_err(|error| malformed(ItemKind::Audit, error))?;
    let text = |name: &str| image.get(name).and_then(|value| value.as_s().ok());
    let tenant = text(PK).and_then(|pk| tenant_of(pk)).ok_or_else(|| malformed(ItemKind::Audit, "its key names no tenant"))?;
    let is = |kind: ItemKind| text(KIND).is_some_and(|stored| stored == kind.as_str());
    let carrier = if is(ItemKind::Flow) {
        Carrier::Flow(Box::new(read(ItemKind::Flow, image)?))
    } else if event.is_new_device && is(ItemKind::Session) {
        Carrier::Session(read::<Session>(ItemKind::Session, image)?.id)
    } else {
        Carrier::Other
    };
    Ok(Some(StreamChange { tenant, event, carrier }))
}

/// The time of an event, from its id, or from that of one of its mails. A malformed id counts as now.
#[must_use]
pub fn happened_at(id: &str, now: Timestamp) -> Timestamp {
    let event_id = id.split('-').next().unwrap_or(id);
    let millis = Ulid::from_string(event_id).ok().and_then(|id| i64::try_from(id.timestamp_ms()).ok());
    millis.map_or(now, Timestamp::from_millis)
}

impl TenantStore {
    /// The locale of a flow: a notice uses the locale of the flow that caused it. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_flow_locale(&self, flow: FlowId) -> Result<Option<String>, StoreError> {
        let flow: Option<Flow> = self.get(ItemRef::Flow(flow), ItemKind::Flow).await?;
        Ok(flow.map(|flow| flow.locale))
    }

    /// The counters of a recipient, under the version of the identifier key that makes new items.
    fn mails_key(&self, recipient: &IdentifierHash, purpose: MailPurpose, at: Timestamp) -> Result<ItemKey, StoreError> {
        let recipient = self.forms(recipient)?.first().copied().unwrap_or(*recipient);
        Ok(self.key(ItemRef::Mails(purpose, &recipient, at)))
    }
    /// Counts a mail of this purpose to this recipient before it is sent, in the hour and on the day of its event. So an event is
    /// counted once, however often and late it is delivered. Only notices have a limit here. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_mail(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        match purpose.limit() {
            MailLimit::AtTrigger => self.count(recipient, purpose, event_id, now, None).await,
            MailLimit::Deferred => self.count(recipient, purpose, event_id, now, Some((NOTICES_AN_HOUR, NOTICES_A_DAY))).await,
        }
    }

    /// Counts a deferred notice that is due, whatever the limit. It waits no longer. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_deferred(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        self.count(recipient, purpose, event_id, now, None).await
    }

    async fn count(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
        limits: Option<(u32, u32)>,
    ) -> Result<Counted, StoreError> {
        let at = happened_at(event_id, now);
        let key = self.mails_key(recipient, purpose, at)?;
        // Both counters and the counted events are in the item of the day, so that one update decides and counts.
        let hour = format!("h{:02}", at.seconds().rem_euclid(86_400) / 3600);
        let number = |n: u32| AttributeValue::N(n.to_string());
        let event = AttributeValue::S(event_id.to_owned());
        let mut condition = "NOT contains(#events, :event)".to_owned();
        let mut request = self
            .update(&key)
            .expression_attribute_names("#kind", KIND)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#op", OP)
            .expression_attribute_names("#day", OF_DAY)
            .expression_attribute_names("#hour", hour)
            .expression_attribute_names("#events", COUNTED_EVENTS)
            .expression_attribute_values(":kind", AttributeValue::S(ItemKind::Mails.as_str().to_owned()))
            .expression_attribute_values(":ttl", ttl(now + Span::days(1)))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":event", event)
            .expression_attribute_values(":events", AttributeValue::Ss(vec![event_id.to_owned()]));
        let mut update = "SET #kind = :kind, #ttl = :ttl, #op = :event ADD #day :one, #hour :one, #events :events".to_owned();
        if let Some((an_hour, a_day)) = limits {
            condition.push_str(
                " AND (attribute_not_exists(#day) OR #day < :a_day) AND (attribute_not_exists(#hour) OR #hour < :an_hour)",
            );
            request = request
                .expression_attribute_values(":a_day", number(a_day))
                .expression_attribute_values(":an_hour", number(an_hour));
        } else if purpose.limit() == MailLimit::Deferred {
            update.push_str(" REMOVE #deferred");
            request = request.expression_attribute_names("#deferred", DEFERRED);
        }
        let result = request
            .update_expression(update)
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else { return Ok(Counted::ToSend) };
        if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            let stored = |name: &str| failed.item().and_then(|item| item.get(name));
            let is_among = |events: &str| {
                let events = stored(events).and_then(|events| events.as_ss().ok());
                events.is_some_and(|events| events.iter().any(|event| event == event_id))
            };
            return Ok(match (is_among(SENT_EVENTS), is_among(COUNTED_EVENTS)) {
                (true, _) => Counted::Sent,
                (false, true) => Counted::ToSend,
                (false, false) => {
                    let of_day = stored(OF_DAY).and_then(|n| n.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
                    Counted::LimitReached { until: mail_limit::due(at, of_day >= NOTICES_A_DAY) }
                }
            });
        }
        Err(store_error("UpdateItem", error))
    }

    /// Lets a notice over its limit wait, unless another one of its kind and account waits already. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn defer_mail(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        let key = self.mails_key(recipient, purpose, happened_at(event_id, now))?;
        let result = self
            .update(&key)
            .update_expression("SET #deferred = :event, #ttl = :ttl")
            .condition_expression("attribute_not_exists(#deferred) OR #deferred = :event")
            .expression_attribute_names("#deferred", DEFERRED)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":event", AttributeValue::S(event_id.to_owned()))
            .expression_attribute_values(":ttl", ttl(now + Span::days(2)))
            .send()
            .await;
        match result {
            Ok(_) => Ok(Deferral::Waits),
            Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
                Ok(Deferral::Merged)
            }
            Err(error) => Err(store_error("UpdateItem", error)),
        }
    }

    /// A deferred notice waits no longer: another one of its kind and account can. Without effect if this one does not wait. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_deferral(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.mails_key(recipient, purpose, happened_at(event_id, now))?;
        let result = self
            .update(&key)
            .update_expression("REMOVE #deferred")
            .condition_expression("#deferred = :event")
            .expression_attribute_names("#deferred", DEFERRED)
            .expression_attribute_values(":event", AttributeValue::S(event_id.to_owned()))
            .send()
            .await;
        match result {
            Err(error) if !error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
                Err(store_error("UpdateItem", error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Records that a counted mail was sent, so that no duplicate sends it again. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn note_mail_sent(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.mails_key(recipient, purpose, happened_at(event_id, now))?;
        let result = self
            .update(&key)
            .update_expression("ADD #sent :events")
            .condition_expression("contains(#counted, :event)")
            .expression_attribute_names("#counted", COUNTED_EVENTS)
            .expression_attribute_names("#sent", SENT_EVENTS)
            .expression_attribute_values(":event", AttributeValue::S(event_id.to_owned()))
            .expression_attribute_values(":events", AttributeValue::Ss(vec![event_id.to_owned()]))
            .send()
            .await;
        result.map(drop).map_err(|error| store_error("UpdateItem", error))
    }
}
