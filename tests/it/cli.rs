//! The binary: what it prints, how it ends, and what it leaves behind.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use understudy::providers;

use crate::control::KEY;
use crate::raw::{Answer, Raw, request};

/// The binary, in an environment without settings of this machine.
pub(crate) fn understudy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNDERSTUDY_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").env_remove("COLUMNS").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running server; it is killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The ready line as printed, with its line end.
    line: String,
    ready: Value,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut understudy(&[&["--port", "0"], arguments].concat()))
    }

    /// Whatever command with these arguments serves.
    pub(crate) fn serving(arguments: &[&str]) -> Self {
        Self::spawn(&mut understudy(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it prints text");
        let Ok(ready) = serde_json::from_str(&line) else {
            let output = child.wait_with_output().expect("it ended");
            panic!("it did not start: {}", String::from_utf8_lossy(&output.stderr));
        };
        Self { child, stdout, line, ready }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address_of(&self.ready["url"])
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        request(self.address(), "GET", path, &[&format!("Authorization: Bearer {KEY}")], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        request(
            self.address(),
            "POST",
            path,
            &[&format!("Authorization: Bearer {KEY}"), "Content-Type: application/json"],
            &body.to_string(),
        )
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Ends it as an operator would; returns its status and what else it printed to standard output.
    pub(crate) fn stop(mut self, name: &str) -> (Option<i32>, String) {
        self.signal(name);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("it prints text");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().expect("there is a shell");
    assert!(sent.success(), "kill -{name} {process}");
}

fn address_of(url: &Value) -> SocketAddr {
    let (_, rest) = url.as_str().expect("a URL").split_once("://").expect("it is absolute");
    rest.split('/').next().unwrap().parse().expect("an address")
}

/// Runs a command that must end by itself.
pub(crate) fn run(command: &mut Command) -> Output {
    let mut child = command.spawn().expect("the binary runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut text = String::new();
    stdout.read_line(&mut text).expect("it prints text");
    if text.starts_with(r#"{"event":"ready""#) {
        let _ = child.kill();
        let _ = child.wait();
        panic!("it serves: {command:?}");
    }
    stdout.read_to_string(&mut text).expect("it prints text");
    let output = child.wait_with_output().expect("it ended");
    Output { stdout: text.into_bytes(), ..output }
}

/// Has a command fail with this status; returns what it said, without its name in front.
#[track_caller]
pub(crate) fn failure(command: &mut Command, status: i32) -> String {
    let output = run(command);
    let said = String::from_utf8(output.stderr).expect("it says text");
    assert_eq!(output.status.code(), Some(status), "{command:?}: {said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command:?}");
    said
}

/// As [`failure`], for one that says one sentence on one line.
#[track_caller]
pub(crate) fn sentence(command: &mut Command, status: i32) -> String {
    let said = failure(command, status);
    let sentence = said.strip_prefix("understudy: ").and_then(|said| said.strip_suffix('\n'));
    let sentence = sentence.unwrap_or_else(|| panic!("{command:?} should say one line: {said}"));
    assert!(!sentence.contains('\n'), "{command:?} should say one line: {said}");
    sentence.to_owned()
}

#[test]
fn the_ready_line_is_all_that_standard_output_gets() {
    let server = Running::start(&[]);
    let url = format!("http://{}", server.address());
    let slugs: BTreeMap<&str, String> =
        providers::all().iter().map(|one| (one.about().slug, format!("{url}/{}", one.about().slug))).collect();
    let expected = format!(
        "{{\"event\":\"ready\",\"version\":\"{}\",\"url\":\"{url}\",\"control\":\"{url}/_understudy\",\"providers\":{}}}\n",
        env!("CARGO_PKG_VERSION"),
        serde_json::to_string(&slugs).unwrap()
    );
    assert_eq!(server.line, expected);
    assert_eq!(server.get("/_understudy/health").status, 200, "it answers once it says so");
    server.get("/verified/nothing");
    assert_eq!(server.stop("TERM"), (Some(0), String::new()));
}

#[test]
fn the_ready_file_holds_the_ready_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready.json");
    std::fs::write(&file, "of an earlier run").unwrap();
    let server = Running::start(&["--ready-file", file.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), server.line);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_ready_file_that_cannot_be_written_is_a_failed_start() {
    let said = sentence(&mut understudy(&["--port", "0", "--ready-file", "/nowhere/ready.json"]), 1);
    assert!(said.starts_with("cannot write /nowhere/ready.json: "), "{said}");
}

#[test]
fn every_option_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("world.db");
    let server = Running::start(&[
        "--seed",
        "42",
        "--clock",
        "2026-01-01T00:00:00Z,frozen",
        "--only",
        "verified",
        "--listen",
        "verified=0",
        "--set",
        "verified.codes=random",
        "--data",
        data.to_str().unwrap(),
        "-v",
    ]);
    let info = server.get("/_understudy/info").json();
    assert_eq!(info["seed"], 42);
    assert_eq!((&info["clock"]["now"], &info["clock"]["mode"]), (&json!("2026-01-01T00:00:00.000Z"), &json!("frozen")));
    assert_eq!(info["providers"].as_array().unwrap().len(), 1);
    let settings = server.get("/_understudy/settings/verified").json();
    assert_eq!(settings["settings"].as_array().unwrap().iter().find(|one| one["key"] == "codes").unwrap()["value"], "random");
    let own = address_of(&server.ready["providers"]["verified"]);
    assert_ne!(own, server.address());
    assert_eq!(request(own, "GET", "/schema", &[], "").status, 200, "paths as in production");
    assert!(data.exists());
}

#[test]
fn links_begin_with_the_external_url() {
    let server = Running::start(&["--external-url", "https://sandbox.example:8443"]);
    assert_eq!(server.ready["url"], "https://sandbox.example:8443");
    assert_eq!(server.ready["providers"]["verified"], "https://sandbox.example:8443/verified");
}

#[test]
fn the_environment_has_a_twin_of_each_option() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let fixtures = folder.path().join("fixtures");
    std::fs::create_dir(&fixtures).unwrap();
    std::fs::write(fixtures.join("verified.json"), include_str!("../../fixtures/verified.json").replace("Hooli", "Aviato"))
        .unwrap();
    let mut command = understudy(&[]);
    for (name, value) in [
        ("PORT", "0"),
        ("HOST", "127.0.0.2"),
        ("DATA", &path("world.db")),
        ("FIXTURES", fixtures.to_str().unwrap()),
        ("SEED", "42"),
        ("CLOCK", "2026-01-01T00:00:00Z,frozen"),
        ("ONLY", "verified"),
        ("LISTEN", "verified=0"),
        ("READY_FILE", &path("ready.json")),
        ("SET", "verified.codes=random"),
        ("LOG", "json"),
        ("VERBOSE", "1"),
    ] {
        command.env(format!("UNDERSTUDY_{name}"), value);
    }
    let mut server = Running::spawn(&mut command);
    assert_eq!(server.address().ip().to_string(), "127.0.0.2");
    let info = server.get("/_understudy/info").json();
    assert_eq!((&info["seed"], &info["clock"]["mode"]), (&json!(42), &json!("frozen")));
    assert_eq!(info["providers"][0]["environment"][2]["summary"], "API key of Aviato");
    assert_ne!(server.ready["providers"]["verified"], json!(format!("http://{}/verified", server.address())));
    assert!(Path::new(&path("world.db")).exists());
    assert_eq!(std::fs::read_to_string(path("ready.json")).unwrap(), server.line);
    let settings = server.get("/_understudy/settings/verified").json();
    assert_eq!(settings["settings"].as_array().unwrap().iter().find(|one| one["key"] == "codes").unwrap()["value"], "random");
    server.get("/verified/nothing");
    let mut log = server.child.stderr.take().unwrap();
    assert_eq!(server.stop("TERM").0, Some(0));
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(lines.iter().any(|line| line["level"] == "DEBUG" && line["provider"] == "verified"), "each request is logged: {text}");
    // Beside a command that has no use for them they are no mistake.
    command.args(["openapi", "verified"]);
    assert_eq!(run(&mut command).status.code(), Some(0));
}

#[test]
fn an_external_url_can_come_from_the_environment() {
    let server = Running::spawn(understudy(&["--port", "0"]).env("UNDERSTUDY_EXTERNAL_URL", "https://sandbox.example"));
    assert_eq!(server.ready["url"], "https://sandbox.example");
}

#[test]
fn a_port_that_is_taken_is_a_failed_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let expected = format!("port {port} on 127.0.0.1 is taken; stop what uses it or give another port (0 picks a free one)");
    assert_eq!(sentence(&mut understudy(&["--port", &port.to_string()]), 1), expected);
    assert_eq!(sentence(&mut understudy(&["--port", "0", "--listen", &format!("verified={port}")]), 1), expected);
}

#[test]
fn wrong_use_is_status_2_with_what_would_be_right() {
    for (arguments, expected) in [
        (&["--no-such-flag"][..], "unexpected argument '--no-such-flag' found"),
        (&["no-such-command"], "unrecognized subcommand 'no-such-command'"),
        (&["--port", "99999"], "invalid value '99999' for '--port <PORT>': 99999 is not in 0..=65535"),
        (&["--host", "localhorst"], "invalid value 'localhorst' for '--host <HOST>': invalid IP address syntax"),
        (&["--seed", "-1"], "'-1'"),
        (&["--seed", "x"], "invalid value 'x' for '--seed <N>': invalid digit found in string"),
        (&["--clock", "yesterday"], "\"yesterday\" is no time such as 2026-01-01T00:00:00Z"),
        (&["--clock", "2026-01-01T00:00:00Z,melted"], "\"melted\" is neither frozen nor running"),
        (&["--clock", "2300-01-01T00:00:00Z"], "the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z"),
        (&["--only", "nobody"], "there is no provider \"nobody\"; there are verified"),
        (&["--only", "verified,nobody"], "there is no provider \"nobody\"; there are verified"),
        (&["--listen", "nobody=0"], "there is no provider \"nobody\"; there are verified"),
        (&["--listen", "verified"], "it wants a provider and a port, such as verified=3003"),
        (&["--listen", "verified=http"], "\"http\" is no port"),
        (&["--set", "verified.codes"], "it wants a setting and a value, such as verified.wire=observed"),
        (&["--set", "codes=random"], "it wants a provider and a key, such as verified.wire=observed"),
        (&["--set", "verified.nothing=1"], "verified has no setting \"nothing\"; it has wire, codes, formats"),
        (&["--set", "verified.codes=none"], "verified.codes: it must be one of fixed, random"),
        (&["--set", "nobody.codes=random"], "there is no provider \"nobody\"; there are verified"),
        (&["--log", "xml"], "[possible values: text, json]"),
        (&["--external-url", "sandbox"], "it wants a URL such as https://sandbox.example.com"),
        (&["--external-url", "https://sandbox.example/path"], "only scheme, host and port can be given"),
        (&["openapi", "nobody"], "there is no provider \"nobody\"; there are verified"),
        (&["openapi"], "required arguments were not provided"),
        (&["env", "--url", "localhost"], "--url \"localhost\": "),
        (&["env", "--tls", "--url", "http://localhost"], "--url \"http://localhost\" is not HTTPS, as --tls says that it is"),
        (&["--control-token", "two words"], "a token has letters, digits and signs of ASCII only, and no blanks"),
        (&["--control-token", ""], "a token cannot be empty"),
        (&["env", "--only", "nobody"], "there is no provider \"nobody\"; there are verified"),
        (&["healthcheck", "--url", "nothing at all"], "--url \"nothing at all\": "),
        (&["fixtures"], "Usage: understudy fixtures <COMMAND>"),
    ] {
        let mut command = understudy(arguments);
        if !arguments.iter().any(|one| one == &"--port") {
            command.env("UNDERSTUDY_PORT", "0");
        }
        let said = failure(&mut command, 2);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_fixture_that_cannot_be_used_is_a_failed_start_that_names_file_place_and_reason() {
    let good = include_str!("../../fixtures/verified.json");
    for (name, text, expected) in [
        ("verified.json", "{".to_owned(), "{path}: line 1, at .: EOF while parsing an object"),
        ("verified.json", format!("{good}x"), "{path}: line "),
        (
            "verified.json",
            "{\n  \"brands\": [\n    {\"uuid\": 7}\n]}".to_owned(),
            "{path}: line 3, at brands[0].uuid: invalid type: integer `7`, expected a string",
        ),
        (
            "verified.json",
            good.replacen("\"name\": \"Hooli\"", "\"nmae\": \"Hooli\"", 1),
            "{path}: line 5, at brands[0].nmae: unknown field `nmae`",
        ),
        (
            "verified.json",
            good.replacen("\"uuid\": \"7854ec22-", "\"uuid\": \"7854EC22-", 1),
            "{path}: at brands[0].uuid: \"7854EC22-",
        ),
        ("stray.json", "{}".to_owned(), "{path}: no provider has this name; fixtures are named verified.json"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, &text).unwrap();
        let expected = expected.replace("{path}", path.to_str().unwrap());
        let data = folder.path().join("world.db");
        let folder_name = folder.path().to_str().unwrap();
        let said = sentence(&mut understudy(&["--port", "0", "--fixtures", folder_name, "--data", data.to_str().unwrap()]), 1);
        assert!(said.starts_with(&expected), "{expected}: {said}");
        assert!(!data.exists(), "{expected}: no data file is left behind");
        let said = sentence(&mut understudy(&["fixtures", "check", folder_name]), 1);
        assert!(said.starts_with(&expected), "{expected}: {said}");
    }
    let said = sentence(&mut understudy(&["--port", "0", "--fixtures", "/nowhere/fixtures"]), 1);
    assert!(said.starts_with("/nowhere/fixtures: No such file or directory"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("verified.json"), b"{\"brands\": \"\xff\"}").unwrap();
    let said = sentence(&mut understudy(&["--port", "0", "--fixtures", folder.path().to_str().unwrap()]), 1);
    assert!(said.starts_with(&format!("{}: ", folder.path().join("verified.json").display())), "{said}");
}

#[test]
fn fixtures_are_taken_from_a_folder_and_missing_ones_are_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("README.md"), "not a fixture").unwrap();
    let output = run(&mut understudy(&["fixtures", "check", folder.path().to_str().unwrap()]));
    let slugs: Vec<&str> = providers::all().iter().map(|one| one.about().slug).collect();
    let expected = format!("fixtures are right: {}\n", slugs.join(", "));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(String::from_utf8(run(&mut understudy(&["fixtures", "check"])).stdout).unwrap(), expected);
}

/// A data file that a server made and left.
fn data_file(path: &Path) {
    let server = Running::start(&["--data", path.to_str().unwrap()]);
    assert_eq!(server.stop("TERM").0, Some(0));
}

#[test]
fn a_data_file_that_cannot_be_used_is_a_failed_start_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);

    std::fs::write(path("text.db"), "my notes\n").unwrap();
    std::fs::write(path("long.db"), "my notes\n".repeat(1000)).unwrap();
    rusqlite::Connection::open(path("foreign.db"))
        .unwrap()
        .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
        .unwrap();
    // Somebody else's database with a write-ahead log that was not written back.
    let busy = rusqlite::Connection::open(path("foreign-wal.db")).unwrap();
    busy.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE mine (a); INSERT INTO mine VALUES (1)").unwrap();
    for (name, owner) in [("newer-world.db", "world"), ("newer-provider.db", "verified")] {
        data_file(&path(name));
        let db = rusqlite::Connection::open(path(name)).unwrap();
        db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = WAL").unwrap();
        db.execute("UPDATE world_schema SET steps = 99 WHERE owner = ?1", [owner]).unwrap();
    }
    data_file(&path("damaged.db"));
    let mut damaged = std::fs::read(path("damaged.db")).unwrap();
    damaged[4096..].fill(0x5a);
    std::fs::write(path("damaged.db"), damaged).unwrap();
    std::fs::create_dir(path("folder.db")).unwrap();

    let not_ours = "{path} is not an Understudy data file; give another path to --data (nothing was written)";
    for (name, expected) in [
        ("text.db", not_ours),
        ("long.db", not_ours),
        ("foreign.db", not_ours),
        ("foreign-wal.db", not_ours),
        ("newer-world.db", "{path} was written by a newer version of Understudy (schema 99 of world, this version knows "),
        ("newer-provider.db", "{path} was written by a newer version of Understudy (schema 99 of verified, this version knows "),
        ("damaged.db", "cannot open {path}: database disk image is malformed"),
        ("folder.db", "cannot open {path}: "),
    ] {
        let path = path(name);
        let before = contents(folder.path());
        let said = sentence(&mut understudy(&["--port", "0", "--data", path.to_str().unwrap()]), 1);
        let expected = expected.replace("{path}", path.to_str().unwrap());
        assert!(said.starts_with(&expected), "{name}: {said}");
        assert!(contents(folder.path()) == before, "{name}: a file was changed, made or removed");
    }
    drop(busy);
}

/// Names and bytes of the files in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn a_data_file_where_none_can_be_made_is_a_failed_start() {
    for (path, expected) in [
        ("/nowhere/world.db", "cannot open /nowhere/world.db: there is no folder /nowhere"),
        // Not even root can make a file here.
        ("/proc/world.db", "cannot open /proc/world.db: "),
    ] {
        let said = sentence(&mut understudy(&["--port", "0", "--data", path]), 1);
        assert!(said.starts_with(expected), "{path}: {said}");
    }
}

