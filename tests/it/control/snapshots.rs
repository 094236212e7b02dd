//! `snapshots`, `database`: states put aside, gone back to, taken away as a file and brought back.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;
use understudy::worlds::{Spec, Start};

use super::{Controlled, control_of, detail, issue, issued_id, start_flow};
use crate::client::{Client, Response};
use crate::harness::{Api, builder, contract};
use crate::{five_north, kosmos, public_mint};

/// Takes a snapshot; returns the answer's body.
async fn take(control: &Client, body: Value) -> Value {
    let made = control.post("/snapshots", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()
}

async fn restore(control: &Client, id: &str) {
    let answer = control.post(&format!("/snapshots/{id}/restore"), ()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// Loads a file; returns the answer.
async fn load(control: &Client, bytes: Vec<u8>) -> Response {
    control.post("/snapshots", bytes).header("content-type", "application/vnd.sqlite3").await
}

async fn has(verified: &Client, id: &str) -> bool {
    let answer = verified.get(&format!("/credentials/{id}")).await;
    assert!(matches!(answer.status, StatusCode::OK | StatusCode::NOT_FOUND), "{}", answer.text());
    answer.status == StatusCode::OK
}

/// A downloaded file on disk.
fn on_disk(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite3");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The file after `statements` were run in it.
fn edited(bytes: &[u8], statements: &str) -> Vec<u8> {
    let (_folder, path) = on_disk(bytes);
    let db = Connection::open(&path).unwrap();
    db.execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    drop(db);
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn a_snapshot_says_what_it_is_and_where() {
    let server = Controlled::start();
    let made = server.control.post("/snapshots", json!({"name": "Before sign-up"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.location(), format!("{}/snapshots/before-sign-up", server.understudy.control_url()));
    let shown = made.json();
    assert_eq!(
        (&shown["id"], &shown["name"], &shown["now"], &shown["clock"], &shown["seed"]),
        (&json!("before-sign-up"), &json!("Before sign-up"), &json!("2026-01-01T00:00:00.000Z"), &json!("frozen"), &json!(7))
    );
    assert!(shown["memory_bytes"].as_u64().unwrap() < shown["size_bytes"].as_u64().unwrap() / 2, "{shown}");
    let unnamed = take(&server.control, json!({})).await;
    assert_eq!((&unnamed["id"], &unnamed["name"]), (&json!("snap-1"), &Value::Null));
    assert_eq!(server.control.get("/snapshots").await.json(), json!({"snapshots": [shown, unnamed]}));
    assert_eq!(server.control.delete("/snapshots/before-sign-up").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.control.get("/snapshots").await.json(), json!({"snapshots": [unnamed]}));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nothing_is_kept() {
    let server = Controlled::start();
    let long = "n".repeat(101);
    let name =
        |name: &str| format!("name: {name:?} cannot be a snapshot's name: 1 to 100 characters, none of them a control character");
    for (path, body, expected) in [
        ("/snapshots", json!({"name": ""}), name("")),
        ("/snapshots", json!({"name": "a\nb"}), name("a\nb")),
        ("/snapshots", json!({"name": long}), name(&long)),
        ("/snapshots", json!({"name": 1}), "name: invalid type: integer `1`, expected a string".to_owned()),
        ("/snapshots", json!({"title": "a"}), "title: unknown field `title`, expected `name`".to_owned()),
        (
            "/snapshots?name=a",
            json!({}),
            "there is no parameter \"name\"; a file may have ?name=, an object has it inside".to_owned(),
        ),
    ] {
        let answer = server.control.post(path, body.clone()).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, &body.to_string());
        assert!(detail.contains(&expected), "{body}: {detail}");
    }
    let file = server.control.get("/database").await.body.to_vec();
    for (query, expected) in [("name=", name("")), ("nam=x", "there is no parameter \"nam\"".to_owned())] {
        let answer = server.control.post(&format!("/snapshots?{query}"), file.clone()).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, query);
        assert!(detail.contains(&expected), "{query}: {detail}");
    }
    assert_eq!(server.control.get("/snapshots").await.json(), json!({"snapshots": []}));
}

#[tokio::test]
async fn restoring_undoes_data_timers_settings_messages_chance_and_clock_and_keeps_the_journal() {
    let server = Controlled::start();
    let (control, verified) = (&server.control, &server.verified);
    let kept = issued_id(&issue(verified, "kept@example.com").await);
    start_flow(verified).await;
    let state = async || {
        let mut seen = vec![control.get("/clock").await.json()["now"].clone()];
        for path in ["/outbox", "/settings/verified"] {
            seen.push(control.get(path).await.json());
        }
        seen
    };
    let before = state().await;
    take(control, json!({"name": "s"})).await;
    let course = async || {
        let made = issue(verified, "later@example.com").await;
        // The flow that was started before is over.
        let moved = control.post("/clock/advance", json!({"by": "P1D"})).await;
        assert!(!moved.json()["fired"].as_array().unwrap().is_empty(), "{}", moved.text());
        (made.text().to_owned(), moved.json()["fired"].clone(), start_flow(verified).await)
    };
    let first = course().await;
    control.put("/settings/verified", json!({"wire": "documented"})).await;
    assert_ne!(state().await, before);
    let journal = control.get("/requests").await.json()["requests"].as_array().unwrap().len();

    restore(control, "s").await;
    assert_eq!(state().await, before);
    assert!(has(verified, &kept).await);
    let requests = control.get("/requests").await.json()["requests"].as_array().unwrap().len();
    assert_eq!(requests, journal + 1, "what happened has happened");
    restore(control, "s").await;
    assert_eq!(course().await, first, "the same draws, the same timers");
    restore(control, "s").await;
    assert_eq!(course().await, first, "any number of times");
}

#[tokio::test]
async fn a_snapshot_survives_a_reset_and_goes_with_its_world() {
    let server = Controlled::start();
    let id = issued_id(&issue(&server.verified, "a@example.com").await);
    take(&server.control, json!({"name": "s"})).await;
    server.control.post("/reset", ()).await;
    assert!(!has(&server.verified, &id).await);
    restore(&server.control, "s").await;
    assert!(has(&server.verified, &id).await);

    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, _) = server.of("w");
    take(&control, json!({})).await;
    server.control.delete("/worlds/w").await;
    server.control.post("/worlds", json!({"name": "w"})).await;
    assert_eq!(control.get("/snapshots").await.json(), json!({"snapshots": []}));
}

#[tokio::test]
async fn unknown_snapshots_and_worlds_are_not_found() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    take(&server.of("w").0, json!({"name": "of-w"})).await;
    let nobody = server.of("nobody").0;
    for id in ["nothing", "of-w", "a%20b"] {
        let shown = id.replace("%20", " ");
        let expected = format!("the world \"default\" has no snapshot {shown:?}");
        for answer in [
            server.control.post(&format!("/snapshots/{id}/restore"), ()).await,
            server.control.delete(&format!("/snapshots/{id}")).await,
            server.control.get(&format!("/snapshots/{id}/file")).await,
            server.control.post("/worlds", json!({"from": format!("snapshot:{shown}")})).await,
        ] {
            assert_eq!(detail(&answer, StatusCode::NOT_FOUND, id), expected);
        }
    }
    for answer in [
        nobody.get("/snapshots").await,
        nobody.post("/snapshots", ()).await,
        nobody.post("/snapshots/a/restore", ()).await,
        nobody.delete("/snapshots/a").await,
        nobody.get("/snapshots/a/file").await,
        nobody.get("/database").await,
    ] {
        assert!(detail(&answer, StatusCode::NOT_FOUND, "nobody").starts_with("there is no world named \"nobody\""));
    }
    let answer = server.control.post("/worlds", json!({"from": "snapshot:nobody/a"})).await;
    assert_eq!(detail(&answer, StatusCode::NOT_FOUND, "nobody"), "there is no world named \"nobody\" to copy");
}

#[tokio::test]
async fn a_world_begins_with_a_snapshot_of_the_world_that_is_asked_or_of_another() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, verified) = server.of("w");
    let id = issued_id(&issue(&verified, "a@example.com").await);
    take(&control, json!({"name": "s"})).await;
    let next = issue(&verified, "next@example.com").await;
    for (asked, from) in [(&control, "snapshot:s"), (&server.control, "snapshot:w/s")] {
        let made = asked.post("/worlds", json!({"from": from})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{from}: {}", made.text());
        let name = made.json()["name"].as_str().unwrap().to_owned();
        let (control, copy) = server.of(&name);
        assert_eq!(issued_id(&issue(&copy, "next@example.com").await), issued_id(&next), "{from}");
        assert!(has(&copy, &id).await, "{from}");
        assert_eq!(control.get("/snapshots").await.json(), json!({"snapshots": []}), "{from}");
        control.post("/reset", ()).await;
        assert!(has(&copy, &id).await, "{from}: it goes back to the snapshot");
    }
}

#[tokio::test]
async fn a_downloaded_file_is_a_plain_database_of_the_state() {
    let server = Controlled::start();
    issue(&server.verified, "a@example.com").await;
    take(&server.control, json!({"name": "s"})).await;
    issue(&server.verified, "b@example.com").await;
    server.control.post("/clock/advance", json!({"by": "PT1H"})).await;
    for (path, name, now) in [
        ("/snapshots/s/file", "default-s.sqlite3", "2026-01-01T00:00:00Z"),
        ("/database", "default.sqlite3", "2026-01-01T01:00:00Z"),
    ] {
        let answer = server.control.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{name}\""));
        let (_folder, file) = on_disk(&answer.body);
        let db = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let text = |query: &str| db.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("PRAGMA integrity_check"), "ok", "{path}");
        assert_eq!(text("PRAGMA journal_mode"), "delete", "{path}: it stands alone");
        let clock = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', clock_ms / 1000, 'unixepoch') FROM world";
        assert_eq!(text(clock), now, "{path}");
    }
}

