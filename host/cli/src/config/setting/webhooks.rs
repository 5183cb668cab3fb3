//! Webhooks.

use zapjobs_model::grants::{Network, PrivateAddresses};

use super::Setting;

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "webhooks.allow",
    meaning: "Addresses beside those of the public internet that webhooks may be sent to; none where empty.",
    bounds: "private (private networks and this machine), or networks such as 10.1.0.0/16,127.0.0.1",
    read: |config| match &config.webhooks {
        PrivateAddresses::None => String::new(),
        PrivateAddresses::Private => "private".to_owned(),
        PrivateAddresses::Networks(networks) => {
            networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
    },
    write: |config, text| {
        config.webhooks = match text.trim() {
            "" => PrivateAddresses::None,
            "private" => PrivateAddresses::Private,
            networks => {
                let networks = networks.split(',').map(|network| Network::parse(network.trim()));
                let networks = networks.collect::<Result<_, _>>();
                PrivateAddresses::Networks(networks.map_err(|error| error.to_string())?)
            }
        };
        Ok(())
    },
}];
