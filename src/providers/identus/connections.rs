//! Connections of a wallet, one side each.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use http::StatusCode;

use super::Error;
use super::body::Body;
use super::issuing::no_connection;
use super::store;
use super::types::{Connection, ConnectionRole, ConnectionState, as_stamp, as_stamp_if_any};
use super::{answer, auth, connecting, js, param};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// A side of a connection, as every operation returns it. Members are in the agent's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    connection_id: String,
    thid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    goal: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    my_did: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    their_did: Option<String>,
    role: ConnectionRole,
    state: ConnectionState,
    invitation: InvitationView,
    #[serde(serialize_with = "as_stamp")]
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_stamp_if_any")]
    updated_at: Option<DateTime<Utc>>,
    meta_retries: i64,
    #[serde(rename = "self")]
    url: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitationView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    from: String,
    invitation_url: String,
}

fn view(connection: Connection) -> Result<View, Error> {
    let oob = connecting::invitation(&connection)?;
    Ok(View {
        url: connection.id.clone(),
        connection_id: connection.id,
        label: connection.label,
        goal: connecting::GOAL,
        my_did: connection.my_did,
        their_did: connection.their_did,
        role: connection.role,
        state: connection.state,
        invitation: InvitationView {
            id: connection.thid.clone(),
            kind: connecting::INVITATION_TYPE,
            from: connection.inviter_did,
            invitation_url: format!("https://my.domain.com/path?_oob={oob}"),
        },
        thid: connection.thid,
        created_at: connection.created_at,
        updated_at: connection.updated_at,
        meta_retries: store::records::RETRIES,
        kind: "Connection",
    })
}

/// `GET /api/v1/p2p`: lists the wallet's connections, oldest first.
///
/// 200.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let connections = store::connections::list(cx.db, &caller.wallet)?;
    answer::read(cx, connections.into_iter().map(view).collect::<Result<Vec<_>, _>>()?)
}

/// `GET /api/v1/p2p/{id}`: one connection.
///
/// 200; the agent's 404 when it is unknown, another wallet's, or no UUID.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let text = param(req, "id")?;
    let id = (text.len() == 36).then(|| Uuid::try_parse(&text).ok()).flatten();
    let id = id.ok_or_else(|| Error::agent(cx, StatusCode::NOT_FOUND, "The requested resource path doesn't exist."))?.to_string();
    let connection = store::connections::get(cx.db, &caller.wallet, &id)?.ok_or_else(|| no_connection(cx, &id))?;
    answer::read(cx, view(connection)?)
}

/// `POST /api/v1/p2p/invite`: makes an invitation.
///
/// 201 with the inviter's side in `InvitationGenerated`; the agent's 400 for too long a label.
pub(super) fn invite(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let from = Body::of(req)?.truthy("from").map_or_else(|| "Anon".to_owned(), js::text);
    let invited = connecting::invite(cx, &caller.wallet, &from)?;
    Ok(answer::created(view(invited)?))
}

/// `POST /api/v1/p2p/accept`: accepts an invitation.
///
/// 201 with the invitee's side in `ConnectionRequestPending`; the agent's errors of [`connecting::accept`].
pub(super) fn accept(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let oob = Body::of(req)?.text("invitation");
    let accepted = connecting::accept(cx, &caller.wallet, oob.as_deref())?;
    Ok(answer::created(view(accepted)?))
}
