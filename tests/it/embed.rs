//! The library: servers inside a Rust test.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use understudy::http::Refusal;
use understudy::world::Failure;
use understudy::world::clock::Mode;
use understudy::world::faults::{BadRule, Respond, Rule};
use understudy::world::journal::{Filter, Since, Statuses};
use understudy::worlds::{NewWorldError, Spec, Start};
use understudy::{StartError, Understudy, WorldHandle};

use crate::control::{KEY, PHONE};
use crate::harness::{builder, start_time};
use crate::raw::{Answer, request};

/// A request to Verified in a world, with Hooli's key.
fn call(world: &WorldHandle, method: &str, path: &str, body: &str) -> Answer {
    let url = world.provider_url("verified");
    let (authority, prefix) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL with a path");
    let key = format!("Authorization: Bearer {KEY}");
    let headers = [key.as_str(), "Content-Type: application/json"];
    request(authority.parse().expect("an address"), method, &format!("/{prefix}{path}"), &headers, body)
}

fn issue(world: &WorldHandle, email: &str) -> String {
    let body = json!({"email": email, "credentials": [{"type": "EmailCredential", "data": {"email": email}}]});
    let made = call(world, "POST", "/credentials", &body.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["credentials"][0]["id"].as_str().unwrap().to_owned()
}

fn has(world: &WorldHandle, id: &str) -> bool {
    let answer = call(world, "GET", &format!("/credentials/{id}"), "");
    assert!(matches!(answer.status, 200 | 404), "{}", answer.text());
    answer.status == 200
}

fn start_flow(world: &WorldHandle) -> String {
    let made = call(world, "POST", "/1-click", &json!({"phone": PHONE}).to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["url"].as_str().unwrap().to_owned()
}

fn named(name: &str) -> Spec {
    Spec { name: Some(name.to_owned()), ..Spec::default() }
}

#[test]
fn several_servers_in_one_process_never_meet() {
    let servers: Vec<Understudy> = (0..4).map(|_| builder().start().unwrap()).collect();
    // The same seed and clock give the same id everywhere, so each gets another number of credentials.
    let ids: Vec<Vec<String>> = servers
        .iter()
        .zip(1..)
        .map(|(server, count)| (0..count).map(|number| issue(server, &format!("{number}@example.com"))).collect())
        .collect();
    for (server, own) in servers.iter().zip(&ids) {
        for id in ids.iter().flatten() {
            assert_eq!(has(server, id), own.contains(id), "{}: {id}", server.url());
        }
    }
}

#[test]
fn a_dropped_server_is_stopped_and_its_ports_are_closed() {
    let understudy = builder().listen("verified", 0).start().unwrap();
    let addresses = understudy.addresses().to_vec();
    assert_eq!(addresses.len(), 2);
    // A client that keeps its connection does not keep the server.
    let idle: Vec<TcpStream> = addresses.iter().map(|address| TcpStream::connect(address).unwrap()).collect();
    drop(understudy);
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} is open");
    }
    drop(idle);
}

#[test]
fn a_port_can_be_used_again_after_a_drop() {
    let first = builder().start().unwrap();
    let address = first.addresses()[0];
    issue(&first, "a@example.com");
    drop(first);
    let second = builder().port(address.port()).start().unwrap();
    assert_eq!(second.addresses(), [address]);
    issue(&second, "a@example.com");
}

#[tokio::test]
async fn a_server_can_be_started_used_and_dropped_inside_a_runtime() {
    let understudy = builder().start().unwrap();
    let client = crate::client::Client::new(understudy.url());
    assert_eq!(client.get("/_understudy/health").await.status, 200);
    drop(understudy);
    assert!(client.get("/_understudy/health").attempt().await.is_err());
}

#[test]
fn a_server_without_any_option_is_in_memory_with_seed_0_and_a_running_clock() {
    let understudy = Understudy::builder().start().unwrap();
    let clock = understudy.clock();
    assert_eq!(clock.mode, Mode::Running);
    assert_eq!(clock.offset_ms, 0);
    let info = request(understudy.addresses()[0], "GET", "/_understudy/info", &[], "").json();
    assert_eq!(info["seed"], 0);
    assert!(understudy.addresses()[0].ip().is_loopback());
}

