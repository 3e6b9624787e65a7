//! Each function: its build and its configuration.

use crate::template::logical;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::routes::{self, root};
use tests::template::Template;

#[test]
fn every_function_exists_and_is_built_as_its_binary() {
    let template = Template::load();
    let declared: Vec<String> = template.of_type("AWS::Serverless::Function").map(|(name, _)| name.to_owned()).collect();
    let mut expected: Vec<String> = routes::functions().iter().map(|function| logical(function)).collect();
    expected.sort();
    assert_eq!(declared.iter().cloned().collect::<BTreeSet<_>>(), expected.into_iter().collect());
    for name in declared {
        let (function, properties) = (name.to_lowercase(), template.function(&name));
        let metadata = &template.root()["Resources"][&name]["Metadata"];
        assert_eq!(metadata, &json!({ "BuildMethod": "rust-cargolambda", "BuildProperties": { "Binary": function } }));
        assert_eq!(properties["CodeUri"], format!("functions/{function}"));
        assert_eq!(properties["Runtime"], "provided.al2023");
        assert_eq!(properties["Architectures"], json!(["arm64"]));
        // Functions that hash passwords have a whole processor.
        let hashes = ["login", "migration", "registration", "profile"].contains(&function.as_str());
        assert_eq!(properties["MemorySize"], if hashes { 1769 } else { 512 }, "{function}");
        assert_eq!(properties["Role"], format!("{name}Role.Arn"), "{function}: a role of its own");
        assert_eq!(properties["LoggingConfig"]["LogGroup"], format!("{name}Logs"));
        let logs = &template.root()["Resources"][format!("{name}Logs")];
        assert_eq!(template.resolve(&logs["Properties"]["RetentionInDays"]), 90, "log lines end");
        assert!(properties.get("Events").is_none(), "{function}: SAM's events hide the resources that they create");
        for hidden in ["Policies", "VpcConfig", "Layers", "FunctionUrlConfig", "ReservedConcurrentExecutions", "SnapStart"] {
            assert!(properties.get(hidden).is_none(), "{function}: {hidden}");
        }
    }
}

/// `latchkey doctor` compares it with its own version.
#[test]
fn the_template_names_the_version_that_it_deploys() {
    assert_eq!(Template::load().root()["Outputs"]["Version"]["Value"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_switch_reaches_exactly_its_functions() {
    let template = Template::load().given("Architecture", "x86_64").given("HashingMemory", "2048").given("OtherMemory", "256");
    let template = template.given("Tracing", "true");
    for (name, _) in template.of_type("AWS::Serverless::Function") {
        let properties = template.function(name);
        assert_eq!(properties["Architectures"], json!(["x86_64"]), "{name}");
        let hashes = ["Login", "Migration", "Registration", "Profile"].contains(&name);
        assert_eq!(properties["MemorySize"], if hashes { "2048" } else { "256" }, "{name}");
        assert_eq!(properties["Tracing"], "Active", "{name}");
        assert_eq!(Template::load().function(name)["Tracing"], "PassThrough", "{name}");
    }
}

/// Every variable of Latchkey that the cold start reads, outside its tests.
fn variables_that_are_read() -> BTreeSet<String> {
    let folder = std::fs::read_dir(root().join("shared/src/runtime")).unwrap().map(|entry| entry.unwrap().path());
    let sources =
        folder.chain([root().join("shared/src/runtime.rs")]).filter(|path| path.extension().is_some_and(|e| e == "rs"));
    sources
        .map(|path| std::fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned())
        .flat_map(|text| text.split("\"LATCHKEY_").skip(1).map(str::to_owned).collect::<Vec<_>>())
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect::<String>())
        .map(|name| format!("LATCHKEY_{name}"))
        .collect()
}

#[test]
fn the_variables_are_the_ones_that_are_read_and_none_is_a_secret() {
    let template = Template::load();
    let read = variables_that_are_read();
    let variables = template.root()["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap();
    let mut set: BTreeSet<String> = variables.keys().cloned().collect();
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        let own = template.resolve(&function["Properties"]["Environment"]["Variables"]);
        match name {
            // Only the sender knows the queue.
            "Events" => assert_eq!(own, json!({ "LATCHKEY_MAIL_QUEUE_URL": "MailQueue" })),
            // It is called for users of one tenant.
            "Migration" => assert_eq!(own, json!({ "LATCHKEY_RETURN_TENANT": "default" })),
            name => assert!(own.is_null(), "{name}: one list for all"),
        }
        set.extend(own.as_object().into_iter().flatten().map(|(variable, _)| variable.clone()));
    }
    assert_eq!(read, set, "the set variables are the variables that are read");
    // security 142: each names a resource of this stack. None contains personal data.
    let resolved = template.resolve(&Value::Object(variables.clone()));
    assert_eq!(
        resolved,
        json!({
            "LATCHKEY_ORIGIN": "Api.ApiEndpoint", "LATCHKEY_IDENTITIES_TABLE": "Identities", "LATCHKEY_KEYS_TABLE": "Keys",
            "LATCHKEY_AUDIT_TABLE": "Audit", "LATCHKEY_KMS_KEY_ID": "WrappingKey.Arn",
            // Empty until it is switched on.
            "LATCHKEY_KMS_SIGNING_KEYS": "", "LATCHKEY_ORIGIN_SECRET_SHA256": "",
            // Two stacks of one account count apart.
            "LATCHKEY_METRICS": "Latchkey/AWS::StackName",
        })
    );
}
