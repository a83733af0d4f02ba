//! Small file systems of a round's own: one that can be filled, one whose disk can be.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Size of the file system.
const SIZE_MB: u32 = 96;
/// The file that fills it.
const FILLER: &str = "filler";
/// The file that a thin disk's bytes are in.
const IMAGE: &str = "image";

/// A mounted file system; taken away when dropped.
pub struct SmallDisk {
    /// Where it is.
    path: PathBuf,
    /// What is filled: itself, or what its disk is a file of.
    room: PathBuf,
}

impl SmallDisk {
    /// Mounts a tmpfs over a folder, which is made.
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
        Ok(Self { path: path.to_path_buf(), room: path.to_path_buf() })
    }

    /// Mounts a file system whose disk gives out its space when it is written, and `room` is that
    /// space. It takes what is written while there is none, and fails when it is to be synced.
    ///
    /// # Errors
    /// When this user may not mount here, or the system has no loop devices or no `mkfs.ext4`.
    pub fn thin(path: &Path, room: &Path) -> Result<Self, String> {
        // From here on what was mounted is taken away again.
        let mut disk = Self::over(room)?;
        path.clone_into(&mut disk.path);
        let failed = |error: std::io::Error| format!("no thin disk at {}: {error}", path.display());
        let image = room.join(IMAGE);
        let file = File::create(&image).map_err(failed)?;
        file.set_len(u64::from(SIZE_MB) << 20).map_err(failed)?;
        std::fs::create_dir_all(path).map_err(failed)?;
        // No journal of its own: a file system that has one gives up for good.
        let make = ["-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0"];
        tool(Command::new("mkfs.ext4").args(make).arg(&image))?;
        tool(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(path))?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(disk)
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// When something else than the end of the space ends it.
    pub fn fill(&self) -> Result<(), String> {
        if self.room != self.path {
            // What is zero on the disk has no space there until it is written again: so the
            // journal's reserved space has none.
            rustix::fs::sync();
            tool(Command::new("fallocate").arg("--dig-holes").arg(self.room.join(IMAGE)))?;
        }
        let path = self.room.join(FILLER);
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
        let path = self.room.join(FILLER);
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
        if self.room != self.path {
            let _ = unmount(&self.room, UnmountFlags::DETACH);
        }
    }
}

/// Runs a program of the system's to its end.
fn tool(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&done.stderr).trim())),
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

/// Takes away every file system below a folder, the last one first.
pub fn unmount_below(folder: &Path) {
    let table = File::open("/proc/self/mounts").and_then(std::io::read_to_string);
    let table = table.unwrap_or_default();
    let places = table.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    let below: Vec<&Path> = places.filter(|path| path.starts_with(folder)).collect();
    for path in below.into_iter().rev() {
        let _ = unmount(path, UnmountFlags::DETACH);
    }
}
