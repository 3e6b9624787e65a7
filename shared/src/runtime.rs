//! Cold start: reads the environment once, builds the clients, and hands a router to Lambda.
//!
//! 1. Logs are JSON lines on stdout. A panic is logged with its location, never with its message.
//! 2. The environment is read. All its faults are reported at once.
//! 3. All AWS clients share one HTTP client with TLS. Region and credentials come from Lambda's variables, without the default chain.
//! 4. While the sandbox still has its full processor, the connections are opened, and the tenant document and the keys are loaded
//!    concurrently.
//! 5. Events are handled one at a time.

mod environment;
pub mod gateway;
pub mod log;
pub mod self_invoker;

use crate::context::{Clock, Deadline, Random};
use crate::delivery::{MailChannel, MailQueue, Mailer};
use crate::domain::id::TenantId;
use crate::keys::{KeyVault, Keys, LegacyKeys, PasswordHasher};
use crate::legacy_directory::LegacyDirectory;
use crate::purpose::Purpose;
use crate::services::{Services, SourceLimiter, Tenants};
use crate::store::{Store, Tables};
use crate::web::problem::chain;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use aws_types::SdkConfig;
use axum::Router;
pub use environment::Environment;
use environment::{FUNCTION_NAME, MAIL_QUEUE_URL, RETURN_TENANT};
use gateway::front::Front;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
pub use log::json_lines;
use self_invoker::SelfInvoker;
use std::process::ExitCode;
use std::time::Duration;

/// The timeouts of connecting to AWS, and of one attempt of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_500);
/// The timeout of one AWS call with all its attempts. The function's own timeout is longer, and the gateway's is 29 s.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
const ATTEMPTS: u32 = 3;
/// If the response to a mail is lost, it may have been sent. It is retried at most once here; then the queue retries later.
const MAIL_ATTEMPTS: u32 = 2;
/// The timeout of the warm-up. Lambda ends an init after 10 s.
const WARM_UP: Duration = Duration::from_secs(6);

/// What a function receives in addition to its services.
pub trait FunctionDependencies: Sized {
    /// The variables of this function only. All are required.
    const VARIABLES: &'static [&'static str];
    /// Builds the value. Sends nothing yet.
    fn build(environment: &Environment, aws: &SdkConfig) -> Self;
    /// The tenant that a cold start loads.
    fn tenant(&self) -> TenantId {
        TenantId::default_tenant()
    }
}

/// For a function that needs nothing more.
impl FunctionDependencies for () {
    const VARIABLES: &'static [&'static str] = &[];
    fn build(_: &Environment, _: &SdkConfig) -> Self {}
}

/// For a function that answers HTTP.
impl FunctionDependencies for Front {
    const VARIABLES: &'static [&'static str] = &[];
    fn build(environment: &Environment, _: &SdkConfig) -> Self {
        environment.front.clone()
    }
}

/// For the function that signs users in.
impl FunctionDependencies for Option<LegacyDirectory> {
    const VARIABLES: &'static [&'static str] = &[];
    #[cfg(feature = "legacy-directory")]
    fn build(environment: &Environment, aws: &SdkConfig) -> Self {
        let mut pools = aws_sdk_cognitoidentityprovider::config::Builder::from(aws);
        pools.set_endpoint_url(environment.endpoint("COGNITO_IDENTITY_PROVIDER"));
        // A retry would be one more guess for the pool. The single attempt gets the whole time, because the pool's triggers may take seconds.
        let patience = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT).build();
        let once = pools.retry_config(RetryConfig::disabled()).timeout_config(patience);
        Some(LegacyDirectory::cognito(aws_sdk_cognitoidentityprovider::Client::from_conf(once.build())))
    }
    #[cfg(not(feature = "legacy-directory"))]
    fn build(_: &Environment, _: &SdkConfig) -> Self {
        None
    }
}

/// For the function that exchanges tokens of the legacy user pool.
impl FunctionDependencies for LegacyKeys {
    const VARIABLES: &'static [&'static str] = &[];
    fn build(environment: &Environment, _: &SdkConfig) -> Self {
        Self::fetched(connector(), environment.endpoint("COGNITO_IDENTITY_PROVIDER"))
    }
}

