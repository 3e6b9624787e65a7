//! Registration by the API: from the form to a `sub`, and every refusal on the way.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken expectation ends the test")]

use http::Method;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use tests::anonymous::Answer;
use tests::{Anonymous, Customer, Site, World};

async fn start(world: &World, customer: &Customer) -> String {
    let started = Anonymous::new(world).post_json("/v1/registrations", &customer.registration()).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    started.json()["registration_id"].as_str().unwrap().to_owned()
}

async fn verify(world: &World, id: &str, code: &str) -> Answer {
    Anonymous::new(world).post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await
}

async fn resend(world: &World, id: &str) -> Answer {
    Anonymous::new(world).send(Method::POST, &format!("/v1/registrations/{id}/resend"), &[], "").await
}

async fn newest_code(world: &World, customer: &Customer) -> String {
    Site::from(world).mail_to(&customer.email).await.codes.first().expect("a code").clone()
}

/// A wrong code of the same form.
fn wrong_code(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

fn codes_of(answer: &Answer) -> BTreeSet<(String, String)> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
}

#[tokio::test]
async fn a_user_registers_with_a_mailed_code() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    assert_eq!(code.len(), 6);
    let verified = verify(&world, &id, &code).await;
    assert_eq!(verified.status(), 201, "{}", verified.text());
    assert_eq!(verified.json()["sub"].as_str().unwrap().len(), 22);
    // Already used (security 88).
    assert_eq!(verify(&world, &id, &code).await.refusal(), (400, "invalid_code".to_owned()));
}

#[tokio::test]
async fn the_form_describes_itself() {
    let world = World::new().await.unwrap();
    let form = Anonymous::new(&world).get("/v1/registration/form").await;
    assert_eq!(form.status(), 200);
    let form = form.json();
    assert_eq!(form["schema"]["properties"]["given_name"]["type"], "string");
    assert_eq!(form["order"][0], "given_name");
    assert_eq!(form["labels"]["de"]["given_name"]["label"], "Vorname");
    assert_eq!(
        form["terms"][0],
        json!({
            "document": "terms", "version": "1", "required": true, "url": "https://example.com/terms",
            "title": { "en": "Terms of service", "de": "Nutzungsbedingungen" },
        })
    );
}

#[tokio::test]
async fn every_error_of_a_form_has_its_pointer() {
    let world = World::new().await.unwrap();
    let body = json!({
        "email": "unknown",
        "password": "password1",
        "profile": { "given_name": "", "customer_type": "business", "vat_number": "x", "shoe_size": 44 },
        "terms": [],
    });
    let answer = Anonymous::new(&world).post_json("/v1/registrations", &body).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
    let expected = [
        ("/email", "invalid_email"),
        ("/password", "too_common"),
        ("/profile/company", "required"),
        ("/profile/family_name", "required"),
        ("/profile/given_name", "required"),
        ("/profile/shoe_size", "unknown"),
        ("/profile/vat_number", "invalid_format"),
        ("/terms", "terms_required"),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(codes_of(&answer), expected.into());
}

/// security 90, 108: an address is a single text, and no caller can set privileged members.
#[tokio::test]
async fn security_90_108_wrong_types_and_privileged_members_are_refused() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let good = Customer::new("Grace").registration();
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    let in_profile = |member: &str, value: Value| {
        let mut body = good.clone();
        body["profile"][member] = value;
        body
    };
    let mut bodies = vec![
        with("email", json!(["grace@example.com", "mallory@example.com"])),
        with("email", json!({ "$ne": null })),
        with("email", json!("grace@example.com,mallory@example.com")),
        with("email", json!("grace@example.com\r\nBcc: mallory@example.com")),
        with("email", Value::Null),
        with("password", json!(12_345_678)),
        with("profile", json!([])),
        with("terms", json!("terms")),
        with("terms", json!([{ "document": "terms", "version": "1", "accepted_at": 1 }])),
        json!([good.clone()]),
        json!(null),
    ];
    for member in ["email_verified", "roles", "sub", "userId", "tenant", "status", "epoch", "is_admin"] {
        bodies.push(with(member, json!(true)));
        bodies.push(in_profile(member, json!(true)));
        bodies.push(in_profile(member, json!("admin")));
    }
    for body in bodies {
        let answer = api.post_json("/v1/registrations", &body).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{body}");
    }
    assert!(world.mails().await.unwrap().is_empty());
    // security 120
    let text = api.send(Method::POST, "/v1/registrations", &[("content-type", "text/plain")], good.to_string()).await;
    assert_eq!(text.status(), 415);
}

