//! The direction of dependencies (`shared/src/lib.rs` draws it), held by reading the sources: each layer names only what it may.

#![expect(clippy::unwrap_used, reason = "a source that can not be read fails the test")]

use super::imports::Imports;
use std::fs;
use std::path::{Path, PathBuf};

/// A module of the crate, the modules that it may use besides itself, and words that it must not contain.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    must_not_contain: &'static [&'static str],
}

/// Imports that a rule of this file refuses and that are accepted for now, as `from -> to`. Empty: keep it so.
const EXCEPTIONS: &[&str] = &[];

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

const NO_CLIENT: &[&str] = &["aws_sdk", "axum::", "lambda_", "std::env"];
const NO_DATABASE: &[&str] = &["aws_sdk_dynamodb", "axum::", "lambda_", "std::env"];

/// `runtime` may use everything, so it is not listed.
const LAYERS: &[Layer] = &[
    Layer { name: "digest", may_use: &[], must_not_contain: NO_CLIENT },
    Layer { name: "purpose", may_use: &[], must_not_contain: IMPURE },
    Layer { name: "strict_json", may_use: &[], must_not_contain: IMPURE },
    Layer { name: "domain", may_use: &["digest", "purpose"], must_not_contain: IMPURE },
    Layer { name: "context", may_use: &["domain"], must_not_contain: NO_CLIENT },
    Layer { name: "config", may_use: &["domain"], must_not_contain: &["aws_sdk", "axum::", "lambda_", ".await"] },
    Layer {
        name: "store",
        may_use: &["domain", "context", "digest", "purpose"],
        must_not_contain: &["axum::", "lambda_", "std::env"],
    },
    Layer {
        name: "keys",
        may_use: &["store", "domain", "context", "digest", "purpose", "strict_json"],
        must_not_contain: NO_DATABASE,
    },
    Layer { name: "locale", may_use: &["domain"], must_not_contain: &["aws_", "axum::", "std::env"] },
    Layer { name: "colour", may_use: &[], must_not_contain: &["aws_", "axum::", "std::env"] },
    Layer { name: "delivery", may_use: &["domain", "locale", "colour"], must_not_contain: NO_DATABASE },
    Layer { name: "legacy_directory", may_use: &["domain"], must_not_contain: NO_DATABASE },
    Layer {
        name: "services",
        may_use: &["config", "legacy_directory", "keys", "store", "domain", "context", "digest", "purpose"],
        must_not_contain: NO_CLIENT,
    },
    Layer {
        name: "web",
        may_use: &[
            "services",
            "legacy_directory",
            "keys",
            "store",
            "domain",
            "context",
            "digest",
            "purpose",
            "strict_json",
            "locale",
            "colour",
        ],
        must_not_contain: &["aws_sdk", "lambda_runtime", "std::env"],
    },
];

/// The files of the domain that `context` may use.
const USED_BY_CONTEXT: &[&str] = &["shared/src/domain/id.rs", "shared/src/domain/secret.rs", "shared/src/domain/time.rs"];

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
    while let Some(legacy_directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&legacy_directory) else { continue };
        for entry in entries.map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && entry.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
                directories.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs")
                && !["tests.rs", "fixture.rs", "/goldens.rs", "/goldens/sources.rs"]
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

/// The module of the common crate that a file belongs to; none for files of other crates and for the root of the crate.
fn module_of_shared(file: &str) -> Option<&str> {
    let module = file.strip_prefix("shared/src/")?.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module)).filter(|module| *module != "lib")
}