/// For the few requests that no SDK makes. It follows no redirects.
fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ATTEMPT_TIMEOUT).build();
    let connector = aws_smithy_http_client::Connector::builder()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .connector_settings(settings)
        .build();
    SharedHttpConnector::new(connector)
}

/// For the function that a user pool calls for the users of one tenant.
impl FunctionDependencies for TenantId {
    const VARIABLES: &'static [&'static str] = &[RETURN_TENANT];
    fn build(environment: &Environment, _: &SdkConfig) -> Self {
        // It was validated when the environment was read.
        environment.own(RETURN_TENANT).parse().unwrap_or_else(|_| TenantId::default_tenant())
    }
    fn tenant(&self) -> TenantId {
        self.clone()
    }
}

/// For a function that receives two values.
impl<One: FunctionDependencies, Other: FunctionDependencies> FunctionDependencies for (One, Other) {
    const VARIABLES: &'static [&'static str] = &[];
    fn build(environment: &Environment, aws: &SdkConfig) -> Self {
        (One::build(environment, aws), Other::build(environment, aws))
    }
}

/// For a function that can continue in another invocation.
impl FunctionDependencies for SelfInvoker {
    const VARIABLES: &'static [&'static str] = &[FUNCTION_NAME];
    fn build(environment: &Environment, _: &SdkConfig) -> Self {
        let region = environment.region.clone();
        Self {
            connector: connector(),
            endpoint: environment.endpoint("LAMBDA").unwrap_or_else(|| format!("https://lambda.{region}.amazonaws.com")),
            region,
            function: environment.own(FUNCTION_NAME),
            credentials: environment.credentials.provider(),
            clock: Clock::system(),
        }
    }
}

/// For the function that sends mail.
impl FunctionDependencies for MailChannel {
    const VARIABLES: &'static [&'static str] = &[MAIL_QUEUE_URL];
    fn build(environment: &Environment, aws: &SdkConfig) -> Self {
        let mut sqs = aws_sdk_sqs::config::Builder::from(aws);
        sqs.set_endpoint_url(environment.endpoint("SQS"));
        let mut ses = aws_sdk_sesv2::config::Builder::from(aws);
        ses.set_endpoint_url(environment.endpoint("SESV2"));
        let ses = ses.retry_config(RetryConfig::standard().with_max_attempts(MAIL_ATTEMPTS));
        Self {
            queue: MailQueue::new(aws_sdk_sqs::Client::from_conf(sqs.build()), environment.own(MAIL_QUEUE_URL)),
            mailer: Mailer::Ses(aws_sdk_sesv2::Client::from_conf(ses.build())),
        }
    }
}

impl Environment {
    /// The base configuration of every AWS client: one HTTP client, region, credentials, timeouts.
    fn aws(&self) -> SdkConfig {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.provider()))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .build()
    }

    fn vault(&self, aws: &SdkConfig) -> KeyVault {
        let mut kms = aws_sdk_kms::config::Builder::from(aws);
        kms.set_endpoint_url(self.endpoint("KMS"));
        KeyVault::kms_signing(aws_sdk_kms::Client::from_conf(kms.build()), self.kms_key.clone(), self.kms_signing_keys.clone())
    }

    /// Builds the services. Sends nothing yet.
    fn services(self, aws: &SdkConfig, purposes: &[Purpose]) -> Services {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(aws);
        dynamodb.set_endpoint_url(self.endpoint("DYNAMODB"));
        let vault = self.vault(aws);
        let [identities, keys, audit] = self.tables;
        Services {
            origin: self.origin,
            store: Store::new(aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), Tables { identities, keys, audit }),
            keys: Keys::new(vault, purposes),
            tenants: Tenants::default(),
            legacy_directory: None,
            legacy_keys: LegacyKeys::none(),
            clock: Clock::system(),
            random: Random,
            hasher: PasswordHasher::new(1),
            sources: SourceLimiter::default(),
        }
    }
}

/// Runs a function that answers HTTP: its routes behind API Gateway, with keys for these purposes only.
pub fn run(purposes: &'static [Purpose], routes: Router<Services>) -> ExitCode {
    start(purposes, async move |services, front: Front| answer_http(services, front, routes).await)
}

