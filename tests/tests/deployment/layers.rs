//! The direction of dependencies (`shared/src/lib.rs` draws it), held by reading the sources: each layer names only what it may.

#![expect(clippy::unwrap_used, reason = "a source that can not be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A layer, the modules of the crate that it may name, and what else it may not.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    /// Paths that are allowed all the same.
    except: &'static [&'static str],
    must_not_contain: &'static [&'static str],
}

/// What touches the world: no rule knows of it.
const IMPURE: &[&str] = &[
    "aws_",
    "axum::",
    "http::",
    "hyper",
    "lambda_",
    "reqwest",
    "serde_dynamo",
    "tokio::",
    "tower::",
    "tracing::",
    "rand::",
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "SystemTime",
    "Instant::",
    "async fn",
    ".await",
];

const LAYERS: &[Layer] = &[
    Layer { name: "domain", may_use: &["domain", "config"], except: &[], must_not_contain: IMPURE },
    Layer {
        name: "config",
        may_use: &["domain", "config"],
        // Client secrets are hashed as the document is read, so that none is kept in clear.
        except: &["keys::digest"],
        must_not_contain: &["aws_sdk", "axum::", "lambda_", ".await"],
    },
    Layer {
        name: "store",
        may_use: &["domain", "config", "keys", "store"],
        // A write is stamped with its request; a repetition waits a random while.
        except: &["services::RequestContext", "services::Random"],
        must_not_contain: &["axum::", "lambda_", "std::env"],
    },
    Layer {
        name: "keys",
        may_use: &["domain", "config", "keys", "store"],
        except: &["services::Random"],
        must_not_contain: &["aws_sdk_dynamodb", "axum::", "lambda_", "std::env"],
    },
    Layer { name: "locale", may_use: &["domain"], except: &[], must_not_contain: &["aws_", "axum::", "std::env"] },
    Layer { name: "colour", may_use: &[], except: &[], must_not_contain: &["aws_", "axum::", "std::env"] },
    Layer {
        name: "delivery",
        may_use: &["domain", "config", "locale", "colour", "delivery"],
        except: &[],
        must_not_contain: &["aws_sdk_dynamodb", "axum::", "lambda_", "std::env"],
    },
    Layer {
        name: "directory",
        may_use: &["domain", "config", "directory"],
        except: &[],
        must_not_contain: &["aws_sdk_dynamodb", "axum::", "lambda_", "std::env"],
    },
    Layer {
        name: "services",
        may_use: &["domain", "config", "directory", "keys", "store", "services"],
        except: &[],
        must_not_contain: &["aws_sdk", "axum::", "lambda_", "std::env"],
    },
    Layer {
        name: "web",
        may_use: &["domain", "directory", "config", "keys", "store", "services", "locale", "colour", "web"],
        except: &[],
        must_not_contain: &["aws_sdk", "lambda_runtime", "std::env"],
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file under this path (a directory, or a file without its extension), tests of their own apart.
fn sources(path: &str) -> Vec<PathBuf> {
    let path = root().join(path);
    let mut found = Vec::new();
    let file = path.with_extension("rs");
    if file.is_file() {
        found.push(file);
    }
    let mut directories = vec![path];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && entry.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
                directories.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs")
                && !["_tests.rs", "fixture.rs", "/goldens.rs", "/goldens/sources.rs"]
                    .iter()
                    .any(|test| shown(&entry).ends_with(test))
            {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

/// What a file does outside its tests: comments dropped, the test module (always last) cut off.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The paths into the crate that a text names: what follows each `crate::`, as far as it is written out.
fn crate_paths(text: &str) -> BTreeSet<String> {
    const ROOT: &str = "crate::";
    let mut paths = BTreeSet::new();
    for (at, _) in text.match_indices(ROOT) {
        let rest = &text[at + ROOT.len()..];
        assert!(!rest.starts_with('{'), "write `use crate::module::…`, one module a line");
        paths.insert(rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect());
    }
    paths
}

#[test]
fn each_layer_names_only_what_it_may() {
    let mut wrong = Vec::new();
    for layer in LAYERS {
        let files = sources(&format!("shared/src/{}", layer.name));
        assert!(!files.is_empty(), "{} has no source", layer.name);
        for file in files {
            let code = code(&file);
            for path in crate_paths(&code) {
                let module = path.split("::").next().unwrap_or_default();
                let excepted = layer.except.iter().any(|exception| path.starts_with(exception));
                if !layer.may_use.contains(&module) && !excepted {
                    wrong.push(format!("{}: {} may not use crate::{path}", shown(&file), layer.name));
                }
            }
            for word in layer.must_not_contain {
                if code.contains(word) {
                    wrong.push(format!("{}: {} may not use {word}", shown(&file), layer.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A key's text is made in one file, so that nothing that a caller sends can forge one (security 123).
#[test]
fn only_one_file_builds_keys() {
    let mut wrong = Vec::new();
    for part in ["shared/src", "functions", "infra"] {
        for file in sources(part).into_iter().filter(|file| !file.ends_with("store/key.rs")) {
            let code = code(&file);
            for letter in 'A'..='Z' {
                if code.contains(&format!("\"{letter}#")) {
                    wrong.push(format!("{}: builds a key that begins with {letter}#", shown(&file)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_cold_start_and_the_gateway_build_clients() {
    let mut wrong = Vec::new();
    for file in sources("shared/src").into_iter().chain(sources("functions")).filter(|file| !file.ends_with("runtime.rs")) {
        let code = code(&file);
        for word in ["Client::new(", "Client::from_conf(", "SdkConfig", "Client::builder("] {
            if code.contains(word) {
                wrong.push(format!("{}: builds a client ({word}…)", shown(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Functions hold routes and handlers: no AWS client, no item, no key.
#[test]
fn functions_reach_tables_and_keys_through_their_layers_only() {
    let mut wrong = Vec::new();
    for file in sources("functions") {
        let code = code(&file);
        for word in ["aws_sdk_", "serde_dynamo", "store::key", "store::item", "std::env", "argon2::", "aws_lc_rs::"] {
            if code.contains(word) {
                wrong.push(format!("{}: uses {word}", shown(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// security 141, 142: an instance serves many people one after another, and is frozen between them.
#[test]
fn an_instance_keeps_nothing_of_a_request_and_leaves_nothing_running() {
    // Work behind the answer would be frozen with the instance, and thawed in the next person's request.
    const RUNNING: &[&str] = &["tokio::spawn", "JoinSet", "thread::spawn", ".detach()"];
    const KEEPING: &[&str] = &["std::fs", "temp_dir", "File::", "/tmp", "thread_local!", "static mut"];
    const CHANGING: &[&str] = &["Mutex<", "RwLock<", "Atomic", "OnceCell<", "OnceLock<", "Cell<"];
    let mut wrong = Vec::new();
    // The local vault is a file, and is built by the local gateway alone.
    for file in sources("shared/src").into_iter().chain(sources("functions")).filter(|file| !file.ends_with("keys/vault.rs")) {
        for line in code(&file).lines() {
            let is_static = line.trim_start().trim_start_matches("pub ").starts_with("static ");
            let words = [RUNNING, KEEPING].into_iter().flatten().chain(CHANGING.iter().filter(|_| is_static));
            wrong.extend(words.filter(|word| line.contains(**word)).map(|word| format!("{}: {word}", shown(&file))));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Each write to a table carries its condition, each read is strong, and nothing but an operator's walk goes through a table (security
/// 133). Only the store has DynamoDB's client in hand: the layers above hold that.
#[test]
fn every_write_has_its_condition_and_every_read_is_strong() {
    const WRITES: &[&str] =
        &["put_item()", "update_item()", "delete_item()", "Put::builder()", "Update::builder()", "Delete::builder()"];
    const READS: &[&str] = &[".get_item()", ".query()", ".scan()", "KeysAndAttributes::builder()"];
    let (mut wrong, mut writes, mut reads) = (Vec::new(), 0, 0);
    for file in sources("shared/src/store") {
        let code = code(&file);
        for (words, needed, count) in
            [(WRITES, "condition_expression(", &mut writes), (READS, "consistent_read(true)", &mut reads)]
        {
            for word in words {
                for (at, _) in code.match_indices(word) {
                    *count += 1;
                    let call = &code[at + word.len()..];
                    let end = [".send()", ".build()"].iter().filter_map(|end| call.find(end)).min().unwrap_or(call.len());
                    if !call[..end].contains(needed) {
                        wrong.push(format!("{}: {word} without {needed}", shown(&file)));
                    }
                }
            }
        }
        for word in [".scan()", "index_name(", "batch_write_item()", "execute_statement"] {
            if code.contains(word) && !(word == ".scan()" && file.ends_with("store/people.rs")) {
                wrong.push(format!("{}: {word}", shown(&file)));
            }
        }
    }
    // What serves people goes by keys: the walk is for the command of who operates it.
    for file in sources("functions").into_iter().chain(sources("shared/src")).filter(|file| !file.ends_with("store/people.rs"))
    {
        if code(&file).contains(".walk_") {
            wrong.push(format!("{}: walks a table", shown(&file)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(writes > 0 && reads > 0, "found {writes} writes and {reads} reads: the test looks for the wrong words");
}

/// A long file holds more than one decision or endpoint: split it there.
#[test]
fn files_stay_short() {
    let long: Vec<_> = ["shared/src", "functions", "infra", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > 450).then(|| format!("{}: {lines} lines", shown(&file)))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_package_takes_the_one_dependency_table_and_the_one_set_of_lints() {
    let mut wrong = Vec::new();
    let mut packages = vec![
        "shared".to_owned(),
        "infra/feature-set".to_owned(),
        "infra/local".to_owned(),
        "infra/measure".to_owned(),
        "infra/measure/hello".to_owned(),
        "infra/operator".to_owned(),
        "tests".to_owned(),
    ];
    let functions = fs::read_dir(root().join("functions")).unwrap();
    packages.extend(functions.map(|entry| format!("functions/{}", entry.unwrap().file_name().display())));
    for package in packages {
        let manifest = fs::read_to_string(root().join(&package).join("Cargo.toml")).unwrap();
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && !line.trim().is_empty() && !line.starts_with('#') && !line.contains("workspace = true")
            {
                wrong.push(format!("{package}/Cargo.toml: {line}"));
            }
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{package}/Cargo.toml: does not take the workspace's lints"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
