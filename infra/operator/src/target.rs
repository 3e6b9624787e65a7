//! The target of a command: a deployed stack or the local gateway. Both use the same store and SDK; only the endpoint differs.
//!
//! - **A stack** is found by its name: CloudFormation names its tables, keys, queues and issuer. Region and credentials are configured as
//!   for every AWS tool (environment, profiles, SSO, instance). `AWS_ENDPOINT_URL` is honoured.
//! - **The local gateway** offers its tables at `/dev/tables`, to clients with the token of its data folder.

use crate::command_error::CommandError;
use crate::site::{Site, Trust};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::TenantConfig;
use latchkey::keys::KeyVault;
use latchkey::services::Origin;
use latchkey::store::{Store, Tables, TenantStore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The default address of the local gateway.
const LOCAL: &str = "http://localhost:8080";

/// The target: a deployed stack or the local gateway.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetOptions {
    #[command(flatten)]
    which: TargetChoice,
    /// Region of the stack; by default that of the AWS configuration
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,
    /// Profile of the AWS configuration.
    #[arg(long, value_name = "PROFILE", help_heading = "Target")]
    profile: Option<String>,
    /// The data folder of the local gateway, with its operator token
    #[arg(long, env = "LATCHKEY_DATA", default_value = ".latchkey", value_name = "FOLDER", help_heading = "Target")]
    data: PathBuf,
    /// An additional certificate authority (PEM) to trust
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    ca: Option<PathBuf>,
    /// Address to contact instead of the service's host name, for example before DNS points to it; the issuer stays the same
    #[arg(long, value_name = "URL", value_parser = origin, help_heading = "Target")]
    at: Option<String>,
}

#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct TargetChoice {
    /// A deployed stack, by its name in CloudFormation.
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    stack: Option<String>,
    /// The local gateway [default: http://localhost:8080].
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = LOCAL, value_parser = origin, help_heading = "Target")]
    local: Option<String>,
}

/// Parses a tenant's name from an option.
pub(crate) fn tenant(text: &str) -> Result<TenantId, String> {
    text.parse().map_err(|_| "a tenant's name is 1 to 32 of a-z, 0-9 and -".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let is_address = text.starts_with("http://") || text.starts_with("https://");
    if is_address {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("expected http://… or https://…; files come first".to_owned())
    }
}

/// The target that was found.
pub(crate) struct Target {
    /// Description, such as `stack latchkey in eu-central-1`.
    pub(crate) name: String,
    /// Its tables.
    pub(crate) store: Store,
    /// The public origin: the issuer of the default tenant.
    pub(crate) origin: Origin,
    /// The HTTP client for it.
    pub(crate) site: Site,
    /// What only a deployment has.
    pub(crate) place: Place,
    /// Its TLS trust.
    pub(crate) trust: Trust,
    /// The local gateway's data folder.
    data: PathBuf,
}

/// Where the target runs.
pub(crate) enum Place {
    /// In an AWS account.
    Stack(Box<Stack>),
    /// On this machine.
    Local,
}

/// A deployed stack.
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// Its status in CloudFormation.
    pub(crate) status: String,
    /// The parameters of the deployment by name; secret values are asterisks.
    parameters: BTreeMap<String, String>,
    /// Its outputs by name.
    outputs: BTreeMap<String, String>,
    /// Its resources by logical id. The value is the physical id: name, address or ARN, depending on the type.
    resources: BTreeMap<String, String>,
    /// The SDK configuration for its clients.
    pub(crate) aws: SdkConfig,
}

impl TargetOptions {
    /// Finds the target.
    pub(crate) async fn open(&self) -> Result<Target, CommandError> {
        let trust = Trust::new(self.ca.as_deref())?;
        match (&self.which.stack, &self.which.local) {
            (Some(name), _) => self.open_stack(name, &trust).await,
            (None, Some(url)) => self.open_local(url, &trust).await,
            (None, None) => Err(CommandError::new("give --stack NAME or --local")),
        }
    }

