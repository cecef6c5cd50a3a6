//! `serve`: what is printed, what the page shows, and that a page that is read-only creates no store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{folder, weather, words};

/// A program that serves a page, until it is dropped.
struct Served {
    child: Child,
    address: String,
    token: String,
}

impl Served {
    fn start(folder: &Path, args: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weather"))
            .args(words(args))
            .current_dir(folder)
            .env_remove("FLOW_DATA")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut url = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut url).expect("a line");
        let url = url.trim().strip_prefix("http://").expect("an address").to_owned();
        let (address, token) = url.split_once("/?token=").expect("a token");
        Self { address: address.to_owned(), token: token.to_owned(), child }
    }

    /// Returns the response to a request.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        let Self { address, token, .. } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        response
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_read_only_page_creates_no_store() {
    let folder = folder();
    let page = Served::start(folder.path(), "serve Temperature --station Rome --read-only");
    let graph = page.ask("GET", "/");
    assert!(graph.starts_with("HTTP/1.1 200") && graph.contains("Temperature"), "{graph}");
    assert!(graph.contains("Rome") && graph.contains("never run"), "{graph}");
    assert!(page.ask("POST", "/live/stop").starts_with("HTTP/1.1 403"));
    assert!(page.ask("GET", "/runs").contains("There are no runs yet."));
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_page_shows_what_the_command_line_runs_meanwhile() {
    let folder = folder();
    let page = Served::start(folder.path(), "serve Temperature");
    assert!(page.ask("GET", "/").contains("never run"));
    weather(folder.path(), words("run Temperature --quiet")).ok();
    // A plan is kept for a moment.
    std::thread::sleep(Duration::from_secs(2));
    let graph = page.ask("GET", "/");
    assert!(graph.contains("complete") && !graph.contains("never run"), "{graph}");
    assert!(page.ask("GET", "/runs").contains("success"));
}

#[test]
fn a_page_runs_the_tasks_on_request() {
    let folder = folder();
    let page = Served::start(folder.path(), "serve Temperature --run");
    let live = || page.ask("GET", "/live");
    let is_over = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        live().contains("Ended after")
    });
    assert!(is_over, "{}", live());
    let path = weather(folder.path(), words("path Temperature")).ok();
    assert!(folder.path().join(path.trim()).exists(), "{path}");
}

#[test]
fn a_port_that_is_no_number_is_refused() {
    let folder = folder();
    let message = weather(folder.path(), words("serve Temperature --port x")).refused();
    assert!(message.contains("invalid value 'x' for '--port <PORT>'"), "{message}");
    let message = weather(folder.path(), words("serve Temperature --run --read-only")).refused();
    assert!(message.contains("cannot be used with"), "{message}");
}
