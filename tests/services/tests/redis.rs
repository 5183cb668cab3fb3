//! Servers of Redis, asked with its own command-line program's protocol.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use zapjobs_services::{Appendfsync, Redis, RedisCluster, RedisSentinels, RedisSettings};

/// What `redis-cli` answers; errors are answers too.
fn ask(url: &str, more: &[&str], words: &[&str]) -> String {
    // This program takes no name for an empty name, not for the default user's.
    let url = url.replace("//:", "//default:");
    let asked = Command::new("redis-cli")
        .args(["--raw", "--no-auth-warning", "-u", &url])
        .args(more)
        .args(words)
        .output()
        .unwrap();
    let text = [asked.stdout, asked.stderr].concat();
    String::from_utf8(text).unwrap().trim().to_owned()
}

#[test]
fn a_server_answers_and_keeps_its_data_when_it_is_stopped_or_killed() {
    let settings = RedisSettings { appendfsync: Appendfsync::Always, ..Default::default() };
    let mut server = Redis::start(&settings).unwrap();
    let url = server.url();
    assert_eq!(ask(&url, &[], &["CONFIG", "GET", "appendfsync"]), "appendfsync\nalways");
    assert_eq!(ask(&url, &[], &["SET", "stopped", "1"]), "OK");
    server.stop().unwrap();
    assert_eq!(server.pid(), None);
    assert!(ask(&url, &[], &["PING"]).contains("refused"));
    server.start_again().unwrap();
    assert_eq!(ask(&url, &[], &["SET", "killed", "2"]), "OK");
    server.kill().unwrap();
    server.start_again().unwrap();
    assert_eq!(server.url(), url);
    assert_eq!(ask(&url, &[], &["MGET", "stopped", "killed"]), "1\n2");
}

#[test]
fn passwords_and_users_with_any_character_work_in_urls() {
    let password = Some("p@s:s/w \"ö\\%?#".to_owned());
    let only = RedisSettings { password, ..Default::default() };
    let user = RedisSettings { user: Some("z@p:jobs".to_owned()), ..only.clone() };
    for settings in [only, user] {
        let mut server = Redis::start(&settings).unwrap();
        let name = settings.user.as_deref().unwrap_or("default");
        assert_eq!(ask(&server.url(), &[], &["ACL", "WHOAMI"]), name);
        let stranger = format!("redis://127.0.0.1:{}", server.port());
        assert!(ask(&stranger, &[], &["PING"]).contains("NOAUTH"));
        server.start_again().unwrap();
        assert_eq!(ask(&server.url(), &[], &["PING"]), "PONG");
    }
    let without = RedisSettings { user: Some("me".to_owned()), ..Default::default() };
    assert!(Redis::start(&without).unwrap_err().to_string().contains("needs a password"));
}

#[test]
fn with_tls_the_certificate_is_verified_and_plain_clients_are_refused() {
    let settings = RedisSettings { tls: true, ..Default::default() };
    let server = Redis::start(&settings).unwrap();
    let file = server.certificate().unwrap().to_str().unwrap();
    assert!(server.url().starts_with("rediss://"));
    assert_eq!(ask(&server.url(), &["--tls", "--cacert", file], &["PING"]), "PONG");
    let other = Redis::start(&settings).unwrap();
    let stranger = other.certificate().unwrap().to_str().unwrap();
    assert!(
        ask(&server.url(), &["--tls", "--cacert", stranger], &["PING"]).contains("certificate")
    );
    let plain = server.url().replace("rediss", "redis");
    assert!(!ask(&plain, &[], &["PING"]).contains("PONG"));
}

#[test]
fn a_paused_server_does_not_answer_until_it_is_resumed() {
    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    server.pause().unwrap();
    let mut asked = Command::new("redis-cli");
    let mut asked = asked.args(["-u", &server.url(), "PING"]).spawn().unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid().unwrap()));
    assert!(stat().unwrap().contains(") T "));
    assert!(asked.try_wait().unwrap().is_none(), "nobody answers");
    server.resume().unwrap();
    assert!(asked.wait().unwrap().success());
    // A paused one can be stopped and killed as well.
    server.pause().unwrap();
    server.stop().unwrap();
    server.start_again().unwrap();
    server.pause().unwrap();
    server.kill().unwrap();
    assert!(server.pause().is_err());
}

#[test]
fn a_wrong_setting_is_told_with_the_servers_words() {
    let more = vec![("maxmemory".to_owned(), "nonsense".to_owned())];
    let error = Redis::start(&RedisSettings { more, ..Default::default() }).unwrap_err();
    assert!(error.to_string().contains("Redis did not start"), "{error}");
    assert!(error.to_string().contains("nonsense"), "{error}");
}

