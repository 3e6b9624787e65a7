//! Strongly consistent reads: one item, a batch over several tables, a range.

use super::failure::{MAX_SENDS, back_off, refused, store_error, unavailable};
use super::item::{Item, ItemKind, read};
use super::key::{ItemKey, ItemRef, PK, SK, Table, audit_pk_of, audit_sk_after};
use super::{Store, StoreError, Tables, TenantStore};
use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

impl Tables {
    /// The name of a table.
    pub(super) fn name(&self, table: Table) -> &str {
        match table {
            Table::Identities => &self.identities,
            Table::Keys => &self.keys,
            Table::Audit => &self.audit,
        }
    }
}

impl TenantStore {
    /// The key of this record of this tenant.
    pub(super) fn key(&self, item: ItemRef<'_>) -> ItemKey {
        ItemKey::new(&self.tenant, item)
    }

    /// One item. 1 RRU up to 4 KB.
    pub(super) async fn get<S: DeserializeOwned>(&self, item: ItemRef<'_>, kind: ItemKind) -> Result<Option<S>, StoreError> {
        let key = self.key(item);
        let found = self
            .store
            .client
            .get_item()
            .table_name(self.store.tables.name(key.table))
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| store_error("GetItem", error))?;
        found.item.map(|item| read(kind, item)).transpose()
    }

    /// Items by their keys, in one request. Unprocessed keys are requested again (security 136).
    pub(super) async fn batch<const N: usize>(&self, items: [ItemRef<'_>; N]) -> Result<BatchItems, StoreError> {
        self.batch_keys(items.iter().map(|item| self.key(*item)).collect()).await
    }

    /// As [`Self::batch`], for a variable number of keys (at most 100).
    pub(super) async fn batch_keys(&self, keys: Vec<ItemKey>) -> Result<BatchItems, StoreError> {
        let mut pending: HashMap<String, KeysAndAttributes> = HashMap::new();
        for table in [Table::Identities, Table::Keys, Table::Audit] {
            let of_table: Vec<_> = keys.iter().filter(|key| key.table == table).map(ItemKey::attributes).collect();
            if !of_table.is_empty() {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(of_table))
                    .consistent_read(true)
                    .build()
                    .map_err(|_| refused("BatchGetItem", "", "no keys"))?;
                pending.insert(self.store.tables.name(table).to_owned(), request);
            }
        }
        let mut found = BatchItems(HashMap::new());
        for sent in 1..=MAX_SENDS {
            let answer = self
                .store
                .client
                .batch_get_item()
                .set_request_items(Some(pending))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| store_error("BatchGetItem", error))?;
            for (name, items) in answer.responses.unwrap_or_default() {
                let table = self.store.table_named(&name)?;
                found.0.extend(items.into_iter().filter_map(|item| Some((ItemKey::read(table, &item)?, item))));
            }
            pending = answer.unprocessed_keys.unwrap_or_default();
            pending.retain(|_, keys| !keys.keys().is_empty());
            if pending.is_empty() {
                return Ok(found);
            }
            if sent < MAX_SENDS {
                back_off(sent).await;
            }
        }
        Err(unavailable("BatchGetItem", "UnprocessedKeys", "keys stayed unprocessed"))
    }

    /// The items of an identities partition with this sort-key prefix: all pages, ascending, or only the last item.
    pub(super) async fn range(&self, pk: &str, prefix: &str, last_only: bool) -> Result<Vec<Item>, StoreError> {
        self.query_partition(pk, Some(prefix), last_only).await
    }

    /// Every item of an identities partition; all pages, ascending.
    pub(super) async fn partition(&self, pk: &str) -> Result<Vec<Item>, StoreError> {
        self.query_partition(pk, None, false).await
    }

    async fn query_partition(&self, pk: &str, prefix: Option<&str>, last_only: bool) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let mut query = self
                .store
                .client
                .query()
                .table_name(self.store.tables.name(Table::Identities))
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .consistent_read(true)
                .scan_index_forward(!last_only)
                .set_limit(last_only.then_some(1))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            if let Some(prefix) = prefix {
                query = query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expression_attribute_names("#sk", SK)
                    .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()));
            }
            let answer = query.send().await.map_err(|error| store_error("Query", error))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() || (last_only && !items.is_empty()) {
                return Ok(items);
            }
        }
    }
}

/// A page of a partition's items, in the order of their sort keys.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// The last sort key, if there may be more after it.
    pub(super) more_after: Option<String>,
}

impl Store {
    /// Items of a partition after this sort key: up to the limit, or up to 1 MB.
    pub(super) async fn page(
        &self,
        table: Table,
        pk: &str,
        after: Option<&str>,
        limit: Option<u16>,
    ) -> Result<Page, StoreError> {
        let start = after.map(|sk| ItemKey { table, pk: pk.to_owned(), sk: sk.to_owned() }.attributes());
        let answer = self
            .client
            .query()
            .table_name(self.tables.name(table))
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .consistent_read(true)
            .set_limit(limit.map(i32::from))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| store_error("Query", error))?;
        let last = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let more_after = last.and_then(|key| key.get(SK)?.as_s().ok().cloned());
        Ok(Page { items: answer.items.unwrap_or_default(), more_after })
    }
}

impl TenantStore {
    /// As [`Store::page`]. The partition key contains the tenant.
    pub(super) async fn page(
        &self,
        table: Table,
        pk: &str,
        after: Option<&str>,
        limit: Option<u16>,
    ) -> Result<Page, StoreError> {
        self.store.page(table, pk, after, limit).await
    }
    /// The newest audit records of an account, up to a moment if there is one, newest first: one page.
    pub(super) async fn newest_audit(
        &self,
        account: AccountId,
        until: Option<Timestamp>,
        at_most: u16,
    ) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .store
            .client
            .query()
            .table_name(self.store.tables.name(Table::Audit))
            .key_condition_expression("#pk = :pk AND #sk < :end")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", AttributeValue::S(audit_pk_of(&self.tenant, account)))
            .expression_attribute_values(":end", AttributeValue::S(audit_sk_after(until)))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::from(at_most))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| store_error("Query", error))?;
        Ok(answer.items.unwrap_or_default())
    }
}

impl Store {
    fn table_named(&self, name: &str) -> Result<Table, StoreError> {
        [Table::Identities, Table::Keys, Table::Audit]
            .into_iter()
            .find(|table| self.tables.name(*table) == name)
            .ok_or_else(|| refused("BatchGetItem", "", "an answer about a table that was not asked for"))
    }
}

/// The items that a batch found, by key.
pub(super) struct BatchItems(HashMap<ItemKey, Item>);

impl BatchItems {
    /// The state at this key, if a key was requested.
    pub(super) fn take_if<S: DeserializeOwned>(
        &mut self,
        key: Option<&ItemKey>,
        kind: ItemKind,
    ) -> Result<Option<S>, StoreError> {
        key.map_or(Ok(None), |key| self.take(key, kind))
    }
    /// The state at this key, if there is one.
    pub(super) fn take<S: DeserializeOwned>(&mut self, key: &ItemKey, kind: ItemKind) -> Result<Option<S>, StoreError> {
        self.0.remove(key).map(|item| read(kind, item)).transpose()
    }
}
