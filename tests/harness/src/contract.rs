//! Holds answers against `openapi.yaml`: what it does not know of an operation, no operation may answer.

use crate::client::Answer;
use serde_json::{Value, json};
use std::sync::LazyLock;

const OPENAPI: &str = include_str!("../../../openapi.yaml");

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_yaml_ng::from_str(OPENAPI).expect("openapi.yaml is YAML"));

/// The contract, as JSON.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Holds an answer against what the contract says of its operation and status: the body, and the headers.
#[track_caller]
pub fn check(method: &str, path: &str, answer: &Answer) {
    let place = format!("{method} {path}: {}", answer.status);
    let Some(operation) = operation(method, path) else {
        assert!(matches!(answer.status, 404 | 405), "{place}, where openapi.yaml has no operation: {}", answer.text);
        return check_schema("/components/schemas/ErrorOut", &answer.json(), &place);
    };
    let pointer = format!("{operation}/responses/{}", answer.status);
    let pointer = target(&pointer).unwrap_or_else(|| panic!("{place} is not in openapi.yaml: {}", answer.text));
    check_headers(&pointer, answer, &place);
    let schema = format!("{pointer}/content/application~1json/schema");
    if method == "HEAD" || document().pointer(&schema).is_none() {
        assert_eq!(answer.text, "", "{place} has a body");
    } else {
        // A number of a user may be larger than this parser takes.
        if let Ok(body) = serde_json::from_str(&answer.text) {
            check_schema(&schema, &body, &place);
        }
    }
}

/// Where the operation of a request stands.
fn operation(method: &str, path: &str) -> Option<String> {
    let method = if method == "HEAD" { "get".into() } else { method.to_lowercase() };
    let path = path.split('?').next().unwrap_or_default();
    let path = if path == "/users" { "/v1/users" } else { path };
    let paths = document()["paths"].as_object().unwrap();
    // In the order of bytes a name comes before a parameter.
    let find = |path: &str| {
        let pattern = paths.iter().find(|(pattern, item)| matches(pattern, path) && item.get(&method).is_some())?.0;
        Some(format!("/paths/{}/{method}", pattern.replace('/', "~1")))
    };
    let is_of_segment = |operation: &String| document().pointer(operation).unwrap()["tags"][0] == "Segment";
    find(path).or_else(|| find(path.strip_suffix('/')?).filter(is_of_segment))
}

fn matches(pattern: &str, path: &str) -> bool {
    let is_same = |(known, part): (&str, &str)| known == part || known.starts_with('{') && !part.is_empty();
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(is_same)
}

/// Where this stands, or what it refers to.
fn target(pointer: &str) -> Option<String> {
    let reference = document().pointer(pointer)?.get("$ref");
    Some(reference.map_or(pointer, |reference| reference.as_str().unwrap().trim_start_matches('#')).to_owned())
}

#[track_caller]
fn check_headers(response: &str, answer: &Answer, place: &str) {
    let known = document().pointer(&format!("{response}/headers")).unwrap().as_object().unwrap();
    for name in known.keys() {
        let header = target(&format!("{response}/headers/{name}")).unwrap();
        match answer.headers.get(name) {
            Some(value) => {
                let place = format!("{place}, {name}");
                check_schema(&format!("{header}/schema"), &json!(value.to_str().unwrap()), &place);
            }
            None => assert_ne!(document().pointer(&header).unwrap()["required"], true, "{place}: {name} is missing"),
        }
    }
    for exposed in answer.header("access-control-expose-headers").split(", ") {
        let is_known = known.contains_key(exposed) || answer.header(exposed).is_empty();
        assert!(is_known, "{place}: openapi.yaml does not know its header {exposed}");
    }
}

#[track_caller]
fn check_schema(pointer: &str, value: &Value, place: &str) {
    let fault = fault(document().pointer(pointer).unwrap(), value);
    assert!(fault.is_none(), "{place} is not as openapi.yaml says: {}\n{value}", fault.unwrap_or_default());
}

/// Why a value is not as a schema says. Patterns and formats are left to schemathesis.
fn fault(schema: &Value, value: &Value) -> Option<String> {
    let schema = match schema {
        Value::Bool(allowed) => return (!allowed).then(|| format!("nothing may stand where {value} does")),
        schema => schema.as_object().expect("a schema"),
    };
    schema.iter().find_map(|(keyword, rule)| {
        let holds = match keyword.as_str() {
            "$ref" => return fault(document().pointer(rule.as_str()?.trim_start_matches('#')).unwrap(), value),
            "properties" => {
                let mut known = rule.as_object()?.iter().filter_map(|(name, schema)| Some((schema, value.get(name)?)));
                return known.find_map(|(schema, value)| fault(schema, value));
            }
            "additionalProperties" => {
                let is_known = |name: &String| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                let mut others = value.as_object()?.iter().filter(|(name, _)| !is_known(name));
                return others.find_map(|(name, value)| Some(format!("{name}: {}", fault(rule, value)?)));
            }
            "items" => return value.as_array()?.iter().find_map(|value| fault(rule, value)),
            "anyOf" => rule.as_array()?.iter().any(|schema| fault(schema, value).is_none()),
            "oneOf" => rule.as_array()?.iter().filter(|schema| fault(schema, value).is_none()).count() == 1,
            "type" => has_type(rule, value),
            "enum" => rule.as_array()?.contains(value),
            "const" => rule == value,
            "required" => {
                let object = value.as_object()?;
                rule.as_array()?.iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }
            "minimum" => value.as_f64()? >= rule.as_f64()?,
            "maximum" => value.as_f64()? <= rule.as_f64()?,
            "minLength" => value.as_str()?.chars().count() as u64 >= rule.as_u64()?,
            "maxLength" => value.as_str()?.chars().count() as u64 <= rule.as_u64()?,
            "maxItems" => value.as_array()?.len() as u64 <= rule.as_u64()?,
            "minItems" => value.as_array()?.len() as u64 >= rule.as_u64()?,
            "minProperties" => value.as_object()?.len() as u64 >= rule.as_u64()?,
            "maxProperties" => value.as_object()?.len() as u64 <= rule.as_u64()?,
            "pattern" | "format" | "description" | "examples" | "discriminator" | "default" => true,
            other => panic!("the schema of an answer has a keyword that is not checked: {other}"),
        };
        (!holds).then(|| format!("{value} breaks {keyword}: {rule}"))
    })
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().expect("the name of a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type: {other}"),
    };
    rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
}
