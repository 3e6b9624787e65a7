//! Reading the tenant document.
use super::TenantConfig;
use crate::domain::id::TenantId;

/// Everything that is wrong with a document, each by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentErrors(pub Vec<DocumentError>);

/// One thing that is wrong: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// The path, such as `clients[2].redirect_uris[0]`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for DocumentErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", error.path, error.message)?;
        }
        Ok(())
    }
}

impl TenantConfig {
    /// Reads and validates a tenant document.
    ///
    /// # Errors
    /// Every error in it, each with its path.
    pub fn parse(tenant: &TenantId, document: &str) -> Result<Self, DocumentErrors> {
        let _ = (tenant, document);
        todo!()
    }
}