/// Every import between the files of the common crate, the functions, the local gateway and the operator's command.
fn imports() -> Imports {
    let mut crates: Vec<(String, String)> =
        [("latchkey", "shared/src"), ("latchkey_local", "infra/local/src"), ("latchkey_operator", "infra/operator/src")]
            .map(|(name, folder)| (name.to_owned(), folder.to_owned()))
            .into();
    for entry in fs::read_dir(root().join("functions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let folder = format!("functions/{name}/src");
        crates.push((name, folder));
    }
    Imports::read(&root(), &crates)
}

/// Why this import is refused, if it is.
fn refused(from: &str, to: &str) -> Option<String> {
    if EXCEPTIONS.contains(&format!("{from} -> {to}").as_str()) {
        return None;
    }
    let used = module_of_shared(to)?;
    let Some(module) = module_of_shared(from) else {
        let is_function = from.starts_with("functions/") && used == "config";
        return is_function.then(|| format!("{from}: a function may not use {to}"));
    };
    let layer = LAYERS.iter().find(|layer| layer.name == module)?;
    let is_allowed = used == module || layer.may_use.contains(&used);
    let is_too_wide = module == "context" && used == "domain" && !USED_BY_CONTEXT.contains(&to);
    (!is_allowed || is_too_wide).then(|| format!("{from}: {module} may not use {to}"))
}

#[test]
fn each_module_uses_only_what_it_may() {
    let imports = imports();
    let arrows = imports.0.iter().flat_map(|(from, arrows)| arrows.keys().map(move |to| (from.as_str(), to.as_str())));
    let mut wrong: Vec<String> = arrows.clone().filter_map(|(from, to)| refused(from, to)).collect();
    assert!(arrows.count() > 1000, "the test finds too few imports: it does not read them");
    for layer in LAYERS {
        let files = sources(&format!("shared/src/{}", layer.name));
        assert!(!files.is_empty(), "{} has no source", layer.name);
        for file in files {
            let code = code(&file);
            for word in layer.must_not_contain.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}: {} may not use {word}", shown(&file), layer.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only the services, the runtime and what operates a stack read tenant documents.
#[test]
fn only_services_read_tenant_documents() {
    let mut wrong = Vec::new();
    for file in sources("shared/src").into_iter().chain(sources("functions")) {
        let may_read = ["shared/src/config", "shared/src/services"].iter().any(|path| shown(&file).starts_with(path));
        if !may_read && code(&file).contains("TenantConfig::parse(") {
            wrong.push(shown(&file));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = imports();
    let circles: Vec<String> = imports.circles().into_iter().map(|files| files.join("\n  ")).collect();
    assert!(circles.is_empty(), "files that import each other:\n  {}", circles.join("\n\n  "));
}

/// The test reads grouped, nested and renamed imports, `super::`, inline paths, and looks through re-exports.
#[test]
fn imports_are_found_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\nmod e;\npub use a::Shown;");
    write("a.rs", "pub struct Shown;\nuse crate::{b::{self, Other as Renamed}, c::Third};");
    write(
        "b.rs",
        "pub struct Other;\n// use crate::c::Third;\nfn f() -> super::d::Fourth { crate::c::third(\"crate::e::Text\") }",
    );
    write("c.rs", "#[cfg(test)]\nmod tests {\n    use crate::d::Fourth;\n}\nfn f(_: crate::Shown) {}");
    write("d.rs", "mod inner {\n    use super::super::e::Fifth;\n}\n");
    write("e.rs", "const A: char = '\"'; fn f<'a>(_: &'a str) {}");
    let imports = Imports::read(folder.path(), &[("it".to_owned(), String::new())]);
    let found: Vec<String> =
        imports.0.iter().flat_map(|(from, arrows)| arrows.keys().map(move |to| format!("{from} -> {to}"))).collect();
    assert_eq!(found, ["a.rs -> b.rs", "a.rs -> c.rs", "b.rs -> c.rs", "b.rs -> d.rs", "c.rs -> a.rs", "d.rs -> e.rs"]);
    assert_eq!(imports.circles(), [["a.rs", "b.rs", "c.rs"]]);
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

/// Invariant 1 of sign-in: nothing but completion opens or renews a session, and only methods make evidence (security 55).
#[test]
fn only_completion_opens_sessions_and_only_methods_make_evidence() {
    const OPENING: &[&str] = &["Session::open(", "Change::open_session", "Change::renew_session", "Proofs::none().with("];
    let (mut wrong, mut opening, mut proving) = (Vec::new(), 0, 0);
    for file in ["shared/src", "functions", "infra/local/src", "infra/operator/src"].iter().flat_map(|part| sources(part)) {
        let (code, name) = (code(&file), shown(&file));
        let is_test = ["_fixture.rs", "_tests.rs"].iter().any(|test| name.ends_with(test));
        for word in OPENING.iter().filter(|word| !is_test && code.contains(**word)) {
            opening += 1;
            if name != "shared/src/domain/sign_in/complete.rs" {
                wrong.push(format!("{name}: {word}"));
            }
        }
        if code.contains("Evidence::new(") {
            proving += 1;
            if !name.starts_with("shared/src/domain/sign_in/methods/") {
                wrong.push(format!("{name}: makes evidence"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(opening == OPENING.len() && proving >= 3, "the test does not find completion or the methods");
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
