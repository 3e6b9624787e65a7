//! Another implementation of AWS's services, over HTTP.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use latchkey_local::engine::response;
use serde_json::Value;

/// A server that speaks AWS's protocols.
#[derive(Debug, Clone)]
pub struct Remote {
    http: reqwest::Client,
    at: String,
}

impl Remote {
    #[expect(clippy::disallowed_methods, reason = "the environment names the server")]
    /// The server at `LATCHKEY_SECOND_OPINION`.
    ///
    /// # Panics
    /// Panics if the variable is not set.
    #[must_use]
    pub fn from_env() -> Self {
        let at = std::env::var("LATCHKEY_SECOND_OPINION").expect("LATCHKEY_SECOND_OPINION: the address of a moto server");
        Self { http: reqwest::Client::builder().no_proxy().build().expect("a client"), at }
    }

    /// Forwards a request. Returns status and body of the answer.
    ///
    /// # Errors
    /// Fails if there is no answer.
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
