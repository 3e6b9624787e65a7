//! A world deployed by `template.yaml`: each request reaches the function that the template routes it to, and each function
//! reaches the tables only as far as its role allows.
//!
//! This checks what the policies say. It does not check how IAM evaluates them.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use crate::api_gateway::Routes;
use crate::pool_key::APPLICATIONS;
use crate::template::{Request as RequestedAction, Statement, Template};
use crate::user_pool::{CLIENT_ID, POOL_ID, UserPool, document};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use latchkey::domain::time::Span;
use latchkey::keys::{KeyVault, Keys, identifier_rotation};
use latchkey::purpose::Purpose;
use latchkey::services::{Services, Tenants};
use latchkey::store::{Store, Tables};
use latchkey::web::mount;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::engine::{client, operation, response};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tower::ServiceExt as _;

/// The target pool of the reverse migration of `acme`.
const RETURN_POOL: &str = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Next";
/// The legacy user pool of `acme`.
const USER_POOL: &str = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Former";

/// A deployed world.
pub struct DeployedWorld {
    /// Its tables, and its functions behind their routes.
    pub world: World,
    guards: BTreeMap<&'static str, Guard>,
    vault: KeyVault,
    /// The legacy user pool of `acme`.
    pub pool: UserPool,
}

/// A function that answers HTTP: name, key purposes, routes.
pub type Function = (&'static str, &'static [Purpose], fn() -> Router<Services>);

/// The key purposes of each function.
pub const PURPOSES: [(&str, &[Purpose]); 8] = [
    ("registration", registration::PURPOSES),
    ("login", login::PURPOSES),
    ("token", token::PURPOSES),
    ("profile", profile::PURPOSES),
    ("export", export::PURPOSES),
    ("retention", retention::PURPOSES),
    ("events", events::PURPOSES),
    ("migration", migration::PURPOSES),
];

/// Every function that answers HTTP.
pub const HTTP_FUNCTIONS: [Function; 5] = [
    ("registration", registration::PURPOSES, registration::routes),
    ("login", login::PURPOSES, login::deployed_routes),
    ("token", token::PURPOSES, token::routes),
    ("profile", profile::PURPOSES, profile::routes),
    ("export", export::PURPOSES, export::routes),
];

impl DeployedWorld {
    /// Deploys the default tenant and a tenant `acme` with the same document, which names a legacy user pool.
    pub async fn new() -> Self {
        let template =
            Template::load().given("UserPoolArn", USER_POOL).given("ReturnPoolArn", RETURN_POOL).given("ReturnTenant", "acme");
        let back = "[handover]\nuser_pool_id = \"eu-central-1_Next\"\n";
        Self::of(&template, &format!("{}{back}", document(POOL_ID, CLIENT_ID, APPLICATIONS))).await
    }

    /// The same deployment without a user pool.
    pub async fn without_user_pool() -> Self {
        Self::of(&Template::load(), DEFAULT_DOCUMENT).await
    }

    async fn of(template: &Template, acme: &str) -> Self {
        let vault = KeyVault::ephemeral();
        let pool = UserPool::default();
        let world = World::builder()
            .vault(vault.clone())
            .legacy_directory(pool.legacy_directory())
            .legacy_keys(pool.legacy_keys())
            .tenant("acme", acme)
            .build()
            .await
            .expect("a world");
        let names = HTTP_FUNCTIONS.map(|(name, ..)| name).into_iter().chain(["events", "migration", "retention"]);
        let guards = names.map(|name| (name, Guard::new(template, name, &world))).collect();
        let mut deployed = Self { world, guards, vault, pool };
        let functions = HTTP_FUNCTIONS
            .map(|(name, purposes, routes)| (logical(name), mount(deployed.services(name, purposes), routes())))
            .into_iter()
            .collect();
        let router = gateway(template, &functions);
        let events = deployed.services("events", events::PURPOSES);
        deployed.world = deployed.world.served_by(router, events).expect("a world");
        deployed
    }

