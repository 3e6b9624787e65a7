//! Calculates costs: for a million of an operation, and for a month with a number of customers.

use super::count::{Count, Counts, TableUsage};
use super::operations::{OPERATIONS, Operation};
use super::prices::{Prices, tiered};

/// The numbers of customers that the months are shown for.
pub const CUSTOMERS: [f64; 3] = [10_000.0, 1_000_000.0, 10_000_000.0];

const MILLION: f64 = 1e6;
const GB: f64 = 1e9;

/// The cost of a million of an operation, in dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerMillion {
    /// The request at the API and at Lambda, and its log line.
    pub fixed: f64,
    /// Request units.
    pub units: f64,
    /// Lambda duration.
    pub duration: f64,
    /// The follow-up work: the audit record and its share of an invocation of `events`, without queue and mail.
    pub projected: f64,
}

impl PerMillion {
    /// The cost of an operation.
    ///
    /// # Panics
    /// If the price file has no memory size for its function.
    #[must_use]
    pub fn of(operation: &Operation, count: &Count, prices: &Prices) -> Self {
        let requests = &prices.requests;
        let gateway = if operation.function == "retention" { 0.0 } else { requests.http_api_per_million };
        Self {
            fixed: gateway
                + requests.lambda_per_million
                + log_bytes(count, prices) / GB * MILLION * prices.logs.ingested_per_gb,
            units: units(count.tables, prices),
            duration: MILLION * gb_seconds(operation, count, prices) * prices.duration.lambda_per_gb_second,
            projected: units(count.projected, prices),
        }
    }
    /// The cost without the follow-up work. The operation's limit applies to this.
    #[must_use]
    pub fn request(&self) -> f64 {
        self.fixed + self.units + self.duration
    }
}

fn log_bytes(count: &Count, prices: &Prices) -> f64 {
    real(count.log_bytes + count.log_lines * prices.logs.overhead_bytes)
}

/// The cost of a million.
fn units(taken: TableUsage, prices: &Prices) -> f64 {
    taken.read * prices.tables.read_per_million + taken.write * prices.tables.write_per_million
}

/// The billed duration of an operation, in milliseconds.
#[must_use]
pub fn billed_ms(operation: &Operation, count: &Count, prices: &Prices) -> f64 {
    let assumed = &prices.assumed;
    let memory = memory(operation.function, prices);
    let slowed = (assumed.full_processor_mb / memory).max(1.0);
    let busy = (f64::from(operation.cpu_us) / 1000.0 + f64::from(operation.hashes) * assumed.hash_ms) * slowed;
    (assumed.other_ms + real(count.tables.requests) * assumed.table_ms + busy).ceil()
}

fn memory(function: &str, prices: &Prices) -> f64 {
    *prices.memory_mb.get(function).expect("the memory of the function")
}

fn gb_seconds(operation: &Operation, count: &Count, prices: &Prices) -> f64 {
    billed_ms(operation, count, prices) / 1000.0 * memory(operation.function, prices) / 1024.0
}

