//! The shared counter of a source: its failures or mails in ten minutes (decision 35).

use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::domain::time::Timestamp;
use serde::Deserialize;

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
}
