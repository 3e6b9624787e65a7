//! The Lambda binary: batches of the stream and of the mail queue.

use events::{Dispatch, Events, PURPOSES};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use latchkey::runtime;
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::start(PURPOSES, async |services, channel| {
        let clock = services.clock.clone();
        let events = Events::new(services, Dispatch::Queued(channel))?;
        lambda_runtime::run(service_fn(|batch: LambdaEvent<Value>| {
            let (events, deadline) = (events.clone(), runtime::deadline(batch.context.deadline, &clock));
            async move { Ok::<_, Error>(Box::pin(events.handle(&batch.payload, deadline)).await?) }
        }))
        .await
    })
}
