//! Continues in another invocation of the same function: the one call of the Lambda API that Latchkey makes (Invoke, asynchronous).
//!
//! The SDK of that API is as large as all others together, and one signed POST is all that is needed. Starting an invocation twice is
//! harmless: a lease protects the work.

use crate::context::Clock;
use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Starts another invocation of this function.
#[derive(Clone)]
pub struct SelfInvoker {
    pub(super) connector: SharedHttpConnector,
    /// Such as `https://lambda.eu-central-1.amazonaws.com`.
    pub(super) endpoint: String,
    pub(super) region: String,
    /// The name of this function.
    pub(super) function: String,
    pub(super) credentials: Credentials,
    pub(super) clock: Clock,
}

impl fmt::Debug for SelfInvoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("endpoint", &self.endpoint).field("function", &self.function).finish_non_exhaustive()
    }
}

/// No other invocation was started.
#[derive(Debug, thiserror::Error)]
#[error("no further invocation was started: {0}")]
pub struct InvokeError(String);

const TRIES: u32 = 3;
/// The pause between two tries.
#[cfg(not(test))]
const PAUSE: Duration = Duration::from_millis(200);
#[cfg(test)]
const PAUSE: Duration = Duration::ZERO;

impl SelfInvoker {
    /// Starts the function with this event. The invocation runs soon, on its own.
    ///
    /// # Errors
    /// If the API refused three times.
    pub async fn invoke(&self, event: &Value) -> Result<(), InvokeError> {
        let mut failure = String::new();
        for tried in 0..TRIES {
            tokio::time::sleep(PAUSE * tried).await;
            let request = self.request(&event.to_string()).map_err(|error| InvokeError(error.to_string()))?;
            match self.connector.call(request).await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => failure = format!("status {}", answer.status().as_u16()),
                Err(error) => failure = error.to_string(),
            }
        }
        Err(InvokeError(failure))
    }

    fn request(&self, event: &str) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
        let url = format!("{}/2015-03-31/functions/{}/invocations", self.endpoint, self.function);
        let mut request = http::Request::post(&url)
            .header("content-type", "application/json")
            .header("x-amz-invocation-type", "Event")
            .body(event.to_owned())?;
        let identity: Identity = self.credentials.clone().into();
        let now = u64::try_from(self.clock.now().millis())?;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("POST", url.as_str(), headers, SignableBody::Bytes(event.as_bytes()))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(HttpRequest::try_from(request.map(aws_smithy_types::body::SdkBody::from))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use std::sync::{Arc, Mutex};

    /// Returns these statuses in order, and records the requests.
    #[derive(Debug, Clone, Default)]
    struct Api(Arc<Mutex<(Vec<u16>, Vec<HttpRequest>)>>);

    impl HttpConnector for Api {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let mut api = self.0.lock().unwrap();
            api.1.push(request);
            let status = api.0.remove(0);
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())))
        }
    }

    fn self_invoker(statuses: &[u16]) -> (SelfInvoker, Api) {
        let api = Api(Arc::new(Mutex::new((statuses.to_vec(), Vec::new()))));
        let self_invoker = SelfInvoker {
            connector: SharedHttpConnector::new(api.clone()),
            endpoint: "https://lambda.eu-central-1.amazonaws.com".to_owned(),
            region: "eu-central-1".to_owned(),
            function: "latchkey-Retention-1".to_owned(),
            credentials: Credentials::new("AKIA", "hunter2", Some("session".to_owned()), None, "test"),
            clock: Clock::frozen(Timestamp::from_seconds(1_772_366_400)),
        };
        (self_invoker, api)
    }

    #[tokio::test]
    async fn an_invocation_is_a_signed_request_with_the_event() {
        let (self_invoker, api) = self_invoker(&[202]);
        self_invoker.invoke(&serde_json::json!({ "job": "retention" })).await.unwrap();
        let sent = api.0.lock().unwrap();
        let [request] = &sent.1[..] else { panic!("{sent:?}") };
        assert_eq!(request.method(), "POST");
        let path = "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/latchkey-Retention-1/invocations";
        assert_eq!(request.uri(), path);
        assert_eq!(request.headers().get("x-amz-invocation-type"), Some("Event"));
        assert_eq!(request.headers().get("x-amz-security-token"), Some("session"));
        let authorization = request.headers().get("authorization").unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-central-1/lambda/aws4_request, SignedHeaders=";
        assert!(authorization.starts_with(scope), "{authorization}");
        assert!(authorization.contains("x-amz-invocation-type") && !authorization.contains("hunter2"));
        assert_eq!(request.body().bytes(), Some(br#"{"job":"retention"}"#.as_slice()));
    }

    #[tokio::test]
    async fn a_throttled_invocation_is_retried_and_fails_after_the_third_try() {
        let (patient, _) = self_invoker(&[429, 500, 202]);
        patient.invoke(&Value::Null).await.unwrap();
        let (refused, api) = self_invoker(&[429, 500, 503]);
        assert!(refused.invoke(&Value::Null).await.unwrap_err().to_string().contains("503"));
        assert!(api.0.lock().unwrap().0.is_empty());
        assert!(!format!("{refused:?}").contains("hunter2"), "security 126");
    }
}
