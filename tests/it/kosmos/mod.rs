//! 1Kosmos ID Proofing, over a real socket.

mod creation;
mod credentials;
mod discovery;
mod fixture;
mod list;
mod page;
mod resources;
mod sessions;
mod submissions;
mod uploads;
mod verification;
mod wire;

use serde_json::{Value, json};
use understudy::crypto::ecdh::{Curve, SharedKey, agree};
use understudy::world::clock::real_now;

use crate::client::{Call, Client, Response};
use crate::harness::{Api, builder};

/// The client's key pair, as published with the fixture.
pub(crate) const PRIVATE: &str = "T7sDtEXyuwAHIAYJ+KlmK+0xzYyOBMB7nnbBU2TmM/o=";
pub(crate) const PUBLIC: &str = "TpZM2JRhNvSRPLbVFB0m6/CJhmUnSgJlxtDOB2PC+PIJtnDNnMyrxrww3VIpYjKicbZigj/k8YvbCEGSjsJlFA==";
/// The service's public key.
pub(crate) const SERVICE_PUBLIC: &str = "wsd7KhsBkfwO5aARB0gXRh9TgTpIg9eXoqHe7NeeAdaOgos6dvfIY+X2QhZ0D5YNkrLS7PTnkkzLct5zXR7iaw==";

pub(crate) const SYSTEM: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const SERVICE: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const SERVICE_EXT: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const COMMUNITY: &str = "44444444-4444-4444-8444-444444444444";

pub(crate) const TENANT: &str = "64a000000000000000000001";
pub(crate) const DEFAULT: &str = "64a000000000000000000002";
pub(crate) const OTHER_TENANT: &str = "64a000000000000000000011";
pub(crate) const OTHER_COMMUNITY: &str = "64a000000000000000000012";

/// Milliseconds of the moment at which tests begin.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

pub(crate) fn start() -> Api {
    Api::start("1kosmos")
}

/// A server with a setting made.
pub(crate) fn with_setting(key: &str, value: Value) -> Api {
    Api::with("1kosmos", builder().setting("1kosmos", key, value))
}

/// The key on which client and service agree.
pub(crate) fn key() -> SharedKey {
    agree(Curve::Secp256k1, PRIVATE.as_bytes(), SERVICE_PUBLIC.as_bytes()).unwrap()
}

/// An envelope for the service.
pub(crate) fn seal(text: &str) -> String {
    key().seal([7; 16], text.as_bytes())
}

/// What an envelope of the service holds.
#[track_caller]
pub(crate) fn open(envelope: &Value) -> Value {
    let text = key().open(envelope.as_str().expect("an envelope is a string").as_bytes()).expect("the envelope opens");
    serde_json::from_slice(&text).expect("it holds JSON")
}

/// An encrypted body.
pub(crate) fn sealed(body: &Value) -> Value {
    json!({"data": seal(&body.to_string())})
}

/// A request id for this moment, moved by some seconds.
pub(crate) fn request_id(offset_s: i64) -> String {
    seal(&json!({"ts": real_now().timestamp() + offset_s, "appid": "it", "uuid": "u-1"}).to_string())
}

/// Adds credentials to a request.
pub(crate) trait Signed: Sized {
    /// Those of the capture app.
    fn signed(self) -> Self;
    /// Those of a back end with this license.
    fn licensed(self, secret: &str) -> Self;
}

impl Signed for Call<'_> {
    fn signed(self) -> Self {
        self.header("publickey", PUBLIC).header("requestid", &request_id(0))
    }

    fn licensed(self, secret: &str) -> Self {
        self.signed().header("licensekey", &seal(secret))
    }
}

/// Asserts a refusal with all its keys.
#[track_caller]
pub(crate) fn refused(answer: &Response, status: u16, message: &str, case: &str) {
    let reason = http::StatusCode::from_u16(status).unwrap().canonical_reason().unwrap();
    let expected = json!({"statusCode": status, "error": reason, "code": status, "message": message});
    assert_eq!((answer.status.as_u16(), answer.json()), (status, expected), "{case}");
}

/// The path of something about a session.
pub(crate) fn session_path(id: &str, rest: &str) -> String {
    format!("/idproofingapi/proofingsession/{id}{rest}")
}

/// One of the fixture's sessions.
pub(crate) fn fixture_session(number: &str) -> String {
    format!("10000000-0000-4000-8000-0000000000{number}")
}

/// Body of a creation for a person with this uid.
pub(crate) fn creation(uid: &str, config: Value) -> Value {
    json!({
        "connector": {"id": "c1", "type": "microblink", "config": {}},
        "verification": {"id": "v1", "tag": "t", "config": config},
        "sessionRequest": {
            "tenantDNS": "localhost", "communityName": "default", "documentType": "dl_object",
            "user": {"uid": uid, "firstname": "John", "lastname": "Doe", "username": "johndoe"},
        },
    })
}

/// Creates a session and returns its id.
pub(crate) async fn create(client: &Client, body: Value) -> String {
    let answer = client.post("/idproofingapi/document_share_session/create", body).licensed(SERVICE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["sessionId"].as_str().unwrap().to_owned()
}

/// Creates a session and starts it.
pub(crate) async fn started(client: &Client, body: Value) -> String {
    let id = create(client, body).await;
    let answer = client.get(&session_path(&id, "/start")).signed().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    id
}

/// What a back end reads about a session.
pub(crate) async fn result(client: &Client, id: &str, more: Value) -> Value {
    let mut body =
        json!({"connector": {"id": "c", "type": "microblink"}, "verification": {"id": "v", "tag": "t"}, "sessionId": id});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = client.post("/idproofingapi/document_share_session/result", body).licensed(SERVICE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What the capture app sees of a session.
pub(crate) async fn view(client: &Client, id: &str) -> Value {
    let answer = client.get(&session_path(id, "")).signed().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Submits a document of one side.
pub(crate) async fn submit(client: &Client, id: &str) {
    let body =
        json!({"document_front": {"result": {}, "images": {"image": "AA==", "cropped": "", "face": "", "imageBarcode": ""}}});
    let answer = client.post(&session_path(id, "/v2/submit/document"), body).signed().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
}
