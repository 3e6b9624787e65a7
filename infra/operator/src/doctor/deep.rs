//! `latchkey doctor --deep`: tells in a real account what no local AWS can show (docs/deployment.md). It writes one counter of failed
//! sign-ins, for an address of a domain that cannot exist, and nothing else.
//!
//! 1. A sign-in of an unknown address. It reads keys of several partitions and two tables in one request, behind the role of `Login`.
//! 2. Every route of the template that has no variable part answers from its own function.
//! 3. What CloudFormation and Lambda made of the template: traces, architecture, the keys' regions, the namespace of metrics, the limit
//!    of the account, and tables that an earlier attempt left.

use super::report::Report;
use crate::site::Answer;
use crate::target::{Place, Stack, Target};
use latchkey::context::Random;
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use std::collections::BTreeSet;

/// The functions, by logical id.
const FUNCTIONS: [&str; 8] = ["Registration", "Login", "Token", "Profile", "Export", "Retention", "Events", "Migration"];
/// The template of this version.
const TEMPLATE: &str = include_str!("../../../../template.yaml");
/// Below this number of concurrent executions a rush of sign-ins is turned away.
const LEAST_CONCURRENCY: i32 = 100;

pub(super) async fn check(report: &mut Report, target: &Target) {
    check_sign_in(report, target).await;
    check_routes(report, target).await;
    match &target.place {
        Place::Stack(stack) => {
            check_functions(report, stack).await;
            check_keys(report, stack).await;
            check_concurrency(report, stack).await;
            check_leftovers(report, stack).await;
        }
        Place::Local => report.skip("deep: AWS resources", "only a stack has them"),
    }
    report.skip(
        "deep: writes over several tables",
        "register an account by hand once: its proof is the one transaction over the tables identities and keys that no check can make",
    );
}

/// The path and the function of each route without a variable part.
fn routes() -> Vec<(&'static str, &'static str)> {
    let routes = TEMPLATE.lines().filter_map(|line| {
        let (_, rest) = line.split_once("RouteKey: \"ANY ")?;
        let (path, rest) = rest.split_once('"')?;
        let (_, rest) = rest.split_once("integrations/${")?;
        Some((path, rest.split_once("Integration}")?.0))
    });
    routes.filter(|(path, _)| !path.contains('{')).collect()
}

async fn check_sign_in(report: &mut Report, target: &Target) {
    let what = "deep: sign-in";
    let page = match target.site.get("/login").await {
        Ok(page) => page,
        Err(refused) => return report.fail(what, refused.to_string(), "see the findings about the issuer"),
    };
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let Some(anti_forgery) = hidden_value(&html, ANTI_FORGERY_FIELD) else {
        return report.fail(what, format!("/login answered {} without a form", page.status), "see the log of Login");
    };
    let cookies: Vec<&str> = page.headers("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
    let unknown = format!("doctor-{}@example.invalid", data_encoding::HEXLOWER.encode(&Random.bytes::<8>()));
    let form = [("identifier", unknown.as_str()), ("password", "no password of a user 1"), (ANTI_FORGERY_FIELD, &anti_forgery)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let (cookies, origin) = (cookies.join("; "), target.origin.as_str());
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookies.as_str()),
        ("origin", origin),
        ("sec-fetch-site", "same-origin"),
    ];
    match target.site.send_with("POST", "/login", &headers, body).await {
        Ok(Answer { status: 400, .. }) => report.ok(what, "an unknown address is refused as it must be: reads over several keys and tables work"),
        Ok(Answer { status: 429, .. }) => report.warn(what, "this machine signs in too often", "try again in ten minutes"),
        Ok(Answer { status, .. }) => report.fail(
            what,
            format!("an unknown address got {status} instead of 400"),
            "see the log of Login; for AccessDenied, compare dynamodb:LeadingKeys of its role with the keys in the message, and report it",
        ),
        Err(refused) => report.fail(what, refused.to_string(), "see the findings about the issuer"),
    }
}

/// The value of a hidden field.
fn hidden_value(html: &str, name: &str) -> Option<String> {
    let (before, after) = html.split_once(&format!("name=\"{name}\""))?;
    let tag = format!("{}{}", &before[before.rfind('<')?..], &after[..after.find('>')?]);
    let (_, value) = tag.split_once("value=\"")?;
    Some(value.split_once('"')?.0.to_owned())
}

/// A path that API Gateway does not deploy falls to the default route, and its function answers 404.
async fn check_routes(report: &mut Report, target: &Target) {
    let (mut missing, mut checked) = (Vec::new(), 0);
    for (path, function) in routes() {
        // No path takes this method: its function says so, and does nothing.
        match target.site.send("PUT", path, &[]).await {
            Ok(answer) if answer.status == 404 => missing.push(format!("{path} ({function})")),
            Ok(_) => checked += 1,
            Err(refused) => return report.fail("deep: routes", refused.to_string(), "see the findings about the issuer"),
        }
    }
    if missing.is_empty() {
        report.ok("deep: routes", format!("{checked} paths answer"));
    } else {
        let mend = "deploy again: API Gateway has not deployed these routes";
        report.fail("deep: routes", format!("these paths are not found: {}", missing.join(", ")), mend);
    }
}

