//! The API reference of the gateway: the document, the page, and the command that writes the document.

use http::Method;
use latchkey_local::openapi;
use std::process::Command;
use tests::form::tags;
use tests::gateway::{Gateway, binary};
use tests::{Anonymous, Browser};

#[test]
fn the_command_writes_the_document() {
    let output = Command::new(binary()).arg("openapi").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), openapi::text());
}

#[tokio::test]
async fn the_document_and_its_page_are_there_for_this_machine_only() {
    let gateway = Gateway::ephemeral(&[]);
    let api = Anonymous::new(&gateway);
    let document = api.get("/openapi.json").await;
    assert_eq!((document.status(), document.header("content-type")), (200, Some("application/json")));
    assert_eq!(document.text(), openapi::text());

    let page = Browser::new(&gateway).open("/dev/api").await;
    assert_eq!(page.status(), 200);
    let tags = tags(page.html());
    assert!(!tags.iter().any(|tag| tag.name == "script"), "it works without JavaScript");
    let ids: Vec<&str> = tags.iter().filter(|tag| tag.name == "details").filter_map(|tag| tag.get("id")).collect();
    let mut listed = 0;
    for (path, item) in openapi::document()["paths"].as_object().unwrap() {
        assert!(page.html().contains(&path.replace('/', "&#x2f;")), "{path} is not on the page");
        for operation in item.as_object().unwrap().values().filter_map(|operation| operation["operationId"].as_str()) {
            assert!(ids.contains(&operation), "{operation} is not on the page");
            listed += 1;
        }
    }
    assert_eq!(ids.len(), listed);

    for path in ["/openapi.json", "/dev/api"] {
        for header in [("host", "evil.test"), ("origin", "https://evil.test")] {
            let refused = api.send(Method::GET, path, &[header], "").await;
            assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{path} {header:?}");
        }
        assert_eq!(api.get(&format!("/t/acme{path}")).await.status(), 404, "{path} belongs to no tenant");
    }
}
