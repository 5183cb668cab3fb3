//! An access log in the combined format, with the request time in seconds at the end as
//! nginx writes it with `$request_time`.
//!
//! **Invariant:** the counts in [`AccessLog`] are exact: what reads the log has to come to
//! the same. See [`crate::log_pieces`] for who asks for what.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::log_pieces::{Client, DAY_CURVE, Page, Statuses, clients, pages};
use crate::random::{Quantiles, Random, Zipf};

/// How long a time the log covers.
const SPAN_SECONDS: f64 = 7.0 * 86_400.0;
/// The mean length of a line, by which requests are spread over the span.
const LINE_BYTES_MEAN: f64 = 224.0;
/// One line in this many is broken.
const BROKEN_ONE_IN: u32 = 2_000;
/// Bytes handed to the file at once.
const WRITE_BUFFER_BYTES: usize = 256 << 10;
/// The day of November 2026 on which the log begins, at midnight UTC.
const FIRST_DAY: u64 = 14;

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessLog {
    /// Bytes of the file.
    pub bytes: u64,
    /// Lines, broken ones included.
    pub lines: u64,
    /// Lines that are not in the format.
    pub malformed: u64,
    /// Well-formed lines by the first digit of their status; `[2]` counts 200 to 299.
    pub by_class: [u64; 6],
    /// The sum of the sizes that well-formed lines report.
    pub response_bytes: u64,
    /// Well-formed lines whose user agent is a robot or a script.
    pub robots: u64,
}

/// Writes a log of at least `bytes` bytes, the last line whole, to `path`.
///
/// 100 MiB are about 455,000 requests over seven days and take a third of a second.
///
/// # Errors
/// Where the file cannot be created or written.
pub fn access_log(path: &Path, bytes: u64, seed: u64) -> io::Result<AccessLog> {
    let mut out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, File::create(path)?);
    let mut writer = LogWriter::new(bytes, seed);
    let mut line = Vec::with_capacity(1_024);
    while writer.log.bytes < bytes {
        line.clear();
        writer.next_line(&mut line);
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(writer.log)
}

struct LogWriter {
    random: Random,
    pages: Vec<Page>,
    clients: Vec<Client>,
    page_rank: Zipf,
    client_rank: Zipf,
    statuses: Statuses,
    size: Quantiles,
    time: Quantiles,
    gap: Quantiles,
    gap_seconds_mean: f64,
    now_seconds: f64,
    log: AccessLog,
}

impl LogWriter {
    fn new(bytes: u64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let pages = pages(&mut random);
        let clients = clients(&mut random);
        Self {
            page_rank: Zipf::new(pages.len(), 1.0),
            client_rank: Zipf::new(clients.len(), 0.9),
            statuses: Statuses::new(),
            size: Quantiles::log_normal(0.6, &mut random),
            time: Quantiles::log_normal(0.8, &mut random),
            gap: Quantiles::exponential(&mut random),
            gap_seconds_mean: SPAN_SECONDS * LINE_BYTES_MEAN / bytes.max(1) as f64,
            now_seconds: 0.0,
            log: AccessLog::default(),
            random,
            pages,
            clients,
        }
    }

    fn next_line(&mut self, line: &mut Vec<u8>) {
        let request = self.write_request(line);
        if self.random.below(BROKEN_ONE_IN) == 0 {
            self.break_line(line);
            self.log.malformed += 1;
        } else {
            self.log.by_class[usize::from(request.status / 100)] += 1;
            self.log.response_bytes += request.bytes;
            self.log.robots += u64::from(request.is_robot);
        }
        line.push(b'\n');
        self.log.lines += 1;
        self.log.bytes += line.len() as u64;
    }

    fn write_request(&mut self, line: &mut Vec<u8>) -> Request {
        let random = &mut self.random;
        let hour = (self.now_seconds / 3_600.0) as usize % 24;
        self.now_seconds += self.gap.draw(random) * self.gap_seconds_mean / DAY_CURVE[hour];
        let page = &self.pages[self.page_rank.draw(random)];
        let client = &self.clients[self.client_rank.draw(random)];
        let status = page.status_always.unwrap_or_else(|| self.statuses.draw(random));
        let bytes = match status {
            304 => 0,
            200 | 206 => (page.bytes_median * self.size.draw(random)) as u64,
            _ => 162 + u64::from(random.below(400)),
        };
        let slow = if status >= 500 { 20.0 } else { 1.0 };
        let millis = (page.seconds_median * self.time.draw(random) * slow * 1_000.0) as u64;

        line.extend_from_slice(&client.head);
        write_time(line, self.now_seconds as u64);
        line.extend_from_slice(&page.request);
        write_number(line, u64::from(status));
        line.push(b' ');
        write_number(line, bytes);
        line.extend_from_slice(&client.tail);
        write_number(line, millis / 1_000);
        line.push(b'.');
        write_padded(line, millis % 1_000, 3);
        Request { status, bytes, is_robot: client.is_robot }
    }