    /// The services of one function: its own client behind its role, and its own keys.
    ///
    /// # Panics
    /// Panics if there is no such function.
    #[must_use]
    pub fn services(&self, function: &str, purposes: &[Purpose]) -> Services {
        let guard = self.guards.get(function).expect("a function").clone();
        let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
        // Only the role of this function allows calls to the user pool.
        let asks = guard.statements.iter().any(|statement| statement.actions.contains("cognito-idp:AdminInitiateAuth"));
        Services {
            legacy_directory: asks.then(|| self.pool.legacy_directory()),
            store: Store::new(client(SharedHttpConnector::new(guard)), tables),
            keys: Keys::new(self.vault.clone(), purposes),
            tenants: Tenants::default(),
            ..self.world.services.clone()
        }
    }

    /// Begins to replace the identifier key of these tenants, and waits until every function uses the next version.
    ///
    /// # Panics
    /// Panics if it does not begin.
    pub async fn begin_identifier_rotation(&self, tenants: &[&str]) {
        let world = &self.world;
        for tenant in tenants {
            let tenant = tenant.parse().expect("a tenant");
            world.services.tenant(&tenant).await.expect("the tenant's keys");
            let store = world.services.store.tenant(tenant);
            let begun = identifier_rotation::begin(&self.vault, &store, world.services.clock.now()).await;
            assert_eq!(begun.expect("begun"), Some(2));
        }
        world.advance(Span::minutes(8));
    }

    /// The refused actions, each with the function that requested it.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.guards.values().flat_map(|guard| guard.seen().refused.clone()).collect()
    }

    /// The permissions on the tables that no function used: action, table, beginning of the partition key.
    #[must_use]
    pub fn unused(&self) -> BTreeSet<String> {
        let unused = |(name, guard): (&&str, &Guard)| {
            let seen = guard.seen();
            let allowed = guard.statements.iter().flat_map(permissions);
            let unused = allowed.filter(|permission| !seen.used.contains(permission));
            unused.map(|permission| format!("{name}: {permission}")).collect::<Vec<_>>()
        };
        self.guards.iter().flat_map(unused).collect()
    }
}

fn logical(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    first.to_uppercase() + rest
}

fn permissions(statement: &Statement) -> Vec<String> {
    let mut permissions = Vec::new();
    for action in statement.actions.iter().filter_map(|action| action.strip_prefix("dynamodb:")) {
        for table in &statement.resources {
            permissions.extend(statement.kinds().iter().map(|partition| permission(action, table, partition)));
        }
    }
    permissions
}

fn permission(action: &str, table: &str, partition: &str) -> String {
    format!("{action} {} {partition}", table.trim_end_matches(".Arn"))
}

/// The role of a function, in front of the tables.
#[derive(Debug, Clone)]
struct Guard {
    name: &'static str,
    statements: Arc<[Statement]>,
    inner: SharedHttpConnector,
    seen: Arc<Mutex<RecordedActions>>,
}

#[derive(Debug, Default)]
struct RecordedActions {
    used: BTreeSet<String>,
    refused: Vec<String>,
}

