//! API Gateway's HTTP API (payload 2.0): converts an event to a request, and a response to the gateway's form.
//!
//! The path is taken as it arrives, never normalized. Neither scheme nor host comes from a header. Routes and checks see exactly what
//! the caller sent. Any other event is not a request (security 143).
//!
//! The gateway names the caller's address. Behind a CloudFront distribution, which proves itself with a secret, the distribution does
//! ([`front`]).

pub mod front;

use crate::context::Deadline;
use crate::web::Host;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use data_encoding::BASE64;
use front::Front;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, StatusCode, Uri};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings;
use serde::{Deserialize, Deserializer};
use tower::ServiceExt;

/// Any invocation: an HTTP request of the gateway, or another event.
#[derive(Debug)]
pub enum Event {
    /// A request.
    Request(Box<ApiGatewayV2httpRequest>),
    /// A direct invocation, an event of another service, or garbage.
    Other,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = serde_json::Value::deserialize(deserializer)?;
        // An event without an HTTP context does not parse as one of the gateway.
        let request = ApiGatewayV2httpRequest::deserialize(event);
        Ok(request.map_or(Self::Other, |request| Self::Request(Box::new(request))))
    }
}

/// Answers an event with a router, before the deadline, if callers reach the gateway itself.
pub async fn answer(router: Router, event: Event, deadline: Deadline) -> ApiGatewayV2httpResponse {
    answer_behind(&Front::None, router, event, deadline).await
}

/// As [`answer`], with a front before the gateway.
pub async fn answer_behind(front: &Front, router: Router, event: Event, deadline: Deadline) -> ApiGatewayV2httpResponse {
    let request = match event {
        Event::Request(event) => request(front, *event, deadline),
        Event::Other => None,
    };
    // Without the host's facts the router refuses the request, with all headers of a refusal.
    let response = match router.oneshot(request.unwrap_or_default()).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    to_gateway(response).await
}

/// The request of an event. `None` if it is not a valid one, or if it bypassed the front.
fn request(front: &Front, mut event: ApiGatewayV2httpRequest, deadline: Deadline) -> Option<Request<Body>> {
    let viewer = front.admit(&mut event.headers)?;
    let body = match event.body {
        None => Body::empty(),
        Some(text) if event.is_base64_encoded => Body::from(BASE64.decode(text.as_bytes()).ok()?),
        Some(text) => Body::from(text),
    };
    let mut request = Request::new(body);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.uri_mut() = target(event.raw_path.as_deref()?, event.raw_query_string.as_deref())?;
    *request.headers_mut() = event.headers;
    if let Some(cookies) = event.cookies.filter(|cookies| !cookies.is_empty()) {
        // A cookie that no header can carry is omitted: it counts as absent.
        if let Ok(value) = HeaderValue::from_bytes(cookies.join("; ").as_bytes()) {
            request.headers_mut().insert(COOKIE, value);
        }
    }
    let context = event.request_context;
    // The gateway names its API and the caller. A direct invocation usually does not.
    if let (Some(request_id), Some(address), Some(_)) = (context.request_id, context.http.source_ip, context.apiid)
        && let Ok(request_id) = request_id.parse()
    {
        // security 115: the address comes from the trusted hop, never from the caller. A malformed one counts as absent.
        let client_address = viewer.or_else(|| address.parse().ok());
        request.extensions_mut().insert(Host { request_id, client_address, deadline });
    }
    Some(request)
}

/// The request target. The gateway may have decoded the path: characters that a target cannot contain are encoded again.
fn target(path: &str, query: Option<&str>) -> Option<Uri> {
    let mut target = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        target.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'?' | b'#' => {
                target.push_str(&format!("%{byte:02X}"))
            }
            0x21..=0x7e => target.push(char::from(byte)),
            _ => target.push_str(&format!("%{byte:02X}")),
        }
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        target.push('?');
        target.push_str(query);
    }
    target.parse().ok()
}