#[tokio::test]
async fn a_file_that_was_downloaded_is_loaded_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let server = Controlled::start();
    let kept = issued_id(&issue(&server.verified, "a@example.com").await);
    let file = server.control.get("/database").await.body.to_vec();
    let next = issue(&server.verified, "next@example.com").await.text().to_owned();

    let other = Controlled::with(builder().only(["verified"]).seed(99));
    let loaded = other.control.post("/snapshots?name=From+elsewhere", file.clone()).await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.text());
    let shown = loaded.json();
    assert_eq!((&shown["id"], &shown["name"], &shown["seed"]), (&json!("from-elsewhere"), &json!("From elsewhere"), &json!(7)));
    assert!(!has(&other.verified, &kept).await, "it is kept, not taken");
    restore(&other.control, "from-elsewhere").await;
    assert_eq!(issue(&other.verified, "next@example.com").await.text(), next);

    let path = folder.path().join("data.db");
    std::fs::write(&path, &file).unwrap();
    let resumed = Controlled::with(understudy::Understudy::builder().only(["verified"]).data(&path));
    assert_eq!(issue(&resumed.verified, "next@example.com").await.text(), next);
    take(&resumed.control, json!({"name": "in-file"})).await;
    let lost = issued_id(&issue(&resumed.verified, "lost@example.com").await);
    restore(&resumed.control, "in-file").await;
    assert!(!has(&resumed.verified, &lost).await);
    drop(resumed);
    let again = Controlled::with(understudy::Understudy::builder().only(["verified"]).data(&path));
    assert!(!has(&again.verified, &lost).await && has(&again.verified, &kept).await, "what was restored is in the file");
}