/// security 107: an address with an account gets the same answer, work and writes. Its owner gets a notice.
#[tokio::test]
async fn security_107_an_address_with_an_account_gets_the_same_answer() {
    let world = World::new().await.unwrap();
    let customer = Customer::registered(&world, "Grace").await;
    let stranger = Customer::new("Alice");
    let mut seen = Vec::new();
    for person in [&stranger, &customer] {
        // All values have the same length. The only difference is whether the address is known.
        assert_eq!(person.email.len(), customer.email.len());
        drop(world.meter.take());
        let hashes = world.services.hasher.hashes_computed();
        // Each from a network that has sent no mail yet.
        let network = format!("198.51.100.{}", seen.len() + 1).parse().unwrap();
        let api = Anonymous::new(world.seen_from(network));
        let answer = api.post_json("/v1/registrations", &person.registration()).await;
        let hashes = world.services.hasher.hashes_computed() - hashes;
        let trace: Vec<_> = world
            .meter
            .take()
            .into_iter()
            .map(|call| {
                (call.operation, call.tables, call.items, call.status, call.engine.read.to_bits(), call.engine.write.to_bits())
            })
            .collect();
        let names: Vec<_> = answer.response.headers().keys().map(ToString::to_string).collect();
        let json = answer.json();
        let id_length = json["registration_id"].as_str().unwrap().len();
        let members: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        seen.push((answer.status(), names, members, json["expires_at"].clone(), id_length, hashes, trace));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, 202);
    assert_eq!(seen[0].5, 1, "the password is always hashed");
    assert_eq!(seen[0].6.len(), 3, "a counter and two puts, no read");
    let notice = Site::from(&world).mail_to(&customer.email).await;
    assert!(notice.codes.is_empty(), "an address with an account gets no code");
    assert_eq!(newest_code(&world, &stranger).await.len(), 6);
}

#[tokio::test]
async fn five_wrong_codes_end_a_registration_even_for_the_right_one() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    for _ in 0..5 {
        assert_eq!(verify(&world, &id, &wrong_code(&code)).await.refusal(), (400, "invalid_code".to_owned()));
    }
    assert_eq!(verify(&world, &id, &code).await.refusal(), (400, "invalid_code".to_owned()));
}

/// security 79: the tries of a registration are its own. Wrong codes in other registrations of the address cost nothing.
#[tokio::test]
async fn wrong_codes_in_other_registrations_cost_nothing() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    for _ in 0..5 {
        // The limits per source start again.
        world.advance(Span::minutes(10));
        let id = start(&world, &customer).await;
        let code = newest_code(&world, &customer).await;
        for _ in 0..5 {
            assert_eq!(verify(&world, &id, &wrong_code(&code)).await.status(), 400);
        }
        assert_eq!(verify(&world, &id, &code).await.status(), 400, "five tries");
    }
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    assert_eq!(verify(&world, &id, &code).await.status(), 201);
}