#[test]
fn a_data_file_is_one_processs_until_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world %3f#?.db");
    let data = path.to_str().unwrap();
    for name in ["INT", "TERM"] {
        let server = Running::start(&["--data", data]);
        let said = sentence(&mut understudy(&["--port", "0", "--data", data]), 1);
        assert_eq!(said, format!("{data} is in use by another process; stop it or use another file"), "{name}");
        assert_eq!(server.get("/_understudy/info").status, 200, "{name}: the first goes on");
        assert_eq!(server.stop(name), (Some(0), String::new()), "{name}");
        let files: Vec<String> = contents(folder.path()).into_keys().collect();
        assert_eq!(files, ["world %3f#?.db"], "{name}: no log is left beside it");
    }
}

#[test]
fn a_data_file_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.db");
    let data = ["--data", path.to_str().unwrap()];
    let clock = ["--clock", "2026-01-01T00:00:00Z,frozen"];
    let server = Running::start(&[&data[..], &clock, &["--seed", "5"]].concat());
    let made = server.post("/verified/credentials", &issue("a@example.com")).json();
    let id = made["credentials"][0]["id"].as_str().unwrap().to_owned();
    server.post("/_understudy/clock/advance", &json!({"by": "PT1H"}));
    server.stop("TERM");

    let server = Running::start(&data);
    let info = server.get("/_understudy/info").json();
    assert_eq!((&info["seed"], &info["clock"]["now"]), (&json!(5), &json!("2026-01-01T01:00:00.000Z")));
    assert_eq!(server.get(&format!("/verified/credentials/{id}")).status, 200);
    let again = server.post("/verified/credentials", &issue("a@example.com")).json();
    assert_ne!(again["credentials"][0]["id"], json!(id), "chance goes on too");
    // A reset goes back to the seed of the file, not to that of this process.
    assert_eq!(server.post("/_understudy/reset", &json!({})).status, 204);
    assert_eq!(server.get("/_understudy/info").json()["seed"], 5);
    assert_eq!(server.get(&format!("/verified/credentials/{id}")).status, 404);
    server.stop("TERM");

    let server = Running::start(&[&data[..], &["--seed", "6"]].concat());
    assert_eq!(server.get("/_understudy/info").json()["seed"], 6, "unless another is asked for");
}

