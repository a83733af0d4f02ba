//! What a stolen key, another user or a talked-into process could do: what these tests hold is that
//! it is as little as can be.

use crate::exchange::Exchange;
use crate::harness::{Place, refused, text};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(report: &Value, id: &str) -> Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
}

#[test]
fn real_orders_are_refused_to_a_key_that_moves_money_out() {
    let place = Place::new("arming");
    let [good, may_withdraw, secret] = ["g1", "w2", "s3"].map(|pair| pair.repeat(32));
    let accounts = [
        format!("key={good},secret={secret}"),
        format!("key={may_withdraw},secret={secret},withdraw=true"),
    ];
    let args = ["exchange", "--generate", "3", "--symbols", "2", "--days", "3"];
    let [first, second] = accounts.each_ref().map(|account| ["--account", account.as_str()]);
    let exchange = Exchange::start(&place, &[&args[..], &first, &second].concat());
    let url = format!("http://{}", exchange.address());
    let run = |key: &str, environment: &str, venue: &str| {
        let args =
            ["run", "--venue", venue, "--live", "--exchange-url", &url, "--set", "live=true"];
        let mut command = place.aegis(&args);
        command.env("BINANCE_API_KEY", key).env("BINANCE_API_SECRET", &secret);
        command.env("ENVIRONMENT", environment);
        command.output().expect("the program starts")
    };
    refused(&run(&may_withdraw, "production", "binance"), 3, &["the key may withdraw"]);
    // Keys stay where they belong, before anybody is asked.
    refused(&run(&good, "testnet", "binance"), 2, &["the demo would go to the real exchange"]);
    refused(
        &run(&good, "production", "testnet"),
        2,
        &["production would go to the exchange's demo"],
    );
    // A key that this exchange does not know: of the demo on the real one, or the reverse.
    let unknown = "u9".repeat(32);
    refused(&run(&unknown, "production", "binance"), 3, &["check the key: of this exchange"]);
    for key in [&good, &may_withdraw] {
        let orders = exchange.get(&format!("/sim/v1/truth?key={key}"))["orders"].clone();
        assert_eq!(orders, serde_json::json!([]));
    }
}

#[test]
fn the_audit_says_what_the_kernel_forbids() {
    let place = Place::new("hardened");
    let output = place.run(&["audit", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let hardening = check(&report, "security.hardening");
    let reason = hardening["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("no core dumps, no tracing, no new privileges, no keyring"),
        "{hardening}"
    );
    match hardening["status"].as_str() {
        Some("PASS") => assert!(reason.contains("open their own files only"), "{hardening}"),
        Some("WARN") => println!("not tested on this kernel: {reason}"),
        _ => panic!("{hardening}"),
    }
    assert_eq!(check(&report, "security.permissions")["status"], "PASS");
    // A file that others may read is found.
    let open = place.home().join("left-open");
    std::fs::write(&open, "x").expect("written");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("mode");
    let output = place.run(&["audit", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let permissions = check(&report, "security.permissions");
    assert_eq!(permissions["status"], "WARN", "{permissions}");
    assert!(permissions["reason"].as_str().is_some_and(|r| r.contains("left-open")));
}

/// A process that hardens itself as a brain does, and then tries what it may not.
#[test]
fn a_hardened_process_reads_nothing_outside_and_starts_nothing() {
    let place = Place::new("landlock");
    let outside = place.path.join("outside");
    std::fs::write(&outside, "x").expect("written");
    let [home, outside] = [place.home(), outside].map(|path| path.display().to_string());
    let output = place.run(&["audit-child", "harden", &home, &outside]);
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)));
    for key in ["no_core", "no_trace", "no_privileges", "no_keyring"] {
        assert_eq!(said["in_force"][key], true, "{said}");
    }
    assert_eq!(said["writes_inside"], true, "{said}");
    if said["in_force"]["files"] != "limited" {
        println!("not tested on this kernel: files of a process ({})", said["in_force"]["files"]);
        return;
    }
    assert_eq!(said["reads_outside"], false, "{said}");
    assert_eq!(said["starts_programs"], false, "{said}");
}

#[test]
fn running_processes_are_hardened_and_what_they_write_is_theirs() {
    let place = Place::new("running");
    let mut run = place.start(&["demo", "--headless", "--json", "--speed", "600"]);
    let status = run.wait_until("the market", |s| s["candles"].as_u64() > Some(0));
    for (name, pid) in status["pids"].as_object().expect("pids") {
        let read = |what: &str| {
            let path = format!("/proc/{pid}/{what}");
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
        };
        assert!(read("status").contains("NoNewPrivs:\t1"), "{name}");
        // Feed and brain may not ask the kernel's keyring, from which their orchestrator may have
        // the keys.
        let filtered = read("status").contains("Seccomp:\t2");
        assert!(filtered || name == "main", "{name} has no filter of system calls");
        let limits = read("limits");
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        let zero = core.is_some_and(|line| line.split_whitespace().nth(4) == Some("0"));
        assert!(zero, "{name}: {core:?}");
    }
    run.signal("TERM");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    only_ours(&place.home());
}

/// No file or folder has rights for others.
fn only_ours(path: &Path) {
    let meta = std::fs::symlink_metadata(path).expect("it is there");
    let mode = meta.permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    if meta.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder").flatten() {
            only_ours(&entry.path());
        }
    }
}

