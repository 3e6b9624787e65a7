//! The vault wraps and unwraps keys: AWS KMS when deployed, a sealed key file locally.

use super::KeyError;
use super::aead::{GcmKey, join};
use super::failure::kms_error;
use super::jwk::{PublicJwk, algorithm_name};
use super::remote::{self, KmsSigningKeys};
use crate::context::Random;
use crate::domain::id::TenantId;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::purpose::Purpose;
use aws_sdk_kms::primitives::Blob;
use data_encoding::BASE64URL_NOPAD;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// The first line of a key file.
const FILE_HEADER: &str = "latchkey local vault key, version 1: keep it secret";
/// Longer than any key file.
const FILE_MAX: u64 = 4096;

/// Wraps and unwraps keys. A wrapped key is bound to its tenant and purpose (KMS encryption context).
#[derive(Clone)]
pub struct KeyVault {
    kind: VaultKind,
    calls: Arc<AtomicU64>,
}

#[derive(Clone)]
enum VaultKind {
    Kms { client: aws_sdk_kms::Client, key_id: String, signing: KmsSigningKeys },
    Local(Arc<GcmKey>),
}

impl KeyVault {
    /// A vault over AWS KMS and its key.
    #[must_use]
    pub fn kms(client: aws_sdk_kms::Client, key_id: String) -> Self {
        Self::kms_signing(client, key_id, KmsSigningKeys::default())
    }
    /// A vault over AWS KMS. Its tenants may let KMS sign with these keys.
    #[must_use]
    pub fn kms_signing(client: aws_sdk_kms::Client, key_id: String, signing: KmsSigningKeys) -> Self {
        Self::of(VaultKind::Kms { client, key_id, signing })
    }
    /// The local vault: a key file (mode 0600), created if missing.
    ///
    /// # Errors
    /// If the file cannot be read or created, or is not a key file.
    pub fn file(path: &Path) -> std::io::Result<Self> {
        let key = match read_key_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_key_file(path)?;
                read_key_file(path)?
            }
            other => other?,
        };
        Self::local(key.as_slice()).map_err(|_| Error::other("the key of the local vault can't be used"))
    }
    /// A local vault in memory only.
    #[must_use]
    #[expect(clippy::expect_used, reason = "32 bytes are always a key")]
    pub fn ephemeral() -> Self {
        Self::local(Zeroizing::new(Random.bytes::<32>()).as_slice()).expect("32 bytes are a key")
    }
    /// Wraps a key.
    ///
    /// # Errors
    /// If the vault does not answer or refuses.
    pub async fn wrap(&self, tenant: &TenantId, purpose: Purpose, key: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match &self.kind {
            VaultKind::Kms { client, key_id, .. } => {
                let answer = client
                    .encrypt()
                    .key_id(key_id)
                    .encryption_context("tenant", tenant.as_str())
                    .encryption_context("purpose", purpose.name())
                    .plaintext(Blob::new(key))
                    .send()
                    .await
                    .map_err(kms_error)?;
                answer.ciphertext_blob.map(Blob::into_inner).ok_or(KeyError::Failed("KMS answered without a ciphertext"))
            }
            VaultKind::Local(vault_key) => vault_key.seal(&associated(tenant, purpose), key),
        }
    }
    /// Unwraps a key.
    ///
    /// # Errors
    /// If the vault does not answer or refuses, or the bytes were wrapped for another tenant or purpose.
    pub async fn unwrap(&self, tenant: &TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match &self.kind {
            VaultKind::Kms { client, key_id, .. } => {
                let answer = client
                    .decrypt()
                    // Name the key, so that bytes wrapped under a foreign key are refused.
                    .key_id(key_id)
                    .encryption_context("tenant", tenant.as_str())
                    .encryption_context("purpose", purpose.name())
                    .ciphertext_blob(Blob::new(wrapped))
                    .send()
                    .await
                    .map_err(kms_error)?;
                let plain =
                    answer.plaintext.map(Blob::into_inner).ok_or(KeyError::Failed("KMS answered without a plaintext"))?;
                Ok(Zeroizing::new(plain))
            }
            VaultKind::Local(vault_key) => {
                vault_key.open(&associated(tenant, purpose), wrapped).map(Zeroizing::new).ok_or_else(|| {
                    KeyError::VaultRefused("wrapped by another local vault, or for another tenant or purpose".into())
                })
            }
        }
    }
    /// The KMS keys that sign. A local vault has none.
    pub(super) fn kms_signing_keys(&self) -> KmsSigningKeys {
        match &self.kind {
            VaultKind::Kms { signing, .. } => signing.clone(),
            VaultKind::Local(_) => KmsSigningKeys::default(),
        }
    }
    /// The public half of a KMS signing key.
    pub(super) async fn public_key(&self, key: &str, algorithm: SigningAlgorithm) -> Result<PublicJwk, KeyError> {
        remote::public_key(self.kms_client(algorithm)?, key, algorithm).await
    }
    /// Signs with a KMS key.
    pub(super) async fn sign(&self, key: &str, algorithm: SigningAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        remote::sign(self.kms_client(algorithm)?, key, algorithm, message).await
    }
    fn kms_client(&self, algorithm: SigningAlgorithm) -> Result<&aws_sdk_kms::Client, KeyError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match &self.kind {
            VaultKind::Kms { client, .. } => Ok(client),
            VaultKind::Local(_) => Err(KeyError::NoKmsKey(algorithm_name(algorithm))),
        }
    }
    /// The number of vault calls. If keys sign in process, requests make none, and a first start makes one for each key.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn of(kind: VaultKind) -> Self {
        Self { kind, calls: Arc::default() }
    }
    fn local(key: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::of(VaultKind::Local(Arc::new(GcmKey::new(key)?))))
    }
}