    async fn open_stack(&self, name: &str, trust: &Trust) -> Result<Target, CommandError> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(trust.client());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let aws = loader.load().await;
        let Some(region) = aws.region().cloned() else {
            return Err(CommandError::new("no region is set: give --region, or set AWS_REGION or a profile with one"));
        };
        let stack = Stack::find(name, aws).await?;
        let [identities, keys, audit] = ["IdentitiesTable", "KeysTable", "AuditTable"].map(|output| stack.output(output));
        let tables = Tables { identities: identities?.to_owned(), keys: keys?.to_owned(), audit: audit?.to_owned() };
        let issuer = stack.output("Issuer")?;
        let origin = Origin::parse(issuer).map_err(|why| CommandError::new(format!("the issuer {issuer} of {name} {why}")))?;
        Ok(Target {
            name: format!("stack {name} in {region}"),
            store: Store::new(aws_sdk_dynamodb::Client::new(&stack.aws), tables),
            site: Site::new(trust, &origin, self.at.as_deref()),
            origin,
            trust: trust.clone(),
            data: self.data.clone(),
            place: Place::Stack(Box::new(stack)),
        })
    }

    async fn open_local(&self, url: &str, trust: &Trust) -> Result<Target, CommandError> {
        let own = Origin::parse(url).map_err(|why| CommandError::new(format!("--local {url}: {why}")))?;
        let site = Site::new(trust, &own, None);
        let metadata = site.get("/.well-known/openid-configuration").await.map_err(|refused| {
            CommandError::new(format!(
                "{refused}; start the gateway with `cargo run`, or give its address: --local http://localhost:PORT"
            ))
        })?;
        let issuer = metadata.json().get("issuer").and_then(|issuer| issuer.as_str()).map(str::to_owned);
        let issuer = issuer.ok_or_else(|| CommandError::new(format!("the service at {url} is not Latchkey")))?;
        let origin = Origin::parse(&issuer).map_err(|why| CommandError::new(format!("the issuer {issuer} {why}")))?;
        let token = read_token(&self.data)?;
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(format!("{}/dev/tables", own.as_str()))
            .credentials_provider(Credentials::new(token, "not-checked", None, None, "operator-token"))
            .http_client(trust.client())
            .build();
        let [identities, keys, audit] = ["identities", "keys", "audit"].map(str::to_owned);
        Ok(Target {
            name: format!("local gateway at {url}"),
            store: Store::new(aws_sdk_dynamodb::Client::from_conf(config), Tables { identities, keys, audit }),
            site: match self.at.as_deref() {
                Some(at) => Site::new(trust, &origin, Some(at)),
                None => Site::new(trust, &origin, Some(url)),
            },
            origin,
            trust: trust.clone(),
            data: self.data.clone(),
            place: Place::Local,
        })
    }
}

impl Target {
    /// The vault that unwraps the keys: KMS with the caller's permission on the stack's key, or the key file of the local gateway.
    pub(crate) fn vault(&self) -> Result<KeyVault, CommandError> {
        match &self.place {
            Place::Stack(stack) => {
                let key = stack.resource("WrappingKey").ok_or_else(|| CommandError::new("the stack has no wrapping key"))?;
                Ok(KeyVault::kms(aws_sdk_kms::Client::new(&stack.aws), key.to_owned()))
            }
            Place::Local => KeyVault::file(&self.data.join("keys"))
                .map_err(|error| CommandError::new(format!("the gateway's key file: {error}"))),
        }
    }
}

/// The tenant's document in force.
pub(crate) async fn document(store: &TenantStore) -> Result<TenantConfig, CommandError> {
    let newest = store.find_newest_document().await;
    let newest = newest.map_err(|error| CommandError::caused_by("the tenant's document could not be read", &error))?;
    let newest =
        newest.ok_or_else(|| CommandError::new("the tenant has no document: apply one with `latchkey config apply`"))?;
    TenantConfig::parse(store.tenant(), &newest.document)
        .map_err(|errors| CommandError::new(format!("the tenant's document is not valid by this build: {errors}")))
}

fn read_token(folder: &Path) -> Result<String, CommandError> {
    let path = folder.join("operator-token");
    std::fs::read_to_string(&path).map(|token| token.trim().to_owned()).map_err(|error| {
        CommandError::new(format!(
            "cannot read {}: {error}; give the gateway's data folder with --data (a gateway with --ephemeral has none, and offers no \
             tables)",
            path.display()
        ))
    })
}

impl Stack {
    async fn find(name: &str, aws: SdkConfig) -> Result<Self, CommandError> {
        let client = aws_sdk_cloudformation::Client::new(&aws);
        let refused =
            |error: &dyn std::error::Error| CommandError::caused_by(&format!("the stack {name} cannot be read"), error);
        let described = client.describe_stacks().stack_name(name).send().await.map_err(|error| refused(&error))?;
        let stack = described.stacks.unwrap_or_default().pop();
        let stack = stack.ok_or_else(|| CommandError::new(format!("there is no stack {name} in this account and region")))?;
        let parameters = stack.parameters.unwrap_or_default();
        let parameters = parameters
            .into_iter()
            .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)))
            .collect();
        let outputs = stack.outputs.unwrap_or_default();
        let outputs = outputs.into_iter().filter_map(|output| Some((output.output_key?, output.output_value?))).collect();
        let mut resources = BTreeMap::new();
        // Use pages: DescribeStackResources returns at most 100, and every route is a resource.
        let mut pages = client.list_stack_resources().stack_name(name).into_paginator().send();
        while let Some(page) = pages.next().await {
            for summary in page.map_err(|error| refused(&error))?.stack_resource_summaries.unwrap_or_default() {
                if let (Some(logical), Some(id)) = (summary.logical_resource_id, summary.physical_resource_id) {
                    resources.insert(logical, id);
                }
            }
        }
        let status = stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        Ok(Self { name: name.to_owned(), status, parameters, outputs, resources, aws })
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Result<&str, CommandError> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            CommandError::new(format!(
                "the stack has no output {name}: it is not a Latchkey stack, or its template is outdated; deploy the current one"
            ))
        })
    }

    /// A parameter of the deployment.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A resource of the stack, if the stack has it.
    pub(crate) fn resource(&self, logical: &str) -> Option<&str> {
        self.resources.get(logical).map(String::as_str)
    }
}
