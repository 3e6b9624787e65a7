//! The token that opens the tables to an operator.

use data_encoding::BASE64URL_NOPAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use latchkey::context::Random;
use latchkey::domain::secret::{SecretHash, hash_text};
use std::io::Write as _;
use std::path::Path;

/// The operator token, as a digest.
#[derive(Debug, Clone)]
pub struct OperatorToken(SecretHash);

impl OperatorToken {
    /// Its file in the data folder.
    pub const FILE: &str = "operator-token";

    /// Creates a token and writes it to a file that only the owner can read.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_new(folder: &Path, random: Random) -> std::io::Result<Self> {
        let token = BASE64URL_NOPAD.encode(&random.bytes::<32>());
        let path = folder.join(Self::FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(token.as_bytes())?;
        Ok(Self(hash_text(&token)))
    }

    /// Whether the access key id of the request is the token.
    pub(super) fn is_presented(&self, headers: &HeaderMap) -> bool {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let credential = authorization.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/'));
        credential.is_some_and(|(key_id, _)| hash_text(key_id) == self.0)
    }
}
