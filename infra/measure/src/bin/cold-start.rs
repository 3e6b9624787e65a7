//! Measures the time from exec to the first poll for an event and to the first answer: every function's release binary and a minimal one,
//! in rounds.
//!
//! 1. A round starts each binary once, and the minimal one twice: first and last. Every other round runs in reverse order.
//! 2. Each process gets its first event at once, answers it, and is stopped.
//! 3. Report medians. The two series of the minimal binary must agree within 5 %; otherwise the machine was too busy for a valid result.

use clap::Parser;
use measure::sandbox::Deployment;
use serde::Serialize;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures cold starts of release binaries
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder of the binaries
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// How often each binary is started
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// The commit of the binaries, recorded with the figures
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// The output file (JSON)
    #[arg(long, default_value = "docs/benchmarks/cold-start.json")]
    into: PathBuf,
}

/// Functions, and the first event of each.
const FUNCTIONS: [(&str, &str); 7] = [
    ("registration", "registration-form"),
    ("login", "login-page"),
    ("token", "token-client-credentials"),
    ("profile", "profile-page"),
    ("export", "export-page"),
    ("events", "events-stream"),
    ("retention", "retention-dry-run"),
];
const BARE: (&str, &str) = ("hello", "token-discovery");

#[derive(Serialize)]
struct Figures {
    latchkey: &'static str,
    commit: String,
    rounds: usize,
    /// The minimal binary's ratio to itself: 1.00, at most 5 % off.
    control: f64,
    binaries: Vec<Figure>,
}

#[derive(Serialize)]
struct Figure {
    name: String,
    /// Bytes.
    size: u64,
    /// Median milliseconds from exec to the first poll for an event, and to the first answer.
    ready_ms: f64,
    answered_ms: f64,
    /// Ratio to the minimal binary.
    ready_by_bare: f64,
    /// Median resident bytes at the first poll, and after the first answer.
    resident_ready: u64,
    resident_answered: u64,
}

#[derive(Default)]
struct Samples {
    ready: Vec<f64>,
    answered: Vec<f64>,
    resident: [Vec<f64>; 2],
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { binaries, rounds, commit, into } = Arguments::parse();
    let deployment = Deployment::new().await;
    let mut names = vec![BARE];
    names.extend(FUNCTIONS.into_iter().filter(|(name, _)| binaries.join(name).is_file()));
    names.push(BARE);
    let mut samples: Vec<Samples> = names.iter().map(|_| Samples::default()).collect();
    // One extra round: the first one loads the binaries from the disk.
    for round in 0..=rounds {
        let mut order: Vec<_> = names.iter().zip(&mut samples).collect();
        // The first binary of a round follows itself from the round before, with warm caches. Alternating the order gives both minimal
        // series this advantage in turn.
        if round % 2 == 1 {
            order.reverse();
        }
        for ((name, event), samples) in order {
            let mut process = deployment.start(&binaries.join(name)).await;
            let ready = process.ready().await;
            let at_rest = process.resident();
            let (_, answered) = process.answer(&read(event)).await;
            if round > 0 {
                samples.ready.push(ready.as_secs_f64() * 1e3);
                samples.answered.push(answered.as_secs_f64() * 1e3);
                samples.resident[0].push(real(at_rest));
                samples.resident[1].push(real(process.resident()));
            }
        }
    }
    let bare = median(&samples[0].ready);
    let control = median(&samples[names.len() - 1].ready) / bare;
    let figures = names[..names.len() - 1].iter().zip(&samples).map(|((name, _), samples)| Figure {
        name: (*name).to_owned(),
        size: std::fs::metadata(binaries.join(name)).map_or(0, |file| file.len()),
        ready_ms: rounded(median(&samples.ready)),
        answered_ms: rounded(median(&samples.answered)),
        ready_by_bare: rounded(median(&samples.ready) / bare),
        resident_ready: whole(median(&samples.resident[0])),
        resident_answered: whole(median(&samples.resident[1])),
    });
    let figures =
        Figures { latchkey: env!("CARGO_PKG_VERSION"), commit, rounds, control: rounded(control), binaries: figures.collect() };
    let text = serde_json::to_string_pretty(&figures).unwrap_or_default() + "\n";
    let _ = write!(std::io::stdout(), "{text}");
    if (control - 1.0).abs() > 0.05 {
        let _ = writeln!(
            std::io::stderr(),
            "the two series of the minimal binary differ by the factor {control:.2}: the machine is too busy"
        );
        return ExitCode::FAILURE;
    }
    match into.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&into, text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}: {error}", into.display());
            ExitCode::FAILURE
        }
    }
}

fn read(event: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../events/{event}.json"));
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "no process holds 2^53 bytes")]
fn real(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a number of bytes")]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}