fn issue(email: &str) -> Value {
    json!({"email": email, "credentials": [{"type": "EmailCredential", "data": {"email": email}}]})
}

#[test]
fn killed_during_writes_it_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.db");
    let data = ["--data", path.to_str().unwrap()];
    for round in 0..3 {
        let server = Running::start(&data);
        let address = server.address();
        let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
                std::thread::spawn(move || write_until_cut(address, round, writer, &acknowledged, &stop))
            })
            .collect();
        while acknowledged.lock().unwrap().len() < 100 {
            std::thread::yield_now();
        }
        server.signal("KILL");
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        drop(server);

        let server = Running::start(&data);
        let acknowledged = acknowledged.lock().unwrap();
        for id in acknowledged.iter() {
            assert_eq!(server.get(&format!("/verified/credentials/{id}")).status, 200, "round {round}: {id} is lost");
        }
        assert_eq!(server.post("/verified/credentials", &issue("after@example.com")).status, 201, "it can be written to");
        drop(server); // killed once more, idle
    }
}

/// Issues credentials on one connection until it breaks; notes the id of each that was acknowledged.
fn write_until_cut(address: SocketAddr, round: u32, writer: u32, acknowledged: &Mutex<Vec<String>>, stop: &AtomicBool) {
    let connected = Raw::connect(address);
    let mut connection = connected.stream;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let body = issue(&format!("kill-{round}-{writer}-{number}@example.com")).to_string();
        let head = format!(
            "POST /verified/credentials HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let Some(answer) = crate::raw::try_exchange(&mut connection, &format!("{head}{body}")) else { return };
        assert_eq!(answer.status, 201, "{}", answer.text());
        acknowledged.lock().unwrap().push(answer.json()["credentials"][0]["id"].as_str().unwrap().to_owned());
    }
}

