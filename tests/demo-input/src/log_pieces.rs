//! The cast of the access log: pages, clients, browsers, and the day's curve.
//!
//! **Invariant:** everything a line needs is rendered here, once; [`crate::log`] only
//! draws and copies.

use crate::random::{Random, Weighted};

const PAGES: usize = 4_000;
const CLIENTS: usize = 20_000;

/// Requests by hour of the day, relative to the mean.
pub(crate) const DAY_CURVE: [f64; 24] = [
    0.45, 0.32, 0.25, 0.22, 0.22, 0.28, 0.45, 0.75, 1.10, 1.35, 1.45, 1.45, 1.35, 1.40, 1.45, 1.45,
    1.40, 1.35, 1.40, 1.55, 1.60, 1.45, 1.10, 0.75,
];

/// Statuses of pages that exist, with their weights.
const STATUSES: [(u16, f64); 11] = [
    (200, 880.0),
    (304, 62.0),
    (206, 8.0),
    (301, 12.0),
    (302, 14.0),
    (403, 3.0),
    (404, 9.0),
    (429, 4.0),
    (500, 4.0),
    (502, 2.0),
    (503, 2.0),
];

const BROWSERS: [&str; 8] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "ShopApp/7.4.1 (Android 15; okhttp/5.1.0)",
];

const ROBOTS: [&str; 6] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "python-requests/2.33.0",
    "curl/8.17.0",
];

const REFERERS: [&str; 6] = [
    "-",
    "-",
    "https://www.google.com/",
    "https://shop.example/",
    "https://shop.example/products?page=2",
    "https://news.example/item?id=48213377",
];

const PROBES: [&str; 6] = [
    "GET /wp-login.php HTTP/1.1",
    "GET /.env HTTP/1.1",
    "POST /xmlrpc.php HTTP/1.1",
    "GET /.git/config HTTP/1.1",
    "GET /phpmyadmin/index.php HTTP/1.1",
    "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03",
];

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Page {
    /// `"GET /path HTTP/1.1" ` with its quotes.
    pub(crate) request: Vec<u8>,
    /// The median size of its response.
    pub(crate) bytes_median: f64,
    /// The median time to serve it.
    pub(crate) seconds_median: f64,
    /// The status it always has, where it is nothing this server has.
    pub(crate) status_always: Option<u16>,
}

/// Who asks: `address - user [` and `"referer" "user agent" `.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
    pub(crate) is_robot: bool,
}

/// Pages by falling popularity.
pub(crate) fn pages(random: &mut Random) -> Vec<Page> {
    (0..PAGES).map(|rank| page(rank, random)).collect()
}

fn page(rank: usize, random: &mut Random) -> Page {
    let number = 1_000 + random.below(90_000);
    let (path, bytes_median, seconds_median) = match rank {
        0 => ("GET / HTTP/2.0".to_owned(), 18_000.0, 0.030),
        1 => ("GET /assets/app-5f31c2.js HTTP/2.0".to_owned(), 84_000.0, 0.004),
        2 => ("GET /assets/app-5f31c2.css HTTP/2.0".to_owned(), 21_000.0, 0.003),
        3 => ("GET /favicon.ico HTTP/2.0".to_owned(), 1_150.0, 0.001),
        4 => ("POST /api/v1/events HTTP/2.0".to_owned(), 32.0, 0.008),
        5 => ("GET /robots.txt HTTP/1.1".to_owned(), 310.0, 0.001),
        _ => match random.below(20) {
            0 => {
                let probe = PROBES[random.below(PROBES.len() as u32) as usize];
                let status = if probe.starts_with('\\') { 400 } else { 404 };
                return made(probe, 550.0, 0.002, Some(status));
            }
            1..=7 => (format!("GET /products/{number} HTTP/2.0"), 26_000.0, 0.055),
            8..=11 => (format!("GET /images/{number}_640.webp HTTP/2.0"), 48_000.0, 0.004),
            12..=13 => {
                (format!("GET /search?q=item+{number}&sort=price HTTP/1.1"), 15_000.0, 0.180)
            }
            14..=16 => (format!("GET /api/v1/products/{number}/stock HTTP/2.0"), 420.0, 0.018),
            17 => (format!("POST /api/v1/cart/{number}/items HTTP/2.0"), 260.0, 0.045),
            18 => (format!("PUT /api/v1/profile/{number} HTTP/1.1"), 140.0, 0.060),
            _ => (
                format!("GET /blog/2026/{:02}/story-{number} HTTP/2.0", 1 + number % 11),
                33_000.0,
                0.040,
            ),
        },
    };
    made(&path, bytes_median, seconds_median, None)
}

fn made(request: &str, bytes_median: f64, seconds_median: f64, status: Option<u16>) -> Page {
    let request = format!("\"{request}\" ").into_bytes();
    Page { request, bytes_median, seconds_median, status_always: status }
}

/// Clients by falling eagerness. Each keeps its browser and its referer.
pub(crate) fn clients(random: &mut Random) -> Vec<Client> {
    let browsers = Weighted::new([34.0, 17.0, 22.0, 9.0, 4.0, 5.0, 6.0, 3.0]);
    (0..CLIENTS).map(|_| client(&browsers, random)).collect()
}

fn client(browsers: &Weighted, random: &mut Random) -> Client {
    let is_robot = random.below(100) < 7;
    let agent = match is_robot {
        true => ROBOTS[random.below(ROBOTS.len() as u32) as usize],
        false => BROWSERS[browsers.draw(random)],
    };
    let referer = match is_robot {
        true => "-",
        false => REFERERS[random.below(REFERERS.len() as u32) as usize],
    };
    let address = match random.below(8) {
        0 => format!(
            "2001:db8:{:x}:{:x}::{:x}",
            random.below(65_536),
            random.below(65_536),
            random.below(4_096)
        ),
        _ => format!(
            "{}.{}.{}.{}",
            1 + random.below(223),
            random.below(256),
            random.below(256),
            1 + random.below(254)
        ),
    };
    let user = if random.below(200) == 0 { "anna" } else { "-" };
    Client {
        head: format!("{address} - {user} [").into_bytes(),
        tail: format!(" \"{referer}\" \"{agent}\" ").into_bytes(),
        is_robot,
    }
}

/// The statuses, drawn by weight.
#[derive(Debug)]
pub(crate) struct Statuses(Weighted);

impl Statuses {
    pub(crate) fn new() -> Self {
        Self(Weighted::new(STATUSES.iter().map(|(_, weight)| *weight)))
    }

    pub(crate) fn draw(&self, random: &mut Random) -> u16 {
        STATUSES[self.0.draw(random)].0
    }
}
