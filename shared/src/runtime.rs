//! Cold start: reads the environment once, builds the clients, hands a router to Lambda.
//!
//! 1. JSON lines to stdout; a panic is logged by where it happened, never by what it said.
//! 2. The environment is read, every fault of it named at once.
//! 3. One HTTP client with TLS for all of AWS; region and credentials as Lambda gives them, without the default chain.
//! 4. While the sandbox still has its full processor: the handshakes, the tenant's document and its keys, all at once.
//! 5. Events are taken, one at a time.

pub mod again;
pub mod gateway;

use crate::domain::id::TenantId;
use crate::keys::{KeyVault, Keys, PasswordHasher, Purpose};
use crate::services::{Clock, Deadline, Origin, Random, Services, Tenants};
use crate::store::{Store, Tables};
use crate::web::problem::chain;
use again::Again;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use axum::Router;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use std::process::ExitCode;
use std::time::Duration;

/// What the environment says; read once.
#[derive(Debug, PartialEq, Eq)]
struct Environment {
    /// `LATCHKEY_ORIGIN`: https, a host, nothing else.
    origin: Origin,
    /// `LATCHKEY_IDENTITIES_TABLE`, `LATCHKEY_KEYS_TABLE`, `LATCHKEY_AUDIT_TABLE`.
    tables: [String; 3],
    /// `LATCHKEY_KMS_KEY_ID`: the key that wraps keyrings.
    kms_key: String,
    /// `AWS_REGION`.
    region: String,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: the function's role, as Lambda sets them.
    credentials: AwsCredentials,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_KMS`: other endpoints, for measuring against an engine of one's own.
    endpoints: [Option<String>; 2],
    /// `AWS_LAMBDA_FUNCTION_NAME`: this function, as Lambda sets it.
    function: String,
}

#[derive(PartialEq, Eq)]
struct AwsCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl std::fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AwsCredentials(…)")
    }
}

impl Environment {
    /// Reads it from `get`; every fault by its variable's name.
    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut required = |name: &str| {
            get(name).filter(|value| !value.is_empty()).unwrap_or_else(|| {
                faults.push(format!("{name} is not set"));
                String::new()
            })
        };
        let origin = required("LATCHKEY_ORIGIN");
        let tables = [required("LATCHKEY_IDENTITIES_TABLE"), required("LATCHKEY_KEYS_TABLE"), required("LATCHKEY_AUDIT_TABLE")];
        let (kms_key, region) = (required("LATCHKEY_KMS_KEY_ID"), required("AWS_REGION"));
        let credentials = AwsCredentials {
            access_key_id: required("AWS_ACCESS_KEY_ID"),
            secret_access_key: required("AWS_SECRET_ACCESS_KEY"),
            session_token: get("AWS_SESSION_TOKEN"),
        };
        let endpoints = [get("AWS_ENDPOINT_URL_DYNAMODB"), get("AWS_ENDPOINT_URL_KMS")];
        let function = get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        // Cookies without Secure are for a developer's own machine only.
        let origin = match Origin::parse(&origin) {
            Ok(origin) if origin.is_https() => Some(origin),
            Ok(_) => {
                faults.push("LATCHKEY_ORIGIN must begin with https://".to_owned());
                None
            }
            Err(_) if origin.is_empty() => None,
            Err(error) => {
                faults.push(format!("LATCHKEY_ORIGIN: {error}"));
                None
            }
        };
        match origin {
            Some(origin) if faults.is_empty() => Ok(Self { origin, tables, kms_key, region, credentials, endpoints, function }),
            Some(_) | None => Err(faults),
        }
    }
}

/// How long AWS may take: connecting, one attempt, all attempts. The function's own limit is longer, the gateway's 29 s.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_500);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
const ATTEMPTS: u32 = 3;
/// How long the warm-up may take: Lambda ends an init after 10 s.
const WARM_UP: Duration = Duration::from_secs(6);

impl Environment {
    /// What starts this function again.
    fn again(&self, clock: Clock) -> Again {
        let AwsCredentials { access_key_id, secret_access_key, session_token } = &self.credentials;
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ATTEMPT_TIMEOUT).build();
        let connector = aws_smithy_http_client::Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .connector_settings(settings)
            .build();
        Again {
            connector: SharedHttpConnector::new(connector),
            endpoint: format!("https://lambda.{}.amazonaws.com", self.region),
            region: self.region.clone(),
            function: self.function.clone(),
            credentials: Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "environment"),
            clock,
        }
    }

    /// Builds the clients; sends nothing yet.
    fn services(self, purposes: &[Purpose]) -> Services {
        let http: SharedHttpClient = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let AwsCredentials { access_key_id, secret_access_key, session_token } = self.credentials;
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "environment");
        let region = Region::new(self.region);
        let [dynamodb_endpoint, kms_endpoint] = self.endpoints;

        let mut dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http.clone())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .timeout_config(timeouts.clone())
            .retry_config(retries.clone());
        dynamodb.set_endpoint_url(dynamodb_endpoint);
        let mut kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .region(region)
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(retries);
        kms.set_endpoint_url(kms_endpoint);

        let [identities, keys, audit] = self.tables;
        let vault = KeyVault::kms(aws_sdk_kms::Client::from_conf(kms.build()), self.kms_key);
        Services {
            origin: self.origin,
            store: Store::new(aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), Tables { identities, keys, audit }),
            keys: Keys::new(vault, purposes),
            tenants: Tenants::default(),
            clock: Clock::system(),
            random: Random,
            hasher: PasswordHasher::new(1),
        }
    }
}

/// Runs a function that answers HTTP: its routes behind API Gateway, with keys for these purposes only.
pub fn run(purposes: &'static [Purpose], routes: Router<Services>) -> ExitCode {
    start(purposes, async move |services| {
        let clock = services.clock.clone();
        let router = crate::web::mount(services, routes);
        let handler = service_fn(move |event: LambdaEvent<gateway::Event>| {
            let (router, deadline) = (router.clone(), deadline(event.context.deadline, &clock));
            async move { Ok::<_, lambda_runtime::Error>(gateway::answer(router, event.payload, deadline).await) }
        });
        lambda_runtime::run(handler).await
    })
}

/// When Lambda ends an invocation: it says so in milliseconds since the epoch, which are read against the system's clock once.
#[must_use]
pub fn deadline(ends_at: u64, clock: &Clock) -> Deadline {
    let now = u64::try_from(clock.now().millis()).unwrap_or_default();
    Deadline::after(Duration::from_millis(ends_at.saturating_sub(now)))
}

/// Starts any function: prepares its services, warms them up, then hands them to `serve`, which takes events until the end.
///
/// Exits with 2 when the environment is not complete.
pub fn start<Serve, Serving>(purposes: &'static [Purpose], serve: Serve) -> ExitCode
where
    Serve: FnOnce(Services) -> Serving,
    Serving: Future<Output = Result<(), lambda_runtime::Error>>,
{
    start_again(purposes, |services, _| serve(services))
}

/// As [`start`], for a function that can go on in an invocation of its own.
pub fn start_again<Serve, Serving>(purposes: &'static [Purpose], serve: Serve) -> ExitCode
where
    Serve: FnOnce(Services, Again) -> Serving,
    Serving: Future<Output = Result<(), lambda_runtime::Error>>,
{
    log_to_stdout();
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let environment = match Environment::read(|name| std::env::var(name).ok()) {
        Ok(environment) => environment,
        Err(faults) => {
            tracing::error!(faults = faults.join("; "), "the environment is not complete: set these variables of the function");
            return ExitCode::from(2);
        }
    };
    // One request at a time: a second thread would only be paid for.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime can't be started");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(async {
        let again = environment.again(Clock::system());
        let services = environment.services(purposes);
        warm_up(&services).await;
        serve(services, again).await
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function ended");
            ExitCode::FAILURE
        }
    }
}

/// Makes the handshakes with DynamoDB and KMS and loads the default tenant, so that the first request finds all of it. A failure
/// is no reason to end: the first request tries again.
pub async fn warm_up(services: &Services) {
    let (tenant, now) = (TenantId::default_tenant(), services.clock.now());
    let store = services.store.tenant(tenant.clone());
    // The first random number is slow (it gathers entropy).
    let _ = services.random.bytes::<16>();
    let both = async { tokio::join!(services.tenants.find(&tenant, &services.store, now), services.keys.tenant(&store, now)) };
    match tokio::time::timeout(WARM_UP, both).await {
        Ok((document, keys)) => {
            if let Err(error) = document {
                tracing::warn!(error = chain(&error), "the tenant document is not warm");
            }
            if let Err(error) = keys {
                tracing::warn!(error = chain(&error), "the keys are not warm");
            }
        }
        Err(_) => tracing::warn!("the warm-up took too long"),
    }
}

/// One JSON object a line, with the request's span; values are escaped, so that no input can begin a line of its own (security 126).
pub fn json_lines<W>(writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        // Lambda writes the time beside each line.
        .without_time()
        .with_max_level(tracing::Level::INFO)
        .with_writer(writer)
        .finish()
}

fn log_to_stdout() {
    let is_first = tracing::subscriber::set_global_default(json_lines(std::io::stdout)).is_ok();
    if is_first {
        // What a panic says may carry a value of the request.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic");
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn complete() -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([
            ("LATCHKEY_ORIGIN", "https://id.example.com"),
            ("LATCHKEY_IDENTITIES_TABLE", "identities"),
            ("LATCHKEY_KEYS_TABLE", "keys"),
            ("LATCHKEY_AUDIT_TABLE", "audit"),
            ("LATCHKEY_KMS_KEY_ID", "alias/latchkey"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ])
    }
    fn read(variables: &BTreeMap<&str, &str>) -> Result<Environment, Vec<String>> {
        Environment::read(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn every_fault_of_the_environment_is_named_at_once() {
        assert!(read(&complete()).is_ok());
        assert_eq!(read(&BTreeMap::new()).unwrap_err().len(), 8);
        for name in complete().into_keys() {
            let mut variables = complete();
            variables.insert(name, "");
            assert_eq!(read(&variables).unwrap_err(), [format!("{name} is not set")]);
        }
        for (origin, words) in
            [("http://id.example.com", "https://"), ("https://id.example.com/x", "origin only"), ("x", "address")]
        {
            let mut variables = complete();
            variables.insert("LATCHKEY_ORIGIN", origin);
            let faults = read(&variables).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(words), "{faults:?}");
        }
    }

    #[test]
    fn the_environment_does_not_print_its_secret() {
        // security 126
        assert!(!format!("{:?}", read(&complete())).contains("hunter2"));
    }
}