#[test]
fn openapi_prints_the_document() {
    let mut slugs: Vec<&str> = providers::all().iter().map(|one| one.about().slug).collect();
    slugs.push("control");
    for slug in slugs {
        let output = run(&mut understudy(&["openapi", slug]));
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{slug}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{slug}: {error}"));
        assert_eq!(document, crate::harness::document(slug), "{slug}");
    }
}

#[test]
fn env_prints_what_a_shell_can_evaluate() {
    let script = r#"eval "$("$0" env --url "$1")"; printf '%s|%s|%s' "$VERIFIED_API_URL" "$VERIFIED_API_KEY" "$VERIFIED_API_KEY_ACME_LENDING""#;
    for (url, base) in [
        ("http://127.0.0.1:11111", "http://127.0.0.1:11111/verified"),
        ("https://sandbox.example/", "https://sandbox.example/verified"),
        ("http://localhost:1/~w", "http://localhost:1/~w/verified"),
    ] {
        let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_understudy"), url]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, format!("{base}|{KEY}|YWNtZS1sZW5kaW5nLXNhbmRib3gtYXBpLWtleS0wMDE="), "{url}");
    }
}

#[test]
fn env_can_be_read_as_json_and_as_a_file_of_variables() {
    let json = run(&mut understudy(&["env", "--format", "json"]));
    let json: BTreeMap<String, String> = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["UNDERSTUDY_URL"], "http://127.0.0.1:11111");
    assert_eq!(json["UNDERSTUDY_CONTROL_URL"], "http://127.0.0.1:11111/_understudy");
    assert_eq!(json["VERIFIED_API_KEY"], KEY);
    let dotenv = String::from_utf8(run(&mut understudy(&["env", "--format", "dotenv"])).stdout).unwrap();
    let lines: BTreeMap<String, String> = dotenv
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}")))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect();
    assert_eq!(lines, json);
}

