//! `docs/cost.md`.

use super::bill::{Month, PerMillion, billed_ms, done_by_a_customer, stored_bytes};
use super::count::{Count, Counts};
use super::operations::OPERATIONS;
use super::prices::Prices;
use std::fmt::Write as _;

/// Renders the page.
///
/// # Panics
/// If an operation was not counted.
#[must_use]
pub fn markdown(counts: &Counts, prices: &Prices, months: &[Month]) -> String {
    let mut page = String::from(HEAD);
    page.push_str(&bill(months));
    let of = &prices.customer;
    let _ = write!(
        page,
        include_str!("month.md"),
        sign_ins = of.sign_ins,
        refreshes = of.refreshes,
        userinfos = of.userinfos,
        failed = of.failed_sign_ins,
        registrations = of.registrations * 100.0,
        requests = done_by_a_customer(prices).iter().map(|(_, times)| times).sum::<f64>(),
        stored = stored_bytes(counts, prices) / 1000.0,
        sessions = of.sessions,
        grants = of.grants,
        audit = of.audit_months,
        cold = prices.assumed.cold_starts * 100.0,
    );
    page.push_str("\n## Each operation\n\n");
    page.push_str(OPERATIONS_HEAD);
    for (operation, count) in OPERATIONS.iter().zip(&counts.operations) {
        let Count { name, function, tables, projected, kms, mails, log_bytes, answer_bytes, .. } = count;
        let _ = writeln!(
            page,
            "| {name} | {function} | {} | {} / {} | {} / {} | {kms} | {mails} | {log_bytes} | {answer_bytes} |",
            tables.requests, tables.read, tables.write, projected.read, projected.write,
        );
        debug_assert_eq!(operation.name, *name);
    }
    page.push_str("\n## Dollars per million\n\n");
    let assumed = &prices.assumed;
    let _ =
        write!(page, include_str!("dollars.md"), table = assumed.table_ms, other = assumed.other_ms, hash = assumed.hash_ms,);
    for (operation, count) in OPERATIONS.iter().zip(&counts.operations) {
        let dollars = PerMillion::of(operation, count, prices);
        let _ = writeln!(
            page,
            "| {} | {:.2} | {:.2} | {:.2} | **{:.2}** | {:.2} | {} |",
            operation.name,
            dollars.fixed,
            dollars.units,
            dollars.duration,
            dollars.request(),
            dollars.projected,
            billed_ms(operation, count, prices),
        );
    }
    page.push_str("\n## A cold start\n\n");
    page.push_str(STARTS_HEAD);
    for start in &counts.starts {
        let _ = writeln!(page, "| {} | {} | {} | {} |", start.function, start.tables.requests, start.tables.read, start.kms);
    }
    page.push_str("\n## Item sizes\n\n");
    page.push_str(ITEMS_HEAD);
    for (kind, bytes) in &counts.items {
        let _ = writeln!(page, "| {} | {bytes} |", kind.replace('_', " "));
    }
    page
}

fn bill(months: &[Month]) -> String {
    let mut table = String::from("| |");
    for month in months {
        let _ = write!(table, " {} customers |", thousands(month.customers));
    }
    table.push_str("\n|---|");
    table.push_str(&"---:|".repeat(months.len()));
    let mut row = |name: &str, cell: &dyn Fn(&Month) -> String| {
        let _ = write!(table, "\n| {name} |");
        for month in months {
            let _ = write!(table, " {} |", cell(month));
        }
    };
    for (index, (name, _)) in months.iter().flat_map(|month| &month.lines).take(months[0].lines.len()).enumerate() {
        row(name, &|month| format!("{:.2}", month.lines[index].1));
    }
    row("**Latchkey**", &|month| format!("**{}**", dollars(month.total())));
    row("Cognito Lite", &|month| dollars(month.cognito[0]));
    row("Cognito Essentials", &|month| dollars(month.cognito[1]));
    row("per customer, Latchkey", &|month| format!("${:.6}", month.total() / month.customers));
    table.push('\n');
    table
}

/// Whole dollars, cents below ten.
pub(super) fn dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 10.0 { format!("${amount:.2}") } else { format!("${}", thousands(amount)) }
}

/// Digits in groups of three.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

const HEAD: &str = "# Cost

<!-- Written by `cargo run -p measure`: change infra/measure/prices.toml or the code, then run it again. -->

Every count on this page is measured: the test actors run each operation against an in-memory environment, and its requests to the tables, its KMS calls
and its log bytes are counted, without a clock. Every price is in [`infra/measure/prices.toml`](../infra/measure/prices.toml), with its meaning. The prices
were written down without access to AWS's price pages: **check them before you rely on a bill.** Free tiers of AWS are not deducted.

```sh
cargo run -p measure                     # measures, writes cost.json, cost.md and cost.svg
cargo test --workspace --test cost       # measures, and fails when these documents or a limit no longer hold
```

## A month

![The monthly bill beside Cognito's list price](cost.svg)

";

const OPERATIONS_HEAD: &str = "\
Reads are strongly consistent: one unit up to 4 KB. A write is one unit up to 1 KB, and twice as much in a transaction. *Projected* is what `events` reads
and writes outside the request path: the audit record, and the data for a mail; each mail is a message of the queue. Answer bytes are headers and body
before compression. The complete data, with Latchkey's own calculation beside the engine's, is in [cost.json](cost.json).

| operation | function | requests to DynamoDB | RRU / WRU | projected RRU / WRU | KMS calls | mails | log bytes | answer bytes |
|---|---|---:|---:|---:|---:|---:|---:|---:|
";

const STARTS_HEAD: &str = "\
The requests of a new instance before its first request from a client, when the tenant's keys already exist.

| function | requests to DynamoDB | RRU | KMS calls |
|---|---:|---:|---:|
";

const ITEMS_HEAD: &str = "\
The largest item of each kind after one registration, two sign-ins and one application, in bytes as DynamoDB counts them, without the 100 bytes that it
adds to each item for storage. Writing an item up to 1 KB costs one unit.

| item | bytes |
|---|---:|
";
