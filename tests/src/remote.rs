//! Another implementation of AWS's services, over HTTP.
#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use latchkey_local::engine::response;
use serde_json::Value;

/// A server of AWS's protocols.
#[derive(Debug, Clone)]
pub struct Remote {
    http: reqwest::Client,
    at: String,
}

impl Remote {
    #[expect(clippy::disallowed_methods, reason = "whoever runs it names the server")]
    /// The one that `LATCHKEY_SECOND_OPINION` names.
    ///
    /// # Panics
    /// When it names none.
    #[must_use]
    pub fn named() -> Self {
        let at = std::env::var("LATCHKEY_SECOND_OPINION").expect("LATCHKEY_SECOND_OPINION: the address of a moto server");
        Self { http: reqwest::Client::builder().no_proxy().build().expect("a client"), at }
    }

    /// Passes a request on: the status and the answer.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn ask(&self, request: &HttpRequest) -> Result<(u16, Value), ConnectorError> {
        let mut sent = self.http.post(&self.at).body(request.body().bytes().unwrap_or_default().to_vec());
        for (name, value) in request.headers() {
            if !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length") {
                sent = sent.header(name, value);
            }
        }
        let answer = sent.send().await.map_err(|error| ConnectorError::io(error.into()))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| ConnectorError::io(error.into()))?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

impl HttpConnector for Remote {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let remote = self.clone();
        HttpConnectorFuture::new(async move {
            let (status, body) = remote.ask(&request).await?;
            response(status, body.to_string())
        })
    }
}
