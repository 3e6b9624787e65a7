//! The definitions of the three tables, for the embedded engine and tests (the template creates the deployed ones).
use super::failure::{store_error, unavailable};
use super::item::TTL;
use super::key::{PK, SK, Table};
use super::{Store, StoreError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use std::time::Duration;

impl Store {
    /// Creates the missing tables (with streams and TTL).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        for table in [Table::Identities, Table::Keys, Table::Audit] {
            self.create_table(table).await?;
            self.await_table(table).await?;
            self.enable_ttl(table).await?;
        }
        Ok(())
    }

    async fn create_table(&self, table: Table) -> Result<(), StoreError> {
        let built = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Refused(Box::new(error));
        let mut request =
            self.client.create_table().table_name(self.tables.name(table)).billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
            let element = KeySchemaElement::builder().attribute_name(name).key_type(role).build();
            request = request.attribute_definitions(definition.map_err(built)?).key_schema(element.map_err(built)?);
        }
        // Only items of identities carry events. The old image of a removal is never projected.
        if table == Table::Identities {
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage).build();
            request = request.stream_specification(stream.map_err(built)?);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(CreateTableError::ResourceInUseException(_)) => Ok(()),
                Some(_) | None => Err(store_error("CreateTable", error)),
            },
        }
    }

    async fn await_table(&self, table: Table) -> Result<(), StoreError> {
        for _ in 0..100 {
            let answer = self.client.describe_table().table_name(self.tables.name(table)).send().await;
            let described = answer.map_err(|error| store_error("DescribeTable", error))?;
            if described.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(unavailable("CreateTable", "", "the table did not become active"))
    }

    async fn enable_ttl(&self, table: Table) -> Result<(), StoreError> {
        let name = self.tables.name(table);
        let answer = self.client.describe_time_to_live().table_name(name).send().await;
        let described = answer.map_err(|error| store_error("DescribeTimeToLive", error))?;
        let status = described.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
        // TTL cannot be enabled twice.
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let ttl = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(TTL)
            .build()
            .map_err(|error| StoreError::Refused(Box::new(error)))?;
        let answer = self.client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await;
        answer.map(|_| ()).map_err(|error| store_error("UpdateTimeToLive", error))
    }
}
