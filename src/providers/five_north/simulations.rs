//! What people do in reality: decide on requests, link and unlink accounts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ledger;
use super::store::{people, tokens};
use super::types::KycProvider;
use super::users::{self, Decision};
use crate::http::{Input, Refusal, Simulation};
use crate::world::Cx;

/// All of them.
pub(super) const ALL: &[Simulation] = &[
    Simulation {
        name: "decide-request",
        summary: "The user approves or rejects a pending request for data, or withdraws (revokes) an approval.",
        example: r#"{"proposalId": "009c004625c1290b430c89a7b83800bfbffff100c852f12c5edc58b90a03e1b3afca111220aa02dd611966a967d3680b71788a82be83347d721dd65e2644df4edda357b08e", "decision": "approve"}"#,
        run: decide_request,
    },
    Simulation {
        name: "issue-credential",
        summary: "The user links an account; members of metadata replace or join the usual ones.",
        example: r#"{"partyId": "party::80f64dc568c2192bec96deb586469b87::1220c8be0c30f045e15922829105e9c259c4562c4446d07468b39435d8e00ccd9227", "provider": "REDDIT", "metadata": {"username": "rhendricks"}}"#,
        run: issue_credential,
    },
    Simulation {
        name: "reverify-credential",
        summary: "The user verifies a linked account again: a new contract supersedes the old one.",
        example: EXAMPLE,
        run: reverify_credential,
    },
    Simulation {
        name: "revoke-credential",
        summary: "A credential is revoked for good.",
        example: EXAMPLE,
        run: revoke_credential,
    },
    Simulation {
        name: "archive-credential",
        summary: "The user unlinks an account: its credential is archived without a successor.",
        example: EXAMPLE,
        run: archive_credential,
    },
    Simulation {
        name: "delete-credential",
        summary: "The record of a credential disappears; links to it say that it is not found.",
        example: EXAMPLE,
        run: delete_credential,
    },
    Simulation {
        name: "revoke-tokens",
        summary: "All access tokens that were issued so far end.",
        example: "{}",
        run: revoke_tokens,
    },
];

const EXAMPLE: &str = r#"{"contractId": "004b1ee9db048dbe93d2f83ae517cfe25140d3761d6a81c5139f22011733a8921fca111220cceb4fefb4eaa5c5f0db0faeb8a0adf975361e1f012b17fe6fe6afe1bb4c84dc"}"#;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DecideRequest {
    proposal_id: String,
    decision: Decision,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssueCredential {
    party_id: String,
    provider: KycProvider,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContractId {
    contract_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn done() -> Value {
    Value::Object(Map::new())
}

fn made(contract_id: String) -> Value {
    Value::Object(Map::from_iter([("contractId".to_owned(), Value::from(contract_id))]))
}

fn decide_request(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let DecideRequest { proposal_id, decision } = input.read()?;
    users::decide(cx, &proposal_id, decision)?;
    Ok(done())
}

fn issue_credential(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let IssueCredential { party_id, provider, metadata } = input.read()?;
    if provider == KycProvider::Sumsub {
        return Err(Refusal::Invalid("provider: SUMSUB checks identities and issues no credentials".to_owned()));
    }
    check_metadata(&metadata)?;
    let user = people::by_party(cx.db, &party_id)?
        .ok_or_else(|| Refusal::NotFound(format!("there is no user with the party {party_id:?}")))?;
    Ok(made(ledger::issue(cx, &user, provider, &metadata)?))
}

/// Refuses members that the API promises in another type.
fn check_metadata(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    for (key, value) in metadata {
        let fits = match key.as_str() {
            "email" | "firstName" | "lastName" | "username" | "providerId" | "verifiedAt" | "profilePicture" | "domain" => {
                value.is_string()
            }
            "emailVerified" => value.is_boolean(),
            _ => true,
        };
        if !fits {
            return Err(Refusal::Invalid(format!("metadata.{key}: {value} is of another type than the API has there")));
        }
    }
    Ok(())
}

fn reverify_credential(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let ContractId { contract_id } = input.read()?;
    Ok(made(ledger::reverify(cx, &contract_id)?))
}

fn revoke_credential(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let ContractId { contract_id } = input.read()?;
    ledger::revoke(cx, &contract_id)?;
    Ok(done())
}

fn archive_credential(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let ContractId { contract_id } = input.read()?;
    ledger::archive(cx, &contract_id)?;
    Ok(done())
}

fn delete_credential(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let ContractId { contract_id } = input.read()?;
    ledger::delete(cx, &contract_id)?;
    Ok(done())
}

fn revoke_tokens(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let Nothing {} = input.read()?;
    tokens::revoke_tokens(cx.db, cx.now)?;
    Ok(done())
}
