//! Measures the CPU time of a warm request for each operation: of the function's process only, without the engine, KMS and the client. It
//! includes the overhead of the Runtime API, which the row of the minimal binary shows.

use clap::Parser;
use data_encoding::BASE64;
use measure::sandbox::{Deployment, Process};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tests::{Browser, Customer, OAuthClient, Page};

/// Measures the CPU time of warm requests
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder of the release binaries
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// How many requests of each operation are measured
    #[arg(long, default_value_t = 500)]
    requests: u32,
    /// The commit of the binaries, recorded with the figures
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// The output file (JSON)
    #[arg(long, default_value = "docs/benchmarks/warm.json")]
    into: PathBuf,
}

#[derive(Serialize)]
struct Figures {
    latchkey: &'static str,
    commit: String,
    requests: u32,
    /// CPU microseconds per request.
    cpu_us: Vec<(&'static str, f64)>,
}

/// Requests before the measurement: what is built on first use is built.
const WARM: u32 = 50;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { binaries, requests, commit, into } = Arguments::parse();
    let deployment = Deployment::new().await;
    let world = &deployment.world;
    let customer = Customer::registered(world, "Ada").await;
    let web = OAuthClient { scope: "openid email offline_access".to_owned(), ..OAuthClient::demo_web(world) };
    let tokens = web.tokens_for(&customer).await;
    let mut cpu_us = Vec::new();

    let mut bare = deployment.start(&binaries.join("hello")).await;
    let get = event("GET", "/.well-known/openid-configuration", &[], String::new());
    cpu_us.push(("bare", repeated(&mut bare, &get, requests, 200).await));

    let mut token = deployment.start(&binaries.join("token")).await;
    cpu_us.push(("discovery", repeated(&mut token, &get, requests, 200).await));
    let service = post("/oauth2/token", "demo-service:demo-service-secret", &[("grant_type", "client_credentials")]);
    cpu_us.push(("client credentials", repeated(&mut token, &service, requests, 200).await));
    const WEB: &str = "demo-web:demo-web-secret";
    let introspect = post("/oauth2/introspect", WEB, &[("token", tokens.access())]);
    cpu_us.push(("introspect", repeated(&mut token, &introspect, requests, 200).await));
    let bearer = format!("Bearer {}", tokens.access());
    let userinfo = event("GET", "/userinfo", &[("authorization", &bearer)], String::new());
    cpu_us.push(("userinfo", repeated(&mut token, &userinfo, requests, 200).await));
    cpu_us.push(("refresh", refreshed(&mut token, tokens.refresh().to_owned(), requests).await));

    let mut login = deployment.start(&binaries.join("login")).await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    // Every sign-in creates a session, so few requests must do.
    let sign_in = sign_in(&browser, &page, &customer);
    cpu_us.push(("password sign-in, argon2id included", repeated(&mut login, &sign_in, requests.min(100), 303).await));

    let figures = Figures { latchkey: env!("CARGO_PKG_VERSION"), commit, requests, cpu_us };
    let text = serde_json::to_string_pretty(&figures).unwrap_or_default() + "\n";
    let _ = write!(std::io::stdout(), "{text}");
    match into.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&into, text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}: {error}", into.display());
            ExitCode::FAILURE
        }
    }
}

/// Sends the same request repeatedly.
async fn repeated(process: &mut Process, event: &Value, requests: u32, status: u16) -> f64 {
    let mut before = process.busy();
    for request in 0..WARM + requests {
        if request == WARM {
            before = process.busy();
        }
        let (answer, _) = process.answer(event).await;
        assert_eq!(answer["statusCode"], status, "{answer}");
    }
    (process.busy() - before).as_secs_f64() * 1e6 / f64::from(requests)
}

/// Sends each request with the token of the previous answer.
async fn refreshed(process: &mut Process, mut token: String, requests: u32) -> f64 {
    let mut before = process.busy();
    for request in 0..WARM + requests {
        if request == WARM {
            before = process.busy();
        }
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let (answer, _) = process.answer(&post("/oauth2/token", "demo-web:demo-web-secret", &fields)).await;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        body["refresh_token"].as_str().unwrap_or_default().clone_into(&mut token);
        assert!(!token.is_empty(), "{answer}");
    }
    (process.busy() - before).as_secs_f64() * 1e6 / f64::from(requests)
}

fn sign_in(browser: &Browser, page: &Page, customer: &Customer) -> Value {
    let form = page.form("#submit");
    let mut fields: Vec<(String, String)> =
        form.fields.into_iter().filter(|(name, _)| name != "identifier" && name != "password").collect();
    fields.push(("identifier".to_owned(), customer.email.clone()));
    fields.push(("password".to_owned(), customer.password.clone()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", "https://id.example.com"),
        ("sec-fetch-site", "same-origin"),
    ];
    let mut event = event("POST", "/login", &headers, form_body(&fields));
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    event["cookies"] = json!(cookies);
    event
}

fn post(path: &str, client: &str, fields: &[(&str, &str)]) -> Value {
    let basic = format!("Basic {}", BASE64.encode(client.as_bytes()));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.as_str())];
    event("POST", path, &headers, form_body(fields))
}

fn form_body(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A request event as API Gateway sends it.
fn event(method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Value {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "version": "2.0", "routeKey": format!("ANY {path}"), "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2c3d4e5", "domainName": "id.example.com", "domainPrefix": "id",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.42", "userAgent": "measure",
            },
            "requestId": "UbVwEiXyliAEJ0Q=", "routeKey": "$default", "stage": "$default",
            "time": "24/Nov/2026:09:15:29 +0000", "timeEpoch": 1_795_511_729_123_i64,
        },
        "body": body, "isBase64Encoded": false,
    })
}
