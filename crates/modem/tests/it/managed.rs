//! ModemManager, as a service of the test at a bus of its own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use modem::managed::{Bus, Managed, Which};
use modem::{Error, Rotated, within};
use tempfile::TempDir;
use zbus::object_server::ObjectServer;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection, fdo, interface};

const IMEI: &str = "490154203237518";
const PATIENCE: Duration = Duration::from_secs(10);

/// A bus, until dropped.
struct Daemon {
    address: String,
    process: Child,
    _folder: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn daemon() -> Daemon {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bus.conf");
    let place = folder.path().display();
    let config = format!(
        "<busconfig><type>session</type><listen>unix:dir={place}</listen><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
         </policy></busconfig>"
    );
    std::fs::write(&file, config).unwrap();
    let mut process = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", file.display()))
        .args(["--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("dbus-daemon is installed (package dbus-daemon or dbus)");
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    Daemon { address: address.trim().to_owned(), process, _folder: folder }
}

/// What has happened to the modem, and which addresses it will be given.
#[derive(Default)]
struct Story {
    events: Vec<String>,
    addresses: Vec<&'static str>,
    /// How often it will not connect.
    fails: u32,
}

type Shared = Arc<Mutex<Story>>;

struct Modem {
    story: Shared,
    number: u32,
    bearers: Vec<OwnedObjectPath>,
}

#[interface(name = "org.freedesktop.ModemManager1.Modem")]
impl Modem {
    #[zbus(property)]
    fn equipment_identifier(&self) -> &str {
        IMEI
    }

    #[zbus(property)]
    fn ports(&self) -> Vec<(String, u32)> {
        vec![("ttyUSB0".to_owned(), 3), ("wwan0".to_owned(), 2)]
    }

    #[zbus(property)]
    fn bearers(&self) -> Vec<OwnedObjectPath> {
        self.bearers.clone()
    }

    async fn reset(&self, #[zbus(object_server)] server: &ObjectServer) {
        self.story.lock().unwrap().events.push("reset".to_owned());
        let (story, server, number) = (Arc::clone(&self.story), server.clone(), self.number);
        tokio::spawn(async move {
            let path = modem_path(number);
            server.remove::<Modem, _>(&path).await.unwrap();
            server.remove::<Simple, _>(&path).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            add(&server, story, number + 1, Vec::new()).await;
        });
    }
}

struct Simple {
    story: Shared,
    number: u32,
}

#[interface(name = "org.freedesktop.ModemManager1.Modem.Simple")]
impl Simple {
    async fn connect(
        &self,
        settings: HashMap<String, OwnedValue>,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        let (number, address) = {
            let mut story = self.story.lock().unwrap();
            let apn = String::try_from(settings["apn"].try_clone().unwrap()).unwrap();
            story.events.push(format!("connect {apn}"));
            if story.fails > 0 {
                story.fails -= 1;
                return Err(fdo::Error::Failed("no network, password hunter2".to_owned()));
            }
            (story.events.len(), story.addresses.remove(0))
        };
        let path =
            OwnedObjectPath::try_from(format!("/org/freedesktop/ModemManager1/Bearer/{number}"));
        let path = path.unwrap();
        server.at(&path, Bearer { connected: true, address }).await.unwrap();
        let modem = server.interface::<_, Modem>(modem_path(self.number)).await.unwrap();
        modem.get_mut().await.bearers.push(path.clone());
        Ok(path)
    }

    async fn disconnect(
        &self,
        bearer: ObjectPath<'_>,
        #[zbus(object_server)] server: &ObjectServer,
    ) {
        self.story.lock().unwrap().events.push(format!("disconnect {bearer}"));
        let modem = server.interface::<_, Modem>(modem_path(self.number)).await.unwrap();
        for path in modem.get().await.bearers.clone() {
            let bearer = server.interface::<_, Bearer>(&path).await.unwrap();
            bearer.get_mut().await.connected = false;
        }
    }
}

struct Bearer {
    connected: bool,
    address: &'static str,
}

#[interface(name = "org.freedesktop.ModemManager1.Bearer")]
impl Bearer {
    #[zbus(property)]
    fn connected(&self) -> bool {
        self.connected
    }

    #[zbus(property)]
    fn ip4_config(&self) -> HashMap<String, OwnedValue> {
        let value = |value: Value<'_>| value.try_to_owned().unwrap();
        match self.address {
            "" => HashMap::from([("method".to_owned(), value(Value::from(3_u32)))]),
            address => HashMap::from([("address".to_owned(), value(Value::from(address)))]),
        }
    }

    #[zbus(property)]
    fn properties(&self) -> HashMap<String, OwnedValue> {
        let apn = Value::from("internet").try_to_owned().unwrap();
        HashMap::from([("apn".to_owned(), apn)])
    }
}

fn modem_path(number: u32) -> OwnedObjectPath {
    let path = format!("/org/freedesktop/ModemManager1/Modem/{number}");
    OwnedObjectPath::try_from(path).unwrap()
}

async fn add(server: &ObjectServer, story: Shared, number: u32, bearers: Vec<OwnedObjectPath>) {
    let simple = Simple { story: Arc::clone(&story), number };
    server.at(modem_path(number), simple).await.unwrap();
    server.at(modem_path(number), Modem { story, number, bearers }).await.unwrap();
}

/// A service at the bus, whose modem is connected and will be given these addresses.
async fn service(daemon: &Daemon, addresses: &[&'static str]) -> (Connection, Shared) {
    let story = Shared::default();
    story.lock().unwrap().addresses = addresses.to_vec();
    let bus = connection::Builder::address(daemon.address.as_str()).unwrap().build().await.unwrap();
    let server = bus.object_server();
    server.at("/org/freedesktop/ModemManager1", fdo::ObjectManager).await.unwrap();
    let path = OwnedObjectPath::try_from("/org/freedesktop/ModemManager1/Bearer/0").unwrap();
    server.at(&path, Bearer { connected: true, address: "10.0.0.1" }).await.unwrap();
    add(server, Arc::clone(&story), 0, vec![path]).await;
    bus.request_name("org.freedesktop.ModemManager1").await.unwrap();
    (bus, story)
}

fn modem_at(daemon: &Daemon, which: Which, reset: bool) -> Managed {
    Managed::new(Bus::Address(daemon.address.clone()), which, reset)
}

fn rotated(old: &str, new: &str) -> Rotated {
    Rotated { old: old.parse().ok(), new: new.parse().ok() }
}

#[tokio::test]
async fn a_modem_is_connected_anew_with_what_it_was_connected_with() {
    let daemon = daemon();
    let (_bus, story) = service(&daemon, &["10.0.0.2", ""]).await;
    for which in [Which::Imei(IMEI.to_owned()), Which::Interface("wwan0".to_owned())] {
        let modem = modem_at(&daemon, which.clone(), false);
        let told = within(PATIENCE, &modem, None).await.unwrap();
        let expected = match which {
            Which::Imei(_) => rotated("10.0.0.1", "10.0.0.2"),
            // One that does not tell its address.
            Which::Interface(_) => rotated("10.0.0.2", ""),
        };
        assert_eq!(told, expected);
    }
    let once = ["disconnect /", "connect internet"];
    assert_eq!(story.lock().unwrap().events, [once, once].concat());
}

#[tokio::test]
async fn it_is_connected_again_however_often_that_has_to_be_tried() {
    let daemon = daemon();
    let (_bus, story) = service(&daemon, &["10.0.0.2"]).await;
    story.lock().unwrap().fails = 2;
    let modem = modem_at(&daemon, Which::Imei(IMEI.to_owned()), false);
    let told = within(PATIENCE, &modem, None).await.unwrap();
    assert_eq!(told, rotated("10.0.0.1", "10.0.0.2"));
    assert_eq!(story.lock().unwrap().events.len(), 4);
    story.lock().unwrap().fails = u32::MAX;
    let tried = within(Duration::from_millis(1200), &modem, None).await;
    assert!(matches!(tried, Err(Error::TimedOut)));
}

#[tokio::test]
async fn a_modem_that_is_reset_is_waited_for() {
    let daemon = daemon();
    let (_bus, story) = service(&daemon, &["10.0.0.9"]).await;
    let modem = modem_at(&daemon, Which::Interface("wwan0".to_owned()), true);
    let told = within(PATIENCE, &modem, None).await.unwrap();
    assert_eq!(told, rotated("10.0.0.1", "10.0.0.9"));
    assert_eq!(story.lock().unwrap().events, ["reset", "connect internet"]);
}

#[tokio::test]
async fn who_is_not_there_is_said() {
    let daemon = daemon();
    let imei = || Which::Imei("123456789012345".to_owned());
    let told = within(PATIENCE, &modem_at(&daemon, imei(), false), None).await;
    let Err(Error::Unreachable(why)) = told else { panic!("{told:?}") };
    assert_eq!(why, "ModemManager does not run");
    let (_bus, story) = service(&daemon, &[]).await;
    let told = within(PATIENCE, &modem_at(&daemon, imei(), false), None).await;
    let Err(Error::Unreachable(why)) = told else { panic!("{told:?}") };
    assert_eq!(why, "ModemManager knows no such modem");
    assert!(story.lock().unwrap().events.is_empty());
    let nowhere = Bus::Address("unix:path=/nonexistent/bus".to_owned());
    let told = within(PATIENCE, &Managed::new(nowhere, imei(), false), None).await;
    assert!(matches!(told, Err(Error::Unreachable(_))), "{told:?}");
}
