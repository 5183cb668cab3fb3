//! Where the database is: its file, its directory, its disk.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zapjobs_storage::Finding;

use super::{migrating_remedy, shown};
use crate::options::SqliteOptions;

/// What every SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Free bytes below which the disk will soon be full.
#[cfg(unix)]
const FREE_BYTES_LOW: u64 = 1 << 30;
/// Free bytes below which a write may fail: what the log keeps on disk.
#[cfg(unix)]
const FREE_BYTES_TOO_LOW: u64 = 128 << 20;
/// Bytes of the write-ahead log above which something keeps it from being emptied.
const LOG_BYTES_HIGH: u64 = 512 << 20;

/// What was seen without opening the database.
pub(super) struct Place {
    pub(super) findings: Vec<Finding>,
    /// About the write-ahead log.
    pub(super) log: Finding,
    /// Whether there is a database to look into.
    pub(super) is_database: bool,
    /// The size of the file.
    pub(super) bytes: u64,
}

pub(super) fn examine(options: &SqliteOptions, path: &Path) -> Place {
    let directory = directory_of(path);
    let mut findings = vec![examine_directory(&directory)];
    if directory.is_dir() {
        findings.extend(examine_file_system(&directory));
        findings.extend(examine_free_space(&directory));
    }
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (file, is_database) = examine_file(options, path, bytes);
    findings.push(file);
    Place { findings, log: examine_log(path), is_database, bytes }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn examine_directory(directory: &Path) -> Finding {
    const SUBJECT: &str = "directory";
    let shown = directory.display();
    if !directory.is_dir() {
        let found = format!("the directory {shown} does not exist");
        return Finding::problem(SUBJECT, found, "create it, or name a file in another directory");
    }
    if !may_be_written(directory) {
        return Finding::problem(
            SUBJECT,
            format!("the directory {shown} may not be written, so that no log can be kept in it"),
            "give the host's user the right to write there",
        );
    }
    Finding::good(SUBJECT, format!("the directory {shown} may be written"))
}

#[cfg(unix)]
fn may_be_written(directory: &Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_be_written(directory: &Path) -> bool {
    fs::metadata(directory).is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// What there is to say of the file, and whether it holds a database.
fn examine_file(options: &SqliteOptions, path: &Path, bytes: u64) -> (Finding, bool) {
    const SUBJECT: &str = "file";
    let name = path.display();
    let problem = |found: String, remedy: &str| (Finding::problem(SUBJECT, found, remedy), false);
    if path.is_dir() {
        return problem(format!("{name} is a directory"), "name a file in it");
    }
    let magic = match first_bytes(path) {
        Ok(magic) => magic,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let found = format!("there is no file {name} yet");
            return (Finding::warning(SUBJECT, found, migrating_remedy(options)), false);
        }
        Err(error) => {
            let remedy = "give the host's user the right to read and write it";
            return problem(format!("{name} cannot be read ({error})"), remedy);
        }
    };
    if !magic.is_empty() && magic != MAGIC {
        let remedy = "name another file; this one is left as it is";
        return problem(format!("{name} is no SQLite database"), remedy);
    }
    // Neither creates nor changes anything.
    if let Err(error) = OpenOptions::new().write(true).open(path) {
        return (
            Finding::problem(
                SUBJECT,
                format!("{name} may not be written ({error})"),
                "give the host's user the right to write it, or remount its file system",
            ),
            true,
        );
    }
    let found = format!("{name} may be read and written, and has {}", shown(bytes));
    (Finding::good(SUBJECT, found), true)
}

fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn examine_log(path: &Path) -> Finding {
    const SUBJECT: &str = "write-ahead log";
    let mut name = OsString::from(path);
    name.push("-wal");
    let bytes = fs::metadata(name).map_or(0, |metadata| metadata.len());
    if bytes <= LOG_BYTES_HIGH {
        return Finding::good(SUBJECT, format!("the write-ahead log has {}", shown(bytes)));
    }
    Finding::warning(
        SUBJECT,
        format!(
            "the write-ahead log has {}: a reader that does not end, or a steady load, keeps it \
             from being emptied",
            shown(bytes)
        ),
        "end programs that keep a read transaction open; once no process has the file open, the \
         log is emptied",
    )
}

#[cfg(unix)]
fn examine_free_space(directory: &Path) -> Option<Finding> {
    let stat = rustix::fs::statvfs(directory).ok()?;
    Some(of_free_space(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(not(unix))]
fn examine_free_space(_directory: &Path) -> Option<Finding> {
    None
}

#[cfg(unix)]
fn of_free_space(bytes: u64) -> Finding {
    const SUBJECT: &str = "free space";
    const REMEDY: &str = "free space on the disk, keep finished runs for less long, or move the \
                          database while no host runs";
    let found = format!("{} are free for the database", shown(bytes));
    match bytes {
        FREE_BYTES_LOW.. => Finding::good(SUBJECT, found),
        FREE_BYTES_TOO_LOW.. => Finding::warning(SUBJECT, found, REMEDY),
        _ => Finding::problem(SUBJECT, format!("Only {found}"), REMEDY),
    }
}

#[cfg(target_os = "linux")]
fn examine_file_system(directory: &Path) -> Option<Finding> {
    let stat = rustix::fs::statfs(directory).ok()?;
    // Its sign and width differ between machines; the numbers have 32 bits.
    Some(of_file_system(stat.f_type as u32))
}

#[cfg(not(target_os = "linux"))]
fn examine_file_system(_directory: &Path) -> Option<Finding> {
    None
}

/// By the numbers of `statfs(2)`.
#[cfg(target_os = "linux")]
fn of_file_system(number: u32) -> Finding {
    const SUBJECT: &str = "file system";
    const REMEDY: &str = "move the database to a local disk, or use a database server";
    let network = |name: &str| {
        let found = format!(
            "the database is on a network file system ({name}), where write-ahead logging can \
             damage it"
        );
        Finding::problem(SUBJECT, found, REMEDY)
    };
    let passing = |found: &str| Finding::warning(SUBJECT, found, REMEDY);
    match number {
        0x0000_6969 => network("NFS"),
        0xff53_4d42 => network("CIFS"),
        0xfe53_4d42 | 0x0000_517b => network("SMB"),
        0x0102_1997 => network("9P"),
        0x5346_414f => network("AFS"),
        0x00c3_6400 => network("Ceph"),
        0x0bd0_0bd0 => network("Lustre"),
        0x0116_1970 => network("GFS2"),
        0x7461_636f => network("OCFS2"),
        0x6573_5546 => passing(
            "the database is on a FUSE file system: if that reaches over a network, write-ahead \
             logging can damage it",
        ),
        0x0102_1994 | 0x8584_58f6 => {
            passing("the database is on a file system in memory: it is lost at the next restart")
        }
        0x794c_7630 => passing(
            "the database is on an overlay file system: as a rule that of a container, lost with \
             it",
        ),
        _ => Finding::good(SUBJECT, "the database is on a local file system"),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use zapjobs_storage::Verdict;

    use super::*;

    #[test]
    fn network_file_systems_are_problems_and_passing_ones_warnings() {
        for (number, name) in [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0x0102_1997, "9P")] {
            let finding = of_file_system(number);
            assert_eq!(finding.verdict, Verdict::Problem);
            assert!(finding.found.contains(name), "{finding:?}");
        }
        assert_eq!(of_file_system(0x0102_1994).verdict, Verdict::Warning);
        // ext4, XFS, Btrfs.
        for local in [0xef53, 0x5846_5342, 0x9123_683e] {
            assert_eq!(of_file_system(local).verdict, Verdict::Good);
        }
    }

    #[test]
    fn little_free_space_is_a_warning_and_hardly_any_a_problem() {
        let verdicts = [10 << 30, 1 << 30, (1 << 30) - 1, 128 << 20, 1_000]
            .map(|bytes| of_free_space(bytes).verdict);
        use Verdict::{Good, Problem, Warning};
        assert_eq!(verdicts, [Good, Good, Warning, Warning, Problem]);
    }

    #[test]
    fn a_long_log_is_a_warning() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("jobs.db");
        assert_eq!(examine_log(&path).verdict, Verdict::Good);
        let log = File::create(home.path().join("jobs.db-wal")).expect("a file");
        log.set_len(LOG_BYTES_HIGH + 1).expect("a sparse file");
        let finding = examine_log(&path);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.contains("512.0 MiB"), "{finding:?}");
    }
}
