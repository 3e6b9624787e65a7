//! The tenant that a path names.

use crate::domain::id::TenantId;

/// The tenant that the path names, as text: a request extension set here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TenantName(pub(super) String);

impl Default for TenantName {
    fn default() -> Self {
        Self(TenantId::default_tenant().to_string())
    }
}
