//! Reads the terms of a tenant document: what users accept, from when, and what an acceptance is evidence of.

use super::form::is_name;
use super::reader::{Table, read_link};
use crate::domain::tenant::{Localized, TermsDocument};
use crate::domain::time::{Span, Timestamp};

/// For how long users can postpone a new version, unless the document says otherwise.
const GRACE: Span = Span::days(14);
const MAX_GRACE: Span = Span::days(365);

pub(super) fn read_terms(tables: Vec<Table<'_, '_>>) -> Vec<TermsDocument> {
    let mut terms: Vec<TermsDocument> = Vec::new();
    for mut table in tables {
        let document = table.required_text("document");
        let version = table.required_text("version");
        let title = table.localized("title");
        let place = table.at("url");
        let url = read_link(&mut table, "url");
        let required = table.flag("required", true);
        let (from, grace) = read_change(&mut table, required);
        let (text, sha256) = read_evidence(&mut table);
        if url.is_none() {
            table.report.refuse(&place, "is missing: users must be able to read what they accept");
        }
        if let Some(document) = &document {
            if !is_name(&document.value) {
                table.report.refuse(&document.place, "must be 1 to 40 characters of a-z 0-9 _ and begin with a letter");
            }
            if terms.iter().any(|known| known.document == document.value) {
                table.report.refuse(&document.place, "is listed twice: keep one entry, with the current version");
            }
        }
        if let Some(version) = &version
            && (version.value.is_empty() || version.value.len() > 40 || !version.value.bytes().all(|b| b.is_ascii_graphic()))
        {
            table.report.refuse(&version.place, "must be 1 to 40 printable ASCII characters without a space");
        }
        if let (Some(document), Some(version)) = (document, version) {
            let title = title.unwrap_or_else(|| Localized::from(document.value.replace('_', " ")));
            let (document, version) = (document.value, version.value);
            let url = url.unwrap_or_default();
            terms.push(TermsDocument { document, version, title, url, required, from, grace, text, sha256 });
        }
        table.close();
    }
    terms
}

/// From when existing users are asked for the version, and for how long they can postpone it.
fn read_change(table: &mut Table<'_, '_>, required: bool) -> (Option<Timestamp>, Span) {
    let (from_place, grace_place) = (table.at("from"), table.at("grace"));
    let has_grace = table.has("grace");
    let has_from = table.has("from");
    let from = table.day("from");
    let grace = table.span("grace", Span::ZERO..=MAX_GRACE, GRACE);
    if !required && has_from {
        table.report.refuse(&from_place, "belongs to a required document: an optional one is never asked for at a sign-in");
    }
    if has_grace && !has_from {
        table.report.refuse(&grace_place, "counts from the day in `from`, which is missing");
    }
    (from, grace)
}

/// The text, and its SHA-256: of the text, or as the document gives it.
fn read_evidence(table: &mut Table<'_, '_>) -> (Localized, Localized) {
    let place = table.at("sha256");
    let text = table.long_localized("text").unwrap_or_default();
    let given = table.localized("sha256").unwrap_or_default();
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !given.0.values().all(is_hash) {
        table.report.refuse(&place, "must be 64 hexadecimal digits in lower case, as sha256sum writes them");
    }
    if text.0.is_empty() {
        return (text, given);
    }
    if !given.0.is_empty() {
        table.report.refuse(&place, "is computed from `text`: give one of the two");
    }
    let hashes = TermsDocument::hashes_of(&text);
    (text, hashes)
}
