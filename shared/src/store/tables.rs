//! The definitions of the three tables, for the embedded engine and tests (deployed, the template makes them).
use super::{Store, StoreError};

impl Store {
    /// Creates the tables that are missing (with streams and TTL).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        todo!()
    }
}
