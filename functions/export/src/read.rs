//! Starts an export and reads it: shared by API and pages.

use crate::export_request::ExportRequest;
use crate::package::Package;
use crate::personal_data;
use latchkey::domain::audit::EventKind;
use latchkey::domain::export::{Document, PersonalData, document};
use latchkey::domain::id::ClientId;
use latchkey::domain::time::Timestamp;
use latchkey::store::audit::event_of;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{AccountCredential, NotRecent, Problem, TenantHandle};

/// The result of starting an export.
pub(crate) enum StartOutcome {
    /// It can be downloaded with this id.
    Ready(String),
    /// The session or token is no longer valid.
    SignedOut,
    /// The sign-in is too old, or weaker than the account needs (RFC 9470).
    NotRecent(NotRecent),
}

/// The result of reading an export.
pub(crate) enum ReadOutcome {
    /// One part.
    Part(Part),
    /// The session or token is no longer valid.
    SignedOut,
    /// This user has no such export, or it has no such part.
    Unknown,
    /// The data has changed.
    Stale,
}

/// One part of a package.
pub(crate) struct Part {
    /// The content.
    pub(crate) bytes: Vec<u8>,
    /// The file name.
    pub(crate) name: String,
}

/// Starts an export: reads and packs all data, and writes an audit record. An export is recorded once, here, before any of it can be
/// downloaded; the package contains that record too.
pub(crate) async fn begin(
    handle: &TenantHandle,
    presented: &AccountCredential,
    client_id: Option<ClientId>,
    locale: &str,
) -> Result<StartOutcome, Problem> {
    let as_of = handle.now();
    let Some((principal, mut personal_data)) = personal_data::load(handle, presented, as_of).await? else {
        return Ok(StartOutcome::SignedOut);
    };
    if let Err(needed) = principal.require_recent(as_of) {
        return Ok(StartOutcome::NotRecent(needed));
    }
    let event = event_of(EventKind::DataExported, presented.account(), client_id, &handle.request);
    personal_data.history.push(event.clone());
    personal_data.history.sort_by(|one, other| other.id.cmp(&one.id));
    let document = document_of(handle, personal_data, locale, as_of);
    let package = Package::build(&handle.tenant, &document).await?;
    let request =
        ExportRequest { as_of, parts: package.parts(), bytes: package.len(), pin: package.pin(), locale: locale.to_owned() };
    let id = request.seal(handle, presented)?;
    handle.tenant.store.record(&event, handle.tenant.config.retention.audit, &handle.request).await?;
    Ok(StartOutcome::Ready(id))
}

/// Reads one part of an export, from 1. All data is read and packed again.
pub(crate) async fn read(
    handle: &TenantHandle,
    presented: &AccountCredential,
    id: &str,
    part: u16,
) -> Result<ReadOutcome, Problem> {
    let Some(request) = ExportRequest::open(handle, presented, id)? else { return Ok(ReadOutcome::Unknown) };
    let Some((_, personal_data)) = personal_data::load(handle, presented, request.as_of).await? else {
        return Ok(ReadOutcome::SignedOut);
    };
    let package = Package::build(&handle.tenant, &document_of(handle, personal_data, &request.locale, request.as_of)).await?;
    if package.parts() != request.parts || package.pin() != request.pin {
        return Ok(ReadOutcome::Stale);
    }
    let name = file_name(&request, part);
    Ok(package.part(part).map_or(ReadOutcome::Unknown, |bytes| ReadOutcome::Part(Part { bytes, name })))
}

fn document_of(handle: &TenantHandle, personal_data: PersonalData, locale: &str, as_of: Timestamp) -> Document {
    document(personal_data, &handle.tenant.config, &handle.tenant.issuer, locale, as_of)
}

/// For example `export-2026-03-01.zip`. If there are several parts, the name ends in the part number, as tools that join files expect.
fn file_name(request: &ExportRequest, part: u16) -> String {
    let day = request.as_of.to_string();
    let day = day.split('T').next().unwrap_or_default();
    if request.parts == 1 { format!("export-{day}.zip") } else { format!("export-{day}.zip.{part:03}") }
}

/// 404: the export does not exist.
pub(crate) fn unknown() -> Problem {
    let detail = "This export does not exist for this sign-in, or its hour has passed. Please start a new one.";
    Problem::new(ProblemKind::NotFound, detail)
}

/// 409: the data has changed.
pub(crate) fn stale() -> Problem {
    let detail = "Your data has changed since this export was prepared. Please start a new one.";
    Problem::new(ProblemKind::ExportStale, detail)
}
