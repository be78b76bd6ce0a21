//! Targets: one text, one meaning, and the policy has an answer to it.

use std::net::SocketAddr;
use std::sync::LazyLock;

use gateway::policy::{Policy, Transport};
use gateway::target::{Host, Target};

static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(target) = Target::from_authority(bytes, Some(80)) {
        assert_eq!(
            Target::from_authority(target.to_string().as_bytes(), None).as_ref(),
            Ok(&target)
        );
        judge(target.host(), target.port());
    }
    if let Some(host) = Host::alone(bytes) {
        judge(&host, 443);
    }
}

fn judge(host: &Host, port: u16) {
    match host {
        Host::Address(address) => {
            if let Ok(to) = POLICY.judge(SocketAddr::new(*address, port), Transport::Tcp, None) {
                assert!(!to.ip().is_loopback() && !to.ip().is_unspecified());
                assert_eq!(POLICY.judge(to, Transport::Tcp, None), Ok(to));
            }
        }
        Host::Name(name) => {
            let last = name.as_str().rsplit('.').next().unwrap_or_default();
            assert!(!last.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
            let _ = POLICY.judge_name(name);
        }
    }
}
