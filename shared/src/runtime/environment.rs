//! The environment variables. They are read once, and all their faults are reported at once.

use super::gateway::front::Front;
use crate::domain::id::TenantId;
use crate::keys::KmsSigningKeys;
use crate::services::Origin;
use aws_sdk_dynamodb::config::Credentials;
use std::collections::BTreeMap;
use std::fmt;

/// The name of this function, set by Lambda.
pub(super) const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";
/// The queue of mails.
pub(super) const MAIL_QUEUE_URL: &str = "LATCHKEY_MAIL_QUEUE_URL";
/// The tenant of the users that a user pool requests.
pub(super) const RETURN_TENANT: &str = "LATCHKEY_RETURN_TENANT";
/// The KMS keys that sign.
const SIGNING_KEYS: &str = "LATCHKEY_KMS_SIGNING_KEYS";
/// The SHA-256 of the secret that the distribution in front sends with each request.
const ORIGIN_SECRET: &str = "LATCHKEY_ORIGIN_SECRET_SHA256";
/// The AWS services in use, as the variables of their endpoints name them.
const SERVICES: [&str; 6] = ["COGNITO_IDENTITY_PROVIDER", "DYNAMODB", "KMS", "LAMBDA", "SESV2", "SQS"];

/// The values of the environment variables.
#[derive(Debug, PartialEq, Eq)]
pub struct Environment {
    /// `LATCHKEY_ORIGIN`: https, a host, nothing else.
    pub(super) origin: Origin,
    /// `LATCHKEY_IDENTITIES_TABLE`, `LATCHKEY_KEYS_TABLE`, `LATCHKEY_AUDIT_TABLE`.
    pub(super) tables: [String; 3],
    /// `LATCHKEY_KMS_KEY_ID`: the key that wraps keyrings.
    pub(super) kms_key: String,
    /// `LATCHKEY_KMS_SIGNING_KEYS`: the KMS keys that sign, `ES256=<key arn>,RS256=<key arn>`; not set or empty if none do.
    pub(super) kms_signing_keys: KmsSigningKeys,
    /// `AWS_REGION`.
    pub(super) region: String,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: the role of the function, set by Lambda.
    pub(super) credentials: AwsCredentials,
    /// `AWS_ENDPOINT_URL_{service}`, otherwise `AWS_ENDPOINT_URL`: other endpoints, such as those of a local AWS.
    endpoints: BTreeMap<&'static str, String>,
    /// `LATCHKEY_ORIGIN_SECRET_SHA256`: the secret of the CloudFront distribution in front; empty for none.
    pub(super) front: Front,
    /// The variables of this function only.
    own: BTreeMap<&'static str, String>,
}

#[derive(PartialEq, Eq)]
pub(super) struct AwsCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl AwsCredentials {
    pub(super) fn provider(&self) -> Credentials {
        Credentials::new(&self.access_key_id, &self.secret_access_key, self.session_token.clone(), None, "environment")
    }
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsCredentials(…)")
    }
}

