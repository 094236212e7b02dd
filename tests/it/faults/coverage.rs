//! Every operation of every provider under a fault.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::json;
use understudy::providers;
use understudy::world::faults::{Respond, Rule};

use super::start;
use crate::client::Client;

/// Slug, operation, method and a path for it.
fn operations() -> Vec<(&'static str, &'static str, Method, String)> {
    let of = |provider: &std::sync::Arc<dyn understudy::http::AnyProvider>| {
        let slug = provider.about().slug;
        let one = |one: &understudy::http::any::Operation| (slug, one.id, one.method.clone(), filled(one.path));
        provider.operations().iter().map(one).collect::<Vec<_>>()
    };
    providers::all().iter().flat_map(of).collect()
}

/// A path with something in the place of each parameter.
fn filled(template: &str) -> String {
    let segment = |segment: &str| match (segment.find('{'), segment.rfind('}')) {
        (Some(start), Some(end)) => format!("{}x{}", &segment[..start], &segment[end + 1..]),
        _ => segment.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn down() -> Option<Respond> {
    Some(Respond { status: 500, headers: BTreeMap::new(), body: Some(json!({"fault": true})) })
}

#[tokio::test]
async fn every_operation_is_struck_by_its_name_and_nothing_happens_in_the_world() {
    let understudy = start();
    let client = Client::new(understudy.url());
    let mut struck = BTreeSet::new();
    for (slug, operation, method, path) in operations() {
        let rule = Rule {
            provider: Some(slug.to_owned()),
            operation: Some(operation.to_owned()),
            respond: down(),
            times: Some(1),
            ..Rule::default()
        };
        let id = understudy.fault(rule).unwrap();
        let answer = client.call(method, &format!("/{slug}{path}")).body(json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (500, json!({"fault": true})), "{slug} {operation}");
        assert_eq!(understudy.fault_hits(id), Some(1), "{slug} {operation}");
        struck.insert((slug, operation));
    }
    assert_eq!(struck.len(), operations().len());
    understudy.clear_faults();

    // From here on it answers, byte by byte, as one to which nothing happened: even the ids are those of first requests.
    let fresh = start();
    let untouched = Client::new(fresh.url());
    for (slug, operation, method, path) in operations() {
        let call = async |client: &Client, url: String| {
            let call = client.call(method.clone(), &format!("/{slug}{path}"));
            let answer = call.header("host", "localhost").body(json!({})).await;
            (answer.status, answer.headers, answer.body, url)
        };
        let expected = call(&untouched, String::new()).await;
        assert_eq!(call(&client, String::new()).await, expected, "{slug} {operation}");
    }
    for deed in &super::DEEDS {
        let of = async |world: &understudy::WorldHandle| {
            let made = deed.client(world).post(deed.path, (deed.body)()).await;
            assert!(made.status.is_success(), "{}: {}", deed.slug, made.text());
            (made.body, deed.client(world).get(deed.traces).await.body)
        };
        assert_eq!(of(&understudy).await, of(&fresh).await, "{}", deed.slug);
    }
}
