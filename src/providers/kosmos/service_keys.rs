//! Keys with which services of a tenant call each other. The secret of one is as good as a license of level `service`.

use serde::Serialize;

use super::endpoint::Endpoint;
use super::error::Error;
use super::store::resources::{ServiceKey, reset_service_key, service_keys};
use super::types::Level;
use crate::http::{Reply, Req};
use crate::world::Cx;

/// A service key on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    tag: String,
    key_id: String,
    key_secret: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<ServiceKey> for View {
    fn from(ServiceKey { key_id, secret, tag, kind }: ServiceKey) -> Self {
        Self { tag, key_id, key_secret: secret, kind }
    }
}

const LIST: Endpoint = Endpoint::licensed(&[Level::System], &[200, 400, 401, 500]);
const RESET: Endpoint = Endpoint::licensed(&[Level::System], &[200, 400, 401, 500]);

/// `GET /idproofingapi/servicekeys`: all service keys.
///
/// 200 with them; 401 without credentials and for a license that may not.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    LIST.answer(cx, req, |cx, call| {
        let keys: Vec<View> = service_keys(cx.db)?.into_iter().map(View::from).collect();
        call.reply(cx, &keys)
    })
}

/// `DELETE /idproofingapi/servicekey/{keyId}`: takes a key out of service and puts another in its place.
///
/// 200 with the new key in a list; 400 for an unknown key; 401 without credentials and for a license that may not.
pub(super) fn reset(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    RESET.answer(cx, req, |cx, call| {
        let (new_id, secret) = (cx.rng.uuid().to_string(), cx.rng.uuid().to_string());
        let key = reset_service_key(cx.db, &req.param("keyId"), &new_id, &secret)?;
        let key = key.ok_or_else(|| call.missing("Service key not found"))?;
        call.reply(cx, &[View::from(key)])
    })
}
