//! The one write: domain words to conditional writes and transactions.
use super::{CommitError, TenantStore};
use crate::domain::change::Changes;
use crate::services::RequestContext;

pub(super) async fn commit(store: &TenantStore, changes: &Changes, request: &RequestContext) -> Result<(), CommitError> {
    let _ = (store, changes, request);
    todo!()
}
