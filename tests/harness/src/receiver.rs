//! Who receives messages of webhooks, on loopback, and answers each as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(1);

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How to answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With a status, and lines of headers.
    Status(u16, &'static str),
    /// Never.
    Hang,
    /// By closing the connection.
    Reset,
    /// With 200, and a body that does not end.
    SlowBody,
}

type Script = Box<dyn FnMut(&Received) -> Reply + Send>;

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    grown: Condvar,
    script: Mutex<Option<Script>>,
}

/// It lives as long as the process.
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
}

impl Receiver {
    /// One that answers 204 to all.
    #[expect(clippy::new_without_default, reason = "no default opens a port")]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let inner = Arc::<Inner>::default();
        let receiver = Receiver { url, inner: Arc::clone(&inner) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = Arc::clone(&inner);
                std::thread::spawn(move || serve(&stream, &inner));
            }
        });
        receiver
    }

    /// Answers from now on as this says.
    pub fn answers(&self, script: impl FnMut(&Received) -> Reply + Send + 'static) {
        *self.inner.script.lock().unwrap() = Some(Box::new(script));
    }

    /// All that arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// What `find` finds in all that arrived, once it is there.
    #[track_caller]
    pub fn wait_for<T>(&self, find: impl Fn(&[Received]) -> Option<T>) -> T {
        let received = self.inner.received.lock().unwrap();
        let (received, _) =
            self.inner.grown.wait_timeout_while(received, PATIENCE, |received| find(received).is_none()).unwrap();
        find(&received).unwrap_or_else(|| panic!("not received within {PATIENCE:?}; {} messages were", received.len()))
    }

    /// Forgets all that arrived.
    pub fn forget(&self) {
        self.inner.received.lock().unwrap().clear();
    }
}

/// One request for each connection, and then none: so none is sent into one that is being closed.
fn serve(stream: &TcpStream, inner: &Inner) {
    let Some(received) = read(stream) else { return };
    let reply = match &mut *inner.script.lock().unwrap() {
        Some(script) => script(&received),
        None => Reply::Status(204, ""),
    };
    inner.received.lock().unwrap().push(received);
    inner.grown.notify_all();
    let mut stream = stream;
    let _ = match reply {
        Reply::Status(status, headers) => {
            write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n")
        }
        Reply::Reset => Ok(()),
        Reply::Hang => {
            // Until the other side gives up.
            let _ = stream.read(&mut [0]);
            Ok(())
        }
        Reply::SlowBody => {
            let begun = write!(stream, "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\nbegun");
            let _ = stream.read(&mut [0]);
            begun
        }
    };
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut lines = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    loop {
        line.clear();
        lines.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let body = match headers.get("content-length") {
        Some(length) => {
            let mut body = vec![0; length.parse().ok()?];
            lines.read_exact(&mut body).ok()?;
            body
        }
        None => chunked(&mut lines)?,
    };
    Some(Received { headers, body: String::from_utf8(body).ok()? })
}

fn chunked(lines: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let mut chunk = vec![0; usize::from_str_radix(line.trim(), 16).ok()?];
        lines.read_exact(&mut chunk).ok()?;
        lines.read_line(&mut line).ok()?;
        if chunk.is_empty() {
            return Some(body);
        }
        body.extend(chunk);
    }
}
