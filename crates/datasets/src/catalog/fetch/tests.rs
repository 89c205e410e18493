//! Against a server on the loopback interface, written here.

use super::*;
use crate::catalog::convert::Convert;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Answers each connection with what `answer(request, how many came before)` says, then closes it.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream: TcpStream = stream.unwrap();
                let mut request = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut request).unwrap_or(0) > 2 {}
                let count = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                // The client may have gone away: that is its affair.
                let _ = stream.write_all(&answer(&request, count));
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read(&mut [0; 64]);
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn whole(body: &[u8]) -> Vec<u8> {
    reply("200 OK", &format!("Content-Length: {}\r\n", body.len()), body)
}

/// Says the whole length, sends the first `count` bytes, hangs up.
fn cut(body: &[u8], count: usize) -> Vec<u8> {
    reply("200 OK", &format!("Content-Length: {}\r\n", body.len()), &body[..count])
}

fn rest(body: &[u8], first: usize) -> Vec<u8> {
    let headers = format!(
        "Content-Length: {}\r\nContent-Range: bytes {first}-{}/{}\r\n",
        body.len() - first,
        body.len() - 1,
        body.len()
    );
    reply("206 Partial Content", &headers, &body[first..])
}

/// The first byte a request asks for.
fn wanted(request: &str) -> usize {
    let line = request.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    line.map_or(0, |l| l.trim_end_matches('-').parse().unwrap())
}

fn body() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect()
}

fn sum(bytes: &[u8]) -> &'static str {
    super::super::verify::hex(&Sha256::digest(bytes)).leak()
}

