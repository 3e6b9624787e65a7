//! The Lambda binary: batches of the stream. Audit records are written; a mail has no channel yet (the queue and SES come with the
//! deployment), so its record is reported as failed and stays with the stream.

use events::{Dispatch, Events, PURPOSES};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    latchkey::runtime::start(PURPOSES, async |services| {
        let events = Events::new(services, Dispatch::Unavailable)?;
        lambda_runtime::run(service_fn(|batch: LambdaEvent<Value>| {
            let events = events.clone();
            async move { Ok::<_, Error>(Box::pin(events.handle(&batch.payload)).await?) }
        }))
        .await
    })
}
