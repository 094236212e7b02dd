//! What all endpoints have in common: listed statuses, faults on request, credentials, plain and encrypted bodies.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::auth::{self, Caller};
use super::error::{Error, Shape};
use super::fields::Object;
use super::store::{self, Keys};
use super::types::{Level, Status};
use crate::crypto::ecdh::Curve;
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Credentials that an endpoint asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Credential {
    /// None; any that come are ignored.
    Open,
    /// `requestid` and `publickey`.
    Signed,
    /// These, and a license of one of the levels.
    Licensed(&'static [Level]),
}

/// An endpoint as its reference lists it. It never answers a status that is not listed.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Who may call it.
    pub credential: Credential,
    /// Whether a license that is not needed must be valid when it comes all the same.
    pub checks_given_license: bool,
    statuses: &'static [u16],
}

/// The body of an encrypted answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sealed<'a> {
    data: String,
    public_key: &'a str,
}

/// The body of a plain answer whose content is documented under `data`.
#[derive(Serialize)]
struct Data<'a, T> {
    data: &'a T,
}

impl Endpoint {
    /// An endpoint that anybody may call.
    pub(super) const fn open(statuses: &'static [u16]) -> Self {
        Self { credential: Credential::Open, checks_given_license: false, statuses }
    }

    /// An endpoint for whoever has a key pair.
    pub(super) const fn signed(statuses: &'static [u16]) -> Self {
        Self { credential: Credential::Signed, checks_given_license: false, statuses }
    }

    /// An endpoint for holders of a license of one of the levels.
    pub(super) const fn licensed(levels: &'static [Level], statuses: &'static [u16]) -> Self {
        Self { credential: Credential::Licensed(levels), checks_given_license: false, statuses }
    }

    /// The same endpoint, which refuses a wrong license though it needs none.
    pub(super) const fn checking_given_license(self) -> Self {
        Self { checks_given_license: true, ..self }
    }

    /// Whether it lists a status.
    pub(super) fn lists(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16())
    }

    /// The status where it is listed, 400 where it is not.
    pub(super) fn refusal(&self, status: StatusCode) -> StatusCode {
        if self.lists(status) { status } else { StatusCode::BAD_REQUEST }
    }

    /// Answers a request: a fault that it asks for, then credentials, then `work`. Errors take the form of the setting.
    pub(super) fn answer(
        &self,
        cx: &mut Cx<'_>,
        req: &Req,
        work: impl FnOnce(&mut Cx<'_>, &mut Call<'_>) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let shape: Shape = cx.setting("error_shape")?;
        let run = || {
            if let Some(fault) = self.fault(req) {
                return Err(fault);
            }
            let keys = keys(cx)?;
            let caller = auth::caller(cx, req, self, &keys)?;
            work(cx, &mut Call { endpoint: self, req, keys, caller, encrypted: false })
        };
        run().map_err(|error| error.shaped(shape))
    }

    /// The error that the header `x-sandbox-fault` asks for: a listed status, then perhaps a colon and a message.
    fn fault(&self, req: &Req) -> Option<Error> {
        let wish = req.header("x-sandbox-fault")?;
        let (status, message) = wish.split_once(':').map_or((wish, None), |(status, message)| (status, Some(message.trim())));
        let status = StatusCode::from_bytes(status.trim().as_bytes()).ok()?;
        if status.as_u16() < 400 || !self.lists(status) {
            return None;
        }
        let usual = match status {
            StatusCode::NOT_FOUND => "Not found",
            other => other.canonical_reason().unwrap_or_default(),
        };
        Some(Error::new(status, message.filter(|message| !message.is_empty()).unwrap_or(usual)))
    }
}

/// The service's own keys on the curve that is set.
pub(super) fn keys(cx: &Cx<'_>) -> Result<Keys, Error> {
    let curve = cx.setting::<Option<String>>("ec_curve_name")?.and_then(|name| Curve::named(&name)).unwrap_or(Curve::Secp256k1);
    Ok(store::keys(cx.db, curve)?)
}

/// A request to an endpoint whose credentials were checked.
pub(super) struct Call<'r> {
    /// The endpoint.
    pub endpoint: &'r Endpoint,
    /// The request.
    pub req: &'r Req,
    /// The service's own keys.
    pub keys: Keys,
    /// Who calls; none at an open endpoint.
    pub caller: Option<Caller>,
    encrypted: bool,
}