#[test]
fn many_servers_start_at_once() {
    let start = || std::thread::spawn(|| Redis::start(&RedisSettings::default()).unwrap());
    let starting: Vec<_> = (0..16).map(|_| start()).collect();
    let servers: Vec<Redis> = starting.into_iter().map(|one| one.join().unwrap()).collect();
    // The threads that started them have ended, and they have not.
    for server in &servers {
        let info = ask(&server.url(), &[], &["INFO", "server"]);
        assert!(info.contains(&format!("process_id:{}\r", server.pid().unwrap())), "{info}");
    }
}

#[test]
fn a_port_that_another_took_is_told_apart() {
    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    server.stop().unwrap();
    let other = std::net::TcpListener::bind(("127.0.0.1", server.port())).unwrap();
    assert_eq!(server.start_again().unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    drop(other);
    server.start_again().unwrap();
}

#[test]
fn slots_are_those_that_the_cluster_computes() {
    let cluster = RedisCluster::start().unwrap();
    for key in ["a", "{zapjobs}:runs", "x{}y", "{a}{b}", "ö{", "123456789"] {
        let slot = ask(&cluster.nodes[0].url(), &[], &["CLUSTER", "KEYSLOT", key]);
        assert_eq!(RedisCluster::slot_of(key).to_string(), slot, "{key}");
    }
    assert_eq!([0, 5460, 5461, 16383].map(|slot| cluster.owner_of(slot).unwrap()), [0, 0, 1, 2]);
}

#[test]
fn a_slot_moves_with_all_its_keys() {
    let settings = RedisSettings { password: Some("p w".to_owned()), ..Default::default() };
    let cluster = RedisCluster::start_with(&settings).unwrap();
    let slot = RedisCluster::slot_of("{tag}");
    let from = cluster.owner_of(slot).unwrap();
    let to = (from + 1) % 3;
    let script = "for i = 1, 250 do redis.call('SET', KEYS[1] .. i, i) end";
    ask(&cluster.nodes[from].url(), &[], &["EVAL", script, "1", "{tag}"]);
    let keys = |node: usize| {
        let slot = slot.to_string();
        ask(&cluster.nodes[node].url(), &[], &["CLUSTER", "COUNTKEYSINSLOT", &slot])
    };
    assert_eq!(keys(from), "250");
    assert!(cluster.begin_move(slot, to).unwrap());
    assert!(ask(&cluster.nodes[from].url(), &[], &["GET", "{tag}new"]).starts_with("ASK"));
    cluster.move_slot(slot, to).unwrap();
    assert_eq!((keys(from), keys(to)), ("0".to_owned(), "250".to_owned()));
    assert_eq!(cluster.owner_of(slot).unwrap(), to);
    for (number, node) in cluster.nodes.iter().enumerate() {
        let answer = ask(&node.url(), &[], &["GET", "{tag}7"]);
        if number == to {
            assert_eq!(answer, "7");
        } else {
            assert!(
                answer.starts_with(&format!("MOVED {slot} 127.0.0.1:{}", cluster.nodes[to].port()))
            );
        }
    }
    assert!(!cluster.begin_move(slot, to).unwrap(), "it is there");
    cluster.move_slot(slot, from).unwrap();
    assert_eq!(keys(from), "250");
    assert!(cluster.move_slot(16384, 0).unwrap_err().to_string().contains("no slot 16384"));
    assert!(cluster.move_slot(0, 3).unwrap_err().to_string().contains("no node 3"));
}

#[test]
fn sentinels_change_the_master_when_asked_and_when_it_is_killed() {
    let settings = RedisSettings { password: Some("secret".to_owned()), ..Default::default() };
    let mut sentinels = RedisSentinels::start_with(&settings).unwrap();
    let set = |server: &Redis, value| ask(&server.url(), &[], &["SET", "key", value]);
    assert_eq!(sentinels.master().unwrap(), 0);
    assert_eq!(set(&sentinels.servers[0], "1"), "OK");
    sentinels.wait_for_replica().unwrap();
    assert_eq!(sentinels.failover().unwrap(), 1);
    assert!(set(&sentinels.servers[0], "2").starts_with("READONLY"));
    assert_eq!(set(&sentinels.servers[1], "2"), "OK");
    sentinels.wait_for_replica().unwrap();
    sentinels.servers[1].kill().unwrap();
    let began = std::time::Instant::now();
    while !sentinels.master().is_ok_and(|master| master == 0) {
        assert!(began.elapsed().as_secs() < 60, "a failover");
        std::thread::yield_now();
    }
    assert_eq!(ask(&sentinels.servers[0].url(), &[], &["GET", "key"]), "2");
}