pub(super) fn associated(tenant: &TenantId, purpose: Purpose) -> Vec<u8> {
    join(&[b"local vault", tenant.as_str().as_bytes(), purpose.name().as_bytes()])
}

fn read_key_file(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).map_err(|error| at(path, error))?;
    let metadata = file.metadata().map_err(|error| at(path, error))?;
    refuse_if_others_can_read(path, &metadata)?;
    let mut text = Zeroizing::new(String::with_capacity(FILE_MAX as usize));
    file.take(FILE_MAX).read_to_string(&mut text).map_err(|error| at(path, error))?;
    let not_a_key = || Error::new(ErrorKind::InvalidData, format!("{} is not a key file of the local vault", path.display()));
    let key = text.strip_prefix(FILE_HEADER).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(not_a_key)?;
    let key = BASE64URL_NOPAD.decode(key.trim_end_matches('\n').as_bytes()).map(Zeroizing::new).map_err(|_| not_a_key())?;
    if key.len() == 32 { Ok(key) } else { Err(not_a_key()) }
}

/// Written and synced beside the path, then linked into place: readers see the whole file or none. If two processes start at once,
/// one creates it and both use it.
fn make_key_file(path: &Path) -> std::io::Result<()> {
    let draft = draft_beside(path);
    let written = write_draft(&draft).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = std::fs::remove_file(&draft);
    written.map_err(|error| at(path, error))?;
    removed.map_err(|error| at(&draft, error))?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // Sync the folder, so that the name also survives a power cut.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| at(folder, error))?;
    }
    Ok(())
}

fn draft_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", BASE64URL_NOPAD.encode(&Random.bytes::<9>())));
    path.with_file_name(name)
}

fn write_draft(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let key = Zeroizing::new(BASE64URL_NOPAD.encode(Zeroizing::new(Random.bytes::<32>()).as_slice()));
    file.write_all(FILE_HEADER.as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(key.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_if_others_can_read(path: &Path, metadata: &std::fs::Metadata) -> std::io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::PermissionDenied,
        format!("others can read the key file {path} (mode {mode:o}): run chmod 600 {path}", path = path.display()),
    ))
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_: &Path, _: &std::fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

fn at(path: &Path, error: Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
