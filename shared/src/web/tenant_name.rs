//! The tenant in a path.

use crate::domain::id::TenantId;

/// The tenant in the path, as text. `mount` sets it as a request extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TenantName(pub(super) String);

impl Default for TenantName {
    fn default() -> Self {
        Self(TenantId::default_tenant().to_string())
    }
}
