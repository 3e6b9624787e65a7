//! The certificate and key of an https gateway.

use super::StartError;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// Reads a certificate chain and its private key.
///
/// # Errors
/// Which file is wrong, why, and what to do.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, StartError> {
    let chain =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|error| {
            StartError::certificate(certificate, &error, "--tls-cert needs a PEM file with the certificate chain")
        })?;
    if chain.is_empty() {
        return Err(StartError::certificate(certificate, &"it contains no certificate", "--tls-cert needs a PEM file"));
    }
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| StartError::certificate(key, &error, "--tls-key needs a PEM file with the private key"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der))
        .map_err(|error| StartError::certificate(certificate, &error, "give a certificate and the key that belongs to it"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
