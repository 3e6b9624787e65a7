//! The handling of each record: how it is erased, exported, and transferred to another Latchkey.

use super::changes::every_change;
use super::fixture::{request, tenant};
use super::*;
use crate::domain::record::Record;
use crate::goldens::compare;
use crate::store::export::PartitionItems;
use std::collections::BTreeMap;

/// How a record is removed when its account is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Erased {
    /// With the items of the account's partition.
    WithThePartition,
    /// By its own removal.
    By(&'static str),
    /// It does not belong to an account, or only for a short time: its TTL removes it.
    Expires,
    /// It names no account.
    NamesNoAccount,
}

/// The member of the export and of the people file, or the reason why there is none.
type Members = Result<&'static str, &'static str>;

/// A new record must be added here.
fn handling(record: &Record) -> (Erased, Members, Members) {
    use Erased::{By, Expires, NamesNoAccount, WithThePartition};
    match record {
        Record::Account(_) => (
            By("erase_account overwrites it, and its TTL removes it"),
            Ok("account, identifiers, sign_in"),
            Ok("account, sub, created_at, disabled_since, legal_hold_since, roles"),
        ),
        Record::Identifier(_) => (By("Removal::Identifier"), Err("the profile holds the address"), Err("claimed anew")),
        Record::Password(_) => (By("find_secret_removals"), Err("a secret"), Ok("password")),
        Record::Totp(_) => {
            (By("find_secret_removals"), Err("a secret; the account says that there is one"), Err("set up anew"))
        }
        Record::RecoveryCodes(_) => {
            (By("find_secret_removals"), Err("secrets; the account says how many are left"), Err("made anew"))
        }
        Record::Profile(_) => (WithThePartition, Ok("profile, email_change, former_emails"), Ok("email, claims, updated_at")),
        Record::Terms(_) => (WithThePartition, Ok("terms"), Ok("terms")),
        Record::Flow(_) => (Expires, Err("short-lived"), Err("short-lived")),
        Record::DataKey(_) => (By("Removal::DataKey"), Err("a secret"), Err("made anew")),
        Record::Session(_) => (WithThePartition, Ok("sessions"), Err("the user signs in anew")),
        Record::Grant(_) => (WithThePartition, Ok("grants"), Err("the client asks anew")),
        Record::Consent(_) => (WithThePartition, Ok("consents"), Ok("consents")),
        Record::LinkedIdentity(_) => (By("Removal::LinkedIdentity"), Ok("linked_identities"), Ok("identities")),
        Record::FederatedSubject(_) => (
            By("Removal::LinkedIdentity takes the account out of it; the claim stays"),
            Err("the linked identity holds the subject"),
            Err("claimed anew"),
        ),
        Record::Passkey(_) => (By("Removal::Passkey"), Ok("passkeys"), Err("bound to its site: the user adds one anew")),
        Record::CredentialClaim(_) => (By("Removal::Passkey"), Err("the passkey says it"), Err("of a passkey")),
        Record::DueErasure(_) => (By("Removal::DueWork"), Err("the account says when it is due"), Err("not moved")),
        Record::DeletionRecord(_) => (
            By("Removal::DeletionRecord; the record of a restoration expires"),
            Err("the account says when it is due"),
            Err("not moved"),
        ),
        Record::UnknownFailures(_) => (Expires, Err("of no account"), Err("of no account")),
        Record::RetentionJob(_) => (NamesNoAccount, Err("of no account"), Err("of no account")),
        Record::RevokedToken(_) => (Expires, Err("of no account"), Err("of no account")),
        Record::AuthorizationRequest(_) => (Expires, Err("of no account"), Err("of no account")),
        Record::Attempt(_) => (Expires, Err("short-lived"), Err("short-lived")),
    }
}

