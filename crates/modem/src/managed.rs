//! A modem that ModemManager looks after, over D-Bus.
//!
//! It is connected anew with what it was connected with before, or reset and then connected. Once
//! it has been disconnected, connecting it is tried until that works or the time is over: a modem
//! that is left without a connection is worse than any address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Proxy, connection};

use crate::{Driver, Error, Rotated, Rotating};

const SERVICE: &str = "org.freedesktop.ModemManager1";
const ROOT: &str = "/org/freedesktop/ModemManager1";
const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
const MODEM: &str = "org.freedesktop.ModemManager1.Modem";
const SIMPLE: &str = "org.freedesktop.ModemManager1.Modem.Simple";
const BEARER: &str = "org.freedesktop.ModemManager1.Bearer";

/// A port of a modem that carries packets.
const NET_PORT: u32 = 2;

/// How long is waited before something is tried or looked at again.
const AGAIN: Duration = Duration::from_millis(500);

/// Objects with their interfaces and properties.
type Objects = HashMap<OwnedObjectPath, HashMap<String, Values>>;
type Values = HashMap<String, OwnedValue>;

/// Where ModemManager is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bus {
    /// At the system's bus.
    System,
    /// At the bus of this address.
    Address(String),
}

/// How a modem is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its equipment identifier (IMEI).
    Imei(String),
    /// By the interface that it gives this machine.
    Interface(String),
}

/// A modem that ModemManager looks after.
#[derive(Debug)]
pub struct Managed {
    bus: Bus,
    which: Which,
    reset: bool,
}

/// A modem as it was found.
struct Found {
    path: OwnedObjectPath,
    imei: String,
    /// What it is or was connected with.
    bearer: Option<Values>,
}

impl Managed {
    /// The modem `which`; it is reset rather than connected anew if `reset` says so.
    pub fn new(bus: Bus, which: Which, reset: bool) -> Managed {
        Managed { bus, which, reset }
    }

    async fn dial(&self) -> Result<Rotated, Error> {
        let connected = match &self.bus {
            Bus::System => Connection::system().await,
            Bus::Address(address) => match connection::Builder::address(address.as_str()) {
                Ok(builder) => builder.build().await,
                Err(error) => Err(error),
            },
        };
        let bus = connected.map_err(|error| failed(&error))?;
        let found = find(&objects(&bus).await?, &self.which)
            .ok_or_else(|| Error::Unreachable("ModemManager knows no such modem".to_owned()))?;
        let bearer = found.bearer.as_ref();
        let bearer = bearer.ok_or_else(|| Error::Refused("it has never connected".to_owned()))?;
        let settings: Values = of(bearer, "Properties").unwrap_or_default();
        let old = address(bearer);
        let path = match self.reset {
            true => reset(&bus, &found).await?,
            false => {
                let all = ObjectPath::from_static_str_unchecked("/");
                let simple = proxy(&bus, &found.path, SIMPLE).await?;
                // If it is not connected now, there is nothing to be broken off.
                let _ = simple.call_method("Disconnect", &(all,)).await;
                found.path
            }
        };
        let new = connect(&bus, &path, &settings).await;
        Ok(Rotated { old, new: address(&new) })
    }
}

impl Driver for Managed {
    fn rotate(&self, _: Option<IpAddr>) -> Rotating<'_> {
        Box::pin(self.dial())
    }
}

/// Resets a modem, and waits until it is there again, as another object.
async fn reset(bus: &Connection, found: &Found) -> Result<OwnedObjectPath, Error> {
    let modem = proxy(bus, &found.path, MODEM).await?;
    modem.call_method("Reset", &()).await.map_err(|error| failed(&error))?;
    let which = Which::Imei(found.imei.clone());
    loop {
        tokio::time::sleep(AGAIN).await;
        let Ok(objects) = objects(bus).await else { continue };
        match find(&objects, &which) {
            Some(again) if again.path != found.path => return Ok(again.path),
            _ => {}
        }
    }
}