#[test]
fn urls_lead_where_they_say() {
    let understudy = builder().start().unwrap();
    let address = understudy.addresses()[0];
    assert_eq!(understudy.url(), format!("http://{address}"));
    assert_eq!(understudy.provider_url("verified"), format!("http://{address}/verified"));
    assert_eq!(understudy.control_url(), format!("http://{address}/_understudy"));
    let world = understudy.create_world(named("w")).unwrap();
    assert_eq!(world.url(), format!("http://{address}/~w"));
    assert_eq!(world.provider_url("verified"), format!("http://{address}/~w/verified"));
    assert_eq!(world.control_url(), format!("http://{address}/~w/_understudy"));
    assert_eq!((understudy.name(), world.name()), ("default", "w"));
    assert!(understudy.providers().any(|slug| slug == "verified"));
}

#[test]
fn worlds_are_created_found_copied_and_deleted() {
    let understudy = builder().start().unwrap();
    let world =
        understudy.create_world(Spec { seed: Some(9), now: Some(start_time()), mode: Some(Mode::Frozen), ..named("w") }).unwrap();
    let id = issue(&world, "a@example.com");
    assert!(!has(&understudy, &id), "worlds never see each other");
    assert!(has(&understudy.world("w").unwrap(), &id));
    let copy = understudy.create_world(Spec { from: Start::World("w".to_owned()), ..Spec::default() }).unwrap();
    assert_eq!(copy.name(), "world-1");
    assert_eq!(issue(&copy, "b@example.com"), issue(&world, "b@example.com"), "chance goes on from the same place");
    assert!(has(&copy, &id));
    assert!(understudy.delete_world("w"));
    assert!(!understudy.delete_world("w"));
    assert!(understudy.world("w").is_none());
    assert!(!understudy.delete_world("default"), "it stays");
    assert!(understudy.world("default").is_some());
    assert!(has(&copy, &id), "a copy does not need its source");
}

