//! The service over HTTP: `doctor` checks it, and commands find the local gateway with it.

use crate::command_error::CommandError;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use latchkey::services::Origin;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::Path;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a cold start takes.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The TLS trust: the system's roots, and optionally an additional certificate authority.
#[derive(Debug, Clone)]
pub(crate) struct Trust(TlsContext);

impl Trust {
    /// The system's roots, and the certificates in this PEM file.
    pub(crate) fn new(own: Option<&Path>) -> Result<Self, CommandError> {
        let mut store = TrustStore::default();
        if let Some(path) = own {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| CommandError::new(format!("cannot read {shown}: {error}")))?;
            // Validate here: the HTTP client would abort the process.
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            if !certificates.is_ok_and(|certificates| !certificates.is_empty()) {
                return Err(CommandError::new(format!(
                    "{shown} has no PEM certificate; give the file of the certificate authority"
                )));
            }
            store = store.with_pem_certificate(pem);
        }
        let context = TlsContext::builder().with_trust_store(store).build();
        context.map(Self).map_err(|error| CommandError::caused_by("TLS cannot be set up", &error))
    }

    /// An HTTP client for SDKs.
    pub(crate) fn client(&self) -> SharedHttpClient {
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(self.0.clone()).build_https()
    }

    fn connector(&self, is_https: bool) -> SharedHttpConnector {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let builder = Connector::builder().connector_settings(settings);
        SharedHttpConnector::new(if is_https {
            builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(self.0.clone()).build()
        } else {
            builder.build_http()
        })
    }
}

/// Where the service is contacted, and its host name.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    connector: SharedHttpConnector,
    at: String,
    host: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    /// All values of a header.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    /// The body as JSON; `null` if it is not JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Site {
    /// The service of this origin. With `at`, contacts another address but keeps the origin's host name.
    pub(crate) fn new(trust: &Trust, origin: &Origin, at: Option<&str>) -> Self {
        let at = at.unwrap_or(origin.as_str()).trim_end_matches('/').to_owned();
        let host = (at != origin.as_str()).then(|| origin.as_str().split_once("://").map_or("", |(_, host)| host).to_owned());
        Self { connector: trust.connector(at.starts_with("https://")), at, host }
    }

    /// Sends a request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer, CommandError> {
        self.send_with(method, path, headers, String::new()).await
    }

    /// Sends a request with this body.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, CommandError> {
        let url = format!("{}{path}", self.at);
        let failed = |error: &dyn std::error::Error| CommandError::caused_by(&format!("{url} cannot be reached"), error);
        let mut request = http::Request::builder().method(method).uri(&url);
        if let Some(host) = &self.host {
            request = request.header(http::header::HOST, host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(SdkBody::from(body)).map_err(|error| failed(&error))?;
        let request = HttpRequest::try_from(request).map_err(|error| failed(&error))?;
        let answer = self.connector.call(request).await.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = ByteStream::new(answer.into_body()).collect().await.map_err(|error| failed(&error))?.to_vec();
        Ok(Answer { status, headers, body })
    }

    /// `GET`, without further headers.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, CommandError> {
        self.send("GET", path, &[]).await
    }
}
