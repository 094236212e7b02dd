//! A server as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Understudy on a free port, with a seed, and with these options beside.
    pub(crate) fn understudy(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
        command.args(["--port", "0", "--seed", "7"]).args(options).stderr(Stdio::null());
        Self::start(command, |line| {
            let ready: serde_json::Value = serde_json::from_str(line).expect("the ready line is JSON");
            ready["url"].as_str().expect("a URL").trim_start_matches("http://").to_owned()
        })
    }

    /// What `command` starts; `address` finds its address in the first line that it prints.
    pub(crate) fn start(mut command: Command, address: impl Fn(&str) -> String) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("the server says where it is");
        Self { address: address(&line).parse().expect("an address"), process }
    }

    /// Memory that it holds, in KiB; none where the system does not say.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        status.lines().find(|line| line.starts_with("VmRSS"))?.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which its clients then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
