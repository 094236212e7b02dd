//! How clients find the services of a tenant, and its communities.

use serde::Serialize;
use serde_json::Value;

use super::creation::resolve_tenant;
use super::documents::SAMPLE_IMAGE;
use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::Object;
use super::store::{self, Community, Tenant};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// Services and their paths below the tenant's host.
const SERVICES: &[(&str, &str)] = &[
    ("sessions", "/sessions"),
    ("licenses", "/licenses"),
    ("global_caas", "/caas"),
    ("adminconsole", ""),
    ("authn", "/authn"),
    ("authz", "/authz"),
    ("acr", "/acr"),
    ("webauthn", "/webauthn"),
    ("docuverify", "/docuverify"),
    ("vcs", "/vcs"),
    ("events", "/events"),
    ("user_management", "/users-mgmt"),
    ("reports", "/reports"),
    ("oauth2", "/oauth2"),
    ("rules_engine", "/rules-engine"),
    ("otp", "/otp"),
    ("ledger", "/ledger"),
    ("idproofing", "/idproofing"),
    ("idproofingapi", "/idproofingapi"),
    ("walletapi", "/walletapi"),
    ("ipfsproxy", "/ipfsproxy"),
    ("adsyncserver", "/goadsyncserver"),
    ("blockid_console", ""),
    ("testme", "/public"),
    ("public_assets_upload_url", "/_assets"),
    ("public_assets_download_url", "/_assets"),
];

/// Answer of `fetchCommunityInfo`.
#[derive(Serialize)]
struct Info<'a> {
    tenant: TenantView<'a>,
    community: CommunityView<'a>,
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct TenantView<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
    tenanttype: &'a str,
    tenanttag: &'a str,
    name: &'a str,
    #[serde(rename = "otherDNS")]
    other_dns: &'a [String],
    #[serde(rename = "displayTenantInfoForPersona")]
    display: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommunityView<'a> {
    id: &'a str,
    #[serde(rename = "tenantid")]
    tenant_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_logo: Option<&'a str>,
    name: &'a str,
    public_key: &'a str,
    accounts_per_person: i64,
    persons_per_account: i64,
    person_limit_rule: &'a str,
    otp_seed: Option<&'a str>,
}

const SERVICE_DIRECTORY: Endpoint = Endpoint::open(&[200]);
const COMMUNITY_INFO: Endpoint = Endpoint::open(&[200, 400]);

/// `GET /idproofingapi/sd` and `GET /caas/sd`: where the services are.
///
/// 200 with their addresses. Anybody may ask.
pub(super) fn services(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    SERVICE_DIRECTORY.answer(cx, req, |cx, call| {
        let address = |(name, path): &(&str, &str)| ((*name).to_owned(), Value::String(req.links.url("api", path)));
        let services: Object = SERVICES.iter().map(address).collect();
        call.reply(cx, &services)
    })
}

/// `POST /api/r1/system/community_info/fetch`: a tenant and one of its communities, by names or ids.
///
/// 200 with them; 400 when there is no such tenant or community. Anybody may ask.
pub(super) fn community(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    COMMUNITY_INFO.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let (tenant, community) = find(cx, call, &body)?.ok_or_else(|| Error::bare("Unable to load tenant/community"))?;
        let logos = body.get("skipLogos") != Some(&Value::Bool(true));
        let info = Info {
            tenant: TenantView {
                id: &tenant.id,
                firstname: &tenant.firstname,
                lastname: &tenant.lastname,
                tenanttype: &tenant.kind,
                tenanttag: &tenant.tag,
                name: &tenant.name,
                other_dns: &tenant.other_dns,
                display: true,
            },
            community: CommunityView {
                id: &community.id,
                tenant_id: &community.tenant_id,
                logo: logos.then_some(SAMPLE_IMAGE),
                mobile_logo: logos.then_some(""),
                name: &community.name,
                public_key: &call.keys.public,
                accounts_per_person: 12,
                persons_per_account: 20,
                person_limit_rule: "reject",
                otp_seed: None,
            },
            message: None,
        };
        call.reply(cx, &info)
    })
}

fn find(cx: &Cx<'_>, call: &Call<'_>, body: &Object) -> Result<Option<(Tenant, Community)>, Error> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let tenant = match (text("dns"), text("tenantId")) {
        (Some(dns), _) => resolve_tenant(cx, call.req, dns)?,
        (None, Some(id)) => store::tenant(cx.db, id)?,
        (None, None) => None,
    };
    let Some(tenant) = tenant else { return Ok(None) };
    let community = match (text("communityName"), text("communityId")) {
        (Some(name), _) => store::community_by_name(cx.db, &tenant.id, name)?,
        (None, Some(id)) => store::community(cx.db, &tenant.id, id)?,
        (None, None) => None,
    };
    Ok(community.map(|community| (tenant, community)))
}
