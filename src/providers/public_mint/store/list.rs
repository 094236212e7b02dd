//! Filtered, sorted pages of an app's identities. Filters and orders are put together from fixed texts; values are always bound.

use rusqlite::types::Value;
use rusqlite::{Connection, Result, ToSql};

use crate::world::store::AsJson;

/// By which time a list is sorted, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Order {
    Oldest,
    Newest,
    FirstUpdated,
    LastUpdated,
}

impl Order {
    /// What is sorted by. A plus keeps SQLite from walking through everything in order where a filter finds few.
    fn sql(self, finds_few: bool) -> &'static str {
        match (self, finds_few) {
            (Self::Oldest, false) => "created_ms, ",
            (Self::Newest, false) => "created_ms DESC, ",
            (Self::FirstUpdated, false) => "updated_ms, ",
            (Self::LastUpdated, false) => "updated_ms DESC, ",
            (Self::Oldest, true) => "+created_ms, ",
            (Self::Newest, true) => "+created_ms DESC, ",
            (Self::FirstUpdated, true) => "+updated_ms, ",
            (Self::LastUpdated, true) => "+updated_ms DESC, ",
        }
    }

    /// Whether both sort by the same time: the second of them changes nothing then.
    pub(in super::super) fn same_key(self, other: Self) -> bool {
        let is_created = |order| matches!(order, Self::Oldest | Self::Newest);
        is_created(self) == is_created(other)
    }
}

/// Which identities of an app are wanted; none of a field means any.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Filter {
    pub blocked: Option<bool>,
    /// The whole address, in lower case.
    pub email: Option<String>,
    /// A part of the address, in lower case.
    pub email_part: Option<String>,
    /// Any of these ids.
    pub ids: Option<Vec<String>>,
    /// Any of these owners.
    pub owners: Option<Vec<String>>,
    pub name: Option<String>,
    /// Any of these ratings.
    pub risk_ratings: Option<Vec<String>>,
    /// None of these ratings.
    pub other_risk_ratings: Option<Vec<String>>,
    pub r#type: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Window {
    /// How many come before it.
    pub offset: i64,
    /// How many there are at most; all when negative.
    pub limit: i64,
}

/// A part of a statement and the values that it binds.
struct Selection {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
    /// Whether the filter is one that few identities pass.
    finds_few: bool,
}

impl Selection {
    fn new(app_id: &str, filter: &Filter) -> Self {
        // With ids to look up, a plus keeps SQLite from reading all identities of the app.
        let app = match filter.ids {
            Some(_) => " FROM public_mint_identity WHERE +app_id = ? AND +deleted_ms IS NULL",
            None => " FROM public_mint_identity WHERE app_id = ? AND deleted_ms IS NULL",
        };
        let mut all = Self {
            sql: app.to_owned(),
            values: vec![Box::new(app_id.to_owned())],
            finds_few: filter.email.is_some() || filter.name.is_some() || filter.ids.is_some() || filter.owners.is_some(),
        };
        all.add(" AND blocked = ?", filter.blocked);
        all.add(" AND email_key = ?", filter.email.clone());
        all.add(" AND instr(email_key, ?) > 0", filter.email_part.clone());
        all.add(" AND name = ?", filter.name.clone());
        all.add(" AND type = ?", filter.r#type.clone());
        all.add_list(" AND id IN (SELECT value FROM json_each(?))", filter.ids.as_ref());
        all.add_list(" AND identity_owner IN (SELECT value FROM json_each(?))", filter.owners.as_ref());
        all.add_list(" AND risk_rating IN (SELECT value FROM json_each(?))", filter.risk_ratings.as_ref());
        all.add_list(" AND risk_rating NOT IN (SELECT value FROM json_each(?))", filter.other_risk_ratings.as_ref());
        all
    }

    fn add(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.sql.push_str(sql);
            self.values.push(Box::new(value.into()));
        }
    }

    fn add_list(&mut self, sql: &str, values: Option<&Vec<String>>) {
        if let Some(values) = values {
            self.sql.push_str(sql);
            self.values.push(Box::new(AsJson(values.clone())));
        }
    }

