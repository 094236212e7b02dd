//! What steps do, and what they leave behind.

use std::path::Path;

use understudy::Understudy;
use understudy::scenario::{Outcome, Stage};

use super::play;

/// Plays a scenario that must pass.
#[track_caller]
fn passes(steps: &str) {
    let report = play(&mut Stage::embedded().unwrap(), &format!("title: test\n{steps}"));
    assert!(report.passed, "{report}");
}

/// Plays a scenario that must fail; what was not as expected, a line each.
#[track_caller]
fn fails(stage: &mut Stage, steps: &str) -> String {
    let report = play(stage, &format!("title: test\nsteps:\n{steps}"));
    assert!(!report.passed, "{steps}");
    let failed = report.steps.iter().find(|step| step.outcome == Outcome::Failed).expect("a step failed");
    failed.differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn requests_carry_what_the_step_says() {
    passes(
        r#"
auth: {verified: VERIFIED_API_KEY}
vars: {list: [1, 2], word: "a b/c"}
steps:
  - request: GET /verified/schema?x=1
    query: {q: "${word}", many: [1, 2]}
    headers: {x-test: "n ${list}"}
  - request: verified.createOneClick
    json: {list: "${list}", text: "is ${list}", none: null}
    expect: {status: 4xx}
  - request: verified.getCredential
    path: {id: "${word}"}
    auth: "key of ${word}"
    expect: {status: 401}
  - request: verified.verifyCode
    path: {id: x}
    form: {code: 111, "a&b": "=${word}"}
    expect: {status: 404}
  - request: POST /publicmint/_s3/x
    multipart: {key: "${word}", file: {file: a.txt, type: text/plain, text: hello}}
    expect: {status: 4xx}
  - request: PUT /1kosmos/_bucket/a/b/c
    base64: AAEC/w==
    expect: {status: 4xx}
  - request: POST /5n/oauth/token
    text: plain ${word}
    auth: {clientBasic: "a:b"}
    expect: {status: 4xx}
  - request: GET /_understudy/requests
    expect:
      json:
        requests:
          - url: {$contains: "/verified/schema?x=1&q=a+b%2Fc&many=1&many=2"}
            request: {headers: {x-test: "n [1,2]", authorization: {$absent: true}}}
          - operation: createOneClick
            request:
              headers: {authorization: "Bearer ${VERIFIED_API_KEY}", content-type: application/json}
              body: {$equals: {list: [1, 2], text: "is [1,2]", none: null}}
          - url: {$contains: "/credentials/a%20b%2Fc"}
            request: {headers: {authorization: "Bearer key of a b/c"}}
          - request:
              headers: {content-type: application/x-www-form-urlencoded, authorization: {$absent: true}}
              body: code=111&a%26b=%3Da+b%2Fc
          - request:
              headers: {content-type: {$starts: multipart/form-data; boundary=}}
              body: {$matches: '(?s)name="key"\r\n\r\na b/c\r\n--.*filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--'}
          - request: {headers: {content-type: application/octet-stream}, body: {base64: AAEC/w==}}
          - request: {headers: {authorization: Basic YTpi}, body: plain a b/c}
"#,
    );
}

#[test]
fn credentials_are_sent_as_each_contract_wants_them() {
    passes(
        "
auth:
  1kosmos: {keyId: KOSMOS_CLIENT_PUBLIC_KEY, keySecret: KOSMOS_CLIENT_PRIVATE_KEY, license: KOSMOS_LICENSE_KEY}
  5n: {clientBasic: '${FIVE_NORTH_ID_CLIENT_ID}:${FIVE_NORTH_ID_CLIENT_SECRET}'}
  identus: {apikey: IDENTUS_ISSUER_KEY, adminKey: IDENTUS_ADMIN_KEY}
  publicmint: PUBLICMINT_API_KEY
  verified: VERIFIED_API_KEY
steps:
  - request: 1kosmos.fetchSessions
    json: {}
    expect: {status: 400, json: {message: data is required}}
  - request: 1kosmos.fetchSessions
    json: {}
    auth: none
    expect: {status: 401}
  - request: 5n.obtainToken
    path: {realm: 5n-apps}
    form: {grant_type: client_credentials}
    capture: {token: $.access_token}
  - request: 5n.listUsers
    auth: ${token}
  - request: GET /5n/api/v1/institutions/me/users
    auth: {bearer: '${token}'}
  - request: identus.listOffers
  - request: identus.listEntities
  - request: identus.getStatus
  - request: publicmint.listIdentities
  - request: publicmint.listIdentities
    auth: {query: PUBLICMINT_API_KEY_2}
  - request: publicmint.listIdentities
    auth: none
    expect: {status: 401}
  - request: GET /verified/userCredentials/none%40example.com
    expect: {status: [200, 404]}
",
    );
}

#[test]
fn captures_come_from_bodies_headers_and_addresses() {
    passes(
        "
steps:
  - request: GET /_understudy/clock
    capture:
      time: $.now
      year: {jsonpath: $.now, regex: '^([0-9]{4})'}
      whole: {regex: 'frozen'}
      kind: {header: content-type}
  - request: POST /_understudy/worlds
    json: {name: side-by-side}
    capture:
      where: {header: location, regex: 'worlds/(.+)$'}
      clock: {jsonpath: $.clock.mode}
  - request: GET /_understudy/worlds/${where}
    expect: {json: {name: '${where}', clock: {mode: '${clock}'}, providers: {$type: object}}, jsonpath: {$.seed: 0}}
  - request: DELETE /_understudy/worlds/${where}
    expect: {status: 204, body: empty}
  - request: GET /_understudy/clock
    expect:
      headers: {content-type: '${kind}', x-none: {$absent: true}}
      json: {now: '${time}', mode: '${whole}'}
      jsonpath: {$.now: {$starts: '${year}-', $gte: '${now}'}}
      absent: $.seed
      text: ['\"now\"', {$not: {$contains: thaw}}]
",
    );
}

#[test]
fn time_settings_messages_pages_and_people_are_steps() {
    passes(
        "
start: {now: '2026-03-01T10:00:00Z', settings: {verified: {codes: random}}}
auth: {verified: VERIFIED_API_KEY}
vars: {phone: '+10123456789'}
steps:
  - request: GET /_understudy/settings/verified
    expect: {jsonpath: {'$.settings[?@.key == \"codes\"].value': random}}
  - settings: {verified: {codes: fixed}}
    expect: {jsonpath: {'$.settings[?@.key == \"codes\"].value': fixed}}
  - advance: PT1H
    expect: {json: {now: '2026-03-01T11:00:00.000Z', mode: frozen, fired: {$type: array}}}
  - set_clock: '2026-03-02T00:00:00Z'
  - set_clock: running
    expect: {json: {mode: running}}
  - set_clock: {now: '2026-03-03T00:00:00Z', mode: frozen}
    expect: {json: {now: '2026-03-03T00:00:00.000Z', mode: frozen}}
  - request: verified.createOneClick
    json: {phone: '${phone}', verificationOptions: only_link}
  - outbox: {to: '${phone}', channel: sms, provider: verified}
    capture: {link: $.link}
  - say: Look at it.
    open: https://example.com/never-asked
  - say: The link signs the browser in and leads to the wallet.
    open: ${link}
    expect: {status: 200, headers: {content-type: {$starts: text/html}}, text: Hooli}
    capture: {form: {regex: 'action=\"([^\"]+)\"'}}
  - simulate: verified/wipe
  - pause: 1s
  - pause: key
  - reset: true
  - request: GET /_understudy/clock
    expect: {json: {now: '2026-03-01T10:00:00.000Z'}}
  - request: GET /_understudy/outbox
    expect: {json: {messages: []}}
",
    );
}

#[test]
fn a_world_begins_as_the_scenario_says() {
    passes(
        "
start: {from: empty, now: '2026-03-01T10:00:00Z', clock: running, seed: 5, settings: {verified: {codes: random}}}
steps:
  - request: GET /_understudy/info
    expect: {json: {seed: 5, clock: {now: {$starts: '2026-03-01T10:00:'}, mode: running}}}
  - request: GET /_understudy/settings/verified
    expect: {jsonpath: {'$.settings[?@.key == \"codes\"].value': random}}
  - request: GET /publicmint/identities
    headers: {apikey: pmSandboxAppA0000000000000000001}
    expect: {status: 401}
",
    );
}

#[test]
fn fixtures_are_added_to_for_one_world_only() {
    let user = "{uuid: 5a1c0de0-0000-4000-8000-00000000abcd, isTest: false, identifiers: [monica@raviga.example], issued: [{
        issuer: 7854ec22-f913-4d67-824d-adb2a756bf3c, at: '2025-01-01T00:00:00Z',
        credentials: [{id: 11111111-1111-4111-8113-00000000abcd, type: EmailCredential, data: {email: monica@raviga.example}}]}]}";
    let read = "  - request: verified.getCredential\n    path: {id: 11111111-1111-4111-8113-00000000abcd}";
    let there = "    expect: {status: 200, json: {data: {email: monica@raviga.example}}}";
    let mut stage = Stage::embedded().unwrap();
    let mut plays = |start: &str, expected: &str| {
        let text = format!("title: test\nauth: {{verified: VERIFIED_API_KEY}}\n{start}\nsteps:\n{read}\n{expected}\n");
        let report = play(&mut stage, &text);
        assert!(report.passed, "{report}");
    };
    plays(&format!("start: {{fixtures: {{verified: {{users: [{user}]}}}}}}"), there);
    plays("", "    expect: {status: 404}");
}

