//! Where a community's images are kept.

use serde::{Deserialize, Serialize};

use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, Object};
use super::store::resources::{self, Bucket};
use super::templates::require_community;
use super::types::Level;
use crate::http::{Reply, Req};
use crate::world::Cx;

/// Kinds of object storage.
pub(super) const KINDS: &[&str] = &["aws", "gcp", "azure"];

/// What opens the storage. It is kept, shown, and never used.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    #[serde(rename = "aws_credential", skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
    #[serde(rename = "gcp_credential", skip_serializing_if = "Option::is_none")]
    pub gcp: Option<Gcp>,
    #[serde(rename = "azure_credential", skip_serializing_if = "Option::is_none")]
    pub azure: Option<Azure>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Aws {
    access_key: String,
    secret_key: String,
    region: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Gcp {
    projectid: String,
    client_email: String,
    private_key: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Azure {
    account_name: String,
    account_key: String,
}

/// A bucket on the wire.
#[derive(Serialize)]
struct View<'a> {
    _id: &'a str,
    #[serde(rename = "tenantId")]
    tenant_id: &'a str,
    #[serde(rename = "communityId")]
    community_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "bucketName")]
    name: &'a str,
    #[serde(rename = "isEnabled")]
    enabled: bool,
    #[serde(rename = "createdBy")]
    created_by: &'a str,
    #[serde(rename = "createdTS")]
    created: i64,
    #[serde(rename = "updatedTS")]
    updated: i64,
    #[serde(flatten)]
    credentials: &'a Credentials,
}

const GET: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 403, 500]);
const PUT: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 403, 500]);

/// `GET /idproofingapi/bucket/tenant/{tenantId}/community/{communityId}`: the bucket of a community.
///
/// 200 with it; 400 where there is none; 401 without credentials; 403 for a license that may not.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    GET.answer(cx, req, |cx, call| {
        call.permit()?;
        show(cx, call)
    })
}

/// `PUT /idproofingapi/bucket/tenant/{tenantId}/community/{communityId}`: makes or replaces the bucket of a community.
///
/// 200 with it; 400 for a field that is missing or wrong; 401 without credentials; 403 for a license that may not and for an unknown
/// tenant or community.
pub(super) fn put(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    PUT.answer(cx, req, |cx, call| {
        let body = call.data(true)?;
        let mut checks = Checks::default();
        let bucket = Bucket {
            id: cx.rng.hex::<12>(),
            tenant_id: req.param("tenantId").into_owned(),
            community_id: req.param("communityId").into_owned(),
            kind: checks.choice(&body, "type", KINDS),
            name: checks.text(&body, "bucketName"),
            enabled: checks.flag(&body, "isEnabled"),
            created_by: checks.text(&body, "createdBy"),
            created: cx.now,
            updated: cx.now,
            credentials: credentials(&mut checks, &body),
        };
        checks.done()?;
        call.permit()?;
        require_community(cx, req)?;
        resources::put_bucket(cx.db, &bucket)?;
        show(cx, call)
    })
}

fn credentials(checks: &mut Checks, body: &Object) -> Credentials {
    Credentials {
        aws: checks.optional_object(body, "aws_credential").map(|aws| Aws {
            access_key: checks.text(aws, "accessKey"),
            secret_key: checks.text(aws, "secretKey"),
            region: checks.text(aws, "region"),
        }),
        gcp: checks.optional_object(body, "gcp_credential").map(|gcp| Gcp {
            projectid: checks.text(gcp, "projectid"),
            client_email: checks.text(gcp, "clientEmail"),
            private_key: checks.text(gcp, "privateKey"),
        }),
        azure: checks
            .optional_object(body, "azure_credential")
            .map(|azure| Azure { account_name: checks.text(azure, "accountName"), account_key: checks.text(azure, "accountKey") }),
    }
}

fn show(cx: &mut Cx<'_>, call: &Call<'_>) -> Result<Reply, Error> {
    let (tenant_id, community_id) = (call.req.param("tenantId"), call.req.param("communityId"));
    let bucket = resources::bucket(cx.db, &tenant_id, &community_id)?.ok_or_else(|| call.missing("Bucket not found"))?;
    let view = View {
        _id: &bucket.id,
        tenant_id: &bucket.tenant_id,
        community_id: &bucket.community_id,
        kind: &bucket.kind,
        name: &bucket.name,
        enabled: bucket.enabled,
        created_by: &bucket.created_by,
        created: bucket.created.timestamp_millis(),
        updated: bucket.updated.timestamp_millis(),
        credentials: &bucket.credentials,
    };
    call.reply_data(cx, &view)
}
