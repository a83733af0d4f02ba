//! The fence: while its file is there no order of the brain leaves, and no run starts.

use crate::Failure;
use crate::home::Home;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes the fence; it is on the disk after [`keep`]. One that is there already stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn raise(path: &Path, why: &serde_json::Value) -> std::io::Result<Option<File>> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(mut file) => {
            writeln!(file, "{why}")?;
            Ok(Some(file))
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(e) => Err(e),
    }
}

/// Has the fence written to the disk, and its name too.
///
/// # Errors
/// When the disk refuses.
pub fn keep(fence: &File, folder: &Path) -> std::io::Result<()> {
    fence.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Refuses a start while a fence or a kill file is there; `lift` takes both away instead.
///
/// # Errors
/// Exit 2 with what raised it and what to do.
pub fn check(home: &Home, lift: bool) -> Result<(), Failure> {
    for path in [home.fence(), home.kill_file()] {
        if !path.exists() {
            continue;
        }
        if lift {
            fs::remove_file(&path).map_err(|e| {
                Failure::failed(format!("{}: {e}", path.display()), "remove it by hand")
            })?;
            tracing::warn!(path = %path.display(), "lifted");
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let text: String = text.trim().chars().take(200).collect();
        return Err(Failure::usage(
            format!("the kill switch was used: {} is there ({text})", path.display()),
            "look at the account and at emergency.jsonl; when all is well, start with --lift-fence",
        ));
    }
    Ok(())
}
