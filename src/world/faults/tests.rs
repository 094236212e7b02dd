use super::*;

fn at(ms: i64) -> DateTime<Utc> {
    super::super::clock::from_millis(ms)
}

const GET: Call<'static> = Call { provider: "tiny", operation: Some("getThing"), method: &Method::GET, path: "/things/1" };

/// Which of `count` requests are struck under a seed.
fn struck(rule: &Rule, seed: u64, count: usize) -> Vec<bool> {
    let faults = Faults::default();
    faults.add(rule.clone()).unwrap();
    (0..count).map(|_| !faults.strike(&GET, seed, at(0)).faults.is_empty()).collect()
}

fn delay() -> Rule {
    Rule { delay_ms: Some(1), ..Rule::default() }
}

fn respond(status: u16) -> Rule {
    Rule { respond: Some(Respond { status, headers: BTreeMap::new(), body: None }), ..Rule::default() }
}

#[test]
fn a_rule_strikes_the_requests_that_it_names() {
    let text = |text: &str| Some(text.to_owned());
    for (rule, expected) in [
        (delay(), true),
        (Rule { provider: text("tiny"), ..delay() }, true),
        (Rule { provider: text("other"), ..delay() }, false),
        (Rule { operation: text("getThing"), ..delay() }, true),
        (Rule { operation: text("getThings"), ..delay() }, false),
        (Rule { method: text("get"), ..delay() }, true),
        (Rule { method: text("POST"), ..delay() }, false),
        (Rule { path: text("/things/*"), ..delay() }, true),
        (Rule { path: text("/things"), ..delay() }, false),
        (Rule { provider: text("tiny"), path: text("/other"), ..delay() }, false),
    ] {
        assert_eq!(struck(&rule, 1, 1), [expected], "{rule:?}");
    }
    let faults = Faults::default();
    faults.add(Rule { operation: text("getThing"), ..delay() }).unwrap();
    assert!(faults.strike(&Call { operation: None, ..GET }, 1, at(0)).faults.is_empty(), "no route");
}

#[test]
fn rules_are_counted_and_limited() {
    for (after, times, expected) in [
        (None, Some(2), [true, true, false, false, false]),
        (Some(2), None, [false, false, true, true, true]),
        (Some(1), Some(2), [false, true, true, false, false]),
        (Some(0), Some(1), [true, false, false, false, false]),
    ] {
        assert_eq!(struck(&Rule { after, times, ..delay() }, 1, 5), expected, "after {after:?}, times {times:?}");
    }
    let faults = Faults::default();
    let id = faults.add(Rule { times: Some(1), ..delay() }).unwrap();
    assert_eq!(faults.active(), 1);
    faults.strike(&GET, 1, at(0));
    faults.strike(&GET, 1, at(0));
    let fault = faults.get(id).unwrap();
    assert_eq!((fault.hits, fault.spent, faults.active()), (1, true, 0));
}

#[test]
fn chance_follows_the_seed_and_counts_as_it_should() {
    let rule = Rule { chance: Some(0.3), ..delay() };
    let first = struck(&rule, 1, 1000);
    assert_eq!(struck(&rule, 1, 1000), first);
    assert_ne!(struck(&rule, 2, 1000), first);
    let hits = first.iter().filter(|hit| **hit).count();
    assert!((230..370).contains(&hits), "{hits} of 1000 at 0.3");
    assert_eq!(struck(&Rule { chance: Some(0.0), ..delay() }, 1, 100), [false; 100]);
    assert_eq!(struck(&Rule { chance: Some(1.0), ..delay() }, 1, 100), [true; 100]);
    let twice = struck(&Rule { times: Some(2), ..rule }, 1, 1000);
    assert_eq!(twice.iter().filter(|hit| **hit).count(), 2, "times counts strikes, not requests");
}

