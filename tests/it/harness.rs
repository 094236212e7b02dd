//! A server and a client of one of its providers, for one test.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use understudy::control::OPENAPI;
use understudy::{Builder, Understudy, providers};

use crate::client::Client;
use crate::contract::Contract;

/// The moment at which tests begin.
pub(crate) const START: &str = "2026-01-01T00:00:00Z";

/// [`START`] as a moment.
pub(crate) fn start_time() -> DateTime<Utc> {
    START.parse().expect("it is RFC 3339")
}

/// A server with seed 7 whose clock stands at [`START`], and a client of one provider that checks every answer against the
/// provider's OpenAPI document. Client methods can be called on it directly.
pub(crate) struct Api {
    pub(crate) understudy: Understudy,
    pub(crate) client: Client,
}

impl Api {
    /// Starts a server for a test of the provider with this slug.
    pub(crate) fn start(slug: &str) -> Self {
        Self::with(slug, builder())
    }

    /// Starts a server as `builder` says.
    pub(crate) fn with(slug: &str, builder: Builder) -> Self {
        let understudy = builder.start().expect("the server starts");
        let client = Client::new(understudy.provider_url(slug)).with_contract(&contract(slug));
        Self { understudy, client }
    }
}

impl Deref for Api {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// What [`Api::start`] starts.
pub(crate) fn builder() -> Builder {
    Understudy::builder().seed(7).frozen_at(start_time())
}

/// The contract of a provider, or of the control API (`control`), shared by all tests of this process.
pub(crate) fn contract(slug: &str) -> Arc<Contract> {
    static CONTRACTS: Mutex<BTreeMap<String, Arc<Contract>>> = Mutex::new(BTreeMap::new());
    let mut contracts = CONTRACTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    contracts.entry(slug.to_owned()).or_insert_with(|| Arc::new(Contract::new(document(slug)))).clone()
}

/// The OpenAPI document of a provider, or of the control API (`control`).
pub(crate) fn document(slug: &str) -> serde_json::Value {
    if slug == "control" {
        return serde_json::from_str(OPENAPI).expect("the document is JSON");
    }
    let all = providers::all();
    let provider = all.iter().find(|provider| provider.about().slug == slug).expect("the provider exists");
    serde_json::from_str(provider.about().openapi).expect("the document is JSON")
}
