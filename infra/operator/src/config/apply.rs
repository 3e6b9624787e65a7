//! Putting a document in force: a new one, or an old one again.

use super::Note;
use super::compare::{compare, newest};
use super::document::{Document, DocumentFile, invalid};
use crate::refused::Refused;
use crate::target::{Place, Target};
use crate::terminal::{confirm, say};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::{Signer, TenantConfig};
use latchkey::store::CommitError;
use latchkey::store::tenant::{DocumentOrigin, DocumentSource};

/// `latchkey config apply`
pub(super) async fn apply(file: &DocumentFile, target: &Target, note: &Note) -> Result<(), Refused> {
    put(&file.read_for(target)?, target, note, note.message.clone()).await
}

/// `latchkey config rollback`: the old text, as a new version.
pub(super) async fn rollback(version: u64, target: &Target, tenant: &TenantId, note: &Note) -> Result<(), Refused> {
    let found = target.store.tenant(tenant.clone()).find_document(version).await;
    let found = found.map_err(|error| Refused::because(&format!("version {version} can't be read"), &error))?;
    let Some(found) = found else {
        let last = newest(target, tenant).await?;
        let words = last.map_or_else(|| "it has none".to_owned(), |last| format!("they go from 1 to {}", last.version));
        return Err(Refused::new(format!("tenant {tenant} has no version {version}: {words}")));
    };
    let config = TenantConfig::parse(tenant, &found.document).map_err(|errors| {
        let refused = invalid(&format!("version {version}, by the rules of this build,"), &errors);
        Refused::new(format!(
            "{refused}\nNothing was written: take it out with `latchkey config show {version}`, correct it, and apply it"
        ))
    })?;
    let document = Document { tenant: tenant.clone(), text: found.document, config };
    let message = note.message.as_ref().map_or_else(|| format!("back to {version}"), |why| format!("back to {version}: {why}"));
    put(&document, target, note, Some(message)).await
}

async fn put(document: &Document, target: &Target, note: &Note, comment: Option<String>) -> Result<(), Refused> {
    if matches!((&target.place, document.config.keys.signer), (Place::Local, Signer::Kms)) {
        return Err(Refused::new(
            "keys.signer = \"kms\": the local gateway has no KMS, and would refuse every request; nothing was written",
        ));
    }
    if matches!(target.place, Place::Local) && document.config.cognito.is_some() {
        return Err(Refused::new(
            "[cognito]: the local gateway asks no user pool, and would refuse whom nobody here knows; nothing was written",
        ));
    }
    let comparison = compare(document, target).await?;
    let tenant = &document.tenant;
    say(&comparison.words(target, tenant))?;
    if comparison.is_in_force() {
        return Ok(());
    }
    let decided_on = comparison.newest.as_ref().map(|newest| newest.version);
    confirm(if decided_on.is_some() { "Put it in force?" } else { "Make this tenant?" }, note.yes)?;
    let origin = DocumentOrigin { source: DocumentSource::Operator, by: Some(note.by.clone()), comment, given: None };
    let store = target.store.tenant(tenant.clone());
    match store.put_document_after(decided_on, &document.text, origin, Clock::system().now()).await {
        Ok(version) => say(&format!("version {version} is in force; what runs follows within a minute\n")),
        Err(CommitError::Conflict(_)) => Err(Refused::new(format!(
            "somebody stored another version of tenant {tenant} meanwhile, so nothing was written; see `latchkey config history`, then plan \
             again"
        ))),
        Err(CommitError::LimitReached) => Err(Refused::new("the table takes no more; nothing was written")),
        Err(CommitError::Store(error)) => Err(Refused::because("the version could not be stored", &error)),
    }
}
