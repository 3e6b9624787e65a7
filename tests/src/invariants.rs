//! An independent reader of the raw tables and the stream. It checks the invariants I1 to I9 of `docs/security-checklist.md` with
//! its own parser of keys and items, so that it does not repeat a mistake of the product.

mod erasure;
mod history;
mod kinds;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use dynoxide::actions::scan::ScanRequest;
use kinds::{EXPIRING, KINDS};
use latchkey_local::engine::Engine;
use latchkey_local::stream::StreamReader;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every item of every table, and every stream record.
pub struct RawData {
    /// Items, by table.
    pub tables: BTreeMap<&'static str, Vec<Value>>,
    /// Stream records, in order.
    pub stream: Vec<Value>,
}

/// The violations, one line each.
pub type Violations = Vec<String>;

/// Reads all tables and the stream.
#[must_use]
pub fn read(engine: &Engine) -> RawData {
    let tables = ["identities", "keys", "audit"].into_iter().map(|table| (table, scan(engine, table))).collect();
    let reader = StreamReader::new(engine.clone(), "identities");
    let mut stream: Vec<Value> = Vec::new();
    loop {
        let after = stream.last().and_then(|record| record["dynamodb"]["SequenceNumber"].as_str());
        let mut more = reader.read_unfiltered(after).expect("the stream");
        if more.is_empty() {
            return RawData { tables, stream };
        }
        stream.append(&mut more);
    }
}

fn scan(engine: &Engine, table: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut from = None;
    loop {
        let request = ScanRequest { table_name: table.to_owned(), exclusive_start_key: from, ..ScanRequest::default() };
        let answer = serde_json::to_value(engine.database().scan(request).expect("a scan")).expect("JSON");
        items.extend(answer["Items"].as_array().expect("items").iter().cloned());
        match answer.get("LastEvaluatedKey") {
            Some(key) => from = Some(serde_json::from_value(key.clone()).expect("a key")),
            None => return items,
        }
    }
}

