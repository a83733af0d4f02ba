//! A disk in memory that fails by seed.
//!
//! It keeps apart what programs see (the page cache) and what a power cut leaves (what was synced,
//! and of the rest nothing, all, a prefix or some sectors, by seed). Names behave alike: a file
//! that was made or renamed is found after a power cut only if its folder was synced, or by luck.
//!
//! ```text
//!  write ─→ data ──sync──→ durable          kill():  data stays, handles and locks are gone
//!  rename ─→ now ─sync_dir→ durable names   crash(): durable, and what luck has kept of the rest
//! ```

mod inode;
mod random;

use super::{Disk, DiskFile, Lock, LockRefused, Open};
use inode::Inode;
use random::Random;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call that is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimFault {
    /// A sync answers `EIO`. The system then takes the pages for clean: the next sync says that all
    /// is well, and what was written may be gone.
    Sync,
    /// A write answers `EIO`; a part of it may be in the file.
    Write,
    /// A read answers `EIO`.
    Read,
}

/// How often each fault has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Power cuts.
    pub crashes: u64,
    /// Power cuts that took written bytes with them.
    pub lost: u64,
    /// Processes that ended, with the page cache kept.
    pub kills: u64,
    /// Writes of which a part is in the file.
    pub torn: u64,
    /// Flipped bytes.
    pub flips: u64,
    /// Calls that found no space.
    pub no_space: u64,
    /// Syncs that failed.
    pub sync_errors: u64,
    /// Writes that failed.
    pub write_errors: u64,
    /// Reads that failed.
    pub read_errors: u64,
    /// Calls that a read-only disk has refused.
    pub read_only: u64,
}

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

type File = Arc<Mutex<Inode>>;

#[derive(Clone, Debug)]
enum Node {
    Folder,
    File(File),
}

#[derive(Clone, Debug)]
enum Change {
    Made(PathBuf, Node),
    Gone(PathBuf),
    Renamed(PathBuf, PathBuf),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Debug)]