/// Connects a modem, however often that has to be tried; what it is connected with.
async fn connect(bus: &Connection, path: &OwnedObjectPath, settings: &Values) -> Values {
    loop {
        if let Ok(bearer) = try_to_connect(bus, path, settings).await {
            return bearer;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn try_to_connect(
    bus: &Connection,
    path: &OwnedObjectPath,
    settings: &Values,
) -> Result<Values, Error> {
    let simple = proxy(bus, path, SIMPLE).await?;
    let bearer: OwnedObjectPath =
        simple.call("Connect", &(settings,)).await.map_err(|error| failed(&error))?;
    let mut objects = objects(bus).await?;
    let mut bearer = objects.remove(&bearer).unwrap_or_default();
    Ok(bearer.remove(BEARER).unwrap_or_default())
}

async fn proxy<'b>(
    bus: &'b Connection,
    path: &'b OwnedObjectPath,
    interface: &'static str,
) -> Result<Proxy<'b>, Error> {
    Proxy::new(bus, SERVICE, path, interface).await.map_err(|error| failed(&error))
}

async fn objects(bus: &Connection) -> Result<Objects, Error> {
    let root = Proxy::new(bus, SERVICE, ROOT, OBJECTS).await.map_err(|error| failed(&error))?;
    root.call("GetManagedObjects", &()).await.map_err(|error| failed(&error))
}

/// The modem `which`, with the bearer that is connected, or else the last one that was.
fn find(objects: &Objects, which: &Which) -> Option<Found> {
    let is_it = |modem: &Values| match which {
        Which::Imei(imei) => of::<String>(modem, "EquipmentIdentifier").as_ref() == Some(imei),
        Which::Interface(name) => {
            let ports: Vec<(String, u32)> = of(modem, "Ports").unwrap_or_default();
            ports.iter().any(|(port, kind)| port == name && *kind == NET_PORT)
        }
    };
    let modems = objects.iter().filter_map(|(path, faces)| Some((path, faces.get(MODEM)?)));
    let (path, modem) = modems.into_iter().find(|(_, modem)| is_it(modem))?;
    let bearers: Vec<OwnedObjectPath> = of(modem, "Bearers").unwrap_or_default();
    let bearers: Vec<&Values> =
        bearers.iter().filter_map(|path| objects.get(path)?.get(BEARER)).collect();
    let connected = bearers.iter().find(|bearer| of(bearer, "Connected") == Some(true));
    let bearer = connected.or(bearers.last()).copied();
    Some(Found {
        path: path.clone(),
        imei: of(modem, "EquipmentIdentifier").unwrap_or_default(),
        bearer: bearer.map(|it| it.iter().filter_map(cloned).collect()),
    })
}

fn cloned((name, value): (&String, &OwnedValue)) -> Option<(String, OwnedValue)> {
    Some((name.clone(), value.try_clone().ok()?))
}

/// The address of a bearer, if it tells one.
fn address(bearer: &Values) -> Option<IpAddr> {
    let told = |name| {
        let config: Values = of(bearer, name)?;
        of::<String>(&config, "address")?.parse().ok()
    };
    told("Ip4Config").or_else(|| told("Ip6Config"))
}

/// A property, if it is there and what is expected.
fn of<T>(values: &Values, name: &str) -> Option<T>
where
    T: TryFrom<OwnedValue>,
{
    values.get(name)?.try_clone().ok()?.try_into().ok()
}

/// What is said of an error of the bus. Its own words could hold a password of the network.
fn failed(error: &zbus::Error) -> Error {
    match error {
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                Error::Unreachable("ModemManager does not run".to_owned())
            }
            name => Error::Refused(name.to_owned()),
        },
        zbus::Error::InputOutput(error) => Error::Unreachable(format!("the bus: {error}")),
        _ => Error::Unreachable("the bus cannot be used".to_owned()),
    }
}