#[tokio::test]
async fn a_code_is_resent_at_most_three_times_and_only_the_newest_works() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let mut codes = vec![newest_code(&world, &customer).await];
    for left in [2, 1, 0] {
        let resent = resend(&world, &id).await;
        assert_eq!(resent.status(), 202, "{}", resent.text());
        assert_eq!(resent.json()["resends_left"], left);
        codes.push(newest_code(&world, &customer).await);
    }
    let refused = resend(&world, &id).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".to_owned()));
    assert!(refused.header("retry-after").is_some());
    let newest = codes.pop().unwrap();
    for old in codes.iter().filter(|code| **code != newest) {
        assert_eq!(verify(&world, &id, old).await.refusal(), (400, "invalid_code".to_owned()));
    }
    assert_eq!(verify(&world, &id, &newest).await.status(), 201);
    assert_eq!(resend(&world, &id).await.refusal(), (400, "invalid_code".to_owned()));
}

/// security 131: expiry is checked on read. Nothing in this test removes an item.
#[tokio::test]
async fn security_88_131_a_registration_ends_after_thirty_minutes() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    world.advance(Span::minutes(30));
    assert_eq!(verify(&world, &id, &code).await.refusal(), (400, "invalid_code".to_owned()));
    assert_eq!(resend(&world, &id).await.refusal(), (400, "invalid_code".to_owned()));
}

/// An id is sealed: an incomplete id, or an id of another tenant, is unknown.
#[tokio::test]
async fn only_a_complete_registration_id_of_this_tenant_is_known() {
    let world = World::builder().tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    let api = Anonymous::new(&world);
    let mut shorter = id.clone();
    shorter.pop();
    for (path, id) in
        [("", shorter), ("", format!("{id}A")), ("", id.to_lowercase()), ("", "x".to_owned()), ("/t/acme", id.clone())]
    {
        let answer = api.post_json(&format!("{path}/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path} {id}");
    }
    assert_eq!(verify(&world, &id, &code).await.status(), 201);
}

/// security 105: of several verifications of one address, one creates an account. Only a caller with the right code learns it.
#[tokio::test]
async fn security_105_an_address_gets_one_account() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let (first, second) = (start(&world, &customer).await, start(&world, &customer).await);
    let mails = Site::from(&world).mails_to(&customer.email).await;
    let codes: Vec<_> = mails.iter().rev().map(|mail| mail.codes[0].clone()).collect();
    assert_eq!(verify(&world, &first, &codes[0]).await.status(), 201);
    assert_eq!(verify(&world, &second, &wrong_code(&codes[1])).await.refusal(), (400, "invalid_code".to_owned()));
    assert_eq!(verify(&world, &second, &codes[1]).await.refusal(), (409, "already_registered".to_owned()));
}

/// security 105, faults T1 and T6: sixteen registrations of one address are verified at once, under conflicts.
#[tokio::test]
async fn security_105_a_race_makes_one_account() {
    let world = World::builder().seed(7).build().await.unwrap();
    let customer = Customer::new("Grace");
    let mut proofs = Vec::new();
    for _ in 0..4 {
        let id = start(&world, &customer).await;
        proofs.push((id, newest_code(&world, &customer).await));
    }
    world.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::Conflict);
    let calls = proofs.iter().cycle().take(16).map(|(id, code)| {
        let (world, id, code) = (world.clone(), id.clone(), code.clone());
        tokio::spawn(async move { verify(&world, &id, &code).await.refusal() })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|(status, _)| *status == 201).count(), 1, "{statuses:?}");
    for (status, code) in &statuses {
        let fits = matches!(
            (*status, code.as_str()),
            (201, "") | (400, "invalid_code") | (409, "already_registered") | (429, "too_many_requests") | (503, "unavailable")
        );
        assert!(fits, "{status} {code}");
    }
    assert!(world.faults.injected() > 0);
}

/// fault T26: parallel guesses can't get past the counter.
#[tokio::test]
async fn parallel_guesses_evaluate_at_most_five_codes() {
    let world = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&world, &customer).await;
    let code = newest_code(&world, &customer).await;
    let guess = wrong_code(&code);
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (world, id, guess) = (world.clone(), id.clone(), guess.clone());
            tokio::spawn(async move { verify(&world, &id, &guess).await.status() })
        })
        .collect();
    for call in calls {
        let status = call.await.unwrap();
        assert!(matches!(status, 400 | 429), "{status}");
    }
    // Whatever the answers are, at most five guesses were evaluated, and each of them was counted.
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.unwrap();
    let locator = tenant.keys.locator().unwrap().open_flow_id(&id).unwrap();
    let flow = tenant.store.find_flow(locator.flow, locator.account).await.unwrap().unwrap().flow;
    assert!((1..=5).contains(&flow.tries), "{flow:?}");
    assert_eq!(u64::from(flow.tries), flow.version - 1, "each guess is counted");
}

