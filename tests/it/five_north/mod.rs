//! 5N ID, as its clients see it.

mod access;
mod authorization;
mod credentials;
mod fixture;
mod human_scores;
mod lifecycle;
mod links;
mod pages;
mod requests;
mod scale;
mod simulations;
mod surface;
mod users;

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use understudy::Builder;

use crate::client::{Client, Response};
use crate::harness::{self, Api};

pub(crate) const SLUG: &str = "5n";
pub(crate) const CLIENT: &str = "5n-sandbox-institution";
pub(crate) const SECRET: &str = "5n-sandbox-secret";

pub(crate) const RICHARD: &str =
    "party::80f64dc568c2192bec96deb586469b87::1220c8be0c30f045e15922829105e9c259c4562c4446d07468b39435d8e00ccd9227";
pub(crate) const DINESH: &str =
    "party::729ef799ac08923267487f739c2fca31::12206475b2624a8eb161d8d0edc717020a8edf5f05ecd8a2f0abf956a4171692cd01";
pub(crate) const GILFOYLE: &str =
    "party::0794b75663d18e88da8e714ae34c6203::12204ba763e68dc804d1ad11c982dcde88e7dd72f8757343c40d139546a1a6004d9a";
pub(crate) const JARED: &str =
    "party::0b24404dbfeba63c9a7f436cf41ac8e5::12209f1f5c00aed0cfc2ea79df106f690b048647f1f328ff4993da173dfb1b710fbc";
pub(crate) const MONICA: &str =
    "party::1c9d3dc59e566f4053e449f881e7eb0f::1220467b46ee5b8628e11ac8ba6883728bae3140a5e595e50fa9cd6367d4fb31bc2d";
pub(crate) const ERLICH: &str =
    "party::c6545d7280ca46abd188dc3180058da4::1220c529d1672f8e3607c9e4e860c3df1fbda5ae37b71cc48bc188b68773a7f7da60";
pub(crate) const BIGHEAD: &str =
    "9ab5c8283212f15820422063db510de9::1220f98cb1288cee974b08facd66c1f9516a6d0710c177c35a950d3dc53992a3d481";
pub(crate) const GAVIN: &str =
    "party::155f36fe19e07d6c9d5370b5a48d8997::12201bfc35075964236ce2cff7b6bf02ce84f70b606fbecbe0f57765ec409f907c52";
pub(crate) const JOHN: &str =
    "party::04a5835d6cc470817989e9acc1f20c0a::12200d35764b9b490251e499af00626b54516c4f3f1c021c2eb72bf7c72f38662cb0";

/// Contracts of the fixture, in the order in which they were issued.
pub(crate) const CONTRACTS: [&str; 18] = [
    "004b1ee9db048dbe93d2f83ae517cfe25140d3761d6a81c5139f22011733a8921fca111220cceb4fefb4eaa5c5f0db0faeb8a0adf975361e1f012b17fe6fe6afe1bb4c84dc",
    "000cff877dfbb466c448478b190c2bcb820edeaf221126075e44b385acafd53d15ca1112209d08ba2e48a0e6d85e2ae1ff737b52e924c250e6b75124fab3b9860e621e0aaa",
    "004f3d32cd3ad10fa5e996df1b61113cbfaf30f9ab59baee5ca32d53fcb8b85058ca1112209a69b7372e16d349c3569c7535e99ba44007afd62d7bed2e50317cb79269af31",
    "00bec935ca24b28091b00f41b9acbb8f5ed212941e496a0ba4da5d65c4db1d7423ca111220590a341da3968fb45183b50ba4e33274bcc75b944c83a35d560bf3a727fc532a",
    "009038c06ab42dc57bf9b62612f7da9af5c06799e657bb7e1f2863e4918cf9b064ca111220dac686234c38dc58fa4dcc1f7bdd2e8f1a0f6676010141db16eeb45ffaaeeb59",
    "00cdfe351d988da7c9b16ae47af99f554b7c448e930a9d918df447a49b7aa2bf5eca111220de40c64ea47f7883a0714e883aa8ee05575296f07f9bb86c1dd54fdc65e55d6d",
    "00f89d9c7a3ae9b8810b60febc5637638c183bfd7003ca64ff214704adc8e3fc53ca1112205ba4fbd4d2cf37dc01b90505b396a6373190d112824ac3366e9677ac7cee5be5",
    "00be545123d61e948d12cc2208d06719198e1a821123a793ab613c709c1f8d360fca111220e0fea193f27d1517d436990142f4bce8d8ad4bf299de6d7824e70b9390b97f6a",
    "00b7400e9d6920d71fba3d295d3d9957b21c4896d3d8522c2803e5c03cb04f9a73ca1112204d4a9cffce017067e392472fd814bf8d7a8e9a861344d6b2865d27697b14f7fc",
    "00e789065e108734c31b93e25a98205968da40ec1e1209480b702072913145f000ca111220103b769e242590821bda665e20d3dfc3b9e3312fa1dfa59b5b929f75920661f9",
    "00ae73b5b0e60e41ce97b5de0167b48e11b8a2b97a052b2691038d879079d4bc26ca111220c58bd9ba362883f4b00d92e5d4c69eb97b2fce93d7c4e99f56cf135912c0ffbb",
    "00b0dd402c84f08b359f10459c978ba69cdffd30ca7f9d00d661300f13dbd8e851ca1112200641129e64298d1a055a42d5429c60715ed774a66db4c3635fbd69f70c029fa9",
    "00ce9bcd044768b4b058aa03859fc0f8af65ee4bfbafca1d3b5e085ad0effca943ca111220d1996f0ff2f82477aa99ab0ea4f7017c6f79512581e7cea68781da7c20ed83a4",
    "00eedd7b127956eb173f8bc48c6f91b2f84993673de47119af4b92c17b76f9fa9dca11122099b752fe7d31d5515eb44308c62ef426a92b68762426dea212be0a0455c9e8f6",
    "00ee2f3c11b3bed9f5bdc8e66b221520e6fb4d21b0688eb02abe96a730113e50ceca111220497abe0b608ad719f85ea4658254c585aef2a2b3842eb23645564a0888bf32ab",
    "004efa6287fecafcf03c8c1001cfa9fba905251ebdedeea66cf35a833393cb6375ca111220c7b9adf97da642e55ff17836fae18676846ccbc319fa5b0d370e561474170f1f",
    "00f02e0ce4651deee8299bbf3d3228edc896fa881982437cfd31151d441c7372dbca111220893fb9b8b4f79f838ffc01bdf93cd4b5faaff9b3dd4100b455851f40d563f468",
    "008064f25bcfa1dff5129a3e5cbf68553cf48400dda996bfd58b5c21c5bca454ecca11122025436ea2b81f3558afe832a943f9b92a864104cc8d53f3f9fc6ae4e48b119e7a",
];
pub(crate) const RICHARD_GOOGLE: &str = CONTRACTS[0];
pub(crate) const JARED_GOOGLE: &str = CONTRACTS[11];