/// The response for the gateway: cookies apart, other repeated headers joined, text bodies as text.
async fn to_gateway(response: Response) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    for name in parts.headers.keys() {
        let values: Vec<&[u8]> = parts.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if name == SET_COOKIE {
            answer.cookies.extend(values.into_iter().map(|value| String::from_utf8_lossy(value).into_owned()));
        } else if let Ok(value) = HeaderValue::from_bytes(&values.join(b", ".as_slice())) {
            answer.headers.insert(name, value);
        }
    }
    // Our own bodies are complete in memory, so reading them cannot fail.
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        answer.status_code = i64::from(StatusCode::INTERNAL_SERVER_ERROR.as_u16());
        return answer;
    };
    // A part of an archive may look like text. Escaped as text, it could exceed Lambda's response limit.
    let is_archive = answer.headers.get(CONTENT_TYPE).is_some_and(|is| is == "application/zip");
    answer.body = Some(encodings::Body::Text(match std::str::from_utf8(&bytes) {
        Ok(text) if !is_archive => text.to_owned(),
        Ok(_) | Err(_) => {
            answer.is_base64_encoded = true;
            BASE64.encode(&bytes)
        }
    }));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Extension;
    use axum::response::IntoResponse;
    use serde_json::json;

    fn event(change: impl FnOnce(&mut serde_json::Value)) -> Event {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/echo",
            "rawQueryString": "a=%2F&b=1",
            "cookies": ["x=1", "y=2"],
            "headers": {"host": "evil.test", "x-forwarded-proto": "gopher", "x-forwarded-for": "203.0.113.9, junk"},
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "id.example.com", "domainPrefix": "id",
                "http": {"method": "POST", "path": "/echo", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "x"},
                "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
                "time": "10/Mar/2020:05:16:23 +0000", "timeEpoch": 1_583_817_383_220_i64
            },
            "body": "hello",
            "isBase64Encoded": false
        });
        change(&mut event);
        serde_json::from_value(event).unwrap()
    }

    /// Returns what reached it. Without the host's facts it returns 403, as `mount` does.
    async fn echo(host: Option<Extension<Host>>, request: Request<Body>) -> Response {
        let Some(Extension(host)) = host else { return StatusCode::FORBIDDEN.into_response() };
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1024).await.unwrap();
        let address = host.client_address.map(|address| address.to_string());
        let cookies = parts.headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned());
        let words = format!("{} {} {address:?} {cookies:?} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
        let mut response = words.into_response();
        for cookie in ["a=1; Secure", "b=2"] {
            response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        response
    }
    async fn answered(event: Event) -> (i64, String, Vec<String>) {
        let answer = answer(Router::new().fallback(echo), event, Deadline::default()).await;
        let body = match answer.body {
            Some(encodings::Body::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        (answer.status_code, body, answer.cookies)
    }

    #[tokio::test]
    async fn a_request_has_the_values_that_the_gateway_saw() {
        let (status, body, cookies) = answered(event(|_| {})).await;
        assert_eq!(status, 200);
        // security 115: not the address of X-Forwarded-For; security 89: no scheme or host from a header.
        assert_eq!(body, r#"POST /echo?a=%2F&b=1 Some("192.0.2.7") Some("x=1; y=2") hello"#);
        assert_eq!(cookies, ["a=1; Secure", "b=2"]);
    }

    #[tokio::test]
    async fn a_path_is_never_normalised_and_a_body_is_decoded() {
        let (_, body, _) = answered(event(|event| {
            event["rawPath"] = json!("/a/../%2e%2e/b c\\\u{e4}");
            event["rawQueryString"] = json!("");
            event["cookies"] = json!(null);
            event["body"] = json!("aGk=");
            event["isBase64Encoded"] = json!(true);
            event["requestContext"]["http"]["sourceIp"] = json!("not an address");
        }))
        .await;
        assert_eq!(body, "POST /a/../%2e%2e/b%20c%5C%C3%A4 None None hi");
    }

    #[tokio::test]
    async fn an_archive_is_sent_as_base64_and_text_as_it_is() {
        for (media_type, body, sent, is_base64) in [
            ("application/zip", "looks like text", "bG9va3MgbGlrZSB0ZXh0", true),
            ("text/plain", "looks like text", "looks like text", false),
        ] {
            let router = Router::new().fallback(async move || ([(CONTENT_TYPE, media_type)], body));
            let answer = answer(router, event(|_| {}), Deadline::default()).await;
            assert_eq!((answer.is_base64_encoded, answer.body), (is_base64, Some(encodings::Body::Text(sent.to_owned()))));
        }
    }

    #[tokio::test]
    async fn an_event_that_is_not_a_gateway_request_is_refused() {
        // security 143
        for other in
            [json!({}), json!(null), json!([1]), json!("x"), json!({"Records": []}), json!({"requestContext": {"http": 1}})]
        {
            let event: Event = serde_json::from_value(other.clone()).unwrap();
            assert_eq!(answered(event).await.0, 403, "{other}");
        }
        for missing in ["apiId", "requestId"] {
            let event = event(|event| event["requestContext"][missing] = json!(null));
            assert_eq!(answered(event).await.0, 403, "{missing}");
        }
        assert_eq!(answered(event(|event| event["requestContext"]["requestId"] = json!("a b\n"))).await.0, 403);
        assert_eq!(answered(event(|event| event["rawPath"] = json!(null))).await.0, 403);
        assert_eq!(answered(event(|event| event["isBase64Encoded"] = json!(true))).await.0, 403);
    }
}
