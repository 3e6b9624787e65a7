//! Versions of tenant documents: each is written once, after the version before it, also with concurrent writers.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::store::CommitError;
use latchkey::store::tenant::{DocumentOrigin, DocumentSource, TenantDocument};
use latchkey_local::engine::client;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::store::*;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn a_tenant_document_is_stored_by_versions_and_the_newest_is_in_force() {
    let bench = Bench::new().await;
    assert_eq!(bench.store.find_tenant_document().await.unwrap(), None);
    for version in 1..=12 {
        bench.faults.clear();
        bench.faults.add(Calls::Writes, Trigger::Nth(2), Fault::TimeoutAfter);
        let (document, origin) = (format!("a = {version}"), by("Ada"));
        let decided_on = (version > 1).then(|| version - 1);
        let stored = bench.store.put_document_after(decided_on, &document, origin.clone(), NOW).await.unwrap();
        assert_eq!(stored, version, "a lost reply is no conflict");
        let expected = TenantDocument { version, document, stored_at: NOW, origin };
        assert_eq!(bench.store.find_newest_document().await.unwrap(), Some(expected.clone()));
        assert_eq!(bench.store.find_document(version).await.unwrap(), Some(expected));
    }
    bench.faults.clear();
    for (decided_on, document) in [(None, "a = 1"), (Some(3), "a = 4"), (Some(11), "a = 12")] {
        let late = bench.store.put_document_after(decided_on, document, by("Eve"), NOW).await;
        assert!(matches!(late, Err(CommitError::Conflict(_))), "{decided_on:?}: {late:?}");
    }
    let versions: Vec<_> =
        bench.store.find_documents().await.unwrap().into_iter().map(|one| (one.version, one.document)).collect();
    assert_eq!(
        versions,
        (1..=12).map(|version| (version, format!("a = {version}"))).collect::<Vec<_>>(),
        "no version was overwritten"
    );
}

fn by(name: &str) -> DocumentOrigin {
    DocumentOrigin {
        source: DocumentSource::Operator,
        by: Some(name.to_owned()),
        comment: Some("because".to_owned()),
        given: None,
    }
}

#[tokio::test]
async fn of_two_writers_after_the_same_version_only_one_wins() {
    let bench = Bench::new().await;
    let put = |author: &'static str| {
        let store = bench.store.clone();
        tokio::spawn(async move { store.put_document_after(None, "a = 1", by(author), NOW).await })
    };
    let (ada, eve) = (put("Ada"), put("Eve"));
    let ended = [ada.await.unwrap(), eve.await.unwrap()];
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    assert!(ended.iter().any(|ended| matches!(ended, Err(CommitError::Conflict(_)))), "{ended:?}");
}

/// Documents of earlier builds have no source, author or reason.
#[tokio::test]
async fn a_version_without_an_origin_is_still_read() {
    let bench = Bench::new().await;
    bench.store.put_document_after(None, "a = 1", by("Ada"), NOW).await.unwrap();
    let removed = client(bench.engine.connector()).update_item().table_name("identities").key("pk", text("T#default"));
    let removed = removed.key("sk", text("CONFIG#0000000001")).update_expression("REMOVE src, #by, #comment");
    removed.expression_attribute_names("#by", "by").expression_attribute_names("#comment", "comment").send().await.unwrap();
    let read = bench.store.find_newest_document().await.unwrap().unwrap();
    assert_eq!(read.origin, DocumentOrigin::default());
    assert_eq!(read.origin.source, DocumentSource::Shipped);
}
