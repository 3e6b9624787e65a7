//! A KMS in process, under the real SDK: it can be slow to answer, throttled, down or disabled (T8; security 137).
#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use data_encoding::BASE64;
use latchkey::keys::KeyVault;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// How the KMS behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Up,
    /// No answer.
    Down,
    /// `ThrottlingException` to everything.
    Throttled,
    /// `DisabledException` to everything: no retry mends it.
    Disabled,
}

/// A KMS in process. Its "ciphertext" is the plaintext beside its encryption context: enough to hold callers to the context.
#[derive(Debug, Clone)]
pub struct FakeKms {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    answered: u64,
}

impl FakeKms {
    /// A KMS that is up.
    #[must_use]
    pub fn up() -> Self {
        Self { state: Arc::new(Mutex::new(State { mode: Mode::Up, answered: 0 })) }
    }

    /// Changes how it behaves from now on.
    ///
    /// # Panics
    /// When a test panicked in the middle of a call.
    pub fn set(&self, mode: Mode) {
        self.state.lock().expect("the state").mode = mode;
    }

    /// Calls that it answered well.
    ///
    /// # Panics
    /// As [`Self::set`].
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.state.lock().expect("the state").answered
    }

    /// The vault of this KMS; it retries nothing, so that tests are quick.
    #[must_use]
    pub fn vault(&self) -> KeyVault {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url("http://kms.invalid")
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        KeyVault::kms(aws_sdk_kms::Client::from_conf(config), "key-1".to_owned())
    }
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut state = self.state.lock().expect("the state");
        HttpConnectorFuture::ready(match state.mode {
            Mode::Up => {
                let (status, answer) = answer(&request);
                state.answered += u64::from(status == 200);
                respond(status, &answer)
            }
            Mode::Down => Err(ConnectorError::timeout("no answer".into())),
            Mode::Throttled => respond(400, &json!({"__type": "ThrottlingException"})),
            Mode::Disabled => respond(400, &json!({"__type": "DisabledException"})),
        })
    }
}

fn answer(request: &HttpRequest) -> (u16, Value) {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    match target {
        "TrentService.Encrypt" => {
            let sealed = json!({"context": body["EncryptionContext"], "plaintext": body["Plaintext"]}).to_string();
            (200, json!({"CiphertextBlob": BASE64.encode(sealed.as_bytes()), "KeyId": body["KeyId"]}))
        }
        "TrentService.Decrypt" => {
            let sealed =
                body["CiphertextBlob"].as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok()).unwrap_or_default();
            let sealed: Value = serde_json::from_slice(&sealed).unwrap_or_default();
            if sealed["plaintext"].is_string() && sealed["context"] == body["EncryptionContext"] {
                (200, json!({"Plaintext": sealed["plaintext"], "KeyId": body["KeyId"]}))
            } else {
                (400, json!({"__type": "InvalidCiphertextException"}))
            }
        }
        _ => (400, json!({"__type": "UnsupportedOperationException"})),
    }
}

fn respond(status: u16, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let status = status.try_into().map_err(|_| ConnectorError::other("no such status".into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(body.to_string())))
}
