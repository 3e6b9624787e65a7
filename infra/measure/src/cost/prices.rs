//! The price file.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The prices of AWS, and assumptions. `prices.toml` describes each figure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Prices {
    pub requests: Requests,
    pub duration: Duration,
    pub tables: Tables,
    pub keys: Keys,
    pub messages: Messages,
    pub logs: Logs,
    pub transfer: Transfer,
    pub assumed: Assumed,
    pub memory_mb: BTreeMap<String, f64>,
    pub customer: Customer,
    pub cognito: Cognito,
}

/// The fixed price of a request, in dollars a million.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Requests {
    pub http_api_per_million: f64,
    pub http_api_above: f64,
    pub lambda_per_million: f64,
}

/// The price of duration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Duration {
    pub lambda_per_gb_second: f64,
}

/// DynamoDB.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Tables {
    pub write_per_million: f64,
    pub read_per_million: f64,
    pub storage_per_gb: f64,
    pub recovery_per_gb: f64,
}

/// KMS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Keys {
    pub key_per_month: f64,
    pub request_per_million: f64,
}

/// SQS and SES.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Messages {
    pub queue_per_million: f64,
    pub mail_per_thousand: f64,
}

/// CloudWatch Logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Logs {
    pub ingested_per_gb: f64,
    pub overhead_bytes: usize,
}

/// Data transfer out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Transfer {
    pub out_per_gb: f64,
}

/// Assumptions about what only AWS decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Assumed {
    pub table_ms: f64,
    pub other_ms: f64,
    pub hash_ms: f64,
    pub full_processor_mb: f64,
    pub cold_starts: f64,
    pub cold_start_ms: f64,
    pub stream_batch: f64,
}

/// What a customer does in a month.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Customer {
    pub sign_ins: f64,
    pub refreshes: f64,
    pub userinfos: f64,
    pub failed_sign_ins: f64,
    pub registrations: f64,
    pub sessions: f64,
    pub grants: f64,
    pub audit_months: f64,
}

/// The price of Cognito for a monthly active user.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Cognito {
    pub lite: Vec<Tier>,
    pub essentials: Vec<Tier>,
}

/// A price from a number of users up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the price file says what each figure is")]
pub struct Tier {
    pub from: f64,
    pub each: f64,
}

/// The cost of this number of users by these tiers.
#[must_use]
pub fn tiered(tiers: &[Tier], users: f64) -> f64 {
    let ends = tiers.iter().skip(1).map(|tier| tier.from).chain([f64::INFINITY]);
    tiers.iter().zip(ends).map(|(tier, end)| (users.min(end) - tier.from).max(0.0) * tier.each).sum()
}
