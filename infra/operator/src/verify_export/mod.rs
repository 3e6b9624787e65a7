//! `latchkey verify-export`: is this package whole, unchanged, and from whom it says?
//!
//! 1. The package is read, its parts joined, and taken apart strictly: exactly the files that the format names, nothing between,
//!    before or behind them that another program might find (`archive`).
//! 2. The signature over `manifest.json` is checked with a key out of `--jwks`, and no other (`signature`): a key that came with the
//!    package would be of whoever made the package. Without `--jwks` the result says so, and the exit code is 3, not 0.
//! 3. Each file is compared with its length and SHA-256 in the manifest.
//! 4. `--issuer` must be the manifest's issuer.

mod archive;
mod signature;

use archive::Archive;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The longest package that is read.
const MAX_BYTES: u64 = 1 << 30;
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.jws";

/// The command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The package as it was downloaded; its parts in order, if it came in several
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The issuer's public keys: what `{issuer}/.well-known/jwks.json` answered, got over a connection that you trust
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The issuer that the export must be from, such as https://id.example.com
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

/// Why a package is not what it says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// A file can't be read.
    #[error("{0} can't be read: {1}")]
    Unreadable(String, std::io::Error),
    /// More than anybody exports.
    #[error("the package is larger than 1 GiB")]
    TooLarge,
    /// Not a package, or not a whole one.
    #[error("this is not a whole export package: {0}. Was it cut off, or is a part missing?")]
    NotAPackage(String),
    /// There is something besides what the manifest lists.
    #[error("the package holds something that no manifest lists: {0}")]
    Foreign(String),
    /// The manifest lists a file that is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// The manifest does not read.
    #[error("manifest.json does not read: {0}")]
    Manifest(String),
    /// The key set does not read.
    #[error("the key set {0} does not read: {1}")]
    KeySet(String, String),
    /// The signature's form is not the one that exports have.
    #[error("manifest.jws is not a signature of an export: {0}")]
    SignatureForm(String),
    /// The key set has no such key.
    #[error(
        "the key set {1} has no key {0}. It is another issuer's, or the key was replaced since: exports are verified with the keys of their time"
    )]
    UnknownKey(String, String),
    /// The signature is not of this key over this manifest.
    #[error("the signature does not fit manifest.json: the manifest was changed, or signed by somebody else")]
    Signature,
    /// A file is not the one that the manifest lists.
    #[error("{0} was changed: its length or SHA-256 is not that of the manifest")]
    Changed(String),
    /// Another issuer's.
    #[error("the export is from {found}, not from {expected}")]
    Issuer {
        /// Of the manifest.
        found: String,
        /// Of the command line.
        expected: String,
    },
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

/// What was found out about a package that holds together.
pub(crate) struct Report {
    package: String,
    manifest: Manifest,
    vouched: Option<Vouched>,
}

/// Whose key the signature was verified with.
struct Vouched {
    kid: String,
    key_set: String,
}

impl Report {
    /// Whether a key that the caller trusts signed it.
    pub(crate) fn is_vouched_for(&self) -> bool {
        self.vouched.is_some()
    }
}

/// Verifies.
///
/// # Errors
/// Why not.
pub(crate) fn run(arguments: &Arguments) -> Result<Report, Refused> {
    let bytes = read_parts(&arguments.files)?;
    let mut archive = Archive::open(&bytes)?;
    let manifest_bytes = archive.take(MANIFEST)?;
    let signature = archive.take(SIGNATURE)?;
    // First the signature: what the manifest says is worth something only then.
    let vouched = arguments.jwks.as_deref().map(|path| vouch(path, &manifest_bytes, &signature)).transpose()?;
    let manifest = read_manifest(&manifest_bytes)?;
    if vouched.is_none() {
        signature::parse(&signature)?;
    }
    compare(&manifest, archive)?;
    if let Some(expected) = arguments.issuer.as_ref().filter(|expected| **expected != manifest.issuer) {
        return Err(Refused::Issuer { found: plain(&manifest.issuer), expected: expected.clone() });
    }
    let package = arguments.files.first().map(|path| shown(path)).unwrap_or_default();
    Ok(Report { package, manifest, vouched })
}

fn read_parts(files: &[PathBuf]) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    for path in files {
        let unreadable = |error| Refused::Unreadable(shown(path), error);
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes.len() as u64 + length > MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        bytes.extend(std::fs::read(path).map_err(unreadable)?);
    }
    Ok(bytes)
}

fn vouch(path: &Path, manifest: &[u8], signature: &[u8]) -> Result<Vouched, Refused> {
    let key_set = std::fs::read(path).map_err(|error| Refused::Unreadable(shown(path), error))?;
    let kid = signature::verify(&shown(path), &key_set, manifest, signature)?;
    Ok(Vouched { kid, key_set: shown(path) })
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, Refused> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| Refused::Manifest(error.to_string()))?;
    if manifest.format != "latchkey-export" || manifest.version != 1 {
        return Err(Refused::Manifest("it is of a format that this command does not know".to_owned()));
    }
    Ok(manifest)
}

/// Exactly the files of the manifest, each as it says.
fn compare(manifest: &Manifest, mut archive: Archive<'_>) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for entry in &manifest.files {
        let content = archive.take(&entry.name)?;
        let sha256 = HEXLOWER.encode(digest(&SHA256, &content).as_ref());
        let is_same = content.len() as u64 == entry.bytes && sha256 == entry.sha256;
        if !is_same || !seen.insert(&entry.name) {
            return Err(Refused::Changed(plain(&entry.name)));
        }
    }
    match archive.left().next() {
        Some(name) => Err(Refused::Foreign(plain(name))),
        None => Ok(()),
    }
}

/// Text of a package, for a terminal: nothing in it can move the cursor or hide what follows.
fn plain(text: &str) -> String {
    text.escape_debug().to_string()
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, manifest: Manifest { issuer, subject, as_of, files, .. }, vouched } = self;
        let names: Vec<String> = files.iter().map(|file| plain(&file.name)).collect();
        let issuer = plain(issuer);
        match vouched {
            Some(_) => writeln!(f, "verified: {package}")?,
            None => writeln!(f, "whole, but not verified: {package}")?,
        }
        writeln!(f, "  issuer   {issuer}")?;
        writeln!(f, "  subject  {}", plain(subject))?;
        writeln!(f, "  as of    {}", plain(as_of))?;
        writeln!(f, "  files    {}", names.join(", "))?;
        match vouched {
            Some(Vouched { kid, key_set }) => {
                writeln!(f, "  signed   with key {kid} of {key_set}: this result is worth as much as your trust in that file")
            }
            None => {
                writeln!(f, "  signed   not checked: anybody could have made this package.")?;
                writeln!(
                    f,
                    "           Get {issuer}/.well-known/jwks.json over a connection that you trust, and say --jwks FILE."
                )
            }
        }
    }
}