/// A month's bill.
#[derive(Debug, Clone, PartialEq)]
pub struct Month {
    /// The number of customers.
    pub customers: f64,
    /// The items of the bill, in dollars.
    pub lines: Vec<(&'static str, f64)>,
    /// Cognito's list price, Lite and Essentials.
    pub cognito: [f64; 2],
}

/// What a customer does in a month, by operation.
#[must_use]
pub fn done_by_a_customer(prices: &Prices) -> Vec<(&'static str, f64)> {
    let of = &prices.customer;
    vec![
        ("authorize without a session", of.sign_ins),
        ("sign-in page", of.sign_ins + of.registrations),
        ("failed sign-in", of.failed_sign_ins),
        ("password sign-in", of.sign_ins),
        ("authorize with a session → code", of.sign_ins),
        ("code → tokens", of.sign_ins),
        ("refresh", of.refreshes),
        ("userinfo", of.userinfos),
        ("registration, start", of.registrations),
        ("registration, proof", of.registrations),
    ]
}

impl Month {
    /// The bill for this number of customers.
    ///
    /// # Panics
    /// If an operation was not counted.
    #[must_use]
    pub fn of(customers: f64, counts: &Counts, prices: &Prices) -> Self {
        let assumed = &prices.assumed;
        let (mut requests, mut invocations, mut gb_s, mut log) = (0.0, 0.0, 0.0, 0.0);
        let (mut read, mut write, mut records, mut mails, mut kms, mut out) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for (name, times) in done_by_a_customer(prices) {
            let count = counts.of(name);
            let operation = OPERATIONS.iter().find(|operation| operation.name == name).expect("an operation of this name");
            let start = counts.starts.iter().find(|start| start.function == operation.function).expect("a start");
            let times = times * customers;
            let starts = times * assumed.cold_starts;
            requests += times;
            gb_s += times * gb_seconds(operation, count, prices)
                + starts * assumed.cold_start_ms / 1000.0 * memory(operation.function, prices) / 1024.0;
            log += times * log_bytes(count, prices);
            read += times * (count.tables.read + count.projected.read) + starts * start.tables.read;
            write += times * (count.tables.write + count.projected.write);
            records += times * count.projected.write;
            mails += times * real(count.mails);
            kms += times * real_u64(count.kms) + starts * real_u64(start.kms);
            out += times * real(count.answer_bytes);
        }
        // A batch of stream records and a mail are one invocation of `events` each. Both wait for the tables like any request.
        invocations += requests + records / assumed.stream_batch + mails;
        gb_s += (records + mails) * (assumed.other_ms + 2.0 * assumed.table_ms) / 1000.0 * memory("events", prices) / 1024.0;
        let stored = customers * stored_bytes(counts, prices) / GB;
        let Prices { requests: of, tables, keys, messages, .. } = prices;
        const FIRST_TIER: f64 = 300e6;
        let gateway = of.http_api_per_million * requests.min(FIRST_TIER) + of.http_api_above * (requests - FIRST_TIER).max(0.0);
        let lines = vec![
            ("API Gateway", gateway / MILLION),
            ("Lambda, requests", invocations * of.lambda_per_million / MILLION),
            ("Lambda, duration", gb_s * prices.duration.lambda_per_gb_second),
            ("DynamoDB, reads", read * tables.read_per_million / MILLION),
            ("DynamoDB, writes, audit included", write * tables.write_per_million / MILLION),
            ("DynamoDB, storage", stored * tables.storage_per_gb),
            ("DynamoDB, point-in-time recovery", stored * tables.recovery_per_gb),
            ("KMS, one key and its requests", keys.key_per_month + kms * keys.request_per_million / MILLION),
            // Sent, received and deleted.
            ("SQS", 3.0 * mails * messages.queue_per_million / MILLION),
            ("SES", mails * messages.mail_per_thousand / 1000.0),
            ("CloudWatch Logs", log / GB * prices.logs.ingested_per_gb),
            ("Data out", out / GB * prices.transfer.out_per_gb),
        ];
        let cognito = [&prices.cognito.lite, &prices.cognito.essentials].map(|tiers| tiered(tiers, customers));
        Self { customers, lines, cognito }
    }
    /// The total.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.lines.iter().map(|(_, dollars)| dollars).sum()
    }
}

/// The stored bytes of a customer, with the 100 that DynamoDB adds to each item.
#[must_use]
pub fn stored_bytes(counts: &Counts, prices: &Prices) -> f64 {
    const OVERHEAD: usize = 100;
    let of = &prices.customer;
    let projected: f64 = done_by_a_customer(prices).iter().map(|(name, times)| times * counts.of(name).projected.write).sum();
    let kept = |kind: &str| match kind {
        "session" => of.sessions,
        "grant" => of.grants,
        "audit" => projected * of.audit_months,
        // Expired within minutes.
        "flow" | "authorization_request" | "short_codes" | "mail_starts" | "mails" | "unknown_failures" => 0.0,
        // One for each account.
        _ => 1.0,
    };
    counts.items.iter().map(|(kind, bytes)| kept(kind) * real(bytes + OVERHEAD)).sum()
}

fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn real_u64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
