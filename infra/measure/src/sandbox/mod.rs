//! The environment of a function's process: the Runtime API, the tables and KMS, all on loopback, all in the measuring process. Only the
//! function runs in a process of its own, so its CPU time and memory are measured separately.

mod runtime_api;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt as _;
use latchkey::context::Clock;
use latchkey_local::world::World;
use runtime_api::RuntimeApi;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::kms::FakeKms;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Longer than any start takes.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A deployment on loopback: tables with a tenant and its keys, and a KMS that unwraps them.
pub struct Deployment {
    /// The same tables and keys in this process, to prepare requests.
    pub world: World,
    dynamodb: SocketAddr,
    kms: SocketAddr,
}

/// A function's process.
pub struct Process {
    child: Child,
    api: RuntimeApi,
    begun: Instant,
}

impl Deployment {
    /// Serves the tables and KMS, and creates the tenant's keys.
    ///
    /// # Panics
    /// If it cannot listen on loopback.
    pub async fn new() -> Self {
        let kms = FakeKms::up();
        let builder = World::builder().origin("https://id.example.com").vault(kms.vault()).clock(Clock::system());
        let world = builder.build().await.expect("a world");
        drop(tests::OAuthClient::demo_service(&world).client_credentials().await.tokens());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let dynamodb = listener.local_addr().expect("an address");
        tokio::spawn(dynoxide::server::serve_on(listener, world.engine.database().clone()));
        let kms = serve(Router::new().fallback(async move |request: Request<Body>| answer_as(&kms, request).await)).await;
        Self { world, dynamodb, kms }
    }

    /// Starts a binary as Lambda does.
    ///
    /// # Panics
    /// If the binary does not exist.
    pub async fn start(&self, binary: &Path) -> Process {
        let (api, router) = RuntimeApi::new();
        let address = serve(router).await;
        let variables = [
            ("AWS_LAMBDA_RUNTIME_API", address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "measured".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "measured".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb)),
            ("AWS_ENDPOINT_URL_KMS", format!("http://{}", self.kms)),
            ("LATCHKEY_ORIGIN", "https://id.example.com".to_owned()),
            ("LATCHKEY_IDENTITIES_TABLE", "identities".to_owned()),
            ("LATCHKEY_KEYS_TABLE", "keys".to_owned()),
            ("LATCHKEY_AUDIT_TABLE", "audit".to_owned()),
            ("LATCHKEY_KMS_KEY_ID", "key-1".to_owned()),
            ("LATCHKEY_MAIL_QUEUE_URL", "https://sqs.invalid/mail".to_owned()),
        ];
        let mut command = Command::new(binary);
        command.env_clear().envs(variables).stdin(Stdio::null()).stdout(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().expect("the binary: build it first");
        Process { child, api, begun }
    }
}

impl Process {
    /// The time from its start to its first poll for an event.
    ///
    /// # Panics
    /// If it does not poll.
    pub async fn ready(&mut self) -> Duration {
        let asked = tokio::time::timeout(START_TIMEOUT, self.api.asked()).await.expect("the function asks for an event");
        asked.duration_since(self.begun)
    }

    /// Sends it an event. Returns its answer, and the time of the answer since its start.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn answer(&mut self, event: &Value) -> (Value, Duration) {
        self.api.check_forwarded_password(event);
        let (answer, at) = tokio::time::timeout(START_TIMEOUT, self.api.answered()).await.expect("the function answers");
        (answer, at.duration_since(self.begun))
    }

    /// Its resident memory, in bytes.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// The CPU time of all its threads so far.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn busy(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).expect("the process");
        let nanos = |thread: std::fs::DirEntry| -> Option<u64> {
            std::fs::read_to_string(thread.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
        };
        Duration::from_nanos(threads.flatten().filter_map(nanos).sum())
    }

    fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let router = router.clone();
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                router.clone().oneshot(request.map(Body::new))
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service);
            tokio::spawn(async move {
                // A stopped process aborts its connections.
                let _ = connection.await;
            });
        }
    });
    address
}

/// The tests' KMS over HTTP.
async fn answer_as(kms: &FakeKms, request: Request<Body>) -> Response {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut asked = HttpRequest::new(SdkBody::from(body.to_vec()));
    asked.headers_mut().insert("x-amz-target", target);
    let answer = kms.call(asked).await.expect("the KMS answers");
    let body = answer.body().bytes().unwrap_or_default().to_vec();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(answer.status().as_u16()).expect("a status");
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}
