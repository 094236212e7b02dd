//! `OpenSourceAIS` Identity.

mod admin;
mod connections;
mod coverage;
mod custodial;
mod determinism;
mod dids;
mod documents;
mod fixtures;
mod issuance;
mod pages;
mod proofs;
mod schemas;
mod verify;
mod wallets;
mod wire;

use http::StatusCode;
use serde_json::{Value, json};
use understudy::world::timers::Timer;

use crate::client::Response;
use crate::harness::{Api, builder};

/// The keys of the built-in fixture.
const ALICE: &str = "96f51b29ceafc80a84b2853776e091e4f0bb721abe6b7098986e2dfb5248d1e7";
const BOB: &str = "92b3d51933b87bffc1d3f46a98923151a84b5c3dde8fc54c6daefe326cbe6000";
/// Their connection, as each of them sees it.
const CONNECTION: &str = "e3b400a6-501a-5538-b276-da01380911ff";
const BOBS_CONNECTION: &str = "30a2e823-a597-5bfd-9da6-4092fe38922e";
/// Their own DIDs, and those of the published examples.
const ALICES_DID: &str = "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa";
const BOBS_DID: &str = "did:prism:b1ed63efd21ec8d0a582dc64f87e834f8f1180080e544b3a9b0473dfb78c4560";
const EXAMPLE_ISSUER: &str = "did:prism:a3ec71a39fb5bd87d198daca17975f63cf5b95677447e5775a9edaf4c5b0448b";
const EXAMPLE_HOLDER: &str = "did:prism:ca602ff65d8021bb4b77cbce6df6917e0b062d73f8c5fb7d0d6c3cded5874d88";
/// The records of the published examples.
const OFFER: &str = "61faa8cb-7bc9-4c41-a0e5-7c10d81dd98f";
const OFFER_RECEIVED: &str = "5aa7a5ec-35dc-4327-8e06-d9f51952c8ec";
const OFFER_THREAD: &str = "87323d88-51ec-424f-882a-a1f2655888db";
const CREDENTIAL_RECEIVED: &str = "fde44892-7269-45fb-ab80-b88869450cd0";
const ADMIN: &str = "my-admin-token";
/// An id that nobody has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn start() -> Api {
    Api::start("identus")
}

/// A server with one setting of the provider.
fn with_setting(key: &str, value: Value) -> Api {
    Api::with("identus", builder().setting("identus", key, value))
}

/// What a successful answer holds.
#[track_caller]
fn data(response: &Response, status: StatusCode) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    let mut body = response.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
    body["data"].take()
}

/// What a refusal of a route says.
#[track_caller]
fn refusal(response: &Response, status: u16, message: &str) {
    assert_eq!(response.json(), json!({"data": null, "status": status, "message": message}));
    assert_eq!(response.status.as_u16(), status);
    assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
}

/// What the agent refuses, in the words of the service.
#[track_caller]
fn agent_refusal(response: &Response, status: u16, detail: &str) {
    refusal(response, 500, &format!("Request failed with status code {status} - {detail}"));
}

/// As [`agent_refusal`], in a table of cases.
#[track_caller]
fn agent_refusal_of(case: impl std::fmt::Display, response: &Response, status: u16, detail: &str) {
    let expected = json!({"data": null, "status": 500, "message": format!("Request failed with status code {status} - {detail}")});
    assert_eq!((response.status.as_u16(), response.json()), (500, expected), "{case}");
}

impl Api {
    /// `GET` with a key.
    async fn read(&self, key: &str, path: &str) -> Value {
        data(&self.get(path).header("apikey", key).await, StatusCode::OK)
    }

    /// `POST` with a key, answered by 201.
    async fn make(&self, key: &str, path: &str, body: Value) -> Value {
        data(&self.post(path, body).header("apikey", key).await, StatusCode::CREATED)
    }

    /// Moves the clock ahead, and returns what became due on the way.
    fn advance_ms(&self, ms: i64) -> Vec<Timer> {
        self.understudy.advance(chrono::TimeDelta::milliseconds(ms)).unwrap()
    }

    fn settle(&self) -> Value {
        self.understudy.simulate("identus", "settle", json!({})).unwrap()
    }

    /// An offer from Alice to Bob.
    async fn offer(&self, claims: Value) -> Value {
        let body = json!({"connection": CONNECTION, "author": ALICES_DID, "validity": 3600, "claims": claims});
        self.make(ALICE, "/api/v1/vc/offer-noschema", body).await
    }

    /// The one record that a wallet has in a thread.
    async fn in_thread(&self, key: &str, thid: &Value) -> Value {
        let found = self.read(key, &format!("/api/v1/vc/offers?thid={}", text(thid))).await;
        let [record] = found.as_array().unwrap().as_slice() else { panic!("one record: {found}") };
        record.clone()
    }

    async fn state(&self, key: &str, thid: &Value) -> String {
        text(&self.in_thread(key, thid).await["protocolState"]).to_owned()
    }

    /// A credential that Alice issued to Bob.
    async fn credential(&self, claims: Value) -> Value {
        let body = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": ALICES_DID,
            "did_peer2": BOBS_DID, "claims": claims, "noDuplicate": false});
        let made = data(&self.post("/api/v1/vc/issuance/custodial", body).await, StatusCode::CREATED);
        made["vc"].clone()
    }

    /// An entity that the administrator created, with everything pending settled.
    async fn entity(&self, name: &str) -> Value {
        let made =
            self.post("/api/v1/admin/entity", json!({"name": name, "role": "caller"})).header("x-admin-api-key", ADMIN).await;
        self.settle();
        data(&made, StatusCode::CREATED)
    }
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text: {value}"))
}

/// The short form of a long one.
fn short(long: &Value) -> &str {
    text(long).rsplit_once(':').unwrap().0
}

/// The members of an object, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
