//! Why a package is not what it says.

/// Why a package was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// Larger than any export.
    #[error("the package is larger than 1 GiB")]
    TooLarge,
    /// Not a package, or an incomplete one.
    #[error("this is not a whole export package: {0}. Was it cut off, or is a part missing?")]
    NotAPackage(String),
    /// There is content that the manifest does not list.
    #[error("the package has content that its manifest does not list: {0}")]
    Foreign(String),
    /// The manifest lists a missing file.
    #[error("{0} is missing")]
    Missing(String),
    /// The manifest is malformed.
    #[error("manifest.json cannot be read: {0}")]
    Manifest(String),
    /// The key set is malformed.
    #[error("the key set {0} cannot be read: {1}")]
    KeySet(String, String),
    /// The signature does not have the form of an export signature.
    #[error("manifest.jws is not a signature of an export: {0}")]
    SignatureForm(String),
    /// The key set does not have the key.
    #[error(
        "the key set {1} has no key {0}. It is the key set of another issuer, or the key was replaced since: an export is verified with the keys of its time"
    )]
    UnknownKey(String, String),
    /// The signature does not match the manifest.
    #[error("the signature does not match manifest.json: the manifest was changed, or signed with another key")]
    Signature,
    /// A file does not match the manifest.
    #[error("{0} was changed: its length or SHA-256 is not that of the manifest")]
    Changed(String),
    /// The export is from another issuer.
    #[error("the export is from {found}, not from {expected}")]
    Issuer {
        /// In the manifest.
        found: String,
        /// On the command line.
        expected: String,
    },
}

/// Text of a package for the terminal, without control characters: it cannot move the cursor or hide output.
pub(super) fn printable(text: &str) -> String {
    text.escape_debug().to_string()
}
