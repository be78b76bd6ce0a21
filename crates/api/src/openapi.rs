//! `/api/openapi.json`: the description of every path, for programs.

mod native;
mod proxyseller;
mod youproxy;

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::app::App;
use crate::routes::Route;

static SHOP: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document(false).to_string()));
static SANDBOX: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document(true).to_string()));

pub(crate) fn routes() -> Vec<Route> {
    let (template, handler) = ("/api/openapi.json", get(describe));
    vec![Route { dialect: "native", template, methods: &["get"], handler }]
}

async fn describe(State(app): State<Arc<App>>) -> Response<Body> {
    let document = if app.engine.is_sandbox() { &SANDBOX } else { &SHOP };
    answer::json(StatusCode::OK, Body::from((*document).clone()))
}

fn document(sandbox: bool) -> Value {
    let mut paths = Map::new();
    youproxy::add(&mut paths);
    proxyseller::add(&mut paths);
    native::add(&mut paths, sandbox);
    let mut schemas = Map::new();
    youproxy::add_schemas(&mut schemas);
    proxyseller::add_schemas(&mut schemas);
    native::add_schemas(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sublet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Rents out proxies. The calls below /client/api/v1 are those of the \
                Youproxy Client API v1, those below /personal/api of the Proxy-Seller User API, for \
                programs that exist; those below /api/v1 are our own.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "apiKey": { "type": "http", "scheme": "bearer", "description": "An API key." },
                "operatorToken": {
                    "type": "http", "scheme": "bearer", "description": "An operator's token."
                }
            },
            "schemas": schemas
        }
    })
}

/// A reference to a schema.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An answer with a body of this schema.
fn answered(description: &str, name: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": schema(name) } }
    })
}

/// A parameter.
fn parameter(place: &str, name: &str, required: bool, schema: &Value, description: &str) -> Value {
    json!({
        "in": place, "name": name, "required": required, "schema": schema,
        "description": description
    })
}

/// The header that makes a spend repeatable.
fn idempotency_key() -> Value {
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let description =
        "Repeating a request with the same key gives the first answer again, for a day.";
    parameter("header", "Idempotency-Key", false, &schema, description)
}

/// An object with these members.
fn object(members: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::proxyseller::Version;
    use crate::youproxy::call::Call;

    /// Every path and method of the router is described, and nothing that is not there.
    #[test]
    fn the_description_is_that_of_the_router() {
        for sandbox in [false, true] {
            let mut served: BTreeSet<(String, String)> = crate::routes::all(true, true, sandbox)
                .iter()
                .filter(|route| !["docs", "web"].contains(&route.dialect))
                .flat_map(|route| route.methods.iter().map(|it| (route.template, *it)))
                .map(|(template, method)| (template.to_owned(), method.to_owned()))
                .collect();
            for call in Call::ALL {
                let method = call.method().as_str().to_lowercase();
                served.insert((call.template().to_owned(), method));
            }
            for line in crate::proxyseller::call::LINES {
                for version in [Version::V1, Version::V2] {
                    let paths = proxyseller::described_at(line, version);
                    served
                        .extend(paths.into_iter().map(|(it, _)| (it, line.method.to_lowercase())));
                }
            }
            let document = document(sandbox);
            let described: BTreeSet<(String, String)> = document["paths"]
                .as_object()
                .unwrap()
                .iter()
                .flat_map(|(path, item)| {
                    item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))
                })
                .collect();
            assert_eq!(described, served);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(true);
        let text = document.to_string();
        let references = text.split("\"#/components/schemas/").skip(1);
        let mut count = 0;
        for name in references.map(|rest| rest.split('"').next().unwrap()) {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count > 30);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_an_answer() {
        let document = document(true);
        let mut names = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                assert!(!operation["responses"].as_object().unwrap().is_empty());
            }
        }
    }
}
