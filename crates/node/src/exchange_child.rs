//! The simulated exchange as a process of our own, for `aegis demo --wire`.

use crate::{Failure, clock};
use aegis_exchange::ExchangeConfig;
use aegis_types::Nanos;
use aegis_wire::Secret;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long it may take until it listens: it reads all of its data first.
const READY: Duration = Duration::from_secs(120);
/// How long it may take to stop before it is killed.
const STOP: Nanos = Nanos(3_000_000_000);

/// The account that it is started with goes by the environment: a process list shows arguments.
pub const ACCOUNT: &str = "AEGIS_EXCHANGE_ACCOUNT";

/// The keys of an account.
#[derive(Clone)]
pub struct Account {
    /// Names it.
    pub key: Secret,
    /// Signs for it.
    pub secret: Secret,
}

/// Neither key nor secret is ever printed.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(…)")
    }
}

impl Account {
    /// As the settings have found them.
    pub fn of(keys: &aegis_settings::Keys) -> Self {
        Self { key: Secret::from(keys.key.expose()), secret: Secret::from(keys.secret.expose()) }
    }

    /// With a key and a secret that nobody has used before.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn fresh() -> Result<Self, Failure> {
        let mut bytes = [0u8; 32];
        File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).map_err(
            |e| Failure::failed(format!("no random bytes for a key: {e}"), "check /dev/urandom"),
        )?;
        let hex = |half: &[u8]| Secret::new(half.iter().map(|b| format!("{b:02x}")).collect());
        Ok(Self { key: hex(&bytes[..16]), secret: hex(&bytes[16..]) })
    }
}

/// The first line that it prints.
#[derive(Deserialize)]
struct Ready {
    listening: String,
}

/// A running exchange; stopped when dropped.
pub struct ExchangeProcess {
    process: Child,
    address: String,
}

impl ExchangeProcess {
    /// Starts `aegis exchange` on the market of a run, with the seed and slippage of the simulated
    /// exchange, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start, or ends before it listens.
    pub fn start(
        run: &Path,
        account: &Account,
        config: &ExchangeConfig,
        log: &Path,
    ) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|e| {
            Failure::failed(format!("this program cannot find itself: {e}"), "start it by path")
        })?;
        let place = || format!("look at {}", log.display());
        let file = File::create(log)
            .map_err(|e| Failure::failed(format!("{}: {e}", log.display()), "make room for it"))?;
        let (key, secret) = (account.key.expose_text(), account.secret.expose_text());
        let mut process = Command::new(program)
            .args(["exchange", "--speed", "step"])
            .args(["--seed", &config.seed.to_string()])
            .args(["--slippage", &config.slippage_bps.to_string(), "--session"])
            .arg(run)
            .env(ACCOUNT, format!("key={key},secret={secret},balance={}", config.balance))
            .env_remove("BINANCE_API_KEY")
            .env_remove("BINANCE_API_SECRET")
            .env_remove("DATABASE_URL")
            // Its end tells it that we are gone, whatever ended us.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            // Ctrl-C on the terminal reaches the orchestrator alone, which stops it last.
            .process_group(0)
            .spawn()
            .map_err(|e| Failure::failed(format!("the exchange does not start: {e}"), ""))?;
        let stdout = process.stdout.take();
        let mut started = Self { process, address: String::new() };
        let (to, line) = channel();
        if let Some(stdout) = stdout {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = to.send(line);
                }
            });
        }
        let line = line.recv_timeout(READY).map_err(|_| {
            Failure::failed("the simulated exchange ended before it listened", place())
        })?;
        let ready: Ready = serde_json::from_str(&line).map_err(|e| {
            Failure::failed(format!("the exchange's first line is no JSON object: {e}"), place())
        })?;
        started.address = ready.listening;
        tracing::info!(address = %started.address, pid = started.process.id(), "exchange ready");
        Ok(started)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for ExchangeProcess {
    fn drop(&mut self) {
        let _ = rustix::process::Pid::from_raw(self.process.id().cast_signed())
            .map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        let until = clock::monotonic().after(STOP);
        while clock::monotonic() < until {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