impl Guard {
    fn new(template: &Template, name: &'static str, world: &World) -> Self {
        let statements = template.statements(&format!("{}Role", logical(name))).into();
        Self { name, statements, inner: world.engine.connector(), seen: Arc::default() }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, RecordedActions> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admits(&self, requested: &RequestedAction) -> bool {
        let mut seen = self.seen();
        let Some(statement) = self.statements.iter().find(|statement| statement.allows(requested)) else {
            seen.refused.push(format!("{}: {requested:?}", self.name));
            return false;
        };
        let keys = requested.context.get("dynamodb:LeadingKeys").into_iter().flatten();
        for partition in keys.filter_map(|key| key.split_once('#').map(|(kind, _)| format!("{kind}#*")).or(Some(key.clone()))) {
            let action = requested.action.trim_start_matches("dynamodb:");
            if statement.kinds().contains(&partition) {
                seen.used.insert(permission(action, &requested.resource, &partition));
            }
        }
        true
    }
}

impl HttpConnector for Guard {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let requested_actions = requested_actions(operation(&request).unwrap_or_default(), &body);
        if !requested_actions.is_empty() && requested_actions.iter().all(|requested| self.admits(requested)) {
            return self.inner.call(request);
        }
        let error = json!({ "__type": "com.amazon.coral.service#AccessDeniedException", "message": "not authorized" });
        HttpConnectorFuture::ready(response(400, error.to_string()))
    }
}

/// The IAM actions of a request to DynamoDB.
fn requested_actions(operation: &str, body: &Value) -> Vec<RequestedAction> {
    let one = |action: &str, part: &Value, keys: Vec<&Value>| {
        let table = part["TableName"].as_str().unwrap_or_default();
        let keys = keys.into_iter().filter_map(|pk| pk["S"].as_str().map(str::to_owned)).collect();
        let selected: Vec<String> = part["Select"].as_str().map(str::to_owned).into_iter().collect();
        // The store names each attribute of a query by a placeholder.
        let names = part["ExpressionAttributeNames"].as_object().filter(|_| action == "Query").into_iter().flatten();
        let attributes = names.filter_map(|(_, name)| name.as_str().map(str::to_owned)).collect();
        let returned: Vec<String> = part["ReturnValues"].as_str().map(str::to_owned).into_iter().collect();
        RequestedAction {
            action: format!("dynamodb:{action}"),
            resource: format!("{}.Arn", logical(table)),
            context: BTreeMap::from([
                ("dynamodb:LeadingKeys".to_owned(), keys),
                ("dynamodb:ReturnValues".to_owned(), returned),
                ("dynamodb:Select".to_owned(), selected),
                ("dynamodb:Attributes".to_owned(), attributes),
            ]),
        }
    };
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => vec![one(operation, body, vec![&body["Key"]["pk"]])],
        "PutItem" => vec![one(operation, body, vec![&body["Item"]["pk"]])],
        // The store calls the partition `:pk` in every query.
        "Query" => vec![one(operation, body, vec![&body["ExpressionAttributeValues"][":pk"]])],
        "BatchGetItem" => body["RequestItems"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(table, part)| {
                let keys = part["Keys"].as_array().into_iter().flatten().map(|key| &key["pk"]).collect();
                one(operation, &json!({ "TableName": table }), keys)
            })
            .collect(),
        "TransactWriteItems" => body["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|write| write.as_object().into_iter().flatten())
            .map(|(kind, part)| match kind.as_str() {
                "Put" => one("PutItem", part, vec![&part["Item"]["pk"]]),
                "ConditionCheck" => one("ConditionCheckItem", part, vec![&part["Key"]["pk"]]),
                kind => one(&format!("{kind}Item"), part, vec![&part["Key"]["pk"]]),
            })
            .collect(),
        // No role allows any other operation.
        other => vec![one(other, body, vec![])],
    }
}

/// The API: each request reaches the function of its route.
fn gateway(template: &Template, functions: &BTreeMap<String, Router>) -> Router {
    let routes = template.of_type("AWS::ApiGatewayV2::Route").map(|(_, route)| {
        let properties = template.resolve(&route["Properties"]);
        let text = |name: &str| properties[name].as_str().expect("a text").to_owned();
        let target = text("Target").replace("integrations/", "").replace("Integration", "");
        (text("RouteKey"), functions.get(&target).expect("a function").clone())
    });
    let routes = Arc::new(Routes::new(routes));
    Router::new().fallback(async move |request: Request<Body>| -> Response {
        let function = routes.target(request.uri().path()).clone();
        match function.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    })
}
