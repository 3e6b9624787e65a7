//! Applies a document: a new version, or the text of an earlier one.

use super::compare::{compare, newest};
use super::document::{Document, DocumentFile, invalid_document};
use super::options::ChangeNote;
use crate::command_error::CommandError;
use crate::target::{Place, Target};
use crate::terminal::{confirm, say};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::{Signer, TenantConfig};
use latchkey::store::CommitError;
use latchkey::store::tenant::{DocumentOrigin, DocumentSource};

/// `latchkey config apply`
pub(super) async fn apply(file: &DocumentFile, target: &Target, note: &ChangeNote) -> Result<(), CommandError> {
    store_version(&file.read_for(target)?, target, note, note.message.clone()).await
}

/// `latchkey config rollback`: applies an earlier text as a new version.
pub(super) async fn rollback(version: u64, target: &Target, tenant: &TenantId, note: &ChangeNote) -> Result<(), CommandError> {
    let found = target.store.tenant(tenant.clone()).find_document(version).await;
    let found = found.map_err(|error| CommandError::caused_by(&format!("version {version} cannot be read"), &error))?;
    let Some(found) = found else {
        let last = newest(target, tenant).await?;
        let words =
            last.map_or_else(|| "it has no versions".to_owned(), |last| format!("its versions are 1 to {}", last.version));
        return Err(CommandError::new(format!("tenant {tenant} has no version {version}: {words}")));
    };
    let config = TenantConfig::parse(tenant, &found.document).map_err(|errors| {
        let refused = invalid_document(&format!("version {version}, by the rules of this build,"), &errors);
        CommandError::new(format!(
            "{refused}\nNothing was written: take it out with `latchkey config show {version}`, correct it, and apply it"
        ))
    })?;
    let document = Document { tenant: tenant.clone(), text: found.document, config };
    let message = note.message.as_ref().map_or_else(|| format!("back to {version}"), |why| format!("back to {version}: {why}"));
    store_version(&document, target, note, Some(message)).await
}

async fn store_version(
    document: &Document,
    target: &Target,
    note: &ChangeNote,
    comment: Option<String>,
) -> Result<(), CommandError> {
    if matches!((&target.place, document.config.keys.signer), (Place::Local, Signer::Kms)) {
        return Err(CommandError::new(
            "keys.signer = \"kms\": the local gateway has no KMS, and would refuse every request. Nothing was written",
        ));
    }
    if matches!(target.place, Place::Local) && document.config.legacy_directory.is_some() {
        return Err(CommandError::new(
            "[cognito]: the local gateway cannot reach a user pool, and would refuse users without an account here. Nothing was written",
        ));
    }
    let comparison = compare(document, target, note.walk).await?;
    let tenant = &document.tenant;
    say(&comparison.render(target, tenant))?;
    if comparison.is_in_force() {
        return Ok(());
    }
    if !comparison.is_harmless() && !note.accept {
        return Err(CommandError::new(
            "passkeys would stop working, as counted above, and users would lose a way in. Nothing was written; to accept it, give --accept",
        ));
    }
    let decided_on = comparison.newest.as_ref().map(|newest| newest.version);
    confirm(if decided_on.is_some() { "Apply this version?" } else { "Create this tenant?" }, note.yes)?;
    let origin = DocumentOrigin { source: DocumentSource::Operator, by: Some(note.by.clone()), comment, given: None };
    let store = target.store.tenant(tenant.clone());
    match store.put_document_after(decided_on, &document.text, origin, Clock::system().now()).await {
        Ok(version) => say(&format!("version {version} is in force; running instances pick it up within a minute\n")),
        Err(CommitError::Conflict(_)) => Err(CommandError::new(format!(
            "another version of tenant {tenant} was stored meanwhile, so nothing was written; see `latchkey config history`, then plan \
             again"
        ))),
        Err(CommitError::LimitReached) => {
            Err(CommandError::new("the table accepts no more writes at present. Nothing was written; try again"))
        }
        Err(CommitError::Store(error)) => Err(CommandError::caused_by("the version could not be stored", &error)),
    }
}
