//! The package: one ZIP file that a person can open and a program can read.
//!
//! | file | what it is |
//! |---|---|
//! | `README.txt` | what is what, in the reader's language |
//! | `export.html` | a page to read and print: nothing in it comes from elsewhere, no script |
//! | `export.json` | the same for programs ([`Document`]) |
//! | `schema.json` | the JSON Schema of `export.json` |
//! | `history.csv` | what happened, as a table |
//! | `manifest.json` | issuer, subject, moment, and each file above with its length and SHA-256 |
//! | `manifest.jws` | the issuer's signature over `manifest.json`: JWS, ES256, detached content (RFC 7515 appendix F) |
//!
//! The same document gives the same bytes, but for the signature: ES256 takes a fresh random value each time. So the signature's file
//! and what follows it always lie in one part, the last, and parts that were built at different times fit together.

mod csv;
mod html;
mod manifest;
mod readme;

pub use csv::cell;
pub use manifest::TYP as MANIFEST_TYP;

use latchkey::digest::sha256;
use latchkey::domain::export::Document;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::services::Tenant;
use latchkey::web::Problem;
use serde::Serialize;
use std::io::{Cursor, Write as _};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// What the package is.
pub const MEDIA_TYPE: &str = "application/zip";
/// The JSON Schema (2020-12) of `export.json`.
pub const SCHEMA: &str = include_str!("schema.json");
/// A part, in bytes: Lambda answers with at most 6 MB, and binary grows by a third on the way (base64).
pub const PART: usize = 4 * 1024 * 1024;

const SIGNATURE: &str = "manifest.jws";

/// A file of the package.
struct File {
    name: &'static str,
    media_type: &'static str,
    content: Vec<u8>,
}

/// A whole package.
pub struct Package {
    bytes: Vec<u8>,
    /// Where the signature's file begins: nothing behind it is the same twice.
    tail_at: usize,
    manifest_digest: [u8; 32],
    lasting_digest: [u8; 32],
}

impl Package {
    /// Packs a document, signed by the tenant.
    ///
    /// # Errors
    /// When the signing key fails, or a fault of ours.
    pub async fn build(tenant: &Tenant, document: &Document) -> Result<Self, Problem> {
        let file = |name, media_type, content| File { name, media_type, content };
        let mut files = vec![
            file("README.txt", "text/plain", readme::write(tenant, document).into_bytes()),
            file("export.html", "text/html", html::write(tenant, document)?.into_bytes()),
            file("export.json", "application/json", json(document)?),
            file("schema.json", "application/schema+json", SCHEMA.into()),
            file("history.csv", "text/csv", csv::write(document).into_bytes()),
        ];
        let manifest = json(&manifest::of(document, &files))?;
        let signature = tenant.keys.signing()?.sign_detached(SigningAlgorithm::ES256, MANIFEST_TYP, &manifest).await?;
        let manifest_digest = sha256(&manifest);
        files.push(file("manifest.json", "application/json", manifest));
        files.push(file(SIGNATURE, "application/jose", signature.into_bytes()));
        let (bytes, tail_at) = archive(&files, time_of(document)).map_err(|error| {
            tracing::error!(%error, "a package could not be written");
            Problem::internal()
        })?;
        Ok(Self { bytes, tail_at, manifest_digest, lasting_digest: sha256(&json(&document.lasting())?) })
    }
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
    /// Whether it is empty: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
    /// In how many parts it comes.
    #[must_use]
    pub fn parts(&self) -> u16 {
        u16::try_from(self.tail_at.div_ceil(PART).max(1)).unwrap_or(u16::MAX)
    }
    /// What must be the same when it is read. One part has no other to disagree with: there, what changes by mere use, and records
    /// that were still on their way, may differ. Of several parts every byte must fit.
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        if self.parts() == 1 { self.lasting_digest } else { self.manifest_digest }
    }
    /// One part, counted from 1.
    #[must_use]
    pub fn part(&self, number: u16) -> Option<Vec<u8>> {
        let from = usize::from(number.checked_sub(1)?) * PART;
        let to = if number == self.parts() { self.bytes.len() } else { from + PART };
        self.bytes.get(from..to).map(<[u8]>::to_vec)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec_pretty(value).map_err(|_| {
        tracing::error!("an export has no form as JSON");
        Problem::internal()
    })
}

/// The files as they are, uncompressed: their bytes depend on nothing but what is in them. And where the last one begins.
fn archive(files: &[File], time: DateTime) -> Result<(Vec<u8>, usize), ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(time)
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        writer.start_file(file.name, options)?;
        writer.write_all(&file.content)?;
    }
    let bytes = writer.finish()?.into_inner();
    let tail_at = ZipArchive::new(Cursor::new(&bytes))?.by_name(SIGNATURE)?.header_start();
    Ok((bytes, usize::try_from(tail_at).unwrap_or(usize::MAX)))
}

/// The moment of the export as ZIP writes times (even seconds).
fn time_of(document: &Document) -> DateTime {
    let text = document.as_of.0.to_string();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default();
    let small = |from: usize| u8::try_from(number(from, from + 2)).unwrap_or_default();
    DateTime::from_date_and_time(number(0, 4), small(5), small(8), small(11), small(14), small(17)).unwrap_or_default()
}