/// security 129, 132: a record that no erasure removes, or that no export contains, cannot be added unnoticed.
#[test]
fn each_record_has_its_erasure_export_and_transfer() {
    let mut lines = BTreeMap::new();
    for (_, _, change) in every_change() {
        let planned = plan(&tenant(), &change, &request(), 1).unwrap();
        for (domain, put) in change.puts().zip(puts(&planned)) {
            let (erased, exported, transferred) = handling(domain.record());
            let kind = put.item[KIND].as_s().unwrap().clone();
            let is_of_an_account = ["A#", "P#"].iter().any(|prefix| put.key.pk.starts_with(prefix));
            let is_partitioned = matches!(domain.record(), Record::Account(_) | Record::LinkedIdentity(_) | Record::Passkey(_))
                || erased == Erased::WithThePartition;
            assert_eq!(is_of_an_account, is_partitioned, "{kind}");
            // The export reads the account's partition, and refuses unknown kinds.
            assert_eq!(is_of_an_account, exported.is_ok(), "{kind}");
            assert_eq!(PartitionItems::default().add(put.item.clone()).is_ok(), exported.is_ok(), "{kind}");
            if erased == Erased::Expires {
                assert!(put.item.contains_key(TTL), "{kind}");
            }
            let erased = match erased {
                Erased::WithThePartition => "with the account's partition",
                Erased::By(removal) => removal,
                Erased::Expires => "its TTL",
                Erased::NamesNoAccount => "names no account",
            };
            let member = |member: Members| member.map_or_else(|why| format!("not: {why}"), str::to_owned);
            lines.insert(kind, format!("{erased} | {} | {}", member(exported), member(transferred)));
        }
    }
    assert_eq!(lines.len(), 23, "one record of each kind");
    let mut text = "record | erased by | exported as | transferred as\n".to_owned();
    text.extend(lines.iter().map(|(kind, line)| format!("{kind} | {line}\n")));
    compare("src/store/records.golden", &text);
}

/// A constructor that is missing in the golden file would not be compared.
#[test]
fn every_constructor_of_a_change_is_in_the_golden_file() {
    let golden = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/changes.golden")).unwrap();
    let titles: HashSet<&str> = golden
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(|line| line.split(':').next().unwrap_or_default())
        .collect();
    let constructors = crate::goldens::functions_that_return_a_change();
    assert!(constructors.len() > 40, "{constructors:?}");
    let missing: Vec<_> = constructors.iter().filter(|name| !titles.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not in changes.golden: {missing:?}");
    let gone: Vec<_> = titles.iter().filter(|title| !constructors.contains(**title)).collect();
    assert!(gone.is_empty(), "in changes.golden, but no constructor: {gone:?}");
}

/// A transaction writes each item once: DynamoDB refuses anything else, and a decision that writes an item twice contradicts
/// itself.
#[test]
fn a_transaction_writes_no_item_twice() {
    let session = super::fixture::session();
    let grant = super::fixture::grant(super::fixture::revoked());
    let once = Change::end_session_and_grants(session.clone(), vec![grant.clone()]);
    assert!(plan(&tenant(), &once, &request(), 1).is_ok());
    let twice = Change::end_session_and_grants(session, vec![grant.clone(), grant]);
    let refused = plan(&tenant(), &twice, &request(), 1);
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

/// A check is a condition of its transaction and writes nothing. The stamp of another write reveals a lost reply.
#[test]
fn a_check_is_a_condition_and_writes_nothing() {
    use crate::domain::change::{KeyExpect, RecordKey};
    let account = super::fixture::account();
    let opened = || Change::open_session(super::fixture::session());
    for (expect, condition) in [
        (KeyExpect::Present, Condition::Present),
        (KeyExpect::Absent, Condition::Absent),
        (KeyExpect::Version(3), Condition::Version(3)),
        (KeyExpect::OwnedBy(account), Condition::OfAccount(account)),
    ] {
        let change = opened().and_check(RecordKey::Account(account), expect);
        let Plan::Transaction { writes, .. } = plan(&tenant(), &change, &request(), 1).unwrap() else { panic!() };
        let [Write::Put(put), Write::Check(check)] = &writes[..] else { panic!("{writes:?}") };
        assert_eq!((check.key.sk.as_str(), &check.condition), ("AUTHN", &condition));
        assert!(writes[0].is_applied(&put.item) && !writes[1].is_applied(&put.item));
    }
    let of_itself = RecordKey::Password(account);
    let twice = opened().and_check(of_itself.clone(), KeyExpect::Present).and_check(of_itself, KeyExpect::Absent);
    assert!(plan(&tenant(), &twice, &request(), 1).is_err(), "an item is checked once");
}
