//! The exact cost of each operation, and its price in dollars.
//!
//! [`operations`] lists the operations and their limits; [`count`] runs them in an in-memory world and counts; [`prices`] reads the price
//! file; [`bill`] multiplies; [`page`] and [`picture`] render.

pub mod bill;
pub mod count;
pub mod operations;
pub mod page;
pub mod picture;
pub mod prices;
mod steps;

use bill::Month;
use count::Counts;
use prices::Prices;
use std::path::{Path, PathBuf};

/// The price file in the repository.
pub const PRICES: &str = include_str!("../../prices.toml");

/// A document about the cost: its path under `docs/`, and its text.
pub type Document = (&'static str, String);

/// Measures, and renders every document about the cost.
///
/// # Panics
/// If something cannot be measured, or the price file cannot be read.
pub async fn documents() -> (Counts, Vec<Document>) {
    let counts = Counts::measured().await;
    let prices: Prices = toml::from_str(PRICES).expect("the price file");
    let months: Vec<Month> = bill::CUSTOMERS.iter().map(|customers| Month::of(*customers, &counts, &prices)).collect();
    let json = serde_json::to_string_pretty(&counts).expect("counts as JSON") + "\n";
    let documents =
        vec![("cost.json", json), ("cost.md", page::markdown(&counts, &prices, &months)), ("cost.svg", picture::svg(&months))];
    (counts, documents)
}

/// The folder of these documents.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}
