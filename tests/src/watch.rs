//! A world with a watch on every request to the tables. Each request takes a set time, and each call has a set deadline.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

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
pub struct ObservedRequest {
    /// The operation, such as `PutItem`.
    pub operation: String,
    /// The body of the request.
    pub body: Value,
    /// The time left to the call when the request began. `None` if the call had no deadline.
    pub left: Option<Duration>,
    /// The time left when the request was applied. `None` if it was never applied.
    pub applied: Option<Duration>,
}

/// A connector in front of the tables. Clones share their state.
#[derive(Debug, Clone)]
pub struct Watch {
    inner: SharedHttpConnector,
    state: Arc<Mutex<WatchState>>,
}

#[derive(Debug, Default)]
struct WatchState {
    seen: Vec<ObservedRequest>,
    delay: Duration,
    given: Option<Duration>,
    ends: Option<Instant>,
}

impl Watch {
    /// A watched world: its functions, its stream reader and, through the services, its jobs.
    pub async fn world() -> (World, Self, Services) {
        let made = world::World::new().await.expect("a world");
        let watch = Self { inner: made.engine.connector(), state: Arc::default() };
        let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
        let store = Store::new(client(SharedHttpConnector::new(watch.clone())), tables);
        let services = Services { store, ..made.services.clone() };
        // The keys are created before: the claim of a key has a lease, and is not a write of the request.
        assert!(services.tenant(&TenantId::default_tenant()).await.is_ok(), "a tenant");
        drop(watch.take());
        let routes = mount(services.clone(), assemble::routes());
        let made = made.served_by(watch.clone().with_deadline(routes), services.clone()).expect("a world");
        (made, watch, services)
    }

    /// From now on each request to the tables takes `delay` before it is applied, and each call has `given` time.
    pub fn set(&self, delay: Duration, given: Option<Duration>) {
        let mut state = self.state();
        (state.delay, state.given, state.ends) = (delay, given, None);
    }

    /// The requests since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<ObservedRequest> {
        std::mem::take(&mut self.state().seen)
    }

    fn state(&self) -> MutexGuard<'_, WatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The routes, with the set deadline.
    fn with_deadline(self, routes: Router) -> Router {
        Router::new().fallback(async move |mut request: Request<Body>| {
            let given = self.state().given;
            self.state().ends = given.and_then(|given| Instant::now().checked_add(given));
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
        let left = |state: &WatchState| state.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        let (at, delay) = {
            let mut state = self.state();
            let seen = ObservedRequest { operation, body, left: left(&state), applied: None };
            state.seen.push(seen);
            (state.seen.len() - 1, state.delay)
        };
        let watch = self.clone();
        HttpConnectorFuture::new(async move {
            if delay > Duration::ZERO {
                tokio::time::sleep(delay).await;
            }
            {
                let mut state = watch.state();
                let left = left(&state);
                if let Some(seen) = state.seen.get_mut(at) {
                    seen.applied = left;
                }
            }
            watch.inner.call(request).await
        })
    }
}
