//! Start of the real binary: an error is one line (what, where, what to do) and exit status 2.

use std::net::TcpListener;
use tests::gateway::{Gateway, GatewayExit, document_with, folder, refusal};
use tests::{AccountClient, Anonymous, Customer};

fn assert_refused(ending: &GatewayExit, words: &[&str]) {
    assert_eq!(ending.status, Some(2), "{ending:?}");
    assert_eq!(ending.stderr.trim_end().lines().count(), 1, "one line: {}", ending.stderr);
    for word in words {
        assert!(ending.stderr.contains(word), "{word:?} in {}", ending.stderr);
    }
}

#[test]
fn an_unknown_or_conflicting_flag_is_refused() {
    for (arguments, words) in [
        (&["--bogus"][..], &["--bogus", "--help"][..]),
        (&["--port", "99999"], &["99999", "--port"]),
        (&["--port", "http"], &["--port"]),
        (&["--tls-cert", "a.pem"], &["--tls-key"]),
        (&["--ephemeral", "--data", "x"], &["--ephemeral", "--data"]),
        (&["--ephemeral", "--tenant", "acme"], &["--tenant", "NAME=FILE"]),
        (&["--ephemeral", "--tenant", "Not A Name=x.toml"], &["a-z"]),
        (&["--ephemeral", "--fault", "melt"], &["melt"]),
        (&["--ephemeral", "--port", "0", "--issuer", "http://id.example.com"], &["http://id.example.com", "https"]),
        (&["--ephemeral", "--port", "0", "--issuer", "https://id.example.com/path"], &["origin"]),
    ] {
        assert_refused(&refusal(arguments), words);
    }
}

#[test]
fn a_tenant_document_is_refused_with_every_error_by_its_path() {
    let folder = folder();
    let path = folder.path().join("tenant.toml");
    let file = path.to_str().unwrap();
    let start = || refusal(&["--ephemeral", "--port", "0", "--config", file]);
    assert_refused(&start(), &["tenant document", file, "give the path"]);
    let shipped = document_with("");
    let wrong =
        shipped.replace("accent = \"#3b5bdb\"", "accent = \"blue\"").replace("access = \"PT10M\"", "access = \"PT20M\"");
    assert_ne!(wrong, shipped);
    std::fs::write(&path, wrong).unwrap();
    assert_refused(&start(), &[file, "brand.accent", "token.access"]);
    std::fs::write(&path, "name = [").unwrap();
    assert_refused(&start(), &[file]);
}

#[test]
fn an_invalid_document_of_another_tenant_is_named() {
    let folder = folder();
    let path = folder.path().join("acme.toml");
    std::fs::write(&path, document_with("surprise = 1")).unwrap();
    let file = path.to_str().unwrap();
    assert_refused(&refusal(&["--ephemeral", "--port", "0", "--tenant", &format!("acme={file}")]), &[file, "surprise"]);
}

#[test]
fn a_document_with_a_user_pool_is_refused() {
    let folder = folder();
    let path = folder.path().join("pool.toml");
    let pool = "[cognito]\nuser_pool_id = \"eu-central-1_AbC\"\nclient_id = \"1abc\"\n";
    std::fs::write(&path, format!("{}\n{pool}", document_with(""))).unwrap();
    let start = refusal(&["--ephemeral", "--port", "0", "--config", path.to_str().unwrap()]);
    assert_refused(&start, &["tenant default", "[cognito]", "which the local gateway cannot reach: remove it"]);
}

#[test]
fn a_port_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_refused(&refusal(&["--ephemeral", "--port", &port]), &[&port, "in use", "--port"]);
}

#[test]
fn an_invalid_foreign_or_used_data_folder_is_refused() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let start = |data: &std::path::Path| refusal(&["--port", "0", "--data", data.to_str().unwrap()]);
    assert_refused(&start(&file), &["data folder", file.to_str().unwrap(), "--data"]);

    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("tables.sqlite"), "this is no database, but it is long enough to be taken for one, perhaps")
        .unwrap();
    assert_refused(&start(&foreign), &["data folder", foreign.to_str().unwrap()]);

    let broken_key = folder.path().join("broken-key");
    std::fs::create_dir(&broken_key).unwrap();
    std::fs::write(broken_key.join("keys"), "short").unwrap();
    assert_refused(&start(&broken_key), &["key file", broken_key.to_str().unwrap()]);

    let used = folder.path().join("used");
    let gateway = Gateway::start(&used, &[]);
    assert_refused(&start(&used), &["another gateway", used.to_str().unwrap()]);
    drop(gateway);
}

