//! Counts: runs each operation in a new in-memory world and records its tables, KMS, log and answers.

use super::operations::{OPERATIONS, Operation};
use super::steps::Run;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt as _;
use latchkey::domain::id::TenantId;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::retention::DUE_SHARDS;
use latchkey::keys::Keys;
use latchkey::purpose::Purpose;
use latchkey::runtime::{json_lines, warm_up};
use latchkey::services::{Services, Tenants};
use latchkey::store::{Store, Tables};
use latchkey::web::mount;
use latchkey_local::assemble::{TABLES, routes};
use latchkey_local::engine::client;
use latchkey_local::meter::{Cost, Meter, size_of_item};
use latchkey_local::world::World;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tests::deployed::PURPOSES;
use tests::kms::FakeKms;
use tests::{AccountClient, Customer, OAuthClient, invariants};
use tower::ServiceExt as _;

/// All counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counts {
    /// The versions of Latchkey and of the engine that counted the units.
    pub versions: BTreeMap<&'static str, &'static str>,
    /// The counts of each operation.
    pub operations: Vec<Count>,
    /// The counts of each function's start.
    pub starts: Vec<Start>,
    /// The billed bytes of an item of each kind, for the kinds that a customer has.
    pub items: BTreeMap<String, usize>,
}

/// The counts of one operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Count {
    /// The operation.
    pub name: &'static str,
    /// The function.
    pub function: &'static str,
    /// Its requests to the tables.
    pub tables: TableUsage,
    /// The requests of `events` to the tables that follow from it.
    pub projected: TableUsage,
    /// KMS calls, with those of `events`.
    pub kms: u64,
    /// Mails, each a message of the delivery queue.
    pub mails: usize,
    /// Lines of the log.
    pub log_lines: usize,
    /// The bytes of these lines; a duration counts as two digits.
    pub log_bytes: usize,
    /// Bytes of the answer: headers and body.
    pub answer_bytes: usize,
}

/// Requests to the tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct TableUsage {
    /// Requests.
    pub requests: usize,
    /// Read request units, as counted by the engine.
    pub read: f64,
    /// Write request units, as counted by the engine.
    pub write: f64,
    /// Read request units as computed by the meter, without queries.
    pub own_read: f64,
    /// Write request units as computed by the meter.
    pub own_write: f64,
}

/// The counts of a function's start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Start {
    /// The function.
    pub function: &'static str,
    /// Its requests to the tables.
    pub tables: TableUsage,
    /// KMS calls.
    pub kms: u64,
}

impl From<Cost> for TableUsage {
    fn from(cost: Cost) -> Self {
        let Cost { requests, engine, own } = cost;
        Self { requests, read: engine.read, write: engine.write, own_read: own.read, own_write: own.write }
    }
}

impl Counts {
    /// Runs every operation once.
    ///
    /// # Panics
    /// If an operation fails.
    pub async fn measured() -> Self {
        let mut operations = Vec::new();
        for operation in &OPERATIONS {
            operations.push(Watched::count(operation).await);
        }
        let watched = Watched::new().await;
        let mut starts = Vec::new();
        for (function, purposes) in PURPOSES {
            starts.push(watched.start(function, purposes).await);
        }
        let versions = BTreeMap::from([("latchkey", env!("CARGO_PKG_VERSION")), ("dynoxide", dynoxide::PRODUCT_VERSION)]);
        Self { versions, operations, starts, items: items().await }
    }
    /// An operation by name.
    ///
    /// # Panics
    /// If it does not exist.
    #[must_use]
    pub fn of(&self, name: &str) -> &Count {
        self.operations.iter().find(|count| count.name == name).expect("an operation of this name")
    }
}

/// A world with instruments.
struct Watched {
    world: World,
    kms: FakeKms,
    log: Log,
    answers: Arc<Mutex<usize>>,
}

impl Watched {
    async fn new() -> Self {
        let (kms, answers) = (FakeKms::up(), Arc::<Mutex<usize>>::default());
        let world = World::builder().vault(kms.vault()).build().await.expect("a world");
        let services = world.services.clone();
        let router = weighing(mount(services.clone(), routes()), answers.clone());
        let world = world.served_by(router, services).expect("a world");
        // The tenant's document and keys, and the key that signs most tokens.
        drop(OAuthClient::demo_service(&world).client_credentials().await.tokens());
        Self { world, kms, log: Log::default(), answers }
    }

    /// Runs the operation in a new world. An account's shard is random; an erasure in the last shard of a day saves the scan a checkpoint,
    /// and the counts would differ. In that case another account is used.
    async fn count(operation: &Operation) -> Count {
        loop {
            let watched = Self::new().await;
            let run = operation.step.prepare(&watched.world).await;
            if !is_due_in_the_last_shard(&watched.world) {
                return watched.watch(operation, run).await;
            }
        }
    }

