//! A KMS in process, under the real SDK. It wraps data keys and signs. It can be slow, throttled, down or
//! disabled (T8; security 137).
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use data_encoding::BASE64;
use latchkey::keys::KeyVault;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the KMS behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Works normally.
    Up,
    /// Works normally, after this delay.
    Slow(Duration),
    /// Does not answer.
    Down,
    /// Answers `ThrottlingException` to every call.
    Throttled,
    /// Answers `DisabledException` to every call. A retry does not help.
    Disabled,
}

/// A KMS in process. Its "ciphertext" is the plaintext and its encryption context, so it checks that callers pass the right
/// context.
#[derive(Debug, Clone)]
pub struct FakeKms {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Successful calls, by operation.
    answered: BTreeMap<String, u64>,
    /// Signing keys, by id. Created on first use.
    pairs: BTreeMap<String, Arc<SigningKey>>,
}

#[derive(Debug)]
enum SigningKey {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// The signing keys of [`FakeKms::signing_vault`].
pub const SIGNING_KEYS: &str = "ES256=es256-1,RS256=rs256-1";

/// A client that sends its requests to this connector, each once.
#[must_use]
pub fn client(connector: SharedHttpConnector, timeouts: TimeoutConfig) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url("http://kms.invalid")
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    aws_sdk_kms::Client::from_conf(config)
}

impl FakeKms {
    /// A KMS that works.
    #[must_use]
    pub fn up() -> Self {
        let state = State { mode: Mode::Up, answered: BTreeMap::new(), pairs: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Sets the behaviour from now on.
    ///
    /// # Panics
    /// Panics if a test panicked during a call.
    pub fn set(&self, mode: Mode) {
        self.state.lock().expect("the state").mode = mode;
    }

    /// The number of successful calls.
    ///
    /// # Panics
    /// As [`Self::set`].
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.state.lock().expect("the state").answered.values().sum()
    }

    /// The number of successful calls of this operation.
    ///
    /// # Panics
    /// As [`Self::set`].
    #[must_use]
    pub fn answered_to(&self, operation: &str) -> u64 {
        self.state.lock().expect("the state").answered.get(operation).copied().unwrap_or_default()
    }

    /// Replaces the signing key with this id, as an administrator could.
    ///
    /// # Panics
    /// As [`Self::set`].
    pub fn swap_signing_key(&self, id: &str) {
        self.state.lock().expect("the state").pairs.insert(id.to_owned(), Arc::new(SigningKey::named(id)));
    }

    /// A vault of this KMS. It does not retry and waits at most two seconds, so tests stay fast.
    #[must_use]
    pub fn vault(&self) -> KeyVault {
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(2)).build();
        KeyVault::kms(self.client(timeouts), "key-1".to_owned())
    }

    /// A vault of a stack with these signing keys in KMS, such as [`SIGNING_KEYS`]. An id that begins with `es256` is a P-256 key,
    /// any other is an RSA key.
    ///
    /// # Panics
    /// Panics if the keys are not well-formed.
    #[must_use]
    pub fn signing_vault(&self, keys: &str) -> KeyVault {
        KeyVault::kms_signing(self.client(TimeoutConfig::disabled()), "key-1".to_owned(), keys.parse().expect("signing keys"))
    }

    fn client(&self, timeouts: TimeoutConfig) -> aws_sdk_kms::Client {
        client(SharedHttpConnector::new(self.clone()), timeouts)
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.trim_start_matches("TrentService.").to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let (status, answer) = match &*operation {
            "GetPublicKey" | "Sign" => signing_answer(&operation, &body, &self.signing_key(&body)),
            _ => wrapping_answer(&operation, &body),
        };
        if status == 200 {
            *self.state.lock().expect("the state").answered.entry(operation).or_default() += 1;
        }
        respond(status, &answer)
    }

    fn signing_key(&self, body: &Value) -> Arc<SigningKey> {
        let id = body["KeyId"].as_str().unwrap_or_default();
        self.state
            .lock()
            .expect("the state")
            .pairs
            .entry(id.to_owned())
            .or_insert_with(|| Arc::new(SigningKey::named(id)))
            .clone()
    }
}

impl SigningKey {
    fn named(id: &str) -> Self {
        if id.starts_with("es256") {
            Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a pair"))
        } else {
            Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a pair"))
        }
    }
    fn public_key(&self) -> PublicKeyX509Der<'static> {
        match self {
            Self::P256(signing_key) => signing_key.public_key().as_der(),
            Self::Rsa(signing_key) => signing_key.public_key().as_der(),
        }
        .expect("a public key")
    }
    /// Signs as KMS does: takes a digest, returns DER for ECDSA.
    fn sign(&self, algorithm: &str, digest: &Digest) -> Option<Vec<u8>> {
        match (self, algorithm) {
            (Self::P256(signing_key), "ECDSA_SHA_256") => Some(signing_key.sign_digest(digest).ok()?.as_ref().to_vec()),
            (Self::Rsa(signing_key), "RSASSA_PKCS1_V1_5_SHA_256") => {
                let mut signature = vec![0; signing_key.public_modulus_len()];
                signing_key.sign_digest(&RSA_PKCS1_SHA256, digest, &mut signature).ok()?;
                Some(signature)
            }
            _ => None,
        }
    }
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mode = self.state.lock().expect("the state").mode;
        match mode {
            Mode::Up => HttpConnectorFuture::ready(self.answer(&request)),
            Mode::Slow(delay) => {
                let kms = self.clone();
                HttpConnectorFuture::new(async move {
                    tokio::time::sleep(delay).await;
                    kms.answer(&request)
                })
            }
            Mode::Down => HttpConnectorFuture::ready(Err(ConnectorError::timeout("no answer".into()))),
            Mode::Throttled => HttpConnectorFuture::ready(respond(400, &json!({"__type": "ThrottlingException"}))),
            Mode::Disabled => HttpConnectorFuture::ready(respond(400, &json!({"__type": "DisabledException"}))),
        }
    }
}

fn signing_answer(operation: &str, body: &Value, signing_key: &SigningKey) -> (u16, Value) {
    if operation == "GetPublicKey" {
        return (200, json!({"KeyId": body["KeyId"], "PublicKey": BASE64.encode(signing_key.public_key().as_ref())}));
    }
    let message = body["Message"].as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok()).unwrap_or_default();
    let algorithm = body["SigningAlgorithm"].as_str().unwrap_or_default();
    let digest = Digest::import_less_safe(&message, &SHA256).ok().filter(|_| body["MessageType"] == "DIGEST");
    match digest.and_then(|digest| signing_key.sign(algorithm, &digest)) {
        Some(signature) => (200, json!({"KeyId": body["KeyId"], "Signature": BASE64.encode(&signature)})),
        None => (400, json!({"__type": "ValidationException"})),
    }
}

fn wrapping_answer(operation: &str, body: &Value) -> (u16, Value) {
    match operation {
        "Encrypt" => {
            let sealed = json!({"context": body["EncryptionContext"], "plaintext": body["Plaintext"]}).to_string();
            (200, json!({"CiphertextBlob": BASE64.encode(sealed.as_bytes()), "KeyId": body["KeyId"]}))
        }
        "Decrypt" => {
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
