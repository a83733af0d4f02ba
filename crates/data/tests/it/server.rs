//! An archive on this machine: serves files over HTTP, and misbehaves when told to.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server does instead of a whole answer, once.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answers this status.
    Status(u16),
    /// Breaks the connection after so many bytes of the body.
    Cut(usize),
    /// Says nothing more after so many bytes of the body, for a while.
    Stall(usize),
    /// Takes so many milliseconds for each kilobyte.
    Slow(u64),
}

/// One GET as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    /// First byte asked for.
    pub from: u64,
}

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    faults: Mutex<BTreeMap<String, VecDeque<Fault>>>,
    requests: Mutex<Vec<Request>>,
    without_ranges: AtomicBool,
    now: AtomicUsize,
    most: AtomicUsize,
    stopped: AtomicBool,
}

/// The server; it ends when dropped.
pub struct Archive {
    pub base: String,
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

impl Archive {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let of_server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_server.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&of_server);
                // The client may leave at any byte.
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { base: format!("http://{address}"), address, shared }
    }

    /// Puts a file and its CHECKSUM into the archive, in place of an older one.
    pub fn put(&self, path: &str, bytes: &[u8], sha256: &str) {
        let name = path.rsplit('/').next().expect("a name");
        let mut files = self.shared.files.lock().expect("files");
        files.insert(format!("/{path}"), bytes.to_vec());
        files.insert(format!("/{path}.CHECKSUM"), format!("{sha256}  {name}\n").into_bytes());
    }

    pub fn remove(&self, path: &str) {
        self.shared.files.lock().expect("files").remove(&format!("/{path}"));
    }

    /// The next GETs of a path meet these faults, one each.
    pub fn faults(&self, path: &str, faults: &[Fault]) {
        let mut all = self.shared.faults.lock().expect("faults");
        all.entry(format!("/{path}")).or_default().extend(faults);
    }

    pub fn refuse_ranges(&self) {
        self.shared.without_ranges.store(true, Ordering::Relaxed);
    }

    /// First bytes asked for in the GETs of a path so far.
    pub fn asked(&self, path: &str) -> Vec<u64> {
        let requests = self.shared.requests.lock().expect("requests");
        let path = format!("/{path}");
        requests.iter().filter(|r| r.path == path).map(|r| r.from).collect()
    }

    pub fn requests(&self) -> usize {
        self.shared.requests.lock().expect("requests").len()
    }

    /// Most slow answers that were under way at one time, since the last call.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the loop, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut from) = (String::new(), None);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse::<u64>().ok();
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let request = Request { path: path.clone(), from: from.unwrap_or(0) };
    shared.requests.lock().expect("requests").push(request);
    let mut all_faults = shared.faults.lock().expect("faults");
    let fault = all_faults.get_mut(&path).and_then(VecDeque::pop_front);
    drop(all_faults);
    let bytes = shared.files.lock().expect("files").get(&path).cloned();
    let mut answer = |status: &str, headers: &str, body: &[u8], length: usize| {
        write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n")?;
        write!(stream, "Content-Length: {length}\r\n\r\n")?;
        match fault {
            Some(Fault::Slow(ms)) => {
                let now = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
                shared.most.fetch_max(now, Ordering::SeqCst);
                let mut chunks = body.chunks(1_024).peekable();
                while let Some(chunk) = chunks.next() {
                    std::thread::sleep(Duration::from_millis(ms));
                    if chunks.peek().is_none() {
                        // With its last byte the client is free to ask for the next file.
                        shared.now.fetch_sub(1, Ordering::SeqCst);
                    }
                    stream.write_all(chunk)?;
                }
            }
            Some(Fault::Stall(_)) => {
                stream.write_all(body)?;
                std::thread::sleep(Duration::from_secs(3));
            }
            _ => stream.write_all(body)?,
        }
        stream.shutdown(Shutdown::Both)
    };
    if let Some(Fault::Status(status)) = fault {
        return answer(&format!("{status} As Told"), "Retry-After: 0\r\n", b"", 0);
    }
    let Some(bytes) = bytes else { return answer("404 Not Found", "", b"", 0) };
    let ranged = from.filter(|_| !shared.without_ranges.load(Ordering::Relaxed));
    let (status, headers, rest) = match ranged {
        Some(from) if from >= bytes.len() as u64 => {
            let range = format!("Content-Range: bytes */{}\r\n", bytes.len());
            return answer("416 Range Not Satisfiable", &range, b"", 0);
        }
        Some(from) => {
            let (last, total) = (bytes.len() - 1, bytes.len());
            let range = format!("Content-Range: bytes {from}-{last}/{total}\r\n");
            ("206 Partial Content", range, &bytes[from as usize..])
        }
        None => ("200 OK", String::new(), &bytes[..]),
    };
    let sent = match fault {
        Some(Fault::Cut(n) | Fault::Stall(n)) => &rest[..n.min(rest.len())],
        _ => rest,
    };
    answer(status, &headers, sent, rest.len())
}
