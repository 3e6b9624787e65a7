//! What the stream's consumer reads and counts: changed items as the stream carries them, and mails by recipient.

use super::{StoreError, TenantStore};
use crate::domain::audit::Event;
use crate::domain::delivery::MailPurpose;
use crate::domain::flow::Flow;
use crate::domain::id::TenantId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::time::Timestamp;

/// A change that happened, as the stream tells of it.
#[derive(Debug, Clone)]
pub struct StreamChange {
    /// Whose.
    pub tenant: TenantId,
    /// What happened.
    pub event: Event,
    /// The flow, when the item is one.
    pub flow: Option<Flow>,
}

/// Reads the new image of a stream record; `None` for an image without `event`: nothing happened that is told.
///
/// # Errors
/// [`StoreError::Malformed`] when the image carries an event and does not read.
pub fn read_change(image: serde_dynamo::Item) -> Result<Option<StreamChange>, StoreError> {
    let _ = image;
    todo!()
}

impl TenantStore {
    /// Counts a mail of this purpose to this recipient, before it is sent. `false` when the hour's or the day's are used up.
    /// Counting the same event again changes nothing and gives the same answer. 1 WRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_mail(
        &self,
        recipient: &IdentifierHash,
        purpose: MailPurpose,
        event_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let _ = (recipient, purpose, event_id, now);
        todo!()
    }
}
