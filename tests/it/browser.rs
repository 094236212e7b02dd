//! A real Chromium, headless, for tests of what a person sees: it types, clicks and reads as they do.
//!
//! Needs Debian's packages `chromium` and `chromium-driver`, and fails where they are missing.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    error::WebDriverErrorInner,
    extensions::query::ElementQuery,
    prelude::*,
    session::http::{Body, HttpClient},
};
use tokio::sync::oneshot;

use crate::client::Client;

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const MISSING: &str = "page tests need the Debian packages `chromium` and `chromium-driver`";

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// Runs chromedriver, and kills it and all its browsers when standard input closes, as it does even
/// when the test's process is killed: they are the shell's process group.
const LEASH: &str = r#""$@" & exec >/dev/null; read -r _; kill -KILL 0"#;

/// Real time within which chromedriver must be ready, and an element must be there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pages that may follow one another while an element is looked for.
const PAGES: u32 = 20;

/// A browser with one window and a profile of its own, gone with this value.
///
/// Whatever acts on an element takes a CSS selector and waits for the element to appear. Everything
/// panics, naming the selector and the page, when it cannot be done.
#[must_use = "the browser ends when this is dropped"]
pub(crate) struct Browser {
    driver: WebDriver,
    _process: Process,
}

impl Browser {
    /// Starts a browser.
    pub(crate) async fn start() -> Self {
        Self::with_preferences(json!({})).await
    }

    /// Starts a browser in which pages run no script.
    pub(crate) async fn without_javascript() -> Self {
        let key = "profile.managed_default_content_settings.javascript";
        Self::with_preferences(json!({ key: 2 })).await
    }

    async fn with_preferences(preferences: serde_json::Value) -> Self {
        let (process, url) = Process::start().await;
        let mut wanted = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", process.home.path().join("profile").display());
        let driver = async {
            for flag in FLAGS.into_iter().chain([profile.as_str()]) {
                wanted.add_arg(flag)?;
            }
            wanted.set_binary(CHROMIUM)?;
            wanted.add_experimental_option("prefs", preferences)?;
            WebDriver::builder(&url, wanted).client(Wire(Client::new(&url))).await
        };
        let driver = driver.await.unwrap_or_else(|e| panic!("Chromium did not start ({e}); {MISSING}"));
        // The process group is killed anyway: no polite goodbye, which would block while dropping.
        driver.clone().leak().expect("a new session was not left yet");
        Self { driver, _process: process }
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn goto(&self, url: &str) {
        self.done(&format!("open {url}"), self.driver.goto(url).await).await;
    }

    /// The address of the page that is shown.
    pub(crate) async fn url(&self) -> String {
        self.driver.current_url().await.expect("the browser still runs").to_string()
    }

    /// Replaces what a field contains by typing `text`.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.act(&format!("type into {css}"), css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Chooses a file of this machine in a file field.
    pub(crate) async fn choose_file(&self, css: &str, path: impl AsRef<Path>) {
        let path = path.as_ref().display().to_string();
        self.act(&format!("choose {path} in {css}"), css, async |field| field.send_keys(&path).await).await;
    }

    /// Clicks. A page that this opens may come later, so wait for something that only the new page has
    /// before acting on what both have.
    pub(crate) async fn click(&self, css: &str) {
        self.act(&format!("click {css}"), css, async |element| element.click().await).await;
    }

    /// Types into whatever has the focus: text, keys such as `Key::Tab` and `Key::Enter`, or chords
    /// such as `Key::Shift + Key::Tab`.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        let focused = self.driver.active_element().await;
        let focused = self.done("find the focus", focused).await;
        self.done("press keys", focused.send_keys(keys).await).await;
    }