impl Call<'_> {
    /// The body as an object; empty when there is none. An encrypted one is opened, and the answer will be encrypted.
    ///
    /// 400 `Invalid JSON` for what is no JSON object, 400 `data can't be decrypted` for what does not open to one.
    pub(super) fn body(&mut self) -> Result<Object, Error> {
        if self.req.body.is_empty() {
            return Ok(Object::new());
        }
        let body = self.req.json_object().map_err(|_| Error::bad("Invalid JSON"))?;
        match body.get("data") {
            Some(Value::String(sealed)) if body.len() == 1 => {
                let closed = || Error::bad("data can't be decrypted");
                let Some(caller) = &self.caller else { return Ok(body) };
                let text = caller.key.open(sealed.as_bytes()).ok_or_else(closed)?;
                let Ok(Value::Object(content)) = serde_json::from_slice(&text) else { return Err(closed()) };
                self.encrypted = true;
                Ok(content)
            }
            _ => Ok(body),
        }
    }

    /// The body of an endpoint that documents it under `data`: what stands there, or the plaintext. A plain body
    /// without `data` is returned as it is where `bare` allows it, and lacks `data` elsewhere.
    pub(super) fn data(&mut self, bare: bool) -> Result<Object, Error> {
        let mut body = self.body()?;
        match body.get("data") {
            Some(Value::Object(_)) => match body.remove("data") {
                Some(Value::Object(content)) => Ok(content),
                _ => Ok(Object::new()),
            },
            Some(_) if !self.encrypted => Err(Error::bad("data must be of type object")),
            None if !self.encrypted && !bare => Err(Error::bad("data is required")),
            _ => Ok(body),
        }
    }

    /// 403 for a license whose level is too low.
    pub(super) fn permit(&self) -> Result<(), Error> {
        if self.caller.as_ref().is_some_and(|caller| !caller.permitted) { Err(Error::forbidden()) } else { Ok(()) }
    }

    /// The refusal for something that does not exist: 404 where that is listed, 400 elsewhere.
    pub(super) fn missing(&self, message: &str) -> Error {
        Error::new(self.endpoint.refusal(StatusCode::NOT_FOUND), message)
    }

    /// The refusal for a session in the wrong state: 403 where that is listed, 400 elsewhere.
    pub(super) fn wrong_state(&self, status: Status) -> Error {
        Error::new(self.endpoint.refusal(StatusCode::FORBIDDEN), format!("Session is {}", status.name()))
    }

    /// 200 with a body in the form of the request.
    pub(super) fn reply<T: Serialize>(&self, cx: &mut Cx<'_>, value: &T) -> Result<Reply, Error> {
        Ok(match self.seal(cx, value)? {
            Some(sealed) => sealed,
            None => reply::json(StatusCode::OK, value),
        })
    }

    /// 200 with a body that is documented under `data`, in the form of the request.
    pub(super) fn reply_data<T: Serialize>(&self, cx: &mut Cx<'_>, value: &T) -> Result<Reply, Error> {
        Ok(match self.seal(cx, value)? {
            Some(sealed) => sealed,
            None => reply::json(StatusCode::OK, &Data { data: value }),
        })
    }

    /// Whether the answer will be encrypted.
    pub(super) fn seals(&self, cx: &Cx<'_>) -> Result<bool, Error> {
        let Some(caller) = &self.caller else { return Ok(false) };
        if caller.plain {
            return Ok(false);
        }
        Ok(self.encrypted || (self.req.method == http::Method::GET && cx.setting("encrypt_get_responses")?))
    }

    fn seal<T: Serialize>(&self, cx: &mut Cx<'_>, value: &T) -> Result<Option<Reply>, Error> {
        if !self.seals(cx)? {
            return Ok(None);
        }
        let data = self.token(cx, value);
        Ok(Some(reply::json(StatusCode::OK, &Sealed { data, public_key: &self.keys.public })))
    }

    /// A value as an envelope that the caller can open.
    pub(super) fn token<T: Serialize>(&self, cx: &mut Cx<'_>, value: &T) -> String {
        let text = serde_json::to_vec(value).unwrap_or_default();
        match &self.caller {
            Some(caller) => caller.key.seal(cx.rng.bytes(), &text),
            None => String::new(),
        }
    }
}

/// 200 without a body.
pub(super) fn done() -> Reply {
    reply::empty(StatusCode::OK)
}
