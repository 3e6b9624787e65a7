//! Tests the exact cost of each operation, and that the cost documents are up to date.

use measure::cost::bill::PerMillion;
use measure::cost::operations::{ExpectedUsage, OPERATIONS};
use measure::cost::prices::{Prices, Tier, tiered};
use measure::cost::{PRICES, documents, folder};

/// One test: everything is measured once.
#[tokio::test]
async fn each_operation_takes_what_it_may_and_the_documents_say_so() {
    let (counts, documents) = documents().await;
    let prices: Prices = toml::from_str(PRICES).unwrap();
    let mut wrong = Vec::new();
    for (operation, count) in OPERATIONS.iter().zip(&counts.operations) {
        let took = ExpectedUsage {
            requests: count.tables.requests,
            read: count.tables.read,
            write: count.tables.write,
            projected: count.projected.write,
            kms: count.kms,
        };
        if took != operation.takes {
            wrong.push(format!("{}: took {took:?}, may take {:?}", operation.name, operation.takes));
        }
        // The meter's own computation leaves out the items that a query finds.
        let queries = operation.function == "export" || operation.function == "retention";
        if !queries && (count.tables.own_read, count.tables.own_write) != (took.read, took.write) {
            wrong.push(format!("{}: engine and own arithmetic differ: {:?}", operation.name, count.tables));
        }
        let dollars = PerMillion::of(operation, count, &prices).request();
        if dollars > operation.dollars {
            wrong.push(format!("{}: ${dollars:.3} a million, more than ${}", operation.name, operation.dollars));
        }
        if count.log_lines > 1 {
            wrong.push(format!("{}: {} lines in the log", operation.name, count.log_lines));
        }
    }
    for (name, text) in documents {
        if std::fs::read_to_string(folder().join(name)).unwrap_or_default() != text {
            wrong
                .push(format!("docs/{name} is not what is measured now: run `cargo run -p measure`, and look at what changed"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tiers_are_charged_each_for_its_own_users() {
    let tiers = [Tier { from: 10.0, each: 3.0 }, Tier { from: 20.0, each: 1.0 }];
    for (users, dollars) in [(0.0, 0.0), (10.0, 0.0), (15.0, 15.0), (20.0, 30.0), (25.0, 35.0)] {
        assert!((tiered(&tiers, users) - dollars).abs() < 1e-9, "{users}");
    }
    let prices: Prices = toml::from_str(PRICES).unwrap();
    assert_eq!(tiered(&prices.cognito.lite, 10e6).round(), 33_885.0);
    assert_eq!(tiered(&prices.cognito.essentials, 10e6).round(), 149_850.0);
}
