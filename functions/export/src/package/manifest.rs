//! `manifest.json`: the content list of the package, covered by the signature.

use super::file::File;
use data_encoding::HEXLOWER;
use latchkey::digest::sha256;
use latchkey::domain::export::{Document, Moment};
use latchkey::domain::id::Sub;
use serde::Serialize;

/// The `typ` of this signature only, so that no other token of Latchkey is accepted as a manifest, and vice versa (RFC 8725 §3.11).
pub const TYP: &str = "latchkey-export-manifest";

/// The manifest. No member has the name of a JWT claim: even if the content were put back into the JWS, no verifier would find a valid
/// token in it.
#[derive(Serialize)]
pub(super) struct Manifest<'a> {
    format: &'static str,
    version: u32,
    issuer: &'a str,
    subject: Sub,
    as_of: Moment,
    files: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    media_type: &'static str,
    bytes: usize,
    /// Hexadecimal, in the format of `sha256sum`.
    sha256: String,
}

pub(super) fn of<'a>(document: &'a Document, files: &[File]) -> Manifest<'a> {
    let entry = |file: &File| Entry {
        name: file.name,
        media_type: file.media_type,
        bytes: file.content.len(),
        sha256: HEXLOWER.encode(&sha256(&file.content)),
    };
    Manifest {
        format: "latchkey-export",
        version: 1,
        issuer: &document.issuer,
        subject: document.account.sub,
        as_of: document.as_of,
        files: files.iter().map(entry).collect(),
    }
}
