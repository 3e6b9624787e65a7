//! A document file: reads it, replaces its placeholder, validates it.

use super::options::TenantOption;
use crate::command_error::CommandError;
use crate::target::{Place, Target};
use crate::terminal::say;
use latchkey::config::document::DocumentErrors;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::TenantConfig;
use latchkey::services::Origin;
use std::path::PathBuf;

/// A document file and its tenant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DocumentFile {
    /// The document (TOML)
    #[arg(value_name = "FILE")]
    path: PathBuf,
    #[command(flatten)]
    tenant: TenantOption,
}

/// A valid document.
pub(super) struct Document {
    /// The tenant that it belongs to.
    pub(super) tenant: TenantId,
    /// The text as stored.
    pub(super) text: String,
    /// The parsed document.
    pub(super) config: TenantConfig,
}

impl DocumentFile {
    /// Reads the file for this target.
    pub(super) fn read_for(&self, target: &Target) -> Result<Document, CommandError> {
        match target.place {
            Place::Local => self.read(Some(&target.origin)),
            Place::Stack(_) => self.read(None),
        }
    }

    fn read(&self, origin: Option<&Origin>) -> Result<Document, CommandError> {
        let shown = self.path.display().to_string();
        let text =
            std::fs::read_to_string(&self.path).map_err(|error| CommandError::new(format!("cannot read {shown}: {error}")))?;
        let text = origin.map_or(text.clone(), |origin| text.replace("{origin}", origin.as_str()));
        let tenant = self.tenant.tenant.clone();
        let config = TenantConfig::parse(&tenant, &text).map_err(|errors| invalid_document(&shown, &errors))?;
        Ok(Document { tenant, text, config })
    }
}

/// The error message: every error on its own line.
pub(super) fn invalid_document(what: &str, errors: &DocumentErrors) -> CommandError {
    let lines: Vec<String> = errors.0.iter().map(|error| format!("\n  {error}")).collect();
    CommandError::new(format!("{what} is not valid:{}", lines.concat()))
}

/// `latchkey config validate`
pub(super) fn validate(file: &DocumentFile, origin: Option<&str>) -> Result<(), CommandError> {
    let origin = origin.map(Origin::parse).transpose().map_err(|why| CommandError::new(format!("--origin {why}")))?;
    let config = file.read(origin.as_ref())?.config;
    say(&format!(
        "{} is valid (fields: {}, terms: {}, clients: {}, resources: {})\n",
        file.path.display(),
        config.registration.fields.len(),
        config.registration.terms.len(),
        config.clients.len(),
        config.resources.len(),
    ))
}
