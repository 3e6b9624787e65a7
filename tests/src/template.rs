//! `template.yaml` as CloudFormation sees it: short forms and loops expanded, references resolved, roles as statements.
#![expect(clippy::expect_used, clippy::panic, reason = "an unreadable template fails the test")]

use crate::loops;
use crate::routes::root;
use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;
use std::collections::{BTreeMap, BTreeSet};

/// The template.
#[derive(Debug, Clone)]
pub struct Template {
    root: Value,
    given: BTreeMap<String, String>,
}

/// One statement of a role, with its resources by name: `Identities.Arn`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The actions, such as `dynamodb:PutItem`.
    pub actions: BTreeSet<String>,
    /// The resources.
    pub resources: BTreeSet<String>,
    /// The condition. Null if there is none.
    pub condition: Value,
}

/// A request to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The action, such as `dynamodb:PutItem`.
    pub action: String,
    /// The resource, named as in a [`Statement`].
    pub resource: String,
    /// The condition keys of the request and their values. A missing key has no value.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Template {
    /// Loads the template of the project.
    ///
    /// # Panics
    /// Panics if it can't be read.
    #[must_use]
    pub fn load() -> Self {
        Self::read(&std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml"))
    }

    /// A template, in YAML or JSON.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self { root: loops::expanded(as_written(text)), given: BTreeMap::new() }
    }

    /// Sets a parameter.
    ///
    /// # Panics
    /// Panics if there is no such parameter.
    #[must_use]
    pub fn given(mut self, parameter: &str, value: &str) -> Self {
        assert!(self.root["Parameters"].get(parameter).is_some(), "there is no parameter {parameter}");
        self.given.insert(parameter.to_owned(), value.to_owned());
        self
    }

    /// Whether a condition is true with the current parameters.
    ///
    /// # Panics
    /// Panics if there is no such condition, or if it uses a function that this reader does not know.
    #[must_use]
    pub fn holds(&self, condition: &str) -> bool {
        let condition_value =
            self.root["Conditions"].get(condition).unwrap_or_else(|| panic!("there is no condition {condition}"));
        self.is_true(condition_value)
    }

    /// Whether a resource or an output exists with the current parameters.
    #[must_use]
    pub fn exists(&self, part: &Value) -> bool {
        part["Condition"].as_str().is_none_or(|condition| self.holds(condition))
    }

    /// Evaluates a rule or a condition with the current parameters.
    ///
    /// # Panics
    /// Panics at a function that this reader does not know.
    #[must_use]
    pub fn is_true(&self, condition_value: &Value) -> bool {
        let (function, of) = condition_value.as_object().and_then(|map| map.iter().next()).expect("a condition");
        match function.as_str() {
            "Condition" => self.holds(of.as_str().expect("a name")),
            "Fn::Equals" => self.resolve(&of[0]) == self.resolve(&of[1]),
            "Fn::Not" => !self.is_true(&of[0]),
            "Fn::And" => of.as_array().expect("conditions").iter().all(|condition_value| self.is_true(condition_value)),
            "Fn::Or" => of.as_array().expect("conditions").iter().any(|condition_value| self.is_true(condition_value)),
            other => panic!("this reader does not know {other}"),
        }
    }

    /// The whole template.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Every resource by its name.
    ///
    /// # Panics
    /// Panics if there are no resources.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.root["Resources"].as_object().expect("resources").iter().map(|(name, resource)| (name.as_str(), resource))
    }

    /// The resources of a type.
    pub fn of_type<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources().filter(move |(_, resource)| resource["Type"] == wanted)
    }

    /// Resolves a value with the current parameters: set, or by default. References to resources become names: `Ref Api` is `Api`,
    /// `GetAtt Api.ApiEndpoint` is `Api.ApiEndpoint`, and a pseudo parameter is `AWS::Region`.
    ///
    /// # Panics
    /// Panics if it refers to something that does not exist.
    #[must_use]
    pub fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(map) => match intrinsic(map) {
                None => Value::Object(map.iter().map(|(name, value)| (name.clone(), self.resolve(value))).collect()),
                Some(("Ref", name)) => self.reference(name.as_str().expect("a name")),
                Some(("Fn::GetAtt", path)) => {
                    let (name, attribute) = (path[0].as_str().expect("a name"), path[1].as_str().expect("an attribute"));
                    assert!(self.root["Resources"].get(name).is_some(), "there is no resource {name}");
                    json!(format!("{name}.{attribute}"))
                }
                Some(("Fn::Sub", Value::Array(parts))) => {
                    json!(self.substitute(parts[0].as_str().expect("a text"), &self.resolve(&parts[1])))
                }
                Some(("Fn::Sub", text)) => json!(self.substitute(text.as_str().expect("a text"), &Value::Null)),
                Some(("Fn::If", branches)) => {
                    let holds = self.holds(branches[0].as_str().expect("a condition"));
                    self.resolve(&branches[if holds { 1 } else { 2 }])
                }
                Some(("Fn::Split", parts)) => {
                    let (by, text) = (parts[0].as_str().expect("a separator"), self.resolve(&parts[1]));
                    // A missing resource has no parts.
                    text.as_str().map_or(Value::Null, |text| text.split(by).map(|part| json!(part)).collect())
                }
                Some(("Fn::Select", of)) => {
                    let at = of[0].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an index");
                    self.resolve(&of[1])[at].clone()
                }
                Some((other, _)) => panic!("this reader does not know {other}"),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    fn reference(&self, name: &str) -> Value {
        if let Some(parameter) = self.root["Parameters"].get(name) {
            // A parameter without a default stays a name, as a resource does.
            let given = self.given.get(name).map(|value| json!(value));
            return given.or_else(|| parameter.get("Default").cloned()).unwrap_or_else(|| json!(name));
        }
        assert!(name.starts_with("AWS::") || self.root["Resources"].get(name).is_some(), "there is no {name}");
        json!(name)
    }

    fn substitute(&self, text: &str, own: &Value) -> String {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closed ${");
            let value = match (own.get(name), name.split_once('.')) {
                (Some(own), _) => own.clone(),
                (None, Some((name, attribute))) => self.resolve(&json!({ "Fn::GetAtt": [name, attribute] })),
                (None, None) => self.reference(name),
            };
            whole.push_str(value.as_str().expect("a text"));
            whole.push_str(rest);
        }
        whole
    }

    /// The resources that each resource depends on: its references (for functions also those in `Globals`), and `DependsOn`.
    #[must_use]
    pub fn dependencies(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let needs = |resource: &Value| {
            let mut names = BTreeSet::new();
            references(resource, &mut names);
            if resource["Type"] == "AWS::Serverless::Function" {
                references(&self.root["Globals"], &mut names);
            }
            names.extend(texts(&resource["DependsOn"]));
            names.retain(|name| self.root["Resources"].get(name).is_some());
            names
        };
        self.resources().map(|(name, resource)| (name, needs(resource))).collect()
    }

    /// The properties of a function, including those of `Globals`, resolved.
    ///
    /// # Panics
    /// Panics if there is no such function.
    #[must_use]
    pub fn function(&self, name: &str) -> Value {
        let resource = &self.root["Resources"][name];
        assert_eq!(resource["Type"], "AWS::Serverless::Function", "{name}");
        let mut properties = self.resolve(&self.root["Globals"]["Function"]);
        let own = self.resolve(&resource["Properties"]);
        properties.as_object_mut().expect("properties").extend(own.as_object().expect("properties").clone());
        properties
    }

    /// The maximum permissions of a role: its own policies, the managed ones that it names, and those that name it, with every
    /// conditional policy included.
    ///
    /// # Panics
    /// Panics if the role has a managed policy of another template, or a statement with another effect than Allow.
    #[must_use]
    pub fn statements(&self, role: &str) -> Vec<Statement> {
        let properties = &self.root["Resources"][role]["Properties"];
        let mut documents: Vec<&Value> =
            properties["Policies"].as_array().into_iter().flatten().map(|policy| &policy["PolicyDocument"]).collect();
        for named in properties["ManagedPolicyArns"].as_array().into_iter().flatten() {
            let policy = &self.root["Resources"][named["Ref"].as_str().unwrap_or_default()];
            assert_eq!(policy["Type"], "AWS::IAM::ManagedPolicy", "{role} has a policy that is not to be seen here: {named}");
            assert!(policy.get("Condition").is_none(), "{role}: a switch adds, and does not rewrite");
            documents.push(&policy["Properties"]["PolicyDocument"]);
        }
        for (_, policy) in self
            .of_type("AWS::IAM::RolePolicy")
            .chain(self.of_type("AWS::IAM::Policy"))
            .chain(self.of_type("AWS::IAM::ManagedPolicy"))
        {
            let properties = &policy["Properties"];
            let named = properties["Roles"].as_array().into_iter().flatten().chain([&properties["RoleName"]]);
            if named.into_iter().any(|named| *named == json!({ "Ref": role })) {
                documents.push(&properties["PolicyDocument"]);
            }
        }
        let statements = documents.into_iter().flat_map(|document| document["Statement"].as_array().into_iter().flatten());
        statements.map(|statement| self.statement(statement)).collect()
    }

    fn statement(&self, statement: &Value) -> Statement {
        let statement = self.resolve(statement);
        assert_eq!(statement["Effect"], "Allow");
        for key in statement.as_object().expect("a statement").keys() {
            assert!(["Effect", "Action", "Resource", "Condition", "Sid"].contains(&key.as_str()), "{key}");
        }
        Statement {
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
            condition: statement["Condition"].clone(),
        }
    }
}

