//! `understudy replay` and `understudy scenario`: what they print and how they end.

use std::path::Path;

use serde_json::Value;
use understudy::Understudy;
use understudy::server::tls::Keeper;

use crate::cli::{run, understudy};

const GOOD: &str = "title: A good one
steps:
  - say: The clock moves.
    advance: PT1H
    expect: {json: {mode: frozen}}
";
const BAD: &str = "title: A bad <one>
description: It goes wrong.
steps:
  - say: Nobody is there.
    request: GET /verified/credentials/none
    auth: \"a key\"
    expect: {status: 200, json: {a: 1}}
  - pause: key
";

/// A folder with a scenario that passes and one that fails.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.yaml"), GOOD).unwrap();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    std::fs::write(folder.path().join("more/bad.yml"), BAD).unwrap();
    std::fs::write(folder.path().join("more/notes.txt"), "no scenario").unwrap();
    folder
}

/// Exit status, standard output, standard error; the time that plays took and the port are left out.
fn replay(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = understudy(arguments);
    command.current_dir(folder);
    let output = run(&mut command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Leaves out what differs from run to run.
fn masked(text: &str) -> String {
    let masks = [
        (r"\d+ ms", "N ms"),
        (r#"time="[0-9.]+""#, r#"time="N""#),
        (r#""offset_ms":\s*-?\d+"#, r#""offset_ms": N"#),
        (r#""took_ms": \d+"#, r#""took_ms": N"#),
    ];
    masks
        .iter()
        .fold(text.to_owned(), |text, (pattern, mask)| regex::Regex::new(pattern).unwrap().replace_all(&text, *mask).into_owned())
}

#[test]
fn a_line_a_scenario_and_what_differs() {
    let folder = folder();
    let (status, out, err) = replay(folder.path(), &["replay", "good.yaml", "more"]);
    assert_eq!((status, err.as_str()), (1, "understudy: 1 of 2 scenarios failed\n"));
    insta::assert_snapshot!("text", masked(&out));
    let (status, out, err) = replay(folder.path(), &["replay", "good.yaml"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.ends_with("1 passed, 0 failed\n"), "{out}");
}

#[test]
fn a_story_is_told_step_by_step() {
    let folder = folder();
    for arguments in [
        &["replay", "good.yaml", "more", "--pace", "0"][..],
        &["replay", "good.yaml", "more", "--step"],
        &["replay", "good.yaml", "more", "-v"],
    ] {
        let (status, out, _) = replay(folder.path(), arguments);
        assert_eq!(status, 1);
        insta::assert_snapshot!("story", masked(&out));
    }
}

#[test]
fn reports_are_for_machines_too() {
    let folder = folder();
    let (status, out, _) = replay(folder.path(), &["replay", "--format", "json", "."]);
    assert_eq!(status, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    let bad = &report["scenarios"][1];
    assert_eq!(bad["title"], "A bad <one>");
    assert_eq!(bad["steps"][0]["outcome"], "failed");
    assert_eq!(bad["steps"][0]["differences"][0]["at"], "status");
    assert_eq!(bad["steps"][1]["outcome"], "skipped");
    assert_eq!(report["scenarios"][0]["steps"][0]["response"]["body"]["mode"], "frozen");

    let (status, out, _) = replay(folder.path(), &["replay", "--format", "junit", "."]);
    assert_eq!(status, 1);
    insta::assert_snapshot!("junit", masked(&out));
}

#[test]
fn nothing_is_played_while_a_file_has_mistakes() {
    let folder = folder();
    std::fs::write(folder.path().join("wrong.yaml"), "title: x\nsteps:\n  - paus: 1s\n  - advance: soon\n").unwrap();
    let said = "understudy: 3 mistakes; nothing was played
wrong.yaml:3:5: this step does nothing; it wants one of request, simulate, advance, set_clock, settings, fault, clear_faults, reset, outbox, open, pause
wrong.yaml:3:5: a step has no `paus`; did you mean `pause`?
wrong.yaml:4:14: `soon` is no duration of days, hours, minutes, seconds such as `PT5M` or `P1DT2H`\n";
    for command in [&["replay", "good.yaml", "wrong.yaml"][..], &["scenario", "check", "good.yaml", "wrong.yaml"]] {
        assert_eq!(replay(folder.path(), command), (2, String::new(), said.to_owned()));
    }
    assert_eq!(
        replay(folder.path(), &["scenario", "check", "good.yaml"]),
        (0, "scenarios are right: 1\n".to_owned(), String::new())
    );
    let (status, out, _) = replay(folder.path(), &["scenario", "schema"]);
    assert_eq!((status, out.trim_end()), (0, understudy::scenario::SCHEMA.trim_end()));
}

#[test]
fn stories_that_come_with_the_program_need_no_files() {
    let folder = folder();
    let (status, list, err) = replay(folder.path(), &["scenario", "list"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let names: Vec<&str> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap().replace(".yaml", ""))
        .collect();
    files.sort();
    assert_eq!(names, files);
    assert!(list.lines().all(|line| line.split_once("  ").is_some_and(|(_, title)| !title.trim().is_empty())), "{list}");

    let (status, out, err) = replay(folder.path(), &["replay", "verified-daily-wipe", "good.yaml"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("2 passed, 0 failed\n"), "{out}");
    let (status, text, _) = replay(folder.path(), &["scenario", "print", "verified-daily-wipe"]);
    let original = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/verified-daily-wipe.yaml")).unwrap();
    assert_eq!((status, text), (0, original.clone()));

    // A file of that name comes first.
    std::fs::write(folder.path().join("onboarding"), BAD).unwrap();
    let (status, out, _) = replay(folder.path(), &["replay", "onboarding"]);
    assert_eq!(status, 1, "{out}");
}

#[test]
fn wrong_use_is_told() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (arguments, status, said) in [
        (&["replay"][..], 2, "required arguments were not provided"),
        (&["replay", "empty"], 2, "empty: there is no .yaml file in this folder"),
        (&["replay", "good.yaml", "--pace", "soon"], 2, "\"soon\" is no time such as 1s, 1.5s or 500ms"),
        (&["replay", "good.yaml", "--pace", "1s", "--step"], 2, "cannot be used with"),
        (&["replay", "good.yaml", "--keep"], 2, "--against <URL>"),
        (&["replay", "good.yaml", "--against", "http://127.0.0.1:1"], 1, "/_understudy/info: no whole answer"),
        (&["replay", "missing.yaml"], 2, "missing.yaml:1:1: No such file"),
        (&["replay", "missing"], 2, "missing: there is no such file or story; `understudy scenario list` lists the stories"),
        (&["scenario", "check", "missing"], 2, "missing: there is no such file or story"),
        (&["scenario", "print", "good.yaml"], 2, "there is no story \"good.yaml\"; `understudy scenario list` lists them"),
    ] {
        let (ended, out, err) = replay(folder.path(), arguments);
        assert_eq!((ended, out.as_str()), (status, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}

#[test]
fn a_server_with_tls_is_vouched_for_by_the_authority_in_the_folder() {
    let folder = folder();
    let keeper = |name: &str| Keeper::Folder(folder.path().join(name));
    let server = Understudy::builder().tls(keeper("tls")).start().unwrap();
    let _other = Understudy::builder().tls(keeper("other")).start().unwrap();
    let against = |place| replay(folder.path(), &["replay", "good.yaml", "--against", &server.url(), "--ca-dir", place]);
    let (status, out, err) = against("tls");
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let (status, _, err) = against("other");
    assert_eq!(status, 1);
    assert!(err.contains("its certificate is not trusted (UnknownIssuer); ") && err.contains("--ca-dir names its folder"), "{err}");
    let (status, _, err) = against("none");
    assert_eq!(status, 1);
    assert!(err.contains("none/authority.pem: No such file") && err.contains("--ca-dir names the folder"), "{err}");
    assert!(!folder.path().join("none").exists(), "who only asks makes nothing");
}

#[test]
fn a_running_server_keeps_its_worlds_as_they_were() {
    let folder = folder();
    let server = Understudy::builder().start().unwrap();
    let (status, out, _) = replay(folder.path(), &["replay", "good.yaml", "--against", &server.url()]);
    assert_eq!(status, 0, "{out}");
    assert!(server.world("world-1").is_none());
    let (status, out, _) = replay(folder.path(), &["replay", "good.yaml", "--against", &format!("{}/", server.url()), "--keep"]);
    assert_eq!(status, 0, "{out}");
    let world = out.lines().find_map(|line| line.trim().strip_prefix("its world is ")).expect("it is named");
    let kept = server.world(world.rsplit_once("/~").unwrap().1).expect("it is kept");
    assert_eq!(kept.clock().now.to_rfc3339(), "2026-01-01T01:00:00+00:00");
}