    fn parameters(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

    fn count(&self) -> String {
        ["SELECT count(*)", &self.sql].concat()
    }

    fn page(&self, orders: &[Order]) -> String {
        let orders: String = orders.iter().map(|order| order.sql(self.finds_few)).collect();
        ["SELECT number", &self.sql, " ORDER BY ", &orders, "id LIMIT ? OFFSET ?"].concat()
    }
}

/// How many identities of an app a filter admits, and the rows of a part of them.
pub(in super::super) fn list(
    db: &Connection,
    app_id: &str,
    filter: &Filter,
    orders: &[Order],
    window: Window,
) -> Result<(i64, Vec<i64>)> {
    let mut selection = Selection::new(app_id, filter);
    let total = db.prepare_cached(&selection.count())?.query_row(selection.parameters().as_slice(), |row| row.get(0))?;
    let page = selection.page(orders);
    selection.values.push(Box::new(window.limit));
    selection.values.push(Box::new(window.offset));
    let numbers =
        db.prepare_cached(&page)?.query_map(selection.parameters().as_slice(), |row| row.get(0))?.collect::<Result<Vec<i64>>>()?;
    Ok((total, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::store::open_memory;

    /// What SQLite would do, step by step.
    fn plan(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Vec<String> {
        let mut statement = db.prepare(&["EXPLAIN QUERY PLAN ", sql].concat()).unwrap();
        statement.query_map(values, |row| row.get(3)).unwrap().map(|step| step.unwrap()).collect()
    }

    #[test]
    fn every_list_is_read_from_an_index_and_its_order_needs_no_sorting() {
        let db = open_memory().unwrap();
        db.execute_batch(include_str!("../schema.sql")).unwrap();
        let some = || Some(vec!["x".to_owned()]);
        let filters = [
            ("none", Filter::default()),
            ("blocked", Filter { blocked: Some(true), ..Filter::default() }),
            ("part of the address", Filter { email_part: Some("x".to_owned()), ..Filter::default() }),
            ("type", Filter { r#type: Some("x".to_owned()), ..Filter::default() }),
            ("rating", Filter { risk_ratings: some(), ..Filter::default() }),
            ("other ratings", Filter { other_risk_ratings: some(), ..Filter::default() }),
        ];
        for (name, filter) in filters {
            let mut selection = Selection::new("a", &filter);
            let steps = plan(&db, &selection.count(), &selection.parameters());
            assert!(steps.iter().any(|step| step.contains("USING COVERING INDEX public_mint_identity_")), "{name}: {steps:?}");
            selection.values.push(Box::new(30));
            selection.values.push(Box::new(0));
            for (order, index) in [
                (Order::Newest, "newest"),
                (Order::Oldest, "oldest"),
                (Order::LastUpdated, "last_updated"),
                (Order::FirstUpdated, "first_updated"),
            ] {
                let steps = plan(&db, &selection.page(&[order]), &selection.parameters());
                let index = format!("USING COVERING INDEX public_mint_identity_{index} (app_id=? AND deleted_ms=?)");
                assert!(steps.iter().any(|step| step.contains(&index)), "{name}, {order:?}: {steps:?}");
                assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{name}, {order:?}: {steps:?}");
            }
        }
    }

    #[test]
    fn filters_that_find_few_are_looked_up() {
        let db = open_memory().unwrap();
        db.execute_batch(include_str!("../schema.sql")).unwrap();
        let some = || Some(vec!["x".to_owned()]);
        for (name, filter, index) in [
            (
                "address",
                Filter { email: Some("x".to_owned()), ..Filter::default() },
                "public_mint_identity_email (app_id=? AND email_key=?)",
            ),
            (
                "name",
                Filter { name: Some("x".to_owned()), ..Filter::default() },
                "public_mint_identity_name (app_id=? AND deleted_ms=? AND name=?)",
            ),
            ("ids", Filter { ids: some(), ..Filter::default() }, "sqlite_autoindex_public_mint_identity_1 (id=?)"),
            (
                "owners",
                Filter { owners: some(), ..Filter::default() },
                "public_mint_identity_owner (app_id=? AND deleted_ms=? AND identity_owner=?)",
            ),
        ] {
            let mut selection = Selection::new("a", &filter);
            let counting = plan(&db, &selection.count(), &selection.parameters());
            selection.values.push(Box::new(30));
            selection.values.push(Box::new(0));
            let leafing = plan(&db, &selection.page(&[Order::Newest]), &selection.parameters());
            for steps in [counting, leafing] {
                assert!(steps.iter().any(|step| step.contains(index)), "{name}: {steps:?}");
            }
        }
    }
}
