//! Each provider's OpenAPI document against its route table and against itself.

use std::collections::BTreeSet;

use serde_json::Value;
use understudy::control::Control;
use understudy::providers;

use crate::contract::operation_ids;
use crate::harness::{contract, document};

#[test]
fn documents_and_route_tables_name_the_same_operations() {
    for provider in providers::all() {
        let slug = provider.about().slug;
        let document = document(slug);
        let routes: BTreeSet<String> = provider.operations().iter().map(|operation| operation.id.to_owned()).collect();
        assert_eq!(operation_ids(&document), routes, "{slug}");
        for operation in provider.operations() {
            let method = operation.method.as_str().to_ascii_lowercase();
            let id = &document["paths"][operation.path][&method]["operationId"];
            assert_eq!(*id, Value::from(operation.id), "{slug}: {method} {}", operation.path);
        }
    }
}

#[test]
fn documents_are_sound() {
    for provider in providers::all() {
        let slug = provider.about().slug;
        assert_eq!(contract(slug).flaws(), Vec::<String>::new(), "{slug}");
    }
}

#[test]
fn the_control_api_and_its_document_name_the_same_operations() {
    let document = document("control");
    let routes: BTreeSet<String> = Control::operations().map(|(_, _, id)| id.to_owned()).collect();
    assert_eq!(operation_ids(&document), routes);
    for (method, path, id) in Control::operations() {
        let method = method.as_str().to_ascii_lowercase();
        assert_eq!(document["paths"][path][&method]["operationId"], Value::from(id), "{method} {path}");
    }
}

#[test]
fn the_document_of_the_control_api_is_sound() {
    assert_eq!(contract("control").flaws_of_our_own(), Vec::<String>::new());
}