/// As [`run`], for the one function that calls the legacy directory.
pub fn run_with_legacy_directory(purposes: &'static [Purpose], routes: Router<Services>) -> ExitCode {
    start(purposes, async move |services, (front, legacy_directory): (Front, Option<LegacyDirectory>)| {
        answer_http(Services { legacy_directory, ..services }, front, routes).await
    })
}

/// As [`run`], for the one function that exchanges tokens of the legacy user pool.
pub fn run_with_legacy_keys(purposes: &'static [Purpose], routes: Router<Services>) -> ExitCode {
    start(purposes, async move |services, (front, legacy_keys): (Front, LegacyKeys)| {
        answer_http(Services { legacy_keys, ..services }, front, routes).await
    })
}

async fn answer_http(services: Services, front: Front, routes: Router<Services>) -> Result<(), lambda_runtime::Error> {
    let clock = services.clock.clone();
    let router = crate::web::mount(services, routes);
    let handler = service_fn(move |event: LambdaEvent<gateway::Event>| {
        let (router, front, deadline) = (router.clone(), front.clone(), deadline(event.context.deadline, &clock));
        async move { Ok::<_, lambda_runtime::Error>(gateway::answer_behind(&front, router, event.payload, deadline).await) }
    });
    lambda_runtime::run(handler).await
}

/// When Lambda ends an invocation. Lambda gives milliseconds since the epoch, which are converted with the system clock once.
#[must_use]
pub fn deadline(ends_at: u64, clock: &Clock) -> Deadline {
    let now = u64::try_from(clock.now().millis()).unwrap_or_default();
    Deadline::after(Duration::from_millis(ends_at.saturating_sub(now)))
}

/// Starts any function: prepares its services and its additional value, warms them up, and passes them to `serve`, which handles
/// events until the end.
///
/// Exits with 2 if the environment is incomplete.
pub fn start<Given, Serve, Serving>(purposes: &'static [Purpose], serve: Serve) -> ExitCode
where
    Given: FunctionDependencies,
    Serve: FnOnce(Services, Given) -> Serving,
    Serving: Future<Output = Result<(), lambda_runtime::Error>>,
{
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let get = |name: &str| std::env::var(name).ok();
    // Before the environment is checked: its faults are logged, too.
    log_to_stdout(get(METRICS).as_deref().unwrap_or(log::NAMESPACE));
    let environment = match Environment::read(get, Given::VARIABLES) {
        Ok(environment) => environment,
        Err(faults) => {
            tracing::error!(faults = faults.join("; "), "the environment is not complete: set these variables of the function");
            return ExitCode::from(2);
        }
    };
    // One request at a time: a second thread would cost memory without a benefit.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not be started");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(async {
        let aws = environment.aws();
        let given = Given::build(&environment, &aws);
        let services = environment.services(&aws, purposes);
        warm_up(&services, &given.tenant()).await;
        serve(services, given).await
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function ended");
            ExitCode::FAILURE
        }
    }
}

/// Connects to DynamoDB and KMS and loads the tenant, so that the first request finds everything ready. A failure is not fatal: the
/// first request retries.
pub async fn warm_up(services: &Services, tenant: &TenantId) {
    // The first random number is slow: it gathers entropy.
    let _ = services.random.bytes::<16>();
    let now = services.clock.now();
    let store = services.store.tenant(tenant.clone());
    let both = async {
        let (document, opened) =
            tokio::join!(services.tenants.find(tenant, &services.store, now), services.keys.open(&store, now));
        document?;
        opened?;
        // Missing keys are made now, because the document names the signer.
        services.tenant(tenant).await
    };
    match tokio::time::timeout(WARM_UP, both).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = chain(&error), "the tenant could not be loaded in the warm-up"),
        Err(_) => tracing::warn!("the warm-up took too long"),
    }
}

/// The namespace of the metrics of this deployment.
const METRICS: &str = "LATCHKEY_METRICS";

