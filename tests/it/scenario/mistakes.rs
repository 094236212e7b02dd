//! Every rule of the format has its failing case.

use understudy::scenario::Stage;

/// Each case: a scenario, and all that is wrong with it as `line:column: message`.
const CASES: &[(&str, &str)] = &[
    ("[]", "1:1: a scenario is a mapping with `title` and `steps`, this is a list"),
    ("", "1:1: a scenario is a mapping with `title` and `steps`, this is nothing"),
    ("title: x", "1:1: a scenario wants `steps`"),
    ("steps: [{pause: 1s}]", "1:1: a scenario wants `title`"),
    ("title: 5\nsteps: [{pause: 1s}]", "1:8: `title` wants text, this is a number; quotes make it text"),
    ("title: ''\nsteps: [{pause: 1s}]", "1:8: `title` wants text, this is empty"),
    ("title: x\nsteps: []", "2:8: `steps` wants a list of at least one step, this is a list"),
    ("title: x\nstep: 1\nsteps: [{pause: 1s}]", "2:1: a scenario has no `step`; did you mean `steps`?"),
    ("title: x\ntitle: y\nsteps: [{pause: 1s}]", "2:1: this is no YAML: duplicate mapping key: title"),
    ("title: [\n", "1:8: this is no YAML: unclosed bracket '['"),
    ("title: x\nproviders: verified\nsteps: [{pause: 1s}]", "2:12: `providers` wants a list of providers, this is text"),
    ("title: x\nproviders: [verifed]\nsteps: [{pause: 1s}]", "2:13: there is no provider `verifed`; did you mean `verified`?"),
    (
        "title: x\nproviders: [5n]\nsteps: [{request: verified.listSchemas}]",
        "3:19: `verified` is not among the `providers` of this scenario",
    ),
    ("title: x\nstart: 5\nsteps: [{pause: 1s}]", "2:8: `start` wants a mapping, this is a number"),
    ("title: x\nstart: {frm: empty}\nsteps: [{pause: 1s}]", "2:9: `start` has no `frm`; did you mean `from`?"),
    ("title: x\nstart: {from: nothing}\nsteps: [{pause: 1s}]", "2:15: `from` is one of a few words; there are fixtures, empty"),
    ("title: x\nstart: {fixtures: [1]}\nsteps: [{pause: 1s}]", "2:19: `fixtures` wants a mapping, this is a list"),
    (
        "title: x\nstart: {fixtures: {5n: 1}}\nsteps: [{pause: 1s}]",
        "2:24: an addition to fixtures wants a mapping, this is a number",
    ),
    ("title: x\nstart: {fixtures: {6n: {}}}\nsteps: [{pause: 1s}]", "2:20: there is no provider `6n`; did you mean `5n`?"),
    (
        "title: x\nstart: {from: empty, fixtures: {5n: {}}}\nsteps: [{pause: 1s}]",
        "2:33: a world that begins empty has no fixtures to add to",
    ),
    ("title: x\nstart: {now: noon}\nsteps: [{pause: 1s}]", "2:14: a time is wanted, such as `2026-01-01T00:00:00Z`"),
    ("title: x\nstart: {clock: frosen}\nsteps: [{pause: 1s}]", "2:16: `clock` is one of a few words; did you mean `frozen`?"),
    ("title: x\nstart: {seed: -1}\nsteps: [{pause: 1s}]", "2:15: `seed` wants a whole number from 0, this is a number"),
    ("title: x\nstart: {faults: {}}\nsteps: [{pause: 1s}]", "2:17: `faults` wants a list of rules, this is a mapping"),
    ("title: x\nstart: {faults: [1]}\nsteps: [{pause: 1s}]", "2:18: a fault rule wants a mapping, this is a number"),
    (
        "title: x\nstart: {settings: {verified: {wyre: observed}}}\nsteps: [{pause: 1s}]",
        "2:31: `verified` has no setting `wyre`; did you mean `wire`?",
    ),
    (
        "title: x\nauth: {acme: KEY}\nsteps: [{pause: 1s}]",
        "2:8: there is no provider `acme`; there are 1kosmos, 5n, identus, publicmint, verified",
    ),
    (
        "title: x\nauth: {verified: VERIFIED_KEY}\nsteps: [{pause: 1s}]",
        "2:8: `verified` has no test credential `VERIFIED_KEY`; did you mean `VERIFIED_API_KEY`?",
    ),
    (
        "title: x\nauth: {identus: {apikei: IDENTUS_ISSUER_KEY}}\nsteps: [{pause: 1s}]",
        "2:26: `identus` has no security scheme `apikei`; did you mean `apikey`?",
    ),
    (
        "title: x\nauth: {identus: [1]}\nsteps: [{pause: 1s}]",
        "2:17: `auth` wants a credential, `none`, or a value for each security scheme, this is a list",
    ),
    (
        "title: x\nvars: {a b: 1}\nsteps: [{pause: 1s}]",
        "2:8: `a b` cannot be a variable: a name is letters, digits and `_.-`, a letter first",
    ),
    ("title: x\nvars: {now: 1}\nsteps: [{pause: 1s}]", "2:8: `now` is a variable that every scenario has; take another name"),
    ("title: x\nsteps: [hello]", "2:9: a step wants a mapping, this is text"),
    (
        "title: x\nsteps: [{say: hello}]",
        "2:9: this step does nothing; it wants one of request, simulate, advance, set_clock, settings, fault, clear_faults, reset, outbox, open, pause",
    ),
    (
        "title: x\nsteps: [{pause: 1s, advance: PT5M}]",
        "2:21: a step has one action; this one has `pause` already, so `advance` is a step of its own",
    ),
    ("title: x\nsteps: [{pause: 1s, expects: {}}]", "2:21: a step has no `expects`; did you mean `expect`?"),
    ("title: x\nsteps: [{advance: PT5M, json: {}}]", "2:25: `json` belongs to `request`, and this step's action is `advance`"),
    ("title: x\nsteps: [{pause: 1s, expect: {status: 200}}]", "2:21: `pause` has no answer, so there is nothing to expect"),
    ("title: x\nsteps: [{pause: soon}]", "2:17: `soon` is no pause such as `2s`, `500ms` or `key`"),
    ("title: x\nsteps: [{advance: 5m}]", "2:19: `5m` is no duration of days, hours, minutes, seconds such as `PT5M` or `P1DT2H`"),
    ("title: x\nsteps: [{set_clock: noon}]", "2:21: a time is wanted, such as `2026-01-01T00:00:00Z`"),
    ("title: x\nsteps: [{set_clock: {at: noon}}]", "2:22: `set_clock` has no `at`; there are now, mode"),
    ("title: x\nsteps: [{reset: yes}]", "2:17: `reset` wants true"),
    ("title: x\nsteps: [{outbox: {two: x}}]", "2:19: `outbox` has no `two`; did you mean `to`?"),
    ("title: x\nsteps: [{outbox: {channel: pigeon}}]", "2:28: `channel` is one of a few words; there are sms, email, webhook"),
    ("title: x\nsteps: [{simulate: consent}]", "2:20: `consent` is no simulation such as `verified/consent`"),
    ("title: x\nsteps: [{simulate: verified/consnt}]", "2:20: `verified` has no simulation `consnt`; did you mean `consent`?"),
    (
        "title: x\nsteps: [{request: nonsense}]",
        "2:19: `nonsense` is neither an operation such as `verified.createOneClick` nor a method and path such as `POST /verified/1-click`",
    ),
    (
        "title: x\nsteps: [{request: verified.createOneClik}]",
        "2:19: `verified` has no operation `createOneClik`; did you mean `createOneClick`?",
    ),
    ("title: x\nsteps: [{request: GETT /verified/schema}]", "2:19: `GETT` is no method; did you mean `GET`?"),
    ("title: x\nsteps: [{request: GET schema}]", "2:19: `schema` is neither a path such as `/verified/1-click` nor a URL"),
    ("title: x\nsteps: [{request: GET /verifid/schema}]", "2:19: there is no provider `verifid`; did you mean `verified`?"),
    (
        "title: x\nsteps: [{request: GET /verified/schema, path: {a: 1}}]",
        "2:41: `path` is for operations; here the path has its parameters in it",
    ),
    (
        "title: x\nsteps: [{request: verified.getOneClick}]",
        "2:19: `path` wants `uuid`: the path of `getOneClick` is /1-click/{uuid}",
    ),
    (
        "title: x\nsteps: [{request: verified.getOneClick, path: {uuid: 1, id: 2}}]",
        "2:57: the path of `getOneClick` has no parameter `id`; there are uuid",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, query: {a: {}}}]",
        "2:52: `a` in `query` wants text or a number, this is a mapping",
    ),
    ("title: x\nsteps: [{request: verified.listSchemas, headers: {a b: c}}]", "2:51: `a b` cannot be the name of a header"),
    (
        "title: x\nsteps: [{request: verified.createOneClick, json: {}, text: a}]",
        "2:54: a request has one body; this one has `json` already",
    ),
    ("title: x\nsteps: [{request: verified.createOneClick, base64: '*'}]", "2:52: `base64` wants bytes in base64"),
    ("title: x\nsteps: [{request: verified.createOneClick, text: 5}]", "2:50: `text` wants text, this is a number"),
    (
        "title: x\nsteps: [{request: verified.createOneClick, multipart: {a: {file: b}}}]",
        "2:59: a part wants either `text` or `base64`",
    ),
    (
        "title: x\nsteps: [{request: 1kosmos.createSession, auth: KOSMOS_LICENSE_KEY}]",
        "2:48: one credential is not enough here: give `auth` a value for each of the schemes that are wanted, of keyId, keySecret, license, licensekey, publickey, requestid",
    ),
    ("title: x\nsteps: [{request: verified.listSchemas, expect: []}]", "2:49: `expect` wants a mapping, this is a list"),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {stauts: 200}}]",
        "2:50: `expect` has no `stauts`; did you mean `status`?",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {status: [200, 99, 6xx]}}]",
        "2:64: `status` wants a number such as 200, a class such as `2xx`, or a list of them\n2:68: `status` wants a number such as 200, a class such as `2xx`, or a list of them",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {a: {$typ: string}}}}]",
        "2:61: there is no matcher `$typ`; did you mean `$type`? (`$equals` takes an object as it is)",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$type: object, a: 1}}}]",
        "2:72: `a` stands beside a matcher; an object is made of matchers or of members",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$type: strin}}}]",
        "2:64: `$type` wants the name of a type; did you mean `string`?",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$exists: maybe}}}]",
        "2:66: `$exists` wants true or false, this is text",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$length: long}}}]",
        "2:66: `$length` wants a number or matchers, this is text",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$gt: true}}}]",
        "2:62: `$gt` wants a number, a time or text, this is true or false",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$one_of: 5}}}]",
        "2:66: `$one_of` wants a list, this is a number",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$starts: 5}}}]",
        "2:66: `$starts` wants text, this is a number",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$matches: 5}}}]",
        "2:67: `$matches` wants a regular expression, this is a number",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {json: {$matches: '('}}}]",
        "2:67: `(` is no regular expression: unclosed group",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {text: [5]}}]",
        "2:57: `text` wants text or matchers, this is a number",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {body: full}}]",
        "2:56: `body` is one of a few words; there are empty",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {connection: broken, status: 200}}]",
        "2:49: a broken connection brings no answer: nothing else can be expected of it",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, expect: {absent: 5}}]",
        "2:58: `absent` wants text, this is a number; quotes make it text",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, capture: {a: 5}}]",
        "2:54: a capture wants a JSONPath, or a mapping with jsonpath, header, body, query, regex, this is a number",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, capture: {a: {query: b}}}]",
        "2:54: a capture wants `jsonpath`, `header` or `regex`",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, capture: {a: {header: b, jsonpath: $.c}}}]",
        "2:66: a capture takes from one place",
    ),
    (
        "title: x\nsteps: [{request: verified.listSchemas, capture: {control: $.a}}]",
        "2:51: `control` is a variable that every scenario has; take another name",
    ),
    ("title: x\nsteps: [{open: '${'}]", "2:16: `${` opens a variable that no `}` closes; write `$${` for the characters"),
    ("title: x\nvars: {phone: a}\nsteps: [{open: '${phne}'}]", "3:16: there is no variable `phne` here; did you mean `phone`?"),
    (
        "title: x\nsteps:\n  - open: ${later}\n  - request: verified.listSchemas\n    capture: {latest: $.a}\n",
        "3:11: there is no variable `later` here; there are ",
    ),
];

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_expected() {
    let stage = Stage::embedded().unwrap();
    for (text, expected) in CASES {
        let Err(mistakes) = stage.read_text("x.yaml", text) else { panic!("no mistake is seen in\n{text}") };
        let said: Vec<String> = mistakes
            .iter()
            .map(|mistake| {
                let all = mistake.to_string();
                all.strip_prefix("x.yaml:").unwrap_or_else(|| panic!("{all}")).to_owned()
            })
            .collect();
        let said = said.join("\n");
        // Where everything that is known is listed, the list may grow.
        let fits = if expected.ends_with("there are ") { said.starts_with(expected) } else { said == *expected };
        assert!(fits, "{text}\n  expected {expected}\n  said     {said}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "title: x
colour: red
start: {now: noon, seed: none}
auth: {verified: NO_KEY}
steps:
  - request: verified.createOneClick
    jsn: {}
    expect: {status: abc, jsonpath: {'$.[': 1, $.a: {$matches: '['}}}
  - advance: later
    expect: {json: {a: '${unknown}'}}
  - pause: 1s
    simulate: verified/consent
";
    let mistakes = Stage::embedded().unwrap().read_text("x.yaml", text).unwrap_err();
    let lines: Vec<u64> = mistakes.iter().map(|mistake| mistake.place.line).collect();
    assert_eq!(lines, [2, 3, 3, 4, 7, 8, 8, 8, 9, 10, 12], "{mistakes:#?}");
}

#[test]
fn a_file_that_grows_without_end_is_refused() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..8 {
        let before = level - 1;
        text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(","));
    }
    let mistakes = Stage::embedded().unwrap().read_text("x.yaml", &text).unwrap_err();
    assert!(mistakes[0].message.contains("budget breached"), "{mistakes:?}");
    let deep = format!("title: {}", "[".repeat(100_000));
    assert_eq!(Stage::embedded().unwrap().read_text("x.yaml", &deep).unwrap_err().len(), 1);
}
