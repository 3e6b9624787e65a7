//! The package: one ZIP file that a user can open and a program can read.
//!
//! | file | what it is |
//! |---|---|
//! | `README.txt` | an overview of the files, in the reader's language |
//! | `export.html` | a page to read and print; it has no script and loads nothing |
//! | `export.json` | the same data for programs ([`Document`]) |
//! | `schema.json` | the JSON Schema of `export.json` |
//! | `history.csv` | the account's history as a table |
//! | `manifest.json` | issuer, subject, time, and each file above with its length and SHA-256 |
//! | `manifest.jws` | the issuer's signature over `manifest.json`: JWS, ES256, detached content (RFC 7515 appendix F) |
//!
//! The same document gives the same bytes, except for the signature: ES256 uses a new random value each time. The signature file and what
//! follows it are always within the last part, so parts built at different times fit together.

mod csv;
mod file;
mod html;
mod manifest;
mod readme;

pub use csv::cell;
pub use manifest::TYP as MANIFEST_TYP;

use crate::package::file::File;
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

/// The media type of the package.
pub const MEDIA_TYPE: &str = "application/zip";
/// The JSON Schema (2020-12) of `export.json`.
pub const SCHEMA: &str = include_str!("schema.json");
/// The size of a part in bytes. Lambda answers have at most 6 MB, and base64 adds a third.
pub const PART_BYTES: usize = 4 * 1024 * 1024;

const SIGNATURE: &str = "manifest.jws";

/// A complete package.
pub struct Package {
    bytes: Vec<u8>,
    /// The offset of the signature file. The bytes from here on differ in every build.
    tail_at: usize,
    manifest_digest: [u8; 32],
    stable_digest: [u8; 32],
}

impl Package {
    /// Packs a document and signs it with the tenant's key.
    ///
    /// # Errors
    /// If the signing key fails, or on an internal error.
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
        Ok(Self { bytes, tail_at, manifest_digest, stable_digest: sha256(&json(&document.stable_part())?) })
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
    /// The number of parts.
    #[must_use]
    pub fn parts(&self) -> u16 {
        u16::try_from(self.tail_at.div_ceil(PART_BYTES).max(1)).unwrap_or(u16::MAX)
    }
    /// The digest of what must not change between start and download. A package of one part may change in its use counters and late audit
    /// records. If there are several parts, every byte must match.
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        if self.parts() == 1 { self.stable_digest } else { self.manifest_digest }
    }
    /// One part, from 1.
    #[must_use]
    pub fn part(&self, number: u16) -> Option<Vec<u8>> {
        let from = usize::from(number.checked_sub(1)?) * PART_BYTES;
        let to = if number == self.parts() { self.bytes.len() } else { from + PART_BYTES };
        self.bytes.get(from..to).map(<[u8]>::to_vec)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec_pretty(value).map_err(|_| {
        tracing::error!("an export has no form as JSON");
        Problem::internal()
    })
}

/// The ZIP archive, uncompressed, so that its bytes depend on the content only; and the offset of the last file.
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

/// The time of the export in ZIP format (2-second resolution).
fn time_of(document: &Document) -> DateTime {
    let text = document.as_of.0.to_string();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default();
    let small = |from: usize| u8::try_from(number(from, from + 2)).unwrap_or_default();
    DateTime::from_date_and_time(number(0, 4), small(5), small(8), small(11), small(14), small(17)).unwrap_or_default()
}