#[test]
fn a_world_that_cannot_be_says_why() {
    let understudy = builder().start().unwrap();
    let setting = |key: &str, value: Value| vec![("verified".to_owned(), key.to_owned(), value)];
    for (spec, expected) in [
        (
            named("W"),
            "\"W\" cannot be a world's name: 1 to 63 lower-case letters, digits, '-' or '_', beginning with a letter or digit",
        ),
        (named("default"), "there is already a world named \"default\""),
        (Spec { from: Start::World("nobody".to_owned()), ..named("w") }, "there is no world named \"nobody\" to copy"),
        (
            Spec { settings: setting("nothing", json!(1)), ..named("w") },
            "verified has no setting \"nothing\"; it has wire, codes, formats",
        ),
        (Spec { settings: setting("wire", json!(1)), ..named("w") }, "verified.wire: it must be one of seed, observed"),
    ] {
        let error: NewWorldError = understudy.create_world(spec).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
    assert!(understudy.world("w").is_none());
}

#[test]
fn the_clock_is_moved_from_a_blocking_test() {
    let understudy = builder().only(["verified"]).start().unwrap();
    start_flow(&understudy);
    let fired = understudy.advance(TimeDelta::minutes(5)).unwrap();
    assert_eq!(fired.iter().map(|timer| timer.kind.as_str()).collect::<Vec<_>>(), ["codeExpires"]);
    assert_eq!(understudy.clock().now, start_time() + TimeDelta::minutes(5));
    let fired = understudy.set_clock(start_time() + TimeDelta::hours(6)).unwrap();
    assert_eq!(fired.iter().map(|timer| timer.kind.as_str()).collect::<Vec<_>>(), ["flowExpires", "dailyWipe"]);
    understudy.set_clock_mode(Mode::Running).unwrap();
    assert_eq!(understudy.clock().mode, Mode::Running);
    let too_far = understudy.advance(TimeDelta::days(100_000));
    assert!(matches!(too_far, Err(Failure::Refused(_))), "{too_far:?}");
}

#[test]
fn simulations_and_messages_work_without_http() {
    let understudy = builder().setting("verified", "codes", json!("random")).start().unwrap();
    let wallet = start_flow(&understudy);
    let messages = understudy.messages(Some(PHONE)).unwrap();
    let code = messages[0].code.clone().unwrap();
    assert_ne!(code, "111111", "the setting is obeyed");
    assert_eq!(understudy.messages(Some("nobody")).unwrap(), []);
    assert_eq!(understudy.messages(None).unwrap(), messages);
    let done = understudy.simulate("verified", "consent", json!({"url": wallet, "code": code})).unwrap();
    let uuid = done["uuid"].as_str().unwrap();
    assert_eq!(call(&understudy, "GET", &format!("/1-click/{uuid}"), "").status, 200);

    let again = understudy.simulate("verified", "consent", json!({"url": wallet}));
    assert!(matches!(again, Err(Refusal::Conflict(_))), "{again:?}");
    for (slug, name) in [("nobody", "consent"), ("verified", "nothing")] {
        let unknown = understudy.simulate(slug, name, json!({}));
        assert!(matches!(unknown, Err(Refusal::NotFound(_))), "{slug} {name}: {unknown:?}");
    }
    let wrong = understudy.simulate("verified", "consent", json!({}));
    assert!(matches!(wrong, Err(Refusal::Invalid(_))), "{wrong:?}");
}

#[test]
fn faults_are_made_counted_and_taken_back_without_http() {
    let understudy = builder().start().unwrap();
    let world = understudy.create_world(named("w")).unwrap();
    let down = |times| Rule {
        provider: Some("verified".to_owned()),
        operation: Some("listSchemas".to_owned()),
        respond: Some(Respond { status: 503, headers: BTreeMap::new(), body: Some(json!("down")) }),
        times,
        ..Rule::default()
    };
    let id = understudy.fault(down(Some(1))).unwrap();
    assert_eq!(understudy.fault_hits(id), Some(0));
    assert_eq!(call(&world, "GET", "/schema", "").status, 200, "another world");
    assert_eq!(call(&understudy, "GET", "/schema", "").text(), "down");
    assert_eq!(call(&understudy, "GET", "/schema", "").status, 200, "it is spent");
    assert_eq!(understudy.fault_hits(id), Some(1));
    let [fault] = &understudy.faults()[..] else { panic!("one rule was made") };
    assert_eq!((fault.id, fault.hits, fault.spent, &fault.rule), (id, 1, true, &down(Some(1))));

    let other = understudy.fault(down(None)).unwrap();
    assert!(understudy.remove_fault(id) && !understudy.remove_fault(id));
    assert_eq!((understudy.fault_hits(id), understudy.fault_hits(other)), (None, Some(0)));
    understudy.clear_faults();
    assert_eq!(understudy.faults(), []);
    assert_eq!(call(&understudy, "GET", "/schema", "").status, 200);

    for (rule, expected) in [
        (Rule::default(), "a fault needs an effect: "),
        (Rule { provider: Some("nobody".to_owned()), ..down(None) }, "provider: there is no provider \"nobody\"; there are "),
        (Rule { operation: Some("fly".to_owned()), ..down(None) }, "operation: there is no operation \"fly\"; verified has "),
    ] {
        let error = understudy.fault(rule).expect_err(expected);
        assert!(matches!(error, BadRule::Invalid(_)) && error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_simulation_acts_in_the_world_of_its_handle() {
    let understudy = builder().start().unwrap();
    let world = understudy.create_world(named("w")).unwrap();
    let wallet = start_flow(&world);
    assert!(understudy.simulate("verified", "consent", json!({"url": wallet})).is_err());
    assert!(world.simulate("verified", "consent", json!({"url": wallet})).is_ok());
    assert_eq!((understudy.messages(None).unwrap().len(), world.messages(None).unwrap().len()), (0, 1));
}

#[test]
fn requests_are_read_without_http() {
    let understudy = builder().start().unwrap();
    let world = understudy.create_world(named("w")).unwrap();
    issue(&understudy, "a@example.com");
    assert!(!has(&understudy, "none"));
    assert_eq!(world.requests(&Filter::default()).len(), 0, "worlds never see each other");
    let all = understudy.requests(&Filter::default());
    assert_eq!(all.iter().map(|one| (one.id, one.status.as_u16())).collect::<Vec<_>>(), [(1, 201), (2, 404)]);
    assert_eq!((&all[0].method, all[0].path.as_str(), all[0].operation), (&Method::POST, "/credentials", Some("issueCredentials")));
    assert_eq!(serde_json::from_slice::<Value>(&all[0].request_body).unwrap()["email"], "a@example.com");
    let failed = Filter { statuses: vec![Statuses::Class(4)], since: Some(Since::Id(1)), ..Filter::default() };
    assert_eq!(understudy.requests(&failed).iter().map(|one| one.id).collect::<Vec<_>>(), [2]);
}

#[test]
fn requests_are_waited_for_in_real_time() {
    let understudy = builder().start().unwrap();
    let long = Duration::from_mins(1);
    let issued = Filter { operations: vec!["issueCredentials".to_owned()], ..Filter::default() };
    std::thread::scope(|scope| {
        let app = understudy.clone();
        scope.spawn(move || {
            for number in 0..3 {
                issue(&app, &format!("{number}@example.com"));
            }
        });
        assert!(understudy.wait_for_requests(&issued, 3, long).len() >= 3);
    });
    assert_eq!(understudy.wait_for_requests(&issued, 4, Duration::from_millis(5)).len(), 3, "its patience is over");
    assert_eq!(understudy.wait_for_requests(&issued, 4, Duration::ZERO).len(), 3);
    assert_eq!(understudy.wait_for_requests(&issued, 1, long).len(), 3, "all that are there");
}

/// A session with ids, codes, timers and a reset of the clock; its answers, byte by byte, but for the address.
fn session(world: &WorldHandle) -> Vec<String> {
    let wallet = start_flow(world);
    let done = world.simulate("verified", "consent", json!({"url": wallet})).unwrap();
    world.advance(TimeDelta::minutes(1)).unwrap();
    let id = issue(world, "a@example.com");
    let read = [
        format!("/1-click/{}", done["uuid"].as_str().unwrap()),
        format!("/credentials/{id}"),
        "/userCredentials/richard%40piedpiper.net".to_owned(),
        "/nothing".to_owned(),
    ];
    let mut answers: Vec<String> = read.iter().map(|path| format!("{:?}", call(world, "GET", path, ""))).collect();
    answers.push(done.to_string());
    answers.push(wallet);
    answers.push(format!("{:?}", world.messages(None).unwrap()));
    let url = world.url();
    answers.iter().map(|answer| answer.replace(&url, "")).collect()
}

#[test]
fn the_same_seed_and_frozen_clock_give_the_same_bytes() {
    let first = session(&builder().start().unwrap());
    let second = session(&builder().start().unwrap());
    assert_eq!(first, second);
    let other = session(&builder().seed(8).start().unwrap());
    assert_ne!(first, other, "another seed gives others");
    let several = session(&builder().workers(4).start().unwrap());
    assert_eq!(first, several, "whatever the number of threads");
}

#[test]
fn a_world_after_a_reset_gives_the_bytes_of_a_fresh_one() {
    let understudy = builder().setting("verified", "codes", json!("random")).start().unwrap();
    let first = session(&understudy);
    assert_ne!(session(&understudy), first, "a session leaves traces");
    understudy.reset().unwrap();
    assert_eq!(session(&understudy), first);
}

#[test]
fn a_fixtures_folder_replaces_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../fixtures/verified.json").replace("richard@piedpiper.net", "richard@aviato.example");
    std::fs::write(folder.path().join("verified.json"), text).unwrap();
    let understudy = builder().fixtures(folder.path()).start().unwrap();
    let credentials = |email: &str| call(&understudy, "GET", &format!("/userCredentials/{email}"), "");
    assert_eq!(credentials("richard%40aviato.example").status, 200);
    assert_ne!(credentials("richard%40aviato.example").body, credentials("richard%40piedpiper.net").body);
}

#[test]
fn only_the_providers_that_are_asked_for_are_there_whatever_fixtures_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for provider in understudy::providers::all() {
        let about = provider.about();
        std::fs::write(folder.path().join(format!("{}.json", about.slug)), about.fixture).unwrap();
    }
    let understudy = builder().only(["verified"]).fixtures(folder.path()).start().unwrap();
    assert_eq!(understudy.providers().collect::<Vec<_>>(), ["verified"]);
    issue(&understudy, "a@example.com");
}

#[test]
fn a_start_that_fails_says_why() {
    let taken = builder().start().unwrap();
    let port = taken.addresses()[0].port();
    let error = builder().port(port).start().expect_err("the port is taken");
    assert!(matches!(error, StartError::Bind { .. }), "{error:?}");
    let error = builder().only(["nobody"]).start().expect_err("there is no such provider");
    assert!(error.to_string().starts_with("there is no provider \"nobody\"; there are verified"), "{error}");
    let error = builder().listen("nobody", 0).start().expect_err("there is no such provider");
    assert!(error.to_string().starts_with("there is no provider \"nobody\""), "{error}");
    let error = builder().setting("verified", "wire", json!(1)).start().expect_err("there is no such value");
    assert!(matches!(error, StartError::Setting(_)), "{error:?}");
    let error = builder().frozen_at("2300-01-01T00:00:00Z".parse().unwrap()).start().expect_err("no clock shows it");
    assert!(error.to_string().starts_with("the clock can show "), "{error}");
}

#[test]
fn a_data_file_keeps_the_default_world_and_is_let_go_on_drop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.db");
    let first = builder().data(&file).start().unwrap();
    let id = issue(&first, "a@example.com");
    first.advance(TimeDelta::hours(1)).unwrap();
    let world = first.create_world(named("w")).unwrap();
    let error = builder().data(&file).start().expect_err("the file is in use");
    assert!(error.to_string().ends_with("is in use by another process; stop it or use another file"), "{error}");
    drop(world);
    drop(first);
    let second = Understudy::builder().data(&file).start().unwrap();
    assert!(has(&second, &id));
    assert_eq!(second.clock().now, start_time() + TimeDelta::hours(1));
    assert!(second.world("w").is_none(), "other worlds are in memory");
}

#[test]
fn a_panicking_test_stops_its_server() {
    let mut address: Option<SocketAddr> = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let understudy = builder().start().unwrap();
        address = Some(understudy.addresses()[0]);
        panic!("as a failing test does");
    }));
    assert!(outcome.is_err());
    assert!(TcpStream::connect(address.unwrap()).is_err());
}