/// security 109: switched off means off on every path.
#[tokio::test]
async fn security_109_registration_can_be_switched_off() {
    let on = World::new().await.unwrap();
    let customer = Customer::new("Grace");
    let id = start(&on, &customer).await;
    let code = newest_code(&on, &customer).await;
    let off = DEFAULT_DOCUMENT.replace("enabled = true", "enabled = false");
    let world = World::builder().tenant("default", &off).build().await.unwrap();
    let api = Anonymous::new(&world);
    assert_eq!(api.get("/v1/registration/form").await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(api.post_json("/v1/registrations", &customer.registration()).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(verify(&world, &id, &code).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(resend(&world, &id).await.refusal(), (403, "forbidden".to_owned()));
    for path in ["/register".to_owned(), format!("/verify?flow={id}")] {
        assert_eq!(api.get(&path).await.status(), 403, "{path}");
        assert_eq!(api.post_form(&path, &[("identifier", "grace@example.com")]).await.status(), 403, "{path}");
    }
}

/// security 119: only the origins of the calling client may read the answer, also a refusal.
#[tokio::test]
async fn security_119_the_clients_origins_read_the_answers() {
    let world = World::new().await.unwrap();
    let api = Anonymous::new(&world);
    let own = world.origin().to_owned();
    for (path, origin, readable) in [
        ("/v1/registration/form", own.as_str(), true),
        ("/v1/registration/form?client_id=demo-web", "http://localhost:3000", true),
        ("/v1/registration/form?client_id=demo-web", own.as_str(), false),
        ("/v1/registration/form", "http://localhost:3000", false),
        ("/v1/registration/form", "https://evil.example", false),
        ("/v1/registration/form", "null", false),
    ] {
        let answer = api.send(Method::GET, path, &[("origin", origin)], "").await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, readable.then_some(origin), "{path} {origin}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let headers = [("origin", own.as_str()), ("content-type", "application/json")];
    let refused = api.send(Method::POST, "/v1/registrations/x/verification", &headers, r#"{"code":"1"}"#).await;
    assert_eq!(refused.status(), 404);
    assert_eq!(refused.header("access-control-allow-origin"), Some(own.as_str()));
    assert_eq!(api.get("/v1/registration/form?client_id=unknown").await.refusal(), (400, "invalid_request".to_owned()));
}

/// The limit by client address (decision 35); security 115: one IPv6 network counts as one caller.
#[tokio::test]
async fn registrations_are_limited_by_network() {
    let world = World::new().await.unwrap();
    let calls = std::cell::Cell::new(0);
    let call = async |address: &str| {
        // An address of its own: the mails to one address have a lower limit.
        calls.set(calls.get() + 1);
        let body = Customer::new(&format!("Ada{}", calls.get())).registration().to_string();
        let request = http::Request::post("/v1/registrations").header("content-type", "application/json").body(body);
        world.call_from(address.parse::<IpAddr>().unwrap(), request.unwrap()).await.status().as_u16()
    };
    let mut answered = 0;
    while call("2001:db8:1:2::1").await == 202 {
        answered += 1;
        assert!(answered <= 200, "no limit was applied");
    }
    assert_eq!(answered, 60);
    assert_eq!(call("2001:db8:1:2:ffff::2").await, 429);
    assert_eq!(call("2001:db8:1:3::1").await, 202);
    world.advance(Span::seconds(5));
    assert_eq!(call("2001:db8:1:2::1").await, 202);
    assert_eq!(call("2001:db8:1:2::1").await, 429);
}
