//! The gateway's own state, in a file of its own: the stream checkpoint, the clock offset, the mails, the demo storefront's visitors. Mails
//! contain addresses and codes, so they are not in the file of the identities. Faults are not injected here: this table replaces AWS
//! services, not Latchkey's storage.

use crate::engine::{Engine, client};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const TABLE: &str = "gateway";

/// The kind of an entry. Entries of one kind are listed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The stream checkpoint: one entry.
    Checkpoint,
    /// The clock offset in milliseconds: one entry.
    ClockOffset,
    /// A mail, by id.
    Mail,
    /// A visitor of the demo storefront, by the hash of the cookie.
    Visitor,
}

impl EntryKind {
    const fn kind(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::ClockOffset => "clock-offset",
            Self::Mail => "mail",
            Self::Visitor => "visitor",
        }
    }
}

/// The gateway's own table. Clones are inexpensive.
#[derive(Debug, Clone)]
pub struct StateTable {
    client: Client,
    engine: Engine,
}

/// The gateway's own table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the gateway's own table: {0}")]
pub struct StateTableError(#[source] Box<dyn std::error::Error + Send + Sync>);

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StateTableError {
    StateTableError(error.into())
}

impl StateTable {
    /// Opens the table in this engine. The table is created if it does not exist.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn open(engine: &Engine) -> Result<Self, StateTableError> {
        let client = client(engine.connector());
        let listed = client.list_tables().send().await.map_err(failed)?;
        if !listed.table_names().iter().any(|name| name == TABLE) {
            let mut request = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
            for (name, role) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
                let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
                let key = KeySchemaElement::builder().attribute_name(name).key_type(role);
                request =
                    request.attribute_definitions(attribute.build().map_err(failed)?).key_schema(key.build().map_err(failed)?);
            }
            request.send().await.map_err(failed)?;
        }
        Ok(Self { client, engine: engine.clone() })
    }

    /// Moves the entries that an earlier version kept in the file of the identities, and removes them there.
    ///
    /// # Errors
    /// If an engine fails.
    pub async fn move_from(&self, identities: &Engine) -> Result<(), StateTableError> {
        let former = client(identities.connector());
        let listed = former.list_tables().send().await.map_err(failed)?;
        if !listed.table_names().iter().any(|name| name == TABLE) {
            return Ok(());
        }
        let mut from = None;
        loop {
            let page = former.scan().table_name(TABLE).set_exclusive_start_key(from).send().await.map_err(failed)?;
            for item in page.items() {
                self.client.put_item().table_name(TABLE).set_item(Some(item.clone())).send().await.map_err(failed)?;
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                break;
            }
        }
        // Only after everything is stored here: a crash in between repeats the move.
        identities.drop_table(TABLE).map_err(failed)
    }

    /// An entry, if it exists.
    ///
    /// # Errors
    /// If the engine fails, or the entry is malformed.
    pub async fn find<T: DeserializeOwned>(&self, entry: EntryKind, id: &str) -> Result<Option<T>, StateTableError> {
        let request = self.client.get_item().table_name(TABLE).consistent_read(true);
        let read = request.key("pk", text(entry.kind())).key("sk", text(id)).send().await.map_err(failed)?;
        read.item().map(body).transpose()
    }

    /// The newest entries of a kind (by id), newest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn list<T: DeserializeOwned>(&self, entry: EntryKind, limit: i32) -> Result<Vec<T>, StateTableError> {
        let request = self.client.query().table_name(TABLE).consistent_read(true).scan_index_forward(false).limit(limit);
        let request = request.key_condition_expression("pk = :pk").expression_attribute_values(":pk", text(entry.kind()));
        let read = request.send().await.map_err(failed)?;
        read.items().iter().map(body).collect()
    }

    /// Every entry of a kind, oldest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn all<T: DeserializeOwned>(&self, entry: EntryKind) -> Result<Vec<T>, StateTableError> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let request = self.client.query().table_name(TABLE).consistent_read(true).set_exclusive_start_key(from);
            let request = request.key_condition_expression("pk = :pk").expression_attribute_values(":pk", text(entry.kind()));
            let page = request.send().await.map_err(failed)?;
            for item in page.items() {
                found.push(body(item)?);
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    /// Overwrites what was removed, so that the file no longer contains it.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn forget_removed(&self) -> Result<(), StateTableError> {
        self.engine.compact().map_err(failed)
    }

    /// Writes an entry. An existing one is replaced.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn put(&self, entry: EntryKind, id: &str, value: &impl Serialize) -> Result<(), StateTableError> {
        let value = serde_json::to_string(value).map_err(failed)?;
        let request = self.client.put_item().table_name(TABLE).item("pk", text(entry.kind())).item("sk", text(id));
        request.item("body", AttributeValue::S(value)).send().await.map_err(failed)?;
        Ok(())
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn remove(&self, entry: EntryKind, id: &str) -> Result<(), StateTableError> {
        let request = self.client.delete_item().table_name(TABLE);
        request.key("pk", text(entry.kind())).key("sk", text(id)).send().await.map_err(failed)?;
        Ok(())
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn body<T: DeserializeOwned>(item: &std::collections::HashMap<String, AttributeValue>) -> Result<T, StateTableError> {
    let body = item.get("body").and_then(|body| body.as_s().ok()).ok_or_else(|| failed("a note without a body"))?;
    serde_json::from_str(body).map_err(failed)
}
