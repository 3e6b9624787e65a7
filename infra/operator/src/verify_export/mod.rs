//! `latchkey verify-export`: checks that a package is complete, unchanged, and from its stated issuer.
//!
//! 1. Read the package, join its parts, and open it strictly: exactly the files of the format, with no other content between, before or
//!    after them (`archive`).
//! 2. Verify the signature of `manifest.json` with a key of `--jwks` and no other (`signature`). A key inside the package would prove
//!    nothing. Without `--jwks` the result says so, and the exit code is 3, not 0.
//! 3. Compare each file with its length and SHA-256 in the manifest.
//! 4. `--issuer` must be the manifest's issuer.

mod archive;
mod failure;
mod signature;

use crate::verify_export::failure::{VerifyError, printable};
use archive::Archive;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The largest package that is read.
const MAX_BYTES: u64 = 1 << 30;
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.jws";

/// The command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The package as downloaded; if it has several parts, all of them in order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The issuer's public keys: the content of `{issuer}/.well-known/jwks.json`, downloaded over a connection that you trust
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The issuer that the export must be from, such as https://id.example.com
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

/// `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    version: u32,
    issuer: String,
    subject: String,
    as_of: String,
    files: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(rename = "media_type")]
    _media_type: String,
    bytes: u64,
    sha256: String,
}

/// The result for a complete package.
pub(crate) struct Report {
    package: String,
    manifest: Manifest,
    verified_key: Option<VerifiedKey>,
}

/// The key that verified the signature.
struct VerifiedKey {
    kid: String,
    key_set: String,
}

impl Report {
    /// Whether a key that the caller trusts made the signature.
    pub(crate) fn is_verified(&self) -> bool {
        self.verified_key.is_some()
    }
}

/// Verifies the package.
///
/// # Errors
/// The reason why the package is refused.
pub(crate) fn run(arguments: &Arguments) -> Result<Report, VerifyError> {
    let bytes = read_parts(&arguments.files)?;
    let mut archive = Archive::open(&bytes)?;
    let manifest_bytes = archive.take(MANIFEST)?;
    let signature = archive.take(SIGNATURE)?;
    // Check the signature first: the manifest cannot be trusted before.
    let verified_key = arguments.jwks.as_deref().map(|path| verify_signature(path, &manifest_bytes, &signature)).transpose()?;
    let manifest = read_manifest(&manifest_bytes)?;
    if verified_key.is_none() {
        signature::parse(&signature)?;
    }
    compare(&manifest, archive)?;
    if let Some(expected) = arguments.issuer.as_ref().filter(|expected| **expected != manifest.issuer) {
        return Err(VerifyError::Issuer { found: printable(&manifest.issuer), expected: expected.clone() });
    }
    let package = arguments.files.first().map(|path| display_path(path)).unwrap_or_default();
    Ok(Report { package, manifest, verified_key })
}

fn read_parts(files: &[PathBuf]) -> Result<Vec<u8>, VerifyError> {
    let mut bytes = Vec::new();
    for path in files {
        let unreadable = |error| VerifyError::Unreadable(display_path(path), error);
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes.len() as u64 + length > MAX_BYTES {
            return Err(VerifyError::TooLarge);
        }
        bytes.extend(std::fs::read(path).map_err(unreadable)?);
    }
    Ok(bytes)
}

fn verify_signature(path: &Path, manifest: &[u8], signature: &[u8]) -> Result<VerifiedKey, VerifyError> {
    let key_set = std::fs::read(path).map_err(|error| VerifyError::Unreadable(display_path(path), error))?;
    let kid = signature::verify(&display_path(path), &key_set, manifest, signature)?;
    Ok(VerifiedKey { kid, key_set: display_path(path) })
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, VerifyError> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| VerifyError::Manifest(error.to_string()))?;
    if manifest.format != "latchkey-export" || manifest.version != 1 {
        return Err(VerifyError::Manifest("its format is not known to this command".to_owned()));
    }
    Ok(manifest)
}

/// The archive must have exactly the files of the manifest, each with the stated content.
fn compare(manifest: &Manifest, mut archive: Archive<'_>) -> Result<(), VerifyError> {
    let mut seen = BTreeSet::new();
    for entry in &manifest.files {
        let content = archive.take(&entry.name)?;
        let sha256 = HEXLOWER.encode(digest(&SHA256, &content).as_ref());
        let is_same = content.len() as u64 == entry.bytes && sha256 == entry.sha256;
        if !is_same || !seen.insert(&entry.name) {
            return Err(VerifyError::Changed(printable(&entry.name)));
        }
    }
    match archive.remaining_names().next() {
        Some(name) => Err(VerifyError::Foreign(printable(name))),
        None => Ok(()),
    }
}

fn display_path(path: &Path) -> String {
    printable(&path.display().to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, manifest: Manifest { issuer, subject, as_of, files, .. }, verified_key } = self;
        let names: Vec<String> = files.iter().map(|file| printable(&file.name)).collect();
        let issuer = printable(issuer);
        match verified_key {
            Some(_) => writeln!(f, "verified: {package}")?,
            None => writeln!(f, "whole, but not verified: {package}")?,
        }
        writeln!(f, "  issuer   {issuer}")?;
        writeln!(f, "  subject  {}", printable(subject))?;
        writeln!(f, "  as of    {}", printable(as_of))?;
        writeln!(f, "  files    {}", names.join(", "))?;
        match verified_key {
            Some(VerifiedKey { kid, key_set }) => {
                writeln!(f, "  signed   with key {kid} of {key_set}: this result is worth as much as your trust in that file")
            }
            None => {
                writeln!(f, "  signed   not checked: anyone could have made this package.")?;
                writeln!(
                    f,
                    "           Get {issuer}/.well-known/jwks.json over a connection that you trust, and give --jwks FILE."
                )
            }
        }
    }
}
