//! Checks the HTTP answers, as clients and resource servers see them.

use super::report::Report;
use super::tenants::CheckedTenant;
use crate::site::Answer;
use crate::target::{Place, Target};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Timestamp;
use serde_json::Value;

/// The most clock skew, in seconds, between this machine and the service. AWS signatures and tokens tolerate more; people who compare times
/// do not.
const SKEW: u64 = 5;

pub(super) async fn check(report: &mut Report, target: &Target, tenants: &[CheckedTenant], now: Timestamp) {
    let issuer = target.origin.as_str();
    if matches!(target.place, Place::Stack(_)) && !target.origin.is_https() {
        report.fail("issuer", format!("{issuer} is not https"), "deploy with an Origin that begins with https://");
    }
    let health = match target.site.get("/healthz").await {
        Ok(health) if health.status == 200 => health,
        Ok(other) => {
            let mend = "see the log of Token, and check that the domain leads to this API";
            return report.fail("issuer", format!("{issuer}/healthz answered {}", other.status), mend);
        }
        Err(refused) => {
            let mend =
                "point the domain to the output ApiEndpoint (or contact that with --at), and check its certificate (--ca)";
            return report.fail("issuer", refused.to_string(), mend);
        }
    };
    report.ok("issuer", format!("{issuer} answers"));
    check_clock(report, &health, now);
    for tenant in tenants {
        check_metadata(report, target, &tenant.id).await;
    }
    check_challenge(report, target).await;
    check_preflight(report, target, tenants).await;
}

fn check_clock(report: &mut Report, answer: &Answer, now: Timestamp) {
    let date = answer.header("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
    let Some(date) = date else { return report.skip("clock", "the answer has no Date header") };
    let apart = date.secs().abs_diff(now.seconds());
    if apart <= SKEW {
        report.ok("clock", "this machine's clock and the service's agree");
    } else {
        report.warn(
            "clock",
            format!("this machine's clock and the service's are {apart} s apart"),
            "set this machine's clock (NTP)",
        );
    }
}

async fn check_metadata(report: &mut Report, target: &Target, tenant: &TenantId) {
    let issuer = target.origin.issuer(tenant);
    let path = issuer.strip_prefix(target.origin.as_str()).unwrap_or_default();
    let what = format!("tenant {tenant}: metadata");
    let found = match target.site.get(&format!("{path}/.well-known/openid-configuration")).await {
        Ok(found) if found.status == 200 => found.json(),
        Ok(other) => return report.fail(what, format!("answered {}", other.status), "see the log of Token"),
        Err(refused) => return report.fail(what, refused.to_string(), "see the log of Token"),
    };
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("issuer") == issuer {
        report.ok(what, format!("issuer {issuer}"));
    } else {
        let mend = "deploy with the Origin that applications use; libraries compare the issuer byte by byte";
        report.fail(what, format!("says issuer {:?}, not {issuer:?}", text("issuer")), mend);
    }
    let what = format!("tenant {tenant}: JWK Set");
    let jwks = text("jwks_uri");
    let Some(path) = jwks.strip_prefix(target.origin.as_str()) else {
        return report.fail(what, format!("jwks_uri {jwks:?} is not of this issuer"), "deploy with the right Origin");
    };
    match target.site.get(path).await {
        Ok(answer) if answer.status == 200 => match answer.json().get("keys").and_then(Value::as_array).map_or(0, Vec::len) {
            0 => report.fail(what, "it has no keys: no token can be verified", "see the log of Token: KMS may refuse it"),
            number => report.ok(what, format!("{number} keys")),
        },
        Ok(other) => report.fail(what, format!("answered {}", other.status), "see the log of Token"),
        Err(refused) => report.fail(what, refused.to_string(), "see the log of Token"),
    }
}

/// RFC 6750 §3. API Gateway can rename this header; clients then do not find it.
async fn check_challenge(report: &mut Report, target: &Target) {
    let what = "401 and WWW-Authenticate";
    match target.site.get("/userinfo").await {
        Err(refused) => report.fail(what, refused.to_string(), "see the log of Token"),
        Ok(answer) => {
            let has_challenge = answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer"));
            if answer.status == 401 && has_challenge {
                report.ok(what, "GET /userinfo without a token gets a challenge");
            } else {
                let found = format!(
                    "GET /userinfo without a token answered {} {}",
                    answer.status,
                    if has_challenge { "with" } else { "without" }
                );
                let mend = "remove what rewrites headers or status in front of the API (a proxy, an authorizer)";
                report.fail(what, format!("{found} a challenge"), mend);
            }
        }
    }
}

/// A preflight must reach the functions: only they know the clients' origins.
async fn check_preflight(report: &mut Report, target: &Target, tenants: &[CheckedTenant]) {
    let what = "CORS preflight";
    let default = tenants.iter().find(|tenant| tenant.id.is_default());
    let allowed = default.and_then(|tenant| tenant.config.clients.values().find_map(|client| client.allowed_origins.first()));
    let mend = "remove the CORS settings of the API (CorsConfiguration) and of any proxy in front of it";
    for (origin, expected) in [(allowed.map(String::as_str), true), (Some("https://stranger.invalid"), false)] {
        let Some(origin) = origin else { continue };
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let answer = match target.site.send("OPTIONS", "/oauth2/token", &headers).await {
            Ok(answer) => answer,
            Err(refused) => return report.fail(what, refused.to_string(), mend),
        };
        let allows = answer.header("access-control-allow-origin");
        // Every answer of a function has this header; an answer that the API makes itself has not.
        if answer.header("x-content-type-options").is_none() {
            return report.fail(what, format!("answered {}, but not by a function", answer.status), mend);
        }
        match (expected, allows) {
            (true, Some(allowed)) if allowed == origin => {}
            (false, None) => {}
            (true, _) => {
                return report.fail(
                    what,
                    format!("the origin of a client, {origin}, is not allowed"),
                    "see the log of Token; a new document takes a minute",
                );
            }
            (false, Some(allowed)) => return report.fail(what, format!("an unknown origin is allowed ({allowed})"), mend),
        }
    }
    match allowed {
        Some(origin) => report.ok(what, format!("answered by the functions: {origin} is allowed, an unknown origin is not")),
        None => report.ok(what, "answered by the functions: an unknown origin is not allowed; no client names an origin"),
    }
}