impl Statement {
    /// The prefixes of partition keys that the statement is limited to. Empty if it has no such limit.
    #[must_use]
    pub fn partitions(&self) -> BTreeSet<String> {
        texts(&self.condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    }

    /// The kinds of these partitions, with or without a tenant: `A#default#*` has the kind `A#*`.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<String> {
        let kind = |part: String| part.split_once('#').map(|(kind, _)| format!("{kind}#*")).unwrap_or(part);
        self.partitions().into_iter().map(kind).collect()
    }

    /// Whether the statement allows a request, by the rules of IAM.
    ///
    /// # Panics
    /// Panics at an operator that this reader does not know.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        self.actions.contains(&request.action)
            && self.resources.iter().any(|resource| like(resource, &request.resource))
            && self.condition.as_object().into_iter().flatten().all(|(operator, keys)| {
                keys.as_object().expect("condition keys").iter().all(|(key, wanted)| {
                    let wanted = texts(wanted);
                    let values = request.context.get(key).map(Vec::as_slice).unwrap_or_default();
                    let any = |value: &String| wanted.iter().any(|pattern| like(pattern, value));
                    match operator.as_str() {
                        "Null" => wanted.contains(if values.is_empty() { "true" } else { "false" }),
                        // Also true without any value. Therefore a `Null` condition comes with it.
                        "ForAllValues:StringLike" => values.iter().all(any),
                        "ForAllValues:StringEquals" => values.iter().all(|value| wanted.contains(value)),
                        "StringEquals" => values.iter().any(|value| wanted.contains(value)),
                        "StringEqualsIfExists" => values.is_empty() || values.iter().any(|value| wanted.contains(value)),
                        other => panic!("this reader does not know {other}"),
                    }
                })
            })
    }
}

