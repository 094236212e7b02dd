//! Scenarios: what is wrong in a file, what is expected of answers, how they are played and reported.

mod mistakes;
mod play;
mod record;
mod replay;

use std::path::{Path, PathBuf};

use understudy::Understudy;
use understudy::control::access::Token;
use understudy::scenario::{self, Failed, Report, SCHEMA, Stage};
use understudy::server::tls::Keeper;

/// A story of two steps, in the second of which somebody is texted.
const SIGNUP: &str = r#"title: A signup
auth: {verified: VERIFIED_API_KEY}
steps:
  - request: verified.createOneClick
    json: {phone: "+10123456789"}
    expect: {status: 201}
  - outbox: {to: "+10123456789"}
    expect: {json: {channel: sms}}
"#;

/// The folder of the stories.
fn stories() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Plays a scenario that has no mistakes.
#[track_caller]
fn play(stage: &mut Stage, text: &str) -> Report {
    let scenario = stage.read_text("test.yaml", text).unwrap_or_else(|mistakes| panic!("{}\n{text}", Failed::Mistakes(mistakes)));
    stage.play(&scenario, &mut |_| {})
}

#[test]
fn every_story_is_true_and_fits_the_published_schema() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let mut stage = Stage::embedded().unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(stories()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut failures = Vec::new();
    let mut played = 0;
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let plain: serde_json::Value = serde_saphyr::from_str(&text).unwrap_or_default();
        failures.extend(schema.iter_errors(&plain).map(|error| format!("{name}: {}: {error}", error.instance_path())));
        match stage.read_text(&name, &text) {
            Ok(scenario) => {
                let report = stage.play(&scenario, &mut |_| {});
                played += 1;
                if !report.passed {
                    failures.push(report.to_string());
                }
            }
            Err(mistakes) => failures.push(Failed::Mistakes(mistakes).to_string()),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(played >= 2, "the stories are not where they were: {played}");
}

#[test]
fn a_test_plays_a_file_on_a_server_of_its_own_or_on_a_running_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("right.yaml");
    std::fs::write(&file, SIGNUP).unwrap();
    let report = scenario::run(&file).unwrap();
    assert_eq!((report.passed, report.title.as_str(), report.steps.len()), (true, "A signup", 2));

    let server = Understudy::builder().start().unwrap();
    let again = scenario::run_on(&server, &file).unwrap();
    assert_eq!(again.steps.len(), report.steps.len());
    assert_eq!(server.messages(None).unwrap(), [], "the world of the test is not touched");
    assert!(server.world("world-1").is_none(), "the world of the play is gone");

    let wrong = folder.path().join("wrong.yaml");
    std::fs::write(&wrong, SIGNUP.replace("status: 201", "status: 200")).unwrap();
    let failed = scenario::run(&wrong).unwrap_err();
    let shown = format!("{failed:?}");
    assert!(shown.contains("wrong.yaml:4:5: step 1 of 2 failed"), "{shown}");
    assert!(shown.contains("status\n      expected 200\n      got      201 Created"), "{shown}");

    std::fs::write(&wrong, "title: x\nsteps: []\n").unwrap();
    let Err(Failed::Mistakes(mistakes)) = scenario::run(&wrong) else { panic!("it has mistakes") };
    assert_eq!(mistakes.len(), 1);
    let Err(Failed::Mistakes(mistakes)) = scenario::run(folder.path().join("missing.yaml")) else { panic!("it is missing") };
    assert!(mistakes[0].message.contains("No such file"), "{mistakes:?}");
    let Err(Failed::Server(reason)) = Stage::at("http://127.0.0.1:1", None, None) else { panic!("nobody is there") };
    assert!(reason.contains("/_understudy/info"), "{reason}");
}

#[test]
fn a_server_with_tls_and_a_token_is_played_on_by_whoever_knows_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("right.yaml");
    let control = "  - request: GET /_understudy/clock
    expect: {status: 200}
  - request: GET ${control}/outbox?to=nobody
    expect: {json: {messages: []}}
  - request: GET /_understudy/clock
    headers: {Understudy-Token: wrong}
    expect: {status: 401}
  - request: GET /_understudy/clock
    auth: none
    expect: {status: 401}
";
    std::fs::write(&file, format!("{SIGNUP}{control}")).unwrap();
    let start = || Understudy::builder().tls(Keeper::Memory).control_token(Token::new("s3cret").unwrap()).start().unwrap();
    let (server, other) = (start(), start());
    scenario::run_on(&server, &file).unwrap();

    let plain = Understudy::builder().start().unwrap();
    let token = || Some("s3cret".to_owned());
    let (https, http) = (server.url(), server.url().replace("https", "http"));
    assert!(play(&mut Stage::at(&https, token(), server.ca_pem()).unwrap(), SIGNUP).passed);
    let not_trusted = "/_understudy/info: its certificate is not trusted (UnknownIssuer); it must be vouched for by";
    for (url, token, trusted, said) in [
        (https.as_str(), None, server.ca_pem(), "/_understudy/info: 401 the control API wants its token"),
        (&https, token(), other.ca_pem(), not_trusted),
        (&https, token(), None, not_trusted),
        (&https, token(), Some("my notes"), "there is no certificate in what is to be trusted"),
        (&https, token(), Some("-----BEGIN CERTIFICATE-----\nmy notes"), "what is to be trusted is no PEM: "),
        (&http, token(), server.ca_pem(), "This port speaks HTTPS. Use https://"),
        (&plain.url().replace("http", "https"), token(), server.ca_pem(), "it does not speak HTTPS; use http:// there"),
    ] {
        let Err(Failed::Server(reason)) = Stage::at(url, token, trusted) else { panic!("{said}") };
        assert!(reason.contains(said), "{said}: {reason}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for (step, fits) in [
        ("pause: 2s", true),
        ("pause: soon", false),
        ("pause: 2s, advance: PT5M", false),
        ("say: hello", false),
        ("request: verified.getOneClick, expect: {status: 2xx, json: {a: {$type: string}, $id: x}}", true),
        ("request: verified.getOneClick, expect: {json: {a: {$typ: string}}}", false),
        ("request: verified.getOneClick, expect: {status: 99}", false),
        ("request: verified.getOneClick, input: {}", false),
        ("advance: 5 minutes", false),
        ("outbox: {to: a, channel: sms}", true),
        ("outbox: {channel: pigeon}", false),
        ("open: \"${x}\", capture: {y: {regex: a}, z: $.b}", true),
        ("open: x, capture: {y: {query: a}}", false),
        ("set_clock: \"2026-01-01T00:00:00Z\"", true),
        ("set_clock: {now: noon}", false),
    ] {
        let text = format!("title: x\nsteps: [{{{step}}}]");
        let plain: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(schema.is_valid(&plain), fits, "{step}");
    }
}