#[test]
fn env_with_tls_says_whom_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tls");
    let output = run(&mut understudy(&["env", "--tls", "--ca-dir", place.to_str().unwrap(), "--format", "json"]));
    let variables: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(variables["VERIFIED_API_URL"], "https://127.0.0.1:11111/verified");
    let file = place.join("authority.pem");
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        assert_eq!(variables[name], file.to_str().unwrap(), "{name}");
    }
    assert!(file.exists());
}

#[test]
fn ca_prints_the_certificate_to_trust_or_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("understudy/tls/authority.pem");
    let ca = |arguments: &[&str]| {
        // Where the data of a user is, unless told otherwise.
        let output = run(understudy(&[&["ca"], arguments].concat()).env("XDG_DATA_HOME", folder.path()));
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let pem = ca(&[]);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    assert_eq!(ca(&[]), pem, "it is made once");
    assert_eq!(ca(&["--path"]), format!("{}\n", file.display()));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), pem.trim_end());
    let place = folder.path().join("other");
    assert_ne!(ca(&["--ca-dir", place.to_str().unwrap()]), pem);
    std::fs::write(&file, "my notes").unwrap();
    let said = sentence(understudy(&["ca"]).env("XDG_DATA_HOME", folder.path()), 1);
    assert!(said.starts_with(&format!("{} is not an authority's of Understudy: ", file.display())), "{said}");
    let said = sentence(understudy(&["--port", "0", "--tls"]).env("XDG_DATA_HOME", folder.path()), 1);
    assert!(said.ends_with("move it away to have another made (nothing was written)"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "my notes");
}

