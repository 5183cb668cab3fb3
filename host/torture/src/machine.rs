//! What this process holds of its machine: memory, files and threads.
//!
//! **Invariant:** where the system does not tell (it is not Linux), nothing is known, and
//! nothing is claimed.

use std::fs;

/// KiB of memory that one attack may leave behind: a slot of the sandbox's pool keeps a few MiB
/// for the next attempt, and allocators give memory back late. A sandbox that kept what a
/// memory bomb took would exceed this at once.
const MEMORY_KIB_SPARE: u64 = 64 << 10;
/// KiB of memory that all attacks together may leave behind: a pool keeps up to a hundred slots
/// warm. A sandbox that kept a little of every attack would exceed this before the last one.
const MEMORY_KIB_SPARE_IN_ALL: u64 = 384 << 10;
/// File descriptors that may stay behind: none of an attack, a few of the runtime.
const FILES_SPARE: u64 = 8;
/// Threads that may stay behind: pools of compilers and runtimes start theirs when first used.
const THREADS_SPARE: u64 = 16;

/// What the process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Holdings {
    memory_kib: Option<u64>,
    files: Option<u64>,
    threads: Option<u64>,
}

impl Holdings {
    /// Looks.
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self {
            memory_kib: field("VmRSS:"),
            threads: field("Threads:"),
            files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
        }
    }

    /// What is held beyond what one attack may leave behind, and the suite itself.
    pub(crate) fn since_before(self, before: Self, memory_kib_own: u64) -> Result<(), String> {
        let this = Self { files: None, threads: None, ..self };
        this.compared(before, MEMORY_KIB_SPARE + memory_kib_own)
    }

    /// What is held beyond what all attacks together may leave behind.
    pub(crate) fn since_start(self, start: Self) -> Result<(), String> {
        self.compared(start, MEMORY_KIB_SPARE_IN_ALL)
    }

    fn compared(self, before: Self, memory_kib_spare: u64) -> Result<(), String> {
        let kinds = [
            (self.memory_kib, before.memory_kib, memory_kib_spare, "KiB of memory"),
            (self.files, before.files, FILES_SPARE, "files"),
            (self.threads, before.threads, THREADS_SPARE, "threads"),
        ];
        for (now, before, spare, what) in kinds {
            let (Some(now), Some(before)) = (now, before) else { continue };
            if now > before + spare {
                return Err(format!("{} {what} stayed behind", now - before));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_behind_is_told() {
        let holds = |memory_kib, files| Holdings {
            memory_kib: Some(memory_kib),
            files: Some(files),
            threads: None,
        };
        let before = holds(10_000, 10);
        assert_eq!(holds(9_000, 10).since_before(before, 0), Ok(()));
        assert_eq!(holds(10_000 + MEMORY_KIB_SPARE, 99).since_before(before, 0), Ok(()));
        assert_eq!(holds(100_000, 18).since_start(before), Ok(()));
        let leaked = holds(100_000, 10).since_before(before, 0);
        assert_eq!(leaked, Err("90000 KiB of memory stayed behind".to_owned()));
        let leaked = holds(10_000, 30).since_start(before);
        assert_eq!(leaked, Err("20 files stayed behind".to_owned()));
        assert_eq!(holds(1, 1).since_start(Holdings::default()), Ok(()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells() {
        let now = Holdings::now();
        assert!(now.memory_kib > Some(0) && now.files > Some(0) && now.threads > Some(0));
    }
}