#[test]
fn sixty_four_worlds_live_side_by_side() {
    let understudy = builder().start().unwrap();
    let worlds: Vec<WorldHandle> = (0..64).map(|_| understudy.create_world(Spec::default()).unwrap()).collect();
    for (world, number) in worlds.iter().zip(0..) {
        for _ in 0..number % 3 {
            issue(world, "a@example.com");
        }
    }
    for (world, number) in worlds.iter().zip(0..) {
        let noted = request(understudy.addresses()[0], "GET", &format!("/~{}/_understudy/requests", world.name()), &[], "").json();
        assert_eq!(noted["requests"].as_array().unwrap().len(), number % 3, "{}", world.name());
    }
}

#[test]
fn a_state_is_put_aside_gone_back_to_and_taken_to_another_server() {
    let server = builder().start().unwrap();
    let kept = issue(&server, "kept@example.com");
    let snapshot = server.snapshot(Some("With one")).unwrap();
    assert_eq!((snapshot.id.as_str(), snapshot.name.as_deref(), snapshot.saved.now), ("with-one", Some("With one"), start_time()));
    server.advance(TimeDelta::hours(1)).unwrap();
    let lost = issue(&server, "lost@example.com");

    let from = Start::Snapshot { world: "default".to_owned(), id: snapshot.id.clone() };
    let world = server.create_world(Spec { from, ..Spec::default() }).unwrap();
    assert!(has(&world, &kept) && !has(&world, &lost));
    assert_eq!(world.clock().now, start_time());
    server.restore("with-one").unwrap();
    assert!(has(&server, &kept) && !has(&server, &lost));
    assert_eq!(server.clock().now, start_time());

    let other = builder().start().unwrap();
    let loaded = other.load_snapshot(&server.database().unwrap(), None).unwrap();
    assert_eq!(loaded.id, "snap-1");
    other.restore("snap-1").unwrap();
    assert!(has(&other, &kept));
    assert_eq!(other.load_snapshot(b"hello", None).unwrap_err().to_string(), "the file is not an SQLite database");

    server.delete_snapshot("with-one").unwrap();
    assert_eq!(server.snapshots().len(), 0);
    for refused in [server.restore("with-one"), server.delete_snapshot("with-one")] {
        assert_eq!(refused.unwrap_err().to_string(), "the world \"default\" has no snapshot \"with-one\"");
    }
}

#[test]
fn snapshots_take_no_more_memory_than_they_may() {
    let server = builder().snapshot_memory(0).start().unwrap();
    issue(&server, "a@example.com");
    let refused = server.snapshot(None).unwrap_err();
    assert!(refused.to_string().ends_with("and may take 0; delete some, or delete worlds that have some"), "{refused}");
}
