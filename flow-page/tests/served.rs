//! The server itself: a run that is watched and stopped, and bytes that are no request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flow::page::{PageOptions, PageServer};
use flow::prelude::*;

use crate::tasks::{Endless, Mean};

/// The longest time that a test waits.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(page: &PageServer) -> TcpStream {
    let stream = TcpStream::connect(page.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

fn token(page: &PageServer) -> String {
    page.url().split_once("?token=").expect("a token").1.to_owned()
}

/// Sends a request, and returns the response, which ends with the connection.
fn ask(page: &PageServer, method: &str, path: &str) -> String {
    let mut stream = connect(page);
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        page.address(),
        token(page)
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

fn flow() -> (tempfile::TempDir, Flow) {
    let folder = tempfile::tempdir().expect("a folder");
    let flow = Flow::open(folder.path()).expect("a store").quiet().workers(2);
    (folder, flow)
}

#[test]
fn a_live_run_is_watched_and_stopped() -> Result<()> {
    let (_folder, flow) = flow();
    let page = flow.serve::<(Endless, Mean)>(PageOptions::new())?;
    let mut watched = connect(&page);
    let request = format!(
        "GET /live/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        page.address(),
        token(&page)
    );
    watched.write_all(request.as_bytes())?;
    assert!(page.start_run()? && !page.start_run()?);

    let begun = Instant::now();
    let mut seen = String::new();
    let mut part = [0; 4096];
    while !(seen.contains("Endless") && seen.contains("60 of 100") && seen.contains("Stop the run"))
    {
        let read = watched.read(&mut part)?;
        assert!(read > 0 && begun.elapsed() < PATIENCE, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    assert!(seen.contains("text/event-stream") && !seen.contains("<script>"), "{seen}");
    assert!(ask(&page, "GET", "/").contains("running"));

    let stopped = ask(&page, "POST", "/live/stop");
    assert!(stopped.starts_with("HTTP/1.1 303"), "{stopped}");
    page.wait_for_run();
    assert!(!page.is_running());
    while !seen.contains("Ended after") {
        let read = watched.read(&mut part)?;
        assert!(read > 0 && begun.elapsed() < PATIENCE, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn a_server_that_ends_in_the_middle_of_a_run_stops_it() -> Result<()> {
    let (_folder, flow) = flow();
    let page = flow.serve::<Endless>(PageOptions::new())?;
    page.start_run()?;
    let address = page.address();
    drop(page);
    assert!(TcpStream::connect(address).is_err(), "nothing listens");
    assert!(flow.store().verify()?.is_whole() && !flow.is_complete::<Endless>()?);
    Ok(())
}

#[test]
fn bytes_that_are_no_request_end_a_connection_and_not_the_server() -> Result<()> {
    let (_folder, flow) = flow();
    let page = flow.serve::<Mean>(PageOptions::new())?;
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(2_000));
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://example.org/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /live/stop HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        long.as_bytes(),
        many.as_bytes(),
    ] {
        let mut stream = connect(&page);
        // The server may have closed the connection already.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8_lossy(&response);
        assert!(response.is_empty() || response.starts_with("HTTP/1."), "{response}");
        assert!(!response.starts_with("HTTP/1.1 2") && !response.contains("Mean"), "{response}");
    }
    assert!(ask(&page, "GET", "/").starts_with("HTTP/1.1 200"));
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_an_error() -> Result<()> {
    let (_folder, flow) = flow();
    let page = flow.serve::<Mean>(PageOptions::new())?;
    let port = page.address().port();
    let error = flow.serve::<Mean>(PageOptions::new().port(port)).expect_err("it is taken");
    let expected =
        format!("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for any free one");
    assert_eq!(error.to_string(), expected);
    Ok(())
}