    async fn watch(&self, operation: &Operation, run: Run) -> Count {
        let before = self.mails().await;
        let kms = self.kms.answered();
        drop(self.world.meter.take());
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        let log = self.log.clone();
        let logging = tracing::subscriber::set_default(json_lines(move || log.clone()));
        run.await;
        drop(logging);
        let tables = self.world.meter.take_cost().into();
        let mails = self.mails().await - before;
        let (log_lines, log_bytes) = self.log.weighed();
        Count {
            name: operation.name,
            function: operation.function,
            tables,
            projected: self.world.meter.take_cost().into(),
            kms: self.kms.answered() - kms,
            mails,
            log_lines,
            log_bytes,
            answer_bytes: *self.answers.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The number of mails sent, after everything was projected.
    async fn mails(&self) -> usize {
        self.world.mails().await.expect("pumped").len()
    }

    /// The warm-up of a function with its own services, for a tenant with existing keys.
    async fn start(&self, function: &'static str, purposes: &[Purpose]) -> Start {
        let (meter, engine) = (Meter::new(), &self.world.engine);
        let [identities, keys, audit] = TABLES.map(str::to_owned);
        let services = Services {
            store: Store::new(client(meter.around(engine.connector(), engine.clone())), Tables { identities, keys, audit }),
            keys: Keys::new(self.kms.vault(), purposes),
            tenants: Tenants::default(),
            ..self.world.services.clone()
        };
        // Once before, because a tenant without keys gets its keys created.
        warm_up(&services, &TenantId::default_tenant()).await;
        let services = Services { keys: Keys::new(self.kms.vault(), purposes), tenants: Tenants::default(), ..services };
        drop(meter.take());
        let kms = self.kms.answered();
        warm_up(&services, &TenantId::default_tenant()).await;
        // A private key is unwrapped at its first signature: an access token and an ID token, or the seal of an export.
        let signs: &[SigningAlgorithm] = match function {
            "token" => &[SigningAlgorithm::ES256, SigningAlgorithm::RS256],
            "export" => &[SigningAlgorithm::ES256],
            _ => &[],
        };
        let tenant = services.tenant(&TenantId::default_tenant()).await.expect("the default tenant");
        for algorithm in signs {
            let signing = tenant.keys.signing().expect("a function that signs");
            signing.sign(*algorithm, "JWT", &()).await.expect("a signature");
        }
        Start { function, tables: meter.take_cost().into(), kms: self.kms.answered() - kms }
    }
}

fn is_due_in_the_last_shard(world: &World) -> bool {
    let last = format!("#{:02}", DUE_SHARDS - 1);
    let identities = invariants::read(&world.engine).tables["identities"].clone();
    identities
        .iter()
        .any(|item| item["kind"]["S"] == "due_erasure" && item["pk"]["S"].as_str().unwrap_or_default().ends_with(&last))
}

/// The stored items of a customer: registered, and signed in twice by an application with their consent.
async fn items() -> BTreeMap<String, usize> {
    let world = World::new().await.expect("a world");
    let customer = Customer::registered(&world, "Ada").await;
    drop(AccountClient::new(&world, &customer).await);
    world.pump().await.expect("pumped");
    let mut largest = BTreeMap::<String, usize>::new();
    for item in invariants::read(&world.engine).tables.values().flatten() {
        let is_of_the_tenant = item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with('T'));
        if !is_of_the_tenant {
            let mut item = item.clone();
            // A random 64-bit number: use the widest.
            let widest = || Value::String(u64::MAX.to_string());
            for device in item.pointer_mut("/dev/L").and_then(Value::as_array_mut).into_iter().flatten() {
                device["M"]["id"]["N"] = widest();
            }
            if let Some(device) = item.pointer_mut("/did/N") {
                *device = widest();
            }
            let size = largest.entry(item["kind"]["S"].as_str().unwrap_or_default().to_owned()).or_default();
            *size = size_of_item(&item).max(*size);
        }
    }
    largest
}

/// The same routes, with the size of answers recorded.
fn weighing(inner: Router, weight: Arc<Mutex<usize>>) -> Router {
    Router::new().fallback(async move |request: Request<Body>| -> Response {
        let response = match inner.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        // As HTTP/1.1 writes a header: name, colon, space, value, line break.
        let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        *weight.lock().unwrap_or_else(PoisonError::into_inner) += headers + body.len();
        Response::from_parts(parts, Body::from(body))
    })
}

/// The log of a request.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Lines and bytes. The duration of a request is the only part of a line that differs between runs.
    fn weighed(&self) -> (usize, usize) {
        let text = String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("text");
        let weigh = |line: &str| {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let digits = line.get("ms").map_or(2, |ms| ms.to_string().len());
            line.to_string().len() + 2 - digits + 1
        };
        (text.lines().count(), text.lines().map(weigh).sum())
    }
}
