//! `understudy exec`: a command with a server of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use crate::cli::{failure, sentence, signal, understudy};
use crate::control::KEY;

/// Runs `exec` with these options and a command, to its end.
fn exec(options: &[&str], command: &[&str]) -> Output {
    let mut exec = understudy(&[&["exec"], options, &["--"], command].concat());
    exec.env_remove("NODE_EXTRA_CA_CERTS").output().expect("the binary runs")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("it prints text")
}

#[test]
fn the_command_finds_every_provider_in_its_environment() {
    let output = exec(&[], &["env"]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let environment: BTreeMap<&str, &str> = stdout(&output).lines().filter_map(|line| line.split_once('=')).collect();
    let url = environment["UNDERSTUDY_URL"];
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(environment["UNDERSTUDY_CONTROL_URL"], format!("{url}/_understudy"));
    assert_eq!(environment["VERIFIED_API_URL"], format!("{url}/verified"));
    assert_eq!(environment["VERIFIED_API_KEY"], KEY);
    assert!(!environment.contains_key("UNDERSTUDY_CONTROL_TOKEN") && !environment.contains_key("NODE_EXTRA_CA_CERTS"));
    // All that `understudy env` knows of this server, and nothing else.
    let known = understudy(&["env", "--url", url, "--format", "json"]).output().unwrap();
    let known: BTreeMap<String, String> = serde_json::from_slice(&known.stdout).unwrap();
    assert!(known.len() > 10, "{known:?}");
    for (name, value) in &known {
        assert_eq!(environment.get(name.as_str()), Some(&value.as_str()), "{name}");
    }
}

#[test]
fn the_server_is_there_for_the_command_and_gone_after_it() {
    let program = env!("CARGO_BIN_EXE_understudy");
    let output = exec(&[], &["sh", "-c", &format!("{program} healthcheck && echo $UNDERSTUDY_URL")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let (health, url) = stdout(&output).trim_end().split_once('\n').unwrap();
    assert!(health.starts_with(r#"{"status":"ok""#), "{health}");
    let address = url.strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(address).is_err(), "nobody listens at {address} any more");
}

#[test]
fn with_tls_the_command_is_told_whom_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tls");
    let program = env!("CARGO_BIN_EXE_understudy");
    let script =
        format!("{program} healthcheck --ca-dir {0} && echo $UNDERSTUDY_URL $NODE_EXTRA_CA_CERTS $SSL_CERT_FILE", place.display());
    let output = exec(&["--tls", "--ca-dir", place.to_str().unwrap()], &["sh", "-c", &script]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let (_, told) = stdout(&output).trim_end().split_once('\n').unwrap();
    let told: Vec<&str> = told.split(' ').collect();
    assert!(told[0].starts_with("https://127.0.0.1:"), "{told:?}");
    let file = place.join("authority.pem");
    assert_eq!(told[1..], [file.to_str().unwrap(); 2]);
}

#[test]
fn a_control_token_is_told_too() {
    let output = exec(&["--control-token", "s3cret"], &["sh", "-c", "echo $UNDERSTUDY_CONTROL_TOKEN"]);
    assert_eq!(stdout(&output), "s3cret\n");
}

#[test]
fn the_exit_status_is_the_commands() {
    for (script, expected) in
        [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143), ("kill -INT $$", 130)]
    {
        let output = exec(&["--only", "verified"], &["sh", "-c", script]);
        assert_eq!(output.status.code(), Some(expected), "{script}");
        assert_eq!((stdout(&output), output.stderr.len()), ("", 0), "{script}: standard streams are the command's");
    }
}

#[test]
fn a_command_that_cannot_be_run_has_the_status_that_a_shell_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "my notes\n").unwrap();
    for (command, expected) in [
        ("no-such-command-anywhere", 127),
        ("/nowhere/command", 127),
        (text.to_str().unwrap(), 126),
        (folder.path().to_str().unwrap(), 126),
    ] {
        let said = sentence(&mut understudy(&["exec", "--only", "verified", "--", command]), expected);
        assert!(said.starts_with(&format!("cannot run {command}: ")), "{said}");
    }
}

#[test]
fn wrong_use_runs_nothing() {
    let marker = tempfile::tempdir().unwrap();
    let file = marker.path().join("it-ran");
    for (options, expected) in [
        (&["--only", "nobody"][..], "there is no provider \"nobody\""),
        (&["--no-such-flag"], "unexpected argument '--no-such-flag'"),
        (&["--ready-file", "x"], "unexpected argument '--ready-file'"),
    ] {
        let command = ["--", "touch", file.to_str().unwrap()];
        let said = failure(&mut understudy(&[&["exec"], options, &command].concat()), 2);
        assert!(said.contains(expected), "{options:?}: {said}");
        assert!(!file.exists(), "{options:?}");
    }
    let said = failure(&mut understudy(&["exec"]), 2);
    assert!(said.contains("<CMD>"), "{said}");
}

#[test]
fn signals_are_passed_on_and_the_command_is_waited_for() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        // The shell waits for a child of its own, which must not keep the pipe open when it is gone.
        let script = format!(
            "sleep 600 >/dev/null 2>&1 & p=$!; trap 'kill $p; echo got {name}; exit {}' {name}; echo $UNDERSTUDY_URL; wait",
            number + 40
        );
        let mut child = understudy(&["exec", "--only", "verified", "--", "sh", "-c", &script]).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        out.read_line(&mut url).unwrap();
        signal(child.id(), name);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("got {name}\n"), "the command is told once");
        assert_eq!(child.wait().unwrap().code(), Some(number + 40), "{name}");
        let address = url.trim().strip_prefix("http://").unwrap();
        assert!(TcpStream::connect(address).is_err(), "{name}: nobody listens any more");
    }
}

#[test]
fn what_the_command_leaves_behind_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = std::fs::File::create(folder.path().join("out")).unwrap();
    // It holds standard output, and a connection's worth of nothing.
    let mut command = understudy(&["exec", "--only", "verified", "--", "sh", "-c", "sleep 600 & echo $!; exit 5"]);
    let status = command.stdout(out).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(5));
    let left = std::fs::read_to_string(folder.path().join("out")).unwrap();
    let ended = Command::new("kill").arg(left.trim()).status().unwrap();
    assert!(ended.success(), "it was still running");
}
