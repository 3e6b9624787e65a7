//! The versions of a document and their texts.

use super::compare::newest;
use crate::command_error::CommandError;
use crate::target::Target;
use crate::terminal::{columns, say, say_json};
use latchkey::domain::id::TenantId;
use latchkey::store::tenant::{DocumentSource, TenantDocument};
use serde::Serialize;

#[derive(Serialize)]
struct Version<'a> {
    version: u64,
    stored_at: String,
    source: DocumentSource,
    by: Option<&'a str>,
    comment: Option<&'a str>,
    bytes: usize,
}

impl<'a> From<&'a TenantDocument> for Version<'a> {
    fn from(stored: &'a TenantDocument) -> Self {
        Self {
            version: stored.version,
            stored_at: stored.stored_at.to_string(),
            source: stored.origin.source,
            by: stored.origin.by.as_deref(),
            comment: stored.origin.comment.as_deref(),
            bytes: stored.document.len(),
        }
    }
}

/// `latchkey config history`
pub(super) async fn history(target: &Target, tenant: &TenantId, json: bool) -> Result<(), CommandError> {
    let documents = target.store.tenant(tenant.clone()).find_documents().await;
    let documents = documents.map_err(|error| CommandError::caused_by("the versions cannot be read", &error))?;
    let versions: Vec<Version<'_>> = documents.iter().rev().map(Version::from).collect();
    if json {
        return say_json(&versions);
    }
    if versions.is_empty() {
        return Err(no_document(tenant));
    }
    let heading = ["version", "stored", "by", "bytes", "why"].map(str::to_owned);
    let rows = versions.iter().map(|version| {
        let by = match version.source {
            DocumentSource::Operator => version.by.unwrap_or("unnamed"),
            DocumentSource::File => "(the gateway's --config or --tenant)",
            DocumentSource::Shipped => "(the document that ships)",
        };
        let why = version.comment.unwrap_or_default().to_owned();
        [version.version.to_string(), version.stored_at.clone(), by.to_owned(), version.bytes.to_string(), why]
    });
    say(&columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}

/// `latchkey config show`
pub(super) async fn show(target: &Target, tenant: &TenantId, version: Option<u64>) -> Result<(), CommandError> {
    let found = match version {
        None => newest(target, tenant).await?,
        Some(version) => {
            let found = target.store.tenant(tenant.clone()).find_document(version).await;
            found.map_err(|error| CommandError::caused_by(&format!("version {version} cannot be read"), &error))?
        }
    };
    let missing = || {
        version.map_or_else(
            || no_document(tenant),
            |version| CommandError::new(format!("tenant {tenant} has no version {version}")),
        )
    };
    say(&found.ok_or_else(missing)?.document)
}

fn no_document(tenant: &TenantId) -> CommandError {
    CommandError::new(format!("tenant {tenant} has no document: apply one with `latchkey config apply FILE`"))
}
