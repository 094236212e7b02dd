//! The agent's status lists, at the URLs that stand in credentials.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use flate2::{Compression, GzBuilder};
use http::StatusCode;
use serde::Serialize;

use super::Error;
use super::store::{self, status_lists::PLACES};
use super::{agent_base, param};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// A credential whose subject is a list of bits. It is not signed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusListCredential {
    #[serde(rename = "@context")]
    context: [&'static str; 2],
    #[serde(rename = "type")]
    kind: [&'static str; 2],
    id: String,
    issuer: String,
    issuance_date: String,
    credential_subject: Subject,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    #[serde(rename = "type")]
    kind: &'static str,
    status_purpose: &'static str,
    encoded_list: String,
}

/// `GET /cloud-agent/credential-status/{id}`: a status list, with a bit set for each revoked credential. Public.
///
/// 200; 404 in the agent's own form when it is unknown.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let id = param(req, "id")?;
    let Some(list) = store::status_lists::get(cx.db, &id.to_ascii_lowercase())? else {
        return Err(Error::AgentApi {
            status: StatusCode::NOT_FOUND,
            kind: "error:CredentialStatusListServiceError:StatusListNotFound",
            title: "Status List Not Found",
            detail: format!("There is no credential status list matching the provided identifier: id={id}"),
            instance: format!("error:instance:{}", cx.rng.uuid()),
        });
    };
    let encoded_list = encode(&store::status_lists::revoked(cx.db, list.seq)?).map_err(|error| {
        tracing::error!(%error, "a status list could not be packed");
        Error::from(crate::http::Problem::Internal)
    })?;
    let credential = StatusListCredential {
        context: ["https://www.w3.org/2018/credentials/v1", "https://w3id.org/vc/status-list/2021/v1"],
        kind: ["VerifiableCredential", "StatusList2021Credential"],
        id: format!("{}/credential-status/{}", agent_base(cx, &req.links)?, list.id),
        issuer: list.issuer,
        issuance_date: list.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        credential_subject: Subject { kind: "StatusList2021", status_purpose: "Revocation", encoded_list },
    };
    Ok(reply::json(StatusCode::OK, &credential))
}

/// The bits, most significant first in each byte, packed by gzip, in padded base64url.
fn encode(revoked: &[u32]) -> std::io::Result<String> {
    let mut bits = vec![0_u8; usize::try_from(PLACES / 8).unwrap_or_default()];
    for place in revoked {
        if let Some(byte) = usize::try_from(place / 8).ok().and_then(|at| bits.get_mut(at)) {
            *byte |= 0x80 >> (place % 8);
        }
    }
    let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    packed.write_all(&bits)?;
    Ok(BASE64_URL_SAFE.encode(packed.finish()?))
}
