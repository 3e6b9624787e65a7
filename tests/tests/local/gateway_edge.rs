//! The real binary at its socket: limits, hostile headers, slow senders, and pages for this machine only.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use serde_json::json;
use std::time::Duration;
use tests::{Anonymous, Gateway};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends raw bytes, and reads the answer to its end.
async fn raw(gateway: &Gateway, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    // The gateway may refuse and close the connection before everything is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn security_122_long_headers_and_bodies_get_a_problem_at_the_socket() {
    let gateway = Gateway::ephemeral(&[]);
    let host = format!("Host: localhost:{}\r\nConnection: close\r\n", gateway.port());
    let get = |filler: usize| format!("GET /healthz HTTP/1.1\r\n{host}X-Filler: {}\r\n\r\n", "x".repeat(filler));
    assert_eq!(status(&raw(&gateway, get(8_000).as_bytes()).await), 200);
    for filler in [9_300, 30_000] {
        let answer = raw(&gateway, get(filler).as_bytes()).await;
        assert_eq!(status(&answer), 431, "{answer}");
        assert!(answer.contains("headers_too_large") && answer.contains("nosniff"), "{answer}");
    }
    // Beyond the limits of the server itself the answer is bare, but there is one.
    assert_eq!(status(&raw(&gateway, get(200_000).as_bytes()).await), 431);
    let long_line = format!("GET /healthz?{} HTTP/1.1\r\n{host}\r\n", "x".repeat(9_300));
    assert_eq!(status(&raw(&gateway, long_line.as_bytes()).await), 431);
    for size in [65 * 1024, 10 * 1024 * 1024] {
        let head = format!("POST /oauth2/token HTTP/1.1\r\n{host}Content-Type: application/x-www-form-urlencoded\r\n");
        let request = [format!("{head}Content-Length: {size}\r\n\r\n").into_bytes(), vec![b'a'; size]].concat();
        let answer = raw(&gateway, &request).await;
        // A sender that does not stop may lose the early answer with the connection.
        assert!(status(&answer) == 413 || (size > 1024 * 1024 && answer.is_empty()), "{size}: {answer}");
    }
    for nonsense in ["GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let answer = raw(&gateway, nonsense.as_bytes()).await;
        assert!(answer.is_empty() || status(&answer) == 400 || status(&answer) == 505, "{nonsense:?}: {answer}");
    }
    assert_eq!(status(&raw(&gateway, get(1).as_bytes()).await), 200, "it still answers");
}

#[tokio::test]
async fn security_115_forwarding_headers_change_nothing() {
    let gateway = Gateway::ephemeral(&[]);
    let api = Anonymous::new(&gateway);
    let plain = api.get("/.well-known/openid-configuration").await;
    assert_eq!(plain.status(), 200);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "garbage, ,,\t-1"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=203.0.113.9;host=evil.test;proto=https"),
        ("x-real-ip", "not an address"),
        ("x-original-url", "/dev/mailbox.json"),
    ] {
        let answer = api.send(http::Method::GET, "/.well-known/openid-configuration", &[(name, value)], "").await;
        assert_eq!((answer.status(), answer.text()), (200, plain.text()), "{name}: {value}");
    }
    // security 53: the Host header of a client does not change it either.
    let hostile = api.send(http::Method::GET, "/.well-known/openid-configuration", &[("host", "evil.test")], "").await;
    assert_eq!((hostile.status(), hostile.text()), (200, plain.text()));
}

