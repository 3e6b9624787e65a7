//! A complete Latchkey in memory, for tests: every function's routes over the embedded engine, with a movable clock, fault injection, a
//! meter and a mailbox.

use crate::assemble::DEFAULT_DOCUMENT;
use crate::assemble::{self, Document, Parts, PrepareError, TABLES};
use crate::engine::{Engine, EngineError};
use crate::fault::Faults;
use crate::meter::Meter;
use crate::pump::{Pump, PumpError};
use crate::stream::StreamReader;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use data_encoding::BASE32_NOPAD;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use latchkey::context::{Clock, Deadline, Random};
use latchkey::delivery::{Mail, RenderError};
use latchkey::domain::id::{InvalidId, RequestId, TenantId};
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::{KeyVault, LegacyKeys};
use latchkey::legacy_directory::LegacyDirectory;
use latchkey::services::{Origin, Services, SourceLimiter};
use latchkey::web::{Host, mount};
use retention::RetentionError;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::sync::Mutex;
use tower::ServiceExt as _;

/// A complete Latchkey in memory. Clones are inexpensive and share the same world.
#[derive(Clone)]
pub struct World {
    /// The services of the functions.
    pub services: Services,
    /// The tables, for tests that read raw items.
    pub engine: Engine,
    /// The fault script under the SDK; empty at first.
    pub faults: Faults,
    /// Counts every request to the tables.
    pub meter: Meter,
    router: Router,
    mailbox: Arc<Mutex<Mailbox>>,
    caller: IpAddr,
}

struct Mailbox {
    pump: Pump,
    checkpoint: Option<String>,
    mails: Vec<Mail>,
}

/// What differs between one world and another.
pub struct WorldBuilder {
    origin: String,
    clock: Clock,
    seed: u64,
    documents: Vec<(String, String)>,
    engine: Option<Engine>,
    vault: Option<KeyVault>,
    legacy_directory: Option<LegacyDirectory>,
    legacy_keys: LegacyKeys,
    sources: SourceLimiter,
}

