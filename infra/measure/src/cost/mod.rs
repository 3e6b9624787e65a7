//! The exact cost of each operation, and what it comes to in dollars.
//!
//! [`operations`] says what is done and what it may take; [`count`] does it in a world in memory and counts; [`prices`] reads the
//! price file; [`bill`] multiplies; [`page`] and [`picture`] show.

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

/// The price file, as it is shipped.
pub const PRICES: &str = include_str!("../../prices.toml");

/// A document of the cost: where it stands under `docs/`, and its text.
pub type Document = (&'static str, String);

/// Measures, and writes every document of the cost.
///
/// # Panics
/// When something can't be measured, or the price file can't be read.
pub async fn documents() -> (Counts, Vec<Document>) {
    let counts = Counts::measured().await;
    let prices: Prices = toml::from_str(PRICES).expect("the price file");
    let months: Vec<Month> = bill::CUSTOMERS.iter().map(|customers| Month::of(*customers, &counts, &prices)).collect();
    let json = serde_json::to_string_pretty(&counts).expect("counts as JSON") + "\n";
    let documents =
        vec![("cost.json", json), ("cost.md", page::markdown(&counts, &prices, &months)), ("cost.svg", picture::svg(&months))];
    (counts, documents)
}

/// The folder of the documents.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}
