//! The shared counter of a source: its failures or mails in ten minutes (decision 35).

use super::failure::store_error;
use super::item::{ItemKind, KIND, OP, TTL, ttl};
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::context::RequestContext;
use crate::domain::source::{WINDOW, window_of};
use crate::domain::time::Timestamp;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use serde::Deserialize;

/// Name of the attribute with the number of events.
const COUNT: &str = "n";

#[derive(Deserialize)]
struct Counted {
    n: u32,
}

impl TenantStore {
    /// The number of events of this source in the present window. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_source_count(&self, source: &[u8; 32], now: Timestamp) -> Result<u32, StoreError> {
        let counted: Option<Counted> = self.get(ItemRef::Source(source, now), ItemKind::Source).await?;
        Ok(counted.map_or(0, |counted| counted.n))
    }

    /// Counts an event of this source, up to the limit. A retry of the same request counts once. 1 WRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_source(&self, source: &[u8; 32], limit: u32, request: &RequestContext) -> Result<(), StoreError> {
        let key = self.key(ItemRef::Source(source, request.now));
        let number = |n: u32| AttributeValue::N(n.to_string());
        let result = self
            .store
            .client
            .update_item()
            .table_name(self.store.tables.name(key.table))
            .set_key(Some(key.attributes()))
            .update_expression("SET #n = if_not_exists(#n, :zero) + :one, #kind = :kind, #ttl = :ttl, #op = :op")
            .condition_expression("(attribute_not_exists(#n) OR #n < :limit) AND (attribute_not_exists(#op) OR #op <> :op)")
            .expression_attribute_names("#n", COUNT)
            .expression_attribute_names("#kind", KIND)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#op", OP)
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit))
            .expression_attribute_values(":kind", AttributeValue::S(ItemKind::Source.as_str().to_owned()))
            .expression_attribute_values(":ttl", ttl(window_of(request.now) + WINDOW))
            .expression_attribute_values(":op", AttributeValue::S(request.request_id.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            // At the limit, or counted by an earlier send of this request.
            Err(error) if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
                Ok(())
            }
            Err(error) => Err(store_error("UpdateItem", error)),
        }
    }
}