#[test]
fn an_invalid_certificate_or_a_wrong_key_is_refused() {
    let folder = folder();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let start = || {
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        refusal(&["--ephemeral", "--port", "0", "--tls-cert", certificate, "--tls-key", key])
    };
    assert_refused(&start(), &[certificate.to_str().unwrap(), "--tls-cert"]);
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert_refused(&start(), &[key.to_str().unwrap(), "--tls-key"]);
}

#[test]
fn a_signal_stops_the_gateway_cleanly() {
    let folder = folder();
    let ending = Gateway::start(&folder.path().join("data"), &[]).stop();
    assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let data = folder.path().join("deep/data");
    let gateway = Gateway::start(&data, &[]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = ["keys", "tables.sqlite", "mailbox.sqlite", "operator-token"];
    assert_eq!((mode(&data), files.map(|file| mode(&data.join(file)))), (0o700, [0o600; 4]));
    drop(gateway);
}

/// A folder of an earlier version: others can read it, and the mails are in the file of the identities.
#[cfg(unix)]
#[tokio::test]
async fn a_data_folder_of_an_earlier_version_becomes_private_and_its_mails_get_a_file_of_their_own() {
    use latchkey_local::engine::Engine;
    use latchkey_local::gateway::state_table::{EntryKind, StateTable};
    use std::fs::{Permissions, metadata, read, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let data = folder.path().join("data");
    drop(Gateway::start(&data, &[]).stop());
    let tables = data.join("tables.sqlite");
    let engine = Engine::file(&tables).unwrap();
    let former = StateTable::open(&engine).await.unwrap();
    let mail = serde_json::json!({
        "id": "01KAV0000000000000000000ZZ", "from": "shop@example.com", "to": "canary@example.com", "subject": "s", "text": "t",
        "html": "h", "sent_at": "2026-03-01T12:00:00Z", "links": [], "codes": ["123456"],
    });
    former.put(EntryKind::Mail, "01KAV0000000000000000000ZZ", &mail).await.unwrap();
    former.put(EntryKind::ClockOffset, "clock", &86_400_000_i64).await.unwrap();
    drop((former, engine));
    for (path, mode) in [(&data, 0o755), (&tables, 0o644), (&data.join("mailbox.sqlite"), 0o644), (&data.join("lock"), 0o644)] {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let gateway = Gateway::start(&data, &[]);
    let mode = |path: &std::path::Path| metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("lock"))), (0o700, 0o600));
    for name in std::fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&name.as_ref().unwrap().path()), 0o600, "{name:?}");
    }
    let api = Anonymous::new(&gateway);
    assert_eq!(api.get("/dev/mailbox.json?to=canary@example.com").await.json()[0]["codes"][0], "123456");
    let ahead = api.post_json("/dev/clock", &serde_json::json!({ "advance": "PT0S" })).await.json();
    assert_eq!(ahead["ahead_seconds"], 86_400);
    drop(gateway.stop());
    let holds = |file: &str| read(data.join(file)).is_ok_and(|bytes| bytes.windows(18).any(|at| at == b"canary@example.com"));
    assert!(holds("mailbox.sqlite") && !holds("tables.sqlite") && !holds("tables.sqlite-wal"));
}

/// The mailbox shows what the product sends, and keeps it no longer than the product keeps the user.
#[tokio::test]
async fn security_129_the_mailbox_drops_the_mails_of_an_erased_person() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let (ada, bob) = (Customer::registered(&gateway, "Canary").await, Customer::registered(&gateway, "Bob").await);
    let api = Anonymous::new(&gateway);
    assert_eq!(api.post_json("/v1/registrations", &ada.registration()).await.status(), 202);
    let me = AccountClient::new(&gateway, &ada).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let mails = async |customer: &Customer| gateway.site().mails_to(&customer.email).await.len();
    assert_eq!((mails(&ada).await, mails(&bob).await), (3, 1));
    api.post_json("/dev/clock", &serde_json::json!({ "advance": "P31D" })).await;
    let summary = api.post_json("/dev/run", &serde_json::json!({ "job": "retention" })).await.json();
    assert_eq!(summary["rules"]["erasure"]["erased"], 1, "{summary}");
    assert_eq!((mails(&ada).await, mails(&bob).await), (0, 1));
    drop(gateway.stop());
    for file in std::fs::read_dir(&data).unwrap() {
        let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
        let address = ada.email.as_bytes();
        assert!(!bytes.windows(address.len()).any(|at| at == address), "{file:?} still has the address");
    }
}
