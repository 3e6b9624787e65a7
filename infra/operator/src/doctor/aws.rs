//! Checks the AWS resources: the stack, its functions, its tables, the wrapping key.

use super::report::Report;
use crate::target::Stack;
use aws_sdk_dynamodb::types::{ContinuousBackupsStatus, PointInTimeRecoveryStatus, TableStatus, TimeToLiveStatus};
use aws_sdk_lambda::types::{LastUpdateStatus, State};

/// The functions, by logical id.
const FUNCTIONS: [&str; 8] = ["Registration", "Login", "Token", "Profile", "Export", "Retention", "Events", "Migration"];
/// The tables, by logical id, and whether each has a stream.
const TABLES: [(&str, bool); 3] = [("Identities", true), ("Keys", false), ("Audit", false)];

pub(super) async fn check(report: &mut Report, stack: &Stack) {
    check_status(report, stack);
    let lambda = aws_sdk_lambda::Client::new(&stack.aws);
    for function in FUNCTIONS {
        check_function(report, &lambda, stack, function).await;
    }
    check_version(report, stack);
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.aws);
    for (table, has_stream) in TABLES {
        check_table(report, &dynamodb, stack, table, has_stream).await;
    }
    check_wrapping_key(report, stack).await;
}

fn check_status(report: &mut Report, stack: &Stack) {
    const HEALTHY: [&str; 4] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"];
    let mend = "see the stack's events in CloudFormation; if a deployment is under way, wait until it ends";
    match stack.status.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => report.warn("stack", "the last deployment was rolled back", mend),
        status if HEALTHY.contains(&status) => report.ok("stack", status),
        status => report.fail("stack", status, mend),
    }
}

/// Compares the deployed version with this command's. Each version knows only the document and item formats of its time.
fn check_version(report: &mut Report, stack: &Stack) {
    const OURS: &str = env!("CARGO_PKG_VERSION");
    let mend = format!("use the `latchkey` command of the deployed version, or deploy {OURS}");
    match stack.output("Version") {
        Ok(OURS) => report.ok("version", format!("{OURS}, same as this command")),
        Ok(theirs) => report.warn("version", format!("{theirs} is deployed, and this command is {OURS}"), mend),
        Err(_) => report.warn("version", format!("the stack does not show its version, and this command is {OURS}"), mend),
    }
}

async fn check_function(report: &mut Report, client: &aws_sdk_lambda::Client, stack: &Stack, logical: &str) {
    let what = format!("function {logical}");
    let Some(resource) = stack.resource(logical) else {
        return report.fail(what, "the stack does not have it", "deploy the current template");
    };
    match client.get_function_configuration().function_name(resource).send().await {
        Err(error) => report.unreadable(what, &error),
        Ok(found) => {
            let mut wrong = Vec::new();
            if !matches!(found.state, None | Some(State::Active | State::Inactive)) {
                wrong.push("it is not active");
            }
            if !matches!(found.last_update_status, None | Some(LastUpdateStatus::Successful)) {
                wrong.push("its last update is not complete");
            }
            report.check_all(what, "active", &wrong, "look at the function in Lambda, and deploy again");
        }
    }
}