#[tokio::test]
async fn a_file_of_an_older_version_and_of_another_page_size_is_brought_up_to_date() {
    let server = Controlled::start();
    let id = issued_id(&issue(&server.verified, "a@example.com").await);
    let file = server.control.get("/database").await.body.to_vec();
    for (case, statements) in [
        (
            "older",
            "DROP TABLE world_delivery; DROP TABLE world_timer_waiting; UPDATE world_schema SET steps = 1 WHERE owner = 'world'",
        ),
        ("pages", "PRAGMA page_size = 8192; VACUUM"),
        ("a log", "PRAGMA journal_mode = WAL"),
        ("statistics", "ANALYZE"),
    ] {
        let loaded = load(&server.control, edited(&file, statements)).await;
        assert_eq!(loaded.status, StatusCode::CREATED, "{case}: {}", loaded.text());
        server.control.post("/reset", ()).await;
        restore(&server.control, loaded.json()["id"].as_str().unwrap()).await;
        assert!(has(&server.verified, &id).await, "{case}");
        issue(&server.verified, "b@example.com").await;
    }
}

#[tokio::test]
async fn a_file_with_providers_that_are_left_out_is_taken_whole() {
    let all = Controlled::with(builder());
    assert_eq!(all.control.put("/settings/identus", json!({"step_ms": 300})).await.status, StatusCode::OK);
    let others = async |server: &Controlled| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("others.db");
        std::fs::write(&path, server.control.get("/database").await.body).unwrap();
        let db = Connection::open(&path).unwrap();
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'verified%' AND name NOT LIKE 'world%'";
        let names: Vec<String> =
            db.prepare(names).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let count = |name: String| {
            let rows: i64 = db.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap();
            (name, rows)
        };
        (names.into_iter().map(count).collect::<Vec<_>>(), server.control.get("/settings/identus").await.json())
    };
    let before = others(&all).await;
    assert!(before.0.iter().filter(|(_, rows)| *rows > 0).count() > 10, "{before:?}");
    let file = all.control.get("/database").await.body.to_vec();

    // Over a server that knows one of its providers, and back.
    let few = Controlled::start();
    let loaded = load(&few.control, file).await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.text());
    restore(&few.control, loaded.json()["id"].as_str().unwrap()).await;
    let id = issued_id(&issue(&few.verified, "a@example.com").await);
    let file = few.control.get("/database").await.body.to_vec();
    let again = load(&few.control, file.clone()).await;
    assert_eq!(again.status, StatusCode::CREATED, "its own file: {}", again.text());

    all.control.post("/reset", ()).await;
    let loaded = load(&all.control, file.clone()).await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.text());
    restore(&all.control, loaded.json()["id"].as_str().unwrap()).await;
    assert_eq!(others(&all).await, before);
    assert!(has(&all.verified, &id).await);

    for (case, statements, expected) in [
        ("newer", "UPDATE world_schema SET steps = 99 WHERE owner = 'identus'", "the file was written by a newer version of"),
        ("lost", "DROP INDEX five_north_approval_user", "the file lacks the index \"five_north_approval_user\""),
        (
            "a setting",
            "INSERT INTO world_setting VALUES ('5n', 'nothing', '1')",
            "the file's settings: 5n has no setting \"nothing\"",
        ),
    ] {
        let refused = load(&few.control, edited(&file, statements)).await;
        let detail = detail(&refused, StatusCode::BAD_REQUEST, case);
        assert!(detail.starts_with(expected), "{case}: {detail}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_a_state_are_refused_and_change_nothing() {
    let server = Controlled::start();
    issue(&server.verified, "a@example.com").await;
    let file = server.control.get("/database").await.body.to_vec();
    let half = file[..file.len() / 2].to_vec();
    let mut scribbled = file.clone();
    scribbled[2048 * 10..2048 * 40].fill(0xA5);
    let foreign = edited(&[], "CREATE TABLE t (n INTEGER)");
    let ours = |statements: &str| edited(&file, statements);
    let dangling = "PRAGMA foreign_keys = OFF; DELETE FROM verified_brand";
    for (case, bytes, expected) in [
        ("nothing", Vec::new(), "the file is not an SQLite database"),
        ("text", b"hello".to_vec(), "the file is not an SQLite database"),
        ("a header", b"SQLite format 3\0".to_vec(), "the file is damaged: "),
        ("cut", half, "the file is damaged: "),
        ("scribbled", scribbled, "the file is damaged: "),
        ("foreign", foreign, "the file is an SQLite database of another program, not of Understudy"),
        ("no world", ours("DELETE FROM world"), "the file holds no world"),
        (
            "newer",
            ours("UPDATE world_schema SET steps = 99 WHERE owner = 'verified'"),
            "the file was written by a newer version of",
        ),
        (
            "newer world",
            ours("UPDATE world_schema SET steps = 99 WHERE owner = 'world'"),
            "the file was written by a newer version of",
        ),
        ("a table", ours("CREATE TABLE mine (n)"), "the file has a table \"mine\" that no world of this server has"),
        ("a view", ours("CREATE VIEW v AS SELECT 1"), "the file has a view \"v\" that no world of this server has"),
        (
            "a trigger",
            ours("CREATE TRIGGER t AFTER INSERT ON world_message BEGIN DELETE FROM world; END"),
            "the file has a trigger \"t\" that no world of this server has",
        ),
        ("an index", ours("CREATE INDEX i ON world (seed)"), "the file has a index \"i\" that no world of this server has"),
        (
            "a column",
            ours("ALTER TABLE world ADD COLUMN extra TEXT"),
            "the file has a table \"world\" that no world of this server has",
        ),
        ("a lost index", ours("DROP INDEX world_timer_due"), "the file lacks the index \"world_timer_due\""),
        ("a lost table", ours("DROP TABLE world_setting"), "the file lacks the table \"world_setting\""),
        ("a dangling row", ours(dangling), "whose row in verified_brand is missing"),
        ("a mode", ours("UPDATE world SET clock_mode = 'odd'"), "the file's clock cannot be shown: odd, "),
        ("a moment", ours("UPDATE world SET clock_ms = -1"), "the file's clock cannot be shown: frozen, -1"),
        (
            "an offset",
            ours("UPDATE world SET clock_mode = 'running', clock_ms = 9223372036854775807"),
            "the file's clock cannot be",
        ),
        (
            "an endless timer",
            ours("INSERT INTO world_timer (provider, kind, subject, due_ms, every_ms) VALUES ('verified', 'x', '', 0, 0)"),
            "the file has a timer that comes back more often than every second",
        ),
        (
            "an unknown setting",
            ours("INSERT INTO world_setting VALUES ('verified', 'nothing', '1')"),
            "the file's settings: verified has no setting \"nothing\"",
        ),
        ("a setting", ours("INSERT INTO world_setting VALUES ('verified', 'wire', '1')"), "the file's settings: verified.wire: "),
        ("no JSON", ours("INSERT INTO world_setting VALUES ('verified', 'wire', '{')"), "the file is damaged: "),
    ] {
        let answer = load(&server.control, bytes).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, case);
        assert!(detail.contains(expected), "{case}: {detail}");
    }
    assert_eq!(server.control.get("/snapshots").await.json(), json!({"snapshots": []}));
    assert!(server.control.get("/database").await.body == file, "nothing changed");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let server = Controlled::start();
    let answer = load(&server.control, vec![0; 32 * 1024 * 1024 + 1]).await;
    assert_eq!(detail(&answer, StatusCode::PAYLOAD_TOO_LARGE, "32 MiB and one"), "body over 33554432 bytes");
}

