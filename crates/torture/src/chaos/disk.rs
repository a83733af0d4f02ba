//! A small file system of a round's own, which can be filled.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Size of the file system.
const SIZE_MB: u32 = 96;
/// The file that fills it.
const FILLER: &str = "filler";

/// A mounted tmpfs; taken away when dropped.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one over a folder, which is made.
    ///
    /// # Errors
    /// When this user may not mount here.
    pub fn over(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("no small file system at {}: {error}", path.display())
        };
        std::fs::create_dir_all(path).map_err(|error| failed(&error))?;
        let options = format!("size={SIZE_MB}m,mode=0700");
        let options = CString::new(options).map_err(|error| failed(&error))?;
        mount("aegis-chaos", path, "tmpfs", MountFlags::empty(), options.as_c_str())
            .map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// When something else than the end of the space ends it.
    pub fn fill(&self) -> Result<(), String> {
        let path = self.path.join(FILLER);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let mut piece = vec![0u8; 1 << 20];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    // The last piece that went in went in whole, or in part.
                    if piece.len() <= 1 {
                        return Ok(());
                    }
                    piece.truncate(piece.len() / 16);
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Makes room again.
    ///
    /// # Errors
    /// When the filler cannot be removed.
    pub fn free(&self) -> Result<(), String> {
        let path = self.path.join(FILLER);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Copies what is in it to another folder, to be looked at when it is gone.
    pub fn keep(&self, to: &Path) {
        copy(&self.path, to);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}

/// Copies a folder as far as it can be read; sockets are left out.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::create_dir_all(to);
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy(&path, &target),
            Ok(kind) if kind.is_file() && entry.file_name() != FILLER => {
                let _ = std::fs::copy(&path, &target);
            }
            _ => {}
        }
    }
}

/// Takes away every file system of ours below a folder.
pub fn unmount_below(folder: &Path) {
    let table = File::open("/proc/self/mounts").and_then(std::io::read_to_string);
    let table = table.unwrap_or_default();
    for line in table.lines().filter(|line| line.starts_with("aegis-chaos ")) {
        if let Some(path) = line.split(' ').nth(1).map(Path::new)
            && path.starts_with(folder)
        {
            let _ = unmount(path, UnmountFlags::DETACH);
        }
    }
}