impl Environment {
    /// Reads the variables with `get`, including those of this function only. Each fault names its variable.
    pub(super) fn read(get: impl Fn(&str) -> Option<String>, own: &'static [&'static str]) -> Result<Self, Vec<String>> {
        let given = |name: &str| get(name).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let mut required = |name: &str| {
            given(name).unwrap_or_else(|| {
                faults.push(format!("{name} is not set"));
                String::new()
            })
        };
        let origin = required("LATCHKEY_ORIGIN");
        let tables = [required("LATCHKEY_IDENTITIES_TABLE"), required("LATCHKEY_KEYS_TABLE"), required("LATCHKEY_AUDIT_TABLE")];
        let (kms_key, region) = (required("LATCHKEY_KMS_KEY_ID"), required("AWS_REGION"));
        let credentials = AwsCredentials {
            access_key_id: required("AWS_ACCESS_KEY_ID"),
            secret_access_key: required("AWS_SECRET_ACCESS_KEY"),
            session_token: given("AWS_SESSION_TOKEN"),
        };
        let own: BTreeMap<_, _> = own.iter().map(|name| (*name, required(name))).collect();
        let endpoint = |service| given(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| given("AWS_ENDPOINT_URL"));
        let endpoints = SERVICES.into_iter().filter_map(|service| Some((service, endpoint(service)?))).collect();
        if own.get(MAIL_QUEUE_URL).is_some_and(|url| !url.is_empty() && !url.starts_with("http")) {
            faults.push(format!("{MAIL_QUEUE_URL} must be the URL of a queue, not its name or ARN"));
        }
        if own.get(RETURN_TENANT).is_some_and(|name| !name.is_empty() && name.parse::<TenantId>().is_err()) {
            faults.push(format!("{RETURN_TENANT} must be the name of a tenant"));
        }
        let kms_signing_keys = given(SIGNING_KEYS).unwrap_or_default().parse().unwrap_or_else(|error| {
            faults.push(format!("{SIGNING_KEYS}: {error}"));
            KmsSigningKeys::default()
        });
        let front = Front::parse(&given(ORIGIN_SECRET).unwrap_or_default()).unwrap_or_else(|error| {
            faults.push(format!("{ORIGIN_SECRET} {error}"));
            Front::None
        });
        // Cookies without Secure are for a developer's own machine only.
        let origin = match Origin::parse(&origin) {
            Ok(origin) if origin.is_https() => Some(origin),
            Ok(_) => {
                faults.push("LATCHKEY_ORIGIN must begin with https://".to_owned());
                None
            }
            Err(_) if origin.is_empty() => None,
            Err(error) => {
                faults.push(format!("LATCHKEY_ORIGIN: {error}"));
                None
            }
        };
        match origin {
            Some(origin) if faults.is_empty() => {
                Ok(Self { origin, tables, kms_key, kms_signing_keys, region, credentials, endpoints, front, own })
            }
            Some(_) | None => Err(faults),
        }
    }

    /// The endpoint of a service, if it is not the default one.
    pub(super) fn endpoint(&self, service: &str) -> Option<String> {
        self.endpoints.get(service).cloned()
    }

    /// A variable of this function only. It is set, because it was required.
    pub(super) fn own(&self, name: &str) -> String {
        self.own.get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([
            ("LATCHKEY_ORIGIN", "https://id.example.com"),
            ("LATCHKEY_IDENTITIES_TABLE", "identities"),
            ("LATCHKEY_KEYS_TABLE", "keys"),
            ("LATCHKEY_AUDIT_TABLE", "audit"),
            ("LATCHKEY_KMS_KEY_ID", "alias/latchkey"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ])
    }
    fn read_with(variables: &BTreeMap<&str, &str>, own: &'static [&'static str]) -> Result<Environment, Vec<String>> {
        Environment::read(|name| variables.get(name).map(|value| (*value).to_owned()), own)
    }
    fn read(variables: &BTreeMap<&str, &str>) -> Result<Environment, Vec<String>> {
        read_with(variables, &[])
    }

    #[test]
    fn all_faults_of_the_environment_are_reported_at_once() {
        assert!(read(&complete()).is_ok());
        assert_eq!(read(&BTreeMap::new()).unwrap_err().len(), 8);
        for name in complete().into_keys() {
            let mut variables = complete();
            variables.insert(name, "");
            assert_eq!(read(&variables).unwrap_err(), [format!("{name} is not set")]);
        }
        for (origin, words) in
            [("http://id.example.com", "https://"), ("https://id.example.com/x", "origin only"), ("x", "not a URL")]
        {
            let mut variables = complete();
            variables.insert("LATCHKEY_ORIGIN", origin);
            let faults = read(&variables).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(words), "{faults:?}");
        }
    }

    #[test]
    fn the_environment_does_not_print_its_secret() {
        // security 126
        assert!(!format!("{:?}", read(&complete())).contains("hunter2"));
    }

    #[test]
    fn a_function_requires_only_its_own_variables() {
        const OWN: &[&str] = &[MAIL_QUEUE_URL];
        assert_eq!(read_with(&complete(), OWN).unwrap_err(), ["LATCHKEY_MAIL_QUEUE_URL is not set"]);
        assert_eq!(read_with(&BTreeMap::new(), OWN).unwrap_err().len(), 9);
        let mut variables = complete();
        variables.insert(MAIL_QUEUE_URL, "arn:aws:sqs:eu-central-1:123456789012:mail");
        let faults = read_with(&variables, OWN).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains("not its name or ARN"), "{faults:?}");
        variables.insert(MAIL_QUEUE_URL, "https://sqs.eu-central-1.amazonaws.com/123456789012/mail");
        let environment = read_with(&variables, OWN).unwrap();
        assert_eq!(environment.own(MAIL_QUEUE_URL), "https://sqs.eu-central-1.amazonaws.com/123456789012/mail");
    }

    #[test]
    fn the_endpoint_of_a_service_overrides_the_common_one() {
        let mut variables = complete();
        assert!(SERVICES.iter().all(|service| read(&variables).unwrap().endpoint(service).is_none()));
        variables.insert("AWS_ENDPOINT_URL", "http://localhost:4566");
        variables.insert("AWS_ENDPOINT_URL_KMS", "http://localhost:8082");
        variables.insert("AWS_ENDPOINT_URL_SQS", "");
        let environment = read(&variables).unwrap();
        for service in SERVICES {
            let expected = if service == "KMS" { "http://localhost:8082" } else { "http://localhost:4566" };
            assert_eq!(environment.endpoint(service).as_deref(), Some(expected), "{service}");
        }
    }

    #[test]
    fn without_a_secret_there_is_no_front_and_a_malformed_secret_is_a_fault() {
        let of = |secret: Option<&'static str>| {
            let mut variables = complete();
            variables.extend(secret.map(|secret| (ORIGIN_SECRET, secret)));
            read(&variables).map(|environment| environment.front)
        };
        assert_eq!((of(None), of(Some(""))), (Ok(Front::None), Ok(Front::None)));
        let set = of(Some("2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"));
        assert!(matches!(set, Ok(Front::CloudFront(_))), "{set:?}");
        let faults = of(Some("hunter2")).unwrap_err();
        assert!(faults[0].starts_with(ORIGIN_SECRET) && !faults[0].contains("hunter2"), "{faults:?}");
    }
}