fn log_to_stdout(namespace: &str) {
    let is_first = tracing::subscriber::set_global_default(log::json_lines_in(namespace, std::io::stdout)).is_ok();
    if is_first {
        // A panic message may contain a value of the request.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic");
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Mail;
    use crate::domain::delivery::{Delivery, MailOrder};
    use crate::domain::id::AccountId;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers every request with 400, and returns what it requested: the operation in its headers, or the path.
    async fn refuse_one(listener: &TcpListener) -> String {
        let accepted = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        let (mut stream, _) = accepted.expect("no client connected").unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0, "a request ended early");
        }
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await.unwrap();
        let request = String::from_utf8_lossy(&request).into_owned();
        let target = request.lines().find_map(|line| line.strip_prefix("x-amz-target: ")).map(str::to_owned);
        target.unwrap_or_else(|| request.split(' ').nth(1).unwrap_or_default().to_owned())
    }

    /// security 141: an attempt ends before its operation. `tests` checks the limits of operation, function and gateway.
    #[test]
    fn each_timeout_is_shorter_than_the_next() {
        assert!(CONNECT_TIMEOUT < ATTEMPT_TIMEOUT && ATTEMPT_TIMEOUT * ATTEMPTS < OPERATION_TIMEOUT);
        assert!(WARM_UP < Duration::from_secs(10), "Lambda ends an init then");
    }

    /// A local AWS is reached by plain HTTP at one address, which it sets in the functions' environment.
    #[tokio::test]
    async fn every_client_uses_the_endpoint_of_the_environment() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let get = |name: &str| {
            Some(match name {
                "AWS_ENDPOINT_URL" => endpoint.clone(),
                "LATCHKEY_ORIGIN" => "https://id.example.com".to_owned(),
                MAIL_QUEUE_URL => "https://sqs.eu-central-1.amazonaws.com/123456789012/mail".to_owned(),
                "AWS_REGION" => "eu-central-1".to_owned(),
                _ if name.starts_with("AWS_ENDPOINT_URL_") => return None,
                "LATCHKEY_KMS_SIGNING_KEYS" | "LATCHKEY_ORIGIN_SECRET_SHA256" => return None,
                _ => name.to_lowercase(),
            })
        };
        let environment = Environment::read(get, &[FUNCTION_NAME, MAIL_QUEUE_URL]).unwrap();
        let aws = environment.aws();
        let (self_invoker, vault) = (SelfInvoker::build(&environment, &aws), environment.vault(&aws));
        let MailChannel { queue, mailer } = MailChannel::build(&environment, &aws);
        let store = environment.services(&aws, &[]).store.tenant(TenantId::default_tenant());

        let (asked, answer) = tokio::join!(refuse_one(&listener), store.find_tenant_document());
        assert_eq!((asked.as_str(), answer.is_err()), ("DynamoDB_20120810.Query", true));
        let tenant = TenantId::default_tenant();
        let (asked, answer) = tokio::join!(refuse_one(&listener), vault.wrap(&tenant, Purpose::Data, b"key"));
        assert_eq!((asked.as_str(), answer.is_err()), ("TrentService.Encrypt", true));
        let order = MailOrder::PasswordChanged { account: AccountId::from_bytes([1; 16]), flow: None };
        let deliveries = [Delivery { tenant, event_id: "01K".to_owned(), due: None, order }];
        let (asked, answer) = tokio::join!(refuse_one(&listener), queue.send(&deliveries));
        assert_eq!((asked.as_str(), answer.is_err()), ("AmazonSQS.SendMessageBatch", true));
        let text = String::new;
        let (id, from, to, subject, sent_at) = (text(), text(), text(), text(), text());
        let mail = Mail { id, from, to, subject, text: text(), html: text(), sent_at, links: Vec::new(), codes: Vec::new() };
        let (asked, answer) = tokio::join!(refuse_one(&listener), mailer.send(mail));
        assert_eq!((asked.as_str(), answer.is_err()), ("/v2/email/outbound-emails", true));
        let event = serde_json::Value::Null;
        let refusals = async {
            let first = refuse_one(&listener).await;
            (refuse_one(&listener).await, refuse_one(&listener).await, first)
        };
        let ((.., asked), answer) = tokio::join!(refusals, self_invoker.invoke(&event));
        let path = "/2015-03-31/functions/aws_lambda_function_name/invocations";
        assert_eq!((asked.as_str(), answer.is_err()), (path, true));
    }
}
