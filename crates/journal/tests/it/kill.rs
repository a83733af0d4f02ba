//! SIGKILL of a writing process: what it said it had flushed is there.

use crate::{Folder, HEADER, append, config, read_all};
use aegis_journal::{Durability, Writer};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const CHILD: &str = "AEGIS_JOURNAL_TEST_CHILD";

/// Not a test by itself: the process that the test below kills.
#[test]
fn child_writes_until_killed() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let config = config(Durability::Process, 8 << 10);
    let dir = std::path::PathBuf::from(dir);
    let mut writer = if dir.join("segment-00000000.log").exists() {
        Writer::resume(&dir, &config).unwrap().0
    } else {
        Writer::create(&dir, HEADER, &config).unwrap()
    };
    let mut out = std::io::stdout();
    for n in writer.records().. {
        append(&mut writer, n).unwrap();
        writer.flush().unwrap();
        writeln!(out, "flushed {n}").unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_it_flushed() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let mut before = 0;
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::child_writes_until_killed", "--exact", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut flushed = 0;
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, n)) = line.split_once("flushed ") {
                flushed = n.parse().unwrap();
                if flushed > before + 100 * (round + 1) {
                    break;
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Lines that were in the pipe when the process died count as well.
        for line in lines.map_while(Result::ok) {
            if let Some(n) = line.split_once("flushed ").and_then(|(_, n)| n.parse().ok()) {
                flushed = n;
            }
        }
        let (records, torn) = read_all(folder.path()).unwrap();
        assert!(records > flushed, "round {round}: {records} records, {flushed} flushed");
        assert!(torn.is_none_or(|t| t.record == records));
        before = records;
    }
}
