//! The list of an app's identities: filters, order and pages in the query, brackets raw or percent-encoded.

use std::collections::BTreeMap;

use http::StatusCode;

use super::auth;
use super::error::Error;
use super::field_errors::{FieldError, FieldErrors};
use super::store::list::{Filter, Order, Window};
use super::store::{self, email_key};
use super::types::Page;
use crate::http::{Reply, Req, form, reply};
use crate::world::Cx;

/// How many identities a page holds unless the query says otherwise.
const PAGE_SIZE: i64 = 30;

const ORDERS: [(&str, Order); 4] = [
    ("createdAt", Order::Oldest),
    ("-createdAt", Order::Newest),
    ("updatedAt", Order::FirstUpdated),
    ("-updatedAt", Order::LastUpdated),
];

/// `GET /identities`: the identities of the app that the filters admit.
///
/// 200 with a page of them and how many there are; 400 `validation_failed` with each parameter that is unknown or wrong.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let mut errors = FieldErrors::default();
    let wanted = Wanted::read(&req.query, &mut errors);
    errors.check()?;
    if wanted.app_id.is_some_and(|id| id != app.id) {
        return Ok(reply::json(StatusCode::OK, &Page { total: 0, data: Vec::new() }));
    }
    let (total, numbers) = store::list::list(cx.db, &app.id, &wanted.filter, &wanted.orders, wanted.window)?;
    let data = store::identities(cx.db, &numbers)?.into_iter().map(|stored| stored.identity).collect();
    Ok(reply::json(StatusCode::OK, &Page { total, data }))
}

/// What a query asks for.
#[derive(Debug)]
struct Wanted {
    app_id: Option<String>,
    filter: Filter,
    orders: Vec<Order>,
    window: Window,
}

impl Wanted {
    fn read(query: &str, errors: &mut FieldErrors) -> Self {
        // Of a repeated parameter the last one counts.
        let parameters: BTreeMap<String, String> =
            form::pairs(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let mut wanted = Self {
            app_id: None,
            filter: Filter::default(),
            orders: orders(&parameters, errors),
            window: window(&parameters, errors),
        };
        for (parameter, value) in &parameters {
            if let Some(name) = parameter.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']')) {
                wanted.read_filter(name, value, parameter, errors);
            }
        }
        wanted
    }

    fn read_filter(&mut self, name: &str, value: &str, parameter: &str, errors: &mut FieldErrors) {
        let (operator, operand) = operator(value);
        let offered: &[&'static str] = match name {
            "appId" | "blocked" | "name" | "type" => &["default"],
            "email" => &["default", "like"],
            "id" | "identityOwner" => &["default", "in"],
            "riskRating" => &["default", "in", "nin"],
            _ => return errors.add(parameter, FieldError::additional_property()),
        };
        if !offered.contains(&operator) {
            return errors.add(parameter, FieldError::invalid_choice(offered));
        }
        let filter = &mut self.filter;
        match (name, operator) {
            ("appId", _) => self.app_id = Some(operand.to_ascii_lowercase()),
            ("blocked", _) => match truth(operand) {
                Some(blocked) => filter.blocked = Some(blocked),
                None => errors.add(parameter, FieldError::invalid_choice(["true", "false"])),
            },
            ("email", "like") => filter.email_part = Some(email_key(operand)),
            ("email", _) => filter.email = Some(email_key(operand)),
            ("id", operator) => filter.ids = Some(ids(operator, operand)),
            ("identityOwner", operator) => filter.owners = Some(ids(operator, operand)),
            ("name", _) => filter.name = Some(operand.to_owned()),
            ("riskRating", "nin") => filter.other_risk_ratings = Some(items(operand)),
            ("riskRating", "in") => filter.risk_ratings = Some(items(operand)),
            ("riskRating", _) => filter.risk_ratings = Some(vec![operand.to_owned()]),
            _ => filter.r#type = Some(operand.to_owned()),
        }
    }
}

/// The operator that a value begins with, and what it works on.
fn operator(value: &str) -> (&'static str, &str) {
    ["in", "nin", "like"]
        .into_iter()
        .find_map(|operator| Some((operator, value.strip_prefix(operator)?.strip_prefix(':')?)))
        .unwrap_or(("default", value))
}

/// The parts of a list; empty ones are no parts.
fn items(operand: &str) -> Vec<String> {
    operand.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The ids that an operand names, in the case in which they are kept. What is no id matches nothing.
fn ids(operator: &str, operand: &str) -> Vec<String> {
    let operand = operand.to_ascii_lowercase();
    if operator == "in" { items(&operand) } else { vec![operand] }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn orders(parameters: &BTreeMap<String, String>, errors: &mut FieldErrors) -> Vec<Order> {
    let Some(sort) = parameters.get("sort") else { return vec![Order::Newest] };
    let mut orders: Vec<Order> = Vec::new();
    for key in sort.split(',') {
        match ORDERS.iter().find(|(name, _)| *name == key) {
            Some((_, order)) if orders.iter().any(|earlier| earlier.same_key(*order)) => {}
            Some((_, order)) => orders.push(*order),
            None => {
                errors.add("sort", FieldError::invalid_choice(ORDERS.map(|(name, _)| name)));
                break;
            }
        }
    }
    orders
}

fn window(parameters: &BTreeMap<String, String>, errors: &mut FieldErrors) -> Window {
    match parameters.get("all").map(|all| truth(all)) {
        Some(Some(true)) => return Window { offset: 0, limit: -1 },
        Some(None) => errors.add("all", FieldError::invalid_choice(["true", "false"])),
        Some(Some(false)) | None => {}
    }
    let mut number = |name: &str, default: i64| {
        let Some(text) = parameters.get(name) else { return default };
        count(text).unwrap_or_else(|| {
            errors.add(name, FieldError::below(1));
            default
        })
    };
    let limit = number("page[size]", PAGE_SIZE);
    let page = number("page[number]", 1);
    Window { offset: limit.saturating_mul(page.saturating_sub(1)), limit }
}

/// A whole number from 1; one that is too large to count with is the largest that is not.
fn count(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse().unwrap_or(i64::MAX) } else { 0 };
    (number >= 1).then_some(number)
}
