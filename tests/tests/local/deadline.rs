//! security 141: no write starts shortly before the end of a request, and the request ends before its host ends it.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response};
use latchkey::context::{Clock, Deadline, RequestContext};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::TenantId;
use latchkey::services::Services;
use latchkey::store::{CommitError, Store, StoreError, Tables};
use latchkey::web::{Host, mount};
use latchkey_local::engine::client;
use latchkey_local::fault::{Calls, Fault, Faults, Trigger, is_write};
use std::time::Duration;
use tests::deployed::HTTP_FUNCTIONS;
use tests::store::{Bench, data_key, grant, redeemed, request};
use tests::template::Template;
use tests::{Customer, World};
use tower::ServiceExt as _;

const TOO_LITTLE: Duration = Duration::from_millis(499);
const PLENTY: Duration = Duration::from_secs(3600);

fn with_time_left(left: Duration) -> RequestContext {
    RequestContext { deadline: Deadline::after(left), ..request() }
}

fn is_unavailable(result: &Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Store(StoreError::Unavailable(_))))
}

#[tokio::test]
async fn no_write_starts_with_less_than_half_a_second_left() {
    let bench = Bench::new().await;
    let code = grant(1, 1);
    bench.commit(Change::issue_authorization_code(code.clone())).await.unwrap();
    drop(bench.meter.take());
    let counter = tests::store::mail_start(tests::store::identifier(1), tests::store::NOW);
    let account = Change::create_account(tests::store::new_account(1, 1));
    for change in [Change::create_data_key(data_key(1)), Change::redeem_authorization_code(redeemed(&code)), counter, account] {
        let refused = bench.store.commit(&Changes::one(change), &with_time_left(TOO_LITTLE)).await;
        assert!(is_unavailable(&refused), "{refused:?}");
    }
    assert!(bench.meter.take().is_empty(), "no request reached the store");
    // The refused change can still be made.
    bench
        .store
        .commit(&Changes::one(Change::redeem_authorization_code(redeemed(&code))), &with_time_left(PLENTY))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_contended_write_is_not_sent_again_past_the_deadline() {
    let bench = Bench::new().await;
    let (conflicts, slow) = (Faults::seeded(1), Faults::seeded(1));
    let connector = slow.around(conflicts.around(bench.engine.connector()));
    let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
    let store = Store::new(client(connector), tables).tenant(bench.store.tenant().clone());
    conflicts.add(Calls::Writes, Trigger::Always, Fault::Conflict);
    // The first attempt takes longer than the time left before the last half second. So there is no second attempt, on any machine.
    slow.add(Calls::Writes, Trigger::Always, Fault::Slow(Duration::from_millis(80)));
    let refused =
        store.commit(&Changes::one(Change::create_data_key(data_key(1))), &with_time_left(Duration::from_millis(570))).await;
    assert!(is_unavailable(&refused), "{refused:?}");
    assert!(slow.injected() <= 1, "sent {} times", slow.injected());
}

fn function(world: &World) -> Router {
    let stuck: Router<Services> = Router::new().route("/stuck", get(std::future::pending::<()>));
    mount(world.services.clone(), registration::routes().merge(stuck))
}

async fn send(router: Router, left: Duration, mut request: Request<Body>) -> Response<Body> {
    let client_address = Some("192.0.2.1".parse().unwrap());
    let host = Host { request_id: "req-1".parse().unwrap(), client_address, deadline: Deadline::after(left) };
    request.extensions_mut().insert(host);
    router.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_request_without_time_for_its_writes_is_a_503() {
    let world = World::new().await.unwrap();
    let body = Customer::new("Ada").registration();
    let registration = || {
        let request = Request::post("/v1/registrations").header("content-type", "application/json");
        request.body(Body::from(body.to_string())).unwrap()
    };
    // The tenant's keys are created before: a claim has a lease, and is not a write of the request.
    assert!(world.services.tenant(&TenantId::default_tenant()).await.is_ok());
    drop(world.meter.take());
    let answer = send(function(&world), TOO_LITTLE, registration()).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(!world.meter.take().iter().any(|call| is_write(&call.operation)), "no write");
    assert_eq!(send(function(&world), PLENTY, registration()).await.status().as_u16(), 202);
}

#[tokio::test]
async fn a_route_that_does_not_end_is_stopped_before_the_hosts_timeout() {
    let world = World::new().await.unwrap();
    let request = Request::get("/stuck").body(Body::empty()).unwrap();
    let answer = send(function(&world), Duration::ZERO, request).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.headers().contains_key("strict-transport-security"), "security 117: on this answer too");
}

/// security 141: an AWS call times out before the function does, and the function before the gateway's 29 s.
#[test]
fn an_aws_call_times_out_before_its_function() {
    let template = Template::load();
    for (name, ..) in HTTP_FUNCTIONS {
        let (first, rest) = name.split_at(1);
        let function = template.function(&(first.to_uppercase() + rest));
        let limit = Duration::from_secs(function["Timeout"].as_u64().unwrap());
        assert!(latchkey::runtime::OPERATION_TIMEOUT * 2 < limit && limit < Duration::from_secs(29), "{name}: {limit:?}");
    }
}

#[test]
fn the_deadline_is_the_one_of_lambda() {
    let clock = Clock::frozen(tests::store::NOW);
    let invocation = |deadline: i64| {
        let ends_at = u64::try_from(tests::store::NOW.millis() + deadline).unwrap();
        latchkey::runtime::deadline(ends_at, &clock).left().unwrap()
    };
    let left = invocation(60_000);
    assert!(left <= Duration::from_secs(60) && left > Duration::ZERO, "{left:?}");
    assert_eq!(invocation(-1), Duration::ZERO, "one that is over");
}
