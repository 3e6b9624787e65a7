//! The Lambda binary: the user migration trigger of one user pool.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use latchkey::runtime;
use migration::{Migration, PURPOSES};
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::start(PURPOSES, async |services, tenant| {
        let clock = services.clock.clone();
        let migration = Migration::new(services, tenant);
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
            let (migration, deadline) = (migration.clone(), runtime::deadline(event.context.deadline, &clock));
            let request = event.context.request_id;
            async move { Ok::<_, Error>(Box::pin(migration.answer(event.payload, &request, deadline)).await?) }
        }))
        .await
    })
}
