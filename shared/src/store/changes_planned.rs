//! The table of writes: a planned change as text.

use super::*;

/// A key with placeholders for its ids.
fn shape(key: &ItemKey) -> String {
    let hash = |hash: &IdentifierHash| BASE64URL_NOPAD.encode(&hash.hash);
    let names = [
        (tenant().to_string(), "{tenant}"),
        (account().to_string(), "{account}"),
        (newer().account.to_string(), "{newer account}"),
        (FlowId::from_bytes([5; 16]).to_string(), "{flow}"),
        (SessionId::from_bytes([6; 16]).to_string(), "{session}"),
        (GrantId::from_bytes([7; 16]).to_string(), "{grant}"),
        (GrantId::from_bytes([8; 16]).to_string(), "{second grant}"),
        (Jti::from_bytes([9; 16]).to_string(), "{jti}"),
        (hash(&IDENTIFIER), "{identifier}"),
        (hash(&FORMER), "{former identifier}"),
        (hash(&SUBJECT.0), "{subject}"),
        (hash(&SubjectHash::of_sub(state().sub).0), "{sub}"),
        (passkey().hash().to_string(), "{credential}"),
        ("demo-app".to_owned(), "{client}"),
        ("other-app".to_owned(), "{second client}"),
        ("1".to_owned(), "{key version}"),
        ("20261118".to_owned(), "{day}"),
        ("20261125".to_owned(), "{later day}"),
        ("15".to_owned(), "{shard}"),
    ];
    let part = |part: &str| names.iter().find(|(text, _)| text == part).map_or(part, |(_, name)| name).to_owned();
    let parts = |text: &str| {
        text.split('#').map(|piece| piece.split('.').map(part).collect::<Vec<_>>().join(".")).collect::<Vec<_>>().join("#")
    };
    format!("{:?} {} {}", key.table, parts(&key.pk), parts(&key.sk))
}

fn condition(condition: &Condition, item: Option<&Item>) -> String {
    match (condition, item) {
        (Condition::Version(before), Some(item)) => {
            assert_eq!(version_of(item), (before + 1).to_string(), "a versioned state is written over the one before");
            "the version before".to_owned()
        }
        (Condition::Version(2), None) => "its version".to_owned(),
        (Condition::Version(other), None) => panic!("a removal or check of version {other}"),
        (Condition::Absent, _) => "absent".to_owned(),
        (Condition::Present, _) => "present".to_owned(),
        (Condition::OfAccount(owner), _) if *owner == account() => "of this account".to_owned(),
        (Condition::AbsentOrOfAccount(owner), _) if *owner == account() => "absent, or of this account".to_owned(),
        (Condition::OfAccount(owner), _) if *owner == newer().account => "of the newer account".to_owned(),
        (Condition::AbsentOrOfAccount(owner), _) if *owner == newer().account => "absent, or of the newer account".to_owned(),
        (Condition::Pending { wrapped }, _) if *wrapped == new_account().data_key.wrapped => {
            "pending, the same wrapped bytes".to_owned()
        }
        (other, _) => panic!("{other:?}"),
    }
}

fn put_line(put: &Put) -> String {
    let text = |name: &str| put.item.get(name).and_then(|value| value.as_s().ok()).expect("a text").clone();
    assert_eq!(text(OP), "JKJaXmPLvHcESHAlmno=.3.1", "request id, attempt, index of the change");
    let ttl = if put.item.contains_key(TTL) { "ttl" } else { "no ttl" };
    let event = if put.item.contains_key(item::EVENT) { ", event" } else { "" };
    format!("put {} | {} | {} | {ttl}{event}", text(KIND), shape(&put.key), condition(&put.condition, Some(&put.item)))
}

fn delete_line(delete: &Delete) -> String {
    format!("delete | {} | {}", shape(&delete.key), condition(&delete.condition, None))
}

/// The writes of a plan, one in a line.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    match plan {
        Plan::Put(put) => vec!["one put, op .3.1".to_owned(), put_line(put)],
        Plan::Delete(delete) => vec!["one removal".to_owned(), delete_line(delete)],
        Plan::Transaction { writes, token } => {
            let write = |write: &Write| match write {
                Write::Put(put) => put_line(put),
                Write::Delete(delete) => delete_line(delete),
                Write::Check(check) => format!("check | {} | {}", shape(&check.key), condition(&check.condition, None)),
            };
            let head = format!("a transaction of {}, op .3.1, token {token}", writes.len());
            std::iter::once(head).chain(writes.iter().map(write)).collect()
        }
        Plan::Count(count) => {
            let op = count.op.strip_prefix("JKJaXmPLvHcESHAlmno=").expect("the request");
            let line = format!("count {} | {} | below {} | ttl", count.kind.as_str(), shape(&count.key), count.limit);
            vec![format!("one count, op {op}"), line]
        }
    }
}

/// The event that the first put carries, as text.
pub(super) fn event(plan: &Plan) -> String {
    let carried = puts(plan).into_iter().find_map(|put| put.item.get(item::EVENT));
    let Some(event) = carried else { return "no event".to_owned() };
    let event: Event = serde_dynamo::from_attribute_value(event.clone()).unwrap();
    let named = [
        event.account.map(|named| ("account", named == account())),
        event.flow.map(|named| ("flow", named == FlowId::from_bytes([5; 16]))),
        event.client_id.map(|named| ("client", named.as_str() == "demo-app")),
    ];
    let named: Vec<&str> = named
        .into_iter()
        .flatten()
        .map(|(name, is_the_sample)| {
            assert!(is_the_sample, "another {name}");
            name
        })
        .collect();
    let kind = serde_json::to_value(event.kind).unwrap();
    let named = if named.is_empty() { "nothing".to_owned() } else { named.join(", ") };
    let device = if event.is_new_device { ", on a new device" } else { "" };
    format!("event {}{device}, id {}, names {named}", kind.as_str().unwrap(), event.id)
}
