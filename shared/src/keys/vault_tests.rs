use super::*;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use std::sync::Mutex;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_key_wrapped_by_the_local_vault_unwraps_only_for_its_tenant_and_purpose() {
    let vault = KeyVault::ephemeral();
    let wrapped = vault.wrap(&tenant("a"), Purpose::Data, b"key").await.unwrap();
    assert_eq!(vault.unwrap(&tenant("a"), Purpose::Data, &wrapped).await.unwrap().as_slice(), b"key");
    for (tenant_name, purpose) in [("b", Purpose::Data), ("a", Purpose::Signing)] {
        let refused = vault.unwrap(&tenant(tenant_name), purpose, &wrapped).await;
        assert!(matches!(refused, Err(KeyError::VaultRefused(_))));
    }
    let other = KeyVault::ephemeral().unwrap(&tenant("a"), Purpose::Data, &wrapped).await;
    assert!(matches!(other, Err(KeyError::VaultRefused(_))));
    assert_eq!(vault.calls(), 4);
}

#[tokio::test]
async fn a_key_file_is_created_once_with_mode_0600_and_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    let vaults: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| KeyVault::file(&path).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let wrapped = vaults[0].wrap(&tenant("a"), Purpose::Data, b"key").await.unwrap();
    for vault in &vaults {
        assert!(vault.unwrap(&tenant("a"), Purpose::Data, &wrapped).await.is_ok(), "concurrent starts create one key");
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["vault.key"], "no draft is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = KeyVault::file(&path).err().unwrap();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_a_key_file_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    for content in
        ["", "hello", FILE_HEADER, &format!("{FILE_HEADER}\nAAAA\n"), &format!("{FILE_HEADER}\n{}\n", "?".repeat(43))]
    {
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let error = KeyVault::file(&path).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{content:?}");
        assert!(error.to_string().contains("vault.key"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let error = KeyVault::file(&folder.path().join("no/such/folder/vault.key")).err().unwrap();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

/// Status and body, or no response.
type Answer = Result<(u16, String), ()>;

/// A fake KMS below the SDK: returns these responses in order, and records the requests.
#[derive(Debug, Clone)]
struct FakeKms {
    answers: Arc<Mutex<Vec<Answer>>>,
    requests: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(serde_json::from_slice(request.body().bytes().unwrap()).unwrap());
        let answer = self.answers.lock().unwrap().remove(0);
        HttpConnectorFuture::ready(match answer {
            Ok((status, body)) => Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))),
            Err(()) => Err(ConnectorError::timeout("no answer".into())),
        })
    }
}
impl HttpClient for FakeKms {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn kms(answers: Vec<Answer>) -> (KeyVault, FakeKms) {
    let fake = FakeKms { answers: Arc::new(Mutex::new(answers)), requests: Arc::default() };
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
        .http_client(fake.clone())
        .build();
    (KeyVault::kms(aws_sdk_kms::Client::from_conf(config), "key-1".to_owned()), fake)
}

#[tokio::test]
async fn kms_requests_carry_tenant_purpose_and_key_id() {
    let (vault, fake) = kms(vec![
        Ok((200, r#"{"CiphertextBlob":"d3JhcHBlZA==","KeyId":"key-1"}"#.to_owned())),
        Ok((200, r#"{"Plaintext":"a2V5","KeyId":"key-1"}"#.to_owned())),
    ]);
    assert_eq!(vault.wrap(&tenant("a"), Purpose::Refresh, b"key").await.unwrap(), b"wrapped");
    assert_eq!(vault.unwrap(&tenant("a"), Purpose::Refresh, b"wrapped").await.unwrap().as_slice(), b"key");
    for request in fake.requests.lock().unwrap().iter() {
        assert_eq!(request["EncryptionContext"], serde_json::json!({"tenant": "a", "purpose": "refresh"}));
        assert_eq!(request["KeyId"], "key-1");
    }
}

#[tokio::test]
async fn security_137_transient_kms_errors_are_unavailable_and_permanent_ones_refused() {
    let unavailable = [
        Err(()),
        Ok((400, r#"{"__type":"ThrottlingException"}"#.to_owned())),
        Ok((500, r#"{"__type":"KMSInternalException"}"#.to_owned())),
        Ok((503, "busy".to_owned())),
        Ok((400, r#"{"__type":"DependencyTimeoutException"}"#.to_owned())),
        Ok((500, r#"{"__type":"KeyUnavailableException"}"#.to_owned())),
    ];
    for answer in unavailable {
        let (vault, _) = kms(vec![answer.clone()]);
        let error = vault.unwrap(&tenant("a"), Purpose::Data, b"wrapped").await.err().unwrap();
        assert!(matches!(error, KeyError::VaultUnavailable(_)), "{answer:?}: {error:?}");
    }
    let refused = [
        "DisabledException",
        "NotFoundException",
        "InvalidCiphertextException",
        "IncorrectKeyException",
        "AccessDeniedException",
    ];
    for code in refused {
        let (vault, _) = kms(vec![Ok((400, format!(r#"{{"__type":"{code}"}}"#)))]);
        let error = vault.unwrap(&tenant("a"), Purpose::Data, b"wrapped").await.err().unwrap();
        assert!(matches!(error, KeyError::VaultRefused(_)), "{code}: {error:?}");
    }
}