#[test]
fn the_first_failure_of_a_scenario_ends_it_and_the_next_is_played() {
    let server = Understudy::builder().start().unwrap();
    let mut stage = Stage::of(&server).unwrap();
    let report = play(
        &mut stage,
        "title: t\nsteps:\n  - request: GET /_understudy/clock\n  - request: GET /_understudy/clocks\n  - reset: true\n",
    );
    let outcomes: Vec<Outcome> = report.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::Skipped]);
    assert_eq!(report.steps[1].differences[0].to_string(), "status: expected success, got 404 Not Found");
    assert!(server.world("world-1").is_none(), "its world is gone");
    assert!(play(&mut stage, "title: t\nsteps: [{request: GET /_understudy/clock}]").passed);

    let mut stage = Stage::of(&server).unwrap().keeping(true);
    let kept = play(&mut stage, "title: t\nsteps: [{advance: PT1H}]");
    let name = kept.world.expect("it is kept").rsplit_once("/~").unwrap().1.to_owned();
    assert!(server.world(&name).is_some());
}

#[test]
fn what_differs_is_told() {
    let mut stage = Stage::embedded().unwrap();
    for (step, expected) in [
        ("  - {request: GET /_understudy/clock, expect: {status: [204, 4xx]}}", "status: expected 204 or 4xx, got 200 OK"),
        (
            "  - {request: GET /_understudy/clock, expect: {headers: {x-none: a}}}",
            "header x-none: expected \"a\", got nothing there",
        ),
        ("  - {request: GET /_understudy/clock, expect: {json: {mode: running}}}", "$.mode: expected \"running\", got \"frozen\""),
        ("  - {request: GET /_understudy/clock, expect: {jsonpath: {$.none: 1}}}", "$.none: expected 1, got nothing there"),
        ("  - {request: GET /_understudy/clock, expect: {absent: $.mode}}", "$.mode: expected nothing, got \"frozen\""),
        (
            "  - {request: GET /_understudy/worlds/default, expect: {text: {$equals: x}, status: 404}}",
            "status: expected 404, got 200 OK",
        ),
        ("  - {request: GET /_understudy/clock, expect: {connection: broken}}", "connection: expected that it breaks, got 200 OK"),
        (
            "  - {request: GET /_understudy/clock, capture: {a: $.none}}",
            "capture a: expected something at $.none, got {\"now\":\"2026-01-01T00:00:00.000Z\",\"mode\":\"frozen\",\"offset_ms\":",
        ),
        ("  - {request: GET /_understudy/clock, capture: {a: {header: x-none}}}", "capture a: expected a header x-none, got only "),
        (
            "  - {request: GET /_understudy/clock, capture: {a: {jsonpath: $.mode, query: q}}}",
            "capture a: expected a URL with the parameter q, got frozen",
        ),
        (
            "  - {request: GET /_understudy/clock, capture: {a: {jsonpath: $.mode, regex: x}}}",
            "capture a: expected something that matches /x/, got frozen",
        ),
        ("  - {outbox: {to: nobody}}", "action: expected that it can be carried out, got no such message was sent; there are 0: "),
        ("  - {simulate: verified/consent}", "status: expected success, got 400 Bad Request"),
        (
            "  - {request: 'GET http://example.com/'}",
            "action: expected that it can be carried out, got http://example.com/ is not on the server that the scenario plays on",
        ),
        ("  - {request: DELETE /_understudy/outbox, expect: {json: {}}}", "body: expected JSON, got "),
        ("  - {request: GET /_understudy/clock, expect: {body: empty}}", "body: expected an empty one, got {\"now\":"),
    ] {
        let said = fails(&mut stage, step);
        assert!(said.starts_with(expected), "{step}\n{said}");
    }
}

#[test]
fn reports_name_the_file_that_was_read() {
    let stage = Stage::embedded().unwrap();
    let mistakes = stage.read(Path::new("no/such/file.yaml")).unwrap_err();
    assert_eq!((mistakes[0].file.as_str(), mistakes[0].place.line), ("no/such/file.yaml", 1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latin.yaml");
    std::fs::write(&file, b"title: \xe9").unwrap();
    assert_eq!(stage.read(&file).unwrap_err()[0].message, "it is not UTF-8");
}
