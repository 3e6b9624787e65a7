//! What each operation costs, exactly, and that the documents of the cost say so.

use measure::cost::bill::PerMillion;
use measure::cost::operations::{OPERATIONS, Takes};
use measure::cost::prices::{Prices, Tier, tiered};
use measure::cost::{PRICES, documents, folder};

/// One test: everything is measured once.
#[tokio::test]
async fn each_operation_takes_what_it_may_and_the_documents_say_so() {
    let (counts, documents) = documents().await;
    let prices: Prices = toml::from_str(PRICES).unwrap();
    let mut wrong = Vec::new();
    for (operation, count) in OPERATIONS.iter().zip(&counts.operations) {
        let took = Takes {
            requests: count.tables.requests,
            read: count.tables.read,
            write: count.tables.write,
            projected: count.projected.write,
            kms: count.kms,
        };
        if took != operation.takes {
            wrong.push(format!("{}: took {took:?}, may take {:?}", operation.name, operation.takes));
        }
        // Our own arithmetic leaves out what a query finds.
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
        if !agree(&std::fs::read_to_string(folder().join(name)).unwrap_or_default(), &text) {
            wrong
                .push(format!("docs/{name} is not what is measured now: run `cargo run -p measure`, and look at what changed"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether two documents say the same, each number within a hundredth: what is random in an item or an export makes it longer or shorter
/// by a byte. Requests and units are small enough to be compared exactly so, and are above.
fn agree(documented: &str, measured: &str) -> bool {
    let (documented, measured) = (pieces(documented), pieces(measured));
    documented.len() == measured.len()
        && documented.iter().zip(&measured).all(|(one, other)| match (number(one), number(other)) {
            (Some(one), Some(other)) => (one - other).abs() <= one.abs() / 100.0,
            _ => one == other,
        })
}

fn number(piece: &str) -> Option<f64> {
    piece.trim_end_matches('.').parse().ok()
}

/// Numbers, without the commas of thousands, and what stands between them.
fn pieces(text: &str) -> Vec<String> {
    let text = text.replace(',', "");
    let mut pieces: Vec<String> = Vec::new();
    let mut in_number = false;
    for character in text.chars() {
        let is_number = character.is_ascii_digit() || (in_number && character == '.');
        match pieces.last_mut() {
            Some(last) if is_number == in_number => last.push(character),
            _ => pieces.push(character.to_string()),
        }
        in_number = is_number;
    }
    pieces
}

#[test]
fn documents_agree_but_for_a_byte() {
    let said = "| profile | 3 | 5 / 0 | 61,540 | $1,700.25. |";
    assert!(agree(said, said) && agree(said, &said.replace("61,540", "61,541")) && agree(said, &said.replace(".25", ".26")));
    for (was, is) in [("| 3 |", "| 4 |"), ("5 / 0", "5 / 1"), ("61,540", "63,540"), ("profile", "login"), ("1,700", "1,730")] {
        assert!(!agree(said, &said.replace(was, is)), "{was} {is}");
    }
    assert!(!agree("", said));
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