struct State {
    random: Random,
    /// Rises with each end of the process: older handles are dead.
    generation: u64,
    now: Names,
    durable: Names,
    changes: Vec<Change>,
    locks: BTreeMap<PathBuf, String>,
    limit: Option<u64>,
    read_only: bool,
    faults: Vec<(SimFault, u64)>,
    operations: u64,
    stop_at: Option<u64>,
    stopped: bool,
    fired: Fired,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed elsewhere leaves the state as it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn dead() -> io::Error {
    io::Error::other("the process that had this open is gone")
}

fn apply(names: &mut Names, change: &Change) {
    match change {
        Change::Made(path, node) => {
            names.insert(path.clone(), node.clone());
        }
        Change::Gone(path) => {
            names.remove(path);
        }
        Change::Renamed(from, to) => {
            let moved: Vec<_> = names.keys().filter(|p| p.starts_with(from)).cloned().collect();
            for path in moved {
                let (Some(node), Ok(rest)) = (names.remove(&path), path.strip_prefix(from)) else {
                    continue;
                };
                let to = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                names.insert(to, node);
            }
        }
    }
}

impl Change {
    fn touches(&self, dir: &Path) -> bool {
        match self {
            Self::Made(path, _) | Self::Gone(path) => path.parent() == Some(dir),
            Self::Renamed(from, to) => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

impl State {
    /// A call that changes something: refused when the process is over or the disk read-only.
    /// Returns whether the process ends within it.
    fn operation(&mut self) -> io::Result<bool> {
        if self.stopped {
            return Err(dead());
        }
        if self.read_only {
            self.fired.read_only += 1;
            return Err(Errno::ROFS.into());
        }
        self.operations += 1;
        self.stopped = self.stop_at == Some(self.operations);
        Ok(self.stopped)
    }

    /// As [`State::operation`], for a call that is done whole or not at all.
    fn whole(&mut self) -> io::Result<()> {
        if self.operation()? { Err(dead()) } else { Ok(()) }
    }

    /// Is this the call that is to fail?
    fn fails(&mut self, what: SimFault) -> bool {
        let mut fails = false;
        self.faults.retain_mut(|(fault, after)| {
            let due = *fault == what && *after == 0;
            if *fault == what {
                *after = after.saturating_sub(1);
            }
            fails |= due;
            !due
        });
        fails
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.changes.push(change);
    }

    fn used(&self) -> u64 {
        let files = self.now.values().filter_map(|node| match node {
            Node::File(file) => Some(lock(file).space() as u64),
            Node::Folder => None,
        });
        files.sum()
    }

    /// How many more bytes may be taken.
    fn free(&self) -> u64 {
        self.limit.map_or(u64::MAX >> 1, |limit| limit.saturating_sub(self.used()))
    }

    fn file(&self, path: &Path) -> io::Result<&File> {
        match self.now.get(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder) => Err(Errno::ISDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    fn in_a_folder(&self, path: &Path) -> io::Result<()> {
        match path.parent().and_then(|dir| self.now.get(dir)) {
            Some(Node::Folder) => Ok(()),
            Some(Node::File(_)) => Err(Errno::NOTDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    /// The process is over: nothing that it had open works any more.
    fn end(&mut self) {
        self.generation += 1;
        self.locks.clear();
        (self.stopped, self.stop_at) = (false, None);
    }
}

impl SimDisk {
    /// An empty disk without limits, that fails by this seed when it is asked to.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                random: Random::new(seed),
                generation: 0,
                now: Names::new(),
                durable: Names::new(),
                changes: Vec::new(),
                locks: BTreeMap::new(),
                limit: None,
                read_only: false,
                faults: Vec::new(),
                operations: 0,
                stop_at: None,
                stopped: false,
                fired: Fired::default(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// As the trait object that writers and readers take.
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// The process ends (SIGKILL): what it has written is there, what it had open is not.
    pub fn kill(&self) {
        let mut state = self.state();
        state.fired.kills += 1;
        state.end();
    }

    /// Power goes, and comes back: of what was not synced, luck decides by seed.
    pub fn crash(&self) {
        let mut state = self.state();
        let state = &mut *state;
        state.fired.crashes += 1;
        let changes = std::mem::take(&mut state.changes);
        // A file system keeps its own log in order.
        let kept = state.random.below(changes.len() as u64 + 1) as usize;
        let mut names = std::mem::take(&mut state.durable);
        for change in &changes[..kept] {
            apply(&mut names, change);
        }
        let mut lost = kept < changes.len();
        for node in names.values() {
            if let Node::File(file) = node {
                lost |= lock(file).cut_power(&mut state.random) > 0;
            }
        }
        state.fired.lost += u64::from(lost);
        state.now.clone_from(&names);
        state.durable = names;
        state.end();
    }

    /// The process ends within the `n`-th call from now that changes something (0: the next one);
    /// a write is then cut short. Every later call fails until [`SimDisk::kill`] or
    /// [`SimDisk::crash`].
    pub fn stop_after(&self, n: u64) {
        let mut state = self.state();
        state.stop_at = Some(state.operations + 1 + n);
    }

    /// Has the process ended within a call, and was not ended for good yet?
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// How many calls have changed something so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets the `n`-th such call from now fail (0: the next one), once.
    pub fn fail(&self, fault: SimFault, n: u64) {
        self.state().faults.push((fault, n));
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        (state.stop_at, state.limit, state.read_only) = (None, None, false);
    }

    /// The disk has so many bytes in all; `None`: no end.
    pub fn limit(&self, bytes: Option<u64>) {
        self.state().limit = bytes;
    }

    /// Bytes in use, reserved ones too.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Refuses whatever would change something, or no longer.
    pub fn read_only(&self, on: bool) {
        self.state().read_only = on;
    }

    /// How often each fault has happened.
    pub fn fired(&self) -> Fired {
        self.state().fired
    }

    /// Flips bits of a byte, for good. False when there is no such byte.
    pub fn flip(&self, path: &Path, at: u64, bits: u8) -> bool {
        let mut state = self.state();
        let flipped = state.file(path).is_ok_and(|f| lock(f).flip(at as usize, bits));
        state.fired.flips += u64::from(flipped);
        flipped
    }

    /// Flips one bit somewhere in the files whose path `which` accepts; where, and which bit of the
    /// byte, or `None` when those hold nothing.
    pub fn flip_somewhere(&self, which: impl Fn(&Path) -> bool) -> Option<(PathBuf, u64, u8)> {
        let files: Vec<_> = self.files().into_iter().filter(|(path, _)| which(path)).collect();
        let total: u64 = files.iter().map(|(_, length)| length).sum();
        let (mut at, bit) = {
            let random = &mut self.state().random;
            if total == 0 {
                return None;
            }
            (random.below(total), random.below(8))
        };
        for (path, length) in files {
            if at < length {
                return self.flip(&path, at, 1 << bit).then_some((path, at, 1 << bit));
            }
            at -= length;
        }
        None
    }

    /// Paths and lengths of all files, by path.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let files = state.now.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path.clone(), lock(file).data.len() as u64)),
            Node::Folder => None,
        });
        files.collect()
    }

    /// What a file holds.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        self.state().file(path).ok().map(|file| lock(file).data.clone())
    }

    /// Puts a file there, synced, with the folders above it.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let node = Node::File(Arc::new(Mutex::new(Inode::holding(bytes))));
        for above in path.ancestors().skip(1) {
            state.now.entry(above.to_path_buf()).or_insert(Node::Folder);
            state.durable.entry(above.to_path_buf()).or_insert(Node::Folder);
        }
        state.now.insert(path.to_path_buf(), node.clone());
        state.durable.insert(path.to_path_buf(), node);
    }

    /// Another disk with the same files, all synced, that draws by a seed of its own.
    pub fn copy(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        let folders: Vec<_> = {
            let state = self.state();
            let folder = |(path, node): (&PathBuf, &Node)| match node {
                Node::Folder => Some(path.clone()),
                Node::File(_) => None,
            };
            state.now.iter().filter_map(folder).collect()
        };
        for (path, _) in self.files() {
            copy.put(&path, &self.contents(&path).unwrap_or_default());
        }
        let mut state = copy.state();
        for path in folders {
            state.now.insert(path.clone(), Node::Folder);
            state.durable.insert(path, Node::Folder);
        }
        drop(state);
        copy
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        if matches!(state.now.get(dir), Some(Node::Folder)) {
            return Ok(());
        }
        state.whole()?;
        // Folders are kept through a power cut: a journal's own files are what is tried here.
        for above in dir.ancestors() {
            state.now.entry(above.to_path_buf()).or_insert(Node::Folder);
            state.durable.entry(above.to_path_buf()).or_insert(Node::Folder);
        }
        Ok(())
    }

    fn is_dir(&self, dir: &Path) -> bool {
        matches!(self.state().now.get(dir), Some(Node::Folder))
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        match state.now.get(dir) {
            None => Err(Errno::NOENT.into()),
            Some(Node::File(_)) => Err(Errno::NOTDIR.into()),
            Some(Node::Folder) => {
                let within = state.now.keys().filter(|path| path.parent() == Some(dir));
                let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
                Ok(within.filter_map(name).collect())
            }
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().now.contains_key(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.stopped {
            return Err(dead());
        }
        if how == Open::Write && state.read_only {
            state.fired.read_only += 1;
            return Err(Errno::ROFS.into());
        }
        if how == Open::Create {
            state.whole()?;
            state.in_a_folder(path)?;
            if matches!(state.now.get(path), Some(Node::Folder)) {
                return Err(Errno::ISDIR.into());
            }
            match state.file(path) {
                Ok(file) => {
                    let mut inode = lock(file);
                    inode.set_length(0);
                    inode.reserved = 0;
                }
                Err(_) => {
                    let node = Node::File(File::default());
                    state.change(Change::Made(path.to_path_buf(), node));
                }
            }
        }
        let inode = Arc::clone(state.file(path)?);
        let generation = state.generation;
        Ok(Box::new(SimFile { disk: self.clone(), inode, generation }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole()?;
        state.in_a_folder(to)?;
        if !state.now.contains_key(from) {
            return Err(Errno::NOENT.into());
        }
        state.change(Change::Renamed(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        // What is not there needs no change.
        state.file(path)?;
        state.whole()?;
        state.change(Change::Gone(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole()?;
        if state.fails(SimFault::Sync) {
            state.fired.sync_errors += 1;
            return Err(Errno::IO.into());
        }
        let (synced, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.changes).into_iter().partition(|c| c.touches(dir));
        state.changes = left;
        for change in &synced {
            apply(&mut state.durable, change);
        }
        Ok(())
    }

    fn free(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.state().free())
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Box<dyn Lock>, LockRefused> {
        let mut state = self.state();
        if state.stopped {
            return Err(LockRefused::Io(dead()));
        }
        state.in_a_folder(path).map_err(LockRefused::Io)?;
        if state.read_only {
            state.fired.read_only += 1;
            return Err(LockRefused::Io(Errno::ROFS.into()));
        }
        if let Some(holder) = state.locks.get(path) {
            return Err(LockRefused::Held(holder.clone()));
        }
        state.locks.insert(path.to_path_buf(), note.to_owned());
        let generation = state.generation;
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf(), generation }))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    generation: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.generation == self.generation {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: File,
    generation: u64,
}

impl SimFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.stopped || state.generation != self.generation {
            return Err(dead());
        }
        Ok(state)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        state.whole()?;
        if state.fails(SimFault::Sync) {
            state.fired.sync_errors += 1;
            lock(&self.inode).sync_failed(&mut state.random);
            return Err(Errno::IO.into());
        }
        lock(&self.inode).sync();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        if state.fails(SimFault::Read) {
            state.fired.read_errors += 1;
            return Err(Errno::IO.into());
        }
        let inode = lock(&self.inode);
        let from = inode.data.len().min(at as usize);
        let n = bytes.len().min(inode.data.len() - from);
        bytes[..n].copy_from_slice(&inode.data[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let ends = state.operation()?;
        let at = at as usize;
        let failed = state.fails(SimFault::Write);
        if ends || failed {
            let part = state.random.below(bytes.len() as u64 + 1) as usize;
            lock(&self.inode).write(&bytes[..part], at);
            state.fired.torn += u64::from(part > 0 && part < bytes.len());
            if ends {
                return Err(dead());
            }
            state.fired.write_errors += 1;
            return Err(Errno::IO.into());
        }
        let space = lock(&self.inode).space();
        let more = (at + bytes.len()).saturating_sub(space) as u64;
        if more > 0 && more > state.free() {
            let fits = bytes.len().saturating_sub((more - state.free()) as usize);
            lock(&self.inode).write(&bytes[..fits], at);
            state.fired.no_space += 1;
            return Err(Errno::NOSPC.into());
        }
        lock(&self.inode).write(bytes, at);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        drop(self.state()?);
        Ok(lock(&self.inode).data.len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.state()?;
        state.whole()?;
        let mut inode = lock(&self.inode);
        inode.set_length(length as usize);
        inode.reserved = 0;
        Ok(())
    }

    fn reserve(&self, bytes: u64, grow: bool) -> io::Result<()> {
        let mut state = self.state()?;
        state.whole()?;
        let space = lock(&self.inode).space() as u64;
        if bytes > space && bytes - space > state.free() {
            state.fired.no_space += 1;
            return Err(Errno::NOSPC.into());
        }
        let mut inode = lock(&self.inode);
        inode.reserved = inode.reserved.max(bytes as usize);
        if grow && inode.data.len() < bytes as usize {
            inode.set_length(bytes as usize);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}
