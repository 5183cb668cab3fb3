//! Connections: one way to make and use them, whatever the servers are.
//!
//! A Sentinel is asked for the master each time a connection is made, so that a connection
//! made after a failover reaches the new one.

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult, TlsCertificates, TlsMode,
    Value,
};

use crate::options::{Host, RedisOptions, Topology};

/// A connection. Cloning shares it.
#[derive(Clone)]
pub(crate) enum Conn {
    /// To one server: the one there is, or the master that a Sentinel named.
    Single(MultiplexedConnection),
    /// To all nodes of a cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Conn {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(conn) => conn.req_packed_command(cmd),
            Self::Cluster(conn) => conn.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(conn) => conn.req_packed_commands(pipeline, offset, count),
            Self::Cluster(conn) => conn.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(conn) => conn.get_db(),
            Self::Cluster(conn) => conn.get_db(),
        }
    }
}

/// Makes a connection for commands.
pub(crate) async fn dial(options: &RedisOptions) -> RedisResult<Conn> {
    match &options.topology {
        Topology::Standalone => single(options, standalone(options)?).await,
        Topology::Sentinel { master } => {
            let client = sentinel(options, master)?.async_get_client().await?;
            single(options, client).await
        }
        Topology::Cluster => {
            let conn = cluster(options)?.get_async_connection().await?;
            Ok(Conn::Cluster(conn))
        }
    }
}

/// Makes a connection for listening.
pub(crate) async fn dial_listener(options: &RedisOptions) -> RedisResult<PubSub> {
    match &options.topology {
        Topology::Standalone => standalone(options)?.get_async_pubsub().await,
        Topology::Sentinel { master } => {
            let client = sentinel(options, master)?.async_get_client().await?;
            client.get_async_pubsub().await
        }
        Topology::Cluster => {
            // What is published reaches every node: any one of them will do.
            let mut last = Err(RedisError::from((redis::ErrorKind::Client, "no node is named")));
            for host in &options.hosts {
                last = client(options, host)?.get_async_pubsub().await;
                if last.is_ok() {
                    break;
                }
            }
            last
        }
    }
}

/// A connection to the first server alone, whatever it is: to find out what it is.
pub(crate) async fn dial_first(options: &RedisOptions) -> RedisResult<Conn> {
    single(options, standalone(options)?).await
}

async fn single(options: &RedisOptions, client: Client) -> RedisResult<Conn> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.response_timeout));
    let conn = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Conn::Single(conn))
}

fn standalone(options: &RedisOptions) -> RedisResult<Client> {
    let host = options.hosts.first().expect("checked options name a server");
    client(options, host)
}

fn client(options: &RedisOptions, host: &Host) -> RedisResult<Client> {
    match certificates(options)? {
        Some(certificates) => Client::build_with_tls(info(options, host)?, certificates),
        None => Client::open(info(options, host)?),
    }
}

/// The roots to go by, where they are not the machine's.
fn certificates(options: &RedisOptions) -> RedisResult<Option<TlsCertificates>> {
    let Some(file) = &options.ca_file else { return Ok(None) };
    let root_cert = std::fs::read(file).map_err(|error| {
        let what = format!("{}: {error}", file.display());
        RedisError::from((redis::ErrorKind::InvalidClientConfig, "cannot read the CA file", what))
    })?;
    Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(root_cert) }))
}

fn sentinel(options: &RedisOptions, master: &str) -> RedisResult<SentinelClient> {
    let addresses = options.hosts.iter().map(|host| address(options, host));
    let master = master.to_owned();
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
        .set_client_to_redis_db(options.database.into());
    if options.tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates(options)? {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    if let Some(user) = &options.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = &options.password {
        builder = builder.set_client_to_redis_password(password);
    }
    builder.build()
}

fn cluster(options: &RedisOptions) -> RedisResult<ClusterClient> {
    let nodes: Vec<ConnectionInfo> =
        options.hosts.iter().map(|host| info(options, host)).collect::<RedisResult<_>>()?;
    let mut builder = ClusterClient::builder(nodes)
        .connection_timeout(options.connect_timeout)
        .response_timeout(options.response_timeout);
    if options.tls {
        builder = builder.tls(TlsMode::Secure);
    }
    if let Some(certificates) = certificates(options)? {
        builder = builder.certs(certificates);
    }
    if let Some(user) = &options.user {
        builder = builder.username(user);
    }
    if let Some(password) = &options.password {
        builder = builder.password(password);
    }
    builder.build()
}

fn info(options: &RedisOptions, host: &Host) -> RedisResult<ConnectionInfo> {
    let mut settings = RedisConnectionInfo::default().set_db(options.database.into());
    if let Some(user) = &options.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &options.password {
        settings = settings.set_password(password);
    }
    Ok(address(options, host).into_connection_info()?.set_redis_settings(settings))
}

fn address(options: &RedisOptions, host: &Host) -> ConnectionAddr {
    let (host, port) = (host.name.clone(), host.port);
    if options.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}
