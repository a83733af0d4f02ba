//! Temporary folders and candle files.

use aegis_data::{DataArgs, DataError, Dataset, discover, load};
use aegis_types::{Nanos, Tick};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// 2025-05-05 00:00 UTC in ms.
pub const START_MS: i64 = 1_746_403_200_000;

/// The open time of a minute of the test data.
pub fn minute(n: i64) -> Nanos {
    Nanos::from_millis(START_MS + n * 60_000)
}

/// A folder of this test alone, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aegis-data-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, bytes).expect("a file");
        path
    }

    pub fn args(&self) -> DataArgs {
        DataArgs { paths: vec![self.0.clone()], ..DataArgs::default() }
    }

    pub fn discover(&self) -> Result<Dataset, DataError> {
        discover(&self.args())
    }

    pub fn ticks(&self) -> Vec<Tick> {
        load(&self.discover().expect("a data set")).expect("ticks").0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                          taker_buy_volume,taker_buy_quote_volume,ignore\n";

/// One row at a minute around a price.
pub fn row(n: i64, px: f64) -> String {
    let open = START_MS + n * 60_000;
    let (high, low) = (px + 0.2, px - 0.2);
    format!("{open},{px:.1},{high:.1},{low:.1},{px:.1},1.5,{},,,,,\n", open + 59_999)
}

/// A file with header and rows of these minutes.
pub fn candles(minutes: impl IntoIterator<Item = i64>, px: f64) -> String {
    let rows: String = minutes.into_iter().map(|n| row(n, px)).collect();
    format!("{HEADER}{rows}")
}

pub fn gz(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("gzip");
    encoder.finish().expect("gzip")
}

pub fn zipped(files: &[(&str, &str)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, text) in files {
        writer.start_file(*name, options).expect("zip entry");
        writer.write_all(text.as_bytes()).expect("zip data");
    }
    writer.finish().expect("zip").into_inner()
}

/// The shared market data, or `None` with a line that says what is missed. Under CI they must be
/// there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("AEGIS_SHARED").map_or(beside, PathBuf::from);
    let path = root.join(what);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing under CI", path.display());
    println!("skipped: {} is not here", path.display());
    None
}