#[tokio::test]
async fn snapshots_that_take_too_much_memory_are_refused_until_another_is_deleted() {
    let server = Controlled::with(builder().only(["verified"]).snapshot_memory(100_000));
    let mut last = StatusCode::CREATED;
    for n in 0..100 {
        issue(&server.verified, &format!("{n}@example.com")).await;
        let answer = server.control.post("/snapshots", ()).await;
        last = answer.status;
        if last != StatusCode::CREATED {
            let detail = detail(&answer, StatusCode::INSUFFICIENT_STORAGE, "full");
            assert!(detail.ends_with("and may take 100000; delete some, or delete worlds that have some"), "{detail}");
            break;
        }
    }
    assert_eq!(last, StatusCode::INSUFFICIENT_STORAGE);
    let held = server.control.get("/snapshots").await.json()["snapshots"].as_array().unwrap().len();
    assert!(held > 0);
    for n in 1..=held {
        assert_eq!(server.control.delete(&format!("/snapshots/snap-{n}")).await.status, StatusCode::NO_CONTENT);
    }
    take(&server.control, json!({})).await;
}

/// What a provider answers next, to a request for which it draws, and which is not repeated but under another number.
async fn next(slug: &str, client: &Client, number: u8) -> String {
    let answer = match slug {
        "verified" => issue(&client.clone().bearer(super::KEY), "next@example.com").await,
        "5n" => {
            let form =
                [("grant_type", "client_credentials"), ("client_id", five_north::CLIENT), ("client_secret", five_north::SECRET)];
            let answer = client.post(five_north::TOKEN, form).await;
            // The rest of the token names the world.
            let claims = answer.json()["access_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
            let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
            return claims["jti"].as_str().unwrap().to_owned();
        }
        "identus" => client.post("/api/v1/wallet/mnemonic", ()).await,
        "1kosmos" => return kosmos::create(client, kosmos::creation("u", json!({}))).await,
        "publicmint" => {
            let keyed = client.header("apikey", public_mint::KEY_A);
            let mut maria = public_mint::maria();
            maria["email"] = json!(format!("maria{number}@example.com"));
            keyed.post("/identities", maria).await
        }
        other => panic!("{other}: no request is known"),
    };
    assert!(answer.status.is_success(), "{slug}: {}", answer.text());
    answer.text().to_owned()
}

#[tokio::test]
async fn a_world_from_a_snapshot_or_another_world_is_exact_with_every_provider() {
    let Api { understudy, .. } = Api::with("verified", builder());
    let slugs: Vec<&str> = understudy.providers().collect();
    let original = understudy.create_world(Spec { name: Some("o".to_owned()), ..Spec::default() }).unwrap();
    original.set_clock_mode(understudy::world::clock::Mode::Frozen).unwrap();
    let client = |world: &understudy::WorldHandle, slug: &str| Client::new(world.provider_url(slug)).with_contract(&contract(slug));
    for slug in &slugs {
        next(slug, &client(&original, slug), 0).await;
    }
    let made = take(&control_of(&original), json!({"name": "s"})).await;
    let snapshot = Start::Snapshot { world: "o".to_owned(), id: "s".to_owned() };
    let worlds = [
        understudy.create_world(Spec { name: Some("from-snapshot".to_owned()), from: snapshot, ..Spec::default() }).unwrap(),
        understudy
            .create_world(Spec { name: Some("from-world".to_owned()), from: Start::World("o".to_owned()), ..Spec::default() })
            .unwrap(),
        {
            let file = control_of(&original).get("/snapshots/s/file").await.body;
            let loaded = understudy.load_snapshot(&file, Some("loaded")).unwrap();
            assert_eq!(loaded.saved.now, original.clock().now, "{made}");
            let from = Start::Snapshot { world: "default".to_owned(), id: loaded.id.clone() };
            understudy.create_world(Spec { name: Some("from-file".to_owned()), from, ..Spec::default() }).unwrap()
        },
    ];
    for (slug, round) in slugs.iter().flat_map(|slug| [(slug, 1), (slug, 2)]) {
        let expected = next(slug, &client(&original, slug), round).await;
        for world in &worlds {
            let answer = next(slug, &client(world, slug), round).await;
            assert_eq!(answer, expected, "{slug}, round {round}, {}", world.name());
        }
    }
    let fired = original.advance(chrono::TimeDelta::days(40)).unwrap();
    assert!(fired.len() > 10, "{fired:?}");
    for world in &worlds {
        assert_eq!(world.advance(chrono::TimeDelta::days(40)).unwrap(), fired, "{}", world.name());
    }
    original.restore("s").unwrap();
}
