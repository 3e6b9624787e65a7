//! The Lambda binary: scheduled runs and operator commands. Unfinished work continues in a new invocation.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use latchkey::runtime;
use retention::{Continuation, PURPOSES, Retention};
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::start(PURPOSES, async |services, self_invoker| {
        let clock = services.clock.clone();
        let retention = Retention::new(services, Continuation::Lambda(self_invoker));
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
            let (retention, deadline) = (retention.clone(), runtime::deadline(event.context.deadline, &clock));
            async move { Ok::<_, Error>(retention.handle(&event.payload, deadline).await?) }
        }))
        .await
    })
}