#[tokio::test]
async fn mailbox_clock_jobs_and_demo_answer_to_this_machine_only() {
    let gateway = Gateway::ephemeral(&[]);
    let api = Anonymous::new(&gateway);
    let port = gateway.port();
    let own = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    let foreign =
        ["evil.test".to_owned(), format!("evil.test:{port}"), "localhost".to_owned(), format!("localhost:{}", port ^ 1)];
    for path in ["/dev/mailbox", "/dev/mailbox.json", "/demo/"] {
        for (hosts, expected) in [(&own[..], 200), (&foreign[..], 403)] {
            for host in hosts {
                assert_eq!(
                    api.send(http::Method::GET, path, &[("host", host)], "").await.status(),
                    expected,
                    "{path} at {host}"
                );
            }
        }
        let cross = api.send(http::Method::GET, path, &[("origin", "https://evil.test")], "").await;
        assert_eq!(cross.refusal(), (403, "forbidden".to_owned()), "{path}");
    }
    let advance = json!({ "advance": "PT1H" }).to_string();
    for (path, body) in [("/dev/clock", advance.as_str()), ("/dev/run", r#"{"job":"retention"}"#), ("/demo/sign-in", "")] {
        for headers in [
            [("content-type", "application/json"), ("origin", "https://evil.test")],
            [("content-type", "application/json"), ("origin", "null")],
            [("content-type", "application/json"), ("sec-fetch-site", "cross-site")],
            [("content-type", "application/json"), ("host", "evil.test")],
        ] {
            let answer = api.send(http::Method::POST, path, &headers, body.to_owned()).await;
            assert_eq!(answer.refusal(), (403, "forbidden".to_owned()), "{path} {headers:?}");
        }
    }
    // security 120: the content types that a cross-site form can send are not JSON.
    let text = api.send(http::Method::POST, "/dev/clock", &[("content-type", "text/plain")], advance).await;
    assert_eq!(text.status(), 415);
    // A tenant has no such pages.
    assert_eq!(api.get("/t/acme/dev/mailbox.json").await.status(), 404);
}

#[tokio::test]
async fn an_unknown_job_and_a_wrong_duration_are_problems() {
    let gateway = Gateway::ephemeral(&[]);
    let api = Anonymous::new(&gateway);
    let answer = api.post_json("/dev/run", &json!({ "job": "nonsense" })).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
    assert!(answer.text().contains("nonsense"), "{}", answer.text());
    for advance in ["tomorrow", "-P1D", "P1M"] {
        let answer = api.post_json("/dev/clock", &json!({ "advance": advance })).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{advance}");
    }
    assert_eq!(api.post_json("/dev/clock", &json!({ "advance": "P1D", "back": true })).await.status(), 400);
}

#[tokio::test]
async fn t17_slow_and_idle_connections_do_not_delay_others() {
    let gateway = Gateway::ephemeral(&[]);
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let begun: &[u8] =
            if number % 2 == 0 { b"GET /healthz HTT" } else { b"POST /oauth2/token HTTP/1.1\r\nContent-Length: 9\r\n\r\na" };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    let api = Anonymous::new(&gateway);
    for _ in 0..20 {
        assert_eq!(tokio::time::timeout(Duration::from_secs(30), api.get("/healthz")).await.unwrap().status(), 200);
    }
    drop(slow);
}

#[tokio::test]
async fn t17_a_header_that_never_ends_is_cut_off() {
    let gateway = Gateway::ephemeral(&[]);
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.expect("cut off").unwrap();
}

/// A proxy on this machine can rewrite `Host`. The headers that it adds show it.
#[tokio::test]
async fn security_115_the_gateways_own_pages_are_not_available_through_a_proxy() {
    let folder = tests::gateway::folder();
    let gateway = Gateway::start(&folder.path().join("data"), &[]);
    let host = format!("Host: localhost:{}\r\nConnection: close\r\n", gateway.port());
    let call = async |target: &str, header: &str| {
        let (method, path) = target.split_once(' ').unwrap();
        status(&raw(&gateway, format!("{method} {path} HTTP/1.1\r\n{host}{header}Content-Length: 0\r\n\r\n").as_bytes()).await)
    };
    for target in [
        "GET /dev/mailbox",
        "GET /dev/mailbox.json",
        "GET /dev/mailbox/x",
        "GET /dev/api",
        "POST /dev/clock",
        "POST /dev/run",
        "POST /dev/tables/",
        "GET /demo/",
        "POST /demo/sign-in",
        "GET /demo/callback",
        "POST /demo/refresh",
        "POST /demo/sign-out",
    ] {
        assert_ne!(call(target, "").await, 403, "{target}");
        for header in
            ["Forwarded: for=1.2.3.4", "Via: 1.1 proxy", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: a", "x-forwarded-x: "]
        {
            assert_eq!(call(target, &format!("{header}\r\n")).await, 403, "{target} with {header}");
        }
    }
    // What a deployment has too stays available.
    assert_eq!(call("GET /healthz", "X-Forwarded-For: 127.0.0.1\r\n").await, 200);
}
