//! The only write path: translates changes to conditional writes and transactions.
//!
//! 1. Each change is planned ([`super::plan`]): items, conditions, stamp, event.
//! 2. It is sent. The SDK retries if the outcome is unknown or the store answers "later". The stamp makes this safe.
//! 3. If a condition failed over our own stamp, the write succeeded and the reply was lost (security 135). Over another stamp it
//!    is a conflict.
//! 4. Contention (`TransactionConflict`) says nothing about the state: bounded retries, then unavailable (security 134).
//! 5. Shortly before the request's deadline nothing more is sent (security 141).

use super::condition::{Condition, Expression};
use super::failure::{CONTENDED, MAX_SENDS, back_off, refused, store_error, unavailable};
use super::identifiers::no_identifiers;
use super::item::Item;
use super::key::ItemKey;
use super::plan::{Count, Delete, Plan, Put, Write, plan};
use super::{CommitError, Conflict, DecideError, Identifiers, MAX_ATTEMPTS, StoreError, TenantStore};
use crate::context::RequestContext;
use crate::domain::change::{Changes, Decision};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete as DeleteRequest, Put as PutRequest, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

async fn commit(store: &TenantStore, changes: &Changes, request: &RequestContext) -> Result<(), CommitError> {
    for (index, change) in changes.0.iter().enumerate() {
        let plan = match &store.identifiers {
            Identifiers::Unavailable if change.names_identifiers() => return Err(no_identifiers().into()),
            Identifiers::Single | Identifiers::Unavailable => plan(store.tenant(), change, request, index)?,
            Identifiers::Several(forms) => plan(store.tenant(), &change.clone().under(forms.as_ref()), request, index)?,
        };
        match store.write(&plan, request).await? {
            Written::Yes => {}
            Written::Conflict => return Err(CommitError::Conflict(Conflict { change: index })),
            Written::LimitReached => return Err(CommitError::LimitReached),
        }
    }
    Ok(())
}

/// The result of a write that the store answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is stored, by this send or by an earlier one.
    Yes,
    /// Its condition failed.
    Conflict,
    /// The counter is at its limit.
    LimitReached,
}

/// The result of one send.
enum Sent {
    Done(Written),
    /// Another request was writing the same item: send again.
    Contended(StoreError),
}

impl TenantStore {
    /// Commits changes in order, each with its precondition, stamped with `op` = request id ‖ attempt ‖ index. An earlier attempt
    /// of the same request with a lost reply is recognized as success.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if a precondition failed; [`CommitError::Store`] if the store failed.
    pub async fn commit(&self, changes: &Changes, request: &RequestContext) -> Result<(), CommitError> {
        commit(self, changes, request).await
    }

    /// Loads, decides and commits, with retries on a conflict: at most [`MAX_ATTEMPTS`] attempts. `decide` loads a new snapshot
    /// each time and keeps expensive results (a password hash).
    ///
    /// # Errors
    /// [`DecideError::Busy`] if every attempt met a conflict; otherwise the failure. In both cases there is no outcome to show.
    pub async fn decide<O, E, F, Fut>(&self, request: &RequestContext, mut decide: F) -> Result<O, DecideError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Decision<O>, E>>,
    {
        for attempt in 1..=MAX_ATTEMPTS {
            let decision = decide().await.map_err(DecideError::Decide)?;
            let request = RequestContext { attempt, ..request.clone() };
            match self.commit(&decision.changes, &request).await {
                Ok(()) => return Ok(decision.outcome),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::LimitReached) => return Err(DecideError::LimitReached),
                Err(CommitError::Store(error)) => return Err(DecideError::Store(error)),
            }
        }
        Err(DecideError::Busy)
    }
}

impl TenantStore {
    /// Executes a plan.
    pub(super) async fn write(&self, plan: &Plan, request: &RequestContext) -> Result<Written, StoreError> {
        let mut sends = 1;
        loop {
            if !request.deadline.leaves_a_write() {
                return Err(unavailable("commit", "Deadline", "too little time is left for a write"));
            }
            let sent = match plan {
                Plan::Put(put) => self.send_put(put).await?,
                Plan::Delete(delete) => self.send_delete(delete).await?,
                Plan::Transaction { writes, token } => self.send_transaction(writes, token).await?,
                Plan::Count(count) => self.send_count(count).await?,
            };
            match sent {
                Sent::Done(written) => return Ok(written),
                Sent::Contended(error) if sends >= MAX_SENDS => return Err(error),
                Sent::Contended(_) => {}
            }
            back_off(sends).await;
            sends += 1;
        }
    }