#[test]
fn with_tls_every_address_is_https_and_healthcheck_trusts_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tls");
    let mut command = understudy(&["--port", "0", "--listen", "verified=0"]);
    let server = Running::spawn(command.env("UNDERSTUDY_TLS", "1").env("UNDERSTUDY_CA_DIR", &place));
    let url = server.ready["url"].as_str().unwrap();
    for address in [url, server.ready["control"].as_str().unwrap(), server.ready["providers"]["verified"].as_str().unwrap()] {
        assert!(address.starts_with("https://127.0.0.1:"), "{address}");
    }
    for url in [url.to_owned(), url.replace("127.0.0.1", "localhost")] {
        let output = run(&mut understudy(&["healthcheck", "--url", &url, "--ca-dir", place.to_str().unwrap()]));
        assert_eq!(output.status.code(), Some(0), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let stranger = folder.path().join("stranger");
    let arguments = ["healthcheck", "--url", url, "--ca-dir", stranger.to_str().unwrap()];
    let said = sentence(&mut understudy(&arguments), 1);
    assert!(said.starts_with(&format!("cannot trust {}: ", stranger.join("authority.pem").display())), "{said}");
    assert!(!stranger.exists(), "a probe makes nothing");
    run(&mut understudy(&["ca", "--ca-dir", stranger.to_str().unwrap()]));
    let said = sentence(&mut understudy(&arguments), 1);
    assert!(said.contains("invalid peer certificate"), "{said}");
}

/// What a server wrote to standard error, once it was stopped.
fn log_of(mut server: Running) -> String {
    let mut log = server.child.stderr.take().expect("it is piped");
    assert_eq!(server.stop("TERM").0, Some(0));
    let mut text = String::new();
    log.read_to_string(&mut text).expect("it logs text");
    text
}

#[test]
fn a_token_that_is_made_is_told_once_and_one_that_is_given_never() {
    for format in ["text", "json"] {
        let server = Running::start(&["--host", "0.0.0.0", "--log", format, "-v"]);
        assert_eq!(server.get("/_understudy/clock").status, 401);
        let ready = server.line.clone();
        let log = log_of(server);
        let told: Vec<&str> = log.lines().filter(|line| line.contains("wants")).collect();
        assert_eq!(told.len(), 1, "{log}");
        let token = if format == "json" {
            let line: Value = serde_json::from_str(told[0]).unwrap();
            line["control_token"].as_str().unwrap().to_owned()
        } else {
            told[0].split("the token ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
        };
        assert_eq!(log.matches(&token).count(), 1, "{log}");
        assert!(!ready.contains(&token), "{ready}");
    }
    let server = Running::start(&["--host", "0.0.0.0", "--control-token", "s3cret-of-a-team", "-v"]);
    let answer = request(server.address(), "GET", "/_understudy/clock", &["Understudy-Token: s3cret-of-a-team"], "");
    assert_eq!(answer.status, 200);
    assert!(!log_of(server).contains("s3cret-of-a-team"));
    let help = run(understudy(&["--help"]).env("UNDERSTUDY_CONTROL_TOKEN", "s3cret-of-a-team"));
    assert!(!String::from_utf8(help.stdout).unwrap().contains("s3cret-of-a-team"));
}

#[test]
fn the_log_has_no_secrets() {
    let issue = issue("somebody-s3cret@example.com").to_string();
    for format in ["text", "json"] {
        let server = Running::start(&["--log", format, "-v", "--control-token", "s3cret-control"]);
        let address = server.address();
        let json = "Content-Type: application/json";
        let key = format!("Authorization: Bearer {KEY}");
        for (method, path, headers, body) in [
            ("POST", "/verified/credentials", &[key.as_str(), json][..], issue.as_str()),
            ("GET", "/verified/credentials/s3cret-id?token=s3cret-query", &[&key], ""),
            ("GET", "/verified/nothing?token=s3cret-query", &["Authorization: Bearer s3cret-wrong-key"], ""),
            ("GET", "/5n/verify/s3cret-link?x=s3cret-query", &["Cookie: session=s3cret-cookie"], ""),
            ("POST", "/5n/api/v1/verification/check/s3cret-link", &[json], r#"{"secret":"s3cret-body"}"#),
            ("POST", "/1kosmos/x?key=s3cret-query", &["publickey: s3cret-header", json], "s3cret-body"),
            ("GET", "/_understudy/clock?token=s3cret-query", &["Authorization: Bearer s3cret-control"], ""),
            ("GET", "/_understudy/clock", &["Understudy-Token: s3cret-wrong"], ""),
            ("POST", "/", &["Content-Type: application/x-www-form-urlencoded"], "token=s3cret-control"),
            ("GET", "/nobody?token=s3cret-query", &[], ""),
            ("GET", "/~s3cret-world/verified/schema", &[], ""),
        ] {
            request(address, method, path, headers, body);
        }
        let log = log_of(server);
        assert!(log.contains("GET /credentials/{"), "requests are logged, by the operation's path: {log}");
        assert!(!log.contains("s3cret") && !log.contains(KEY), "{log}");
    }
}

#[test]
fn healthcheck_says_whether_a_server_can_serve() {
    let server = Running::start(&[]);
    let url = server.ready["url"].as_str().unwrap().to_owned();
    for url in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        let output = run(&mut understudy(&["healthcheck", "--url", &url]));
        assert_eq!(output.status.code(), Some(0), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        let health: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(health["status"], "ok", "{url}");
    }
    let output = run(understudy(&["healthcheck"]).env("UNDERSTUDY_URL", &url));
    assert_eq!(output.status.code(), Some(0));
    let address = server.address();
    server.stop("TERM");
    let said = sentence(&mut understudy(&["healthcheck", "--url", &url]), 1);
    assert!(said.starts_with(&format!("no answer from {}:{}: ", address.ip(), address.port())), "{said}");
}

#[test]
fn help_and_version_are_printed() {
    let output = run(&mut understudy(&["--version"]));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), concat!("understudy ", env!("CARGO_PKG_VERSION"), "\n"));
    let output = run(&mut understudy(&["--help"]));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    insta::assert_snapshot!("help", String::from_utf8(output.stdout).unwrap());
}
