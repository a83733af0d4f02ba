//! Entry points for whoever throws bytes at the readers: none may panic, hang or take more memory
//! than the input justifies, whatever the bytes are.

use crate::chain::{BLOCK, Chain};
use crate::disk::{Open, SimDisk};
use crate::record::{HEAD, Head, take};
use crate::segment::{HEADER, SegmentHeader, VERSION};
use crate::writer::{Config, Durability, Writer};
use crate::{migrate, money, snapshot, verify};
use sha2::{Digest, Sha256};
use std::path::Path;

const DIR: &str = "/journal";

/// A journal of one segment of these bytes: as they are, and with the checksums made right, so that
/// what lies behind those is reached too. Read, resumed, migrated and verified. Returns how many
/// records were believed, so that a caller sees whether it gets anywhere.
pub fn journal(bytes: &[u8]) -> u64 {
    one_journal(bytes) + one_journal(&mended(bytes))
}

fn one_journal(bytes: &[u8]) -> u64 {
    let (disk, dir) = (SimDisk::new(0), Path::new(DIR));
    disk.put(&dir.join("segment-00000000.log"), bytes);
    let verified = verify::verify(&disk.disk(), dir);
    let before = verified.as_ref().map_or(0, |found| found.records);
    // What these say is not the point: that they say something is.
    let _ = migrate::migrate(&disk.disk(), dir, Some(Path::new("/other")), 1 << 16);
    let config = Config { durability: Durability::Power, segment_bytes: 1 << 12, reserve_bytes: 0 };
    if let Ok((writer, recovery)) = Writer::resume_on(disk.disk(), dir, &config) {
        assert_eq!(recovery.records, before, "two readings of one journal differ");
        let _ = writer.close();
    }
    before
}

/// A snapshot file of these bytes, beside a small journal. Whether it was believed.
pub fn snapshot(bytes: &[u8]) -> bool {
    let (disk, dir) = (SimDisk::new(0), Path::new(DIR));
    disk.put(&dir.join("segment-00000000.log"), &mended(&[0; HEADER + 2 * BLOCK]));
    disk.put(&dir.join(format!("snapshot-{:012}.bin", 1)), bytes);
    let whole = snapshot::load(&disk, dir, 1).is_ok();
    let newest = snapshot::newest(&disk.disk(), dir, 0);
    whole || newest.is_ok_and(|newest| newest.found.is_some())
}

/// A snapshot file that [`snapshot`] believes.
pub fn good_snapshot() -> Vec<u8> {
    let (disk, dir) = (SimDisk::new(0), Path::new(DIR));
    disk.put(&dir.join("segment-00000000.log"), &mended(&[0; HEADER + 2 * BLOCK]));
    let config = Config { reserve_bytes: 0, ..Config::default() };
    let written = Writer::resume_on(disk.disk(), dir, &config)
        .and_then(|(mut writer, _)| writer.snapshot(0, b"what was made of it"));
    let Ok(info) = written else { return Vec::new() };
    let Ok(file) = disk.disk().open(&info.path, Open::Read) else { return Vec::new() };
    let mut bytes = vec![0; file.length().unwrap_or(0) as usize];
    let _ = file.read_at(&mut bytes, 0);
    bytes
}

/// A file of money events of these bytes. How many records were believed.
pub fn money(bytes: &[u8]) -> u64 {
    let (disk, dir) = (SimDisk::new(0), Path::new(DIR));
    disk.put(&dir.join("money-00000000.log"), bytes);
    money::read(&disk, dir, 0).map_or(0, |money| money.iter().count() as u64)
}

/// The same bytes with magic, version, checksums and links made right as far as records go.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < HEADER + BLOCK {
        return bytes;
    }
    let (mut at, mut number, mut chain) = (HEADER, 0, Chain::new());
    while bytes.len() - at >= BLOCK {
        if number == 0 {
            // The session's kind, and a length within the bytes.
            let most = (bytes.len() - at - HEAD).min(200) as u8;
            let length = bytes[at + 4].min(most);
            bytes[at + 4..at + 8].copy_from_slice(&[length, 0, 0, 1]);
        }
        let head = Head::parse(&take(&bytes[at..], 0), VERSION);
        let Some(record) = bytes.get_mut(at..at + head.total()) else { break };
        record[8..16].copy_from_slice(&u64::to_le_bytes(number));
        record[16..24].copy_from_slice(&chain.link().to_be_bytes());
        record[51] = record[51] & 0x80 | 1;
        let crc = crc32fast::hash(&record[4..]);
        record[..4].copy_from_slice(&crc.to_le_bytes());
        chain.absorb(record);
        if number == 0 {
            let identity = Sha256::digest(&record[HEAD..HEAD + head.length]).into();
            let header = SegmentHeader {
                version: VERSION,
                identity,
                index: 0,
                first: 0,
                chain: Chain::new(),
            };
            bytes[..HEADER].copy_from_slice(&header.encode());
        }
        (at, number) = (at + head.total(), number + 1);
    }
    bytes
}
