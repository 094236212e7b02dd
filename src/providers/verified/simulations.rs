//! What people and the calendar do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::store::credentials;
use super::wallet::acts::{self, Outcome, Refused};
use crate::http::{Input, Refusal, Simulation};
use crate::world::Cx;

pub(super) const ALL: &[Simulation] = &[
    Simulation {
        name: "consent",
        summary: "A person opens a wallet address, enters the code (the right one unless `code` is given; none where the address signs in), changes `values` by the dotted names of the form's fields, and shares. A wrong code counts as one typed in the wallet does; `error` tells.",
        example: r#"{"url":"http://localhost:11111/verified/request/9f2053fc-cc4c-41cb-8d14-7d3ccf6167eb","values":{"ssn":"222334455"}}"#,
        run: consent,
    },
    Simulation {
        name: "decline",
        summary: "A person opens a wallet address and chooses not to share.",
        example: r#"{"url":"http://localhost:11111/verified/request/9f2053fc-cc4c-41cb-8d14-7d3ccf6167eb"}"#,
        run: decline,
    },
    Simulation {
        name: "wipe",
        summary: "It is 05:00 UTC: credentials issued to the test person are deleted.",
        example: "{}",
        run: wipe,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    url: String,
    code: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decline {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wipe {}

/// What came of a person's visit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    redirect_url: Option<String>,
    uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

fn consent(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let Consent { url, code, values } = input.read()?;
    done(acts::consent(cx, &url, code.as_deref(), values.into_iter().collect()))
}

fn decline(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let Decline { url } = input.read()?;
    done(acts::decline(cx, &url))
}

fn wipe(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let Wipe {} = input.read()?;
    credentials::delete_of_test_users(cx.db)?;
    Ok(Value::Object(serde_json::Map::new()))
}

fn done(outcome: Result<Outcome, Refused>) -> Result<Value, Refusal> {
    match outcome {
        Ok(Outcome { redirect_url, uuid, error }) => {
            serde_json::to_value(Done { redirect_url, uuid, error }).map_err(|error| Refusal::Conflict(error.to_string()))
        }
        Err(Refused::NoFlow) => Err(Refusal::NotFound("url: no request of this world has this wallet address".to_owned())),
        Err(Refused::Over) => Err(Refusal::Conflict("the request was decided before, or is over".to_owned())),
        Err(Refused::Mistakes(mistakes)) => {
            let texts: Vec<String> =
                mistakes.into_iter().map(|mistake| format!("values.{}: {}", mistake.name, mistake.text)).collect();
            Err(Refusal::Invalid(texts.join("; ")))
        }
        Err(Refused::Failed(Error::Store(error))) => Err(Refusal::Store(error)),
        Err(Refused::Failed(error)) => Err(Refusal::Conflict(error.to_string())),
    }
}