#[test]
fn a_rate_limit_counts_in_windows_of_the_clock() {
    let faults = Faults::default();
    let limit = RateLimit { requests: 2, per: "PT1M".to_owned() };
    faults.add(Rule { rate_limit: Some(limit), ..Rule::default() }).unwrap();
    let ask = |ms| match faults.strike(&GET, 1, at(ms)).answer {
        Some(Answer::RateLimited { limit: 2, retry_after_s }) => Some(retry_after_s),
        None => None,
        other => panic!("{other:?}"),
    };
    let hour = 3_600_000;
    for (ms, expected) in [
        (hour + 10_000, None),
        (hour + 20_000, None),
        (hour + 30_000, Some(40)), // the window began at 10 s
        (hour + 69_001, Some(1)),
        (hour + 69_999, Some(1)),
        (hour + 70_000, None), // a new one
        (hour + 70_000, None),
        (hour + 70_000, Some(60)),
        (hour, None), // the clock was set back
    ] {
        assert_eq!(ask(ms), expected, "at {ms}");
    }
}

#[test]
fn several_rules_combine_in_the_order_of_their_creation() {
    let faults = Faults::default();
    let add = |rule| faults.add(rule).unwrap();
    let times = |times, rule| Rule { times: Some(times), ..rule };
    add(Rule { delay_ms: Some(5), ..Rule::default() }); // 1
    add(times(1, respond(500))); // 2
    add(Rule { delay_ms: Some(7), ..times(1, respond(503)) }); // 3
    add(Rule { delay_ms: Some(11), when: Some(When::After), ..Rule::default() }); // 4
    add(times(2, Rule { connection: Some(Connection::Truncate), ..Rule::default() })); // 5
    add(times(1, Rule { connection: Some(Connection::Reset), delay_ms: Some(13), ..Rule::default() })); // 6
    let ask = || {
        let plan = faults.strike(&GET, 1, at(0));
        let status = plan.answer.map(|answer| match answer {
            Answer::Respond { status, .. } => status.as_u16(),
            Answer::RateLimited { .. } => 429,
        });
        let delays = (plan.before.as_millis(), plan.after.as_millis());
        (plan.faults, delays, status, plan.cut.map(|cut| cut.connection))
    };
    assert_eq!(ask(), (vec![1, 2, 4, 5], (5, 11), Some(500), Some(Connection::Truncate)));
    assert_eq!(ask(), (vec![1, 3, 4, 5], (12, 11), Some(503), Some(Connection::Truncate)), "the next in line");
    assert_eq!(ask(), (vec![1, 4, 6], (5, 24), None, Some(Connection::Reset)), "after is the default with a connection fault");
    assert_eq!(ask(), (vec![1, 4], (5, 11), None, None));
}

#[test]
fn what_is_cut_before_it_is_done_needs_no_answer() {
    let faults = Faults::default();
    faults.add(Rule { connection: Some(Connection::Hang), when: Some(When::Before), times: Some(1), ..Rule::default() }).unwrap();
    faults.add(Rule { times: Some(1), ..respond(500) }).unwrap();
    let plan = faults.strike(&GET, 1, at(0));
    assert!(plan.is_cut_before() && plan.answer.is_none());
    assert!(faults.strike(&GET, 1, at(0)).answer.is_some(), "it was not used up");
}

#[test]
fn a_world_takes_so_many_rules_and_no_more() {
    let faults = Faults::default();
    for _ in 0..MAX_RULES {
        faults.add(delay()).unwrap();
    }
    assert_eq!(faults.add(delay()), Err(BadRule::TooMany));
    assert!(faults.remove(1) && !faults.remove(1));
    assert_eq!(faults.add(delay()), Ok(1001));
    faults.clear();
    assert!(faults.is_empty() && faults.list().is_empty());
    assert_eq!(faults.add(delay()), Ok(1002), "numbering goes on");
    faults.reset();
    assert_eq!(faults.add(delay()), Ok(1), "and begins anew");
}
