//! What `sam build` compiles, one function after the other.

use crate::template::set;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tests::routes::root;

/// Of each package that a function is built of (`name vVersion`): the sets of features that it is built with, for the function itself and
/// for what runs while compiling.
fn features(function: &str) -> BTreeMap<String, BTreeSet<String>> {
    let words = ["tree", "--locked", "--offline", "--edges=normal,build", "--prefix=none", "--format={p}|{f}", "--package"];
    let said = Command::new(env!("CARGO")).args(words).arg(function).current_dir(root()).output().unwrap();
    assert!(said.status.success(), "{function}: {}", String::from_utf8_lossy(&said.stderr));
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(said.stdout).unwrap().lines() {
        let (package, with) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        packages.entry(package.to_owned()).or_default().insert(with.to_owned());
    }
    packages
}

#[test]
fn what_the_functions_have_in_common_is_compiled_once() {
    // A package with other features is another package, and so is all that stands on it: the AWS SDK was compiled three times.
    let folders = std::fs::read_dir(root().join("functions")).unwrap();
    let functions: BTreeSet<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert!(functions.len() >= 8, "{functions:?}");
    let mut seen = BTreeMap::new();
    let mut differ = BTreeMap::new();
    for function in &functions {
        let packages = features(function);
        assert!(packages.keys().any(|package| package.starts_with("aws-sdk-dynamodb ")), "{function}: {packages:?}");
        for (package, with) in packages {
            let first = seen.entry(package.clone()).or_insert_with(|| with.clone());
            if *first != with {
                differ.insert(package, format!("{first:?}, but in {function} {with:?}"));
            }
        }
    }
    // The records of streams and queues are large, `events` alone reads them, and little stands on their package.
    let names: BTreeSet<String> = differ.keys().map(|package| package.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, set(["aws_lambda_events"]), "ask for the union in the workspace's table: {differ:#?}");
}