    /// What crashes and full disks do to a line.
    fn break_line(&mut self, line: &mut Vec<u8>) {
        match self.random.below(3) {
            // The end is missing, from within the date on.
            0 => {
                let date = line.iter().position(|byte| *byte == b'[').unwrap_or(0);
                line.truncate(date + 8);
            }
            // A block of zeros, as after a crash.
            1 => line[..].fill(0),
            // Another program wrote into the file.
            _ => {
                line.clear();
                line.extend_from_slice(
                    b"2026/11/20 03:14:15 [error] 1077#0: *93 upstream timed out",
                );
            }
        }
    }
}

struct Request {
    status: u16,
    bytes: u64,
    is_robot: bool,
}

/// `14/Nov/2026:00:00:00 +0000] `. The span of seven days ends within the month.
fn write_time(line: &mut Vec<u8>, seconds: u64) {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    write_padded(line, FIRST_DAY + day.min(16), 2);
    line.extend_from_slice(b"/Nov/2026:");
    write_padded(line, second / 3_600, 2);
    line.push(b':');
    write_padded(line, second / 60 % 60, 2);
    line.push(b':');
    write_padded(line, second % 60, 2);
    line.extend_from_slice(b" +0000] ");
}

fn write_number(line: &mut Vec<u8>, number: u64) {
    let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    write_padded(line, number, digits);
}

fn write_padded(line: &mut Vec<u8>, mut number: u64, digits: usize) {
    let start = line.len();
    line.resize(start + digits, b'0');
    for digit in line[start..].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: u64, seed: u64) -> (AccessLog, String) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("access.log");
        let log = access_log(&path, bytes, seed).expect("the log is written");
        let text = std::fs::read(&path).expect("the log is there");
        (log, String::from_utf8(text).expect("only ASCII is written"))
    }

    #[test]
    fn the_same_seed_gives_the_same_log() {
        assert!(written(200_000, 7) == written(200_000, 7));
        assert!(written(200_000, 7).1 != written(200_000, 8).1);
    }

    #[test]
    fn the_counts_are_those_of_the_file() {
        let (log, text) = written(2_000_000, 1);
        assert_eq!(log.bytes, text.len() as u64);
        assert!(log.bytes >= 2_000_000);
        assert_eq!(log.lines, text.lines().count() as u64);
        let well_formed: Vec<&str> = text.lines().filter(|line| is_combined(line)).collect();
        assert_eq!(well_formed.len() as u64, log.lines - log.malformed);
        assert_eq!(log.by_class.iter().sum::<u64>(), log.lines - log.malformed);
        assert!(log.malformed > 0);
    }

    #[test]
    fn the_distribution_is_that_of_a_real_server() {
        let (log, text) = written(4_000_000, 2);
        let good = (log.lines - log.malformed) as f64;
        let share = |count: u64| count as f64 / good;
        assert!((0.75..0.97).contains(&share(log.by_class[2])), "{log:?}");
        assert!((0.001..0.03).contains(&share(log.by_class[5])), "{log:?}");
        assert!((0.005..0.3).contains(&share(log.robots)), "{log:?}");
        let front = text.matches("\"GET / HTTP/2.0\"").count() as f64 / good;
        assert!((0.08..0.16).contains(&front), "{front}");
        let at = |hour: &str| text.matches(&format!("/Nov/2026:{hour}:")).count();
        assert!(at("20") > 3 * at("03"), "evenings are busier than nights");
        let mean = log.bytes as f64 / log.lines as f64;
        assert!((mean - LINE_BYTES_MEAN).abs() < 15.0, "a line has {mean} bytes in the mean");
    }

    /// A slow and independent reader of the format.
    fn is_combined(line: &str) -> bool {
        let quoted: Vec<&str> = line.split('"').collect();
        let &[head, _request, numbers, _referer, " ", _agent, time] = &quoted[..] else {
            return false;
        };
        let mut numbers = numbers.split_ascii_whitespace().map(str::parse::<u64>);
        head.ends_with("+0000] ")
            && matches!(numbers.next(), Some(Ok(100..=599)))
            && matches!(numbers.next(), Some(Ok(_)))
            && time.trim().parse::<f64>().is_ok()
    }
}
