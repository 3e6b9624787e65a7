//! Due work, tombstones and erased accounts agree with each other, and no data of an erased user is left (I2, I7).

use super::{RawData, Violations, event, kind, name, number, owner, state, text};
use data_encoding::BASE64URL_NOPAD;
use std::collections::{BTreeMap, BTreeSet};

type Account = (String, String);

/// The erasures: due, in progress, done.
#[derive(Default)]
pub(super) struct Erasures {
    /// Accounts with due work, and when it is due.
    pub(super) due: BTreeMap<Account, i64>,
    /// Accounts with a tombstone.
    pub(super) tombstones: BTreeSet<Account>,
    /// Accounts in the state `erased`.
    pub(super) erased: BTreeSet<Account>,
}

impl Erasures {
    pub(super) fn read(raw: &RawData) -> Self {
        let mut found = Self::default();
        for item in raw.tables.values().flatten() {
            let of_work = || Some((text(item, "pk").split('#').nth(1)?.to_owned(), text(item, "sk").to_owned()));
            match text(item, "kind") {
                "due_erasure" => found.due.extend(of_work().zip(number(item, "due"))),
                "tombstone" => found.tombstones.extend(of_work()),
                "authentication" if state(item) == "erased" => found.erased.extend(owner(item)),
                _ => {}
            }
        }
        found
    }
    /// Whether the account is erased, fully or partly.
    pub(super) fn is_erased(&self, account: &Account) -> bool {
        self.erased.contains(account) || self.tombstones.contains(account)
    }
    /// Whether the removal of its items is in progress.
    pub(super) fn is_in_progress(&self, account: &Account) -> bool {
        self.is_erased(account) && self.due.contains_key(account)
    }
}

/// Returns every violation about erasures.
pub(super) fn scan(raw: &RawData) -> Violations {
    let erasures = Erasures::read(raw);
    let mut violations = Vec::new();
    for item in raw.tables.values().flatten() {
        match text(item, "kind") {
            "due_erasure" => violations.extend(check_partition(item, number(item, "due"))),
            "tombstone" | "deletion_record" => violations.extend(check_partition(item, number(item, "at"))),
            "authentication" => violations.extend(account(item, &erasures)),
            _ => {}
        }
        violations.extend(check_remains(item, &erasures));
    }
    let accounts: BTreeSet<_> =
        raw.tables["identities"].iter().filter(|item| text(item, "kind") == "authentication").filter_map(owner).collect();
    for account in erasures.due.keys().filter(|account| !accounts.contains(*account)) {
        violations.push(format!("I2: the erasure of {} has no account", account.1));
    }
    violations.extend(events(raw, &erasures));
    violations
}

/// Due work and tombstones have the partition of their day and of the account's shard.
fn check_partition(item: &serde_json::Value, at: Option<i64>) -> Option<String> {
    let id = BASE64URL_NOPAD.decode(text(item, "sk").as_bytes()).ok().filter(|id| id.len() == 16);
    let expected = id.zip(at).map(|(id, at)| {
        // Howard Hinnant's civil_from_days. This test does not use the product's date library, so it can't share its mistakes.
        let days = at.div_euclid(86_400_000) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        format!("{year:04}{month:02}{day:02}#{:02}", id[0] % 16)
    });
    let ok = expected.is_some_and(|expected| text(item, "pk").ends_with(&format!("#{expected}")));
    (!ok).then(|| format!("I9: {} is in the wrong partition", name(item)))
}

fn account(authn: &serde_json::Value, erasures: &Erasures) -> Violations {
    let Some(owner) = owner(authn) else { return Vec::new() };
    let due = erasures.due.get(&owner).copied();
    let says = authn.pointer("/st/M/due/N").and_then(serde_json::Value::as_str).and_then(|due| due.parse().ok());
    let mut violations = Vec::new();
    match state(authn) {
        "erasure_due" if says.is_none() || due != says => {
            violations.push(format!("I2: {} and its due work differ: {says:?}, {due:?}", name(authn)));
        }
        "active" | "disabled" if due.is_some() => violations.push(format!("I2: {} is in use and would be erased", name(authn))),
        "active" | "disabled" | "erasure_due" if erasures.tombstones.contains(&owner) => {
            violations.push(format!("I7: {} was erased and exists again", name(authn)));
        }
        "erased" => {
            if due.is_none() && !erasures.tombstones.contains(&owner) {
                violations.push(format!("I7: {} was erased without a tombstone", name(authn)));
            }
            if ["dev", "hold"].iter().any(|left| authn.get(*left).is_some())
                || super::hash_of(authn).is_some_and(|hash| !is_zero(&hash))
            {
                violations.push(format!("I7: {} still has data of its user", name(authn)));
            }
        }
        _ => {}
    }
    violations
}

fn is_zero(base64url: &str) -> bool {
    BASE64URL_NOPAD.decode(base64url.as_bytes()).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

/// I7: an erased account leaves its state for a while, its tombstone, and its audit records.
fn check_remains(item: &serde_json::Value, erasures: &Erasures) -> Option<String> {
    let account = match text(item, "kind") {
        "profile" | "terms" | "session" | "grant" | "consent" | "password" | "totp" | "recovery_codes" | "passkey"
        | "data_key" | "linked_identity" => owner(item)?,
        "identifier" | "federated_subject" | "credential_claim" => {
            (text(item, "pk").split('#').nth(1)?.to_owned(), text(item, "acc").to_owned())
        }
        _ => return None,
    };
    let left = erasures.is_erased(&account) && !erasures.is_in_progress(&account);
    left.then(|| format!("I7: {} is left of an erased account", name(item)))
}

/// One erasure event for each tombstone, and no second one.
fn events(raw: &RawData, erasures: &Erasures) -> Violations {
    let mut violations = Vec::new();
    let mut recorded = BTreeSet::new();
    for record in &raw.tables["audit"] {
        if kind(event(record)) == "account_erased" && !recorded.insert(owner(record).unwrap_or_default()) {
            violations.push(format!("I3: {} was erased twice", text(event(record), "acc")));
        }
    }
    let without_event =
        erasures.tombstones.difference(&recorded).map(|account| format!("I6: the erasure of {} has no event", account.1));
    violations.extend(without_event);
    let without_tombstone =
        recorded.iter().filter(|account| !erasures.tombstones.contains(*account) && !erasures.due.contains_key(*account));
    violations.extend(without_tombstone.map(|account| format!("I7: {} was erased and has no tombstone", account.1)));
    violations
}