async fn check_functions(report: &mut Report, stack: &Stack) {
    let lambda = aws_sdk_lambda::Client::new(&stack.aws);
    let traces = stack.parameter("Tracing") == Some("true");
    let namespace = format!("Latchkey/{}", stack.name);
    let (mut wrong, mut architectures) = (Vec::new(), BTreeSet::new());
    for function in FUNCTIONS {
        let Some(resource) = stack.resource(function) else { continue };
        match lambda.get_function_configuration().function_name(resource).send().await {
            Err(error) => return report.unreadable("deep: functions", &error),
            Ok(found) => {
                let mode = found.tracing_config.as_ref().and_then(|config| config.mode.clone());
                if traces != (mode == Some(aws_sdk_lambda::types::TracingMode::Active)) {
                    wrong.push(format!("{function} does not trace as Tracing says"));
                }
                let variables = found.environment.and_then(|environment| environment.variables).unwrap_or_default();
                if variables.get("LATCHKEY_METRICS") != Some(&namespace) {
                    wrong.push(format!("{function} counts outside of {namespace}"));
                }
                architectures.extend(found.architectures.unwrap_or_default().iter().map(|one| one.as_str().to_owned()));
            }
        }
    }
    let architectures = architectures.into_iter().collect::<Vec<_>>().join(", ");
    if wrong.is_empty() {
        report.ok("deep: functions", format!("traces and metrics as deployed; built for {architectures}"));
    } else {
        report.fail("deep: functions", wrong.join("; "), "deploy the current template");
    }
}

async fn check_keys(report: &mut Report, stack: &Stack) {
    let client = aws_sdk_kms::Client::new(&stack.aws);
    for key in ["WrappingKey", "SigningKeyEs256", "SigningKeyRs256"] {
        let Some(id) = stack.resource(key) else { continue };
        let what = format!("deep: {key}");
        match client.describe_key().key_id(id).send().await {
            Err(error) => report.unreadable(what, &error),
            Ok(found) if found.key_metadata.as_ref().and_then(|key| key.multi_region) == Some(true) => {
                report.warn(what, "a key of several regions", "a replica unwraps everything: see decision 34");
            }
            Ok(_) => report.ok(what, "a key of this region only, as decision 34 says"),
        }
    }
}

async fn check_concurrency(report: &mut Report, stack: &Stack) {
    let what = "deep: concurrency";
    match aws_sdk_lambda::Client::new(&stack.aws).get_account_settings().send().await {
        Err(error) => report.unreadable(what, &error),
        Ok(found) => {
            let limit = found.account_limit.map_or(0, |limit| limit.concurrent_executions);
            if limit >= LEAST_CONCURRENCY {
                report.ok(what, format!("{limit} executions at once for the whole account and region"));
            } else {
                let mend = "ask for 1,000 in Service Quotas: AWS Lambda, Concurrent executions (L-B99A9384)";
                report.warn(what, format!("only {limit} executions at once for the whole account and region"), mend);
            }
        }
    }
}

/// Tables with the name of the stack that are not its own: an earlier version kept them after a failed creation.
async fn check_leftovers(report: &mut Report, stack: &Stack) {
    let what = "deep: leftovers";
    let client = aws_sdk_dynamodb::Client::new(&stack.aws);
    let own: BTreeSet<&str> = ["Identities", "Keys", "Audit"].into_iter().filter_map(|table| stack.resource(table)).collect();
    let (mut left, mut from) = (Vec::new(), None);
    loop {
        let page = match client.list_tables().set_exclusive_start_table_name(from).send().await {
            Ok(page) => page,
            Err(error) => return report.unreadable(what, &error),
        };
        let is_ours = |name: &&String| {
            ["Identities", "Keys", "Audit"].iter().any(|table| name.starts_with(&format!("{}-{table}-", stack.name)))
        };
        left.extend(page.table_names().iter().filter(is_ours).filter(|name| !own.contains(name.as_str())).cloned());
        from = page.last_evaluated_table_name;
        if from.is_none() {
            break;
        }
    }
    if left.is_empty() {
        report.ok(what, "no table of an earlier attempt");
    } else {
        let mend = "if they are empty, turn deletion protection off and delete them: a failed creation left them";
        report.warn(what, format!("tables outside of the stack: {}", left.join(", ")), mend);
    }
}

#[cfg(test)]
mod tests {
    use super::{hidden_value, routes};

    #[test]
    fn the_routes_of_the_template_and_a_hidden_field_are_read() {
        let routes = routes();
        assert!(routes.len() > 15, "{routes:?}");
        assert!(routes.contains(&("/login", "Login")) && routes.contains(&("/v1/registrations", "Registration")), "{routes:?}");
        assert!(routes.iter().all(|(path, _)| path.starts_with('/') && !path.contains('{')));
        let html = "<form><input value=\"no\" name=\"other\"><input type=\"hidden\" name=\"af\" value=\"yes\"></form>";
        assert_eq!(hidden_value(html, "af").as_deref(), Some("yes"));
        assert_eq!(hidden_value(html, "missing"), None);
    }
}
