//! Preconditions of writes, as DynamoDB expressions.

use super::item::VERSION;
use super::key::PK;
use crate::domain::id::AccountId;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// The precondition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// No item is stored.
    Absent,
    /// The stored item has this version.
    Version(u64),
    /// An item is stored.
    Present,
    /// The stored item belongs to this account: a freed identifier may belong to another account.
    OfAccount(AccountId),
    /// No item is stored, or one of this account.
    AbsentOrOfAccount(AccountId),
    /// The data key of a pending registration is stored, with the same bytes, which are written once.
    Pending { wrapped: Vec<u8> },
    /// The data key of this account is stored, not that of a registration.
    DataKeyOf(AccountId),
}

/// A condition as a DynamoDB expression.
pub(super) struct Expression {
    pub(super) text: &'static str,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Condition {
    /// The condition for a state of this version: the version before it.
    pub(super) fn before(version: u64) -> Self {
        match version {
            0 | 1 => Self::Absent,
            later => Self::Version(later - 1),
        }
    }

    /// The condition as an expression.
    pub(super) fn expression(&self) -> Expression {
        let names =
            |names: &[(&str, &str)]| names.iter().map(|(placeholder, name)| ((*placeholder).into(), (*name).into())).collect();
        match self {
            Self::Absent => {
                Expression { text: "attribute_not_exists(#pk)", names: names(&[("#pk", PK)]), values: HashMap::new() }
            }
            Self::Present => Expression { text: "attribute_exists(#pk)", names: names(&[("#pk", PK)]), values: HashMap::new() },
            Self::OfAccount(account) => Expression {
                text: "#account = :account",
                names: names(&[("#account", "acc")]),
                values: HashMap::from([(":account".to_owned(), AttributeValue::S(account.to_string()))]),
            },
            Self::AbsentOrOfAccount(account) => Expression {
                text: "attribute_not_exists(#pk) OR #account = :account",
                names: names(&[("#pk", PK), ("#account", "acc")]),
                values: HashMap::from([(":account".to_owned(), AttributeValue::S(account.to_string()))]),
            },
            Self::Version(version) => Expression {
                text: "#version = :before",
                names: names(&[("#version", VERSION)]),
                values: HashMap::from([(":before".to_owned(), AttributeValue::N(version.to_string()))]),
            },
            Self::DataKeyOf(account) => Expression {
                text: "#account = :account AND #state.#is = :owned",
                names: names(&[("#account", "acc"), ("#state", "st"), ("#is", "is")]),
                values: HashMap::from([
                    (":account".to_owned(), AttributeValue::S(account.to_string())),
                    (":owned".to_owned(), AttributeValue::S("account".to_owned())),
                ]),
            },
            Self::Pending { wrapped } => Expression {
                text: "#state.#is = :pending AND #wrapped = :wrapped",
                names: names(&[("#state", "st"), ("#is", "is"), ("#wrapped", "w")]),
                values: HashMap::from([
                    (":pending".to_owned(), AttributeValue::S("pending".to_owned())),
                    (":wrapped".to_owned(), AttributeValue::B(wrapped.clone().into())),
                ]),
            },
        }
    }
}