    /// The text that a person sees in an element.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.act(&format!("read {css}"), css, async |element| element.text().await).await
    }

    /// What a field contains now.
    pub(crate) async fn value(&self, css: &str) -> String {
        let value = self.act(&format!("read {css}"), css, async |element| element.value().await).await;
        value.unwrap_or_else(|| panic!("{css} is no field"))
    }

    /// Waits until an element that `css` selects shows `text`, among others.
    pub(crate) async fn wait_for(&self, css: &str, text: &str) {
        let wanted = text.to_owned();
        // While a page makes way for the next, its elements cannot be read any more.
        let shows = move |element: WebElement| {
            let wanted = wanted.clone();
            async move { Ok(element.text().await.is_ok_and(|shown| shown.contains(&wanted))) }
        };
        let query = self.query(css).with_filter(shows);
        self.done(&format!("see {text:?} in {css}"), query.first().await).await;
    }

    /// Waits until such an element is there; `:focus` and `:checked` select by state.
    pub(crate) async fn wait_until(&self, css: &str) {
        self.element(css).await;
    }

    /// Whether such an element is there at this moment; see also [`Browser::wait_until`].
    pub(crate) async fn exists(&self, css: &str) -> bool {
        let found = self.driver.find_all(By::Css(css)).await;
        !self.done(&format!("look for {css}"), found).await.is_empty()
    }

    /// Writes a PNG of the page.
    pub(crate) async fn screenshot(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        self.done(&format!("write {}", path.display()), self.driver.screenshot(path).await).await;
    }

    /// By how many pixels the page is wider than its window.
    pub(crate) async fn overflow(&self) -> i64 {
        let script = "const page = document.scrollingElement; return page.scrollWidth - page.clientWidth";
        let width = self.done("measure the page", self.driver.execute(script, Vec::new()).await).await;
        width.json().as_i64().expect("a width is a number")
    }

    /// Resizes the window. The page gets all of its width, and some 140 pixels less than its height.
    pub(crate) async fn set_window(&self, width: u32, height: u32) {
        let resized = self.driver.set_window_rect(0, 0, width, height).await;
        self.done("resize the window", resized).await;
    }

    /// Does something with an element; again with its successor where a new page took its place meanwhile.
    async fn act<T>(&self, what: &str, css: &str, action: impl AsyncFn(WebElement) -> WebDriverResult<T>) -> T {
        for _ in 0..PAGES {
            match action(self.element(css).await).await {
                Err(error) if matches!(*error, WebDriverErrorInner::StaleElementReference(_)) => {}
                result => return self.done(what, result).await,
            }
        }
        panic!("cannot {what}: the page does not come to rest");
    }

    async fn element(&self, css: &str) -> WebElement {
        self.done(&format!("find {css}"), self.query(css).first().await).await
    }

    fn query(&self, css: &str) -> ElementQuery {
        self.driver.query(By::Css(css)).wait(PATIENCE, Duration::from_millis(50))
    }

    /// Unwraps what the browser did, or panics with what it could not do and what it shows.
    async fn done<T>(&self, what: &str, result: WebDriverResult<T>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => {
                let url = self.driver.current_url().await.map(String::from).unwrap_or_default();
                let page = self.driver.source().await.unwrap_or_default();
                panic!("cannot {what}: {error}\non {url}:\n{page}");
            }
        }
    }
}

/// chromedriver, with its browsers, and a folder for all that they write.
struct Process {
    leash: Child,
    home: TempDir,
}

impl Process {
    /// Starts chromedriver on a free port and returns its URL once it is ready.
    async fn start() -> (Self, String) {
        for program in [CHROMIUM, CHROMEDRIVER] {
            assert!(Path::new(program).exists(), "{program} is missing: {MISSING}");
        }
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let mut leash = Command::new("/bin/sh")
            .args(["-c", LEASH, "sh", CHROMEDRIVER, "--port=0"])
            .envs([("HOME", home.path()), ("TMPDIR", home.path())])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh starts");
        let output = leash.stdout.take().expect("it is piped");
        let process = Self { leash, home };

        let port = tokio::time::timeout(PATIENCE, announced_port(output)).await;
        let port = port.ok().and_then(Result::ok).expect("chromedriver gets ready and says where");
        let url = format!("http://127.0.0.1:{port}");
        let status = Client::new(&url).get("/status").await.json();
        assert_eq!(status["value"]["ready"], true, "chromedriver is not ready: {status}");
        (process, url)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        let _ = self.leash.wait(); // a zombie at worst
    }
}

/// The port that chromedriver says it listens on; its further output is read away.
fn announced_port(output: ChildStdout) -> oneshot::Receiver<u16> {
    let (sender, port) = oneshot::channel();
    thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let words = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = words.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                sender.take().map(|sender| sender.send(port));
            }
        }
    });
    port
}

/// Carries the browser driver's commands over the tests' own client.
struct Wire(Client);

#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let request = request.map(|body| match body {
            Body::Empty => Bytes::new(),
            Body::Json(json) => json.to_string().into(),
        });
        let answer = self.0.try_send(request).await.map_err(WebDriverErrorInner::RequestFailed)?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        Ok(response)
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self(Client::new(&self.0.base)))
    }
}