/// A world could not be created, or its stream could not be processed.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The origin is invalid.
    #[error("the origin {0}")]
    Origin(String),
    /// A tenant's name is invalid.
    #[error(transparent)]
    Tenant(#[from] InvalidId),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Tables or documents.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A mail template is invalid.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The stream.
    #[error(transparent)]
    Pump(#[from] PumpError),
    /// A record failed in every attempt.
    #[error("the stream record {0} was not handled in three attempts")]
    Stuck(String),
}

impl World {
    /// A world with the default tenant at `http://localhost:8080`. Its clock is set to 1 March 2026, noon (UTC).
    ///
    /// # Errors
    /// The reason why it could not be created.
    pub async fn new() -> Result<Self, WorldError> {
        Self::builder().build().await
    }

    /// A world with other parts.
    #[must_use]
    pub fn builder() -> WorldBuilder {
        WorldBuilder {
            origin: "http://localhost:8080".to_owned(),
            clock: Clock::frozen(Timestamp::from_seconds(1_772_366_400)),
            seed: 0,
            documents: vec![("default".to_owned(), DEFAULT_DOCUMENT.to_owned())],
            engine: None,
            vault: None,
            legacy_directory: None,
            legacy_keys: LegacyKeys::none(),
            sources: SourceLimiter::default(),
        }
    }

    /// The same tables behind another router, with their stream read by a function with these services. This models a deployment, where
    /// each function has its own services.
    ///
    /// # Errors
    /// If a mail template is invalid.
    pub fn served_by(self, router: Router, events: Services) -> Result<Self, WorldError> {
        let pump = Pump::new(StreamReader::new(self.engine.clone(), TABLES[0]), events)?;
        let mailbox = Arc::new(Mutex::new(Mailbox { pump, checkpoint: None, mails: Vec::new() }));
        Ok(Self { router, mailbox, ..self })
    }

    /// The origin, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.services.origin.as_str()
    }

    /// Moves the clock of all decisions.
    pub fn advance(&self, span: Span) {
        self.services.clock.advance(span);
    }

    /// The same world for callers at this address. Without it they are at 192.0.2.1.
    #[must_use]
    pub fn seen_from(&self, caller: IpAddr) -> Self {
        Self { caller, ..self.clone() }
    }

    /// Sends a request from the caller's address. The path may be a complete URL of this world.
    pub async fn call(&self, request: Request<impl Into<Body>>) -> Response<Bytes> {
        self.call_from(self.caller, request).await
    }

    /// Sends a request from this address.
    pub async fn call_from(&self, address: IpAddr, request: Request<impl Into<Body>>) -> Response<Bytes> {
        let mut request = request.map(Into::into);
        // An origin-form target, as a server receives it.
        let path = request.uri().path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        if let Some(request_id) = request_id(Random) {
            request.extensions_mut().insert(Host { request_id, client_address: Some(address), deadline: Deadline::default() });
        }
        let (parts, body) = match self.router.clone().oneshot(request).await {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Response::from_parts(parts, body)
    }

    /// Sends a request. Returns `None` after an injected crash: the request's future is dropped, as in a dying process.
    pub async fn call_until_crash(&self, request: Request<impl Into<Body>>) -> Option<Response<Bytes>> {
        tokio::select! {
            response = self.call(request) => Some(response),
            () = self.faults.crashed() => None,
        }
    }

    /// Runs a scheduled job now and returns its summary.
    ///
    /// # Errors
    /// The error of the function.
    pub async fn run_job(&self, event: &Value) -> Result<Value, RetentionError> {
        self.run_job_until(event, Deadline::default()).await
    }

    /// As [`Self::run_job`], with a deadline.
    ///
    /// # Errors
    /// The error of the function.
    pub async fn run_job_until(&self, event: &Value, deadline: Deadline) -> Result<Value, RetentionError> {
        Box::pin(assemble::jobs(self.services.clone()).handle(event, deadline)).await
    }

    /// Runs a job. Returns `None` after an injected crash: its future is dropped, as in a dying process.
    pub async fn run_job_until_crash(&self, event: &Value) -> Option<Result<Value, RetentionError>> {
        tokio::select! {
            summary = self.run_job(event) => Some(summary),
            () = self.faults.crashed() => None,
        }
    }

    /// Passes all new stream records to the `events` function, which projects them and sends mails.
    ///
    /// # Errors
    /// If a record fails three times.
    pub async fn pump(&self) -> Result<(), WorldError> {
        let mut mailbox = self.mailbox.lock().await;
        let mut failures = 0;
        loop {
            let Mailbox { pump, checkpoint, mails } = &mut *mailbox;
            let step = pump.step(checkpoint.as_deref()).await?;
            mails.extend(step.mails.into_iter().map(|(mail, _)| mail));
            failures = if step.checkpoint.is_some() { 0 } else { failures };
            match (step.checkpoint, step.failed) {
                (None, None) => return Ok(()),
                (_, Some(failed)) if failures == 2 => return Err(WorldError::Stuck(failed)),
                (done, failed) => {
                    failures += u32::from(failed.is_some());
                    mailbox.checkpoint = done.or(mailbox.checkpoint.take());
                }
            }
        }
    }

    /// Every mail so far, newest first, after the stream was processed.
    ///
    /// # Errors
    /// As [`Self::pump`].
    pub async fn mails(&self) -> Result<Vec<Mail>, WorldError> {
        self.pump().await?;
        Ok(self.mailbox.lock().await.mails.iter().rev().cloned().collect())
    }

    /// The mails to this address, newest first, after the stream was processed.
    ///
    /// # Errors
    /// As [`Self::pump`].
    pub async fn mails_to(&self, address: &str) -> Result<Vec<Mail>, WorldError> {
        let mut mails = self.mails().await?;
        mails.retain(|mail| mail.to == address);
        Ok(mails)
    }
}

impl WorldBuilder {
    /// Another origin, such as `https://id.example.com` (cookies are then `__Host-` and Secure).
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }
    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
    /// The seed of random faults.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
    /// The tables of another world or of a file: models a second instance or a restart.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }
    /// Another key vault: a second instance needs that of the first.
    #[must_use]
    pub fn vault(mut self, vault: KeyVault) -> Self {
        self.vault = Some(vault);
        self
    }
    /// The legacy user pools.
    #[must_use]
    pub fn legacy_directory(mut self, legacy_directory: LegacyDirectory) -> Self {
        self.legacy_directory = Some(legacy_directory);
        self
    }
    /// The keys of user pools with exchangeable tokens.
    #[must_use]
    pub fn legacy_keys(mut self, keys: LegacyKeys) -> Self {
        self.legacy_keys = keys;
        self
    }
    /// No limits per source: for tests of many failures that model many networks.
    #[must_use]
    pub fn without_source_limits(mut self) -> Self {
        self.sources = SourceLimiter::off();
        self
    }
    /// A tenant with this document (`default` replaces the built-in one).
    #[must_use]
    pub fn tenant(mut self, tenant: &str, document: &str) -> Self {
        self.documents.retain(|(name, _)| name != tenant);
        self.documents.push((tenant.to_owned(), document.to_owned()));
        self
    }
    /// Creates the world.
    ///
    /// # Errors
    /// The reason why it could not be created.
    pub async fn build(self) -> Result<World, WorldError> {
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::memory()?,
        };
        let (faults, meter) = (Faults::seeded(self.seed), Meter::new());
        let services = assemble::services(Parts {
            origin: Origin::parse(&self.origin).map_err(WorldError::Origin)?,
            connector: meter.around(faults.around(engine.connector()), engine.clone()),
            vault: self.vault.unwrap_or_else(KeyVault::ephemeral),
            legacy_directory: self.legacy_directory,
            legacy_keys: self.legacy_keys,
            clock: self.clock,
            hashing_lanes: 2,
            sources: self.sources,
        });
        let mut documents = Vec::new();
        for (tenant, text) in self.documents {
            documents.push(Document { tenant: tenant.parse::<TenantId>()?, text });
        }
        assemble::prepare(&services, &documents).await?;
        let pump = Pump::new(StreamReader::new(engine.clone(), TABLES[0]), services.clone())?;
        let mailbox = Arc::new(Mutex::new(Mailbox { pump, checkpoint: None, mails: Vec::new() }));
        drop(meter.take());
        let router = mount(services.clone(), assemble::routes());
        Ok(World { services, engine, faults, meter, router, mailbox, caller: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)) })
    }
}

/// A new request id, as a host generates one: of fixed length, and never the start of a spreadsheet formula.
pub(crate) fn request_id(random: Random) -> Option<RequestId> {
    BASE32_NOPAD.encode(&random.bytes::<10>()).parse().ok()
}