async fn check_table(report: &mut Report, client: &aws_sdk_dynamodb::Client, stack: &Stack, logical: &str, has_stream: bool) {
    let what = format!("table {logical}");
    let Some(resource) = stack.resource(logical) else {
        return report.fail(what, "the stack does not have it", "deploy the current template");
    };
    let described = match client.describe_table().table_name(resource).send().await {
        Ok(described) => described.table,
        Err(error) => return report.unreadable(what, &error),
    };
    let Some(table) = described else { return report.fail(what, "DynamoDB does not describe it", "try again") };
    let mut wrong = Vec::new();
    if table.table_status != Some(TableStatus::Active) {
        wrong.push("it is not active");
    }
    if table.deletion_protection_enabled != Some(true) {
        wrong.push("deletion protection is off");
    }
    let streams = table.stream_specification.is_some_and(|stream| stream.stream_enabled);
    if streams != has_stream {
        wrong.push(if has_stream {
            "it has no stream: no audit record and no mail follows a change"
        } else {
            "it has a stream"
        });
    }
    match client.describe_time_to_live().table_name(resource).send().await {
        Err(error) => report.unreadable(format!("{what}: ttl"), &error),
        Ok(found) => {
            let ttl = found.time_to_live_description;
            let on = ttl.as_ref().and_then(|ttl| ttl.time_to_live_status.clone()) == Some(TimeToLiveStatus::Enabled);
            if !on || ttl.and_then(|ttl| ttl.attribute_name).as_deref() != Some("ttl") {
                wrong.push("TTL is off: expired items are never removed");
            }
        }
    }
    match client.describe_continuous_backups().table_name(resource).send().await {
        Err(error) => report.unreadable(format!("{what}: recovery"), &error),
        Ok(found) => {
            let recovery = found
                .continuous_backups_description
                .filter(|found| found.continuous_backups_status == ContinuousBackupsStatus::Enabled);
            let recovery = recovery.and_then(|found| found.point_in_time_recovery_description);
            if recovery.and_then(|found| found.point_in_time_recovery_status) != Some(PointInTimeRecoveryStatus::Enabled) {
                wrong.push("point-in-time recovery is off");
            }
        }
    }
    let mend = "deploy the current template: it sets all of this and keeps the data";
    report.check_all(what, "active, protected, with TTL and point-in-time recovery", &wrong, mend);
}

async fn check_wrapping_key(report: &mut Report, stack: &Stack) {
    let arn = match stack.output("WrappingKeyArn") {
        Ok(arn) => arn,
        Err(error) => return report.unreadable("wrapping key", &error),
    };
    let client = aws_sdk_kms::Client::new(&stack.aws);
    match client.describe_key().key_id(arn).send().await {
        Err(error) => report.unreadable("wrapping key", &error),
        Ok(found) => {
            let mend = "enable it (cancel its deletion first, if it is pending): without it no instance starts, and its loss is the loss of every \
                        sealed value";
            let enabled = found.key_metadata.is_some_and(|key| key.enabled);
            report.check_all("wrapping key", "enabled", if enabled { &[] } else { &["it is not enabled"] }, mend);
        }
    }
    match client.get_key_rotation_status().key_id(arn).send().await {
        Err(error) => report.unreadable("wrapping key: rotation", &error),
        Ok(found) if found.key_rotation_enabled => report.ok("wrapping key: rotation", "on"),
        Ok(_) => report.warn("wrapping key: rotation", "off", "deploy the current template, or turn it on in KMS"),
    }
    // Read the policy rather than try it: a trial call would be an attempt to misuse the key.
    match client.get_key_policy().key_id(arn).policy_name("default").send().await {
        Err(error) => report.unreadable("wrapping key: policy", &error),
        Ok(found) => {
            let policy = found.policy.unwrap_or_default();
            let guarded = policy.contains("kms:EncryptionContext:purpose") && policy.contains("kms:EncryptionContext:tenant");
            const WRONG: &[&str] = &["its policy allows decryption without a purpose and a tenant in the encryption context"];
            let mend = "deploy the current template: its policy requires both";
            report.check_all("wrapping key: policy", "requires purpose and tenant", if guarded { &[] } else { WRONG }, mend);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;
    use std::collections::BTreeSet;

    #[test]
    fn every_function_of_the_template_is_looked_at() {
        let template = include_str!("../../../../template.yaml");
        let mut lines = template.lines().peekable();
        let mut functions = BTreeSet::new();
        while let Some(line) = lines.next() {
            if lines.peek().is_some_and(|next| next.trim() == "Type: AWS::Serverless::Function") {
                functions.insert(line.trim().trim_end_matches(':'));
            }
        }
        assert_eq!(functions, BTreeSet::from(FUNCTIONS));
    }
}
