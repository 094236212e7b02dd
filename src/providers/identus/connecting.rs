//! Connections as the agent makes them: inviting, accepting, and the steps between them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE;
use chrono::TimeDelta;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Error;
use super::flow::{self, Kind};
use super::store;
use super::types::{Connection, ConnectionRole, ConnectionState};
use crate::crypto::peer_did;
use crate::world::Cx;

/// The agent's call that accepts an invitation.
const ACCEPT_CALL: &str = "POST /connection-invitations/";

/// The goal of every invitation.
pub(super) const GOAL: &str = "p2p connection";

/// The type of every invitation.
pub(super) const INVITATION_TYPE: &str = "https://didcomm.org/out-of-band/2.0/invitation";

/// Where the agent takes messages; stands in every DID that it makes for a connection.
const SERVICE_URI: &str = "http://host.docker.internal:8100/didcomm";

/// How long an invitation can be used.
const INVITATION_LIFETIME: TimeDelta = TimeDelta::seconds(300);

/// The longest label, in characters.
const MAX_LABEL: usize = 255;

/// Reads base64url as the agent does: with or without padding.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// What an invitation says.
#[derive(Serialize, Deserialize)]
struct Invitation {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    from: String,
    body: InvitationBody,
}

#[derive(Serialize, Deserialize)]
struct InvitationBody {
    #[serde(default)]
    goal: String,
    #[serde(default)]
    accept: Vec<String>,
}

/// The `_oob` value of a connection's invitation: padded base64url of JSON.
pub(super) fn invitation(connection: &Connection) -> Result<String, Error> {
    let body = InvitationBody { goal: GOAL.to_owned(), accept: Vec::new() };
    let invitation =
        Invitation { id: connection.thid.clone(), kind: INVITATION_TYPE.to_owned(), from: connection.inviter_did.clone(), body };
    let json = serde_json::to_string(&invitation).map_err(|_| Error::from(crate::http::Problem::Internal))?;
    Ok(BASE64_URL_SAFE.encode(json))
}

/// Invites; 400 for a label of over 255 characters.
pub(super) fn invite(cx: &mut Cx<'_>, wallet: &str, from: &str) -> Result<Connection, Error> {
    let label = format!("p2p initiated by {from}");
    if label.chars().count() > MAX_LABEL {
        let detail = format!("The label must not be longer than {MAX_LABEL} characters");
        return Err(Error::agent(cx, StatusCode::BAD_REQUEST, detail));
    }
    let id = cx.rng.uuid().to_string();
    let inviter_did = new_did(cx);
    // Only the answer to a creation shows a fraction of a microsecond.
    let nanos = i64::try_from(1 + cx.rng.below(999)).unwrap_or(1);
    let created_at = cx.now + TimeDelta::nanoseconds(nanos);
    let connection = Connection {
        id: id.clone(),
        wallet: wallet.to_owned(),
        thid: id,
        label: Some(label),
        my_did: None,
        their_did: None,
        role: ConnectionRole::Inviter,
        state: ConnectionState::InvitationGenerated,
        inviter_did,
        created_at,
        updated_at: None,
    };
    store::connections::insert(cx.db, &connection)?;
    Ok(connection)
}

/// Accepts an invitation, given as its `_oob` value.
///
/// Fails with 400 when there is none, 500 when it is not base64url, 400 when it is no invitation, 400 when this wallet has accepted it or
/// made it.
pub(super) fn accept(cx: &mut Cx<'_>, wallet: &str, oob: Option<&str>) -> Result<Connection, Error> {
    let oob = oob.ok_or_else(|| Error::decoding(cx, ACCEPT_CALL, "missing required field at 'invitation'"))?;
    let bytes = LENIENT.decode(oob).map_err(|_| Error::unexpected(cx, ACCEPT_CALL))?;
    let invitation: Invitation = serde_json::from_slice(&bytes).map_err(|cause| {
        let detail = format!("An error occurred while parsing the invitation content: cause=[{cause}]");
        Error::agent(cx, StatusCode::BAD_REQUEST, detail)
    })?;
    for role in [ConnectionRole::Inviter, ConnectionRole::Invitee] {
        if store::connections::sides(cx.db, &invitation.id, role)?.iter().any(|side| side.wallet == wallet) {
            let detail = format!("The provided invitation has already been used: invitationId={}", invitation.id);
            return Err(Error::agent(cx, StatusCode::BAD_REQUEST, detail));
        }
    }
    let id = cx.rng.uuid().to_string();
    let my_did = new_did(cx);
    let mut connection = Connection {
        id,
        wallet: wallet.to_owned(),
        thid: invitation.id,
        label: None,
        my_did: None,
        their_did: None,
        role: ConnectionRole::Invitee,
        state: ConnectionState::ConnectionRequestPending,
        inviter_did: invitation.from.clone(),
        created_at: cx.now,
        updated_at: None,
    };
    store::connections::insert(cx.db, &connection)?;
    // The agent stores the invitation first and turns it into a request then, which is the record's first transition.
    advance(cx, &mut connection, ConnectionState::ConnectionRequestPending, Some(&my_did), Some(&invitation.from))?;
    Ok(connection)
}

