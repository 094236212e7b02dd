//! The OpenAPI document of the provider.

use crate::harness::contract;

#[test]
fn the_document_is_sound() {
    assert_eq!(contract("identus").flaws(), Vec::<String>::new());
}
