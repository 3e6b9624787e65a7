//! A world whose every request to the tables is seen as it begins, and takes its time; each call to it has as long as it is given.
#![expect(clippy::expect_used, reason = "a world that can not be made fails the test")]

use crate::World;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use axum::Router;
use axum::body::Body;
use http::Request;
use latchkey::context::Deadline;
use latchkey::domain::id::TenantId;
use latchkey::services::Services;
use latchkey::store::{Store, Tables};
use latchkey::web::{Host, mount};
use latchkey_local::engine::{client, operation};
use latchkey_local::{assemble, world};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// A request to the tables.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Such as `PutItem`.
    pub operation: String,
    /// What it asks for.
    pub body: Value,
    /// How long the call had left when this began; none when it had no end.
    pub left: Option<Duration>,
    /// How long it had left when this was applied; none when it never was.
    pub applied: Option<Duration>,
}

/// What stands in front of the tables. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watch {
    inner: SharedHttpConnector,
    now: Arc<Mutex<Now>>,
}

#[derive(Debug, Default)]
struct Now {
    seen: Vec<Seen>,
    delay: Duration,
    given: Option<Duration>,
    ends: Option<Instant>,
}

impl Watch {
    /// A world that is watched: its functions, its stream's reader and, with the services, its jobs.
    pub async fn world() -> (World, Self, Services) {
        let made = world::World::new().await.expect("a world");
        let watch = Self { inner: made.engine.connector(), now: Arc::default() };
        let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
        let store = Store::new(client(SharedHttpConnector::new(watch.clone())), tables);
        let services = Services { store, ..made.services.clone() };
        // Its keys are made before: the claim of a key has a lease, and is no write of a request.
        assert!(services.tenant(&TenantId::default_tenant()).await.is_ok(), "a tenant");
        drop(watch.take());
        let routes = mount(services.clone(), assemble::routes());
        let made = made.served_by(watch.clone().ending(routes), services.clone()).expect("a world");
        (made, watch, services)
    }

    /// From now on each request to the tables takes this long before it is applied, and each call has this long.
    pub fn set(&self, delay: Duration, given: Option<Duration>) {
        let mut now = self.now();
        (now.delay, now.given, now.ends) = (delay, given, None);
    }

    /// What was seen since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.now().seen)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The routes, given as long as was said.
    fn ending(self, routes: Router) -> Router {
        Router::new().fallback(async move |mut request: Request<Body>| {
            let given = self.now().given;
            self.now().ends = given.and_then(|given| Instant::now().checked_add(given));
            if let (Some(given), Some(host)) = (given, request.extensions_mut().get_mut::<Host>()) {
                host.deadline = Deadline::after(given);
            }
            match routes.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}

impl HttpConnector for Watch {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let operation = operation(&request).unwrap_or_default().to_owned();
        let left = |now: &Now| now.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        let (at, delay) = {
            let mut now = self.now();
            let seen = Seen { operation, body, left: left(&now), applied: None };
            now.seen.push(seen);
            (now.seen.len() - 1, now.delay)
        };
        let watch = self.clone();
        HttpConnectorFuture::new(async move {
            if delay > Duration::ZERO {
                tokio::time::sleep(delay).await;
            }
            {
                let mut now = watch.now();
                let left = left(&now);
                if let Some(seen) = now.seen.get_mut(at) {
                    seen.applied = left;
                }
            }
            watch.inner.call(request).await
        })
    }
}