    async fn send_put(&self, put: &Put) -> Result<Sent, StoreError> {
        let condition = put.condition.expression();
        let result = self
            .store
            .client
            .put_item()
            .table_name(self.store.tables.name(put.key.table))
            .set_item(Some(put.item.clone()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let Err(error) = result else { return Ok(Sent::Done(Written::Yes)) };
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            let ours = failed.item().is_some_and(|standing| put.is_applied(standing));
            return Ok(Sent::Done(if ours { Written::Yes } else { Written::Conflict }));
        }
        contended_or(error.code().is_some_and(|code| CONTENDED.contains(&code)), store_error("PutItem", error))
    }

    /// A removal that fails its condition on a missing item is complete: an earlier send or another request removed it.
    async fn send_delete(&self, delete: &Delete) -> Result<Sent, StoreError> {
        let condition = delete.condition.expression();
        // A failed `Present` says all: the item is gone. Nothing of a password is returned to a role that may only remove it.
        let returned = match delete.condition {
            Condition::Present => ReturnValuesOnConditionCheckFailure::None,
            _ => ReturnValuesOnConditionCheckFailure::AllOld,
        };
        let result = self
            .store
            .client
            .delete_item()
            .table_name(self.store.tables.name(delete.key.table))
            .set_key(Some(delete.key.attributes()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
            .return_values_on_condition_check_failure(returned)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let Err(error) = result else { return Ok(Sent::Done(Written::Yes)) };
        if let Some(DeleteItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            let gone = failed.item().is_none_or(std::collections::HashMap::is_empty);
            return Ok(Sent::Done(if gone { Written::Yes } else { Written::Conflict }));
        }
        contended_or(error.code().is_some_and(|code| CONTENDED.contains(&code)), store_error("DeleteItem", error))
    }

    /// An update of one item, without its expressions.
    pub(super) fn update(&self, key: &ItemKey) -> UpdateItemFluentBuilder {
        let update = self.store.client.update_item().table_name(self.store.tables.name(key.table));
        update.set_key(Some(key.attributes())).return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    async fn send_count(&self, count: &Count) -> Result<Sent, StoreError> {
        let result = self
            .update(&count.key)
            .update_expression(Count::UPDATE)
            .condition_expression(Count::CONDITION)
            .set_expression_attribute_names(Some(Count::names()))
            .set_expression_attribute_values(Some(count.values()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else { return Ok(Sent::Done(Written::Yes)) };
        if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            let ours = failed.item().is_some_and(|standing| count.is_applied(standing));
            return Ok(Sent::Done(if ours { Written::Yes } else { Written::LimitReached }));
        }
        contended_or(error.code().is_some_and(|code| CONTENDED.contains(&code)), store_error("UpdateItem", error))
    }

    async fn send_transaction(&self, writes: &[Write], token: &str) -> Result<Sent, StoreError> {
        let items = writes.iter().map(|write| self.transact_item(write)).collect::<Result<Vec<_>, _>>()?;
        let result = self
            .store
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let Err(error) = result else { return Ok(Sent::Done(Written::Yes)) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            return decode(writes, cancelled.cancellation_reasons());
        }
        Err(store_error("TransactWriteItems", error))
    }

    fn transact_item(&self, write: &Write) -> Result<TransactWriteItem, StoreError> {
        let built = |error: aws_sdk_dynamodb::error::BuildError| refused("TransactWriteItems", "", &error.to_string());
        let item = TransactWriteItem::builder();
        Ok(match write {
            Write::Put(put) => {
                let condition = put.condition.expression();
                let put = PutRequest::builder()
                    .table_name(self.store.tables.name(put.key.table))
                    .set_item(Some(put.item.clone()))
                    .condition_expression(condition.text)
                    .set_expression_attribute_names(Some(condition.names))
                    .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                item.put(put.build().map_err(built)?).build()
            }
            Write::Delete(delete) => {
                let condition = delete.condition.expression();
                let delete = DeleteRequest::builder()
                    .table_name(self.store.tables.name(delete.key.table))
                    .set_key(Some(delete.key.attributes()))
                    .condition_expression(condition.text)
                    .set_expression_attribute_names(Some(condition.names))
                    .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                item.delete(delete.build().map_err(built)?).build()
            }
            Write::Check(check) => {
                let condition = check.condition.expression();
                let check = ConditionCheck::builder()
                    .table_name(self.store.tables.name(check.key.table))
                    .set_key(Some(check.key.attributes()))
                    .condition_expression(condition.text)
                    .set_expression_attribute_names(Some(condition.names))
                    .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                item.condition_check(check.build().map_err(built)?).build()
            }
        })
    }
}

fn contended_or(contended: bool, error: StoreError) -> Result<Sent, StoreError> {
    if contended { Ok(Sent::Contended(error)) } else { Err(error) }
}

/// Evaluates the reasons of a cancelled transaction (security 134). They are in the order of its items.
fn decode(writes: &[Write], reasons: &[CancellationReason]) -> Result<Sent, StoreError> {
    let code = |reason: &CancellationReason| reason.code().unwrap_or_default().to_owned();
    let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    // A transaction is atomic: one item with our stamp proves that the whole was applied, even if other items were overwritten
    // since.
    let ours =
        |(write, reason): (&Write, &CancellationReason)| reason.item().is_some_and(|standing| write.is_applied(standing));
    if writes.iter().zip(reasons).any(ours) {
        return Ok(Sent::Done(Written::Yes));
    }
    if reasons.iter().any(failed) {
        return Ok(Sent::Done(Written::Conflict));
    }
    // No condition failed. Contention and lack of capacity are temporary.
    const TEMPORARY: &[&str] = &["ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"];
    let codes: Vec<String> = reasons.iter().map(code).filter(|code| !code.is_empty() && code != "None").collect();
    if !codes.is_empty() && codes.iter().all(|code| TEMPORARY.contains(&code.as_str())) {
        return Ok(Sent::Contended(unavailable("TransactWriteItems", &codes.join(","), "the transaction was cancelled")));
    }
    Err(refused("TransactWriteItems", &codes.join(","), "the transaction was cancelled"))
}

impl TenantStore {
    /// A put outside [`commit`] (tenant items, audit). Returns the stored item if its condition fails.
    pub(super) async fn put_or_existing(
        &self,
        key: &ItemKey,
        item: Item,
        condition: Expression,
    ) -> Result<Result<(), Option<Item>>, StoreError> {
        let request = self
            .store
            .client
            .put_item()
            .table_name(self.store.tables.name(key.table))
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values((!condition.values.is_empty()).then_some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut sends = 1;
        loop {
            let Err(error) = request.clone().send().await else { return Ok(Ok(())) };
            if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
                return Ok(Err(failed.item().cloned()));
            }
            if sends >= MAX_SENDS || !error.code().is_some_and(|code| CONTENDED.contains(&code)) {
                return Err(store_error("PutItem", error));
            }
            back_off(sends).await;
            sends += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 134: the reasons are in the order of the items, and each combination has one meaning.
    #[test]
    fn each_combination_of_cancellation_reasons_has_its_meaning() {
        let meaning = |codes: &[&str]| {
            let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
            match decode(&[], &reasons) {
                Ok(Sent::Done(Written::Conflict)) => "conflict",
                Ok(Sent::Done(Written::Yes | Written::LimitReached)) => "done",
                Ok(Sent::Contended(StoreError::Unavailable(_))) => "again",
                Ok(Sent::Contended(_)) => "again, but not as unavailable",
                Err(StoreError::Refused(_)) => "refused",
                Err(StoreError::Unavailable(_) | StoreError::Malformed { .. }) => "failed",
            }
        };
        for (codes, expected) in [
            (&["None", "ConditionalCheckFailed"][..], "conflict"),
            // The state is known, even if there was contention too.
            (&["TransactionConflict", "ConditionalCheckFailed"], "conflict"),
            (&["ConditionalCheckFailed", "ThrottlingError"], "conflict"),
            (&["TransactionConflict", "None"], "again"),
            (&["ThrottlingError"], "again"),
            (&["ProvisionedThroughputExceeded", "TransactionConflict"], "again"),
            (&["ValidationError"], "refused"),
            (&["TransactionConflict", "ValidationError"], "refused"),
            (&["ItemCollectionSizeLimitExceeded"], "refused"),
            (&["DuplicateItem"], "refused"),
            (&["SomethingNew"], "refused"),
            (&["None"], "refused"),
            (&[], "refused"),
        ] {
            assert_eq!(meaning(codes), expected, "{codes:?}");
        }
    }
}