fn new_did(cx: &mut Cx<'_>) -> String {
    peer_did::generate(cx.rng.bytes(), cx.rng.bytes(), SERVICE_URI)
}

/// Whether a background step waits for a side.
pub(super) fn is_pending(connection: &Connection) -> bool {
    matches!(connection.state, ConnectionState::ConnectionRequestPending | ConnectionState::ConnectionResponsePending)
}

fn advance(
    cx: &Cx<'_>,
    connection: &mut Connection,
    state: ConnectionState,
    my_did: Option<&str>,
    their_did: Option<&str>,
) -> rusqlite::Result<()> {
    store::connections::advance(cx.db, &connection.id, state, my_did, their_did, cx.now)?;
    connection.state = state;
    connection.updated_at = Some(cx.now);
    connection.my_did = my_did.map(str::to_owned).or_else(|| connection.my_did.take());
    connection.their_did = their_did.map(str::to_owned).or_else(|| connection.their_did.take());
    if is_pending(connection) { flow::schedule(cx, Kind::Connection, &connection.id) } else { Ok(()) }
}

/// The next background step of a side; nothing where none waits.
pub(super) fn step(cx: &mut Cx<'_>, id: &str) -> rusqlite::Result<()> {
    let Some(mut connection) = store::connections::any(cx.db, id)?.filter(is_pending) else { return Ok(()) };
    if connection.state == ConnectionState::ConnectionRequestPending {
        advance(cx, &mut connection, ConnectionState::ConnectionRequestSent, None, None)?;
        receive_request(cx, &connection)
    } else {
        advance(cx, &mut connection, ConnectionState::ConnectionResponseSent, None, None)?;
        receive_response(cx, &connection)
    }
}

/// A request arrives at the inviter, where the inviter is in this world: in time, it is answered; later, the invitation has expired. One
/// that somebody else was faster with is not answered.
fn receive_request(cx: &Cx<'_>, invitee: &Connection) -> rusqlite::Result<()> {
    let inviters = store::connections::sides(cx.db, &invitee.thid, ConnectionRole::Inviter)?;
    let waiting = |side: &Connection| side.state == ConnectionState::InvitationGenerated;
    let Some(mut inviter) = inviters.into_iter().find(waiting) else { return Ok(()) };
    if cx.now.timestamp_millis() - inviter.created_at.timestamp_millis() > INVITATION_LIFETIME.num_milliseconds() {
        return advance(cx, &mut inviter, ConnectionState::InvitationExpired, None, None);
    }
    let my_did = inviter.inviter_did.clone();
    // The agent answers in the moment of arrival, so that nobody sees the state between the two.
    advance(cx, &mut inviter, ConnectionState::ConnectionRequestReceived, Some(&my_did), invitee.my_did.as_deref())?;
    advance(cx, &mut inviter, ConnectionState::ConnectionResponsePending, None, None)
}

/// The response arrives at whoever asked.
fn receive_response(cx: &Cx<'_>, inviter: &Connection) -> rusqlite::Result<()> {
    let peer = store::connections::peer(cx.db, inviter)?;
    match peer.filter(|peer| peer.state == ConnectionState::ConnectionRequestSent) {
        Some(mut invitee) => advance(cx, &mut invitee, ConnectionState::ConnectionResponseReceived, None, None),
        None => Ok(()),
    }
}