fn source(server: &Server, bytes: &[u8]) -> Source {
    Source {
        url: format!("{}/some/file.bin", server.address),
        sha256: Some(sum(bytes)),
        sha256_note: "of the test",
        convert: Convert::Keep,
        url_tried: true,
        path: "set/file.bin".into(),
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new().attempts(3).pause(Duration::from_millis(1))
}

/// Fetches `bytes`' source into a new folder, which may hold a part already.
fn run(server: &Server, bytes: &[u8], part: &[u8]) -> (Result<(), String>, TempDir, Vec<u64>) {
    let folder = TempDir::new().unwrap();
    let dir = DataDir::new(folder.path());
    if !part.is_empty() {
        fs::create_dir_all(dir.path("set")).unwrap();
        fs::write(dir.path("set/file.bin.part"), part).unwrap();
    }
    let mut received = Vec::new();
    let source = source(server, bytes);
    let result = fetcher().file(&source, sum(bytes), &dir, &mut |p: Progress<'_>| received.push(p.received));
    (result.map_err(|e| e.to_string()), folder, received)
}

fn installed(folder: &TempDir) -> Option<Vec<u8>> {
    fs::read(folder.path().join("set/file.bin")).ok()
}

fn part(folder: &TempDir) -> Option<Vec<u8>> {
    fs::read(folder.path().join("set/file.bin.part")).ok()
}

#[test]
fn a_file_comes_whole_with_progress_and_is_not_fetched_twice() {
    let server = Server::start(|_, _| whole(&body()));
    let (result, folder, received) = run(&server, &body(), b"");
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
    assert!(part(&folder).is_none());
    assert!(received.is_sorted() && *received.last().unwrap() == 200_000);
    let again = fetcher().file(&source(&server, &body()), sum(&body()), &DataDir::new(folder.path()), &mut |_| {});
    again.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_cut_connection_is_resumed_where_it_ended() {
    let server = Server::start(|request, count| match count {
        0 => cut(&body(), 70_000),
        _ => rest(&body(), wanted(request)),
    });
    let (result, folder, _) = run(&server, &body(), b"");
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
    let asked = wanted(&server.requests()[1]);
    assert!(asked > 0 && asked <= 70_000, "asked from {asked}");
}

#[test]
fn the_part_of_an_earlier_process_is_used() {
    let server = Server::start(|request, _| rest(&body(), wanted(request)));
    let (result, folder, received) = run(&server, &body(), &body()[..150_000]);
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
    assert_eq!(received[0], 150_000);
    assert_eq!(wanted(&server.requests()[0]), 150_000);
}

#[test]
fn a_part_that_is_whole_already_is_enough() {
    let server = Server::start(|_, _| {
        reply("416 Range Not Satisfiable", "Content-Range: bytes */200000\r\nContent-Length: 0\r\n", b"")
    });
    let (result, folder, _) = run(&server, &body(), &body());
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let server = Server::start(|_, _| whole(&body()));
    let (result, folder, _) = run(&server, &body(), b"something else");
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
}

#[test]
fn a_part_of_another_version_is_thrown_away() {
    let server = Server::start(|request, _| match wanted(request) {
        0 => whole(&body()),
        first => rest(&body(), first),
    });
    let (result, folder, _) = run(&server, &body(), &[7; 1000]);
    result.unwrap();
    assert_eq!(installed(&folder).unwrap(), body());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_wrong_checksum_leaves_nothing_under_the_name() {
    let server = Server::start(|_, _| whole(b"another version"));
    let (result, folder, _) = run(&server, &body(), b"");
    let error = result.unwrap_err();
    assert!(error.contains("expected (of the test)") && error.contains("another version"), "{error}");
    assert!(error.contains("set/file.bin"), "{error}");
    assert!(installed(&folder).is_none());
}

#[test]
fn not_found_is_not_tried_again() {
    let server = Server::start(|_, _| reply("404 Not Found", "Content-Length: 0\r\n", b""));
    let (result, folder, _) = run(&server, &body(), b"");
    let error = result.unwrap_err();
    assert!(error.contains("404 Not Found") && error.contains("by hand to"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(installed(&folder).is_none() && part(&folder).is_none());
}

#[test]
fn a_busy_server_is_tried_again_and_then_given_up() {
    let server = Server::start(|_, count| match count {
        0 => reply("503 Service Unavailable", "Content-Length: 0\r\n", b""),
        _ => whole(&body()),
    });
    run(&server, &body(), b"").0.unwrap();
    let server = Server::start(|_, _| reply("503 Service Unavailable", "Content-Length: 0\r\n", b""));
    let error = run(&server, &body(), b"").0.unwrap_err();
    assert!(error.contains("503 Service Unavailable (after 3 attempts)"), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn redirects_are_followed_with_the_range() {
    let server = Server::start(|request, _| {
        if request.starts_with("GET /some/") {
            reply("302 Found", "Location: /elsewhere\r\nContent-Length: 0\r\n", b"")
        } else {
            match wanted(request) {
                0 => whole(&body()),
                first => rest(&body(), first),
            }
        }
    });
    let (result, folder, received) = run(&server, &body(), &body()[..1000]);
    result.unwrap();
    assert_eq!(received[0], 1000);
    assert_eq!(installed(&folder).unwrap(), body());
}

#[test]
fn endless_redirects_end() {
    let server = Server::start(|_, _| reply("302 Found", "Location: /some/file.bin\r\nContent-Length: 0\r\n", b""));
    assert!(run(&server, &body(), b"").0.unwrap_err().contains("redirect"));
}

#[test]
fn without_a_network_the_message_says_what_to_do_instead() {
    // A port that nobody listens on: bound, then closed.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server { address: format!("http://127.0.0.1:{port}"), requests: Arc::default() };
    let (result, folder, _) = run(&server, &body(), b"");
    let error = result.unwrap_err();
    let place = folder.path().join("set/file.bin").display().to_string();
    assert!(error.contains("no answer") && error.contains("after 3 attempts"), "{error}");
    assert!(error.contains(&format!("copy the file by hand to {place}")), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let server = Server::start(|_, _| whole(&body()));
    let folder = TempDir::new().unwrap();
    let fetcher = fetcher().limit(1000);
    let error = fetcher.file(&source(&server, &body()), sum(&body()), &DataDir::new(folder.path()), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("larger than the limit of 1000 bytes"));
    assert!(part(&folder).is_none());
}

#[test]
fn a_file_that_is_there_and_wrong_is_left_alone() {
    let server = Server::start(|_, _| whole(&body()));
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("set")).unwrap();
    fs::write(folder.path().join("set/file.bin"), b"mine").unwrap();
    let result = fetcher().file(&source(&server, &body()), sum(&body()), &DataDir::new(folder.path()), &mut |_| {});
    assert!(result.unwrap_err().to_string().contains("move it away"));
    assert_eq!(installed(&folder).unwrap(), b"mine");
    assert!(server.requests().is_empty());
}

#[test]
fn a_converter_stands_between_the_public_file_and_ours() {
    let public = format!("1,M,{}\n", ["7"; 30].join(",")).into_bytes();
    let ours = Convert::Wdbc.apply(public.clone()).unwrap();
    let served = public.clone();
    let server = Server::start(move |_, _| whole(&served));
    let folder = TempDir::new().unwrap();
    let source = Source { convert: Convert::Wdbc, ..source(&server, &public) };
    fetcher().file(&source, sum(&ours), &DataDir::new(folder.path()), &mut |_| {}).unwrap();
    assert_eq!(installed(&folder).unwrap(), ours);
    assert!(part(&folder).is_none());
}

#[test]
fn two_processes_do_not_fetch_one_file() {
    let server = Server::start(|_, _| whole(&body()));
    let folder = TempDir::new().unwrap();
    let dir = DataDir::new(folder.path());
    fs::create_dir_all(dir.path("set")).unwrap();
    let _held = Part::open(&dir.path("set/file.bin")).unwrap();
    let result = fetcher().file(&source(&server, &body()), sum(&body()), &dir, &mut |_| {});
    assert!(result.unwrap_err().to_string().contains("another process"));
}

#[test]
fn sets_to_be_had_by_hand_say_what_to_get() {
    let entry = crate::catalog::find("iris").unwrap();
    let error = fetch(entry, &DataDir::new("/data"), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("arff-datasets") && error.contains("/data/tabular/iris.csv"), "{error}");
}