pub(crate) const USERS: &str = "/api/v1/institutions/me/users";
pub(crate) const CREDENTIALS: &str = "/api/v1/institutions/me/credentials";
pub(crate) const SCORES: &str = "/api/v1/institutions/me/human-scores";
pub(crate) const REQUEST: &str = "/api/v1/institutions/me/credentials/request";
pub(crate) const LINK: &str = "/api/v1/verification/generate-link";
pub(crate) const BATCH: &str = "/api/v1/verification/generate-links-batch";
pub(crate) const CHECK: &str = "/api/v1/verification/check";
pub(crate) const TOKEN: &str = "/realms/5n-apps/protocol/openid-connect/token";

/// The moment at which worlds of these tests begin.
pub(crate) fn t0() -> DateTime<Utc> {
    "2026-02-16T12:00:00Z".parse().expect("it is RFC 3339")
}

/// What [`start`] starts.
pub(crate) fn builder() -> Builder {
    harness::builder().frozen_at(t0())
}

/// A server whose clock stands at [`t0`].
pub(crate) fn start() -> Api {
    Api::with(SLUG, builder())
}

/// Asks for an access token.
pub(crate) async fn ask_token(client: &Client, id: &str, secret: &str) -> Response {
    client.post(TOKEN, [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]).await
}

/// A client that carries a fresh access token of an OAuth client.
pub(crate) async fn bearer_of(client: &Client, id: &str) -> Client {
    let secret = if id == "5n-sandbox-institution-2" { "5n-sandbox-secret-2" } else { SECRET };
    let answer = ask_token(client, id, secret).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    client.bearer(answer.json()["access_token"].as_str().expect("a token"))
}

/// A client that carries a fresh access token of the sandbox institution.
pub(crate) async fn institution(api: &Api) -> Client {
    bearer_of(&api.client, CLIENT).await
}

/// The body of a 200.
pub(crate) async fn ok(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// The body of an error of the API.
pub(crate) fn error(code: &str, message: &str, field: Option<&str>) -> Value {
    let details = field.map_or_else(|| json!({}), |field| json!({ "field": field }));
    json!({ "error": code, "message": message, "details": details })
}

/// A party as clients put it into a path.
pub(crate) fn encoded(party: &str) -> String {
    party.replace(':', "%3A")
}

/// One member of each element of a list.
pub(crate) fn each<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    list.as_array().expect("a list").iter().map(|element| &element[member]).collect()
}

/// Asks a user for accounts, which must be accepted.
pub(crate) async fn ask(client: &Client, party: &str, providers: &[&str]) {
    let answer = client.post(REQUEST, json!({ "partyId": party, "providers": providers })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// Makes a link to a contract and returns its token.
pub(crate) async fn link(client: &Client, contract: &str) -> String {
    let answer = client.post(LINK, json!({ "contractId": contract })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// What a link says.
pub(crate) async fn check(client: &Client, token: &str) -> Response {
    client.get(&format!("{CHECK}/{token}")).await
}

/// The proposal of a data request.
pub(crate) async fn proposal(client: &Client, id: i64) -> String {
    let users = ok(client, &format!("{USERS}?limit=100")).await;
    let row = users["items"].as_array().expect("a list").iter().find(|row| row["id"] == id).expect("the request exists");
    row["proposalId"].as_str().expect("a proposal").to_owned()
}

/// Moves the clock ahead, and returns the kinds of the timers of 5N ID that fired.
pub(crate) fn fired(api: &Api, by: TimeDelta) -> Vec<String> {
    let timers = api.understudy.advance(by).expect("the clock can show it");
    timers.into_iter().filter(|timer| timer.provider == SLUG).map(|timer| timer.kind).collect()
}

/// A simulation that must succeed.
pub(crate) fn simulate(api: &Api, name: &str, input: Value) -> Value {
    api.understudy.simulate(SLUG, name, input).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}