/// Matches a pattern that may end with `*`.
fn like(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// One text or a list of texts.
#[must_use]
pub fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

pub(crate) fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = map.iter().next().filter(|_| map.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), value))
}

/// The names that a value refers to.
fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| references(value, names)),
        Value::Object(map) => match intrinsic(map) {
            Some(("Ref", name)) => names.extend(name.as_str().map(str::to_owned)),
            Some(("Fn::GetAtt", path)) => names.extend(path[0].as_str().map(str::to_owned)),
            Some(("Fn::Sub", text)) => {
                let inside = text
                    .as_str()
                    .or_else(|| text[0].as_str())
                    .unwrap_or_default()
                    .split("${")
                    .skip(1)
                    .filter_map(|part| part.split('}').next());
                names.extend(inside.filter_map(|name| name.split('.').next()).map(str::to_owned));
            }
            Some(_) | None => map.values().for_each(|value| references(value, names)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A template before its loops are expanded.
///
/// # Panics
/// If it can't be read.
#[must_use]
pub fn as_written(text: &str) -> Value {
    value(serde_norway::from_str(text).expect("YAML"))
}

/// Converts YAML to JSON and expands the short forms of CloudFormation.
fn value(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(is) => json!(is),
        Yaml::Number(number) => json!(number),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(list) => list.into_iter().map(value).collect(),
        Yaml::Mapping(map) => {
            map.into_iter().map(|(name, of)| (name.as_str().expect("a name").to_owned(), value(of))).collect()
        }
        Yaml::Tagged(tagged) => match (tagged.tag.to_string().as_str(), value(tagged.value)) {
            ("!Ref", name) => json!({ "Ref": name }),
            ("!GetAtt", path) => {
                let (name, attribute) = path.as_str().and_then(|path| path.split_once('.')).expect("Resource.Attribute");
                json!({ "Fn::GetAtt": [name, attribute] })
            }
            ("!Condition", name) => json!({ "Condition": name }),
            (tag, argument) => json!({ format!("Fn::{}", tag.trim_start_matches('!')): argument }),
        },
    }
}