#[test]
fn another_user_is_not_answered_even_where_modes_were_opened() {
    let place = Place::new("peer");
    let mut run = place.start(&["demo", "--headless", "--json", "--speed", "600"]);
    run.wait_until("the market", |s| s["candles"].as_u64() > Some(0));
    let socket = place.home().join("control.sock");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&place.home()), mode(&socket)), (0o700, 0o600));
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
    };
    open(&place.home(), 0o755);
    open(&socket, 0o666);
    let asked = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c"])
        .arg(
            "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
             s.sendall(b'{\"ask\":\"status\"}\\n')\nprint(s.makefile().readline())",
        )
        .arg(&socket)
        .output();
    match asked {
        Ok(output) if output.status.success() => {
            let answer = text(&output.stdout);
            assert!(answer.contains("not your aegis"), "{answer}");
            assert!(!answer.contains("equity"), "{answer}");
        }
        said => println!("not tested without root, setpriv and python3: another user ({said:?})"),
    }
    open(&place.home(), 0o700);
    run.signal("TERM");
    run.wait();
}

/// Words with which a setting, a flag or a client would switch checks of certificates off.
const SWITCHES: [&str; 8] = [
    "dangerous",
    "insecure",
    "accept_invalid",
    "danger_accept",
    "verify_tls",
    "tls_verify",
    "no_verify",
    "NoCertificateVerification",
];

#[test]
fn nothing_switches_the_check_of_certificates_off() {
    let place = Place::new("tls");
    let mut places = vec![("settings".to_owned(), text(&place.run(&["config", "example"]).stdout))];
    for command in ["run", "demo", "audit", "feed", "brain"] {
        places.push((command.to_owned(), text(&place.run(&[command, "--help"]).stdout)));
    }
    sources(&root().join("crates"), &mut places);
    assert!(places.len() > 300, "{} places", places.len());
    for (name, source) in places {
        for word in SWITCHES {
            assert!(!source.contains(word), "`{word}` is in {name}");
        }
    }
}

/// Source files that are shipped.
fn sources(folder: &Path, places: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
            sources(&path, places);
        } else if path.extension().is_some_and(|e| e == "rs") {
            places
                .push((path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8")));
        }
    }
}

/// What holds a key is a type that prints nothing and overwrites itself, never a plain text. The
/// simulated exchange is told its clients' keys in every request, and compares them.
#[test]
fn no_field_holds_a_key_as_plain_text() {
    let mut places = Vec::new();
    sources(&root().join("crates"), &mut places);
    for (name, source) in places.iter().filter(|(name, _)| !name.contains("/venue/src/server/")) {
        for (number, line) in source.lines().enumerate() {
            let field = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let Some((field, kind)) = field.split_once(": ") else { continue };
            let holds = ["secret", "api_secret", "api_key", "private_key"].contains(&field);
            assert!(!(holds && kind.contains("String")), "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn without_encryption_nothing_leaves_this_machine() {
    let place = Place::new("plain");
    for url in ["http://example.org", "ws://10.0.0.1:80", "http://127.0.0.1.example.org"] {
        for key in ["venue.exchange_url", "venue.stream_url"] {
            let set = format!("{key}={url}");
            refused(&place.run(&["config", "check", "--set", &set]), 2, &[key, "https://HOST"]);
        }
    }
    for url in ["http://127.0.0.1:8080", "ws://[::1]:80", "http://localhost", "https://a.example"] {
        let set = format!("venue.exchange_url={url}");
        let output = place.run(&["config", "check", "--set", &set]);
        assert_eq!(output.status.code(), Some(0), "{url}: {}", text(&output.stderr));
    }
}

/// What the unit of the service manager has to say.
const HARDENED: [&str; 14] = [
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "LimitCORE=0",
    "UMask=0077",
    "StateDirectoryMode=0700",
    "KillMode=mixed",
];

#[test]
fn the_unit_is_hardened_and_the_service_manager_takes_it() {
    let folder = root().join("contrib/systemd");
    let unit = std::fs::read_to_string(folder.join("aegis.service")).expect("a unit");
    let keys = std::fs::read_to_string(folder.join("aegis.service.d/keys.conf")).expect("a part");
    for line in HARDENED {
        assert!(unit.lines().any(|l| l == line), "{line} is missing");
    }
    for name in ["binance_api_key", "binance_api_secret"] {
        assert!(keys.contains(&format!("LoadCredentialEncrypted={name}:")), "{name}");
    }
    assert!(!unit.contains("BINANCE_API"), "keys come as credentials");
    let place = Place::new("unit");
    let path = place.path.join("aegis.service");
    std::fs::write(&path, unit.replace("/usr/local/bin/aegis", env!("CARGO_BIN_EXE_aegis")))
        .expect("written");
    let analyze = |args: &[&str]| Command::new("systemd-analyze").args(args).arg(&path).output();
    let Ok(verified) = analyze(&["verify"]) else {
        assert!(std::env::var_os("CI").is_none(), "CI has no systemd-analyze");
        println!("not tested without systemd-analyze: that it takes the unit");
        return;
    };
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    // Exposure times ten: 9.6 of 10 without any of it.
    let security = analyze(&["security", "--offline=true", "--threshold=20"]).expect("it runs");
    assert!(security.status.success(), "{}", text(&security.stdout));
}