/// Panics and lists every violation. The stream must have been read to its end.
#[track_caller]
pub fn assert_hold(engine: &Engine) {
    let violations = scan_all(&read(engine));
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// Returns every violation.
#[must_use]
pub fn scan_all(raw: &RawData) -> Violations {
    let mut violations = scan_tables(raw);
    violations.extend(check_audit(raw));
    violations.extend(history::scan(raw));
    violations
}

/// Returns the violations within the tables, without the stream. For a restored backup.
#[must_use]
pub fn scan_tables(raw: &RawData) -> Violations {
    let mut violations = check_shape(raw);
    violations.extend(check_ownership(raw));
    violations.extend(check_links(raw));
    violations.extend(check_single_use(raw));
    violations.extend(erasure::scan(raw));
    violations
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

/// The state of an item: a word, or the tag of a map.
fn state(item: &Value) -> &str {
    item.pointer("/st/S").or_else(|| item.pointer("/st/M/is/S")).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Value, name: &str) -> Option<i64> {
    item[name]["N"].as_str()?.parse().ok()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match (value["B"].as_str(), value["S"].as_str()) {
        (Some(base64), _) => BASE64.decode(base64.as_bytes()).ok(),
        (None, Some(base64url)) => BASE64URL_NOPAD.decode(base64url.as_bytes()).ok(),
        (None, None) => None,
    }
}

fn name(item: &Value) -> String {
    format!("{} / {}", text(item, "pk"), text(item, "sk"))
}

/// I9: every item has a known kind under a key of that kind, a version if its kind has one, and an expiry if its kind needs one.
fn check_shape(raw: &RawData) -> Violations {
    let mut violations = Vec::new();
    for (table, items) in &raw.tables {
        for item in items {
            let kind = text(item, "kind");
            let known = KINDS.iter().find(|(at, known, ..)| at == table && *known == kind);
            let Some((_, _, pk, sk, versioned)) = known else {
                violations.push(format!("I9: {} in {table} is of an unknown kind {kind:?}", name(item)));
                continue;
            };
            if !text(item, "pk").starts_with(pk) || !text(item, "sk").starts_with(sk) {
                violations.push(format!("I9: a {kind} under the key {}", name(item)));
            }
            if kind != "tenant_name" && text(item, "pk").split('#').nth(1).is_none_or(str::is_empty) {
                violations.push(format!("I9: {} names no tenant", name(item)));
            }
            if *versioned && number(item, "version").is_none_or(|version| version < 1) {
                violations.push(format!("I9: {} has no version", name(item)));
            }
            violations.extend(check_expiry(item, kind));
        }
    }
    violations
}

fn check_expiry(item: &Value, kind: &str) -> Option<String> {
    let pending = match kind {
        "data_key" => state(item) == "pending",
        // A removed one is kept for some days, for an undo.
        "passkey" => item.get("rm").is_some(),
        "credential_claim" => item.get("exp").is_some(),
        // The record of a request stays until its restoration or its erasure.
        "deletion_record" => state(item) == "active",
        "authentication" => state(item) == "erased",
        // What opens nothing any more, or nothing yet.
        "totp" => item.get("a").is_none(),
        "recovery_codes" => item.get("rm").is_some(),
        _ => false,
    };
    let ending = EXPIRING.iter().find(|(known, _)| *known == kind);
    match (number(item, "ttl"), ending) {
        (None, Some(_)) => Some(format!("I9: {} has no expiry", name(item))),
        (None, None) if pending || kind == "mails" || kind == "audit" => Some(format!("I9: {} has no expiry", name(item))),
        (Some(_), None) if !pending && kind != "mails" && kind != "audit" => {
            Some(format!("I9: {} has an expiry that it must not have", name(item)))
        }
        (Some(ttl), Some((_, attribute))) if !attribute.is_empty() => match logical_end(item, kind, attribute) {
            Some(logical) if ttl >= logical / 1000 => None,
            Some(_) => Some(format!("I9: {} is removed before its logical expiry", name(item))),
            None => Some(format!("I9: {} has no logical expiry", name(item))),
        },
        (_, _) => None,
    }
}

/// A code that was never redeemed expires long before its grant.
fn logical_end(item: &Value, kind: &str, attribute: &str) -> Option<i64> {
    match (kind, state(item)) {
        ("grant", "code_issued") => item.pointer("/code/M/exp/N").and_then(Value::as_str)?.parse().ok(),
        (_, _) => number(item, attribute),
    }
}

/// The account of a key: tenant and id.
fn owner(item: &Value) -> Option<(String, String)> {
    let mut parts = text(item, "pk").split('#').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

/// I1, I2: one account for each identifier and each sub, in both directions. Every item has an account.
fn check_ownership(raw: &RawData) -> Violations {
    let mut violations = Vec::new();
    let of = |kind: &str| raw.tables.values().flatten().filter(|item| text(item, "kind") == kind).collect::<Vec<_>>();
    let mut accounts = BTreeMap::new();
    let mut subs = BTreeSet::new();
    let erasures = erasure::Erasures::read(raw);
    // The remains of an erased account are checked in `erasure`.
    for authn in of("authentication").into_iter().filter(|authn| state(authn) != "erased") {
        let Some(owner) = owner(authn) else { continue };
        if !subs.insert((owner.0.clone(), text(authn, "sub").to_owned())) {
            violations.push(format!("I1: two accounts with one sub: {}", name(authn)));
        }
        accounts.insert(owner, authn);
    }
    let mut identified = BTreeSet::new();
    for identifier in of("identifier") {
        let parts: Vec<&str> = text(identifier, "pk").split('#').collect();
        let [_, tenant, _, hash] = parts[..] else {
            violations.push(format!("I9: {} is no identifier's key", name(identifier)));
            continue;
        };
        let owner = (tenant.to_owned(), text(identifier, "acc").to_owned());
        match accounts.get(&owner) {
            None if erasures.is_in_progress(&owner) => {}
            None => violations.push(format!("I2: identifier {} has no account", name(identifier))),
            Some(authn) if hash_of(authn).as_deref() != Some(hash) => {
                violations.push(format!("I1: identifier {} and its account do not reference each other", name(identifier)));
            }
            Some(_) if !identified.insert(owner) => violations.push(format!("I1: {} is a second identifier", name(identifier))),
            Some(_) => {}
        }
    }
    for (owner, authn) in &accounts {
        // A closed account loses its address to an older account that takes it back.
        let is_displaced = state(authn) == "erasure_due"
            && accounts.iter().any(|(other, of)| other.0 == owner.0 && other != owner && hash_of(of) == hash_of(authn));
        if !identified.contains(owner) && !is_displaced {
            violations.push(format!("I1: account {} has no identifier", name(authn)));
        }
    }
    for (kind, required) in [
        ("profile", true),
        ("password", true),
        ("totp", false),
        ("recovery_codes", false),
        ("data_key", true),
        ("session", false),
        ("grant", false),
        ("consent", false),
        ("terms", false),
        ("linked_identity", false),
    ] {
        let mut owners = BTreeSet::new();
        for item in of(kind).into_iter().filter(|item| state(item) != "pending") {
            let Some(owner) = owner(item) else { continue };
            let Some(authn) = accounts.get(&owner) else {
                if erasures.is_in_progress(&owner) {
                    continue;
                }
                violations.push(format!("I2: {} has no account", name(item)));
                continue;
            };
            if number(item, "ep") > number(authn, "ep") && item.get("ep").is_some() {
                violations.push(format!("I2: {} has an epoch later than its account's", name(item)));
            }
            owners.insert(owner);
        }
        if required {
            // A passkey takes the place of a password.
            let has_passkey =
                |authn: &Value| kind == "password" && number(&authn["fac"]["M"], "p").is_some_and(|count| count > 0);
            let without = accounts.iter().filter(|(owner, authn)| !owners.contains(owner) && !has_passkey(authn));
            violations.extend(without.map(|(owner, _)| format!("I2: account {} has no {kind}", owner.1)));
        }
    }
    violations
}

/// I1: a subject of another provider and its linked account reference each other, and only each other. An erased account has no
/// link.
fn check_links(raw: &RawData) -> Violations {
    let of = |kind: &'static str| raw.tables["identities"].iter().filter(move |item| text(item, "kind") == kind);
    let parts = |item: &Value, at: &str| text(item, at).split('#').map(str::to_owned).collect::<Vec<_>>();
    let mut linked = BTreeMap::new();
    let mut violations = Vec::new();
    for link in of("linked_identity") {
        let (pk, sk) = (parts(link, "pk"), parts(link, "sk"));
        let ([_, tenant, account], [_, version, hash]) = (&pk[..], &sk[..]) else {
            violations.push(format!("I9: {} is no linked identity's key", name(link)));
            continue;
        };
        if linked.insert((tenant.clone(), version.clone(), hash.clone()), account.clone()).is_some() {
            violations.push(format!("I1: {} is linked to two accounts", name(link)));
        }
    }
    let mut claimed = BTreeMap::new();
    for subject in of("federated_subject") {
        let [_, tenant, version, hash] = &parts(subject, "pk")[..] else {
            violations.push(format!("I9: {} is no subject's key", name(subject)));
            continue;
        };
        if let Some(account) = subject["acc"]["S"].as_str() {
            claimed.insert((tenant.clone(), version.clone(), hash.clone()), account.to_owned());
        }
    }
    // Between the two writes of an erasure, a link has no subject.
    let erasures = erasure::Erasures::read(raw);
    violations.extend(check_passkeys(raw, &erasures));
    for (subject, account) in &linked {
        if claimed.get(subject) != Some(account) && !erasures.is_in_progress(&(subject.0.clone(), account.clone())) {
            violations.push(format!("I1: the linked identity {subject:?} of {account} is not claimed for it"));
        }
    }
    let alone = claimed.iter().filter(|(subject, account)| linked.get(*subject) != Some(*account));
    violations
        .extend(alone.map(|(subject, account)| format!("I1: {subject:?} is claimed for {account}, which has no such link")));
    violations
}

/// I1: each passkey that opens an account has the claim of its credential id, and each claim its passkey.
fn check_passkeys(raw: &RawData, erasures: &erasure::Erasures) -> Violations {
    let of = |kind: &'static str| raw.tables["identities"].iter().filter(move |item| text(item, "kind") == kind);
    let part = |item: &Value, at: &str, number: usize| text(item, at).split('#').nth(number).unwrap_or_default().to_owned();
    // A removed one keeps its claim as long as it is kept itself.
    let stored: BTreeSet<_> =
        of("passkey").map(|passkey| (part(passkey, "pk", 1), part(passkey, "sk", 1), part(passkey, "pk", 2))).collect();
    let claimed: BTreeSet<_> = of("credential_claim")
        .map(|claim| (part(claim, "pk", 1), part(claim, "pk", 2), text(claim, "acc").to_owned()))
        .collect();
    // An erasure removes the claim first.
    let unclaimed =
        stored.difference(&claimed).filter(|(tenant, _, account)| !erasures.is_in_progress(&(tenant.clone(), account.clone())));
    let unclaimed = unclaimed.map(|passkey| format!("I1: the passkey {passkey:?} is not claimed"));
    unclaimed.chain(claimed.difference(&stored).map(|claim| format!("I1: {claim:?} is claimed without a passkey"))).collect()
}

/// The hash of an account's identifier, as a key writes it.
fn hash_of(authn: &Value) -> Option<String> {
    let members = authn["idf"]["M"].as_object()?;
    members.values().filter_map(bytes).find(|hash| hash.len() == 32).map(|hash| BASE64URL_NOPAD.encode(&hash))
}

/// I3: a registration creates one account. A completed flow has its account.
fn check_single_use(raw: &RawData) -> Violations {
    let mut violations = Vec::new();
    let mut created = BTreeSet::new();
    for record in &raw.tables["audit"] {
        let event = event(record);
        let makes = kind(event) == "account_created" || (kind(event) == "account_imported" && !text(event, "flow").is_empty());
        if makes && !created.insert(text(event, "flow").to_owned()) {
            violations.push(format!("I3: two accounts from flow {}", text(event, "flow")));
        }
    }
    let mut accounts: BTreeSet<_> =
        raw.tables["identities"].iter().filter(|item| text(item, "kind") == "authentication").filter_map(owner).collect();
    accounts.extend(erasure::Erasures::read(raw).tombstones);
    for flow in raw.tables["identities"].iter().filter(|item| text(item, "kind") == "flow") {
        let account = (text(flow, "pk").split('#').nth(1).unwrap_or_default().to_owned(), text(flow, "acc").to_owned());
        let registration = text(flow, "for") == "registration";
        let completed = state(flow) == "completed";
        if registration && completed != accounts.contains(&account) {
            violations.push(format!("I5: flow {} and its account are half done", name(flow)));
        }
    }
    violations
}

/// An audit record is the event itself, beside its key.
fn event(record: &Value) -> &Value {
    record.get("event").and_then(|event| event.get("M")).unwrap_or(record)
}

fn kind(event: &Value) -> &str {
    text(event, "k")
}

/// I6: the audit table holds exactly the events of the stream. An export changes no item, so the stream has no event for it; nor
/// has a notice that was merged into another one.
fn check_audit(raw: &RawData) -> Violations {
    let expected =
        raw.stream.iter().filter_map(|record| record.pointer("/dynamodb/NewImage/event/M/id/S")).filter_map(Value::as_str);
    let expected: BTreeSet<&str> = expected.collect();
    let stored: BTreeSet<&str> = raw.tables["audit"].iter().map(|record| text(record, "sk")).collect();
    let unstreamed =
        raw.tables["audit"].iter().filter(|record| matches!(kind(event(record)), "data_exported" | "notice_merged"));
    let expected = &expected | &unstreamed.map(|record| text(record, "sk")).collect();
    let missing = expected.difference(&stored).map(|id| format!("I6: event {id} has no audit record"));
    // An export changes no item: its record is written directly.
    let direct: BTreeSet<&str> =
        raw.tables["audit"].iter().filter(|record| kind(record) == "data_exported").map(|record| text(record, "sk")).collect();
    let invented = stored.difference(&expected).filter(|id| !direct.contains(*id));
    let invented = invented.map(|id| format!("I6: audit record {id} has no event"));
    missing.chain(invented).collect()
}

/// Finds these words in plaintext, as text or bytes, in the tables and in the stream.
#[must_use]
pub fn find_plaintext(raw: &RawData, words: &[&str]) -> Violations {
    let mut violations = Vec::new();
    let items = raw.tables.values().flatten().chain(&raw.stream);
    for item in items {
        let mut texts = Vec::new();
        collect(item, &mut texts);
        for word in words {
            let word = word.to_lowercase();
            if texts.iter().any(|text| contains(text, word.as_bytes())) {
                violations
                    .push(format!("{word:?} is in plaintext in {}", name(item.pointer("/dynamodb/Keys").unwrap_or(item))));
            }
        }
    }
    violations
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Collects every text and name, and the bytes of every binary value.
fn collect(value: &Value, into: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) => {
            into.extend(BASE64.decode(text.as_bytes()).ok());
            into.extend(BASE64URL_NOPAD.decode(text.as_bytes()).ok());
            into.push(text.clone().into_bytes());
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        Value::Object(members) => {
            for (name, value) in members {
                into.push(name.clone().into_bytes());
                collect(value, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
