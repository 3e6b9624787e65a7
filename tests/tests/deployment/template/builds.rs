//! What `sam build` compiles, one function after the other.

use crate::template::set;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tests::routes::root;

/// The packages (`name vVersion`) of a selection, each with the sets of features that cargo compiles it with: for the selection itself and
/// for build scripts and macros.
fn features(edges: &str, selection: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let words = ["tree", "--locked", "--offline", "--prefix=none", "--format={p}|{f}", "--edges", edges];
    let output = Command::new(env!("CARGO")).args(words).args(selection).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{selection:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
        let (package, with) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        packages.entry(package.to_owned()).or_default().insert(with.to_owned());
    }
    packages
}

/// A package with other features is compiled again, with everything that uses it: up to 60 packages, every AWS SDK among them.
#[test]
fn every_selection_of_packages_compiles_the_same_features() {
    let workspace = features("normal,build,dev", &["--workspace"]);
    for (selection, edges) in [
        (&["--package=latchkey-local"][..], "normal,build"),
        (&["--package=latchkey"], "normal,build,dev"),
        (&["--package=tests"], "normal,build,dev"),
        (&["--package=measure"], "normal,build,dev"),
    ] {
        let packages = features(edges, selection);
        assert!(packages.keys().any(|package| package.starts_with("feature-set ")), "{selection:?} leaves out feature-set");
        let differ: Vec<_> = packages
            .iter()
            .filter(|(package, with)| workspace.get(*package) != Some(*with))
            .map(|(package, with)| format!("{package}: {with:?}, but in the workspace {:?}", workspace.get(package)))
            .collect();
        assert!(differ.is_empty(), "{selection:?} compiles again (infra/feature-set lists features):\n{}", differ.join("\n"));
    }
}

#[test]
fn packages_of_several_functions_are_compiled_once() {
    // A package with other features is compiled again, with everything that uses it: the AWS SDK was compiled three times.
    let folders = std::fs::read_dir(root().join("functions")).unwrap();
    let functions: BTreeSet<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert!(functions.len() >= 8, "{functions:?}");
    let mut seen = BTreeMap::new();
    let mut differ = BTreeMap::new();
    for function in &functions {
        let packages = features("normal,build", &["--package", function]);
        assert!(packages.keys().any(|package| package.starts_with("aws-sdk-dynamodb ")), "{function}: {packages:?}");
        for (package, with) in packages {
            let first = seen.entry(package.clone()).or_insert_with(|| with.clone());
            if *first != with {
                differ.insert(package, format!("{first:?}, but in {function} {with:?}"));
            }
        }
    }
    // The records of streams and queues are large. Only `events` reads them, and few packages use theirs.
    let names: BTreeSet<String> = differ.keys().map(|package| package.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, set(["aws_lambda_events"]), "ask for the union in the workspace's table: {differ:#?}");
}
